//! Session keys: the routing names of conversations.
//!
//! A [`SessionKey`] is canonical by construction: [`SessionKey::parse`] reads whatever a client sends,
//! the constructors in [`route`] build keys for inbound messages, and nobody normalises again. Keys are lower-case;
//! most start with `agent:<id>:`. A key says which agent's store holds the session, and which shard owns it.

mod parse;
pub mod route;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::agent::AgentId;

pub use parse::{KEY_BYTES_MAX, KeyError, KeyRules};
pub use route::DmScope;

/// Canonical name of a conversation. Cheap to clone; equal keys are equal texts.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(Arc<str>);

/// What a key alone says about its conversation. Rows also look at the entry, see `row`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// The one conversation of `session.scope: "global"`.
    Global,
    /// Messages that cannot be attributed.
    Unknown,
    /// A group or channel.
    Group,
    /// Everything else.
    Direct,
}

/// What sort of room a key names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// `<channel>:group:<id>`
    Group,
    /// `<channel>:channel:<id>`
    Channel,
}

/// The parts of a group or channel key, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room<'a> {
    /// Messaging platform: `discord`.
    pub channel: &'a str,
    /// Group or channel.
    pub kind: RoomKind,
    /// The platform's id, with any `:topic:` or `:thread:` tail.
    pub id: &'a str,
}

/// Markers before a thread's id.
const THREAD_MARKERS: [&str; 2] = [":thread:", ":topic:"];

impl SessionKey {
    /// `global`: the one conversation of `session.scope: "global"`.
    pub fn global() -> SessionKey {
        SessionKey("global".into())
    }

    /// `unknown`: messages that cannot be attributed.
    pub fn unknown() -> SessionKey {
        SessionKey("unknown".into())
    }

    /// Takes a key from a store we wrote. It was canonical when it was written; only its case is made sure of.
    pub fn from_stored(text: &str) -> SessionKey {
        SessionKey(text.trim().to_lowercase().into())
    }

    fn from_canonical(text: String) -> SessionKey {
        debug_assert!(text == text.to_lowercase(), "constructors lower-case every part");
        SessionKey(text.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The agent id as it stands in the key, not sanitised; `None` for `global`, `unknown` and malformed keys.
    pub fn agent_id(&self) -> Option<&str> {
        self.split().map(|(agent, _)| agent)
    }

    /// What follows `agent:<id>:`; the whole key where there is no such head.
    pub fn rest(&self) -> &str {
        self.split().map_or(&self.0, |(_, rest)| rest)
    }

    /// The agent whose store holds the session. Keys without an agent live in the default agent's store.
    pub fn store_agent(&self, default_agent: &AgentId) -> AgentId {
        self.agent_id().map_or_else(|| default_agent.clone(), AgentId::sanitise)
    }

    /// What the key alone says of the conversation.
    pub fn kind(&self) -> SessionKind {
        match &*self.0 {
            "global" => SessionKind::Global,
            "unknown" => SessionKind::Unknown,
            key if key.contains(":group:") || key.contains(":channel:") => SessionKind::Group,
            _ => SessionKind::Direct,
        }
    }

    /// Whether this is the main conversation of its agent (any agent), or the global one.
    pub fn is_main(&self, main_key: &str) -> bool {
        &*self.0 == "global" || self.split().is_some_and(|(_, rest)| rest == main_key)
    }

    /// Whether this is a cron job's conversation or one of its runs.
    pub fn is_cron(&self) -> bool {
        self.rest().starts_with("cron:")
    }

    /// Whether this is one run of a cron job: `cron:<job>:run:<session>`. Lists leave these out.
    pub fn is_cron_run(&self) -> bool {
        let mut parts = self.rest().split(':');
        matches!(
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()),
            (Some("cron"), Some(job), Some("run"), Some(run), None) if !job.is_empty() && !run.is_empty()
        )
    }

    /// Whether a spawned agent talks here: `subagent:…`.
    pub fn is_subagent(&self) -> bool {
        self.rest().starts_with("subagent:")
    }

    /// Whether an external agent harness talks here: `acp:…`.
    pub fn is_acp(&self) -> bool {
        self.rest().starts_with("acp:")
    }

    /// The conversation a thread hangs off: the key before its last `:thread:` or `:topic:`.
    pub fn thread_parent(&self) -> Option<SessionKey> {
        let (at, _) = self.thread_marker()?;
        self.0.get(..at).filter(|parent| !parent.is_empty()).map(|parent| SessionKey(parent.into()))
    }

    /// The id after the last `:thread:` or `:topic:`.
    pub fn thread_id(&self) -> Option<&str> {
        let (at, marker) = self.thread_marker()?;
        self.0.get(at + marker.len()..).filter(|id| !id.is_empty())
    }

    /// The parts of a `<channel>:group:<id>` or `<channel>:channel:<id>` key.
    pub fn room(&self) -> Option<Room<'_>> {
        let (channel, after) = self.rest().split_once(':')?;
        let (kind, id) = after.split_once(':')?;
        let kind = match kind {
            "group" => RoomKind::Group,
            "channel" => RoomKind::Channel,
            _ => return None,
        };
        (!channel.is_empty() && !id.is_empty()).then_some(Room { channel, kind, id })
    }

    /// Which of `shards` owns the session: the same on every machine and in every version, since logs and journals
    /// name shards. FNV-1a of the text, finished as MurmurHash3 finishes its 64 bits, because FNV alone leaves keys
    /// that differ in their last letters close together.
    pub fn shard(&self, shards: u8) -> u8 {
        let mut hash = fnv1a(self.0.as_bytes());
        for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
            hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
        }
        ((hash ^ (hash >> 33)) % u64::from(shards.max(1))) as u8
    }

    fn split(&self) -> Option<(&str, &str)> {
        parse::split_agent(&self.0)
    }

    fn thread_marker(&self) -> Option<(usize, &'static str)> {
        THREAD_MARKERS.iter().filter_map(|marker| Some((self.0.rfind(marker)?, *marker))).max()
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({})", self.0)
    }
}

impl Borrow<str> for SessionKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SessionKey {
        SessionKey::from_stored(text)
    }

    #[test]
    fn what_a_key_says() {
        assert_eq!(key("agent:bad id!:x").agent_id(), Some("bad id!"));
        assert_eq!(key("agent:bad id!:x").store_agent(&AgentId::default()).as_str(), "bad-id");
        assert_eq!(key("agent:ops").agent_id(), None);
        assert_eq!(key("agent:ops").store_agent(&AgentId::sanitise("home")).as_str(), "home");
        assert_eq!(key("agent:main:a::b").rest(), "a::b");
        assert!(key("agent:ops:main").is_main("main"));
        assert!(key("global").is_main("main"));
        assert!(!key("agent:ops:main:thread:1").is_main("main"));
        assert!(key("agent:main:cron:job1").is_cron() && !key("agent:main:cron:job1").is_cron_run());
        assert!(key("agent:main:cron:job1:run:r1").is_cron_run());
        assert!(!key("agent:main:cron:job1:run:").is_cron_run());
        assert!(key("agent:main:subagent:x:subagent:y").is_subagent());
        assert!(!key("agent:main:x:subagent:y").is_subagent());
        assert!(key("agent:main:acp:abc").is_acp());
    }

    #[test]
    fn kinds_and_rooms() {
        assert_eq!(key("global").kind(), SessionKind::Global);
        assert_eq!(key("unknown").kind(), SessionKind::Unknown);
        assert_eq!(key("agent:main:telegram:group:-1:topic:7").kind(), SessionKind::Group);
        assert_eq!(key("agent:main:telegram:direct:42").kind(), SessionKind::Direct);
        assert_eq!(
            key("agent:main:discord:channel:12345").room(),
            Some(Room { channel: "discord", kind: RoomKind::Channel, id: "12345" })
        );
        assert_eq!(key("agent:main:telegram:direct:42").room(), None);
        assert_eq!(key("agent:main:discord:group:").room(), None);
    }

    #[test]
    fn threads_have_parents() {
        let nested = key("agent:main:slack:channel:c1:thread:1700000000.1:topic:9");
        assert_eq!(nested.thread_parent(), Some(key("agent:main:slack:channel:c1:thread:1700000000.1")));
        assert_eq!(nested.thread_id(), Some("9"));
        assert_eq!(key("agent:main:main").thread_parent(), None);
        assert_eq!(key("agent:main:main:thread:").thread_id(), None);
    }

    #[test]
    fn the_shard_is_stable_and_spread() {
        // The published vectors of FNV-1a, 64 bits.
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(key("agent:main:main").shard(1), 0);
        assert_eq!(key("agent:main:main").shard(0), 0, "no shards is one shard");
        let mut counts = [0u32; 8];
        for n in 0..8000 {
            counts[usize::from(key(&format!("agent:main:direct:{n}")).shard(8))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}

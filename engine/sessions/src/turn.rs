//! One accepted message, and everything needed to run it, also after a restart.

use pincer_protocol::Wire;
use serde::{Deserialize, Deserializer, Serialize};

use crate::entry::level::{Elevated, Reasoning, Thinking, Verbose};
use crate::idempotency::Fingerprint;
use crate::key::SessionKey;
use crate::queue::QueuePolicy;

/// One accepted message and everything needed to run it.
///
/// `run_id` names the run that the message becomes. A message that had to wait was already answered under the client's
/// id (an empty `final`, as upstream does), so whoever starts it from the queue gives it a fresh one; see
/// [`Origin::queues_by_mode`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Order of acceptance within a shard; the scheduler fills it in.
    #[serde(default)]
    pub seq: u64,
    /// Names the run, in events and to `chat.abort`.
    pub run_id: String,
    /// The client's idempotency key or the channel's message id; a second one with the same id is dropped.
    pub message_id: String,
    /// Whose session.
    #[serde(deserialize_with = "stored_key")]
    pub session_key: SessionKey,
    /// The key as the client spelled it: some v3 events echo it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelled_key: Option<String>,
    /// The wire it came over; decides small differences, like who is told what.
    #[serde(with = "wire_number")]
    pub wire: Wire,
    /// Where it came from.
    pub origin: Origin,
    /// What was said, already cleaned.
    pub text: String,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// Where the answer goes, besides events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// What a channel knows of a message that it heard; `None` for what is said to the agent through a method. Decides
    /// whether it wakes the agent where it was said in a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
    /// Settings for this message only.
    #[serde(default)]
    pub options: TurnOptions,
    /// What was asked for, to tell a repeat from another use of the same id.
    #[serde(default)]
    pub fingerprint: Fingerprint,
    /// Milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// Message ids of what was merged into this turn, oldest first, without its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_ids: Vec<String>,
    /// The defender wanted a person to look at it, and one let it through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

impl Turn {
    /// Bytes it holds while it waits, roughly.
    pub fn cost(&self) -> usize {
        const FIXED: usize = 512; // the struct, its small fields and its place in the queue
        FIXED
            + self.run_id.len()
            + self.message_id.len()
            + self.text.len()
            + self.attachments.iter().map(|attachment| attachment.data.len()).sum::<usize>()
    }

    /// Whether `message_id` is this turn's or was merged into it.
    pub fn carries(&self, message_id: &str) -> bool {
        self.message_id == message_id || self.merged_ids.iter().any(|id| id == message_id)
    }

    /// Whether `other` may be told to the model in one prompt with this one: prompts only, same route, same settings.
    pub fn merges_with(&self, other: &Turn) -> bool {
        let plain = |turn: &Turn| {
            turn.origin.queues_by_mode() && turn.attachments.is_empty() && turn.merged_ids.is_empty()
        };
        plain(self)
            && plain(other)
            && self.released == other.released
            && self.route == other.route
            && self.options == other.options
    }
}

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `chat.send` and the like: a person at a client.
    Chat,
    /// A messaging channel.
    Channel,
    /// A node's voice.
    Node,
    /// The `agent` method: its caller waits for the result.
    Agent,
    /// A cron job.
    Cron,
    /// A webhook.
    Hook,
}

impl Origin {
    /// Whether the session's queue mode applies. The others always wait in line and run alone under their own run id:
    /// somebody waits for exactly this result.
    pub fn queues_by_mode(self) -> bool {
        matches!(self, Origin::Chat | Origin::Channel | Origin::Node)
    }
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `image/png` …
    pub mime_type: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Base64 of the bytes, checked.
    pub data: String,
    /// How many bytes they are.
    pub bytes: u64,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sender {
    /// Client id, or the channel's id of the person.
    pub id: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What kind of client it used: `client.mode`; absent for a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether it is the owner of this gateway.
    #[serde(default)]
    pub owner: bool,
}

impl Sender {
    /// The name for people, or the id.
    pub fn label(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.id)
    }
}

/// Where an answer goes besides events: upstream's delivery context.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// `telegram`, `webchat` …
    pub channel: String,
    /// The peer on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The account on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
}

/// What a channel knows of a message besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// The platform itself marked the agent as mentioned; `None` when it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<bool>,
    /// It answers something the agent said.
    #[serde(default)]
    pub answers_agent: bool,
}

/// Settings that hold for one message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnOptions {
    /// Thinking level instead of the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// Verbose level instead of the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbose: Option<Verbose>,
    /// Reasoning level instead of the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// Elevated level instead of the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevated: Option<Elevated>,
    /// `provider/model` instead of the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Most time the run may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Whether the answer also goes to the route.
    #[serde(default)]
    pub deliver: bool,
    /// More instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_system_prompt: Option<String>,
}

/// A row of [`crate::persist::Table::Turns`]. Written before the message is acknowledged, removed when its run has
/// ended (or when it left the queue some other way).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnRecord<T = Turn> {
    /// Whether it had begun.
    pub state: TurnState,
    /// What its queue goes by; the mode is the one the message itself queues by.
    pub policy: QueuePolicy,
    /// The message.
    pub turn: T,
    /// It comes from the quarantine, and that is not noted there yet; it is held so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<TurnRelease>,
}

/// A person's word that what the defender had blocked is said after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnRelease {
    /// The quarantine's entry.
    pub entry: String,
    /// Who let it through.
    pub by: String,
}

/// Key of a turn's row. A client may use one id in two sessions, and their shards write rows without asking each other,
/// so the session is in it. The length in front keeps the two parts apart, whatever they hold.
pub fn row_id(session: &SessionKey, run_id: &str) -> String {
    let session = session.as_str();
    format!("{}:{session}:{run_id}", session.len())
}

/// How far an accepted message had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnState {
    /// It waits; after a crash it runs.
    Queued,
    /// It runs; after a crash it is reported as interrupted.
    Running,
    /// The defender wants a person to look at it first; after a crash it still waits.
    Held,
}

/// How long a run may take in all before it is stopped (`stopReason` `timeout`), in milliseconds: upstream's rule is
/// the run's timeout and a minute of grace, at least two minutes and at most a day.
pub fn run_limit_ms(timeout_ms: u64) -> u64 {
    const GRACE_MS: u64 = 60_000;
    const MIN_MS: u64 = 2 * 60_000;
    const MAX_MS: u64 = 24 * 60 * 60_000;
    timeout_ms.saturating_add(GRACE_MS).clamp(MIN_MS, MAX_MS)
}

fn stored_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SessionKey, D::Error> {
    Ok(SessionKey::from_stored(&String::deserialize(deserializer)?))
}

mod wire_number {
    use pincer_protocol::Wire;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(wire: &Wire, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(wire.number())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Wire, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Wire::negotiate(number, number).ok_or_else(|| de::Error::custom("not a protocol generation"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::queue::QueuePolicy;

    /// A small chat message; the id is its run, message id and text.
    pub(crate) fn turn(id: &str) -> Turn {
        Turn {
            seq: 0,
            run_id: id.to_owned(),
            message_id: id.to_owned(),
            session_key: SessionKey::from_stored("agent:main:main"),
            spelled_key: None,
            wire: Wire::V3,
            origin: Origin::Chat,
            text: id.to_owned(),
            attachments: Vec::new(),
            sender: None,
            route: None,
            heard: None,
            options: TurnOptions::default(),
            fingerprint: Fingerprint::default(),
            accepted_at_ms: 0,
            merged_ids: Vec::new(),
            released: false,
        }
    }

    #[test]
    fn a_record_survives_the_store() {
        let mut original = turn("r1");
        original.wire = Wire::V4;
        original.attachments.push(Attachment {
            mime_type: "image/png".into(),
            file_name: None,
            data: "AA==".into(),
            bytes: 1,
        });
        original.sender = Some(Sender { id: "cli".into(), name: None, mode: None, owner: true });
        let record = TurnRecord {
            state: TurnState::Queued,
            policy: QueuePolicy::default_for(Wire::V4),
            turn: &original,
            release: None,
        };
        let json = serde_json::to_string(&record).unwrap();
        assert!(!json.contains('\n'));
        let back: TurnRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(back.turn, original);
        assert_eq!(back.policy, record.policy);
    }

    #[test]
    fn only_plain_prompts_of_one_route_merge() {
        let (a, mut b) = (turn("a"), turn("b"));
        assert!(a.merges_with(&b));
        b.route = Some(Route { channel: "telegram".into(), ..Route::default() });
        assert!(!a.merges_with(&b));
        let mut c = turn("c");
        c.origin = Origin::Agent;
        assert!(!a.merges_with(&c) && !c.merges_with(&a));
    }

    #[test]
    fn runs_are_limited() {
        assert_eq!(run_limit_ms(0), 120_000);
        assert_eq!(run_limit_ms(600_000), 660_000);
        assert_eq!(run_limit_ms(u64::MAX), 86_400_000);
    }
}

//! Keys for messages that arrive without one: direct messages, rooms, threads, jobs, hooks, nodes, spawned agents.

use serde::{Deserialize, Serialize};

use super::{KeyRules, RoomKind, SessionKey};
use crate::agent::AgentId;

/// `session.dmScope`: which direct messages share one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DmScope {
    /// All of an agent's, in its main conversation.
    #[default]
    Main,
    /// One each person, over all channels.
    PerPeer,
    /// One each person and channel.
    PerChannelPeer,
    /// One each person, channel and own account there.
    PerAccountChannelPeer,
}

/// Where a direct message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectPeer<'a> {
    /// Messaging platform.
    pub channel: &'a str,
    /// Our own account there; empty means `default`.
    pub account: &'a str,
    /// The person's id there, or a linked name, see [`linked_name`].
    pub peer: &'a str,
}

impl SessionKey {
    /// A direct message's conversation. Without a peer it is the main one, whatever the scope.
    pub fn direct(rules: &KeyRules<'_>, agent: &AgentId, scope: DmScope, from: DirectPeer<'_>) -> SessionKey {
        let DirectPeer { channel, account, peer } = from;
        let account = if account.trim().is_empty() { "default" } else { account };
        let channel = if channel.trim().is_empty() { "unknown" } else { channel };
        match scope {
            _ if peer.trim().is_empty() => rules.main_key_of(agent),
            DmScope::Main => rules.main_key_of(agent),
            DmScope::PerPeer => build(agent, &["direct", peer]),
            DmScope::PerChannelPeer => build(agent, &[channel, "direct", peer]),
            DmScope::PerAccountChannelPeer => build(agent, &[channel, account, "direct", peer]),
        }
    }

    /// A group's or channel's conversation.
    pub fn for_room(agent: &AgentId, channel: &str, kind: RoomKind, id: &str) -> SessionKey {
        let kind = match kind {
            RoomKind::Group => "group",
            RoomKind::Channel => "channel",
        };
        build(agent, &[channel, kind, id])
    }

    /// A thread inside this conversation.
    pub fn thread(&self, id: &str) -> SessionKey {
        SessionKey::from_canonical(format!("{self}:thread:{}", id.trim().to_lowercase()))
    }

    /// A forum topic inside this conversation (Telegram).
    pub fn topic(&self, id: &str) -> SessionKey {
        SessionKey::from_canonical(format!("{self}:topic:{}", id.trim().to_lowercase()))
    }

    /// A cron job's conversation.
    pub fn cron(agent: &AgentId, job: &str) -> SessionKey {
        build(agent, &["cron", job])
    }

    /// One run of a cron job. `session_id` is the run's own.
    pub fn cron_run(agent: &AgentId, job: &str, session_id: &str) -> SessionKey {
        build(agent, &["cron", job, "run", session_id])
    }

    /// A webhook's conversation.
    pub fn hook(agent: &AgentId, id: &str) -> SessionKey {
        build(agent, &["hook", id])
    }

    /// A node's voice conversation.
    pub fn node(agent: &AgentId, node_id: &str) -> SessionKey {
        build(agent, &[&format!("node-{}", node_id.trim())])
    }

    /// A spawned agent's conversation; `id` is a fresh UUID.
    pub fn subagent(agent: &AgentId, id: &str) -> SessionKey {
        build(agent, &["subagent", id])
    }

    /// What v4's `sessions.create` makes when it is told no key; `id` is a fresh UUID.
    pub fn dashboard(agent: &AgentId, id: &str) -> SessionKey {
        build(agent, &["dashboard", id])
    }

    /// A conversation over `POST /v1/chat/completions`; `id` is a fresh UUID or the caller's user name.
    pub fn openai(agent: &AgentId, id: &str) -> SessionKey {
        build(agent, &["openai", id])
    }

    /// A conversation over `POST /v1/responses`; `id` is a fresh UUID or the caller's user name.
    pub fn openresponses(agent: &AgentId, id: &str) -> SessionKey {
        build(agent, &["openresponses", id])
    }
}

/// The name that `session.identityLinks` gives a person: so that one person is one conversation on all channels.
///
/// `links` maps a name to ids, bare or as `channel:id`; case does not matter. The first hit wins.
pub fn linked_name<'l>(links: &'l [(String, Vec<String>)], channel: &str, peer: &str) -> Option<&'l str> {
    let peer = peer.trim().to_lowercase();
    if peer.is_empty() {
        return None;
    }
    let qualified = format!("{}:{peer}", channel.trim().to_lowercase());
    links
        .iter()
        .filter(|(name, _)| !name.trim().is_empty())
        .find(|(_, ids)| {
            ids.iter().map(|id| id.trim().to_lowercase()).any(|id| id == peer || id == qualified)
        })
        .map(|(name, _)| name.trim())
}

fn build(agent: &AgentId, parts: &[&str]) -> SessionKey {
    let mut key = format!("agent:{agent}");
    for part in parts {
        key.push(':');
        key.push_str(&part.trim().to_lowercase());
    }
    SessionKey::from_canonical(key)
}

#[cfg(test)]
mod tests {
    use pincer_protocol::Wire;

    use super::*;

    #[track_caller]
    fn check(scope: DmScope, from: DirectPeer<'_>, want: &str) {
        let agent = AgentId::default();
        let rules = KeyRules {
            default_agent: &agent,
            main_key: "main",
            global_scope: false,
            wire: Wire::V3,
            strict: false,
        };
        let key = SessionKey::direct(&rules, &AgentId::sanitise("ops"), scope, from);
        assert_eq!(key.as_str(), want);
        assert_eq!(SessionKey::parse(want, &rules).unwrap(), key, "what we build is canonical");
    }

    #[test]
    fn direct_messages_by_scope() {
        let from = DirectPeer { channel: "Telegram", account: "Work", peer: "Ann" };
        check(DmScope::Main, from, "agent:ops:main");
        check(DmScope::PerPeer, from, "agent:ops:direct:ann");
        check(DmScope::PerChannelPeer, from, "agent:ops:telegram:direct:ann");
        check(DmScope::PerAccountChannelPeer, from, "agent:ops:telegram:work:direct:ann");
        check(DmScope::PerPeer, DirectPeer { peer: " ", ..from }, "agent:ops:main");
        check(
            DmScope::PerAccountChannelPeer,
            DirectPeer { account: "", ..from },
            "agent:ops:telegram:default:direct:ann",
        );
    }

    #[test]
    fn the_other_forms() {
        let agent = AgentId::default();
        let room = SessionKey::for_room(&agent, "Slack", RoomKind::Channel, "C1");
        assert_eq!(room.as_str(), "agent:main:slack:channel:c1");
        assert_eq!(room.thread("1.2").as_str(), "agent:main:slack:channel:c1:thread:1.2");
        assert_eq!(room.topic("7").thread_parent(), Some(room));
        assert!(SessionKey::cron_run(&agent, "j", "S").is_cron_run());
        assert!(SessionKey::subagent(&agent, "u").is_subagent());
        assert_eq!(SessionKey::node(&agent, "N1").as_str(), "agent:main:node-n1");
        assert_eq!(SessionKey::hook(&agent, "a").as_str(), "agent:main:hook:a");
        assert_eq!(SessionKey::dashboard(&agent, "a").as_str(), "agent:main:dashboard:a");
    }

    #[test]
    fn linked_people_are_one_person() {
        let links = vec![
            ("ann".to_owned(), vec!["telegram:42".to_owned(), "+1555".to_owned()]),
            ("bob".to_owned(), vec!["TELEGRAM:43".to_owned()]),
        ];
        assert_eq!(linked_name(&links, "telegram", "42"), Some("ann"));
        assert_eq!(linked_name(&links, "whatsapp", "+1555"), Some("ann"));
        assert_eq!(linked_name(&links, "Telegram", "43"), Some("bob"));
        assert_eq!(linked_name(&links, "discord", "42"), None);
        assert_eq!(linked_name(&links, "discord", ""), None);
    }
}

//! `messages`, and what its queue settings come to for one channel.

use std::collections::BTreeMap;

use pincer_protocol::Wire;
pub use pincer_protocol::queue::{DropPolicy, QueueMode};
use serde::Deserialize;

/// `messages`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Messages {
    /// Messages that arrive during a run.
    pub queue: Queue,
    /// Messages written in quick succession.
    pub inbound: Inbound,
    /// Text before every answer.
    pub response_prefix: Option<String>,
    /// How the assistant is addressed in groups.
    pub group_chat: GroupChat,
    /// The emoji that says a message was seen.
    pub ack_reaction: Option<String>,
    /// Where that is done; upstream's is `group-mentions`.
    pub ack_reaction_scope: Option<String>,
}

/// `messages.queue`, as written. [`Queue::settings`] says what it means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Queue {
    mode: Option<String>,
    by_channel: BTreeMap<String, String>,
    debounce_ms: Option<u64>,
    debounce_ms_by_channel: BTreeMap<String, u64>,
    cap: Option<u32>,
    drop: Option<String>,
}

/// `messages.inbound`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Inbound {
    /// How long to wait for more; `None`: not at all.
    pub debounce_ms: Option<u64>,
    /// The same, for one channel.
    pub by_channel: BTreeMap<String, u64>,
}

/// `messages.groupChat`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupChat {
    /// Patterns that count as a mention.
    pub mention_patterns: Vec<String>,
    /// How many messages before a mention are shown to the model.
    pub history_limit: Option<u32>,
}

/// Queue settings in force for one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// What happens to a late message.
    pub mode: QueueMode,
    /// How long waiting messages wait for more, in milliseconds.
    pub debounce_ms: u64,
    /// Most waiting messages, at least 1.
    pub cap: u32,
    /// Which goes beyond that.
    pub drop: DropPolicy,
}

impl Queue {
    /// The settings for `channel` (lower-case; `None`: the gateway's own clients). What the config leaves open is as
    /// each upstream version has it: v3 collects after 1,000 ms, v4 steers, after 500 ms where it waits at all.
    pub fn settings(&self, channel: Option<&str>, wire: Wire) -> QueueSettings {
        let (mode, debounce_ms) = match wire {
            Wire::V3 => (QueueMode::Collect, 1_000),
            Wire::V4 => (QueueMode::Steer, 500),
        };
        let by_channel = channel.and_then(|channel| self.by_channel.get(channel));
        let own_debounce = channel.and_then(|channel| self.debounce_ms_by_channel.get(channel)).copied();
        QueueSettings {
            mode: by_channel
                .and_then(|text| mode_of(text))
                .or_else(|| self.mode.as_deref().and_then(mode_of))
                .unwrap_or(mode),
            debounce_ms: own_debounce.or(self.debounce_ms).unwrap_or(debounce_ms),
            cap: self.cap.unwrap_or(20).max(1),
            drop: self.drop.as_deref().and_then(DropPolicy::parse).unwrap_or(DropPolicy::Summarize),
        }
    }

    /// Spellings that mean nothing, with the path of each below `messages.queue`.
    pub(crate) fn unknown(&self) -> Vec<(String, String)> {
        let modes = self.by_channel.iter().map(|(channel, mode)| (format!("byChannel.{channel}"), mode));
        let modes = modes.chain(self.mode.iter().map(|mode| ("mode".to_owned(), mode)));
        let mut unknown: Vec<(String, String)> = modes
            .filter(|(_, mode)| mode_of(mode).is_none())
            .map(|(path, mode)| (path, format!("Unrecognized queue mode \"{mode}\"")))
            .collect();
        if let Some(drop) = self.drop.as_ref().filter(|drop| DropPolicy::parse(drop).is_none()) {
            unknown.push(("drop".to_owned(), format!("Unrecognized drop policy \"{drop}\"")));
        }
        unknown
    }
}

/// Reads a mode in any of upstream's spellings: a config may be older than the gateway.
fn mode_of(text: &str) -> Option<QueueMode> {
    QueueMode::parse(Wire::V3, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_channel_wins_then_the_queue_then_the_wire() {
        let queue: Queue = serde_json::from_value(json!({
            "mode": "follow-ups", "byChannel": {"discord": "ABORT", "slack": "banana"},
            "debounceMs": 7, "debounceMsByChannel": {"slack": 9}, "drop": "oldest",
        }))
        .unwrap();
        let of = |channel| queue.settings(channel, Wire::V3);
        assert_eq!((of(None).mode, of(None).debounce_ms), (QueueMode::Followup, 7));
        assert_eq!(of(Some("discord")).mode, QueueMode::Interrupt);
        assert_eq!((of(Some("slack")).mode, of(Some("slack")).debounce_ms), (QueueMode::Followup, 9));
        assert_eq!((of(None).drop, of(None).cap), (DropPolicy::Old, 20));
        assert_eq!(
            queue.unknown(),
            [("byChannel.slack".into(), "Unrecognized queue mode \"banana\"".into())]
        );
        let empty = Queue::default();
        let (v3, v4) = (empty.settings(None, Wire::V3), empty.settings(None, Wire::V4));
        assert_eq!((v3.mode, v3.debounce_ms), (QueueMode::Collect, 1_000));
        assert_eq!((v4.mode, v4.debounce_ms), (QueueMode::Steer, 500));
    }
}

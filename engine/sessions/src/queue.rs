//! What happens to a message that arrives while its session is busy: modes, policies and where they come from.

use pincer_protocol::Wire;
pub use pincer_protocol::queue::{DropPolicy, QueueMode};
use serde::{Deserialize, Serialize};

use crate::entry::Tuning;

/// Messages a session's queue holds when nobody says otherwise.
pub const CAP_DEFAULT: u16 = 20;
/// Most messages a session's queue can be told to hold.
pub const CAP_MAX: u16 = 1000;
/// Longest debounce a queue can be told to wait, in milliseconds.
pub const DEBOUNCE_MAX_MS: u32 = 600_000;

/// Everything a queue goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueuePolicy {
    /// What a message does while a turn runs.
    pub mode: QueueMode,
    /// How long a queue must have been quiet before it goes on, in milliseconds.
    pub debounce_ms: u32,
    /// Most messages waiting, 1 to [`CAP_MAX`].
    pub cap: u16,
    /// Who gives way.
    pub drop: DropPolicy,
}

impl QueuePolicy {
    /// What upstream does when neither session nor config say anything.
    pub fn default_for(wire: Wire) -> QueuePolicy {
        let (mode, debounce_ms) = match wire {
            Wire::V3 => (QueueMode::Collect, 1000),
            Wire::V4 => (QueueMode::Steer, 500),
        };
        QueuePolicy { mode, debounce_ms, cap: CAP_DEFAULT, drop: DropPolicy::Summarize }
    }

    /// The first layer that says something wins, field by field. Upstream's order: the session's `/queue` settings,
    /// `messages.queue.byChannel.<channel>`, `messages.queue`; then the wire's default.
    pub fn resolve(wire: Wire, layers: &[&QueueSettings]) -> QueuePolicy {
        let fallback = QueuePolicy::default_for(wire);
        QueuePolicy {
            mode: layers.iter().find_map(|layer| layer.mode).unwrap_or(fallback.mode),
            debounce_ms: layers
                .iter()
                .find_map(|layer| layer.debounce_ms)
                .unwrap_or(fallback.debounce_ms)
                .min(DEBOUNCE_MAX_MS),
            cap: layers.iter().find_map(|layer| layer.cap).unwrap_or(fallback.cap).clamp(1, CAP_MAX),
            drop: layers.iter().find_map(|layer| layer.drop).unwrap_or(fallback.drop),
        }
    }
}

/// One layer of settings; absent fields leave the word to the next layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueSettings {
    /// Instead of the next layer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<QueueMode>,
    /// Instead of the next layer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce_ms: Option<u32>,
    /// Instead of the next layer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<u16>,
    /// Instead of the next layer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropPolicy>,
}

impl QueueSettings {
    /// What a session's entry says.
    pub fn of_session(tuning: &Tuning) -> QueueSettings {
        QueueSettings {
            mode: tuning.queue_mode,
            debounce_ms: tuning.queue_debounce_ms,
            cap: tuning.queue_cap,
            drop: tuning.queue_drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases() {
        use QueueMode::*;
        for (text, v3, v4) in [
            ("steer", Some(Steer), Some(Steer)),
            (" Queue ", Some(Steer), None),
            ("queued", Some(Steer), None),
            ("steering", Some(Steer), None),
            ("followup", Some(Followup), Some(Followup)),
            ("follow-ups", Some(Followup), None),
            ("COLLECT", Some(Collect), Some(Collect)),
            ("coalesce", Some(Collect), None),
            ("steer+backlog", Some(SteerBacklog), None),
            ("steer_backlog", Some(SteerBacklog), None),
            ("interrupt", Some(Interrupt), Some(Interrupt)),
            ("abort", Some(Interrupt), None),
            ("fifo", None, None),
        ] {
            assert_eq!(QueueMode::parse(Wire::V3, text), v3, "{text}");
            assert_eq!(QueueMode::parse(Wire::V4, text), v4, "{text}");
        }
        assert_eq!(
            QueueMode::unrecognized(Wire::V4, "queue"),
            "Unrecognized queue mode \"queue\". Valid modes: steer, followup, collect, interrupt."
        );
    }

    #[test]
    fn the_first_layer_that_speaks_wins() {
        let session = QueueSettings { cap: Some(5), ..QueueSettings::default() };
        let channel = QueueSettings { mode: Some(QueueMode::Followup), ..QueueSettings::default() };
        let config =
            QueueSettings { mode: Some(QueueMode::Steer), cap: Some(9), debounce_ms: Some(0), drop: None };
        assert_eq!(
            QueuePolicy::resolve(Wire::V3, &[&session, &channel, &config]),
            QueuePolicy { mode: QueueMode::Followup, debounce_ms: 0, cap: 5, drop: DropPolicy::Summarize }
        );
        assert_eq!(QueuePolicy::resolve(Wire::V3, &[]).mode, QueueMode::Collect);
        assert_eq!(QueuePolicy::resolve(Wire::V4, &[]).debounce_ms, 500);
        let wild = QueueSettings { cap: Some(0), debounce_ms: Some(u32::MAX), ..QueueSettings::default() };
        let entry = Tuning { queue_mode: Some(QueueMode::Steer), queue_cap: Some(7), ..Tuning::EMPTY };
        let session = QueueSettings::of_session(&entry);
        assert_eq!((session.mode, session.cap, session.drop), (Some(QueueMode::Steer), Some(7), None));
        let tame = QueuePolicy::resolve(Wire::V4, &[&wild]);
        assert_eq!((tame.cap, tame.debounce_ms), (1, DEBOUNCE_MAX_MS));
    }
}

//! The names of what happens to a message that arrives while its session is busy: in `/queue`, `chat.send`, session entries
//! and the config.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Wire;

/// What a message does that arrives while a turn runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueMode {
    /// The latest one is handed to the running turn at its next model boundary, or starts when the turn ends.
    Steer,
    /// Each one runs on its own afterwards, in order.
    Followup,
    /// They run afterwards as one turn.
    Collect,
    /// All are handed to the running turn, and each one runs on its own afterwards as well. Only v3 names it.
    SteerBacklog,
    /// It stops the running turn and takes its place.
    Interrupt,
}

impl QueueMode {
    /// The name in `/queue` replies, in session entries and in config.
    pub fn as_str(self) -> &'static str {
        match self {
            QueueMode::Steer => "steer",
            QueueMode::Followup => "followup",
            QueueMode::Collect => "collect",
            QueueMode::SteerBacklog => "steer-backlog",
            QueueMode::Interrupt => "interrupt",
        }
    }

    /// Reads a name as `wire` knows it: v3 has aliases, v4 only the four plain names.
    pub fn parse(wire: Wire, text: &str) -> Option<QueueMode> {
        let name = text.trim().to_ascii_lowercase();
        match (wire, name.as_str()) {
            (_, "steer") => Some(QueueMode::Steer),
            (_, "followup") => Some(QueueMode::Followup),
            (_, "collect") => Some(QueueMode::Collect),
            (_, "interrupt") => Some(QueueMode::Interrupt),
            (Wire::V4, _) => None,
            (Wire::V3, "queue" | "queued" | "steering") => Some(QueueMode::Steer),
            (Wire::V3, "followups" | "follow-up" | "follow-ups") => Some(QueueMode::Followup),
            (Wire::V3, "coalesce") => Some(QueueMode::Collect),
            (Wire::V3, "steer+backlog" | "steer-backlog" | "steer_backlog") => Some(QueueMode::SteerBacklog),
            (Wire::V3, "interrupts" | "abort") => Some(QueueMode::Interrupt),
            _ => None,
        }
    }

    /// The names `/queue` offers.
    pub fn offered(wire: Wire) -> &'static str {
        match wire {
            Wire::V3 => "steer, followup, collect, steer+backlog, interrupt",
            Wire::V4 => "steer, followup, collect, interrupt",
        }
    }

    /// What a client is told about a name that is none.
    pub fn unrecognized(wire: Wire, text: &str) -> String {
        format!("Unrecognized queue mode \"{text}\". Valid modes: {}.", QueueMode::offered(wire))
    }
}

impl fmt::Display for QueueMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who gives way when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropPolicy {
    /// The oldest message.
    Old,
    /// The one that just arrived.
    New,
    /// The oldest one, but a line of it goes into the next prompt.
    Summarize,
}

impl DropPolicy {
    /// The name in `/queue` replies, in session entries and in config.
    pub fn as_str(self) -> &'static str {
        match self {
            DropPolicy::Old => "old",
            DropPolicy::New => "new",
            DropPolicy::Summarize => "summarize",
        }
    }

    /// Reads a name or one of its aliases.
    pub fn parse(text: &str) -> Option<DropPolicy> {
        match text.trim().to_ascii_lowercase().as_str() {
            "old" | "oldest" => Some(DropPolicy::Old),
            "new" | "newest" => Some(DropPolicy::New),
            "summarize" | "summary" => Some(DropPolicy::Summarize),
            _ => None,
        }
    }
}

impl fmt::Display for DropPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Bounds of the defender's work.

use serde::{Deserialize, Serialize};

use super::number::Bounded;

/// What may be going on at once, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// One evaluation, in milliseconds; past it the action waits for a person.
    pub evaluation_timeout_ms: Bounded<1, 60_000>,
    /// Evaluations at once.
    pub concurrent_evaluations: Bounded<1, 1024>,
    /// Evaluations that wait for a place; past it the action waits for a person.
    pub queue: Bounded<0, 65_536>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // Enough for the longest frame on a core that does other things too.
            evaluation_timeout_ms: Bounded::clamped(5_000),
            concurrent_evaluations: Bounded::clamped(64),
            queue: Bounded::clamped(1024),
        }
    }
}

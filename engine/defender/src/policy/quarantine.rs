//! How long and how much the quarantine keeps.

use serde::{Deserialize, Serialize};

use super::number::Bounded;

/// Bounds of the quarantine; the oldest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Quarantine {
    /// Days that an entry is kept.
    pub retention_days: Bounded<1, 3650>,
    /// Bytes on disk, ledger and payloads together: 1 MiB to 1 TiB.
    pub max_bytes: Bounded<1_048_576, 1_099_511_627_776>,
}

impl Default for Quarantine {
    fn default() -> Quarantine {
        Quarantine { retention_days: Bounded::clamped(30), max_bytes: Bounded::clamped(256 * 1024 * 1024) }
    }
}

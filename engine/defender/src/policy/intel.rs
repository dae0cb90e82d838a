//! Asking outside services about addresses and files.

use serde::{Deserialize, Serialize};

use super::number::Bounded;

/// What an unanswered question means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailMode {
    /// No evidence. The default: a service that is down must not stop all work.
    #[default]
    Open,
    /// A person is asked.
    Review,
}

/// How look-ups are made. Quotas default to those of a free key of the VirusTotal API, v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Intel {
    /// What a slow, failing or exhausted service means.
    pub fail_mode: FailMode,
    /// One look-up, in milliseconds.
    pub timeout_ms: Bounded<50, 30_000>,
    /// Look-ups a minute; 0: none are made.
    pub per_minute: Bounded<0, 10_000>,
    /// Look-ups a day; 0: none are made.
    pub per_day: Bounded<0, 10_000_000>,
    /// How long an answer counts, in seconds.
    pub ttl_seconds: Bounded<60, 31_536_000>,
}

impl Default for Intel {
    fn default() -> Intel {
        Intel {
            fail_mode: FailMode::default(),
            timeout_ms: Bounded::clamped(2_000),
            per_minute: Bounded::clamped(4),
            per_day: Bounded::clamped(500),
            ttl_seconds: Bounded::clamped(86_400),
        }
    }
}

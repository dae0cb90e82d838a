//! What is different for one agent or one session.

use serde::{Deserialize, Serialize};

use super::rules::Rules;

/// Most agents, and most sessions, with something of their own.
pub const SCOPES_MAX: usize = 1024;

/// Goes before the rules of the wider scope, rule by rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scope {
    /// Rules that count otherwise here.
    pub rules: Rules,
}

//! What a tool or a channel adds to a risk, and the least that a tool's use gets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::PolicyError;
use super::names::{check_count, check_name};
use super::number::Points;
use super::verdict::Verdict;

/// Most tools, and most channels.
pub const TOOLS_MAX: usize = 1024;

/// One tool.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tool {
    /// The least that its use gets, however harmless it looks.
    pub floor: Verdict,
    /// Points added to the risk of its use.
    pub bonus: Points,
}

/// One channel.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Channel {
    /// Points added to the risk of what comes in there.
    pub bonus: Points,
}

pub(super) fn check(
    tools: &BTreeMap<String, Tool>,
    channels: &BTreeMap<String, Channel>,
) -> Result<(), PolicyError> {
    check_count("tools", tools.len(), TOOLS_MAX)?;
    check_count("channels", channels.len(), TOOLS_MAX)?;
    tools.keys().try_for_each(|name| check_name("tools", name))?;
    channels.keys().try_for_each(|name| check_name("channels", name))
}

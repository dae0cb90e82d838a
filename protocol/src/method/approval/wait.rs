//! `exec.approval.waitDecision`

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Decision, TerminalReason};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::Object;

/// Waits for the decision of an approval that somebody requested.
pub struct WaitDecision;

/// Params of [`WaitDecision`]. Upstream checks nothing but the id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct WaitParams {
    /// Which approval, trimmed; empty when it is no text.
    #[serde(deserialize_with = "text_or_nothing")]
    pub id: String,
}

fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().unwrap_or_default().trim().to_owned())
}

/// Answer to [`WaitDecision`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitPayload {
    /// Which approval.
    pub id: Box<str>,
    /// What was decided; `null`: nothing, in time.
    pub decision: Option<Decision>,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it would have ended at the latest.
    pub expires_at_ms: u64,
    /// v4: how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_reason: Option<TerminalReason>,
}

impl Rpc for WaitDecision {
    const NAME: &'static str = "exec.approval.waitDecision";
    const ACCESS: Access = Access::scope(Scope::Approvals);
    type Params = WaitParams;
    type Payload = WaitPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

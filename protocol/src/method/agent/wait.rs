//! `agent.wait`: blocks until a run has ended.

use serde::{Deserialize, Serialize};

use super::receipt::{TerminalReceipt, TerminalReply};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::chat::RunStatus;
use crate::schema::{NON_EMPTY, Object, int_min, opt, req};

/// How long `agent.wait` waits when the client does not say, in milliseconds.
pub const TIMEOUT_DEFAULT_MS: u64 = 30_000;

/// Waits for the end of a run, however it was started.
pub struct Wait;

/// Params of [`Wait`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitParams {
    /// The run. An unknown one is waited for as well.
    pub run_id: String,
    /// How long.
    pub timeout_ms: Option<u64>,
}

/// Answer to [`Wait`]; all but the first two fields belong to a run that has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitPayload {
    /// As asked.
    pub run_id: String,
    /// `ok`, `error` or `timeout`.
    pub status: RunStatus,
    /// Milliseconds since 1970; v3 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// v4: `stop`, `rpc` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// v4: `working` for a run that ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_state: Option<&'static str>,
    /// v4: what the run used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_receipt: Option<TerminalReceipt>,
    /// v4: what it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_reply: Option<TerminalReply>,
}

impl WaitPayload {
    /// A run that has not ended.
    pub fn timeout(run_id: String) -> WaitPayload {
        WaitPayload {
            run_id,
            status: RunStatus::Timeout,
            started_at: None,
            ended_at: None,
            error: None,
            stop_reason: None,
            liveness_state: None,
            terminal_receipt: None,
            terminal_reply: None,
        }
    }
}

impl Rpc for Wait {
    const NAME: &'static str = "agent.wait";
    const ACCESS: Access = Access::scope(Scope::Write);
    type Params = WaitParams;
    type Payload = WaitPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SCHEMA)
    }
}

const SCHEMA: Object = Object { fields: &[req("runId", NON_EMPTY), opt("timeoutMs", int_min(0))] };

//! `chat.abort`: stops runs, never waiting behind work.

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// Stops one run, or every run of a session.
pub struct Abort;

/// Params of [`Abort`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AbortParams {
    /// The session, as the client spells it.
    pub session_key: String,
    /// Only this run; all of the session's when absent.
    pub run_id: Option<String>,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
}

/// Answer to [`Abort`], and to a stop word in `chat.send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AbortPayload {
    /// Always `true`: nothing to stop is fine too.
    pub ok: bool,
    /// Whether something was stopped.
    pub aborted: bool,
    /// What was stopped.
    pub run_ids: Vec<String>,
}

impl AbortPayload {
    /// What `run_ids` says.
    pub fn new(run_ids: Vec<String>) -> AbortPayload {
        AbortPayload { ok: true, aborted: !run_ids.is_empty(), run_ids }
    }
}

impl Rpc for Abort {
    const NAME: &'static str = "chat.abort";
    const ACCESS: Access = Access::scope(Scope::Write);
    type Params = AbortParams;
    type Payload = AbortPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const V3: Object = Object { fields: &[req("sessionKey", NON_EMPTY), opt("runId", NON_EMPTY)] };

const V4: Object = Object {
    fields: &[
        req("sessionKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("runId", NON_EMPTY),
        opt("preserveSideRuns", Shape::Bool),
    ],
};

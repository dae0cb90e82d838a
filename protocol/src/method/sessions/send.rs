//! `sessions.send` (v4, and ours on v3), `sessions.steer` and `sessions.abort` (v4)

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::chat::{AttachmentParam, RunStatus};
use crate::schema::{NON_EMPTY, Object, Property, Shape, TEXT, int_min, opt, req};

/// Says something in a session that exists. The answer and what follows are `chat.send`'s.
pub struct Send;

/// The same, stopping what runs there first.
pub struct Steer;

/// Params of [`Send`] and [`Steer`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SendParams {
    /// The session, as the client spells it.
    pub key: Option<String>,
    /// v3: the same, as the chat methods call it; `key` goes first.
    pub session_key: Option<String>,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// What is said; may be empty beside attachments.
    pub message: String,
    /// How hard the model thinks, this once.
    pub thinking: Option<String>,
    /// Files with it.
    pub attachments: Option<Vec<AttachmentParam>>,
    /// Longest the run may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Makes the run's id; a fresh one unless told.
    pub idempotency_key: Option<String>,
}

impl SendParams {
    /// The key that was sent, by either name.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.session_key.as_deref())
    }
}

/// Answer to [`Send`] and [`Steer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendPayload {
    /// The run.
    pub run_id: String,
    /// `started`, `in_flight` or `ok`.
    pub status: RunStatus,
    /// Whether a run was stopped for it ([`Steer`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted_active_run: Option<bool>,
}

const MESSAGE: Property = req("message", TEXT);
const THINKING: Property = opt("thinking", TEXT);
const ATTACHMENTS: Property = opt("attachments", Shape::List { item: &Shape::Any, min: 0 });
const TIMEOUT: Property = opt("timeoutMs", int_min(0));
const IDEMPOTENCY: Property = opt("idempotencyKey", NON_EMPTY);

const V3: Object = Object {
    fields: &[
        MESSAGE,
        opt("key", NON_EMPTY),
        opt("sessionKey", NON_EMPTY),
        THINKING,
        ATTACHMENTS,
        TIMEOUT,
        IDEMPOTENCY,
    ],
};

const V4: Object = Object {
    fields: &[
        req("key", NON_EMPTY),
        MESSAGE,
        opt("agentId", NON_EMPTY),
        THINKING,
        ATTACHMENTS,
        // People are not told of here; the text names them as well.
        opt("mentions", Shape::List { item: &Shape::Any, min: 0 }),
        TIMEOUT,
        IDEMPOTENCY,
    ],
};

impl Rpc for Send {
    const NAME: &'static str = "sessions.send";
    const ACCESS: Access = Access { listed_v3: false, ..Access::scope(Scope::Write) };
    type Params = SendParams;
    type Payload = SendPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

impl Rpc for Steer {
    const NAME: &'static str = "sessions.steer";
    const ACCESS: Access = Access::v4_only(Scope::Write).unlisted();
    type Params = SendParams;
    type Payload = SendPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&V4)
    }
}

/// Stops a run. Needs a key or a run id; the check has words of its own (`key required`).
pub struct Abort;

/// Params of [`Abort`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AbortParams {
    /// The session, as the client spells it.
    pub key: Option<String>,
    /// The agent, which must be the key's.
    pub agent_id: Option<String>,
    /// Only this run.
    pub run_id: Option<String>,
    /// Whether turns that wait are dropped as well.
    pub clear_queued: bool,
}

/// Answer to [`Abort`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AbortPayload {
    /// Always `true`: nothing to stop is fine too.
    pub ok: bool,
    /// What was stopped.
    pub aborted_run_id: Option<String>,
    /// Whether something was.
    pub status: AbortStatus,
}

/// What [`Abort`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbortStatus {
    /// A run was stopped.
    Aborted,
    /// There was none.
    NoActiveRun,
}

impl AbortPayload {
    /// What `run` says.
    pub fn new(run: Option<String>) -> AbortPayload {
        let status = if run.is_some() { AbortStatus::Aborted } else { AbortStatus::NoActiveRun };
        AbortPayload { ok: true, aborted_run_id: run, status }
    }
}

impl Rpc for Abort {
    const NAME: &'static str = "sessions.abort";
    const ACCESS: Access = Access::v4_only(Scope::Write);
    type Params = AbortParams;
    type Payload = AbortPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const SCHEMA: Object = Object {
            fields: &[
                opt("key", NON_EMPTY),
                opt("agentId", NON_EMPTY),
                opt("runId", NON_EMPTY),
                opt("clearQueued", Shape::Bool),
            ],
        };
        Some(&SCHEMA)
    }
}

//! `chat.send`: says something in a session.

use serde::{Deserialize, Serialize};

use super::{AttachmentParam, RunAck};
use crate::access::{Access, Scope};
use crate::json::Node;
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_min, opt, req, text_max};
use crate::{ErrorShape, Wire};

/// Starts a run with a message, or hands the message to the run that is going on. The run's events follow; the run is
/// named by the idempotency key.
pub struct Send;

/// Params of [`Send`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendParams {
    /// The session, as the client spells it.
    pub session_key: String,
    /// What was said. May be empty when something is attached.
    pub message: String,
    /// Names the run, and makes a repeat harmless.
    pub idempotency_key: String,
    /// Thinking level for this message, as `/think <level>` in front of it.
    pub thinking: Option<String>,
    /// Whether the answer also goes to the session's channel.
    pub deliver: Option<bool>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<AttachmentParam>,
    /// The run ends after this long; 0 means no limit of its own.
    pub timeout_ms: Option<u64>,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// v4: refuse when the session has another id by now.
    pub session_id: Option<String>,
    /// v4: what to do while a run is active, instead of the session's queue mode.
    pub queue_mode: Option<String>,
    /// v4: the channel the message came from.
    pub originating_channel: Option<String>,
    /// v4: the peer on that channel.
    pub originating_to: Option<String>,
    /// v4: the account on that channel.
    pub originating_account_id: Option<String>,
    /// v4: the thread on that channel.
    pub originating_thread_id: Option<String>,
    /// v4: the transcript entry this answers.
    pub reply_to_id: Option<String>,
    /// v4: slash commands are plain text.
    pub suppress_command_interpretation: Option<bool>,
}

/// Answer to [`Send`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SendPayload {
    /// A run was started, or is known already.
    Run(RunAck),
    /// The message was a stop word; answered at once.
    Stopped(super::AbortPayload),
}

impl Rpc for Send {
    const NAME: &'static str = "chat.send";
    const ACCESS: Access = Access::scope(Scope::Write);
    type Params = SendParams;
    type Payload = SendPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }

    /// v4 refuses a missing or empty session key before it looks at anything else.
    fn precheck(wire: Wire, params: Option<Node<'_, '_>>) -> Result<(), ErrorShape> {
        let key = params.and_then(|params| params.get("sessionKey")).and_then(Node::as_str);
        match (wire, key) {
            (Wire::V3, _) => Ok(()),
            (Wire::V4, Some(key)) if !key.is_empty() => Ok(()),
            (Wire::V4, _) => {
                let details =
                    serde_json::json!({ "code": "SESSION_MUTATION_TARGET_REQUIRED", "method": Send::NAME });
                Err(ErrorShape::invalid("session mutation target is unavailable").with_details(details))
            }
        }
    }
}

const ATTACHMENTS: Shape = Shape::List { item: &Shape::Any, min: 0 };

const V3: Object = Object {
    fields: &[
        req("sessionKey", NON_EMPTY),
        req("message", TEXT),
        req("idempotencyKey", NON_EMPTY),
        opt("thinking", TEXT),
        opt("deliver", Shape::Bool),
        opt("attachments", ATTACHMENTS),
        opt("timeoutMs", int_min(0)),
    ],
};

const V4: Object = Object {
    fields: &[
        req("sessionKey", text_max(512)),
        req("message", TEXT),
        req("idempotencyKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("sessionId", NON_EMPTY),
        opt("mentions", Shape::Any),
        opt("workContext", Shape::Any),
        opt("clarification", Shape::Any),
        opt("intent", Shape::Any),
        opt("thinking", TEXT),
        opt("fastMode", Shape::AnyOf(&[Shape::Bool, Shape::OneOf(&["auto"])])),
        opt("fastAutoOnSeconds", int_min(1)),
        opt("queueMode", Shape::OneOf(&["steer", "followup", "collect", "interrupt"])),
        opt("deliver", Shape::Bool),
        opt("originatingChannel", TEXT),
        opt("originatingTo", TEXT),
        opt("originatingAccountId", TEXT),
        opt("originatingThreadId", TEXT),
        opt("replyToId", NON_EMPTY),
        opt("attachments", ATTACHMENTS),
        opt("toolBindings", Shape::Map(&Shape::Any)),
        opt("timeoutMs", int_min(0)),
        opt("systemInputProvenance", Shape::Any),
        opt("systemProvenanceReceipt", TEXT),
        opt("suppressCommandInterpretation", Shape::Bool),
        opt("expectedLeafEntryId", Shape::Nullable(&NON_EMPTY)),
        opt("expectedSessionRoutingContract", NON_EMPTY),
        opt("expectedPermissionMode", Shape::Any),
        opt("expectedToolOverrides", Shape::Any),
    ],
};

//! `agent`: runs an agent and answers twice, when the run was accepted and when it has ended.

use serde::{Deserialize, Serialize};

use super::meta::RunMeta;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::chat::{AttachmentParam, RunStatus};
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_min, opt, req, text_max};

/// Runs an agent.
pub struct Run;

/// Params of [`Run`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunParams {
    /// What the agent is told.
    pub message: String,
    /// Names the run, and makes a repeat harmless.
    pub idempotency_key: String,
    /// Which agent; its main session when nothing else is named.
    pub agent_id: Option<String>,
    /// v4: another provider than the session's, for this run.
    pub provider: Option<String>,
    /// v4: another model than the session's, for this run.
    pub model: Option<String>,
    /// Which session.
    pub session_key: Option<String>,
    /// Which session, by id.
    pub session_id: Option<String>,
    /// Never sent: the gateway found no session of that id, and the one it makes gets it.
    #[serde(skip)]
    pub makes_session_id: bool,
    /// The peer whose session is meant.
    pub to: Option<String>,
    /// Where the answer goes, when not to `to`.
    pub reply_to: Option<String>,
    /// The peer's channel.
    pub channel: Option<String>,
    /// The answer's channel, when not `channel`.
    pub reply_channel: Option<String>,
    /// The account on `channel`.
    pub account_id: Option<String>,
    /// The account on `reply_channel`.
    pub reply_account_id: Option<String>,
    /// The thread.
    pub thread_id: Option<String>,
    /// The group.
    pub group_id: Option<String>,
    /// The group's channel name.
    pub group_channel: Option<String>,
    /// The group's space.
    pub group_space: Option<String>,
    /// Thinking level for this run.
    pub thinking: Option<String>,
    /// Whether the answer goes to the channel.
    pub deliver: Option<bool>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<AttachmentParam>,
    /// The run ends after this long, in seconds.
    pub timeout: Option<u64>,
    /// Upstream's name for a queue of its own; ours are per session.
    pub lane: Option<String>,
    /// More instructions, for this run.
    pub extra_system_prompt: Option<String>,
    /// A label for the session.
    pub label: Option<String>,
    /// v3: the session that asked for this run.
    pub spawned_by: Option<String>,
}

/// First answer to [`Run`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The idempotency key.
    pub run_id: String,
    /// v4: the canonical session key; absent for an ad-hoc session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// v4: the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Always `accepted`.
    pub status: RunStatus,
    /// Milliseconds since 1970.
    pub accepted_at: u64,
}

/// Second answer to [`Run`], when it went well. A failed run is an error with payload `{runId, status, summary}`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunPayload {
    /// The idempotency key.
    pub run_id: String,
    /// Always `ok`.
    pub status: RunStatus,
    /// `completed`
    pub summary: &'static str,
    /// What came of it.
    pub result: RunResult,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// What was said; empty for a silent answer.
    pub payloads: Vec<ReplyPart>,
    /// How it went.
    pub meta: RunMeta,
    /// v4: whether the answer went to the channel it came from; `missing` when it came from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_reply_delivery_state: Option<&'static str>,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyPart {
    /// Text.
    pub text: String,
    /// A file, or `null`.
    pub media_url: Option<String>,
}

impl Rpc for Run {
    const NAME: &'static str = "agent";
    const ACCESS: Access = Access::scope(Scope::Write);
    type Params = RunParams;
    type Payload = RunPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const ATTACHMENTS: Shape = Shape::List { item: &Shape::Any, min: 0 };

const V3: Object = Object {
    fields: &[
        req("message", NON_EMPTY),
        req("idempotencyKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("to", TEXT),
        opt("replyTo", TEXT),
        opt("sessionId", TEXT),
        opt("sessionKey", TEXT),
        opt("thinking", TEXT),
        opt("deliver", Shape::Bool),
        opt("attachments", ATTACHMENTS),
        opt("channel", TEXT),
        opt("replyChannel", TEXT),
        opt("accountId", TEXT),
        opt("replyAccountId", TEXT),
        opt("threadId", TEXT),
        opt("groupId", TEXT),
        opt("groupChannel", TEXT),
        opt("groupSpace", TEXT),
        opt("timeout", int_min(0)),
        opt("lane", TEXT),
        opt("extraSystemPrompt", TEXT),
        opt("inputProvenance", Shape::Any),
        opt("label", text_max(64)),
        opt("spawnedBy", TEXT),
    ],
};

const V4: Object = Object {
    fields: &[
        req("message", NON_EMPTY),
        req("idempotencyKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("provider", TEXT),
        opt("model", TEXT),
        opt("to", TEXT),
        opt("replyTo", TEXT),
        opt("sessionId", TEXT),
        opt("sessionKey", TEXT),
        opt("expectedExistingSessionId", NON_EMPTY),
        opt("thinking", TEXT),
        opt("deliver", Shape::Bool),
        opt("attachments", ATTACHMENTS),
        opt("channel", TEXT),
        opt("replyChannel", TEXT),
        opt("accountId", TEXT),
        opt("replyAccountId", TEXT),
        opt("threadId", TEXT),
        opt("groupId", TEXT),
        opt("groupChannel", TEXT),
        opt("groupSpace", TEXT),
        opt("timeout", int_min(0)),
        opt("bestEffortDeliver", Shape::Bool),
        opt("lane", TEXT),
        opt("cwd", NON_EMPTY),
        opt("cleanupBundleMcpOnRunEnd", Shape::Bool),
        opt("modelRun", Shape::Bool),
        opt("promptMode", Shape::OneOf(&["full", "minimal", "none"])),
        opt("extraSystemPrompt", TEXT),
        opt("bootstrapContextMode", Shape::OneOf(&["full", "lightweight"])),
        opt("bootstrapContextRunKind", Shape::OneOf(&["default", "heartbeat", "cron"])),
        opt("acpTurnSource", Shape::OneOf(&["manual_spawn"])),
        opt("internalRuntimeHandoffId", NON_EMPTY),
        opt("execApprovalFollowupExpectedSessionId", NON_EMPTY),
        opt("internalEvents", Shape::List { item: &Shape::Any, min: 0 }),
        opt("inputProvenance", Shape::Any),
        opt("suppressPromptPersistence", Shape::Bool),
        opt("sessionEffects", Shape::OneOf(&["visible", "internal"])),
        opt("sourceReplyDeliveryMode", Shape::OneOf(&["automatic", "message_tool_only"])),
        opt("disableMessageTool", Shape::Bool),
        opt("swarmCollector", Shape::Bool),
        opt("swarmOutputSchema", Shape::Map(&Shape::Any)),
        opt("forceRestartSafeTools", Shape::Bool),
        opt("voiceWakeTrigger", TEXT),
        opt("replayOnly", Shape::Bool),
        opt("replayCapability", NON_EMPTY),
        opt("label", text_max(512)),
    ],
};

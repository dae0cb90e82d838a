//! `sessions.create` (v4)

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Json, LABEL_V4, Resolved};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::chat::{AttachmentParam, RunStatus};
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_min, opt, text_max};

/// Makes a session, or returns the one that is there. May start its first run.
///
/// Upstream's params for work trees, forks, projects, incognito sessions and remote catalogs are refused: there is
/// nothing of that kind here, and taking them silently would mislead.
pub struct Create;

/// Params of [`Create`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateParams {
    /// The session; without it, a fresh `agent:<id>:dashboard:<uuid>`.
    pub key: Option<String>,
    /// Makes the first run's id.
    pub idempotency_key: Option<String>,
    /// Its agent, which must be the key's; the default agent unless told.
    pub agent_id: Option<String>,
    /// A name, unique among the sessions of the agent.
    pub label: Option<String>,
    /// A title that need not be unique.
    pub display_name: Option<String>,
    /// A group of sessions.
    pub category: Option<String>,
    /// The model: `provider/model` or a bare id.
    pub model: Option<String>,
    /// Bound on the model's context.
    pub context_window: Option<String>,
    /// How hard the model thinks.
    pub thinking_level: Option<String>,
    /// `true`, `false` or `"auto"`.
    pub fast_mode: Option<Value>,
    /// What the agent may do on its own; needs the admin scope.
    pub permission_mode: Option<String>,
    /// Tools switched on or off; needs the admin scope.
    pub tool_overrides: Option<Value>,
    /// The conversation this one belongs to; the agent's main one unless told.
    pub parent_session_key: Option<String>,
    /// How deep in spawning this is.
    pub spawn_depth: Option<u64>,
    /// Whether hooks are told.
    pub emit_command_hooks: Option<bool>,
    /// Longest the first run may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What the first run is asked.
    pub task: Option<String>,
    /// The same.
    pub message: Option<String>,
    /// Files with it.
    pub attachments: Option<Vec<AttachmentParam>>,
}

/// Answer to [`Create`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatePayload {
    /// Always `true`.
    pub ok: bool,
    /// The canonical key.
    pub key: String,
    /// Names the transcript.
    pub session_id: String,
    /// The entry as it is now.
    pub entry: Json,
    /// Whether a run was started.
    pub run_started: bool,
    /// That run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where it stands: `started`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// The model in use.
    pub resolved: Resolved,
}

impl Rpc for Create {
    const NAME: &'static str = "sessions.create";
    const ACCESS: Access = Access::v4_only(Scope::Write);
    type Params = CreateParams;
    type Payload = CreatePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SCHEMA)
    }
}

const SCHEMA: Object = Object {
    fields: &[
        opt("key", NON_EMPTY),
        opt("idempotencyKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("label", LABEL_V4),
        opt("displayName", text_max(500)),
        opt("category", LABEL_V4),
        opt("model", NON_EMPTY),
        opt("contextWindow", NON_EMPTY),
        opt("thinkingLevel", NON_EMPTY),
        opt("fastMode", Shape::AnyOf(&[Shape::Bool, Shape::Literals(&["auto"])])),
        opt("permissionMode", Shape::Literals(&["read-only", "guarded", "workspace", "full"])),
        opt("toolOverrides", Shape::Map(&Shape::Any)),
        opt("parentSessionKey", NON_EMPTY),
        opt("spawnDepth", int_min(1)),
        opt("emitCommandHooks", Shape::Bool),
        opt("timeoutMs", int_min(0)),
        opt("task", TEXT),
        opt("message", TEXT),
        opt("attachments", Shape::List { item: &Shape::Any, min: 0 }),
    ],
};

//! `sessions.patch`

use serde::{Deserialize, Serialize};

use super::{AgentRuntime, Json, LABEL_V3, LABEL_V4, LevelOption};
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Property, Shape, TEXT, int_in, int_min, opt, req};
use crate::{Field, Wire};

/// Changes the settings of one session, making it when it is missing. Absent fields stay; `null` clears.
///
/// `sessionKey` is not taken for `key`, as upstream does not take it either.
pub struct Patch;

/// Params of [`Patch`]. Levels are words here: what they may be, and in which words a wrong one is refused, is decided
/// where they are applied.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PatchParams {
    /// The session, as the client spells it.
    pub key: String,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// v4: refuse unless the session still has this id.
    pub expected_session_id: Option<String>,
    /// v4: refuse unless the conversation was not started anew.
    pub expected_lifecycle_revision: Option<String>,
    /// v4: refuse unless the permission mode is this.
    pub expected_permission_mode: Field<String>,
    /// v4: refuse unless the tool overrides are these.
    pub expected_tool_overrides: Field<serde_json::Value>,
    /// v4: refuse unless it was marked unread then.
    pub expected_marked_unread_at: Field<f64>,
    /// A name, unique among the sessions of the agent.
    pub label: Field<String>,
    /// How hard the model thinks.
    pub thinking_level: Field<String>,
    /// How much of a run is told.
    pub verbose_level: Field<String>,
    /// Whether reasoning is shown.
    pub reasoning_level: Field<String>,
    /// What is told of token use.
    pub response_usage: Field<String>,
    /// Whether commands may leave the sandbox.
    pub elevated_level: Field<String>,
    /// Where commands run.
    pub exec_host: Field<String>,
    /// v3: which commands may run.
    pub exec_security: Field<String>,
    /// v3: when a person is asked.
    pub exec_ask: Field<String>,
    /// Node that runs commands.
    pub exec_node: Field<String>,
    /// The model: `provider/model` or a bare id.
    pub model: Field<String>,
    /// Whether answers may be delivered.
    pub send_policy: Field<String>,
    /// What wakes the agent in a group.
    pub group_activation: Field<String>,
    /// v3: the conversation that spawned this one.
    pub spawned_by: Field<String>,
    /// v3: how deep in spawning this is.
    pub spawn_depth: Field<u64>,
    /// v4: an icon.
    pub icon: Field<String>,
    /// v4: a colour.
    pub color: Field<String>,
    /// v4: a group of sessions.
    pub category: Field<String>,
    /// v4: which face of the board is shown.
    pub board_face: Field<String>,
    /// v4: a line about what is going on.
    pub status_note: Field<String>,
    /// v4: what it asks attention for.
    pub attention: Field<String>,
    /// v4: how long the note stands.
    pub ttl_minutes: Option<u64>,
    /// v4: put away, or brought back.
    pub archived: Option<bool>,
    /// v4: pinned, or not.
    pub pinned: Option<bool>,
    /// v4: marked unread, or read.
    pub unread: Option<bool>,
    /// v4: bound on the model's context.
    pub context_window: Field<String>,
    /// v4: `true`, `false` or `"auto"`.
    pub fast_mode: Field<serde_json::Value>,
    /// v4: tools switched on or off.
    pub tool_overrides: Field<serde_json::Value>,
    /// v4: whether runs are traced.
    pub trace_level: Field<String>,
    /// v4: what the agent may do on its own.
    pub permission_mode: Field<String>,
    /// v4: who is told when a run ends.
    pub completion_owner_session_key: Field<String>,
    /// v4: version of the two lists below; 1.
    pub inherited_tool_policy_version: Field<u64>,
    /// v4: tools the parent allowed.
    pub inherited_tool_allow: Field<Vec<String>>,
    /// v4: tools the parent denied.
    pub inherited_tool_deny: Field<Vec<String>>,
}

/// Answer to [`Patch`].
#[derive(Debug, Serialize)]
pub struct PatchPayload {
    /// Always `true`.
    pub ok: bool,
    /// The store file.
    pub path: String,
    /// The canonical key.
    pub key: String,
    /// The entry as it is now.
    pub entry: Json,
    /// What the settings come to.
    pub resolved: Resolved,
}

/// What a session's settings come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// Provider of the model in use.
    pub model_provider: String,
    /// The model in use.
    pub model: String,
    /// v4: what runs the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_runtime: Option<AgentRuntime>,
    /// v4: whether that can be changed; it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_selection_locked: Option<bool>,
    /// v4, when the model or the level was set: the level in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<&'static str>,
    /// v4, likewise: the levels of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_levels: Option<Vec<LevelOption>>,
}

impl Rpc for Patch {
    const NAME: &'static str = "sessions.patch";
    /// v4 asks for more than write for a few fields; see the handler.
    const ACCESS: Access = Access::per_wire(Scope::Admin, Scope::Write);
    type Params = PatchParams;
    type Payload = PatchPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const WORD: Shape = Shape::Nullable(&NON_EMPTY);
const RESPONSE_USAGE: Property =
    opt("responseUsage", Shape::Nullable(&Shape::Literals(&["off", "tokens", "full", "on"])));
const SEND_POLICY: Property = opt("sendPolicy", Shape::Nullable(&Shape::Literals(&["allow", "deny"])));
const GROUP_ACTIVATION: Property =
    opt("groupActivation", Shape::Nullable(&Shape::Literals(&["mention", "always"])));

const V3: Object = Object {
    fields: &[
        req("key", NON_EMPTY),
        opt("label", Shape::Nullable(&LABEL_V3)),
        opt("thinkingLevel", WORD),
        opt("verboseLevel", WORD),
        opt("reasoningLevel", WORD),
        RESPONSE_USAGE,
        opt("elevatedLevel", WORD),
        opt("execHost", WORD),
        opt("execSecurity", WORD),
        opt("execAsk", WORD),
        opt("execNode", WORD),
        opt("model", WORD),
        opt("spawnedBy", WORD),
        opt("spawnDepth", Shape::Nullable(&int_min(0))),
        SEND_POLICY,
        GROUP_ACTIVATION,
    ],
};

const MODES: Shape = Shape::Nullable(&Shape::Literals(&["read-only", "guarded", "workspace", "full"]));
const NAMES: Shape = Shape::Nullable(&Shape::List { item: &NON_EMPTY, min: 0 });
const TOOLS: Shape = Shape::Nullable(&Shape::Map(&Shape::Any));

const V4: Object = Object {
    fields: &[
        req("key", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("expectedSessionId", NON_EMPTY),
        opt("expectedLifecycleRevision", NON_EMPTY),
        opt("expectedPermissionMode", MODES),
        opt("expectedToolOverrides", TOOLS),
        opt("expectedMarkedUnreadAt", Shape::Nullable(&Shape::Number { min: 0 })),
        opt("label", Shape::Nullable(&LABEL_V4)),
        opt("icon", Shape::Nullable(&TEXT)),
        opt("color", Shape::Nullable(&TEXT)),
        opt("category", Shape::Nullable(&LABEL_V4)),
        opt("boardFace", Shape::Literals(&["chat", "dashboard"])),
        opt("statusNote", Shape::Nullable(&Shape::Text { min: 0, max: 120 })),
        opt("attention", Shape::Nullable(&TEXT)),
        opt("ttlMinutes", int_in(1, 120)),
        opt("archived", Shape::Bool),
        opt("pinned", Shape::Bool),
        opt("unread", Shape::Bool),
        opt("contextWindow", WORD),
        opt("thinkingLevel", WORD),
        opt("fastMode", Shape::Nullable(&Shape::AnyOf(&[Shape::Bool, Shape::Literals(&["auto"])]))),
        opt("toolOverrides", TOOLS),
        opt("verboseLevel", WORD),
        opt("traceLevel", WORD),
        opt("reasoningLevel", WORD),
        RESPONSE_USAGE,
        opt("elevatedLevel", WORD),
        opt("execHost", WORD),
        opt("execSecurity", WORD),
        opt("execAsk", WORD),
        opt("execNode", WORD),
        opt("permissionMode", MODES),
        opt("model", WORD),
        opt("completionOwnerSessionKey", WORD),
        opt("inheritedToolPolicyVersion", Shape::Nullable(&int_in(1, 1))),
        opt("inheritedToolAllow", NAMES),
        opt("inheritedToolDeny", NAMES),
        SEND_POLICY,
        GROUP_ACTIVATION,
    ],
};

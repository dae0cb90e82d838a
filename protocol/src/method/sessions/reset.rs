//! `sessions.reset`, `sessions.delete`, `sessions.compact`

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Json, Resolved};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Property, Shape, int_min, opt, req};

/// Starts a conversation anew, keeping its settings. Makes the session when it is missing.
pub struct Reset;

/// Params of [`Reset`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetParams {
    /// The session, as the client spells it.
    pub key: String,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// v4: refuse unless the session still has this id.
    pub expected_session_id: Option<String>,
    /// Why; told to hooks.
    pub reason: Option<ResetReason>,
}

/// Why a conversation starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// `/new`
    New,
    /// `/reset`
    #[default]
    Reset,
}

/// Answer to [`Reset`].
#[derive(Debug, Serialize)]
pub struct ResetPayload {
    /// Always `true`.
    pub ok: bool,
    /// The canonical key.
    pub key: String,
    /// The entry as it is now.
    pub entry: Json,
    /// v4: the model in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

impl Rpc for Reset {
    const NAME: &'static str = "sessions.reset";
    const ACCESS: Access = Access::scope(Scope::Admin);
    type Params = ResetParams;
    type Payload = ResetPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const REASON: Property = opt("reason", Shape::Literals(&["new", "reset"]));
        const V3: Object = Object { fields: &[req("key", NON_EMPTY), REASON] };
        const V4: Object = Object {
            fields: &[
                req("key", NON_EMPTY),
                opt("agentId", NON_EMPTY),
                opt("expectedSessionId", NON_EMPTY),
                REASON,
            ],
        };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

/// Forgets a session. Deleting what is not there is fine.
pub struct Delete;

/// Params of [`Delete`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteParams {
    /// The session, as the client spells it.
    pub key: String,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// Whether the transcript is put aside as deleted; it is, unless told.
    pub delete_transcript: Option<bool>,
    /// Whether hooks are told.
    pub emit_lifecycle_hooks: Option<bool>,
    /// v4: refuse unless the session still has this id.
    pub expected_session_id: Option<String>,
    /// v4: refuse unless the conversation was not started anew.
    pub expected_lifecycle_revision: Option<String>,
    /// v4: refuse unless it last changed then.
    pub expected_session_updated_at: Option<f64>,
    /// v4: refuse unless it is archived. Callers without the admin scope must say so.
    pub archived_only: Option<bool>,
}

/// Answer to [`Delete`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletePayload {
    /// Always `true`.
    pub ok: bool,
    /// The canonical key.
    pub key: String,
    /// Whether there was something.
    pub deleted: bool,
    /// Absolute paths of transcripts put aside.
    pub archived: Vec<String>,
}

impl Rpc for Delete {
    const NAME: &'static str = "sessions.delete";
    /// v4 lets callers without admin delete only what is archived; see [`DeleteParams::archived_only`].
    const ACCESS: Access = Access::per_wire(Scope::Admin, Scope::Write);
    type Params = DeleteParams;
    type Payload = DeletePayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const V3: Object = Object {
            fields: &[
                req("key", NON_EMPTY),
                opt("deleteTranscript", Shape::Bool),
                opt("emitLifecycleHooks", Shape::Bool),
            ],
        };
        const V4: Object = Object {
            fields: &[
                req("key", NON_EMPTY),
                opt("agentId", NON_EMPTY),
                opt("deleteTranscript", Shape::Bool),
                opt("expectedSessionId", NON_EMPTY),
                opt("expectedLifecycleRevision", NON_EMPTY),
                opt("expectedSessionUpdatedAt", Shape::Number { min: 0 }),
                opt("emitLifecycleHooks", Shape::Bool),
                opt("archivedOnly", Shape::Bool),
            ],
        };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

/// Shortens a transcript to its last lines; v4 without `max_lines` asks the model for a summary instead.
pub struct Compact;

/// Params of [`Compact`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactParams {
    /// The session, as the client spells it.
    pub key: String,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// How many lines stay; v3: [`CompactParams::LINES_V3`] unless told.
    pub max_lines: Option<u64>,
}

impl CompactParams {
    /// How many lines v3 keeps unless told.
    pub const LINES_V3: u64 = 400;
}

/// Answer to [`Compact`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompactPayload {
    /// `false` when a summary was tried and failed.
    pub ok: bool,
    /// The canonical key.
    pub key: String,
    /// Whether anything was taken away.
    pub compacted: bool,
    /// Why not, when there was nothing to compact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// v4: the summary that stands for the older part now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CompactResult>,
    /// v3: absolute path of the whole transcript, put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<String>,
    /// Lines that stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
}

/// What a summary came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactResult {
    /// The summary.
    pub summary: String,
    /// The first record that is still told in full; absent when the summary stands for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_kept_entry_id: Option<String>,
    /// Estimated tokens of the conversation before.
    pub tokens_before: u64,
    /// Estimated tokens of it now.
    pub tokens_after: u64,
}

impl Rpc for Compact {
    const NAME: &'static str = "sessions.compact";
    const ACCESS: Access = Access::scope(Scope::Admin);
    type Params = CompactParams;
    type Payload = CompactPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const LINES: Property = opt("maxLines", int_min(1));
        const V3: Object = Object { fields: &[req("key", NON_EMPTY), LINES] };
        const V4: Object = Object { fields: &[req("key", NON_EMPTY), opt("agentId", NON_EMPTY), LINES] };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

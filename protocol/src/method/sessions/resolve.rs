//! `sessions.resolve`

use serde::{Deserialize, Serialize};

use super::{LABEL_V3, LABEL_V4};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, opt};

/// Finds one session by key, id or label. Exactly one selector; the checks have words of their own.
pub struct Resolve;

/// Params of [`Resolve`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResolveParams {
    /// By key, in any spelling.
    pub key: Option<String>,
    /// By session id.
    pub session_id: Option<String>,
    /// By label.
    pub label: Option<String>,
    /// v4: by the first characters of the session id.
    pub short_id: Option<String>,
    /// v4: with `short_id`, words of the title; only told, never checked.
    pub slug_hint: Option<String>,
    /// v4: by any of these.
    pub reference: Option<String>,
    /// Only sessions of this agent.
    pub agent_id: Option<String>,
    /// Only sessions spawned by this one.
    pub spawned_by: Option<String>,
    /// The global conversation counts.
    pub include_global: bool,
    /// Unattributable messages count.
    pub include_unknown: bool,
    /// v4: finding nothing is no error.
    pub allow_missing: bool,
}

/// Answer to [`Resolve`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvePayload {
    /// Whether it was found.
    pub ok: bool,
    /// Its canonical key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// v4: its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

impl Rpc for Resolve {
    const NAME: &'static str = "sessions.resolve";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = ResolveParams;
    type Payload = ResolvePayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const V3: Object = Object {
    fields: &[
        opt("key", NON_EMPTY),
        opt("sessionId", NON_EMPTY),
        opt("label", LABEL_V3),
        opt("agentId", NON_EMPTY),
        opt("spawnedBy", NON_EMPTY),
        opt("includeGlobal", Shape::Bool),
        opt("includeUnknown", Shape::Bool),
    ],
};

const V4: Object = Object {
    fields: &[
        opt("key", NON_EMPTY),
        opt("sessionId", NON_EMPTY),
        opt("label", LABEL_V4),
        opt("shortId", NON_EMPTY),
        opt("slugHint", NON_EMPTY),
        opt("reference", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("spawnedBy", NON_EMPTY),
        opt("includeGlobal", Shape::Bool),
        opt("includeUnknown", Shape::Bool),
        opt("allowMissing", Shape::Bool),
    ],
};

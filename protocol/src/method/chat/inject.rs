//! `chat.inject`: puts an assistant message into a transcript without a run.

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// Appends an assistant message and shows it to everybody.
pub struct Inject;

/// Params of [`Inject`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectParams {
    /// The session; it must exist.
    pub session_key: String,
    /// The text.
    pub message: String,
    /// Put in front of the text as `[label]`.
    pub label: Option<String>,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
}

/// Answer to [`Inject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectPayload {
    /// Always `true`.
    pub ok: bool,
    /// Id of the transcript entry.
    pub message_id: String,
}

impl Rpc for Inject {
    const NAME: &'static str = "chat.inject";
    const ACCESS: Access = Access::scope(Scope::Admin).unlisted();
    type Params = InjectParams;
    type Payload = InjectPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

/// An empty label is allowed, and means none.
const LABEL: Shape = Shape::Text { min: 0, max: 100 };

const V3: Object =
    Object { fields: &[req("sessionKey", NON_EMPTY), req("message", NON_EMPTY), opt("label", LABEL)] };

const V4: Object = Object {
    fields: &[
        req("sessionKey", NON_EMPTY),
        req("message", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("label", LABEL),
    ],
};

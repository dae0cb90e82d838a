//! `exec.approval.resolve`

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, int_in, opt, req};

/// Decides an approval that waits.
pub struct Resolve;

/// Params of [`Resolve`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolveParams {
    /// Which approval; on v4 enough of its start.
    pub id: String,
    /// One of the words of [`super::Decision`]; the handler refuses others in upstream's words.
    pub decision: String,
    /// v4: the person of a channel who decided. There are no channels, so nobody can be that.
    pub reviewer: Option<serde_json::Value>,
}

/// Answer to [`Resolve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ResolvePayload {
    /// Always `true`.
    pub ok: bool,
}

impl Rpc for Resolve {
    const NAME: &'static str = "exec.approval.resolve";
    const ACCESS: Access = Access::scope(Scope::Approvals);
    type Params = ResolveParams;
    type Payload = ResolvePayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const V3: Object = Object { fields: &[req("id", NON_EMPTY), req("decision", NON_EMPTY)] };
        const V4: Object = Object {
            fields: &[
                req("id", NON_EMPTY),
                req("decision", NON_EMPTY),
                opt("reviewer", Shape::Any),
                opt("grantExpiresInDays", int_in(1, 3_650)),
            ],
        };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

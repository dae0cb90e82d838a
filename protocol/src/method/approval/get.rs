//! `exec.approval.get` (v4)

use serde::{Deserialize, Serialize};

use super::Decision;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, req};

/// Shows one approval that waits.
pub struct Get;

/// Params of [`Get`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GetParams {
    /// Which approval, or enough of its start.
    pub id: String,
}

/// Answer to [`Get`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPayload {
    /// Its whole id.
    pub id: Box<str>,
    /// What is to run.
    pub command_text: Box<str>,
    /// Always null: no shorter form is kept.
    pub command_preview: (),
    /// What may be decided.
    pub allowed_decisions: Vec<Decision>,
    /// On what kind of host.
    pub host: Option<Box<str>>,
    /// On which node.
    pub node_id: Option<Box<str>>,
    /// Whose agent.
    pub agent_id: Option<Box<str>>,
    /// When it ends at the latest, milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl Rpc for Get {
    const NAME: &'static str = "exec.approval.get";
    const ACCESS: Access = Access::v4_only(Scope::Approvals);
    type Params = GetParams;
    type Payload = GetPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const PARAMS: Object = Object { fields: &[req("id", NON_EMPTY)] };
        Some(&PARAMS)
    }
}

//! `exec.approval.list` (v4)

use serde::Serialize;

use super::request::ExecRequest;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::{NoParams, Rpc};
use crate::schema::Object;

/// Lists the approvals that wait and that the caller may see.
pub struct List;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name.
    pub id: Box<str>,
    /// What people are shown.
    pub request: ExecRequest,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it ends at the latest.
    pub expires_at_ms: u64,
    /// `exec`
    pub approval_kind: &'static str,
}

impl Rpc for List {
    const NAME: &'static str = "exec.approval.list";
    const ACCESS: Access = Access::v4_only(Scope::Approvals);
    /// Checked by nobody, as upstream has it.
    type Params = NoParams;
    type Payload = Vec<Listed>;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

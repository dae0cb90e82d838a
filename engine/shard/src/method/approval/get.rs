//! `exec.approval.get` (v4)

use pincer_protocol::method::approval::{Get, GetParams, GetPayload, unknown_approval};

use super::{approvals, whole_id};
use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for Get {
    fn handle(cx: &mut Cx<'_>, params: GetParams) -> Outcome<GetPayload> {
        let id = whole_id(cx, &params.id, |record| record.ruling.is_none())?;
        let wire = cx.caller.wire;
        let approvals = approvals(cx)?;
        let record = approvals.get(&id).filter(|_| approvals.is_pending(&id));
        let record = record.ok_or_else(|| unknown_approval(wire))?;
        Ok(Answer::Now(GetPayload {
            id,
            command_text: record.request.command.clone(),
            command_preview: (),
            allowed_decisions: record.request.allowed_decisions.clone(),
            host: record.request.host.clone(),
            node_id: record.request.node_id.clone(),
            agent_id: record.request.agent_id.clone(),
            expires_at_ms: record.expires_at_ms,
        }))
    }
}

//! `exec.approval.list` (v4)

use pincer_protocol::method::NoParams;
use pincer_protocol::method::approval::{List, Listed};

use super::approvals;
use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for List {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<Vec<Listed>> {
        let (wire, who, at) = (cx.caller.wire, cx.caller.who.clone(), (cx.caller.origin, cx.caller.conn));
        let pending = approvals(cx)?.pending();
        let mine = pending.into_iter().filter(|record| record.is_visible(wire, &who, at));
        let listed = mine.map(|record| Listed {
            id: record.id.clone(),
            request: record.request.clone(),
            created_at_ms: record.created_at_ms,
            expires_at_ms: record.expires_at_ms,
            approval_kind: "exec",
        });
        Ok(Answer::Now(listed.collect()))
    }
}

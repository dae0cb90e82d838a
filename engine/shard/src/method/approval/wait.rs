//! `exec.approval.waitDecision`

use pincer_protocol::ErrorShape;
use pincer_protocol::method::approval::{WaitDecision, WaitParams, WaitPayload};

use super::approvals;
use crate::approval::{Waiter, Wanted};
use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for WaitDecision {
    fn handle(cx: &mut Cx<'_>, params: WaitParams) -> Outcome<WaitPayload> {
        let id = params.id;
        if id.is_empty() {
            return Err(ErrorShape::invalid("id is required"));
        }
        let (wire, who, at) = (cx.caller.wire, cx.caller.who.clone(), (cx.caller.origin, cx.caller.conn));
        if !approvals(cx)?.get(&id).is_some_and(|record| record.is_visible(wire, &who, at)) {
            return Err(ErrorShape::invalid("approval expired or not found"));
        }
        let held = cx.hold();
        cx.shard.wait_for_approval(&id, Waiter { held, wanted: Wanted::Wait });
        Ok(Answer::Later)
    }
}

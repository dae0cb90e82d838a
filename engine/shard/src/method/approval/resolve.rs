//! `exec.approval.resolve`

use pincer_protocol::method::approval::{
    Decision, Resolve, ResolveParams, ResolvePayload, already_resolved, unknown_approval,
};
use pincer_protocol::{ErrorShape, Wire};
use serde_json::json;

use super::{approvals, whole_id};
use crate::approval::table::Decide;
use crate::approval::{Waiter, Wanted};
use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for Resolve {
    fn handle(cx: &mut Cx<'_>, params: ResolveParams) -> Outcome<ResolvePayload> {
        let wire = cx.caller.wire;
        let Some(decision) = Decision::parse(&params.decision) else {
            return Err(ErrorShape::invalid("invalid decision"));
        };
        let id = match wire {
            Wire::V3 => params.id.as_str().into(),
            Wire::V4 if params.reviewer.is_some() => return Err(unknown_approval(wire)),
            // What waits goes before what is over, should both start so.
            Wire::V4 => whole_id(cx, &params.id, |record| record.ruling.is_none())
                .or_else(|_| whole_id(cx, &params.id, |_| true))?,
        };
        let who = &cx.caller.who;
        let by = who.display_name.clone().unwrap_or_else(|| who.client_id.as_str().into());
        let now = cx.shard.now;
        match approvals(cx)?.decide(&id, decision, Some(by), now) {
            Decide::Begin(op) => {
                let held = cx.hold();
                cx.shard.write_decision(id, op, held);
                Ok(Answer::Later)
            }
            Decide::Same if wire == Wire::V4 => Ok(Answer::Now(ResolvePayload { ok: true })),
            Decide::SameOnItsWay if wire == Wire::V4 => {
                let held = cx.hold();
                cx.shard.wait_for_approval(&id, Waiter { held, wanted: Wanted::Resolve(decision) });
                Ok(Answer::Later)
            }
            Decide::Same | Decide::SameOnItsWay | Decide::Other => Err(already_resolved(wire)),
            Decide::Unknown => Err(unknown_approval(wire)),
            Decide::NotAllowed => Err(ErrorShape::invalid("allow-always is unavailable for this command")
                .with_details(json!({"reason": "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE"}))),
        }
    }
}

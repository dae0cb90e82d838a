//! `chat.abort`: out of band, never queued behind work.

use pincer_protocol::method::chat::{Abort, AbortParams, AbortPayload};
use pincer_protocol::{ErrorShape, Wire};

use crate::dispatch::{Answer, Cx, Handle, MethodCall, Outcome};
use crate::run::AbortReason;

impl Handle for Abort {
    fn handle(cx: &mut Cx<'_>, params: AbortParams) -> Outcome<AbortPayload> {
        let key = cx.shard.view.parse_key(&params.session_key, cx.caller.wire)?;
        let (key, run_id) = match params.run_id.clone() {
            Some(run_id) => match cx.shard.runs.keys.get(&run_id).cloned() {
                // Upstream's v3 refuses a run of another session; v4 stops the run, whichever session is named.
                Some(owner) if owner != key && cx.caller.wire == Wire::V3 => {
                    return Err(ErrorShape::invalid("runId does not match sessionKey"));
                }
                Some(owner) => (owner, run_id),
                None => {
                    let (held, wire) = (cx.hold(), cx.caller.wire);
                    cx.shard.hand_to_run_owner(
                        run_id,
                        wire,
                        MethodCall::ChatAbort(params),
                        held,
                        |shard, held| shard.answer(held, Ok(&nothing())),
                    );
                    return Ok(Answer::Later);
                }
            },
            None => match cx.shard.active_run_id(&key) {
                Some(run_id) => (key, run_id),
                None => return Ok(Answer::Now(nothing())),
            },
        };
        let held = cx.hold();
        let stopped = run_id.clone();
        cx.shard.abort_run(&key, &run_id, AbortReason::Rpc, move |shard, aborted| {
            let run_ids = if aborted { vec![stopped] } else { Vec::new() };
            shard.answer(held, Ok(&AbortPayload { ok: true, aborted, run_ids }));
        });
        Ok(Answer::Later)
    }
}

fn nothing() -> AbortPayload {
    AbortPayload { ok: true, aborted: false, run_ids: Vec::new() }
}

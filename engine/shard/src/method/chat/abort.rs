//! `chat.abort`: out of band, never queued behind work.

use pincer_protocol::method::chat::{Abort, AbortParams, AbortPayload};
use pincer_protocol::{ErrorShape, Wire};

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::AbortReason;

impl Handle for Abort {
    fn handle(cx: &mut Cx<'_>, params: AbortParams) -> Outcome<AbortPayload> {
        let key = cx.shard.view.parse_key(&params.session_key, cx.caller.wire)?;
        let nothing = || Ok(Answer::Now(AbortPayload { ok: true, aborted: false, run_ids: Vec::new() }));
        let run_id = match params.run_id {
            Some(run_id) => match cx.shard.runs.keys.get(&run_id) {
                // Upstream's v3 answers so for a run of another session; v4 says that nothing was stopped.
                Some(owner) if *owner != key && cx.caller.wire == Wire::V3 => {
                    return Err(ErrorShape::invalid("runId does not match sessionKey"));
                }
                Some(owner) if *owner == key => run_id,
                _ => return nothing(),
            },
            None => match cx.shard.active_run_id(&key) {
                Some(run_id) => run_id,
                None => return nothing(),
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

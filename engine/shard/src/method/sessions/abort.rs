//! `sessions.abort` (v4): stops a session's run, wherever it is.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::sessions::{Abort, AbortParams, AbortPayload};
use pincer_sessions::key::SessionKey;
use pincer_sessions::scheduler::Clear;

use crate::Shard;
use crate::dispatch::{Answer, Cx, Handle, MethodCall, Outcome};
use crate::run::{AbortReason, RunEnd, well};

impl Handle for Abort {
    fn handle(cx: &mut Cx<'_>, params: AbortParams) -> Outcome<AbortPayload> {
        let wire = cx.caller.wire;
        let key = match (params.key.as_deref(), params.run_id.as_deref()) {
            (Some(spelled), _) => cx.shard.view.parse_key_of(spelled, params.agent_id.as_deref(), wire)?,
            (None, None) => return Err(ErrorShape::invalid("key required")),
            (None, Some(run_id)) => match cx.shard.runs.keys.get(run_id).cloned() {
                Some(key) => key,
                None => return look_elsewhere(cx, params),
            },
        };
        if params.clear_queued {
            cx.shard.clear_queue(&key);
        }
        let running = match params.run_id {
            Some(run_id) => {
                cx.shard.runs.keys.get(&run_id).is_some_and(|owner| *owner == key).then_some(run_id)
            }
            None => cx.shard.sessions.scheduler.running(&key).map(str::to_owned),
        };
        let Some(run_id) = running else { return Ok(Answer::Now(AbortPayload::new(None))) };
        let held = cx.hold();
        let stopped = run_id.clone();
        cx.shard.abort_run(&key, &run_id, AbortReason::Rpc, move |shard, aborted| {
            shard.answer(held, Ok(&AbortPayload::new(aborted.then_some(stopped))));
        });
        Ok(Answer::Later)
    }
}

/// A run of another shard, by its id alone: whoever has it gets the call. A call that was sent here for that finds the
/// run ended meanwhile.
fn look_elsewhere(cx: &mut Cx<'_>, params: AbortParams) -> Outcome<AbortPayload> {
    let Some(run_id) = params.run_id.clone().filter(|_| cx.caller.origin == cx.shard.id) else {
        return Ok(Answer::Now(AbortPayload::new(None)));
    };
    let held = cx.hold();
    let wire = cx.caller.wire;
    cx.shard.hand_to_run_owner(run_id, wire, MethodCall::SessionsAbort(params), held, |shard, held| {
        shard.answer(held, Ok(&AbortPayload::new(None)));
    });
    Ok(Answer::Later)
}

impl Shard {
    /// Forgets the messages that wait in a session. They were said, so they go into the transcript.
    fn clear_queue(&mut self, key: &SessionKey) {
        let mut ops = Vec::new();
        for turn in self.sessions.scheduler.clear(key, Clear::Messages) {
            ops.extend(self.user_lines(key, &turn));
            ops.extend(self.retire(key, &turn.run_id, well()));
            self.run_ended(&turn.run_id, RunEnd::aborted(AbortReason::Rpc, self.now.wall_ms));
        }
        self.arm_queue();
        if !ops.is_empty() {
            ops.extend(self.entry_op(key));
            self.persist_surely(ops, |_, _| ());
        }
    }
}

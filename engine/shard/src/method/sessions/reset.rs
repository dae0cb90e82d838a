//! `sessions.reset`: a conversation starts anew, its transcript put aside.

use pincer_protocol::method::sessions::{Reset, ResetParams, ResetPayload, ResetReason};
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ArchiveReason, StoreOp};
use pincer_sessions::reset::{Fresh, reset, reset_payload};

use super::not_saved;
use crate::Shard;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::AbortReason;
use crate::run::stream::Change;

impl Handle for Reset {
    fn handle(cx: &mut Cx<'_>, params: ResetParams) -> Outcome<ResetPayload> {
        let wire = cx.caller.wire;
        let key = cx.shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        let held = cx.hold();
        let shard = &mut *cx.shard;
        let existed = shard.sessions.map.contains_key(&key);
        if let Err(error) = shard.ensure_session(&key) {
            shard.answer::<()>(held, Err(error));
            return Ok(Answer::Later);
        }
        let (stopped, _) = shard.stop_session(&key, AbortReason::Rpc);
        let before = shard.sessions.map.get(&key).map(|session| session.entry.clone()).filter(|_| existed);
        let reason = params.reason.unwrap_or_default();
        let mut ops = stopped.clone();
        ops.extend(shard.reset_session(&key, reason, wire));
        let written = shard.sessions.map.get(&key).map(|session| session.entry.clone());
        shard.persist(ops, move |shard, result| {
            let Some(written) = written else {
                return shard.answer::<()>(held, Err(ErrorShape::unavailable("the session is gone")));
            };
            if let Err(error) = result {
                // What was stopped stays so.
                if !stopped.is_empty() {
                    shard.persist_surely(stopped, |_, _| ());
                }
                shard.take_back(&key, before, &written);
                return shard.answer::<()>(held, Err(not_saved(&error)));
            }
            shard.session_changed(&key, Change::Reason(reason_name(reason)));
            let agent = key.store_agent(&shard.view.default_agent);
            let folder = shard.view.sessions_folder(&agent);
            match reset_payload(&key, &written, wire, &agent, &folder, &*shard.view) {
                Some(payload) => shard.answer(held, Ok(&payload)),
                None => shard.answer::<()>(held, Err(ErrorShape::unavailable("the entry is not JSON"))),
            }
        });
        Ok(Answer::Later)
    }
}

fn reason_name(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::New => "new",
        ResetReason::Reset => "reset",
    }
}

impl Shard {
    /// Starts a session's conversation anew: what runs or waits in it is stopped, its transcript put aside. Returns what
    /// must be written down; nothing is told to anybody before that, except to those whose runs were stopped.
    pub(crate) fn reset_session(&mut self, key: &SessionKey, _: ResetReason, wire: Wire) -> Vec<StoreOp> {
        let (mut ops, _) = self.stop_session(key, AbortReason::Rpc);
        let transcript = self.transcript_id(key);
        let fresh = Fresh { session_id: self.fresh_session_id(), revision: self.uuid().into() };
        let now = self.now.wall_ms;
        let view = std::sync::Arc::clone(&self.view);
        let agent = key.store_agent(&view.default_agent);
        let Some(session) = self.sessions.map.get_mut(key) else { return ops };
        let had_transcript = session.entry.has_transcript;
        let renewed = reset(Some(&session.entry), wire, fresh, &agent, now, &*view);
        session.entry = renewed.entry;
        session.leaf = None;
        session.last_preview = None;
        session.first_said = None;
        if had_transcript && let Some(transcript) = transcript {
            ops.push(StoreOp::Archive { transcript, reason: ArchiveReason::Reset, at_ms: now });
        }
        ops.extend(self.entry_op(key));
        self.health_stale();
        ops
    }
}

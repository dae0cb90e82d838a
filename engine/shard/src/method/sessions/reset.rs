//! `sessions.reset`: a conversation starts anew, its transcript put aside.

use pincer_protocol::method::sessions::{Reset, ResetParams, ResetPayload, ResetReason};
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::entry::{Entry, SessionId};
use pincer_sessions::key::SessionKey;
use pincer_sessions::patch::{check_identity, replaced};
use pincer_sessions::persist::{ArchiveReason, StoreError, StoreOp};
use pincer_sessions::reset::{Fresh, reset, reset_payload};

use super::not_saved;
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::AbortReason;
use crate::run::stream::Change;

impl Handle for Reset {
    fn handle(cx: &mut Cx<'_>, params: ResetParams) -> Outcome<ResetPayload> {
        let wire = cx.caller.wire;
        let key = cx.shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        let expected = params.expected_session_id.as_deref();
        match cx.shard.sessions.map.get(&key) {
            Some(session) => check_identity(&session.entry, &key, expected, None)?,
            None if expected.is_some() => return Err(replaced(&key)),
            None => {}
        }
        let held = cx.hold();
        let reason = params.reason.unwrap_or_default();
        let shard = &mut *cx.shard;
        shard.stop_first(&key.clone(), move |shard, ready| match ready {
            Ok(()) => shard.reset_for(held, &key, reason, wire),
            Err(error) => shard.answer::<()>(held, Err(not_saved(&error))),
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
    /// Stops a session, then goes on with `then` when all that was said in it is on disk: its transcript is about to be put
    /// aside, and nothing may be appended to it after that.
    pub(crate) fn stop_first(
        &mut self,
        key: &SessionKey,
        then: impl FnOnce(&mut Shard, Result<(), StoreError>) + Send + 'static,
    ) {
        let (stopped, _) = self.stop_session(key, AbortReason::Rpc);
        if !stopped.is_empty() {
            self.persist_surely(stopped, |_, _| ());
        }
        self.after_surely(then);
    }

    fn reset_for(&mut self, held: Held, key: &SessionKey, reason: ResetReason, wire: Wire) {
        let existed = self.sessions.map.contains_key(key);
        if let Err(error) = self.ensure_session(key) {
            return self.answer::<()>(held, Err(error));
        }
        let key = key.clone();
        self.reset_surely(&key.clone(), wire, existed, move |shard, result| {
            let written = match result {
                Ok(written) => written,
                Err(error) => return shard.answer::<()>(held, Err(not_saved(&error))),
            };
            shard.session_changed(&key, Change::Reason(reason_name(reason)));
            let agent = key.store_agent(&shard.view.default_agent);
            let folder = shard.view.sessions_folder(&agent);
            match reset_payload(&key, &written, wire, &agent, &folder, &*shard.view) {
                Some(payload) => shard.answer(held, Ok(&payload)),
                None => shard.answer::<()>(held, Err(ErrorShape::unavailable("the entry is not JSON"))),
            }
        });
    }

    /// Resets a session and goes on with its new entry once that is on disk. What cannot be written down is taken back,
    /// except that what ran was stopped and stays so. `existed`: it was there before.
    pub(crate) fn reset_surely(
        &mut self,
        key: &SessionKey,
        wire: Wire,
        existed: bool,
        then: impl FnOnce(&mut Shard, Result<Entry, StoreError>) + Send + 'static,
    ) {
        let (stopped, _) = self.stop_session(key, AbortReason::Rpc);
        let before = self.sessions.map.get(key).map(|session| session.entry.clone()).filter(|_| existed);
        let mut ops = stopped.clone();
        ops.extend(self.reset_session(key, wire, None));
        let written = self.sessions.map.get(key).map(|session| session.entry.clone());
        let key = key.clone();
        self.persist(ops, move |shard, result| {
            let result = match (result, written) {
                (Ok(_), Some(written)) => Ok(written),
                (Ok(_), None) => {
                    Err(StoreError { message: "the session is gone".to_owned(), retryable: false })
                }
                (Err(error), written) => {
                    if !stopped.is_empty() {
                        shard.persist_surely(stopped, |_, _| ());
                    }
                    if let Some(written) = written {
                        shard.take_back(&key, before, &written);
                    }
                    Err(error)
                }
            };
            then(shard, result);
        });
    }

    /// A message has come for a session: when the conversation has gone stale, it begins anew under a new id. Whatever was
    /// said is put aside, as a reset does. What runs or waits keeps a conversation alive.
    pub(crate) fn freshen(&mut self, key: &SessionKey, wire: Wire) {
        let Some(session) = self.sessions.map.get(key) else { return };
        let scheduler = &self.sessions.scheduler;
        let idle = scheduler.running(key).is_none() && scheduler.depth(key) == 0 && session.summary.is_none();
        if !idle || !session.entry.has_transcript || !self.view.is_stale(key, &session.entry, self.now) {
            return;
        }
        let id = self.fresh_session_id();
        let ops = self.reset_session(key, wire, Some(id));
        // The new conversation has a file of its own, so nothing has to wait for this.
        self.persist_surely(ops, |_, _| ());
        self.session_changed(key, Change::Reason("reset"));
    }

    /// Starts the conversation of a session anew in which nothing runs or waits: its transcript is put aside. Returns what
    /// must be written down. `id`: its new name, where v4 would keep the old one.
    fn reset_session(&mut self, key: &SessionKey, wire: Wire, id: Option<SessionId>) -> Vec<StoreOp> {
        let mut ops = Vec::new();
        let transcript = self.transcript_id(key);
        let fresh = Fresh { session_id: self.fresh_session_id(), revision: self.uuid().into() };
        let now = self.now.wall_ms;
        let view = std::sync::Arc::clone(&self.view);
        let agent = key.store_agent(&view.default_agent);
        let Some(session) = self.sessions.map.get_mut(key) else { return ops };
        let had_transcript = session.entry.has_transcript;
        let renewed = reset(Some(&session.entry), wire, fresh, &agent, now, &*view);
        session.entry = renewed.entry;
        if let Some(id) = id {
            session.entry.session_id = id;
        }
        session.leaf = None;
        session.reach = None;
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

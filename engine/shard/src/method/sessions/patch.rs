//! `sessions.patch`: settings of one session, all or nothing.

use pincer_protocol::method::sessions::{Patch, PatchParams, PatchPayload};
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::entry::Entry;
use pincer_sessions::key::SessionKey;
use pincer_sessions::patch::{LabelChange, PatchContext, Patched, apply, needs_admin, wanted_label};

use super::{not_saved, refuse_webchat, require_admin};
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::stream::Change;

impl Handle for Patch {
    fn handle(cx: &mut Cx<'_>, params: PatchParams) -> Outcome<PatchPayload> {
        let wire = cx.caller.wire;
        refuse_webchat(&cx.caller, "patch")?;
        if wire == Wire::V4 && needs_admin(&params) {
            require_admin(&cx.caller)?;
        }
        let shard = &mut *cx.shard;
        let key = shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        // What can be refused is refused before a label is taken for it.
        let known = shard.sessions.map.get(&key).map(|session| session.entry.clone());
        let mut trial = match known {
            Some(entry) => entry,
            None => Entry::created(shard.fresh_session_id(), "", shard.now.wall_ms),
        };
        let patched = shard.patched(&key, &mut trial, &params, wire)?;
        let held = cx.hold();
        match (patched.label, wanted_label(&params).map(str::to_owned)) {
            (LabelChange::Taken { .. }, Some(label)) => {
                let go_on = key.clone();
                cx.shard.reserve_label(&key, Some(&label), move |shard, reserved| match reserved {
                    Ok(()) => shard.patch_now(held, &go_on, params),
                    Err(error) => shard.answer::<()>(held, Err(error)),
                });
            }
            _ => cx.shard.patch_now(held, &key, params),
        }
        Ok(Answer::Later)
    }
}

impl Shard {
    /// Applies a patch whose label, if it asks for one, is already the session's at home.
    fn patched(
        &self,
        key: &SessionKey,
        entry: &mut Entry,
        params: &PatchParams,
        wire: Wire,
    ) -> Result<Patched, ErrorShape> {
        let agent = key.store_agent(&self.view.default_agent);
        let context = PatchContext {
            key,
            agent: &agent,
            wire,
            now_ms: self.now.wall_ms,
            models: &*self.view,
            label_taken: &|_| false,
        };
        apply(entry, params, &context)
    }

    fn patch_now(&mut self, held: Held, key: &SessionKey, params: PatchParams) {
        let wire = held.wire;
        let before = self.sessions.map.get(key).map(|session| session.entry.clone());
        // Things may have changed while home was asked: everything is checked again.
        let decided = self.ensure_session(key).and_then(|_| {
            let session = self.sessions.map.get(key);
            let mut entry = session.map(|session| session.entry.clone()).ok_or_else(gone)?;
            let patched = self.patched(key, &mut entry, &params, wire)?;
            Ok((entry, patched))
        });
        let (entry, patched) = match decided {
            Ok(decided) => decided,
            Err(error) => {
                if before.is_none() {
                    self.sessions.map.remove(key);
                }
                self.sync_label(key);
                return self.answer::<()>(held, Err(error));
            }
        };
        if let Some(session) = self.sessions.map.get_mut(key) {
            session.entry = entry.clone();
        }
        let ops = self.entry_op(key).into_iter().collect();
        let key = key.clone();
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.take_back(&key, before, &entry);
                shard.sync_label(&key);
                return shard.answer::<()>(held, Err(not_saved(&error)));
            }
            if matches!(patched.label, LabelChange::Freed(_)) {
                shard.sync_label(&key);
            }
            shard.session_changed(&key, Change::Reason("patch"));
            let agent = key.store_agent(&shard.view.default_agent);
            let payload = PatchPayload {
                ok: true,
                path: shard.view.sessions_path(&agent, wire),
                key: key.to_string(),
                entry: shard.entry_json(&key, &entry, wire),
                resolved: patched.resolved,
            };
            shard.answer(held, Ok(&payload));
        });
    }
}

/// A session that [`Shard::ensure_session`] has just made cannot be missing.
fn gone() -> ErrorShape {
    ErrorShape::unavailable("the session is gone")
}

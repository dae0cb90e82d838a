//! `sessions.delete`: a session goes, with its queue, its run and, unless told otherwise, its transcript.

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{Delete, DeleteParams, DeletePayload};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ArchiveReason, Outcome as Stored, StoreOp, Table};
use pincer_sessions::reset::{check_delete, check_delete_expectations, delete_needs_admin};

use super::{not_saved, refuse_webchat, require_admin};
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::AbortReason;

impl Handle for Delete {
    fn handle(cx: &mut Cx<'_>, params: DeleteParams) -> Outcome<DeletePayload> {
        let wire = cx.caller.wire;
        refuse_webchat(&cx.caller, "delete")?;
        if wire == Wire::V4 && delete_needs_admin(&params) {
            require_admin(&cx.caller)?;
        }
        let shard = &mut *cx.shard;
        let key = shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        check_delete(&key, &shard.view.key_rules(wire, false))?;
        let Some(session) = shard.sessions.map.get(&key) else {
            return Ok(Answer::Now(payload(&key, false, Vec::new())));
        };
        if wire == Wire::V4 {
            check_delete_expectations(&session.entry, &key, &params)?;
        }
        let keep_transcript = params.delete_transcript == Some(false);
        let held = cx.hold();
        cx.shard.stop_first(&key.clone(), move |shard, ready| match ready {
            Ok(()) => shard.delete_now(held, key, keep_transcript),
            Err(error) => shard.answer::<()>(held, Err(not_saved(&error))),
        });
        Ok(Answer::Later)
    }
}

impl Shard {
    fn delete_now(&mut self, held: Held, key: SessionKey, keep_transcript: bool) {
        // Something may have begun while the rest was written down.
        let (stopped, _) = self.stop_session(&key, AbortReason::Rpc);
        let mut ops = stopped.clone();
        let transcript = self.transcript_id(&key);
        let Some(session) = self.sessions.map.remove(&key) else {
            return self.answer(held, Ok(&payload(&key, false, Vec::new())));
        };
        if let Some(transcript) = transcript
            && session.entry.has_transcript
            && !keep_transcript
        {
            let (reason, at_ms) = (ArchiveReason::Deleted, self.now.wall_ms);
            ops.push(StoreOp::Archive { transcript, reason, at_ms });
        }
        ops.push(StoreOp::Delete { table: Table::Sessions, id: key.as_str().to_owned() });
        self.persist(ops, move |shard, result| match result {
            Err(error) => {
                // It is as if nothing had happened, except that what ran was stopped and stays so.
                if !stopped.is_empty() {
                    shard.persist_surely(stopped, |_, _| ());
                }
                shard.sessions.map.entry(key).or_insert(session);
                shard.answer::<()>(held, Err(not_saved(&error)));
            }
            Ok(outcomes) => {
                let archived = outcomes.into_iter().filter_map(|outcome| match outcome {
                    Stored::Archived(path) => path,
                    _ => None,
                });
                shard.sync_label(&key);
                shard.session_deleted(&key, session.entry.session_id.as_str());
                shard.health_stale();
                shard.answer(held, Ok(&payload(&key, true, archived.collect())));
            }
        });
    }
}

fn payload(key: &SessionKey, deleted: bool, archived: Vec<String>) -> DeletePayload {
    DeletePayload { ok: true, key: key.to_string(), deleted, archived }
}

//! `sessions.compact`: with a number of lines a transcript loses its oldest ones, and a copy of the whole is put aside; on
//! v4 without one a summary takes the place of what was said long ago.

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{Compact, CompactParams, CompactPayload, CompactResult};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreOp;
use pincer_sessions::reset::{compact_payload, forget_counts};

use super::not_saved;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::stream::Change;
use crate::run::summary::{NoSummary, Summarised};

impl Handle for Compact {
    fn handle(cx: &mut Cx<'_>, params: CompactParams) -> Outcome<CompactPayload> {
        let wire = cx.caller.wire;
        let shard = &mut *cx.shard;
        let key = shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        let Some(transcript) = shard.transcript_id(&key) else {
            return Ok(Answer::Now(compact_payload(&key, wire, None)));
        };
        let lines = match (params.max_lines, wire) {
            (Some(lines), _) => lines,
            (None, Wire::V3) => CompactParams::LINES_V3,
            (None, Wire::V4) => {
                let held = cx.hold();
                cx.shard.summarise_now(&key.clone(), None, move |shard, result| {
                    shard.answer(held, Ok(&summary_payload(&key, result)));
                });
                return Ok(Answer::Later);
            }
        };
        let keep = u32::try_from(lines).unwrap_or(u32::MAX);
        let held = cx.hold();
        let trim = StoreOp::Trim { transcript, keep, at_ms: cx.shard.now.wall_ms };
        cx.shard.persist(vec![trim], move |shard, result| {
            let outcome = match result {
                Ok(outcomes) => outcomes.into_iter().next(),
                Err(error) => return shard.answer::<()>(held, Err(not_saved(&error))),
            };
            let payload = compact_payload(&key, wire, outcome.as_ref());
            if !payload.compacted {
                return shard.answer(held, Ok(&payload));
            }
            // The last line stays whatever is cut, so the next one still has its parent.
            let now = shard.now.wall_ms;
            if let Some(session) = shard.sessions.map.get_mut(&key) {
                forget_counts(&mut session.entry, wire, now);
                session.first_said = None;
                session.reach = None;
            }
            let ops = shard.entry_op(&key).into_iter().collect();
            // The file is shorter whether or not the counts could be written; they are forgotten in memory either way.
            shard.persist(ops, move |shard, _| {
                shard.session_changed(&key, Change::Reason("compact"));
                shard.answer(held, Ok(&payload));
            });
        });
        Ok(Answer::Later)
    }
}

/// The answer to a compaction by summary.
fn summary_payload(key: &SessionKey, result: Result<Summarised, NoSummary>) -> CompactPayload {
    let blank = compact_payload(key, Wire::V4, None);
    match result {
        Ok(done) => CompactPayload {
            compacted: true,
            reason: None,
            result: Some(CompactResult {
                summary: done.summary,
                first_kept_entry_id: done.first_kept_id,
                tokens_before: done.tokens_before,
                tokens_after: done.tokens_after,
            }),
            ..blank
        },
        Err(NoSummary::Nothing) => CompactPayload { reason: Some("nothing to compact".into()), ..blank },
        Err(NoSummary::Stopped) => CompactPayload { ok: false, reason: Some("stopped".into()), ..blank },
        Err(NoSummary::Failed(why)) => CompactPayload { ok: false, reason: Some(why.into()), ..blank },
    }
}

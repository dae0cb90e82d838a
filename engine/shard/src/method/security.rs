//! `security.*`: what people do with what the defender stopped.

use pincer_defender::ledger::EntryId;
use pincer_protocol::ErrorShape;
use pincer_protocol::method::security::{QuarantineRelease, ReleaseParams, ReleasePayload};
use pincer_sessions::persist::{Outcome as Stored, StoreOp};
use serde_json::json;

use crate::dispatch::{Answer, Cx, Handle, Outcome};

/// Longest name of who releases, characters; the rest is cut off.
const BY_CHARS_MAX: usize = 128;

impl Handle for QuarantineRelease {
    fn handle(cx: &mut Cx<'_>, params: ReleaseParams) -> Outcome<ReleasePayload> {
        let ReleaseParams { id, by } = params;
        if EntryId::new(&id).is_none() {
            return Err(ErrorShape::invalid(format!("{id:?} is no decision's id"))
                .with_details(json!({"field": "id", "reason": "not-an-id"})));
        }
        let who = &cx.caller.who;
        let by = by.unwrap_or_else(|| {
            who.display_name.as_deref().unwrap_or_else(|| who.client_id.as_str()).to_owned()
        });
        let by: String = by.trim().chars().take(BY_CHARS_MAX).collect();
        if by.is_empty() {
            return Err(ErrorShape::invalid("`by` is blank: the ledger says who let something through")
                .with_details(json!({"field": "by"})));
        }
        let op = StoreOp::Release { at_ms: cx.shard.now.wall_ms, id: id.clone(), by: by.clone() };
        let held = cx.hold();
        cx.shard.persist(vec![op], move |shard, result| match result {
            Ok(outcomes) => {
                let before = matches!(outcomes.first(), Some(Stored::Released { before: true }));
                if !before {
                    shard.info("defender", format!("{id} is noted as let through by {by}"));
                }
                shard.answer(held, Ok(&ReleasePayload { id, released: true, before }));
            }
            Err(error) if error.retryable => {
                shard.answer::<()>(held, Err(ErrorShape::unavailable(error.message)));
            }
            Err(error) => shard.answer::<()>(held, Err(ErrorShape::invalid(error.message))),
        });
        Ok(Answer::Later)
    }
}

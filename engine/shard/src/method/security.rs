//! `security.*`: what people do with what the defender stopped.

use pincer_defender::ledger::EntryId;
use pincer_protocol::ErrorShape;
use pincer_protocol::method::security::{QuarantineRelease, ReleaseParams, ReleasePayload};
use serde_json::json;

use crate::dispatch::{Answer, Cx, Handle, Outcome};

/// Longest name of who releases, characters; the rest is cut off.
const BY_CHARS_MAX: usize = 128;

impl Handle for QuarantineRelease {
    fn handle(cx: &mut Cx<'_>, params: ReleaseParams) -> Outcome<ReleasePayload> {
        let ReleaseParams { id, by, note_only } = params;
        let id = EntryId::new(&id).ok_or_else(|| {
            ErrorShape::invalid(format!("{id:?} is no decision's id"))
                .with_details(json!({"field": "id", "reason": "not-an-id"}))
        })?;
        let who = &cx.caller.who;
        let by = by.unwrap_or_else(|| {
            who.display_name.as_deref().unwrap_or_else(|| who.client_id.as_str()).to_owned()
        });
        let by: String = by.trim().chars().take(BY_CHARS_MAX).collect();
        if by.is_empty() {
            return Err(ErrorShape::invalid("`by` is blank: the ledger says who let something through")
                .with_details(json!({"field": "by"})));
        }
        let held = cx.hold();
        match note_only {
            true => cx.shard.note_release(held, id, by, None),
            false => cx.shard.release(held, id, by),
        }
        Ok(Answer::Later)
    }
}

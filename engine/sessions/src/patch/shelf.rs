//! v4: how a person sorts sessions. The schema has checked everything; nothing here is refused.

use pincer_protocol::Field;
use pincer_protocol::method::sessions::PatchParams;

use super::set;
use crate::entry::{Entry, Raw, StatusNote};

pub(super) fn apply(entry: &mut Entry, params: &PatchParams, now_ms: u64) {
    let shelf = entry.shelf_mut();
    set(&mut shelf.icon, &params.icon, |text| word(text));
    set(&mut shelf.color, &params.color, |text| word(text));
    set(&mut shelf.category, &params.category, |text| word(text));
    set(&mut shelf.board_face, &params.board_face, |text| word(text));
    set(&mut shelf.completion_owner_session_key, &params.completion_owner_session_key, |text| word(text));
    set(&mut shelf.status_note, &params.status_note, |text| {
        let expires_at =
            params.ttl_minutes.map(|minutes| now_ms.saturating_add(minutes.saturating_mul(60_000)));
        word(text).map(|text| StatusNote { text, set_at: now_ms, expires_at })
    });
    if params.status_note == Field::Null {
        // A note taken back takes the attention it asked for with it.
        shelf.attention = None;
    }
    set(&mut shelf.attention, &params.attention, |text| word(text));
    mark(&mut shelf.archived_at, params.archived, now_ms);
    mark(&mut shelf.pinned_at, params.pinned, now_ms);
    match params.unread {
        Some(true) => {
            shelf.unread = Some(true);
            shelf.marked_unread_at = Some(now_ms);
        }
        Some(false) => {
            shelf.unread = None;
            shelf.marked_unread_at = None;
            shelf.last_read_at = Some(now_ms);
        }
        None => {}
    }
    keep(entry, "inheritedToolPolicyVersion", &params.inherited_tool_policy_version);
    keep(entry, "inheritedToolAllow", &params.inherited_tool_allow);
    keep(entry, "inheritedToolDeny", &params.inherited_tool_deny);
}

/// A trimmed word; a blank one is none.
fn word(text: &str) -> Option<Box<str>> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Into::into)
}

/// On: when it was put so first. Off: never.
fn mark(slot: &mut Option<u64>, on: Option<bool>, now_ms: u64) {
    match on {
        Some(true) => *slot = slot.or(Some(now_ms)),
        Some(false) => *slot = None,
        None => {}
    }
}

/// Keeps what nothing here uses, so that it goes back to OpenClaw.
fn keep<T: serde::Serialize>(entry: &mut Entry, name: &str, value: &Field<T>) {
    match value {
        Field::Absent => {}
        Field::Null => entry.set_other(name, None),
        Field::Value(value) => entry.set_other(name, Raw::of(value)),
    }
}

//! v4: what a patch expects to find. If it finds something else, somebody was quicker, and nothing is changed.

use pincer_protocol::method::sessions::PatchParams;
use pincer_protocol::{ErrorShape, Field};
use serde_json::Value;

use crate::entry::Entry;
use crate::key::SessionKey;

pub(super) fn check(entry: &Entry, params: &PatchParams, key: &SessionKey) -> Result<(), ErrorShape> {
    if params.archived.is_some() && params.expected_session_id.is_none() {
        // Putting away the wrong incarnation of a session loses work, so callers must say which one they mean.
        return Err(ErrorShape::invalid(format!(
            "expectedSessionId required for session lifecycle patch: {key}"
        )));
    }
    check_identity(
        entry,
        key,
        params.expected_session_id.as_deref(),
        params.expected_lifecycle_revision.as_deref(),
    )?;
    let changed = |what: &str| Err(ErrorShape::invalid(format!("{what} changed for session: {key}")));
    let mode = entry.tuning().permission_mode.map(|mode| mode.as_str().to_owned());
    if !expected(&params.expected_permission_mode, &mode) {
        return changed("permissionMode");
    }
    let overrides = entry.tuning().tool_overrides.as_ref();
    let overrides: Option<Value> = overrides.and_then(|raw| serde_json::from_str(raw.as_str()).ok());
    if !expected(&params.expected_tool_overrides, &overrides) {
        return changed("toolOverrides");
    }
    match params.expected_marked_unread_at {
        Field::Absent => Ok(()),
        Field::Null if entry.shelf().unread != Some(true) => Ok(()),
        Field::Value(at) if entry.shelf().marked_unread_at.is_some_and(|marked| marked as f64 == at) => {
            Ok(())
        }
        Field::Null | Field::Value(_) => changed("unread marker"),
    }
}

/// Refuses when the session is no longer the one the caller saw.
pub fn check_identity(
    entry: &Entry,
    key: &SessionKey,
    session_id: Option<&str>,
    revision: Option<&str>,
) -> Result<(), ErrorShape> {
    let same_id = session_id.is_none_or(|id| id == entry.session_id.as_str());
    let same_life = revision.is_none_or(|life| Some(life) == entry.life().lifecycle_revision.as_deref());
    if same_id && same_life { Ok(()) } else { Err(replaced(key)) }
}

/// A session is not the one the caller saw.
pub fn replaced(key: &SessionKey) -> ErrorShape {
    ErrorShape::invalid(format!("session was reset or replaced: {key}"))
}

fn expected<T: PartialEq>(wanted: &Field<T>, found: &Option<T>) -> bool {
    match wanted {
        Field::Absent => true,
        Field::Null => found.is_none(),
        Field::Value(value) => found.as_ref() == Some(value),
    }
}

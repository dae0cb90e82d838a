//! `sessions.*` and `session.status`: what is known of conversations, and changing it.
//!
//! A session's owner answers for it alone; lists and look-ups ask every shard for its part. Changes are durable before
//! they are answered, and are taken back when they could not be written.

mod abort;
mod compact;
mod create;
mod delete;
mod describe;
mod get;
pub(crate) mod list;
mod patch;
pub(crate) mod preview;
mod reset;
mod resolve;
mod send;
mod start;
mod subscribe;
pub(crate) mod texts;

use pincer_protocol::connect::{ClientId, ClientMode};
use pincer_protocol::method::sessions::Json;
use pincer_protocol::{ErrorShape, Scope, Wire};
use pincer_sessions::entry::{Entry, Raw};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreError;

use crate::Shard;
use crate::caller::Caller;

/// v4 asks for the admin scope where it depends on the params.
fn require_admin(caller: &Caller) -> Result<(), ErrorShape> {
    if caller.who.allows(Scope::Admin) {
        return Ok(());
    }
    Err(ErrorShape::missing_scope(caller.wire, Scope::Admin))
}

/// v3 lets chat windows of web pages talk, not manage; its own Control UI may.
fn refuse_webchat(caller: &Caller, what: &str) -> Result<(), ErrorShape> {
    let who = &caller.who;
    if caller.wire == Wire::V3
        && who.client_mode == ClientMode::Webchat
        && who.client_id != ClientId::OpenclawControlUi
    {
        return Err(ErrorShape::invalid(format!(
            "webchat clients cannot {what} sessions; use chat.send for session-scoped updates"
        )));
    }
    Ok(())
}

/// A change that was not written down, and was taken back.
fn not_saved(error: &StoreError) -> ErrorShape {
    ErrorShape {
        retryable: Some(error.retryable),
        ..ErrorShape::unavailable(format!("not saved: {}", error.message))
    }
}

impl Shard {
    /// An entry as `wire` shows it.
    fn entry_json(&self, key: &SessionKey, entry: &Entry, wire: Wire) -> Json {
        let folder = self.view.sessions_folder(&key.store_agent(&self.view.default_agent));
        let view = entry.view(wire, &folder);
        // Our own types serialize without failing.
        Raw::of(&view).map_or_else(|| serde_json::value::RawValue::NULL.to_owned(), Raw::into_json)
    }

    /// Takes a change back that could not be written down, unless the entry has changed again since.
    pub(crate) fn take_back(&mut self, key: &SessionKey, before: Option<Entry>, written: &Entry) {
        let Some(session) = self.sessions.map.get_mut(key).filter(|session| session.entry == *written) else {
            return;
        };
        match before {
            Some(before) => session.entry = before,
            None if self.sessions.scheduler.running(key).is_none() => {
                self.sessions.map.remove(key);
            }
            None => {}
        }
    }

    /// Tells home which label a session has now: after it was given up, or when a change was taken back.
    fn sync_label(&mut self, key: &SessionKey) {
        let label = self.sessions.map.get(key).and_then(|session| session.entry.label.clone());
        self.reserve_label(key, label.as_deref(), |_, _| ());
    }
}

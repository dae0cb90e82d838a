//! A session as `sessions.list` shows it.
//!
//! A row is written on the shard that owns the session, see [`render`]; nobody reads it again on the way to the client.

mod name;
mod title;
mod v3;
mod v4;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::Json;
use serde::Serialize;

use crate::agent::AgentId;
use crate::entry::Entry;
use crate::entry::level::ChatType;
use crate::key::{SessionKey, SessionKind};
use crate::model_ref::{ModelCatalog, ModelRef, model_of};
use crate::queue::QueueMode;

pub use name::display_name;
pub use title::derived_title;
pub use v3::RowV3;
pub use v4::RowV4;

/// What all rows of one answer share.
#[derive(Clone, Copy)]
pub struct RowContext<'a> {
    /// The client's generation.
    pub wire: Wire,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// The agent of keys that name none.
    pub default_agent: &'a AgentId,
    /// `session.mainKey`.
    pub main_key: &'a str,
    /// Queue mode of sessions that have none of their own.
    pub queue_mode: QueueMode,
    /// The models of the config.
    pub models: &'a dyn ModelCatalog,
}

/// What a row tells beside its entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFacts {
    /// Runs under way.
    pub active_run_ids: Vec<String>,
    /// `derivedTitle`, where it was asked for.
    pub derived_title: Option<String>,
    /// `lastMessagePreview`, where it was asked for.
    pub last_message: Option<String>,
    /// Sessions that name this one as their parent, where they are known.
    pub children: Vec<SessionKey>,
    /// v4: whether `activitySummary` is told, as `sessions.describe` and events do.
    pub with_summary: bool,
    /// v4: the last entry of the transcript, as `chat.history` and `chat.startup` tell it.
    pub active_leaf: Option<Box<str>>,
}

/// Writes the row of one session.
pub fn render(key: &SessionKey, entry: &Entry, facts: &RowFacts, context: &RowContext<'_>) -> Option<Json> {
    fn write(row: &impl Serialize) -> Option<Json> {
        // Rows are made of texts and numbers: writing them does not fail.
        serde_json::value::to_raw_value(row).ok()
    }
    match context.wire {
        Wire::V3 => write(&RowV3::new(key, entry, facts, context)),
        Wire::V4 => write(&RowV4::new(key, entry, facts, context)),
    }
}

/// What sort of conversation a row shows: the key's word first, then that of the last message.
fn kind(key: &SessionKey, entry: &Entry) -> SessionKind {
    match (key.kind(), entry.route().chat_type) {
        (SessionKind::Direct, Some(ChatType::Group | ChatType::Channel)) => SessionKind::Group,
        (kind, _) => kind,
    }
}

/// The model a row names: the chosen one, else the one that answered last, else the default.
fn shown_model(entry: &Entry, agent: &AgentId, models: &dyn ModelCatalog) -> ModelRef {
    let counters = entry.counters();
    match (&counters.model_provider, &counters.model) {
        (Some(provider), Some(model)) if entry.tuning().model_override.is_none() => {
            ModelRef { provider: provider.clone(), model: model.clone() }
        }
        _ => model_of(entry, agent, models),
    }
}

#[cfg(test)]
mod tests;

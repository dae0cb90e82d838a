//! What is kept of a session between runs.
//!
//! An [`Entry`] is one row of OpenClaw's session store. Its fields keep upstream's names, so that entries can come from
//! there and go back; what is not known here, or does not fit its field, is kept as it was found. Fields that few
//! sessions have live in boxed groups, so that an idle session stays small.

mod budget;
mod fields;
mod group;
pub mod level;
mod raw;
mod run;
mod session_id;
mod view;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

use pincer_protocol::Wire;

use group::Group;

pub use budget::ContextBudget;
pub use fields::{Counters, DeliveryContext, Life, Origin, Route, Shelf, StatusNote, Tuning};
pub use raw::Raw;
pub use run::{Inbound, RunEnd};
pub use session_id::{SessionId, uuid};
pub use view::EntryView;

/// One session as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Names the transcript.
    pub session_id: SessionId,
    /// Last change, milliseconds since 1970; 0 when unknown. Never goes back.
    pub updated_at: u64,
    /// A name people gave it; unique in its agent's store.
    pub label: Option<Box<str>>,
    /// Whether a run has introduced the agent to the model.
    pub system_sent: Option<bool>,
    /// Whether the last run was stopped.
    pub aborted_last_run: Option<bool>,
    /// Whether a transcript file was begun. Files name it, as `sessionFile`.
    pub has_transcript: bool,
    tuning: Option<Box<Tuning>>,
    route: Option<Box<Route>>,
    counters: Option<Box<Counters>>,
    life: Option<Box<Life>>,
    shelf: Option<Box<Shelf>>,
    other: BTreeMap<Box<str>, Raw>,
}

/// Why a stored row is no entry.
#[derive(Debug)]
pub struct NotAnEntry(serde_json::Error);

impl std::fmt::Display for NotAnEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a session entry: {}", self.0)
    }
}

impl std::error::Error for NotAnEntry {}

macro_rules! accessors {
    ($($(#[$doc:meta])* $field:ident, $field_mut:ident: $type:ident;)*) => { $(
        $(#[$doc])*
        pub fn $field(&self) -> &$type {
            static EMPTY: $type = $type::EMPTY;
            self.$field.as_deref().unwrap_or(&EMPTY)
        }

        /// The same, to change. Follow with [`Entry::shrink`] where fields may have been cleared.
        pub fn $field_mut(&mut self) -> &mut $type {
            self.$field.get_or_insert_default()
        }
    )* };
}

impl Entry {
    /// A session that has just been made.
    pub fn new(session_id: SessionId, now_ms: u64) -> Entry {
        Entry {
            session_id,
            updated_at: now_ms,
            label: None,
            system_sent: None,
            aborted_last_run: None,
            has_transcript: false,
            tuning: None,
            route: None,
            counters: None,
            life: None,
            shelf: None,
            other: BTreeMap::new(),
        }
    }

    /// A session made by a client's call, with the facts v4 clients ask for. `revision` is a fresh UUID.
    pub fn created(session_id: SessionId, revision: &str, now_ms: u64) -> Entry {
        let mut entry = Entry::new(session_id, now_ms);
        let life = entry.life_mut();
        life.lifecycle_revision = Some(revision.into());
        life.created_at = Some(now_ms);
        life.created_via = Some("operator".into());
        entry
    }

    /// Reads a stored row. A row without a file-safe session id gets the one `fresh` makes, as upstream does.
    pub fn from_json(json: &str, fresh: impl FnOnce() -> SessionId) -> Result<Entry, NotAnEntry> {
        let row: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json).map_err(NotAnEntry)?;
        let text =
            |name: &str| row.get(name).and_then(|json| serde_json::from_str::<String>(json.get()).ok());
        let session_id = text("sessionId").and_then(|id| SessionId::parse(&id)).unwrap_or_else(fresh);
        let mut entry = Entry::new(session_id, 0);
        for (name, json) in &row {
            if json.get() != "null" && !entry.take(name, json) {
                entry.other.insert(name.as_ref().into(), (*json).into());
            }
        }
        entry.shrink();
        Ok(entry)
    }

    /// The row to store: one line of JSON, every field.
    pub fn to_json(&self) -> String {
        // Our own types serialise without failing; an empty object would lose the session, so say it loudly in tests.
        serde_json::to_string(self).unwrap_or_else(|error| {
            debug_assert!(false, "an entry is JSON: {error}");
            String::from("{}")
        })
    }

    accessors! {
        /// What people and programs set.
        tuning, tuning_mut: Tuning;
        /// Where messages come from and answers go.
        route, route_mut: Route;
        /// What runs cost and counted.
        counters, counters_mut: Counters;
        /// v4: the life of the session and of its last run.
        life, life_mut: Life;
        /// v4: how a person has sorted it.
        shelf, shelf_mut: Shelf;
    }

    /// A field this version does not know, by its name in the file.
    pub fn other(&self, name: &str) -> Option<&Raw> {
        self.other.get(name)
    }

    /// Sets or removes a field this version does not know.
    pub fn set_other(&mut self, name: &str, value: Option<Raw>) {
        match value {
            Some(value) => self.other.insert(name.into(), value),
            None => self.other.remove(name),
        };
    }

    /// Moves `updated_at` on; it never goes back.
    pub fn touch(&mut self, now_ms: u64) {
        self.updated_at = self.updated_at.max(now_ms);
    }

    /// Gives up groups in which nothing is set.
    pub fn shrink(&mut self) {
        fn drop_empty<G: Group>(group: &mut Option<Box<G>>) {
            if group.as_ref().is_some_and(|group| group.is_empty()) {
                *group = None;
            }
        }
        drop_empty(&mut self.tuning);
        drop_empty(&mut self.route);
        drop_empty(&mut self.counters);
        drop_empty(&mut self.life);
        drop_empty(&mut self.shelf);
    }

    /// The entry as `wire`'s clients see it. `folder` is the absolute path of the agent's sessions folder.
    pub fn view<'a>(&'a self, wire: Wire, folder: &'a str) -> EntryView<'a> {
        EntryView::new(self, wire, folder)
    }

    fn take(&mut self, name: &str, json: &RawValue) -> bool {
        fn read<'j, T: Deserialize<'j>>(json: &'j RawValue) -> Option<T> {
            serde_json::from_str(json.get()).ok()
        }
        match name {
            "sessionId" => true,
            "updatedAt" => read(json).map(|at| self.updated_at = at).is_some(),
            "label" => read(json).map(|label| self.label = Some(label)).is_some(),
            "systemSent" => read(json).map(|sent| self.system_sent = Some(sent)).is_some(),
            "abortedLastRun" => read(json).map(|aborted| self.aborted_last_run = Some(aborted)).is_some(),
            "sessionFile" => {
                // A path that ends in the usual name is only a mark; Telegram topics have other names, which are kept.
                let usual = format!("{}.jsonl", self.session_id);
                let path = read::<Cow<'_, str>>(json).unwrap_or_default();
                self.has_transcript = path.rsplit(['/', '\\']).next() == Some(&usual);
                self.has_transcript
            }
            _ => {
                self.tuning_mut().take(name, json)
                    || self.route_mut().take(name, json)
                    || self.counters_mut().take(name, json)
                    || self.life_mut().take(name, json)
                    || self.shelf_mut().take(name, json)
            }
        }
    }

    fn write<M: SerializeMap>(&self, map: &mut M, wire: Option<Wire>) -> Result<(), M::Error> {
        map.serialize_entry("sessionId", &self.session_id)?;
        map.serialize_entry("updatedAt", &self.updated_at)?;
        if let Some(label) = &self.label {
            map.serialize_entry("label", label)?;
        }
        if let Some(sent) = self.system_sent {
            map.serialize_entry("systemSent", &sent)?;
        }
        if let Some(aborted) = self.aborted_last_run {
            map.serialize_entry("abortedLastRun", &aborted)?;
        }
        self.tuning().write(map, wire)?;
        self.route().write(map, wire)?;
        self.counters().write(map, wire)?;
        self.life().write(map, wire)?;
        self.shelf().write(map, wire)?;
        for (name, json) in &self.other {
            map.serialize_entry(name, json)?;
        }
        Ok(())
    }
}

/// As stored: every field; `sessionFile` without its folder.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map, None)?;
        if self.has_transcript {
            map.serialize_entry("sessionFile", &format!("{}.jsonl", self.session_id))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;

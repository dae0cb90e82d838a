//! Which texts are held, oldest first. What a writer knows without reading the ledger.

use std::collections::{HashMap, VecDeque};

use pincer_defender::ledger::{EntryId, Hash, PayloadRef, Record};

/// Most entries whose texts are held; past it the oldest expire. Bounds a writer's memory to a few megabytes.
pub const HELD_MAX: usize = 65_536;

/// An entry whose text is on disk.
#[derive(Debug, Clone)]
pub(super) struct HeldEntry {
    /// Its record's number.
    pub(super) n: u64,
    pub(super) at_ms: u64,
    pub(super) id: EntryId,
    pub(super) payload: PayloadRef,
    /// What is needed to say it again.
    pub(super) turn: Option<PayloadRef>,
    pub(super) released: bool,
}

impl HeldEntry {
    /// Its files.
    pub(super) fn files(&self) -> impl Iterator<Item = &PayloadRef> {
        std::iter::once(&self.payload).chain(&self.turn)
    }
}

#[derive(Debug, Default)]
pub(super) struct Held {
    entries: VecDeque<HeldEntry>,
    /// How many entries have this file.
    uses: HashMap<Hash, u32>,
    /// Bytes of all files, each once.
    bytes: u64,
}

impl Held {
    /// Follows a record: what it does to the texts that are held.
    pub(super) fn apply(&mut self, n: u64, at_ms: u64, record: &Record) {
        match record {
            Record::Quarantined { entry, payload, turn } => {
                let held = HeldEntry {
                    n,
                    at_ms,
                    id: entry.id.clone(),
                    payload: *payload,
                    turn: *turn,
                    released: false,
                };
                for file in held.files() {
                    let uses = self.uses.entry(file.sha256).or_default();
                    *uses += 1;
                    if *uses == 1 {
                        self.bytes = self.bytes.saturating_add(file.bytes);
                    }
                }
                self.entries.push_back(held);
            }
            Record::Released { id, .. } => {
                if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.id == *id) {
                    entry.released = true;
                }
            }
            // The oldest expires first, so it is found at once.
            Record::Expired { id, .. } => {
                let place = self.entries.iter().position(|entry| entry.id == *id);
                if let Some(entry) = place.and_then(|place| self.entries.remove(place)) {
                    entry.files().for_each(|file| self.unuse(file));
                }
            }
            _ => {}
        }
    }

    fn unuse(&mut self, payload: &PayloadRef) {
        if let Some(uses) = self.uses.get_mut(&payload.sha256) {
            *uses -= 1;
            if *uses == 0 {
                self.uses.remove(&payload.sha256);
                self.bytes = self.bytes.saturating_sub(payload.bytes);
            }
        }
    }

    pub(super) fn get(&self, id: &EntryId) -> Option<&HeldEntry> {
        self.entries.iter().rev().find(|entry| entry.id == *id)
    }

    pub(super) fn holds(&self, hash: &Hash) -> bool {
        self.uses.contains_key(hash)
    }

    /// How many entries have this text.
    pub(super) fn uses(&self, hash: &Hash) -> u32 {
        self.uses.get(hash).copied().unwrap_or(0)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &HeldEntry> {
        self.entries.iter()
    }

    pub(super) fn oldest(&self) -> Option<&HeldEntry> {
        self.entries.front()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

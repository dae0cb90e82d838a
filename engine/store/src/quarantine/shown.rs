//! An entry with what became of it.

use std::collections::{HashMap, VecDeque};

use pincer_defender::ledger::{Entry, EntryId, ExpiryReason, Hash, Line, PayloadRef, Record};

/// An entry as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its record's number in the ledger.
    pub n: u64,
    /// Its record's hash.
    pub hash: Hash,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What was decided.
    pub entry: Entry,
    /// The text that was kept; `None` for a decision that stopped nothing.
    pub payload: Option<PayloadRef>,
    /// What is needed to say it again; `None` for what was no message.
    pub turn: Option<PayloadRef>,
    /// A person let it through.
    pub released: Option<Released>,
    /// Its text was deleted.
    pub expired: Option<Expired>,
}

/// Who let an entry through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Who.
    pub by: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// Why a text is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Why.
    pub reason: ExpiryReason,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Shown>,
    /// Give this as `before` to get the next page; `None`: there is none.
    pub next: Option<u64>,
}

/// Collects the last entries of those that are asked for (by number, entry, and whether its text was kept), and what
/// later records say of them.
pub(super) struct Collect<W> {
    wanted: W,
    max: usize,
    found: VecDeque<Shown>,
    /// Record numbers by id, of those in `found`.
    by_id: HashMap<EntryId, u64>,
    pub(super) left_out: bool,
}

impl<W: Fn(u64, &Entry, bool) -> bool> Collect<W> {
    pub(super) fn new(max: usize, wanted: W) -> Self {
        Collect { wanted, max, found: VecDeque::new(), by_id: HashMap::new(), left_out: false }
    }

    pub(super) fn line(&mut self, line: &Line) {
        match &line.record {
            Some(Record::Quarantined { entry, payload, turn }) => {
                self.entry(line, entry, Some(*payload), *turn);
            }
            Some(Record::Decision { entry }) => self.entry(line, entry, None, None),
            Some(Record::Released { id, by }) => {
                let released = Released { by: by.clone(), at_ms: line.at_ms };
                if let Some(shown) = self.get(id) {
                    shown.released.get_or_insert(released);
                }
            }
            Some(Record::Expired { id, reason }) => {
                let expired = Expired { reason: *reason, at_ms: line.at_ms };
                if let Some(shown) = self.get(id) {
                    shown.expired.get_or_insert(expired);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, line: &Line, entry: &Entry, payload: Option<PayloadRef>, turn: Option<PayloadRef>) {
        if !(self.wanted)(line.n, entry, payload.is_some()) {
            return;
        }
        if self.found.len() >= self.max {
            self.left_out = true;
            if let Some(old) = self.found.pop_front() {
                // A newer one of the same id keeps its place.
                if self.by_id.get(&old.entry.id) == Some(&old.n) {
                    self.by_id.remove(&old.entry.id);
                }
            }
        }
        self.by_id.insert(entry.id.clone(), line.n);
        self.found.push_back(Shown {
            n: line.n,
            hash: line.hash,
            at_ms: line.at_ms,
            entry: entry.clone(),
            payload,
            turn,
            released: None,
            expired: None,
        });
    }

    fn get(&mut self, id: &EntryId) -> Option<&mut Shown> {
        let n = self.by_id.get(id)?;
        self.found.iter_mut().rev().find(|shown| shown.n == *n)
    }

    /// Newest first.
    pub(super) fn newest_first(self) -> Vec<Shown> {
        self.found.into_iter().rev().collect()
    }
}

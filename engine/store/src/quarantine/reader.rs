//! Lists, shows, exports and verifies, beside a writer or without one.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pincer_defender::ledger::{Entry, EntryId, Hash, Head, Item, Line, PayloadRef, Tally};
use serde::Serialize;

use super::error::QuarantineError;
use super::held::{Held, HeldEntry};
use super::layout::Layout;
use super::scan::{HeadFile, Snapshot};
use super::shown::{Collect, Page, Shown};
use crate::disk;

/// Most entries of a page.
pub const LIST_MAX: usize = 1000;
/// Most problems whose text is kept; all are counted.
const PROBLEMS_MAX: usize = 100;

/// Reads the quarantine of a state directory. Needs no lock. Each call reads the whole ledger once, in the memory of a
/// page.
#[derive(Debug, Clone)]
pub struct QuarantineReader {
    layout: Layout,
}

/// What [`QuarantineReader::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Of the chain. Torn bytes at its end are a write that goes on, or was cut off by a crash: the next writer sets them
    /// aside.
    pub tally: Tally,
    /// There are records and no readable head beside them, so an end that was cut off would not show.
    pub head_missing: bool,
    /// Texts that were looked at.
    pub payloads: u64,
    /// Texts that are gone or changed.
    pub payloads_damaged: u64,
    /// What is wrong with the first of them.
    pub problems: Vec<String>,
}

impl Verification {
    /// Nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.tally.is_sound() && !self.head_missing && self.payloads_damaged == 0
    }
}

/// What [`QuarantineReader::export`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Lines of the ledger.
    pub lines: u64,
    /// Texts.
    pub payloads: u64,
    /// Lines and texts that are damaged and so were left out.
    pub left_out: u64,
    /// Where the exported chain ends.
    pub head: Head,
}

/// What is kept of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// A person let it through.
    pub released: bool,
    /// The whole text.
    pub text: Vec<u8>,
    /// What is needed to say it again; `None` for what was no message.
    pub turn: Option<Vec<u8>>,
}

/// A text in an export.
#[derive(Serialize)]
struct PayloadLine<'a> {
    payload: Hash,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// When it is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl QuarantineReader {
    /// For a state directory. One without a quarantine reads as empty.
    pub fn new(state_dir: &Path) -> QuarantineReader {
        QuarantineReader { layout: Layout::below(state_dir) }
    }

    pub(super) fn of(layout: Layout) -> QuarantineReader {
        QuarantineReader { layout }
    }

    /// A page of entries, newest first: at most `limit` (and [`LIST_MAX`]) of those before record `before`. With
    /// `stopped_only`, without the decisions that stopped nothing.
    pub fn list(
        &self,
        before: Option<u64>,
        limit: usize,
        stopped_only: bool,
    ) -> Result<Page, QuarantineError> {
        let limit = limit.clamp(1, LIST_MAX);
        let before = before.unwrap_or(u64::MAX);
        let mut collect = Collect::new(limit, |n, _: &Entry, kept| n < before && (kept || !stopped_only));
        self.lines(|line| collect.line(line))?;
        let left_out = collect.left_out;
        let entries = collect.newest_first();
        let next = entries.last().map(|shown| shown.n).filter(|_| left_out);
        Ok(Page { entries, next })
    }

    /// One entry; the newest, should an id have been used again.
    pub fn show(&self, id: &EntryId) -> Result<Option<Shown>, QuarantineError> {
        let mut collect = Collect::new(1, |_, entry: &Entry, _| entry.id == *id);
        self.lines(|line| collect.line(line))?;
        Ok(collect.newest_first().pop())
    }

    /// The entry whose id begins with `start`; an id as it is comes first.
    pub fn named(&self, start: &EntryId) -> Result<Option<Shown>, QuarantineError> {
        if let Some(shown) = self.show(start)? {
            return Ok(Some(shown));
        }
        let mut collect =
            Collect::new(LIST_MAX, |_, entry: &Entry, _| entry.id.as_str().starts_with(start.as_str()));
        self.lines(|line| collect.line(line))?;
        let entries = collect.newest_first();
        let ids: HashSet<&EntryId> = entries.iter().map(|shown| &shown.entry.id).collect();
        if ids.len() > 1 {
            return Err(QuarantineError::Ambiguous { start: start.clone(), entries: ids.len() });
        }
        // The newest, should an id have been used again.
        Ok(entries.into_iter().next())
    }

    /// The whole text of an entry, checked against its hash.
    pub fn payload(&self, id: &EntryId) -> Result<Vec<u8>, QuarantineError> {
        let shown = self.show(id)?.ok_or_else(|| QuarantineError::Unknown { id: id.clone() })?;
        if shown.expired.is_some() {
            return Err(QuarantineError::Expired { id: id.clone() });
        }
        let payload = shown.payload.ok_or_else(|| QuarantineError::NoPayload { id: id.clone() })?;
        self.read_payload(&payload)
    }

    /// All that is kept of an entry, each file checked against its hash.
    pub fn kept(&self, id: &EntryId) -> Result<Kept, QuarantineError> {
        let shown = self.show(id)?.ok_or_else(|| QuarantineError::Unknown { id: id.clone() })?;
        if shown.expired.is_some() {
            return Err(QuarantineError::Expired { id: id.clone() });
        }
        let payload = shown.payload.ok_or_else(|| QuarantineError::NoPayload { id: id.clone() })?;
        let text = self.read_payload(&payload)?;
        let turn = shown.turn.map(|turn| self.read_payload(&turn)).transpose()?;
        Ok(Kept { released: shown.released.is_some(), text, turn })
    }

    /// Writes the ledger's whole lines as they are, oldest first, so that the export verifies as the ledger does; then,
    /// when asked for, the texts that are held, one `{"payload":…}` a line.
    pub fn export(&self, to: &mut dyn Write, payloads: bool) -> Result<Exported, QuarantineError> {
        let mut exported = Exported::default();
        let mut held = Held::default();
        let mut failed = None;
        let mut snapshot = Snapshot::open(&self.layout)?;
        let tally = snapshot.read(|_, item| match item {
            Item::Line(line, raw) if failed.is_none() => {
                let wrote = to.write_all(raw).and_then(|()| to.write_all(b"\n"));
                failed = wrote.err();
                exported.lines += 1;
                if let Some(record) = line.record.as_ref().filter(|_| payloads) {
                    held.apply(line.n, line.at_ms, record);
                }
            }
            _ => {}
        })?;
        if let Some(cause) = failed {
            return Err(unwritten(&cause));
        }
        exported.head = tally.head;
        exported.left_out = tally.lines - exported.lines;
        let mut done = std::collections::HashSet::new();
        let files = held.iter().flat_map(HeldEntry::files);
        for file in files.filter(|file| done.insert(file.sha256)) {
            let Ok(bytes) = self.read_payload(file) else {
                exported.left_out += 1;
                continue;
            };
            let text = std::str::from_utf8(&bytes).ok();
            let base64 = text.is_none().then(|| STANDARD.encode(&bytes));
            let line = PayloadLine { payload: file.sha256, text, base64 };
            serde_json::to_writer(&mut *to, &line).map_err(|error| unwritten(&error.into()))?;
            to.write_all(b"\n").map_err(|cause| unwritten(&cause))?;
            exported.payloads += 1;
        }
        to.flush().map_err(|cause| unwritten(&cause))?;
        Ok(exported)
    }

    /// Checks the chain against itself and the head, and every held text against its hash.
    pub fn verify(&self) -> Result<Verification, QuarantineError> {
        let mut held = Held::default();
        let mut snapshot = Snapshot::open(&self.layout)?;
        let tally = snapshot.read(|_, item| {
            if let Item::Line(line, _) = item
                && let Some(record) = &line.record
            {
                held.apply(line.n, line.at_ms, record);
            }
        })?;
        let head_missing = tally.lines > 0 && !matches!(snapshot.head, HeadFile::Is(_));
        let mut verification =
            Verification { tally, head_missing, payloads: 0, payloads_damaged: 0, problems: Vec::new() };
        let mut done = std::collections::HashSet::new();
        let files = held.iter().flat_map(|entry| entry.files().map(move |file| (entry, file)));
        for (entry, file) in files.filter(|(_, file)| done.insert(file.sha256)) {
            verification.payloads += 1;
            if let Err(error) = self.read_payload(file) {
                // A writer at work may have let it expire meanwhile.
                if self.show(&entry.id)?.is_some_and(|shown| shown.expired.is_some()) {
                    continue;
                }
                verification.payloads_damaged += 1;
                if verification.problems.len() < PROBLEMS_MAX {
                    verification.problems.push(format!("{}: {error}", entry.id));
                }
            }
        }
        Ok(verification)
    }

    fn lines(&self, mut take: impl FnMut(&Line)) -> Result<(), QuarantineError> {
        Snapshot::open(&self.layout)?.read(|_, item| {
            if let Item::Line(line, _) = item {
                take(line);
            }
        })?;
        Ok(())
    }

    fn read_payload(&self, payload: &PayloadRef) -> Result<Vec<u8>, QuarantineError> {
        let path = self.layout.payload(&payload.sha256);
        let damaged = |problem| QuarantineError::PayloadDamaged { path: path.clone(), problem };
        let bytes = disk::read_all(&path)?.ok_or_else(|| damaged("is missing"))?;
        if Hash::of(&bytes) != payload.sha256 {
            return Err(damaged("is not what was kept"));
        }
        Ok(bytes)
    }
}

fn unwritten(cause: &std::io::Error) -> QuarantineError {
    QuarantineError::Export { message: cause.to_string() }
}

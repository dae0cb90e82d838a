//! Appends, durably or not at all.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::path::PathBuf;

use pincer_defender::ledger::{Chain, Entry, EntryId, Hash, Head, PayloadRef, Record};
use pincer_defender::policy;

use super::error::QuarantineError;
use super::held::Held;
use super::layout::Layout;
use super::reader::QuarantineReader;
use crate::disk::{self, Disk, DiskFile};
use crate::error::Failure;

/// Most records of one [`Quarantine::append`].
pub const GROUP_MAX: usize = 1024;
/// Most notes that wait to be taken; past it the newest are left out, since each says much the same.
const NOTES_MAX: usize = 16;

/// The only writer of a quarantine. All of it blocks.
#[derive(Debug)]
pub struct Quarantine {
    pub(super) disk: Disk,
    pub(super) layout: Layout,
    pub(super) limits: policy::Quarantine,
    pub(super) chain: Chain,
    /// The segment that is written; `None` until its first record.
    pub(super) active: Option<Active>,
    /// The sealed ones, oldest first.
    pub(super) segments: VecDeque<Segment>,
    pub(super) held: Held,
    pub(super) notes: Vec<String>,
    pub(super) _lock: File,
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) file: DiskFile,
    /// Where its last whole line ends. The file may be longer after a failed write.
    pub(super) len: u64,
    pub(super) dirty: bool,
    /// Its first record.
    pub(super) first: u64,
    pub(super) first_at_ms: u64,
    pub(super) last_at_ms: u64,
    /// Its last record is a seal: it only has to be renamed.
    pub(super) sealed: bool,
}

/// A segment that is no longer written.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Its last record.
    pub(super) last: Head,
    pub(super) last_at_ms: u64,
}

/// Something to be recorded.
#[derive(Debug, Clone, Copy)]
pub enum New<'a> {
    /// An action that was stopped, and its whole text.
    Stopped(&'a Entry, &'a [u8]),
    /// A message that was stopped, its whole text, and what is needed to say it again.
    StoppedTurn(&'a Entry, &'a [u8], &'a [u8]),
    /// A decision that stopped nothing; its text is not kept.
    Decision(&'a Entry),
}

/// What a release found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It is released now.
    Now,
    /// It was released before; nothing was recorded.
    Before,
}

impl Quarantine {
    /// Records a group, each record in order, all or none. When this returns they are on disk: where each ended the
    /// chain. After an error nothing of the group is in the ledger, and its actions must stay blocked. Older entries may
    /// have expired to make room even then. `at_ms` is Unix time.
    pub fn append<'a>(&mut self, at_ms: u64, group: &[New<'a>]) -> Result<Vec<Head>, QuarantineError> {
        if group.len() > GROUP_MAX {
            return Err(QuarantineError::TooMany { records: group.len() });
        }
        let mut records = Vec::with_capacity(group.len());
        let mut payloads: Vec<(Hash, &'a [u8])> = Vec::new();
        let mut seen = HashSet::new();
        for new in group {
            let mut file = |bytes: &'a [u8]| {
                let file = PayloadRef { sha256: Hash::of(bytes), bytes: bytes.len() as u64 };
                if seen.insert(file.sha256) {
                    payloads.push((file.sha256, bytes));
                }
                file
            };
            records.push(match *new {
                New::Decision(entry) => Record::Decision { entry: entry.clone().bounded() },
                New::Stopped(entry, text) => {
                    Record::Quarantined { entry: entry.clone().bounded(), payload: file(text), turn: None }
                }
                New::StoppedTurn(entry, text, turn) => Record::Quarantined {
                    entry: entry.clone().bounded(),
                    payload: file(text),
                    turn: Some(file(turn)),
                },
            });
        }
        // What the lines will be long is only known behind the room that is made; their numbers may grow by a digit.
        let lines: u64 = lines_bytes(&records)?;
        let texts = payloads.iter().filter(|(hash, _)| !self.held.holds(hash));
        let texts: u64 = texts.map(|(_, text)| text.len() as u64).sum();
        self.make_room(at_ms, lines.saturating_add(texts), group.len())?;
        // Making room may have let a text expire that the group has too; and one that somebody deleted is written again.
        let mut missing = Vec::with_capacity(payloads.len());
        for (hash, text) in payloads {
            if !self.held.holds(&hash) || !disk::exists(&self.layout.payload(&hash))? {
                missing.push((hash, text));
            }
        }
        let payloads = missing;
        let written = self.write_payloads(&payloads).and_then(|()| self.write_records(at_ms, &records));
        if written.is_err() {
            // Nothing refers to them. If they stay, the next open clears them away.
            for (hash, _) in payloads.iter().filter(|(hash, _)| !self.held.holds(hash)) {
                let _ = self.disk.remove(&self.layout.payload(hash));
            }
        }
        let heads = written?;
        self.roll_if_due(at_ms);
        Ok(heads)
    }

    /// Records that a person lets an entry through. Its text stays until its time is over.
    pub fn release(&mut self, at_ms: u64, id: &EntryId, by: &str) -> Result<Release, QuarantineError> {
        match self.held.get(id) {
            Some(entry) if entry.released => return Ok(Release::Before),
            Some(_) => {}
            None => {
                let shown = self.reader().show(id)?;
                return Err(match shown {
                    None => QuarantineError::Unknown { id: id.clone() },
                    Some(shown) if shown.payload.is_none() => QuarantineError::NoPayload { id: id.clone() },
                    Some(_) => QuarantineError::Expired { id: id.clone() },
                });
            }
        }
        let record = Record::Released { id: id.clone(), by: by.to_owned() }.bounded();
        self.write_records(at_ms, &[record])?;
        self.roll_if_due(at_ms);
        Ok(Release::Now)
    }

    /// Takes new bounds; they hold from the next append or [`Quarantine::expire`] on.
    pub fn set_limits(&mut self, limits: policy::Quarantine) {
        self.limits = limits;
    }

    /// Where the chain ends.
    pub fn head(&self) -> Head {
        self.chain.head()
    }

    /// Bytes on disk, ledger and texts together.
    pub fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let active = self.active.as_ref().map_or(0, |active| active.len);
        segments.saturating_add(active).saturating_add(self.held.bytes())
    }

    /// How many entries' texts are held, released ones too.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// A reader of the same directory.
    pub fn reader(&self) -> QuarantineReader {
        QuarantineReader::of(self.layout.clone())
    }

    /// What went wrong without failing anything, for the log: a head that was not written, a segment not closed.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    pub(super) fn note(&mut self, text: String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(text);
        }
    }

    /// Writes texts under their names, whole and synced, and the names after them.
    fn write_payloads(&self, payloads: &[(Hash, &[u8])]) -> Result<(), QuarantineError> {
        if payloads.is_empty() {
            return Ok(());
        }
        for (hash, text) in payloads {
            let path = self.layout.payload(hash);
            let temp = disk::with_suffix(&path, ".tmp");
            let write = || -> Result<(), Failure> {
                let file = self.disk.create(&temp)?;
                file.write_at(text, 0)?;
                file.sync()?;
                self.disk.rename(&temp, &path)
            };
            if let Err(failure) = write() {
                let _ = self.disk.remove(&temp);
                return Err(failure.into());
            }
        }
        Ok(self.disk.sync_dir(&self.layout.payloads)?)
    }

    /// Writes records as lines behind the last whole one, with one sync, and follows them. On an error the ledger, the
    /// chain and what is held are as before.
    pub(super) fn write_records(
        &mut self,
        at_ms: u64,
        records: &[Record],
    ) -> Result<Vec<Head>, QuarantineError> {
        let mut chain = self.chain;
        let mut lines = Vec::new();
        let mut heads = Vec::with_capacity(records.len());
        for record in records {
            heads.push(chain.write(&mut lines, at_ms, record)?);
        }
        let first = self.chain.head().count + 1;
        self.active(first, at_ms)?.append(&lines, at_ms)?;
        self.chain = chain;
        for (head, record) in heads.iter().zip(records) {
            self.held.apply(head.count, at_ms, record);
        }
        if let Err(failure) = self.write_head() {
            self.note(format!("{}; it is written with the next record", failure.message));
        }
        Ok(heads)
    }

    /// The segment that is written, made when there is none.
    fn active(&mut self, first: u64, at_ms: u64) -> Result<&mut Active, QuarantineError> {
        let active = match self.active.take() {
            Some(active) => active,
            None => {
                let file = self.disk.create(&self.layout.ledger)?;
                // Its name has to last before anything in it is acknowledged.
                self.disk.sync_dir(&self.layout.dir)?;
                Active {
                    file,
                    len: 0,
                    dirty: false,
                    first,
                    first_at_ms: at_ms,
                    last_at_ms: at_ms,
                    sealed: false,
                }
            }
        };
        Ok(self.active.insert(active))
    }

    /// Not synced: see the module's words on durability.
    pub(super) fn write_head(&self) -> Result<(), Failure> {
        let head = self.chain.head();
        let mut text = serde_json::to_vec(&head).map_err(|error| Failure::lasting(error.to_string()))?;
        text.push(b'\n');
        let temp = disk::with_suffix(&self.layout.head, ".tmp");
        self.disk.create(&temp)?.write_at(&text, 0)?;
        self.disk.rename(&temp, &self.layout.head)
    }
}

impl Active {
    fn append(&mut self, lines: &[u8], at_ms: u64) -> Result<(), Failure> {
        if self.dirty {
            // What a failed write left behind, when cutting it off failed too.
            self.file.set_len(self.len)?;
            self.dirty = false;
        }
        let written = self.file.write_at(lines, self.len).and_then(|()| self.file.sync());
        if let Err(failure) = written {
            // After a failed sync nobody knows what is on disk: cut off, it is written anew.
            self.dirty = self.file.set_len(self.len).is_err();
            return Err(failure);
        }
        self.len += lines.len() as u64;
        self.last_at_ms = at_ms;
        self.sealed = false;
        Ok(())
    }
}

/// How long the records' lines are, at most.
fn lines_bytes(records: &[Record]) -> Result<u64, QuarantineError> {
    let mut chain = Chain::after(Head { count: u64::MAX - GROUP_MAX as u64 - 1, hash: Hash::ZERO });
    let mut lines = Vec::new();
    let mut bytes = 0;
    for record in records {
        lines.clear();
        chain.write(&mut lines, u64::MAX, record)?;
        bytes += lines.len() as u64;
    }
    Ok(bytes)
}

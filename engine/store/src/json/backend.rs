//! The JSON backend at work: one journal write and one sync a batch, and now and then a new snapshot.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pincer_sessions::persist::Table;
use serde_json::value::RawValue;

use super::journal;
use super::recover::{Paths, load};
use super::snapshot::{Reader, Row, Rows, Writer};
use crate::disk::{self, Disk, DiskFile};
use crate::entry::{Entry, FileOp};
use crate::error::{Failure, OpenError};
use crate::settle::settle;
use crate::store::{Backend, Fold, RowOut};

/// What an entry takes in the journal besides its documents, roughly.
const ENTRY_BYTES: usize = 256;

/// A larger encoding buffer is given back after the batch that needed it.
const BUFFER_KEPT: usize = 256 * 1024;

/// Rows in JSON files. Nothing but the journal's end is held in memory.
#[derive(Debug)]
pub(crate) struct JsonBackend {
    disk: Disk,
    paths: Paths,
    journal: DiskFile,
    /// Length of the journal's header.
    begin: u64,
    /// Where the next batch goes. What may lie behind it was never committed.
    end: u64,
    /// The last committed batch.
    seq: u64,
    snapshot_bytes: u64,
    checkpoint_bytes: u64,
    /// The journal before this one holds batches that are not yet in the snapshot.
    unfolded: bool,
    /// The journal must not be written any more; why. A checkpoint begins a new one.
    poisoned: Option<String>,
    buffer: Vec<u8>,
}

/// A row's last change since the snapshot; `None` when it was removed.
type Changes = BTreeMap<(Table, String), Option<Box<RawValue>>>;

impl JsonBackend {
    /// Opens or creates the store, settles the transcripts, and leaves a fresh checkpoint behind when anything but a
    /// clean stop is found.
    pub(crate) fn open(
        disk: Disk,
        root: &Path,
        store: &Path,
        checkpoint_bytes: u64,
        known: bool,
        report: &mut Vec<String>,
    ) -> Result<(JsonBackend, Vec<RowOut>), OpenError> {
        let paths = Paths::new(store);
        let loaded = load(disk, &paths, known, report)?;
        settle(root, disk, loaded.file_ops, report)?;
        let backend = if loaded.clean {
            let journal = disk.open(&paths.journal)?.ok_or_else(|| gone(&paths.journal))?;
            let begin = journal.len()?;
            let snapshot_bytes = disk.open(&paths.snapshot)?.ok_or_else(|| gone(&paths.snapshot))?.len()?;
            JsonBackend::with(
                disk,
                paths,
                journal,
                (begin, begin),
                loaded.seq,
                snapshot_bytes,
                checkpoint_bytes,
            )
        } else {
            let temp = disk::with_suffix(&paths.snapshot, ".tmp");
            let file = disk.create(&temp)?;
            let mut writer = Writer::new(&file, loaded.seq);
            for ((table, id), row) in &loaded.rows {
                writer.row(*table, id, row.get())?;
            }
            let snapshot_bytes = writer.finish()?;
            let (journal, begin) = rotate(disk, &paths, loaded.seq, &mut None)?;
            JsonBackend::with(
                disk,
                paths,
                journal,
                (begin, begin),
                loaded.seq,
                snapshot_bytes,
                checkpoint_bytes,
            )
        };
        Ok((backend, rows_out(loaded.rows)))
    }

    fn with(
        disk: Disk,
        paths: Paths,
        journal: DiskFile,
        (begin, end): (u64, u64),
        seq: u64,
        snapshot_bytes: u64,
        checkpoint_bytes: u64,
    ) -> JsonBackend {
        let buffer = Vec::new();
        JsonBackend {
            disk,
            paths,
            journal,
            begin,
            end,
            seq,
            snapshot_bytes,
            checkpoint_bytes,
            unfolded: false,
            poisoned: None,
            buffer,
        }
    }

    /// The committed changes that are not in the snapshot.
    fn committed(&self) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        if self.unfolded {
            let before = &self.paths.journal_before;
            entries = read_back(&disk::read_all(before)?.unwrap_or_default(), None, before)?;
        }
        if self.end > self.begin {
            let current = self.journal.read(0, self.end)?;
            entries.append(&mut read_back(&current, Some(self.seq), &self.paths.journal)?);
        }
        Ok(entries)
    }
}

impl Backend for JsonBackend {
    fn write(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        self.buffer.clear();
        // At once: growing step by step would hold a large batch twice.
        let documents: usize = entries.iter().map(Entry::document_bytes).sum();
        self.buffer.reserve(documents + entries.len() * ENTRY_BYTES);
        journal::write_record(&mut self.buffer, self.seq + 1, entries)?;
        let written = self.journal.write_at(&self.buffer, self.end);
        let synced = written.and_then(|()| {
            let synced = self.journal.sync();
            if let Err(failure) = &synced {
                // Whether the batch is on disk cannot be known; the journal can not be trusted with another.
                self.poisoned = Some(failure.message.clone());
            }
            synced
        });
        match synced {
            Ok(()) => {
                self.seq += 1;
                self.end += self.buffer.len() as u64;
            }
            Err(_) => {
                if let Err(failure) = self.journal.set_len(self.end) {
                    self.poisoned.get_or_insert(failure.message);
                }
            }
        }
        if self.buffer.capacity() > BUFFER_KEPT {
            self.buffer = Vec::new();
        }
        synced
    }

    fn pending_bytes(&self) -> u64 {
        self.end - self.begin
    }

    fn due_bytes(&self) -> u64 {
        // A snapshot is written whole: letting the journal grow with it keeps that cost in proportion.
        self.checkpoint_bytes.max(self.snapshot_bytes / 2)
    }

    fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    fn file_ops(&mut self) -> Result<Vec<FileOp>, Failure> {
        let ops = self.committed()?.into_iter();
        Ok(ops.filter_map(|op| if let Entry::File(op) = op { Some(op) } else { None }).collect())
    }

    fn roll(&mut self) -> Result<Fold, Failure> {
        if self.unfolded {
            return Err(Failure::lasting("the last checkpoint is not finished"));
        }
        let next = new_journal(self.disk, &self.paths, self.seq)?;
        let (journal, begin) = next_journal(self.disk, &self.paths, next, &mut self.poisoned)?;
        self.poisoned = None;
        self.journal = journal;
        self.begin = begin;
        self.end = begin;
        self.unfolded = true;
        let (disk, paths, seq) = (self.disk, self.paths.clone(), self.seq);
        Ok(Box::new(move || {
            let before = &paths.journal_before;
            let entries = read_back(&disk::read_all(before)?.unwrap_or_default(), Some(seq), before)?;
            let snapshot_bytes = merge(disk, &paths.snapshot, changes(entries), seq)?;
            install(disk, &paths)?;
            Ok(snapshot_bytes)
        }))
    }

    fn folded(&mut self, snapshot_bytes: u64) -> Result<(), Failure> {
        self.unfolded = false;
        self.snapshot_bytes = snapshot_bytes;
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), Failure> {
        if self.end == self.begin && !self.unfolded && self.poisoned.is_none() {
            return Ok(());
        }
        let changes = changes(self.committed()?);
        let snapshot_bytes = merge(self.disk, &self.paths.snapshot, changes, self.seq)?;
        let (journal, begin) = rotate(self.disk, &self.paths, self.seq, &mut self.poisoned)?;
        self.journal = journal;
        self.begin = begin;
        self.end = begin;
        self.snapshot_bytes = snapshot_bytes;
        self.unfolded = false;
        self.poisoned = None;
        Ok(())
    }
}

/// What a journal of ours holds; every byte of it was committed. `last` is its last batch.
fn read_back(bytes: &[u8], last: Option<u64>, path: &Path) -> Result<Vec<Entry>, Failure> {
    let scan = journal::scan(bytes);
    let end = scan.records.last().map(|record| record.n);
    if !scan.damaged.is_empty() || end.is_none() || last.is_some_and(|last| end != Some(last)) {
        return Err(Failure::lasting(format!(
            "{} does not read back as it was written; it is kept, and no checkpoint is made",
            path.display()
        )));
    }
    Ok(scan.records.into_iter().flat_map(|record| record.ops).collect())
}

/// The last change of each row.
fn changes(entries: Vec<Entry>) -> Changes {
    let mut changes = Changes::new();
    for op in entries {
        match op {
            Entry::Put { table, id, row } => drop(changes.insert((table, id), Some(row))),
            Entry::Delete { table, id } => drop(changes.insert((table, id), None)),
            Entry::File(_) => {}
        }
    }
    changes
}

/// Writes the next snapshot under its temporary name: the rows of this one with `changes` on top.
fn merge(disk: Disk, source: &Path, changes: Changes, seq: u64) -> Result<u64, Failure> {
    let read = |cause: std::io::Error| Failure::io("read", source, &cause);
    let file = File::open(source).map_err(read)?;
    let mut rows = Reader::new(BufReader::new(file)).map_err(read)?;

    let temp = disk::with_suffix(source, ".tmp");
    let file = disk.create(&temp)?;
    let mut writer = Writer::new(&file, seq);
    let mut changes = changes.into_iter().peekable();
    loop {
        let row = rows.next_row().map_err(read)?;
        // Changes that come before this row, and the one that replaces it.
        while let Some(((table, id), value)) = changes.next_if(|((table, id), _)| match &row {
            Some(row) => (*table, id.as_str()) < (row.table, row.id.as_str()),
            None => true,
        }) {
            if let Some(value) = value {
                writer.row(table, &id, value.get())?;
            }
        }
        let Some(Row { table, id, json }) = row else { break };
        match changes.next_if(|((changed, changed_id), _)| *changed == table && *changed_id == id) {
            Some((_, Some(value))) => writer.row(table, &id, value.get())?,
            Some((_, None)) => {}
            None => writer.row(table, &id, &json)?,
        }
    }
    writer.finish()
}

/// Puts the new snapshot (already durable under its temporary name) and a new journal in place of the old ones, which
/// stay as `.bak` until the next time. Between any two steps a crash leaves a state that [`load`] understands.
fn rotate(
    disk: Disk,
    paths: &Paths,
    seq: u64,
    poisoned: &mut Option<String>,
) -> Result<(DiskFile, u64), Failure> {
    let next = new_journal(disk, paths, seq)?;
    install(disk, paths)?;
    next_journal(disk, paths, next, poisoned)
}

/// Puts the new snapshot in place.
fn install(disk: Disk, paths: &Paths) -> Result<(), Failure> {
    if disk::exists(&paths.snapshot)? {
        disk.remove(&paths.snapshot_before)?;
        disk.link_or_rename(&paths.snapshot, &paths.snapshot_before)?;
    }
    disk.rename(&disk::with_suffix(&paths.snapshot, ".tmp"), &paths.snapshot)?;
    disk.sync_dir(disk::parent(&paths.snapshot))
}

/// Creates a journal that goes on after batch `seq`, durable under its temporary name. Returns its length too.
fn new_journal(disk: Disk, paths: &Paths, seq: u64) -> Result<(DiskFile, u64), Failure> {
    let mut header = Vec::new();
    journal::write_header(&mut header, seq)?;
    let journal = disk.create(&disk::with_suffix(&paths.journal, ".tmp"))?;
    journal.write_at(&header, 0)?;
    journal.sync()?;
    Ok((journal, header.len() as u64))
}

/// Puts a new journal in place of the old one. From the first rename on the old one has ended, and must not be written:
/// `poisoned` says so, and stays after an error.
fn next_journal(
    disk: Disk,
    paths: &Paths,
    (journal, begin): (DiskFile, u64),
    poisoned: &mut Option<String>,
) -> Result<(DiskFile, u64), Failure> {
    poisoned.get_or_insert_with(|| format!("a new {} was not finished", paths.journal.display()));
    if disk::exists(&paths.journal)? {
        disk.rename(&paths.journal, &paths.journal_before)?;
    }
    disk.rename(&disk::with_suffix(&paths.journal, ".tmp"), &paths.journal)?;
    disk.sync_dir(disk::parent(&paths.journal))?;
    Ok((journal.renamed(&paths.journal), begin))
}

fn rows_out(rows: Rows) -> Vec<RowOut> {
    rows.into_iter().map(|((table, id), row)| (table, id, String::from(Box::<str>::from(row)))).collect()
}

fn gone(path: &Path) -> Failure {
    Failure::lasting(format!("{} went away while it was being opened", path.display()))
}

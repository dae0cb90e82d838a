//! Commits lists of operations, and checkpoints.

use std::path::PathBuf;
use std::thread::JoinHandle;

use pincer_sessions::persist::{Outcome, StoreError, StoreOp, Table};

use crate::entry::{Entry, FileOp};
use crate::error::Failure;
use crate::keep::{Keeper, is_kept};
use crate::plan::Plan;
use crate::reader::Reader;
use crate::settle::settle;
use crate::state_dir::Claim;
use crate::transcripts::{Transcripts, Unsynced};

/// Lists are committed together up to this many bytes; what is over goes into the next batch, with its own sync.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest list; larger ones are refused.
const LIST_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What an operation weighs besides its texts.
const OP_BYTES: usize = 64;

/// When this many times its due size is waiting, commits begin a checkpoint themselves.
const EAGER: u64 = 2;

/// A checkpoint is overdue when this many times its due size is waiting: commits then wait for one to succeed.
const OVERDUE: u64 = 16;

/// Transcripts and folders that may wait for a checkpoint before it is due for their sake.
const TOUCHED_DUE: usize = 1024;

/// Merging a snapshot needs little stack.
const CHECKPOINT_STACK: usize = 256 * 1024;

/// Notes kept until someone takes them.
const NOTES_MAX: usize = 64;

/// Table, id, JSON document.
pub(crate) type RowOut = (Table, String, String);

/// Where rows and journaled transcript changes live.
pub(crate) trait Backend: Send {
    /// Makes `entries` durable, all or none. After an error nothing of them is there, unless [`Backend::poisoned`].
    fn write(&mut self, entries: &[Entry]) -> Result<(), Failure>;
    /// How much a checkpoint would fold in.
    fn pending_bytes(&self) -> u64;
    /// How much of it makes a checkpoint worth its cost.
    fn due_bytes(&self) -> u64;
    /// Why nothing may be written before a checkpoint has succeeded, if so.
    fn poisoned(&self) -> Option<&str>;
    /// Transcript changes since the last checkpoint, in order.
    fn file_ops(&mut self) -> Result<Vec<FileOp>, Failure>;
    /// Folds everything written so far in and forgets journaled transcript changes: they are synced by now.
    fn checkpoint(&mut self) -> Result<(), Failure>;
    /// Begins to do the same beside further writes: what was written so far is set apart. Once its transcripts are
    /// synced the returned part is run, on any thread, and then its answer given to [`Backend::folded`].
    fn roll(&mut self) -> Result<Fold, Failure>;
    /// Ends what [`Backend::roll`] began.
    fn folded(&mut self, snapshot_bytes: u64) -> Result<(), Failure>;
}

/// The part of a checkpoint that needs nothing but files. Answers with the snapshot's size.
pub(crate) type Fold = Box<dyn FnOnce() -> Result<u64, Failure> + Send>;

/// A checkpoint that was begun, to be run beside commits.
pub(crate) struct Job {
    unsynced: Unsynced,
    fold: Fold,
}

impl Job {
    /// The slow part of a checkpoint. [`Store::end`] takes the answer.
    pub(crate) fn run(self) -> Result<u64, Failure> {
        self.unsynced.sync()?;
        (self.fold)()
    }
}

/// Executes store operations durably. Every call blocks; one thread owns it.
///
/// Dropping it without [`Store::close`] is a crash as far as the files are concerned: nothing committed is lost.
pub struct Store {
    backend: Box<dyn Backend>,
    files: Transcripts,
    pub(crate) root: PathBuf,
    reader: Reader,
    /// Committed changes to transcripts that could not be applied yet (a full disk). Never more than one batch: the
    /// next commit applies them first, or is refused.
    behind: Vec<FileOp>,
    /// A sync of transcripts failed: their bytes have to be written again before a checkpoint.
    suspect: bool,
    /// After a failed checkpoint: not due again below this many pending bytes.
    retry_at_bytes: u64,
    /// The checkpoint that is being made beside commits.
    running: Option<JoinHandle<Result<u64, Failure>>>,
    /// For the log: what went wrong and was repaired. At most [`NOTES_MAX`]; more are dropped.
    notes: Vec<String>,
    pub(crate) fsync: bool,
    pub(crate) keeper: Keeper,
    _claim: Claim,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.root)
            .field("suspect", &self.suspect)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn new(
        backend: Box<dyn Backend>,
        root: PathBuf,
        fsync: bool,
        reader: Reader,
        claim: Claim,
    ) -> Store {
        let files = Transcripts::new(&root, crate::disk::Disk { fsync });
        Store {
            backend,
            files,
            root,
            reader,
            behind: Vec::new(),
            suspect: false,
            retry_at_bytes: 0,
            running: None,
            notes: Vec::new(),
            fsync,
            keeper: Keeper::default(),
            _claim: claim,
        }
    }

    /// Makes the lists durable with one sync (lists beyond 4 MiB together take more), in order, each whole or not at
    /// all. One result a list: an outcome an operation, or why nothing of the list happened.
    ///
    /// A list that cannot be meant (a row that is no JSON, a transcript that is a folder) fails alone and is not
    /// retryable. When the disk fails, all lists of the batch fail and the files are as before; a full disk is
    /// retryable. Commits begin a checkpoint themselves when nobody did; past the bound on pending bytes (16 times the
    /// due size) they wait for one, and fail while it does.
    pub fn commit(&mut self, lists: &[&[StoreOp]]) -> Vec<Result<Vec<Outcome>, StoreError>> {
        self.collect(false);
        let mut results = Vec::with_capacity(lists.len());
        for alike in lists.chunk_by(|a, b| is_kept(a) == is_kept(b)) {
            if alike.first().is_some_and(|list| is_kept(list)) {
                self.keep(alike, &mut results);
                continue;
            }
            let mut rest = alike;
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(batch_len(rest));
                self.commit_batch(batch, &mut results);
                rest = later;
            }
        }
        results
    }

    fn commit_batch(&mut self, lists: &[&[StoreOp]], results: &mut Vec<Result<Vec<Outcome>, StoreError>>) {
        if let Err(failure) = self.ready() {
            results.extend(lists.iter().map(|_| Err(StoreError::from(failure.clone()))));
            return;
        }
        let mut plan = Plan::new(&mut self.files);
        let planned: Vec<_> =
            lists.iter().map(|list| check_size(list).and_then(|()| plan.list(list))).collect();
        let written = match plan.entries.is_empty() {
            true => Ok(()),
            false => self.backend.write(&plan.entries),
        };
        match written {
            Ok(()) => {
                let ops = std::mem::take(&mut plan.entries).into_iter();
                self.behind
                    .extend(ops.filter_map(|op| if let Entry::File(op) = op { Some(op) } else { None }));
                // Committed is committed: what cannot be applied now is applied before the next commit, or at start.
                if let Err(failure) = self.catch_up() {
                    self.note(format!("committed, and not yet in its transcript: {}", failure.message));
                }
                results.extend(planned.into_iter().map(|list| list.map_err(StoreError::from)));
            }
            Err(mut failure) => {
                plan.abandon();
                if self.backend.poisoned().is_some() {
                    // A new journal makes the failed one harmless, and the same lists may be tried again.
                    failure.retryable |= self.checkpoint_now().is_ok();
                }
                results.extend(planned.into_iter().map(|list| match list {
                    Ok(_) => Err(StoreError::from(failure.clone())),
                    Err(own) => Err(StoreError::from(own)),
                }));
            }
        }
    }

    /// Whether a checkpoint is worth its cost now. Ask after commits.
    pub fn checkpoint_due(&self) -> bool {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return false;
        }
        let pending = self.backend.pending_bytes();
        (pending >= self.backend.due_bytes() || self.files.touched() >= TOUCHED_DUE)
            && pending >= self.retry_at_bytes
    }

    /// Begins a checkpoint on a thread of its own, and returns: syncing many transcripts takes long, and commits go on
    /// meanwhile. At most one is being made. Its end is noticed by later calls; a failure is noted, everything is still safe in the journal, and the
    /// next checkpoint makes up for it.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        let Some(job) = self.begin()? else { return Ok(()) };
        let thread =
            std::thread::Builder::new().name("pincer-checkpoint".to_owned()).stack_size(CHECKPOINT_STACK);
        // The job is lost when no thread can be had; the transcripts it would have synced are then written again.
        match thread.spawn(move || job.run()) {
            Ok(running) => self.running = Some(running),
            Err(cause) => self.end(Err(Failure::lasting(format!("cannot start a checkpoint: {cause}"))))?,
        }
        Ok(())
    }

    /// Begins a checkpoint that the caller runs. `None` when there is nothing to do, or it was done at once because an
    /// earlier one has to be made up for.
    pub(crate) fn begin(&mut self) -> Result<Option<Job>, StoreError> {
        self.collect(true);
        if self.suspect || self.backend.poisoned().is_some() {
            return self.checkpoint_now().map(|()| None);
        }
        self.catch_up()?;
        if self.backend.pending_bytes() == 0 {
            return Ok(None);
        }
        let fold = self.backend.roll()?;
        Ok(Some(Job { unsynced: self.files.take_unsynced(), fold }))
    }

    /// Ends a checkpoint with the answer of its job.
    pub(crate) fn end(&mut self, answer: Result<u64, Failure>) -> Result<(), StoreError> {
        let ended = answer.and_then(|snapshot_bytes| self.backend.folded(snapshot_bytes));
        self.retry_at_bytes = 0;
        if let Err(failure) = &ended {
            // Which of its parts failed is not known: take the worst.
            self.suspect = true;
            self.retry_at_bytes = self.backend.pending_bytes().saturating_mul(2);
            self.note(format!("a checkpoint failed: {}", failure.message));
        }
        ended.map_err(StoreError::from)
    }

    /// Takes the end of the checkpoint in the background, if it has ended or `wait` is set.
    fn collect(&mut self, wait: bool) {
        if let Some(running) = self.running.take_if(|running| wait || running.is_finished()) {
            let answer =
                running.join().unwrap_or_else(|_| Err(Failure::lasting("the checkpoint's thread panicked")));
            // Noted there, and made up for by the next one.
            let _ = self.end(answer);
        }
    }

    /// Syncs the touched transcripts and folds the journal into the rows, now. After an error everything is still safe
    /// in the journal; it is due again when as much again has been written.
    pub fn checkpoint_now(&mut self) -> Result<(), StoreError> {
        let done = self.try_checkpoint();
        self.retry_at_bytes = match &done {
            Ok(()) => 0,
            Err(_) => self.backend.pending_bytes().saturating_mul(2),
        };
        done.map_err(StoreError::from)
    }

    /// Takes what the store noticed and repaired since the last call, for the log.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Answers reads; can be cloned to other threads and outlives the store.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Makes a last checkpoint, so that the next start has nothing to recover, and releases the state directory.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.checkpoint_now()
    }

    pub(crate) fn note(&mut self, line: String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(line);
        }
    }

    /// Whether another batch may be written: makes up for what failed before.
    fn ready(&mut self) -> Result<(), Failure> {
        self.catch_up()?;
        let (pending, due) = (self.backend.pending_bytes(), self.backend.due_bytes());
        if pending >= due.saturating_mul(EAGER) && pending >= self.retry_at_bytes && self.running.is_none() {
            // A failure is noted, and keeps nobody from committing until it is overdue.
            let _ = self.checkpoint();
        }
        let overdue = self.backend.pending_bytes() >= due.saturating_mul(OVERDUE);
        if overdue || self.backend.poisoned().is_some() {
            self.try_checkpoint().map_err(|failure| {
                let why = self.backend.poisoned().unwrap_or("too much waits for a checkpoint").to_owned();
                Failure { message: format!("{why}; {}", failure.message), ..failure }
            })?;
        }
        Ok(())
    }

    /// Applies committed transcript changes, in order, as far as possible.
    fn catch_up(&mut self) -> Result<(), Failure> {
        let mut done = 0;
        let applied = self.behind.iter().try_for_each(|op| {
            self.files.apply(op)?;
            done += 1;
            Ok(())
        });
        self.behind.drain(..done);
        if self.behind.is_empty() {
            self.behind = Vec::new();
        }
        applied
    }

    fn try_checkpoint(&mut self) -> Result<(), Failure> {
        self.collect(true);
        if !self.suspect
            && let Err(failure) = self.catch_up().and_then(|()| self.files.take_unsynced().sync())
        {
            self.note(format!("{}; transcripts are written again from the journal", failure.message));
            self.suspect = true;
        }
        if self.suspect {
            // After a failed sync the kernel may call lost pages clean: only bytes written again are known to be synced.
            drop(self.files.take_unsynced());
            let disk = crate::disk::Disk { fsync: self.fsync };
            let mut report = Vec::new();
            settle(&self.root, disk, vec![self.backend.file_ops()?], &mut report)?;
            report.into_iter().for_each(|line| self.note(line));
            self.behind = Vec::new();
            self.suspect = false;
        }
        self.backend.checkpoint()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The state directory is ours only as long as the store lives: nothing may write in it afterwards.
        self.collect(true);
    }
}

/// How many of `lists` go into one batch: at least one.
fn batch_len(lists: &[&[StoreOp]]) -> usize {
    let mut bytes = 0;
    for (count, list) in lists.iter().enumerate() {
        bytes += list_bytes(list);
        if bytes > BATCH_BYTES_MAX {
            return count.max(1);
        }
    }
    lists.len()
}

fn check_size(list: &[StoreOp]) -> Result<(), Failure> {
    match list_bytes(list) {
        0..=LIST_BYTES_MAX => Ok(()),
        bytes => Err(Failure::lasting(format!("a list of {bytes} bytes is larger than {LIST_BYTES_MAX}"))),
    }
}

fn list_bytes(list: &[StoreOp]) -> usize {
    let text = |lines: &[String]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
    let bytes = |op: &StoreOp| match op {
        StoreOp::Put { id, json, .. } => id.len() + json.len(),
        StoreOp::Delete { id, .. } => id.len(),
        StoreOp::Append { lines, .. } | StoreOp::Rewrite { lines, .. } => text(lines),
        StoreOp::Archive { .. } | StoreOp::Trim { .. } => 0,
        StoreOp::Keep { entry, text, turn, .. } => {
            entry.len() + text.iter().chain(turn).map(String::len).sum::<usize>()
        }
        StoreOp::Release { id, by, .. } => id.len() + by.len(),
    };
    list.iter().map(|op| OP_BYTES + bytes(op)).sum()
}

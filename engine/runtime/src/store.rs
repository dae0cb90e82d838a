//! The store's two threads: one commits, one reads.
//!
//! **Group commit.** The commit thread takes everything that waits, commits it in one go (one fsync), and tells each
//! shard, with one wake a shard.
//!
//! **Order.** Lists of one shard are committed in the order it sent them. A read sees every commit its shard asked for
//! before it: while the shard still waits for a commit, its reads travel through the commit thread's queue, behind
//! their commits, and are passed on after them. A shard with no commit out goes straight to the reader, so that such a
//! read never waits for an fsync.
//!
//! **Bounds.** A shard counts what it has out ([`StoreLimits`]); beyond that it gets a retryable refusal at once.
//! Both queues and the mailbox for answers have room for all of that, so nothing behind the count can be full.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Ticket};
use pincer_shard::driver::{LogLevel, LogLine, Mail, ShardId};

use crate::clock::Clock;
use crate::log::LogPort;
use crate::memory;
use crate::mesh::{Completion, Mesh, MeshLimits};

/// Writes. Owned by the commit thread.
pub trait StoreBackend: Send + 'static {
    /// Commits every list, each whole or not at all, in order; one result a list. Returns when all is on disk.
    fn commit(&mut self, lists: &[&[StoreOp]]) -> Vec<Result<Vec<Outcome>, StoreError>>;

    /// Called when nothing waits: folds the journal if it is time. After an error nothing is lost and it is tried
    /// again later; the error goes to the log.
    fn checkpoint_if_due(&mut self) -> Result<(), StoreError>;

    /// What was noticed and repaired since the last call, for the log.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Called once, when every shard has ended and everything is committed.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Reads. Owned by the reader thread; sees what was committed before.
pub trait StoreReader: Send + 'static {
    /// Answers one read.
    fn read(&mut self, read: &StoreRead) -> ReadAnswer;
}

impl StoreBackend for pincer_store::Store {
    fn commit(&mut self, lists: &[&[StoreOp]]) -> Vec<Result<Vec<Outcome>, StoreError>> {
        pincer_store::Store::commit(self, lists)
    }

    fn checkpoint_if_due(&mut self) -> Result<(), StoreError> {
        if self.checkpoint_due() { self.checkpoint() } else { Ok(()) }
    }

    fn take_notes(&mut self) -> Vec<String> {
        pincer_store::Store::take_notes(self)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        pincer_store::Store::close(*self)
    }
}

impl StoreReader for pincer_store::Reader {
    fn read(&mut self, read: &StoreRead) -> ReadAnswer {
        pincer_store::Reader::read(self, read)
    }
}

/// How much one shard may have out at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreLimits {
    /// Lists of ops.
    pub(crate) stores_max: usize,
    /// Reads.
    pub(crate) reads_max: usize,
    /// Sum of texts in those lists. One list alone may be larger, so that nothing is impossible to store.
    pub(crate) bytes_max: usize,
}

impl From<MeshLimits> for StoreLimits {
    fn from(limits: MeshLimits) -> StoreLimits {
        StoreLimits {
            stores_max: limits.stores_max,
            reads_max: limits.reads_max,
            bytes_max: 64 << 20, // a few of the largest frames upstream allows (25 MiB)
        }
    }
}

/// How long after a long answer the reader takes its memory back: shards are done with it by then, in all likelihood.
const SETTLE: Duration = Duration::from_millis(500);

/// So many bytes of answers, and it does not wait for a pause.
const OWED_BYTES_MAX: usize = 32 << 20;

/// Most lists in one commit: bounds how long the first of them waits for the last to be written.
const GROUP_MAX: usize = 1024;

enum Work {
    Commit { shard: ShardId, ticket: Ticket, ops: Vec<StoreOp>, bytes: usize },
    Read(ReadWork),
}

struct ReadWork {
    shard: ShardId,
    ticket: Ticket,
    read: StoreRead,
}

/// Hands work to the threads. Clone one [`StorePort`] a shard from it; the threads end when all are gone.
#[derive(Clone)]
pub(crate) struct StoreGate {
    work: Sender<Work>,
    reads: Sender<ReadWork>,
    limits: StoreLimits,
}

/// The running threads.
#[derive(Debug)]
pub(crate) struct StoreThreads {
    commit: JoinHandle<Result<(), StoreError>>,
    read: JoinHandle<()>,
}

impl StoreThreads {
    /// Waits until everything handed over is on disk and the store is closed. Call after all shards have ended.
    pub(crate) fn join(self) -> Result<(), String> {
        let commit = self.commit.join();
        let read = self.read.join();
        commit.map_err(|_| "the store's commit thread panicked")?.map_err(|error| error.message)?;
        Ok(read.map_err(|_| "the store's reader thread panicked")?)
    }
}

/// Starts both threads.
pub(crate) fn start<M: Send + 'static>(
    mesh: &Arc<Mesh<M>>,
    limits: StoreLimits,
    backend: Box<dyn StoreBackend>,
    reader: Box<dyn StoreReader>,
    log: LogPort,
) -> io::Result<(StoreGate, StoreThreads)> {
    // Bounded by what each shard may have out (`StorePort`); these channels take memory for what is in them.
    let (work, work_queue) = unbounded();
    let (reads, read_queue) = unbounded();
    let to_reader = reads.clone();
    let (commit_mesh, read_mesh) = (Arc::clone(mesh), Arc::clone(mesh));
    let commit = thread("pincer-store")
        .spawn(move || commit_loop(&commit_mesh, &work_queue, to_reader, backend, &log))?;
    let read = thread("pincer-reader").spawn(move || read_loop(&read_mesh, &read_queue, reader))?;
    Ok((StoreGate { work, reads, limits }, StoreThreads { commit, read }))
}

fn thread(name: &str) -> std::thread::Builder {
    std::thread::Builder::new().name(name.to_owned()).stack_size(1 << 20)
}

fn commit_loop<M>(
    mesh: &Mesh<M>,
    queue: &Receiver<Work>,
    reads: Sender<ReadWork>,
    mut backend: Box<dyn StoreBackend>,
    log: &LogPort,
) -> Result<(), StoreError> {
    let mut group: Vec<(ShardId, Ticket, Vec<StoreOp>, usize)> = Vec::new();
    let mut reads_behind: Vec<ReadWork> = Vec::new();
    let mut told: Vec<ShardId> = Vec::new();
    while let Ok(first) = queue.recv() {
        for work in std::iter::once(first).chain(queue.try_iter().take(GROUP_MAX - 1)) {
            match work {
                Work::Commit { shard, ticket, ops, bytes } => group.push((shard, ticket, ops, bytes)),
                Work::Read(read) => reads_behind.push(read),
            }
        }
        if !group.is_empty() {
            let lists: Vec<&[StoreOp]> = group.iter().map(|(_, _, ops, _)| ops.as_slice()).collect();
            let mut results = backend.commit(&lists).into_iter();
            for (shard, ticket, ops, bytes) in group.drain(..) {
                drop(ops); // before the shard hears of it, which then collects (`StorePort::completed`)
                let result = results.next().unwrap_or_else(|| Err(no_result()));
                mesh.complete(shard, Completion::Stored { ticket, result, bytes });
                if !told.contains(&shard) {
                    told.push(shard);
                }
            }
            told.drain(..).for_each(|shard| mesh.ring(shard));
        }
        for read in reads_behind.drain(..) {
            // Fails only when the reader is gone, at the end.
            drop(reads.send(read));
        }
        if queue.is_empty()
            && let Err(error) = backend.checkpoint_if_due()
        {
            say(log, LogLevel::Error, format!("a checkpoint failed, will try again: {}", error.message));
        }
        for note in backend.take_notes() {
            say(log, LogLevel::Warn, note);
        }
    }
    backend.close()
}

fn say(log: &LogPort, level: LogLevel, message: String) {
    log.write(Clock::start().now().wall_ms, LogLine { level, subsystem: "gateway/store", message });
}

fn read_loop<M>(mesh: &Mesh<M>, queue: &Receiver<ReadWork>, mut reader: Box<dyn StoreReader>) {
    // Bytes of answers that shards free, since they were last taken back.
    let mut owed = 0;
    loop {
        let work = match owed >= memory::LARGE_BYTES {
            true => queue.recv_timeout(SETTLE),
            false => queue.recv().map_err(RecvTimeoutError::from),
        };
        if owed >= OWED_BYTES_MAX || matches!(work, Err(RecvTimeoutError::Timeout)) {
            memory::collect();
            owed = 0;
        }
        match work {
            Ok(ReadWork { shard, ticket, read }) => {
                let answer = reader.read(&read);
                owed += answer_bytes(&answer);
                mesh.complete(shard, Completion::Read { ticket, answer });
                mesh.ring(shard);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Bytes of text in an answer.
fn answer_bytes(answer: &ReadAnswer) -> usize {
    match answer {
        ReadAnswer::Transcripts(tails) => tails.iter().map(|tail| tail.lines.bytes()).sum(),
        _ => 0,
    }
}

fn no_result() -> StoreError {
    StoreError { message: "the store gave no result for this list".to_owned(), retryable: false }
}

/// One shard's way to the store. `None` inside: a server without one; every request fails.
pub(crate) struct StorePort {
    shard: ShardId,
    gate: Option<StoreGate>,
    stores: usize,
    reads: usize,
    bytes: usize,
}

impl StorePort {
    pub(crate) fn new(shard: ShardId, gate: Option<StoreGate>) -> StorePort {
        StorePort { shard, gate, stores: 0, reads: 0, bytes: 0 }
    }

    /// Commits and reads that are out.
    pub(crate) fn pending(&self) -> (usize, usize) {
        (self.stores, self.reads)
    }

    /// Asks for a commit. The answer, when it is known already: it was refused.
    pub(crate) fn commit<M>(&mut self, ticket: Ticket, ops: Vec<StoreOp>) -> Option<Mail<M>> {
        let refuse = |message: &str, retryable| {
            let error = StoreError { message: message.to_owned(), retryable };
            Some(Mail::Stored { ticket, result: Err(error) })
        };
        let Some(gate) = &self.gate else { return refuse("this server has no store", false) };
        let bytes: usize = ops.iter().map(weight).sum();
        if self.stores >= gate.limits.stores_max {
            return refuse("too many writes are waiting for the disk", true);
        }
        if self.bytes > 0 && self.bytes.saturating_add(bytes) > gate.limits.bytes_max {
            return refuse("too many bytes are waiting for the disk", true);
        }
        // Never full: what may be out is counted here.
        if gate.work.try_send(Work::Commit { shard: self.shard, ticket, ops, bytes }).is_err() {
            return refuse("the store has stopped", false);
        }
        self.stores += 1;
        self.bytes += bytes;
        None
    }

    /// Asks for a read. The answer, when it is known already: it was refused.
    pub(crate) fn read<M>(&mut self, ticket: Ticket, read: StoreRead) -> Option<Mail<M>> {
        let refuse =
            |message: &str| Some(Mail::Read { ticket, answer: ReadAnswer::Failed(message.to_owned()) });
        let Some(gate) = &self.gate else { return refuse("this server has no store") };
        if self.reads >= gate.limits.reads_max {
            return refuse("too many reads are waiting; try again");
        }
        let work = ReadWork { shard: self.shard, ticket, read };
        let sent = if self.stores > 0 {
            gate.work.try_send(Work::Read(work)).is_ok() // behind our own commits
        } else {
            gate.reads.try_send(work).is_ok()
        };
        if !sent {
            return refuse("the store has stopped");
        }
        self.reads += 1;
        None
    }

    /// An answer came: what it frees, and what to tell the shard.
    pub(crate) fn completed<M>(&mut self, completion: Completion) -> Mail<M> {
        match completion {
            Completion::Stored { ticket, result, bytes } => {
                self.stores = self.stores.saturating_sub(1);
                self.bytes = self.bytes.saturating_sub(bytes);
                if bytes >= memory::LARGE_BYTES {
                    memory::collect();
                }
                Mail::Stored { ticket, result }
            }
            Completion::Read { ticket, answer } => {
                self.reads = self.reads.saturating_sub(1);
                Mail::Read { ticket, answer }
            }
        }
    }
}

/// Bytes of text in an op, the part of its memory that has no bound of its own.
fn weight(op: &StoreOp) -> usize {
    match op {
        StoreOp::Put { id, json, .. } => id.len() + json.len(),
        StoreOp::Delete { id, .. } => id.len(),
        StoreOp::Append { lines, .. } | StoreOp::Rewrite { lines, .. } => lines.iter().map(String::len).sum(),
        StoreOp::Archive { .. } | StoreOp::Trim { .. } => 0,
        StoreOp::Keep { entry, text, turn, .. } => {
            entry.len() + text.iter().chain(turn).map(String::len).sum::<usize>()
        }
        StoreOp::Release { id, by, .. } => id.len() + by.len(),
    }
}

#[cfg(test)]
mod tests;

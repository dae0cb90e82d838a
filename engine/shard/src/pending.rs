//! Work that waits for the store: a row in a bounded table, continued when the answer comes.
//!
//! The store commits lists in the order it gets them. Two things could still turn that order round, and are kept from it
//! here: a list that is tried again goes out after lists that were made later, so what those wrote meanwhile is taken out
//! of it; and a transcript that is put aside must have in it what was said before, so that waits for what is tried again
//! ([`Shard::after_surely`]).

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Table, Ticket};

use crate::Shard;
use crate::driver::Effect;
use crate::live::Told;
use crate::shard::Timer;

/// What goes on when a list was committed, or was not.
pub(crate) type AfterStore = Box<dyn FnOnce(&mut Shard, Result<Vec<Outcome>, StoreError>) + Send>;

/// What goes on when something was read.
pub(crate) type AfterRead = Box<dyn FnOnce(&mut Shard, ReadAnswer) + Send>;

/// What goes on once something is durable at last.
pub(crate) type Surely = Box<dyn FnOnce(&mut Shard, Vec<Outcome>) + Send>;

/// What goes on once everything that must be durable is, or when that takes longer.
type AfterSurely = Box<dyn FnOnce(&mut Shard, Result<(), StoreError>) + Send>;

/// Between two tries of what the store did not take.
const STORE_RETRY_MS: u64 = 1_000;

/// A row that a list writes or removes.
type Row = (Table, String);

/// What goes on when the store has answered.
pub(crate) enum Pending {
    /// After [`Effect::Store`].
    Store {
        /// What it writes.
        rows: Vec<Row>,
        /// Messages in it that somebody listens for.
        told: Vec<Told>,
        /// What goes on then.
        then: AfterStore,
    },
    /// After [`Effect::Store`] that must not fail: kept to be tried again.
    Surely(Unstored),
    /// After [`Effect::Read`].
    Read(AfterRead),
}

/// A list that must not fail.
pub(crate) struct Unstored {
    /// Its place in the order of lists: the number of its first try.
    number: u64,
    ops: Vec<StoreOp>,
    told: Vec<Told>,
    then: Surely,
}

/// Something that may be done only once the lists before it are on disk.
pub(crate) struct Barrier {
    /// Lists with a lower number go first.
    number: u64,
    then: AfterSurely,
}

impl Shard {
    /// Makes `ops` durable, then goes on with `then`. Lists are committed in the order given.
    pub(crate) fn persist(
        &mut self,
        ops: Vec<StoreOp>,
        then: impl FnOnce(&mut Shard, Result<Vec<Outcome>, StoreError>) + Send + 'static,
    ) {
        let told = std::mem::take(&mut self.untold);
        if self.pending_len() >= self.limits.pending_max as usize {
            self.counters.overflows += 1;
            let message = "too much waits for the store".to_owned();
            return then(self, Err(StoreError { message, retryable: true }));
        }
        let ticket = Ticket(self.next_number());
        self.pending.insert(ticket, Pending::Store { rows: rows(&ops), told, then: Box::new(then) });
        self.effects.push_back(Effect::Store { ticket, ops });
    }

    /// Makes `ops` durable however long that takes, then goes on with `then`: for what has happened already and cannot be
    /// refused any more. While the store fails it is tried again every second; the table of waiting rows bounds how much.
    pub(crate) fn persist_surely(
        &mut self,
        ops: Vec<StoreOp>,
        then: impl FnOnce(&mut Shard, Vec<Outcome>) + Send + 'static,
    ) {
        let told = std::mem::take(&mut self.untold);
        let number = self.next_number();
        self.send_surely(Unstored { number, ops, told, then: Box::new(then) }, Ticket(number));
    }

    fn send_surely(&mut self, list: Unstored, ticket: Ticket) {
        let ops = list.ops.clone();
        self.pending.insert(ticket, Pending::Surely(list));
        self.effects.push_back(Effect::Store { ticket, ops });
    }

    /// Goes on with `then` when everything that was to be made surely durable until now is: at once, unless some of it is
    /// on its way. While the store fails, `then` is told so.
    pub(crate) fn after_surely(
        &mut self,
        then: impl FnOnce(&mut Shard, Result<(), StoreError>) + Send + 'static,
    ) {
        if !self.unstored.is_empty() || self.pending_len() >= self.limits.pending_max as usize {
            return then(self, Err(behind()));
        }
        let number = self.next_number();
        self.barriers.push(Barrier { number, then: Box::new(then) });
        self.lift_barriers();
    }

    /// Lets go on what waited for lists that are on disk now.
    fn lift_barriers(&mut self) {
        while !self.barriers.is_empty() {
            let first = self.pending.values().filter_map(|pending| match pending {
                Pending::Surely(list) => Some(list.number),
                _ => None,
            });
            let first = first.min().unwrap_or(u64::MAX);
            let Some(at) = self.barriers.iter().position(|barrier| barrier.number < first) else { return };
            let barrier = self.barriers.remove(at);
            (barrier.then)(self, Ok(()));
        }
    }

    /// A list failed that must be on disk before the barriers behind it.
    fn break_barriers(&mut self, failed: u64) {
        while let Some(at) = self.barriers.iter().position(|barrier| barrier.number > failed) {
            let barrier = self.barriers.remove(at);
            (barrier.then)(self, Err(behind()));
        }
    }

    /// Whether something that must be written is not.
    pub(crate) fn stores_unsettled(&self) -> bool {
        !self.unstored.is_empty()
            || self.pending.values().any(|pending| matches!(pending, Pending::Surely(_)))
    }

    /// Tries again what the store did not take. A list waits on while a later one is out that writes the same rows: only
    /// its outcome tells which of the two is the last word.
    pub(crate) fn retry_stores(&mut self) {
        self.store_retry = None;
        let mut lists = std::mem::take(&mut self.unstored);
        lists.sort_by_key(|list| list.number);
        for list in lists {
            let mine = rows(&list.ops);
            let contested = self.pending.iter().any(|(ticket, pending)| match pending {
                Pending::Store { rows, .. } => {
                    ticket.0 > list.number && rows.iter().any(|row| mine.contains(row))
                }
                Pending::Surely(later) => {
                    later.number > list.number && rows(&later.ops).iter().any(|row| mine.contains(row))
                }
                Pending::Read(_) => false,
            });
            if contested {
                self.keep_unstored(list);
            } else {
                let ticket = Ticket(self.next_number());
                self.send_surely(list, ticket);
            }
        }
    }

    fn keep_unstored(&mut self, list: Unstored) {
        self.unstored.push(list);
        if self.store_retry.is_none() {
            let at = self.now.mono_ms + STORE_RETRY_MS;
            self.store_retry = Some(self.timers.set(at, Timer::StoreRetry));
        }
    }

    /// Rows were written by the list with this number: older lists that are yet to be tried again must not undo that.
    fn written_since(&mut self, number: u64, written: &[Row]) {
        for list in self.unstored.iter_mut().filter(|list| list.number < number) {
            list.ops.retain(|op| row(op).is_none_or(|row| !written.contains(&row)));
        }
    }

    /// Reads, then goes on with `then`.
    pub(crate) fn read(
        &mut self,
        read: StoreRead,
        then: impl FnOnce(&mut Shard, ReadAnswer) + Send + 'static,
    ) {
        if self.pending_len() >= self.limits.pending_max as usize {
            self.counters.overflows += 1;
            return then(self, ReadAnswer::Failed("too much waits for the store".to_owned()));
        }
        let ticket = Ticket(self.next_number());
        self.pending.insert(ticket, Pending::Read(Box::new(then)));
        self.effects.push_back(Effect::Read { ticket, read });
    }

    pub(crate) fn stored(&mut self, ticket: Ticket, result: Result<Vec<Outcome>, StoreError>) {
        if let Err(error) = &result {
            self.counters.store_errors += 1;
            self.warn("store", format!("not committed: {}", error.message));
        }
        match (self.pending.remove(&ticket), result) {
            (Some(Pending::Store { then, .. }), Err(error)) => then(self, Err(error)),
            (Some(Pending::Store { rows, told, then }), Ok(outcomes)) => {
                self.written_since(ticket.0, &rows);
                self.tell_around(told, |shard| then(shard, Ok(outcomes)));
            }
            (Some(Pending::Surely(list)), Ok(outcomes)) => {
                let Unstored { number, ops, told, then } = list;
                if !self.unstored.is_empty() {
                    self.written_since(number, &rows(&ops));
                }
                self.tell_around(told, |shard| then(shard, outcomes));
                self.lift_barriers();
            }
            (Some(Pending::Surely(list)), Err(_)) => {
                let number = list.number;
                self.keep_unstored(list);
                self.break_barriers(number);
            }
            (Some(Pending::Read(_)) | None, _) => {}
        }
    }

    pub(crate) fn read_done(&mut self, ticket: Ticket, answer: ReadAnswer) {
        if let Some(Pending::Read(then)) = self.pending.remove(&ticket) {
            then(self, answer);
        }
    }

    /// Rows that wait for something outside.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len() + self.gatherings.len() + self.unstored.len() + self.barriers.len()
    }
}

/// Why something may not be done while the store is behind.
fn behind() -> StoreError {
    StoreError { message: "the store has not taken everything yet".to_owned(), retryable: true }
}

fn rows(ops: &[StoreOp]) -> Vec<Row> {
    ops.iter().filter_map(row).collect()
}

fn row(op: &StoreOp) -> Option<Row> {
    match op {
        StoreOp::Put { table, id, .. } | StoreOp::Delete { table, id } => Some((*table, id.clone())),
        _ => None,
    }
}

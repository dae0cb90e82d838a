//! Work that waits for the store: a row in a bounded table, continued when the answer comes.

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Ticket};

use crate::Shard;
use crate::driver::Effect;
use crate::shard::Timer;

/// What goes on when a list was committed, or was not.
pub(crate) type AfterStore = Box<dyn FnOnce(&mut Shard, Result<Vec<Outcome>, StoreError>) + Send>;

/// What goes on when something was read.
pub(crate) type AfterRead = Box<dyn FnOnce(&mut Shard, ReadAnswer) + Send>;

/// What goes on once something is durable at last.
pub(crate) type Surely = Box<dyn FnOnce(&mut Shard, Vec<Outcome>) + Send>;

/// Between two tries of what the store did not take.
const STORE_RETRY_MS: u64 = 1_000;

/// What goes on when the store has answered.
pub(crate) enum Pending {
    /// After [`Effect::Store`].
    Store(AfterStore),
    /// After [`Effect::Store`] that must not fail: kept to be tried again.
    Surely {
        /// What to commit.
        ops: Vec<StoreOp>,
        /// What goes on then.
        then: Surely,
    },
    /// After [`Effect::Read`].
    Read(AfterRead),
}

impl Shard {
    /// Makes `ops` durable, then goes on with `then`. Lists are committed in the order given.
    pub(crate) fn persist(
        &mut self,
        ops: Vec<StoreOp>,
        then: impl FnOnce(&mut Shard, Result<Vec<Outcome>, StoreError>) + Send + 'static,
    ) {
        if self.pending_len() >= self.limits.pending_max as usize {
            self.counters.overflows += 1;
            let message = "too much waits for the store".to_owned();
            return then(self, Err(StoreError { message, retryable: true }));
        }
        let ticket = Ticket(self.next_number());
        self.pending.insert(ticket, Pending::Store(Box::new(then)));
        self.effects.push_back(Effect::Store { ticket, ops });
    }

    /// Makes `ops` durable however long that takes, then goes on with `then`: for what has happened already and cannot be
    /// refused any more. While the store fails it is tried again every second; the table of waiting rows bounds how much.
    pub(crate) fn persist_surely(
        &mut self,
        ops: Vec<StoreOp>,
        then: impl FnOnce(&mut Shard, Vec<Outcome>) + Send + 'static,
    ) {
        let ticket = Ticket(self.next_number());
        self.pending.insert(ticket, Pending::Surely { ops: ops.clone(), then: Box::new(then) });
        self.effects.push_back(Effect::Store { ticket, ops });
    }

    /// Tries again what the store did not take.
    pub(crate) fn retry_stores(&mut self) {
        self.store_retry = None;
        for (ops, then) in std::mem::take(&mut self.unstored) {
            let ticket = Ticket(self.next_number());
            self.pending.insert(ticket, Pending::Surely { ops: ops.clone(), then });
            self.effects.push_back(Effect::Store { ticket, ops });
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
            (Some(Pending::Store(then)), result) => then(self, result),
            (Some(Pending::Surely { then, .. }), Ok(outcomes)) => then(self, outcomes),
            (Some(Pending::Surely { ops, then }), Err(_)) => {
                self.unstored.push((ops, then));
                if self.store_retry.is_none() {
                    let at = self.now.mono_ms + STORE_RETRY_MS;
                    self.store_retry = Some(self.timers.set(at, Timer::StoreRetry));
                }
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
        self.pending.len() + self.gatherings.len() + self.unstored.len()
    }
}

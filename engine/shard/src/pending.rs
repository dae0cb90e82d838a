//! Work that waits for the store: a row in a bounded table, continued when the answer comes.

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Ticket};

use crate::Shard;
use crate::driver::Effect;

/// What goes on when the store has answered.
pub(crate) enum Pending {
    /// After [`Effect::Store`].
    Store(Box<dyn FnOnce(&mut Shard, Result<Vec<Outcome>, StoreError>) + Send>),
    /// After [`Effect::Read`].
    Read(Box<dyn FnOnce(&mut Shard, ReadAnswer) + Send>),
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
        if let Some(Pending::Store(then)) = self.pending.remove(&ticket) {
            then(self, result);
        }
    }

    pub(crate) fn read_done(&mut self, ticket: Ticket, answer: ReadAnswer) {
        if let Some(Pending::Read(then)) = self.pending.remove(&ticket) {
            then(self, answer);
        }
    }

    /// Rows that wait for something outside.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len() + self.gatherings.len()
    }
}

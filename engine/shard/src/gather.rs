//! Questions that every shard answers for its part.
//!
//! The asker keeps a row with a deadline; parts are merged when all are in, or when the deadline passes without some. A
//! process with one shard answers itself and waits for nothing.

use std::sync::Arc;

use crate::Shard;
use crate::limits::time::CALL_MS;
use crate::message::ShardMsg;
use crate::shard::Timer;
use crate::timers::TimerId;

pub(crate) use crate::query::{Part, Query};

type Then = Box<dyn FnOnce(&mut Shard, Vec<Part>) + Send>;

/// One question under way.
pub(crate) struct Gathering {
    parts: Vec<Part>,
    missing: usize,
    timer: TimerId,
    then: Then,
}

impl Shard {
    /// Asks every shard and hands the parts to `then`, in the order they came in.
    pub(crate) fn ask_all(
        &mut self,
        query: Query,
        then: impl FnOnce(&mut Shard, Vec<Part>) + Send + 'static,
    ) {
        let query = Arc::new(query);
        if self.pending_len() >= self.limits.pending_max as usize {
            // Bounded like every waiting row: the asker gets what this shard knows.
            self.counters.overflows += 1;
            return self.answer_query(&query, move |shard, mine| then(shard, vec![mine]));
        }
        if self.shards == 1 {
            return self.answer_query(&query, move |shard, mine| then(shard, vec![mine]));
        }
        let number = self.next_number();
        let timer = self.timers.set(self.now.mono_ms + CALL_MS, Timer::Gather(number));
        let missing = usize::from(self.shards);
        self.gatherings.insert(number, Gathering { parts: Vec::new(), missing, timer, then: Box::new(then) });
        self.send_others(|| ShardMsg::Ask { number, query: Arc::clone(&query) });
        self.answer_query(&query, move |shard, mine| shard.gathered(number, mine));
    }

    /// A part came in.
    pub(crate) fn gathered(&mut self, number: u64, part: Part) {
        let Some(gathering) = self.gatherings.get_mut(&number) else { return };
        gathering.parts.push(part);
        gathering.missing -= 1;
        if gathering.missing == 0 {
            self.gather_done(number);
        }
    }

    /// All parts are in, or no more will be waited for.
    pub(crate) fn gather_done(&mut self, number: u64) {
        if let Some(Gathering { parts, timer, then, missing }) = self.gatherings.remove(&number) {
            self.timers.cancel(timer);
            if missing > 0 {
                self.counters.gathers_cut += 1;
            }
            then(self, parts);
        }
    }
}

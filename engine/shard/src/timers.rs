//! Deadlines of one shard, in order.

use std::collections::BTreeMap;

/// A set of timers. Each has an id of its own; setting one again moves it.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    due: BTreeMap<(u64, u64), T>,
    next: u64,
}

/// Names a timer that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerId {
    at_ms: u64,
    number: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers { due: BTreeMap::new(), next: 0 }
    }
}

impl<T> Timers<T> {
    /// Calls for `what` at `at_ms` (`mono_ms`).
    pub(crate) fn set(&mut self, at_ms: u64, what: T) -> TimerId {
        self.next += 1;
        self.due.insert((at_ms, self.next), what);
        TimerId { at_ms, number: self.next }
    }

    /// Forgets a timer; one that has fired already is fine.
    pub(crate) fn cancel(&mut self, id: TimerId) {
        self.due.remove(&(id.at_ms, id.number));
    }

    /// When the first is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The first that is due at `now_ms`.
    pub(crate) fn pop(&mut self, now_ms: u64) -> Option<T> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now_ms).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_and_once() {
        let mut timers = Timers::default();
        timers.set(20, "b");
        let gone = timers.set(5, "gone");
        timers.set(10, "a");
        timers.set(20, "c");
        timers.cancel(gone);
        assert_eq!(timers.next_due(), Some(10));
        let fired: Vec<_> = std::iter::from_fn(|| timers.pop(20)).collect();
        assert_eq!(fired, ["a", "b", "c"]);
        assert_eq!(timers.next_due(), None);
    }
}

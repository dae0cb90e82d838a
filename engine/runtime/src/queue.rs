//! A bounded queue between threads that takes memory for what is in it, not for what could be.
//!
//! An array of all slots would be a few hundred KiB a shard that an idle gateway holds for nothing. Entries lie in blocks of
//! some thirty; one is taken and given back every so many entries.

use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::SegQueue;

/// Any thread puts in, any takes out, in order. Nobody waits.
#[derive(Debug)]
pub(crate) struct Bounded<T> {
    entries: SegQueue<T>,
    /// Entries that are in, or for which there is room kept.
    held: AtomicUsize,
    max: usize,
}

impl<T> Bounded<T> {
    /// Holds at most `max` entries, and one at least.
    pub(crate) fn new(max: usize) -> Bounded<T> {
        Bounded { entries: SegQueue::new(), held: AtomicUsize::new(0), max: max.max(1) }
    }

    /// Puts it in, or gives it back when there is no room.
    pub(crate) fn push(&self, entry: T) -> Result<(), T> {
        if self.held.fetch_add(1, Ordering::Relaxed) >= self.max {
            self.held.fetch_sub(1, Ordering::Relaxed);
            return Err(entry);
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Takes the oldest.
    pub(crate) fn pop(&self) -> Option<T> {
        let entry = self.entries.pop()?;
        self.held.fetch_sub(1, Ordering::Relaxed);
        Some(entry)
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn it_is_bounded_and_in_order() {
        let queue = Bounded::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!((queue.pop(), queue.push(4)), (Some(1), Ok(())));
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(2), Some(4), None));
        assert!(queue.is_empty());
        let least = Bounded::new(0);
        assert_eq!((least.push(1), least.push(2)), (Ok(()), Err(2)));
    }

    #[test]
    fn many_threads_lose_nothing_and_keep_the_bound() {
        const EACH: u32 = 5_000;
        let queue = Arc::new(Bounded::new(64));
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || {
                    for n in 0..EACH {
                        while queue.push((sender, n)).is_err() {
                            std::thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut next = [0; 4];
        for _ in 0..EACH * 4 {
            let (sender, n) = loop {
                match queue.pop() {
                    Some(entry) => break entry,
                    None => std::thread::yield_now(),
                }
            };
            assert!(queue.held.load(Ordering::Relaxed) <= 64 + 4, "four may be looking for room");
            assert_eq!(next[sender], n, "in the order of its sender");
            next[sender] += 1;
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(queue.is_empty());
    }
}

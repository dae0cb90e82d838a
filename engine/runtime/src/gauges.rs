//! What a shard tells about itself while it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A turn of the loop longer than this counts as a stall: other connections of the shard had to wait that long.
pub const STALL: Duration = Duration::from_millis(10);

/// Counters of one shard. Written by its thread alone, read by anyone; each value is exact, the set is not one moment.
#[derive(Debug, Default)]
#[repr(align(128))] // not on a cache line with another shard's
pub struct ShardGauges {
    /// Connections open now, as the shard counts them.
    pub connections: Gauge,
    /// Sockets that only wait for their last bytes to leave, or for the peer to close.
    pub lingering: Gauge,
    /// Connections accepted since the start.
    pub accepted: Gauge,
    /// Connections closed at once because the shard had no room.
    pub refused: Gauge,
    /// How often accepting was paused because the process ran out of descriptors or memory.
    pub accept_pauses: Gauge,
    /// Bytes read from peers.
    pub bytes_in: Gauge,
    /// Bytes written to peers.
    pub bytes_out: Gauge,
    /// Turns of the loop.
    pub turns: Gauge,
    /// Time spent in turns, microseconds.
    pub busy_us: Gauge,
    /// Time spent in turns beyond [`STALL`], microseconds.
    pub stall_us: Gauge,
    /// Turns by how long they took: [`turn_bound`] says how long at most.
    pub turns_by_length: [Gauge; TURN_BUCKETS],
    /// The longest turn since [`ShardGauges::take_longest_turn_us`], microseconds.
    longest_turn_us: Gauge,
    /// How often the longest turn was taken. Written by who takes it.
    taken: AtomicU64,
    /// That number, as it was in the turn that is remembered.
    longest_of: Gauge,
    /// Messages handed to other shards.
    pub sent: Gauge,
    /// Messages given back because a ring was full.
    pub undelivered: Gauge,
    /// Commits asked for and not yet answered.
    pub stores_pending: Gauge,
    /// Reads asked for and not yet answered.
    pub reads_pending: Gauge,
    /// Commits and reads refused because too many were pending.
    pub store_refused: Gauge,
}

/// How many lengths of turns are told apart: the last holds all from 33 s on.
pub const TURN_BUCKETS: usize = 26;

/// Which of them a turn of `us` microseconds is counted in.
fn bucket(us: u64) -> usize {
    (us.max(1).next_power_of_two().trailing_zeros() as usize).min(TURN_BUCKETS - 1)
}

/// Longest turn that bucket holds, microseconds: a power of two.
pub fn turn_bound(bucket: usize) -> u64 {
    1 << bucket.min(63)
}

/// One value of [`ShardGauges`].
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Only the owner writes, so load and store need not be one atomic step.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    pub(crate) fn sub(&self, less: u64) {
        self.set(self.get().saturating_sub(less));
    }
}

impl ShardGauges {
    /// Accounts for one turn.
    pub(crate) fn turned(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.turns.add(1);
        self.busy_us.add(us);
        if took > STALL {
            self.stall_us.add(u64::try_from((took - STALL).as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(count) = self.turns_by_length.get(bucket(us)) {
            count.add(1);
        }
        let taken = self.taken.load(Relaxed);
        if us > self.longest_turn_us.get() || taken != self.longest_of.get() {
            self.longest_turn_us.set(us);
            self.longest_of.set(taken);
        }
    }

    /// The longest turn since the last call, microseconds; 0 when there was none. For one caller at a time.
    pub(crate) fn take_longest_turn_us(&self) -> u64 {
        let taken = self.taken.load(Relaxed);
        let longest = if self.longest_of.get() == taken { self.longest_turn_us.get() } else { 0 };
        self.taken.store(taken.wrapping_add(1), Relaxed);
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_beyond_the_limit_is_stall() {
        let gauges = ShardGauges::default();
        gauges.turned(STALL);
        assert_eq!((gauges.stall_us.get(), gauges.turns.get()), (0, 1));
        gauges.turned(STALL + Duration::from_micros(7));
        assert_eq!(gauges.stall_us.get(), 7);
        assert_eq!(gauges.busy_us.get(), 20_007);
    }

    #[test]
    fn the_longest_turn_is_told_once() {
        let gauges = ShardGauges::default();
        assert_eq!(gauges.take_longest_turn_us(), 0);
        gauges.turned(Duration::from_micros(9));
        gauges.turned(Duration::from_micros(7));
        assert_eq!(gauges.take_longest_turn_us(), 9);
        assert_eq!(gauges.take_longest_turn_us(), 0);
        gauges.turned(Duration::from_micros(3));
        assert_eq!(gauges.take_longest_turn_us(), 3);
    }

    #[test]
    fn buckets_hold_what_their_bound_says() {
        for us in [0, 1, 2, 3, 4, 5, 1023, 1024, 1025] {
            let bucket = bucket(us);
            assert!(us <= turn_bound(bucket), "{us}");
            assert!(bucket == 0 || us > turn_bound(bucket - 1), "{us}");
        }
        assert_eq!(bucket(u64::MAX >> 1), TURN_BUCKETS - 1);
    }
}

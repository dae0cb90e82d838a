//! The pool.

use std::array;
use std::fmt;

use bytes::Bytes;

use crate::buffer::Buffer;
use crate::class;

/// How many classes larger than asked for a buffer may be.
const CLASSES_UP: usize = 3;

/// Bounds of one pool, in bytes of capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most that waits here unused. A buffer that comes back when this is reached is freed instead.
    pub retained_bytes_max: usize,
    /// Most that [`Pool::try_lease`] and [`Pool::try_grow`] let be out at one time; past it they answer [`Exhausted`].
    /// [`Pool::lease`] is for what must not fail and is bounded by its caller; it counts towards this all the same.
    pub leased_bytes_max: usize,
}

/// What is out, what waits, and what it was at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Buffers out now.
    pub leased: usize,
    /// Their capacity in bytes when they were leased (growth past it is not seen until they come back).
    pub leased_bytes: usize,
    /// The most `leased_bytes` ever was.
    pub leased_bytes_peak: usize,
    /// Capacity waiting here unused, in bytes.
    pub retained_bytes: usize,
    /// Leases answered from what was waiting.
    pub reused: u64,
    /// Leases that had to ask the allocator.
    pub allocated: u64,
}

/// [`PoolLimits::leased_bytes_max`] is reached. Nobody's fault; room comes back as other buffers are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("buffer pool is exhausted")
    }
}

impl std::error::Error for Exhausted {}

/// One shard's buffers. See the [crate] for how it is used.
pub struct Pool {
    limits: PoolLimits,
    stats: PoolStats,
    /// Unused vectors by class, newest last: the newest is the likeliest to be in cache still.
    free: [Vec<Vec<u8>>; class::COUNT],
}

impl Pool {
    /// An empty pool. Allocates nothing yet.
    pub fn new(limits: PoolLimits) -> Pool {
        Pool { limits, stats: PoolStats::default(), free: array::from_fn(|_| Vec::new()) }
    }

    /// An empty buffer with room for at least `min_capacity` bytes, whatever the limits say. It may have eight times that:
    /// what grew while it was written comes back as a larger one, and would wait there for ever.
    pub fn lease(&mut self, min_capacity: usize) -> Buffer {
        let bytes = self.take(min_capacity, CLASSES_UP);
        self.count(bytes)
    }

    /// As [`Pool::lease`], unless that would take more than [`PoolLimits::leased_bytes_max`].
    pub fn try_lease(&mut self, min_capacity: usize) -> Result<Buffer, Exhausted> {
        self.check_room(min_capacity, 0)?;
        let bytes = self.take(min_capacity, 0);
        Ok(self.count(bytes))
    }

    /// Makes room for at least `min_capacity` bytes in all, keeping the contents. The old memory comes back here.
    ///
    /// # Errors
    /// [`Exhausted`], with `buffer` as it was.
    pub fn try_grow(&mut self, buffer: &mut Buffer, min_capacity: usize) -> Result<(), Exhausted> {
        if buffer.capacity() >= min_capacity {
            return Ok(());
        }
        self.check_room(min_capacity, buffer.counted)?;
        let bytes = self.take(min_capacity, 0);
        let mut larger = self.count(bytes);
        larger.extend_from_slice(buffer);
        self.restore(std::mem::replace(buffer, larger));
        Ok(())
    }

    /// Takes a buffer back. Kept for the next lease while [`PoolLimits::retained_bytes_max`] allows, else freed.
    pub fn restore(&mut self, buffer: Buffer) {
        if buffer.is_unallocated() && buffer.counted == 0 {
            return;
        }
        self.forget(&buffer);
        let mut bytes = buffer.bytes;
        let retained = self.stats.retained_bytes.saturating_add(bytes.capacity());
        if retained > self.limits.retained_bytes_max {
            return;
        }
        let Some(waiting) = class::for_return(bytes.capacity()).and_then(|class| self.free.get_mut(class))
        else {
            return;
        };
        bytes.clear();
        waiting.push(bytes);
        self.stats.retained_bytes = retained;
    }

    /// Turns a buffer into bytes that can be shared. Its memory leaves the pool for good and without a copy, so what
    /// is kept long should not sit in a buffer much larger than itself.
    pub fn freeze(&mut self, buffer: Buffer) -> Bytes {
        self.forget(&buffer);
        Bytes::from(buffer.bytes)
    }

    /// Frees unused buffers, largest first, until at most `keep_bytes` wait. For a shard that has gone quiet.
    pub fn trim(&mut self, keep_bytes: usize) {
        for waiting in self.free.iter_mut().rev() {
            while self.stats.retained_bytes > keep_bytes {
                let Some(bytes) = waiting.pop() else { break };
                self.stats.retained_bytes = self.stats.retained_bytes.saturating_sub(bytes.capacity());
            }
            if waiting.is_empty() {
                *waiting = Vec::new();
            }
        }
    }

    /// How it stands.
    pub fn stats(&self) -> PoolStats {
        self.stats
    }

    /// Its bounds.
    pub fn limits(&self) -> PoolLimits {
        self.limits
    }

    fn check_room(&self, min_capacity: usize, given_back: usize) -> Result<(), Exhausted> {
        let capacity = class::for_lease(min_capacity).map_or(min_capacity, |(_, capacity)| capacity);
        let leased = self.stats.leased_bytes.saturating_sub(given_back).saturating_add(capacity);
        if leased > self.limits.leased_bytes_max { Err(Exhausted) } else { Ok(()) }
    }

    /// A vector that waits, of `classes_up` larger classes at most, or a new one.
    fn take(&mut self, min_capacity: usize, classes_up: usize) -> Vec<u8> {
        let Some((class, capacity)) = class::for_lease(min_capacity) else {
            self.stats.allocated += 1;
            return Vec::with_capacity(min_capacity);
        };
        let larger = class + 1 + classes_up.min(class::COUNT - 1 - class);
        let waiting = self.free.get_mut(class..larger).unwrap_or_default();
        if let Some(bytes) = waiting.iter_mut().find_map(Vec::pop) {
            self.stats.retained_bytes = self.stats.retained_bytes.saturating_sub(bytes.capacity());
            self.stats.reused += 1;
            return bytes;
        }
        self.stats.allocated += 1;
        Vec::with_capacity(capacity)
    }

    fn count(&mut self, bytes: Vec<u8>) -> Buffer {
        let counted = bytes.capacity();
        self.stats.leased += 1;
        self.stats.leased_bytes = self.stats.leased_bytes.saturating_add(counted);
        self.stats.leased_bytes_peak = self.stats.leased_bytes_peak.max(self.stats.leased_bytes);
        Buffer { bytes, counted }
    }

    /// Ends the lease in the books. Saturating, so that a buffer of another pool is merely miscounted.
    fn forget(&mut self, buffer: &Buffer) {
        self.stats.leased = self.stats.leased.saturating_sub(1);
        self.stats.leased_bytes = self.stats.leased_bytes.saturating_sub(buffer.counted);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("limits", &self.limits)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

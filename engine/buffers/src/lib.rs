//! Pooled byte buffers for one shard: lease, fill, then restore or freeze.
//!
//! A [`Pool`] belongs to one shard and is never shared, so it has no locks. It hands out [`Buffer`]s (growable byte
//! vectors) by size class and takes them back with [`Pool::restore`]. What it keeps for later is bounded by
//! [`PoolLimits::retained_bytes_max`]; what is out at one time is bounded, for callers that ask with
//! [`Pool::try_lease`], by [`PoolLimits::leased_bytes_max`].
//!
//! Nothing here knows what the bytes mean, does IO or reads a clock. All of it is safe code.

mod buffer;
mod class;
mod pool;

pub use buffer::Buffer;
pub use pool::{Exhausted, Pool, PoolLimits, PoolStats};

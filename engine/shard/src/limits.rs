//! Bounds of one shard. Every queue and table names its bound here, and [`Limits::memory_bound`] sums them.

use pincer_buffers::PoolLimits;

/// How much one shard may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections, authenticated or not. Beyond it the socket is closed at once.
    pub connections_max: u32,
    /// Connections that have not passed `connect` yet.
    pub handshakes_max: u32,
    /// Bytes waiting to be written to one connection; beyond it droppable events are skipped, then it is closed.
    pub outbox_bytes_max: u32,
    /// Bytes waiting to be written to all connections together; beyond it new connections and runs are refused.
    pub outbox_bytes_total_max: u64,
    /// Bytes one message may have before `connect`.
    pub handshake_message_bytes_max: u32,
    /// Bytes one message may have afterwards.
    pub message_bytes_max: u32,
    /// Bytes of unfinished incoming messages of all connections together; beyond it the biggest holder is closed.
    pub inbound_bytes_total_max: u64,
    /// Requests of one connection that wait for an answer; beyond it `UNAVAILABLE`, retryable.
    pub calls_per_connection_max: u16,
    /// Rows waiting for the store, another shard or a deadline; beyond it `UNAVAILABLE`, retryable.
    pub pending_max: u32,
    /// Sessions; beyond it creating one fails.
    pub sessions_max: u32,
    /// Runs that are running or waiting in queues; beyond it new ones are refused, retryable.
    pub turns_max: u32,
    /// Bytes of the runs that wait, with their texts; beyond it new ones are refused, retryable.
    pub turns_bytes_total_max: u64,
    /// Messages to other shards that found a full ring and wait for another try; beyond it they are dropped, and the
    /// log says so.
    pub stalled_max: u32,
    /// Session keys one connection may subscribe to.
    pub subscriptions_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 50_000,
            handshakes_max: 4_096,
            outbox_bytes_max: 52_428_800,
            outbox_bytes_total_max: 256 << 20,
            handshake_message_bytes_max: 65_536,
            message_bytes_max: 26_214_400,
            inbound_bytes_total_max: 256 << 20,
            calls_per_connection_max: 1_024,
            pending_max: 65_536,
            sessions_max: 200_000,
            turns_max: 8_192,
            turns_bytes_total_max: 64 << 20,
            stalled_max: 65_536,
            subscriptions_max: 256,
        }
    }
}

/// Bytes of unused buffers a shard keeps for the next burst.
const POOL_RETAINED_BYTES: usize = 256 << 10;
/// Bytes a connection costs in the table, its principal and its subscriptions, rounded up.
const CONNECTION_BYTES: u64 = 1_536;
/// Bytes of one waiting row, rounded up.
const PENDING_BYTES: u64 = 512;
/// Bytes of a session entry at rest, rounded up.
const SESSION_BYTES: u64 = 2_048;
/// Bytes of a turn that runs, with its text at the usual size. Those that wait are within their own sum.
const TURN_BYTES: u64 = 8_192;
/// Bytes of all approvals and of who waits for them; the home shard alone has them.
const APPROVALS_BYTES: u64 =
    (crate::approval::table::BYTES_MAX + crate::approval::table::WAITERS_MAX * PENDING_BYTES as usize) as u64;
/// Bytes of one message between shards.
const MESSAGE_BYTES: u64 = 1_024;
/// Bytes of what is known of one address, of the usual length.
const INTEL_BYTES: u64 = 512;

impl Limits {
    /// Bounds of the buffer pool: what may be out is what may wait in and out, with room to read ahead.
    pub fn pool(&self) -> PoolLimits {
        let leased = self.outbox_bytes_total_max + self.inbound_bytes_total_max;
        PoolLimits {
            retained_bytes_max: POOL_RETAINED_BYTES,
            leased_bytes_max: usize::try_from(leased).unwrap_or(usize::MAX),
        }
    }

    /// Upper bound of what a shard can come to hold, in bytes.
    pub fn memory_bound(&self) -> u64 {
        let Limits {
            connections_max,
            handshakes_max,
            outbox_bytes_max: _, // within the total
            outbox_bytes_total_max,
            handshake_message_bytes_max,
            message_bytes_max: _, // within the total
            inbound_bytes_total_max,
            calls_per_connection_max: _, // within `pending_max`
            pending_max,
            sessions_max,
            turns_max,
            turns_bytes_total_max,
            stalled_max,
            subscriptions_max: _, // within CONNECTION_BYTES for the usual few
        } = *self;
        u64::from(connections_max) * CONNECTION_BYTES
            + u64::from(handshakes_max) * u64::from(handshake_message_bytes_max)
            + outbox_bytes_total_max
            + inbound_bytes_total_max
            + u64::from(pending_max) * PENDING_BYTES
            + u64::from(sessions_max) * SESSION_BYTES
            + u64::from(turns_max) * TURN_BYTES
            + turns_bytes_total_max
            + u64::from(stalled_max) * MESSAGE_BYTES
            + pincer_defender::intel::LEARNED_MAX as u64 * INTEL_BYTES
            + APPROVALS_BYTES
    }
}

/// How long things may take, in milliseconds. Protocol facts from upstream unless noted.
pub mod time {
    /// From the socket to an accepted `connect`. v4 waits this long, v3 10 s; the version is not known before.
    pub const HANDSHAKE_MS: u64 = 15_000;
    /// Between two `tick` events.
    pub const TICK_MS: u64 = 30_000;
    /// Between two refreshes of the health snapshot.
    pub const HEALTH_MS: u64 = 60_000;
    /// Fewest milliseconds between two refreshes that connects ask for (ours: a reconnect storm must not cost one each).
    pub const HEALTH_GAP_MS: u64 = 1_000;
    /// A connection that was silent this long is pinged.
    pub const PING_AFTER_MS: u64 = 25_000;
    /// And closed when the answer takes longer than this.
    pub const PONG_WINDOW_MS: u64 = 25_000;
    /// Between two looks at every connection's clock (ours).
    pub const SWEEP_MS: u64 = 1_000;
    /// A close frame is flushed within this, or the socket is dropped.
    pub const CLOSE_FLUSH_MS: u64 = 1_000;
    /// Chat deltas of one run are at least this far apart; those between are dropped, not delayed.
    pub const DELTA_GAP_MS: u64 = 150;
    /// How long a drained shard goes on trying to write what the store refused (ours).
    pub const DRAIN_STORE_MS: u64 = 5_000;
    /// Between two such tries (ours).
    pub const DRAIN_STORE_RETRY_MS: u64 = 200;
    /// A request that waits on another shard or the store is answered `UNAVAILABLE` after this (ours).
    pub const CALL_MS: u64 = 30_000;
}

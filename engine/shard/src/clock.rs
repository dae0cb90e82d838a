//! What time alone causes: ticks, and the forgetting of what is old.

use std::sync::Arc;

use pincer_protocol::event::EncodedEvent;
use pincer_sessions::entry::{SessionId, uuid};
use pincer_sessions::persist::{StoreOp, Table};
use rand_core::Rng;
use serde_json::json;

use crate::Shard;
use crate::fanout::{Audience, Broadcast};
use crate::limits::time;
use crate::shard::Timer;

/// Between two looks for what has expired (ours).
const EXPIRE_MS: u64 = 60_000;

impl Shard {
    /// Sets the timers that always run.
    pub(crate) fn wind_up(&mut self) {
        let now = self.now.mono_ms;
        self.timers.set(now + time::TICK_MS, Timer::Tick);
        self.timers.set(now + EXPIRE_MS, Timer::Expire);
        if self.is_home() {
            self.refresh_health_soon();
            self.timers.set(now + time::HEALTH_MS, Timer::HealthMinute);
        }
    }

    /// Every shard ticks for its own connections.
    pub(crate) fn send_tick(&mut self) {
        self.timers.set(self.now.mono_ms + time::TICK_MS, Timer::Tick);
        let event = EncodedEvent::new("tick", &json!({"ts": self.now.wall_ms}), None);
        self.deliver(Arc::new(Broadcast::both(event, Audience::Everyone).droppable()));
    }

    /// Forgets what is too old.
    pub(crate) fn expire(&mut self) {
        let now = self.now;
        self.timers.set(now.mono_ms + EXPIRE_MS, Timer::Expire);
        self.runs.ended.expire(now);
        self.sessions.idempotency.expire(now);
        let mut ops: Vec<StoreOp> = self
            .sessions
            .idempotency
            .take_forgotten()
            .into_iter()
            .map(|id| StoreOp::Delete { table: Table::Receipts, id })
            .collect();
        if let Some(home) = &mut self.home {
            ops.extend(home.pairings.expire(now));
        }
        if !ops.is_empty() {
            self.persist(ops, |_, _| ());
        }
    }

    /// A random UUID.
    pub(crate) fn uuid(&mut self) -> String {
        uuid(self.random())
    }

    /// A random session id.
    pub(crate) fn fresh_session_id(&mut self) -> SessionId {
        SessionId::random(self.random())
    }

    /// Random bytes, from the OS by way of the shard's generator.
    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}

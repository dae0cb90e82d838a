//! An orderly end: no new work, time for the running, then everybody gets a close frame.

use std::sync::Arc;

use pincer_protocol::event::EncodedEvent;
use serde_json::json;

use crate::Shard;
use crate::driver::{Effect, ShardId};
use crate::fanout::{Audience, Broadcast};
use crate::limits::time;
use crate::message::ShardMsg;
use crate::run::AbortReason;
use crate::shard::{Draining, Timer};

impl Shard {
    /// Starts to drain. A second call changes nothing.
    pub(crate) fn drain(&mut self, reason: String, budget_ms: u64, restart_expected_ms: Option<u64>) {
        if self.draining.is_some() {
            return;
        }
        if self.is_home() {
            self.info("gateway", format!("draining: {reason}"));
        }
        self.draining =
            Some(Draining { reason, restart_expected_ms, closing: false, ended: false, store_by: None });
        self.effects.push_back(Effect::StopAccepting);
        self.refuse_waiting();
        self.timers.set(self.now.mono_ms + budget_ms, Timer::DrainBudget);
        self.drain_progress();
    }

    /// A run ended; while draining, the last one of all shards lets the connections go: a client may sit on another shard
    /// than the run it waits for.
    pub(crate) fn drain_progress(&mut self) {
        let waits = self.draining.as_ref().is_some_and(|draining| !draining.closing);
        if waits && self.running() == 0 && !self.runs_ended.contains(&self.id.0) {
            self.send_others(|| ShardMsg::RunsEnded);
            self.runs_ended_on(self.id);
        }
    }

    /// Nothing runs on `shard` any more, and nothing will.
    pub(crate) fn runs_ended_on(&mut self, shard: ShardId) {
        self.runs_ended.insert(shard.0);
        if self.draining.is_some() && self.runs_ended.len() == usize::from(self.shards) {
            self.drain_close();
        }
    }

    /// Runs under way. Queued turns are on disk and run after the restart.
    fn running(&self) -> usize {
        self.sessions.map.values().filter(|session| session.run.is_some()).count()
    }

    /// Time is up, or nothing runs: says goodbye to everybody.
    pub(crate) fn drain_close(&mut self) {
        let Some(draining) = &mut self.draining else { return };
        if std::mem::replace(&mut draining.closing, true) {
            return;
        }
        let mut payload = json!({"reason": draining.reason});
        if let (Some(ms), Some(fields)) = (draining.restart_expected_ms, payload.as_object_mut()) {
            fields.insert("restartExpectedMs".to_owned(), ms.into());
        }
        // Runs that used up the budget are stopped; what they said so far is written down.
        let busy: Vec<_> = self
            .sessions
            .map
            .iter()
            .filter_map(|(key, session)| Some((key.clone(), session.run.as_deref()?.turn.run_id.clone())))
            .collect();
        let mut ops = Vec::new();
        for (key, run_id) in busy {
            ops.extend(self.stop_run(&key, &run_id, AbortReason::Timeout));
        }
        let event = EncodedEvent::new("shutdown", &payload, None);
        self.deliver(Arc::new(Broadcast::both(event, Audience::Everyone)));
        self.persist(ops, |shard, _| {
            for conn in shard.connections.ids() {
                shard.close(conn, pincer_ws::code::SERVICE_RESTART, "service restart");
            }
            if shard.connections.len() == 0 {
                shard.drain_end();
            } else {
                let by = shard.now.mono_ms + 2 * time::CLOSE_FLUSH_MS;
                shard.timers.set(by, Timer::DrainEnd);
            }
        });
    }

    /// Everybody is gone, or had the time to be. What the store has refused so far is tried once more, and again for a
    /// moment: the ends of runs are in it, and a repeat of a message whose end is not known would run again.
    pub(crate) fn drain_end(&mut self) {
        let (now, unstored) = (self.now.mono_ms, self.stores_unsettled());
        let Some(draining) = self.draining.as_mut().filter(|draining| !draining.ended) else { return };
        if unstored && now < *draining.store_by.get_or_insert(now + time::DRAIN_STORE_MS) {
            self.retry_stores();
            self.timers.set(now + time::DRAIN_STORE_RETRY_MS, Timer::DrainEnd);
            return;
        }
        draining.ended = true;
        if unstored {
            self.warn("store", "given up: the store did not take the ends of runs".to_owned());
        }
        self.effects.push_back(Effect::Finished);
    }
}

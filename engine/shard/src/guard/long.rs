//! Long texts, read a piece a turn: nobody's ping waits for them.
//!
//! What comes behind a long text in its session waits for it, so that messages keep their order. A text that was not read
//! within the policy's time, or for which there is no place, is held for a person.

use std::hash::BuildHasher;

use pincer_defender::{Judgement, Known, Reading, SLICE_BYTES};
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::Turn;

use super::judge::{Gate, request};
use crate::Shard;
use crate::run::Asker;
use crate::shard::Timer;

/// From one piece to the next, milliseconds: everybody else gets their turn. A timer that is due at once would be served
/// in the same turn.
const PAUSE_MS: u64 = 1;
/// Long texts that are remembered as passed: their runs begin soon after.
const PASSED_MAX: usize = 16;

/// A message that is being read.
pub(super) struct Long {
    key: SessionKey,
    turn: Turn,
    asker: Asker,
    pub(super) reading: Reading,
    /// When its time is up, `mono_ms`.
    by_ms: u64,
}

impl Shard {
    /// Whether a message has to take its turn here.
    pub(crate) fn is_long(&self, key: &SessionKey, turn: &Turn) -> bool {
        // Also while the guard is off: what came before it was switched off keeps its place.
        (self.view.defender.is_on() && turn.text.len() > SLICE_BYTES)
            || self.guard.reading.iter().any(|long| long.key == *key)
    }

    /// Takes a message that is read piece by piece.
    pub(crate) fn read_long(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        let limits = self.view.defender.policy().limits;
        let places = limits.concurrent_evaluations.get() + limits.queue.get();
        if self.guard.reading.len() as u64 >= places {
            self.counters.overflows += 1;
            let judgement = self.unjudged(key, &turn, "defender.busy");
            return self.judged(key, turn, asker, judgement);
        }
        let by_ms = self.now.mono_ms + limits.evaluation_timeout_ms.get();
        self.guard.reading.push_back(Long {
            key: key.clone(),
            turn,
            asker,
            reading: Reading::default(),
            by_ms,
        });
        if self.guard.reading.len() == 1 {
            self.timers.set(self.now.mono_ms + PAUSE_MS, Timer::Judge);
        }
    }

    /// Reads the next piece of the oldest.
    pub(crate) fn read_piece(&mut self) {
        let Some(mut long) = self.guard.reading.pop_front() else { return };
        let view = std::sync::Arc::clone(&self.view);
        let guard = &mut self.guard;
        let asked = request(&view, &long.key, &long.turn, &long.turn.text);
        let done = view.defender.read_on(&asked, &mut long.reading, &mut guard.scratch);
        if !done && self.now.mono_ms < long.by_ms {
            self.guard.reading.push_front(long);
            self.timers.set(self.now.mono_ms + PAUSE_MS, Timer::Judge);
            return;
        }
        let judgement = if done {
            self.counters.judged += 1;
            let if_unchecked = view.defender.policy().intel.if_unchecked();
            let known = Known { set: &guard.intel, if_unchecked, now_ms: self.now.wall_ms };
            let reading = std::mem::take(&mut long.reading);
            let judgement = view.defender.conclude(&asked, reading, known, &mut guard.scratch);
            self.wonder();
            judgement
        } else {
            self.unjudged(&long.key, &long.turn, "defender.timeout")
        };
        if long.turn.text.len() > SLICE_BYTES {
            let hash = self.guard.hasher.hash_one(long.turn.text.as_str());
            self.guard.passed.push_back((hash, judgement.clone()));
            if self.guard.passed.len() > PASSED_MAX {
                self.guard.passed.pop_front();
            }
        }
        if !self.guard.reading.is_empty() {
            self.timers.set(self.now.mono_ms + PAUSE_MS, Timer::Judge);
        }
        let Long { key, turn, asker, .. } = long;
        self.judged(&key, turn, asker, judgement);
    }

    /// What was said of this long text a moment ago.
    pub(super) fn judged_before(&self, text: &str) -> Option<Judgement> {
        let hash = self.guard.hasher.hash_one(text);
        self.guard
            .passed
            .iter()
            .rev()
            .find(|(known, _)| *known == hash)
            .map(|(_, judgement)| judgement.clone())
    }

    fn unjudged(&mut self, key: &SessionKey, turn: &Turn, rule: &'static str) -> Judgement {
        let view = &self.view;
        view.defender.unjudged(&request(view, key, turn, ""), rule)
    }

    /// Goes on with a message that was judged.
    pub(crate) fn judged(&mut self, key: &SessionKey, turn: Turn, asker: Asker, judgement: Judgement) {
        match self.gate(key, &turn, judgement) {
            Gate::Pass => self.submit_judged(key, turn, asker),
            Gate::Hold(judgement) => self.hold(key, turn, asker, *judgement),
            Gate::Block(judgement) => self.block(key, turn, asker, *judgement),
        }
    }
}

//! Messages that wait for their verdict: nobody's ping waits for them, and each session keeps its order.
//!
//! A message waits here when it is long (it is read a piece a turn), when it names what a service is being asked about,
//! while the guards' tables are built, and when one of its session waits already. Sessions do not wait for each other.
//!
//! A text that was not read within the policy's time, or for which there is no place, is held for a person. One whose
//! question nobody answered in time, or for which there is no place, is judged by the policy's fail mode.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use pincer_defender::intel::Indicator;
use pincer_defender::policy::{Mode, Verdict};
use pincer_defender::{Judgement, Reading, SLICE_BYTES};
use pincer_protocol::ErrorShape;
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::Turn;

use super::judge::{Gate, request};
use crate::Shard;
use crate::run::Asker;
use crate::shard::Timer;
use crate::timers::TimerId;

/// From one turn of the judge to the next, milliseconds: everybody else gets theirs. A timer that is due at once would be
/// served in the same turn.
const PAUSE_MS: u64 = 1;
/// What a message costs of a turn's bytes at least: also short ones leave the others theirs.
const STEP_BYTES: usize = SLICE_BYTES / 64;
/// Long texts that are remembered as passed: their runs begin soon after.
const PASSED_MAX: usize = 16;
/// Messages that may wait for a service at once, on one shard; more are judged at once, by the fail mode.
const ASKING_MAX: usize = 256;

/// What waits on one shard, oldest first.
#[derive(Default)]
pub(super) struct Queue {
    messages: VecDeque<Waiting>,
    timer: Option<(u64, TimerId)>,
}

/// A message that waits.
struct Waiting {
    key: SessionKey,
    turn: Turn,
    asker: Asker,
    reading: Reading,
    /// When the time to read it is up, `mono_ms`.
    by_ms: u64,
    /// Since it was read to its end: what it waits for.
    asking: Option<Asking>,
}

/// An answer that a message waits for.
struct Asking {
    /// What was not answered yet.
    about: Vec<Indicator>,
    /// When it goes on without, `mono_ms`.
    by_ms: u64,
}

impl Queue {
    /// Whether a session's messages wait: the next one has to wait behind them.
    fn has(&self, key: &SessionKey) -> bool {
        self.messages.iter().any(|waiting| waiting.key == *key)
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Those that were not read to their end.
    fn unread(&self) -> usize {
        self.messages.iter().filter(|waiting| waiting.asking.is_none()).count()
    }

    /// The oldest that may go on: the first of its session, and ready.
    fn ready(&self, now_ms: u64) -> Option<usize> {
        let mut met = HashSet::new();
        self.messages.iter().position(|waiting| {
            let ready = waiting
                .asking
                .as_ref()
                .is_none_or(|asking| asking.about.is_empty() || asking.by_ms <= now_ms);
            met.insert(&waiting.key) && ready
        })
    }

    /// When the first of those that wait for an answer goes on without.
    fn next_due(&self) -> Option<u64> {
        self.messages.iter().filter_map(|waiting| Some(waiting.asking.as_ref()?.by_ms)).min()
    }

    /// Nobody waits for word on these any more.
    fn settle(&mut self, settled: &dyn Fn(&Indicator) -> bool) {
        for asking in self.messages.iter_mut().filter_map(|waiting| waiting.asking.as_mut()) {
            asking.about.retain(|indicator| !settled(indicator));
        }
    }

    /// Everything is judged from its beginning; what waited for an answer goes on waiting, if the new judgement says so,
    /// but no longer than before.
    pub(super) fn anew(&mut self) {
        for waiting in &mut self.messages {
            waiting.reading = Reading::default();
            if let Some(asking) = &mut waiting.asking {
                asking.about.clear();
            }
        }
    }
}

impl Shard {
    /// Whether a message has to take its turn here before it is judged.
    pub(crate) fn must_wait(&self, key: &SessionKey, turn: &Turn) -> bool {
        // The queue counts also while the guard is off: what came before it was switched off keeps its place.
        (self.view.defender.is_on() && (turn.text.len() > SLICE_BYTES || !self.guard.tables.are_built()))
            || self.guard.queue.has(key)
    }

    /// Takes a message that has to wait.
    pub(crate) fn wait_for_verdict(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        let limits = self.view.defender.policy().limits;
        let places = limits.concurrent_evaluations.get() + limits.queue.get();
        if self.guard.queue.unread() as u64 >= places {
            self.counters.overflows += 1;
            let judgement = self.unjudged(key, &turn, "defender.busy");
            return self.judged(key, turn, asker, judgement);
        }
        self.guard.queue.messages.push_back(Waiting {
            key: key.clone(),
            turn,
            asker,
            reading: Reading::default(),
            by_ms: self.now.mono_ms + limits.evaluation_timeout_ms.get(),
            asking: None,
        });
        self.arm_judge();
    }

    /// Judges a message that was the first of its session to come; it may have to wait for an answer.
    pub(crate) fn judge_first(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        let (judgement, unanswered) = self.judge_turn(key, &turn);
        let about = self.worth_waiting_for(&judgement, unanswered, turn.cost());
        if about.is_empty() {
            return self.judged(key, turn, asker, judgement);
        }
        self.counters.judged_waited += 1;
        let now = self.now.mono_ms;
        let policy = self.view.defender.policy();
        self.guard.queue.messages.push_back(Waiting {
            key: key.clone(),
            turn,
            asker,
            // A short text is read again in no time.
            reading: Reading::default(),
            by_ms: now + policy.limits.evaluation_timeout_ms.get(),
            asking: Some(Asking { about, by_ms: now + policy.intel.timeout_ms.get() }),
        });
        self.arm_judge();
    }

    /// What of the questions under way a message should wait for, that was judged so. In audit mode nothing is delayed,
    /// and no answer saves what is blocked anyway.
    fn worth_waiting_for(
        &mut self,
        judgement: &Judgement,
        unanswered: Vec<Indicator>,
        bytes: usize,
    ) -> Vec<Indicator> {
        let enforces = self.view.defender.policy().mode == Mode::Enforce;
        if unanswered.is_empty() || !enforces || judgement.decision.effect() == Verdict::Block {
            return Vec::new();
        }
        let asking = self.guard.queue.messages.iter().filter(|waiting| waiting.asking.is_some());
        let (count, held) = asking.fold((0, 0), |(n, sum), waiting| (n + 1, sum + waiting.turn.cost()));
        if count >= ASKING_MAX || (held + bytes) as u64 > self.limits.turns_bytes_total_max {
            self.counters.overflows += 1;
            self.counters.judged_unwaited += 1;
            return Vec::new();
        }
        unanswered
    }

    /// Nothing more is to be expected about these for now: what waited for them goes on.
    pub(crate) fn settle_waiting(&mut self, settled: &dyn Fn(&Indicator) -> bool) {
        self.guard.queue.settle(settled);
        self.arm_judge();
    }

    /// The guards' tables are there: what waited for them has its whole time now.
    pub(super) fn read_waiting(&mut self) {
        let timeout_ms = self.view.defender.policy().limits.evaluation_timeout_ms.get();
        for waiting in &mut self.guard.queue.messages {
            waiting.by_ms = self.now.mono_ms + timeout_ms;
        }
        self.arm_judge();
    }

    /// A turn of the judge: as much as is read at once.
    pub(crate) fn judge_on(&mut self) {
        self.guard.queue.timer = None;
        if self.lacks_tables() {
            return self.arm_judge();
        }
        let mut left = SLICE_BYTES;
        while left > 0
            && let Some(at) = self.guard.queue.ready(self.now.mono_ms)
        {
            left = left.saturating_sub(self.judge_step(at));
        }
        self.arm_judge();
    }

    /// Reads on in a message that may go on, and goes on with it when it was read. How much of a turn that took, in bytes.
    fn judge_step(&mut self, at: usize) -> usize {
        let Some(mut waiting) = self.guard.queue.messages.remove(at) else { return SLICE_BYTES };
        let cost = waiting.turn.text.len().clamp(STEP_BYTES, SLICE_BYTES);
        let view = Arc::clone(&self.view);
        let asked = request(&view, &waiting.key, &waiting.turn, &waiting.turn.text);
        let done = view.defender.read_on(&asked, &mut waiting.reading, &mut self.guard.scratch);
        let now = self.now.mono_ms;
        if !done && now < waiting.by_ms {
            self.guard.queue.messages.insert(at, waiting);
            return cost;
        }
        let judgement = if done {
            if waiting.asking.is_none() {
                self.counters.judged += 1;
            }
            let (judgement, unanswered) = self.judge_read(&asked, waiting.reading.clone());
            let by_ms = waiting
                .asking
                .as_ref()
                .map_or(now + view.defender.policy().intel.timeout_ms.get(), |asking| asking.by_ms);
            if by_ms <= now && !unanswered.is_empty() {
                self.counters.judged_in_vain += u64::from(waiting.asking.is_some());
            } else {
                let about = self.worth_waiting_for(&judgement, unanswered, waiting.turn.cost());
                if !about.is_empty() {
                    self.counters.judged_waited += u64::from(waiting.asking.is_none());
                    waiting.asking = Some(Asking { about, by_ms });
                    self.guard.queue.messages.insert(at, waiting);
                    return cost;
                }
            }
            judgement
        } else {
            self.unjudged(&waiting.key, &waiting.turn, "defender.timeout")
        };
        if waiting.turn.text.len() > SLICE_BYTES {
            let hash = self.guard.hasher.hash_one(waiting.turn.text.as_str());
            self.guard.passed.push_back((hash, judgement.clone()));
            if self.guard.passed.len() > PASSED_MAX {
                self.guard.passed.pop_front();
            }
        }
        let Waiting { key, turn, asker, .. } = waiting;
        self.judged(&key, turn, asker, judgement);
        cost
    }

    /// Sets the timer for the judge's next turn.
    fn arm_judge(&mut self) {
        if self.guard.queue.messages.is_empty() {
            return;
        }
        let now = self.now.mono_ms;
        if self.lacks_tables() {
            // Nothing goes on; their coming sets the timer.
            return self.want_tables();
        }
        let queue = &self.guard.queue;
        let due = if queue.ready(now).is_some() {
            Some(now + PAUSE_MS)
        } else {
            queue.next_due().map(|at| at.max(now + PAUSE_MS))
        };
        let Some(due) = due else { return };
        if let Some((at, timer)) = queue.timer {
            if at <= due {
                return;
            }
            self.timers.cancel(timer);
        }
        self.guard.queue.timer = Some((due, self.timers.set(due, Timer::Judge)));
    }

    /// Nothing more is accepted: what was not judged by now is to be sent again.
    pub(crate) fn refuse_waiting(&mut self) {
        for Waiting { turn, asker, .. } in std::mem::take(&mut self.guard.queue.messages) {
            self.refuse(asker, &turn, ErrorShape::busy("the gateway is shutting down", 1_500));
        }
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
    fn judged(&mut self, key: &SessionKey, turn: Turn, asker: Asker, judgement: Judgement) {
        match self.gate(key, &turn, judgement) {
            Gate::Pass => self.submit_judged(key, turn, asker),
            Gate::Hold(judgement) => self.hold(key, turn, asker, *judgement),
            Gate::Block(judgement) => self.block(key, turn, asker, *judgement),
        }
    }
}

#[cfg(test)]
mod tests;

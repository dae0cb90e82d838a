//! A session's life from a seed, with virtual time. A failure prints its seed; run that seed again to see it.
//!
//! Always true: one turn runs, messages of one kind start in the order they were said, bounds hold, and every submitted
//! turn ends exactly once: started, merged, handed over, superseded, refused, dropped as a repeat, or aborted.

use std::collections::HashMap;

use super::*;
use crate::queue::{DropPolicy, QueueMode};
use crate::turn::Origin;
use crate::turn::tests::turn;

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    Started,
    MergedInto(String),
    HandedOver,
    Superseded(SupersededWhy),
    Refused,
    Aborted,
}

fn session(index: u64) -> SessionKey {
    SessionKey::from_stored(&format!("agent:main:s{index}"))
}

struct World {
    random: Random,
    scheduler: Scheduler,
    limits: Limits,
    now: u64,
    /// What the world thinks runs, by session.
    running: HashMap<SessionKey, String>,
    /// Sessions of turns, by run id.
    submitted: HashMap<String, SessionKey>,
    ends: HashMap<String, End>,
    /// Sequence number of the last started turn, by session and whether it queues by mode.
    order: HashMap<(SessionKey, bool), u64>,
    next_id: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random(seed);
        let limits = Limits {
            lanes_max: 1 + random.below(4) as usize,
            turns_max: 1 + random.below(60) as usize,
            bytes_max: 2_000 + random.below(60_000) as usize,
        };
        World {
            random,
            scheduler: Scheduler::new(limits),
            limits,
            now: 0,
            running: HashMap::new(),
            submitted: HashMap::new(),
            ends: HashMap::new(),
            order: HashMap::new(),
            next_id: 0,
        }
    }

    fn now(&self) -> Now {
        Now { mono_ms: self.now, wall_ms: self.now }
    }

    fn end(&mut self, run_id: &str, end: End) {
        let before = self.ends.insert(run_id.to_owned(), end.clone());
        assert_eq!(before, None, "{run_id} ended twice, now as {end:?}");
    }

    fn start(&mut self, key: &SessionKey, start: Started) {
        let before = self.running.insert(key.clone(), start.turn.run_id.clone());
        assert_eq!(before, None, "two turns run in {key}");
        assert_eq!(self.scheduler.running(key), Some(start.turn.run_id.as_str()));
        for turn in std::iter::once(&start.turn).chain(&start.merged) {
            let line = (key.clone(), turn.origin.queues_by_mode());
            let last = self.order.insert(line, turn.seq).unwrap_or(0);
            assert!(last < turn.seq, "{} starts before its turn", turn.run_id);
            assert_eq!(&self.submitted[&turn.run_id], key, "started in its own session");
        }
        self.end(&start.turn.run_id, End::Started);
        for part in &start.merged {
            self.end(&part.run_id, End::MergedInto(start.turn.run_id.clone()));
            assert!(start.turn.merged_ids.contains(&part.message_id));
        }
    }

    fn next(&mut self, key: &SessionKey, next: Next) {
        match next {
            Next::Idle => assert_eq!(self.scheduler.depth(key), 0, "nothing may be left behind"),
            Next::Wait { until_ms } => {
                assert!(until_ms > self.now);
                assert!(self.scheduler.deadline().is_some_and(|at| at <= until_ms));
            }
            Next::Start(start) => self.start(key, *start),
        }
    }

    fn submit(&mut self, key: &SessionKey) {
        let repeat = self.random.below(12) == 0 && self.next_id > 0;
        let id = format!("t{}", if repeat { self.random.below(self.next_id) } else { self.next_id });
        if repeat && self.submitted.get(&id).is_none_or(|of| of != key) {
            return;
        }
        let origin =
            self.random.pick(&[Origin::Chat, Origin::Chat, Origin::Channel, Origin::Chat, Origin::Agent]);
        let policy = QueuePolicy {
            mode: self.random.pick(&[
                QueueMode::Steer,
                QueueMode::Followup,
                QueueMode::Collect,
                QueueMode::SteerBacklog,
                QueueMode::Interrupt,
            ]),
            debounce_ms: self.random.pick(&[0, 5, 100]),
            cap: self.random.pick(&[1, 2, 5, 20]),
            drop: self.random.pick(&[DropPolicy::Old, DropPolicy::New, DropPolicy::Summarize]),
        };
        let said = Turn { session_key: key.clone(), origin, ..turn(&id) };
        let known = self.ends.get(&id).cloned();
        if repeat && known.is_some() {
            return; // the idempotency table answers this one
        }
        if !repeat {
            self.next_id += 1;
            self.submitted.insert(id.clone(), key.clone());
        }
        let admission = self.scheduler.submit(said, &policy, self.now());
        assert!(!repeat || admission == Admission::Duplicate, "{id} waits, so a repeat is dropped");
        let superseded = match admission {
            Admission::Start(start) => {
                self.start(key, start);
                Vec::new()
            }
            Admission::Queued { superseded } | Admission::Steered { superseded } => superseded,
            Admission::Merged { into, superseded } => {
                let waits = self.scheduler.pending(key).any(|pending| pending.turn.run_id == into);
                assert!(waits, "{into} is a turn that waits");
                superseded
            }
            Admission::Interrupt { start, stop, superseded } => {
                assert_eq!(self.running.remove(key), stop);
                self.start(key, start);
                superseded
            }
            Admission::Duplicate => {
                assert!(repeat, "{id} is new");
                Vec::new()
            }
            Admission::Refused { turn, .. } => {
                assert_eq!(turn.run_id, id);
                self.end(&id, End::Refused);
                Vec::new()
            }
        };
        let messages =
            self.scheduler.pending(key).filter(|pending| pending.turn.origin.queues_by_mode()).count();
        assert!(known.is_some() || messages <= 20);
        for Superseded { turn, why } in superseded {
            self.end(&turn.run_id, End::Superseded(why));
        }
    }

    fn step(&mut self) {
        self.now += self.random.pick(&[0, 0, 1, 3, 40, 150]);
        let key = session(self.random.below(5));
        match self.random.below(16) {
            0..=6 => self.submit(&key),
            7 | 8 => {
                for item in self.scheduler.boundary(&key, self.now()) {
                    assert!(self.running.contains_key(&key), "only a running turn takes messages up");
                    if !item.stays_queued {
                        self.end(&item.turn.run_id, End::HandedOver);
                    }
                }
            }
            9..=11 if self.running.remove(&key).is_some() => {
                let next = self.scheduler.complete(&key, self.now());
                self.next(&key, next);
            }
            12 => {
                let waiting: Vec<String> =
                    self.scheduler.pending(&key).map(|pending| pending.turn.run_id.clone()).collect();
                let running = self.running.get(&key).cloned();
                let Some(run_id) = waiting.into_iter().chain(running).next() else { return };
                match self.scheduler.abort(&key, &run_id, self.now()) {
                    Aborted::Nothing => panic!("{run_id} is there"),
                    Aborted::Waiting(turn) => self.end(&turn.run_id, End::Aborted),
                    Aborted::Running(next) => {
                        self.running.remove(&key);
                        self.next(&key, next);
                    }
                }
            }
            13 => {
                let what = self.random.pick(&[Clear::Messages, Clear::All]);
                for turn in self.scheduler.clear(&key, what) {
                    self.end(&turn.run_id, End::Aborted);
                }
            }
            14 if self.random.below(20) == 0 => self.crash(),
            _ => {}
        }
        while let Some((key, start)) = self.scheduler.tick(self.now()) {
            self.start(&key, start);
        }
        self.check();
    }

    /// Everything in memory is gone; the rows are not.
    fn crash(&mut self) {
        let mut rows = Vec::new();
        let keys: Vec<SessionKey> = (0..5).map(session).collect();
        for key in &keys {
            let ids: Vec<String> =
                self.scheduler.pending(key).map(|pending| pending.turn.run_id.clone()).collect();
            for id in ids {
                let row = serde_json::to_string(&self.scheduler.record(key, &id).unwrap()).unwrap();
                rows.push(serde_json::from_str::<TurnRecord>(&row).unwrap());
            }
            if let Some(run_id) = self.running.remove(key) {
                let policy = self.scheduler.policy(key).unwrap();
                rows.push(TurnRecord {
                    state: TurnState::Running,
                    policy,
                    turn: turn(&run_id),
                    release: None,
                });
            }
        }
        let split = self.random.below(1 + rows.len() as u64) as usize;
        rows.rotate_left(split);
        let running = rows.iter().filter(|row| row.state == TurnState::Running).count();
        // With nothing left to compare with, numbers may start over; what is left keeps its order.
        self.order.clear();
        self.scheduler = Scheduler::new(self.limits);
        let interrupted = self.scheduler.restore(rows, self.now());
        assert_eq!(interrupted.len(), running);
    }

    fn check(&self) {
        let keys = (0..5).map(session);
        let (mut turns, mut bytes) = (0, 0);
        for key in keys {
            assert_eq!(self.scheduler.running(&key), self.running.get(&key).map(String::as_str));
            for pending in self.scheduler.pending(&key) {
                assert!(
                    !self.ends.contains_key(&pending.turn.run_id),
                    "{} both waits and ended",
                    pending.turn.run_id
                );
                turns += 1;
                bytes += pending.turn.cost();
            }
            let steered =
                self.scheduler.pending(&key).filter(|pending| pending.mode == QueueMode::Steer).count();
            assert!(steered <= 1, "only the newest waits to be steered");
        }
        assert_eq!((self.scheduler.turns(), self.scheduler.bytes()), (turns, bytes));
        assert!(turns <= self.limits.turns_max && bytes <= self.limits.bytes_max);
        assert!(self.scheduler.lanes() <= self.limits.lanes_max);
        if let Some(at) = self.scheduler.deadline() {
            assert!(at > self.now, "what is due was started");
        }
    }

    /// Lets everything end, and looks whether all of it did.
    fn finish(&mut self) {
        for _ in 0..100_000 {
            let Some(key) = self.running.keys().next().cloned() else {
                let Some(at) = self.scheduler.deadline() else { break };
                self.now = self.now.max(at);
                let (key, start) = self.scheduler.tick(self.now()).expect("its time has come");
                self.start(&key, start);
                continue;
            };
            self.running.remove(&key);
            let next = self.scheduler.complete(&key, self.now());
            self.next(&key, next);
        }
        assert_eq!((self.scheduler.lanes(), self.scheduler.turns(), self.scheduler.bytes()), (0, 0, 0));
        for run_id in self.submitted.keys() {
            assert!(self.ends.contains_key(run_id), "{run_id} was lost");
        }
    }
}

fn run(seed: u64) {
    let result = std::panic::catch_unwind(|| {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
        }
        world.finish();
    });
    if let Err(cause) = result {
        eprintln!("seed {seed} failed");
        std::panic::resume_unwind(cause);
    }
}

#[test]
fn nothing_is_lost_doubled_or_unbounded() {
    for seed in 0..2_000 {
        run(seed);
    }
}

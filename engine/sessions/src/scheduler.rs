//! Decides what runs next in each session.
//!
//! A [`Scheduler`] holds one [`Lane`] for every session that is busy: at most one running turn and a bounded queue
//! behind it. Submitting returns an [`Admission`] that says what became of the turn; nothing disappears, a turn that
//! gives way is handed back. The caller supplies `now`; nothing here reads a clock, performs IO, or knows what a
//! connection is.
//!
//! What a message does while a turn runs, by [`crate::queue::QueueMode`]:
//!
//! | mode | while the turn runs | when it has ended |
//! |---|---|---|
//! | `followup` | waits | each runs, in order |
//! | `collect` | waits | prompts of one route run as one turn |
//! | `steer` | only the newest waits, until the turn takes it up at a model boundary | it runs, if it was not taken up |
//! | `steer-backlog` | all are taken up at the next boundary | each runs as well |
//! | `interrupt` | takes the turn's place; what waited will not run | |
//!
//! A queue goes on when it was quiet for its debounce. Turns that somebody waits for (`agent` calls, cron, webhooks)
//! always stand in line and run alone.
//!
//! Start with [`Scheduler::submit`], then [`Scheduler::boundary`] and [`Scheduler::complete`].

mod lane;
mod prompt;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

pub use lane::{Lane, Pending};

use crate::key::SessionKey;
use crate::queue::QueuePolicy;
use crate::time::Now;
use crate::turn::{Turn, TurnRecord, TurnState};

/// What became of a submitted turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing ran: it runs now.
    Start(Started),
    /// It waits and will run on its own. Its sender gets an empty `final` under the client's run id.
    Queued {
        /// Who left the full queue for it.
        superseded: Vec<Superseded>,
    },
    /// It is handed to the running turn at its next model boundary, or runs when that turn ends.
    Steered {
        /// The message it replaces, and who left the full queue for it.
        superseded: Vec<Superseded>,
    },
    /// It waits and will run in one prompt with others.
    Merged {
        /// Run id of the waiting turn it joins.
        into: String,
        /// Who left the full queue for it.
        superseded: Vec<Superseded>,
    },
    /// It runs now; the turn that ran until now must be stopped by the caller, and is no longer known here.
    Interrupt {
        /// What to run.
        start: Started,
        /// Run id of the turn to stop; `None` when nothing ran and only waiting messages gave way.
        stop: Option<String>,
        /// Who was waiting and will not run.
        superseded: Vec<Superseded>,
    },
    /// A message with this id runs or waits already; the repeat is dropped.
    Duplicate,
    /// It cannot be taken. It is handed back, and nothing has changed.
    Refused {
        /// As submitted.
        turn: Box<Turn>,
        /// Why.
        why: Refusal,
    },
}

/// A turn to run now.
#[derive(Debug, PartialEq, Eq)]
pub struct Started {
    /// What to run. Its text is what the model is told: merged messages and the overflow note are in it.
    pub turn: Turn,
    /// Turns that were merged into it, oldest first. Their rows go when its row says `running`.
    pub merged: Vec<Turn>,
    /// Whether it waited. Then its sender was answered already, and the run gets a fresh id, unless its origin does
    /// not queue by mode.
    pub waited: bool,
}

/// A message that gives way to another one. It was said, so it stays in the transcript, and its sender is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Superseded {
    /// As submitted.
    pub turn: Turn,
    /// Why it will not run.
    pub why: SupersededWhy,
}

/// Why an accepted message will not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupersededWhy {
    /// `steer`: a newer message replaced it before the running turn could take it.
    Newer,
    /// The queue was full and it was the oldest.
    Overflow,
    /// `interrupt`: a newer message goes first, and it was said before that.
    Interrupted,
}

/// Why a turn cannot be taken. Nobody's fault; it may be tried again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The session's queue is full, and it is told to refuse new messages.
    QueueFull,
    /// [`Limits::lanes_max`] sessions are busy.
    LanesFull,
    /// [`Limits::turns_max`] turns or [`Limits::bytes_max`] bytes wait.
    Full,
}

/// A turn that the running turn takes up at a model boundary.
#[derive(Debug, PartialEq, Eq)]
pub struct Handed {
    /// What to add to the conversation.
    pub turn: Turn,
    /// `steer-backlog`: it also stays queued, and its row stays.
    pub stays_queued: bool,
}

/// What a session does after its turn has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Idle,
    /// It waits for its queue to be quiet; [`Scheduler::tick`] starts the turn.
    Wait {
        /// `mono_ms`.
        until_ms: u64,
    },
    /// It runs this now.
    Start(Box<Started>),
}

/// What an abort found.
#[derive(Debug, PartialEq, Eq)]
pub enum Aborted {
    /// No such run here.
    Nothing,
    /// It was waiting, and is gone.
    Waiting(Box<Turn>),
    /// It was running; the caller stops it. This comes next.
    Running(Next),
}

/// What to take out of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// Messages of people: stop words. Runs that somebody waits for stay.
    Messages,
    /// Everything: the session is reset or deleted.
    All,
}

/// Bounds of one [`Scheduler`]. What does not fit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions that run or wait.
    pub lanes_max: usize,
    /// Most turns waiting, over all sessions.
    pub turns_max: usize,
    /// Most bytes of turns waiting, over all sessions, as [`Turn::cost`] counts.
    pub bytes_max: usize,
}

impl Limits {
    /// Upper bound on the memory that waiting turns and their lanes can come to hold, in bytes.
    pub fn memory_bound(&self) -> u64 {
        // The lane and its places in two tables; 20 overflow lines of 160 characters of up to 4 bytes; 64 message ids.
        const LANE_BYTES: u64 = 1_024 + 20 * 160 * 4 + 64 * 128;
        let Limits { lanes_max, turns_max, bytes_max } = *self;
        let _ = turns_max; // each turn's own bytes are in `bytes_max`
        bytes_max as u64 + lanes_max as u64 * LANE_BYTES
    }
}

/// Every busy session of one shard.
#[derive(Debug)]
pub struct Scheduler {
    lanes: HashMap<SessionKey, Lane>,
    /// When a lane that waits goes on: the lane's own `wait_until`, sorted.
    deadlines: BTreeSet<(u64, SessionKey)>,
    limits: Limits,
    turns: usize,
    bytes: usize,
    next_seq: u64,
}

impl Scheduler {
    /// An empty one.
    pub fn new(limits: Limits) -> Scheduler {
        Scheduler {
            lanes: HashMap::new(),
            deadlines: BTreeSet::new(),
            limits,
            turns: 0,
            bytes: 0,
            next_seq: 1,
        }
    }

    /// Takes a turn for the session its key names. `policy` also holds for what already waits there.
    pub fn submit(&mut self, mut turn: Turn, policy: &QueuePolicy, now: Now) -> Admission {
        let key = turn.session_key.clone();
        let known = self.lanes.contains_key(&key);
        if !known && self.lanes.len() >= self.limits.lanes_max {
            return Admission::Refused { turn: Box::new(turn), why: Refusal::LanesFull };
        }
        if self.lanes.get(&key).is_some_and(|lane| lane.carries(&turn.message_id)) {
            return Admission::Duplicate;
        }
        // A turn that starts at once does not wait, so only those that would are held against the sum.
        let waits = known && self.lanes.get(&key).is_some_and(|lane| !lane.would_start(&turn, policy));
        if waits && (self.turns >= self.limits.turns_max || self.bytes + turn.cost() > self.limits.bytes_max)
        {
            return Admission::Refused { turn: Box::new(turn), why: Refusal::Full };
        }
        turn.seq = self.next_seq;
        self.next_seq += 1;
        self.with_lane(&key, |lane| lane.submit(turn, policy, now))
    }

    /// The running turn of `key` is about to call its model (again): what it should take up first.
    pub fn boundary(&mut self, key: &SessionKey, now: Now) -> Vec<Handed> {
        self.with_known(key, |lane| lane.boundary(now)).unwrap_or_default()
    }

    /// The running turn of `key` has ended, however it did.
    pub fn complete(&mut self, key: &SessionKey, now: Now) -> Next {
        self.with_known(key, |lane| lane.complete(now)).unwrap_or(Next::Idle)
    }

    /// Stops `run_id` of `key`, running or waiting.
    pub fn abort(&mut self, key: &SessionKey, run_id: &str, now: Now) -> Aborted {
        self.with_known(key, |lane| lane.abort(run_id, now)).unwrap_or(Aborted::Nothing)
    }

    /// Empties the queue of `key`; the running turn goes on. What was there comes back, oldest first.
    pub fn clear(&mut self, key: &SessionKey, what: Clear) -> Vec<Turn> {
        self.with_known(key, |lane| lane.clear(what)).unwrap_or_default()
    }

    /// When [`Scheduler::tick`] is next due, in `mono_ms`.
    pub fn deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The next turn whose waiting is over, with its session key. Call until `None`.
    pub fn tick(&mut self, now: Now) -> Option<(SessionKey, Started)> {
        while let Some((at, key)) = self.deadlines.first().cloned() {
            if at > now.mono_ms {
                return None;
            }
            if let Some(started) = self.with_known(&key, |lane| lane.tick(now)).flatten() {
                return Some((key, started));
            }
            // A lane that does not start although it is due has a later deadline or none by now.
            self.deadlines.remove(&(at, key));
        }
        None
    }

    /// Run id of the turn that runs for `key`.
    pub fn running(&self, key: &SessionKey) -> Option<&str> {
        self.lanes.get(key).and_then(Lane::running)
    }

    /// What waits for `key`, oldest first.
    pub fn pending(&self, key: &SessionKey) -> impl Iterator<Item = Pending<'_>> {
        self.lanes.get(key).into_iter().flat_map(Lane::pending)
    }

    /// How many turns wait for `key`.
    pub fn depth(&self, key: &SessionKey) -> usize {
        self.lanes.get(key).map_or(0, Lane::depth)
    }

    /// What the queue of `key` goes by; `None` when nothing runs or waits there.
    pub fn policy(&self, key: &SessionKey) -> Option<QueuePolicy> {
        self.lanes.get(key).map(Lane::policy)
    }

    /// The row to store for a turn that waits.
    pub fn record(&self, key: &SessionKey, run_id: &str) -> Option<TurnRecord<&Turn>> {
        let lane = self.lanes.get(key)?;
        let Pending { turn, mode } = lane.pending().find(|pending| pending.turn.run_id == run_id)?;
        let policy = QueuePolicy { mode, ..lane.policy() };
        Some(TurnRecord { state: TurnState::Queued, policy, turn, release: None })
    }

    /// The run of `key` goes on under another id, because a turn that waited was started.
    pub fn rename_running(&mut self, key: &SessionKey, run_id: &str) {
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.rename_running(run_id);
        }
    }

    /// Sessions that run or wait.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Turns that wait, over all sessions.
    pub fn turns(&self) -> usize {
        self.turns
    }

    /// Bytes of turns that wait, over all sessions.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes over what the store kept. What waited waits again, in order, and is due at once; bounds do not apply, as
    /// all of it was accepted. What ran comes back, oldest first: those runs were interrupted.
    pub fn restore(&mut self, mut records: Vec<TurnRecord>, now: Now) -> Vec<Turn> {
        records.sort_by_key(|record| record.turn.seq);
        let mut interrupted = Vec::new();
        for TurnRecord { state, policy, turn, .. } in records {
            self.next_seq = self.next_seq.max(turn.seq.saturating_add(1));
            match state {
                TurnState::Running => interrupted.push(turn),
                // Not ours: whoever holds it submits it when a person let it through.
                TurnState::Held => {}
                TurnState::Queued => {
                    let key = turn.session_key.clone();
                    self.with_lane(&key, |lane| lane.restore(turn, &policy, now));
                }
            }
        }
        interrupted
    }

    fn with_known<R>(&mut self, key: &SessionKey, change: impl FnOnce(&mut Lane) -> R) -> Option<R> {
        self.lanes.contains_key(key).then(|| self.with_lane(key, change))
    }

    /// Changes a lane and keeps the sums, the deadlines and the table in step with it.
    fn with_lane<R>(&mut self, key: &SessionKey, change: impl FnOnce(&mut Lane) -> R) -> R {
        let lane = self.lanes.entry(key.clone()).or_default();
        let (turns, bytes, wait) = (lane.depth(), lane.bytes(), lane.wait_until());
        let result = change(lane);
        self.turns = self.turns + lane.depth() - turns;
        self.bytes = self.bytes + lane.bytes() - bytes;
        let (new_wait, over) = (lane.wait_until(), lane.is_idle());
        if wait != new_wait {
            if let Some(at) = wait {
                self.deadlines.remove(&(at, key.clone()));
            }
            if let Some(at) = new_wait {
                self.deadlines.insert((at, key.clone()));
            }
        }
        if over {
            self.lanes.remove(key);
        }
        result
    }
}

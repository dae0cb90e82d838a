//! Accepting a message: what the scheduler says, made durable, then acknowledged.

use pincer_protocol::method::security::ReleasePayload;
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::idempotency::Family;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::queue::{QueuePolicy, QueueSettings};
use pincer_sessions::scheduler::{Aborted, Admission, Refusal, Started, Superseded};
use pincer_sessions::turn::{self, Turn, TurnRecord, TurnState};
use serde_json::Value;

use super::{AbortReason, Phase, RunEnd};
use crate::Shard;
use crate::caller::Held;
use crate::guard::approval_id;
use crate::run::end::well;
use crate::run::stream::final_without_run;
use crate::shard::Timer;

/// Who asked for a turn, and how it is acknowledged.
pub(crate) enum Asker {
    /// Answered with this once the turn is durable.
    Ack(Held, Value),
    /// `agent`: answered with this first, and with the result under the same id later.
    Agent(Held, Value),
    /// Acknowledged before it was held for a review, and let through now; with the caller of `agent`.
    Released(Option<Held>),
    /// It was in the quarantine and is noted as let through: who did is answered with this once the turn is taken.
    Quarantined(Held, Box<ReleasePayload>),
}

/// What goes on once a turn is durable.
enum Then {
    Begin(Box<Started>),
    Wait,
}

impl Shard {
    /// Takes a turn for a session that exists. Everything it causes is made durable in one list, and acknowledged after.
    pub(crate) fn submit(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        if self.draining.is_some() {
            return self.refuse(asker, &turn, ErrorShape::busy("the gateway is shutting down", 1_500));
        }
        if self.sessions.scheduler.turns() + self.sessions.scheduler.lanes() >= self.limits.turns_max as usize
        {
            self.counters.overflows += 1;
            return self.refuse(asker, &turn, ErrorShape::busy("too many runs wait", 1_000));
        }
        // It was there when the message came, but may have been deleted since.
        if let Err(error) = self.ensure_session(key) {
            return self.refuse(asker, &turn, error);
        }
        if self.must_wait(key, &turn) {
            return self.wait_for_verdict(key, turn, asker);
        }
        self.judge_first(key, turn, asker);
    }

    /// Takes a turn that may be taken.
    pub(crate) fn submit_judged(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        // One that was held may have lost its session meanwhile.
        if let Err(error) = self.ensure_session(key) {
            return self.refuse(asker, &turn, error);
        }
        if !self.wakes(key, &turn) {
            return self.overhear(key, turn, asker);
        }
        let policy = self.queue_policy(key, turn.wire);
        let (run_id, spelled) = (turn.run_id.clone(), turn.spelled_key.clone());
        let told = |turn: &Turn| (turn.run_id.clone(), turn.spelled_key.clone());
        // What gives way has been said and stays said, whether or not this message is taken in the end.
        let mut gone = Vec::new();
        let mut ops = Vec::new();
        let mut finals: Vec<(String, Option<String>)> = Vec::new();
        let mut stop = None;
        let give_way = |shard: &mut Shard, superseded: Vec<Superseded>, ops: &mut Vec<StoreOp>| {
            for Superseded { turn, .. } in superseded {
                ops.extend(shard.user_lines(key, &turn));
                ops.extend(shard.retire(key, &turn.run_id, well()));
                shard.run_ended(&turn.run_id, RunEnd::said(shard.now.wall_ms));
            }
        };
        let then = match self.sessions.scheduler.submit(turn, &policy, self.now) {
            Admission::Start(started) => Then::Begin(Box::new(started)),
            Admission::Queued { superseded } => {
                give_way(self, superseded, &mut gone);
                Then::Wait
            }
            Admission::Steered { superseded } | Admission::Merged { superseded, .. } => {
                give_way(self, superseded, &mut gone);
                Then::Wait
            }
            Admission::Interrupt { start, stop: running, superseded } => {
                give_way(self, superseded, &mut gone);
                stop = running;
                Then::Begin(Box::new(start))
            }
            Admission::Duplicate => return self.acknowledge_duplicate(asker, &run_id),
            Admission::Refused { turn, why } => {
                self.counters.overflows += 1;
                let error = match why {
                    Refusal::QueueFull => ErrorShape::busy("the session's queue is full", 1_000),
                    Refusal::LanesFull | Refusal::Full => ErrorShape::busy("too many runs wait", 1_000),
                };
                return self.refuse(asker, &turn, error);
            }
        };
        if let Some(running) = stop {
            gone.extend(self.stop_run(key, &running, AbortReason::Rpc));
        }
        if !gone.is_empty() {
            self.persist_surely(gone, |_, _| ());
        }
        self.runs.keys.insert(run_id.clone(), key.clone());
        let was_held = matches!(asker, Asker::Released(_) | Asker::Quarantined(..));
        match &then {
            Then::Begin(started) => ops.extend(self.begin_ops(key, started)),
            Then::Wait => {
                if let Some(record) = self.sessions.scheduler.record(key, &run_id) {
                    ops.push(put_turn(&record));
                    if record.turn.origin.queues_by_mode() {
                        finals.push(told(record.turn));
                    }
                } else {
                    // Merged or steered into one that waits: that one's record carries it, and a row of its own would
                    // bring it back a second time.
                    finals.push((run_id.clone(), spelled));
                    if was_held {
                        ops.push(StoreOp::Delete { table: Table::Turns, id: turn::row_id(key, &run_id) });
                    }
                }
                ops.extend(self.queue_ops(key));
            }
        }
        ops.extend(self.entry_op(key));
        self.arm_queue();

        let key = key.clone();
        if was_held {
            // It was accepted long ago.
            let approval = matches!(asker, Asker::Released(_)).then(|| approval_id(&key, &run_id));
            return self.persist_surely(ops, move |shard, _| {
                if let Some(approval) = approval {
                    shard.approval_taken(&approval);
                }
                shard.submitted(&key, &run_id, asker, then, finals);
            });
        }
        self.persist(ops, move |shard, result| match result {
            Ok(_) => shard.submitted(&key, &run_id, asker, then, finals),
            Err(error) => {
                let shape = ErrorShape {
                    retryable: Some(error.retryable),
                    ..ErrorShape::unavailable(format!("not accepted: {}", error.message))
                };
                shard.runs.keys.remove(&run_id);
                shard.forget_request(&run_id);
                shard.append_undone(&key);
                // Lists made since may have its row in them, as of everything that waits.
                let mut undo = vec![StoreOp::Delete { table: Table::Turns, id: turn::row_id(&key, &run_id) }];
                if matches!(then, Then::Begin(_)) {
                    // Stopped meanwhile, it had an outcome, but its words are nowhere: it may be asked again.
                    undo.extend(shard.retract(&run_id));
                }
                shard.persist_surely(undo, |_, _| ());
                let found = shard.sessions.scheduler.abort(&key, &run_id, shard.now);
                shard.answer_repeats(&run_id, Some(&shape));
                shard.fail_asker(asker, shape);
                match found {
                    Aborted::Running(next) => shard.go_on(&key, next),
                    Aborted::Waiting(_) | Aborted::Nothing => shard.arm_queue(),
                }
            }
        });
    }

    fn submitted(
        &mut self,
        key: &SessionKey,
        run_id: &str,
        asker: Asker,
        then: Then,
        finals: Vec<(String, Option<String>)>,
    ) {
        let caller = self.acknowledge(asker, run_id);
        for (run_id, spelled) in finals {
            let spelled = spelled.unwrap_or_else(|| key.as_str().to_owned());
            self.broadcast(final_without_run(&run_id, key, &spelled, None));
        }
        match then {
            Then::Begin(started) => self.begin(key, *started, caller),
            Then::Wait => {
                let Some(held) = caller else { return };
                // Meanwhile it may have begun, or have been taken out of the queue by a reset.
                let active = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut());
                match active.filter(|run| run.turn.run_id == run_id) {
                    Some(run) => run.caller = Some(held),
                    None if self.runs.keys.contains_key(run_id) => {
                        self.runs.callers.insert(run_id.to_owned(), held);
                    }
                    None => self.answer_aborted(held, run_id, AbortReason::Rpc),
                }
            }
        }
    }

    /// Answers who asked for a turn that is durable, and repeats; the caller of `agent` comes back, to be answered again.
    pub(crate) fn acknowledge(&mut self, asker: Asker, run_id: &str) -> Option<Held> {
        let caller = match asker {
            Asker::Ack(held, payload) => {
                self.answer(held, Ok(&payload));
                None
            }
            Asker::Agent(held, payload) => {
                self.answer_first(&held, &payload);
                Some(held)
            }
            Asker::Released(caller) => caller,
            Asker::Quarantined(held, payload) => {
                self.released(held, *payload);
                None
            }
        };
        self.answer_repeats(run_id, None);
        caller
    }

    /// How messages queue in a session.
    pub(crate) fn queue_policy(&self, key: &SessionKey, wire: Wire) -> QueuePolicy {
        let session =
            self.sessions.map.get(key).map(|session| QueueSettings::of_session(session.entry.tuning()));
        let channel = key.room().map(|room| room.channel);
        let configured = self.view.queue_settings(channel, wire);
        QueuePolicy::resolve(wire, &[&session.unwrap_or_default(), &configured])
    }

    /// Records of everything that waits in a session, where merging changed them.
    fn queue_ops(&self, key: &SessionKey) -> Vec<StoreOp> {
        let scheduler = &self.sessions.scheduler;
        let waiting: Vec<_> = scheduler.pending(key).map(|pending| pending.turn.run_id.clone()).collect();
        waiting
            .iter()
            .filter_map(|run_id| {
                let record = scheduler.record(key, run_id)?;
                Some(put_turn(&record))
            })
            .collect()
    }

    /// A request was not taken: it may be asked again.
    pub(crate) fn forget_request(&mut self, run_id: &str) {
        for family in [Family::Chat, Family::Agent] {
            self.sessions.idempotency.cancel(family, run_id);
        }
    }

    pub(crate) fn refuse(&mut self, asker: Asker, turn: &Turn, error: ErrorShape) {
        if let Asker::Quarantined(held, payload) = asker {
            return self.not_said(turn, held, &payload, &error);
        }
        if let Asker::Released(caller) = asker {
            return self.drop_held(
                &turn.session_key.clone(),
                turn.clone(),
                caller,
                error.message.into_owned(),
            );
        }
        self.forget_request(&turn.message_id);
        self.answer_repeats(&turn.run_id, Some(&error));
        self.fail_asker(asker, error);
    }

    fn fail_asker(&mut self, asker: Asker, error: ErrorShape) {
        match asker {
            Asker::Ack(held, _) | Asker::Agent(held, _) | Asker::Released(Some(held)) => {
                self.answer::<()>(held, Err(error));
            }
            Asker::Quarantined(held, payload) => self.release_failed(held, &payload, error),
            Asker::Released(None) => {}
        }
    }

    fn acknowledge_duplicate(&mut self, asker: Asker, run_id: &str) {
        let held = match asker {
            Asker::Ack(held, _) | Asker::Agent(held, _) | Asker::Released(Some(held)) => held,
            // It waits or runs already.
            Asker::Quarantined(held, payload) => {
                return self.released(held, ReleasePayload { before: true, ..*payload });
            }
            Asker::Released(None) => return,
        };
        let payload = serde_json::json!({"runId": run_id, "status": "in_flight"});
        self.answer(held, Ok(&payload));
    }

    /// Sets the timer for the scheduler's next deadline.
    pub(crate) fn arm_queue(&mut self) {
        let due = self.sessions.scheduler.deadline();
        if self.runs.queue_timer.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, timer)) = self.runs.queue_timer.take() {
            self.timers.cancel(timer);
        }
        self.runs.queue_timer = due.map(|at| (at, self.timers.set(at, Timer::Queue)));
    }

    /// A queue's debounce is over.
    pub(crate) fn queue_due(&mut self) {
        self.runs.queue_timer = None;
        while let Some((key, started)) = self.sessions.scheduler.tick(self.now) {
            self.start_waited(&key, started);
        }
        self.arm_queue();
    }

    /// Starts a turn that waited. Its sender was answered under the client's id, so the run gets one of its own, unless
    /// somebody waits for exactly this run.
    pub(crate) fn start_waited(&mut self, key: &SessionKey, mut started: Started) {
        let old = started.turn.run_id.clone();
        let mut ops = Vec::new();
        if started.waited && started.turn.origin.queues_by_mode() {
            started.turn.run_id = self.uuid();
            self.sessions.scheduler.rename_running(key, &started.turn.run_id);
            ops.extend(self.retire(key, &old, well()));
            self.run_ended(&old, RunEnd::said(self.now.wall_ms));
        }
        for merged in &started.merged {
            ops.extend(self.retire(key, &merged.run_id, well()));
            self.run_ended(&merged.run_id, RunEnd::said(self.now.wall_ms));
        }
        self.runs.keys.insert(started.turn.run_id.clone(), key.clone());
        ops.extend(self.begin_ops(key, &started));
        let caller = self.runs.callers.remove(&old);
        let key = key.clone();
        // It was accepted: it starts as soon as the store takes it.
        self.persist_surely(ops, move |shard, _| shard.begin(&key, started, caller));
    }

    /// Takes an active run out of its session.
    pub(crate) fn take_run(&mut self, key: &SessionKey) -> Option<Box<super::ActiveRun>> {
        let run = self.sessions.map.get_mut(key)?.run.take()?;
        match &run.phase {
            Phase::Calling(call) => {
                self.runs.calls.remove(call);
                self.effects.push_back(crate::driver::Effect::CancelCall(*call));
            }
            Phase::Loopback { timer: Some(timer), .. } => self.timers.cancel(*timer),
            Phase::Summarising => self.stop_summary(key),
            _ => {}
        }
        if let Some(deadline) = run.deadline {
            self.timers.cancel(deadline);
        }
        Some(run)
    }
}

/// The op that writes a turn's row.
pub(crate) fn put_turn(record: &TurnRecord<&Turn>) -> StoreOp {
    StoreOp::Put {
        table: Table::Turns,
        id: turn::row_id(&record.turn.session_key, &record.turn.run_id),
        // Our own types serialize without failing.
        json: serde_json::to_string(record).unwrap_or_default(),
    }
}

/// The row of a turn that runs.
pub(crate) fn running_row(turn: &Turn, policy: QueuePolicy) -> StoreOp {
    put_turn(&TurnRecord { state: TurnState::Running, policy, turn, release: None })
}

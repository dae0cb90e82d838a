//! A person lets through what was blocked: it is said in its session as it was said.
//!
//! ```text
//! home:  read what was kept ── one release of an entry at a time
//! owner: row of the turn, held ── durable ── release in the ledger ── durable ── the turn is taken, and answered
//! ```
//! Nothing runs before the ledger says who let it through, and nothing runs twice: an entry that the ledger calls released
//! is not taken again. After a crash the row is what is left to do.

use std::collections::HashMap;

use pincer_defender::ledger::EntryId;
use pincer_protocol::ErrorShape;
use pincer_protocol::method::security::ReleasePayload;
use pincer_sessions::idempotency::{Begin, Family};
use pincer_sessions::persist::{
    Outcome as Stored, Quarantined, ReadAnswer, StoreError, StoreOp, StoreRead, Table,
};
use pincer_sessions::turn::{self, Origin, Turn, TurnRecord, TurnRelease, TurnState};

use super::kept::{self, Unsayable};
use crate::Shard;
use crate::caller::Held;
use crate::driver::ShardId;
use crate::message::ShardMsg;
use crate::run::Asker;
use crate::run::submit::put_turn;
use crate::shard::Timer;

/// Most releases under way.
const RELEASING_MAX: usize = 64;
/// How long one keeps others of the same entry out, milliseconds; also when the word of its end got lost.
const RELEASING_MS: u64 = 60_000;

/// Between two tries to finish one that an earlier life of the process began, milliseconds.
const AGAIN_MS: u64 = 5_000;

/// Entries that are being released, and until when others of the same have to wait (`mono_ms`). Only at home.
#[derive(Default)]
pub(super) struct Releasing(HashMap<EntryId, u64>);

impl Releasing {
    /// Whether it may begin.
    fn begin(&mut self, id: &EntryId, now_ms: u64) -> bool {
        self.0.retain(|_, until| *until > now_ms);
        let free = self.0.len() < RELEASING_MAX && !self.0.contains_key(id);
        if free {
            self.0.insert(id.clone(), now_ms + RELEASING_MS);
        }
        free
    }
}

/// A release that its session's owner carries out.
pub(crate) struct Order {
    pub(crate) id: EntryId,
    pub(crate) by: String,
    pub(crate) turn: Turn,
    pub(crate) held: Held,
}

/// Name of the run that an entry's message becomes: the same however often somebody tries.
fn run_id(id: &EntryId) -> String {
    format!("release-{id}")
}

fn payload(id: &EntryId, before: bool) -> ReleasePayload {
    ReleasePayload { id: id.to_string(), released: true, before, delivered: false, run_id: None, note: None }
}

fn was_before(outcomes: &[Stored]) -> bool {
    matches!(outcomes.first(), Some(Stored::Released { before: true }))
}

fn refused(error: StoreError) -> ErrorShape {
    if error.retryable { ErrorShape::unavailable(error.message) } else { ErrorShape::invalid(error.message) }
}

impl Shard {
    /// Home: finds out what an entry was, and has it said again or, where it was no message, notes the release.
    pub(crate) fn release(&mut self, held: Held, id: EntryId, by: String) {
        if !self.guard.releasing.begin(&id, self.now.mono_ms) {
            let error = ErrorShape::busy("this entry, or too many others, are being released", 1_000);
            return self.answer::<()>(held, Err(error));
        }
        let read = StoreRead::Quarantined { id: id.to_string() };
        self.read(read, move |shard, answer| {
            let Quarantined { released, text, turn } = match answer {
                ReadAnswer::Quarantined(kept) => *kept,
                ReadAnswer::Failed(why) => return shard.release_ends(held, id.as_str(), Err(ErrorShape::invalid(why))),
                _ => {
                    let error = ErrorShape::unavailable("the quarantine gave no answer");
                    return shard.release_ends(held, id.as_str(), Err(error));
                }
            };
            if released {
                return shard.release_ends(held, id.as_str(), Ok(payload(&id, true)));
            }
            match kept::read(turn.as_deref(), text) {
                Ok(turn) => {
                    let owner = shard.owner(&turn.session_key);
                    shard.send(owner, ShardMsg::Release(Box::new(Order { id, by, turn, held })));
                }
                Err(Unsayable::NoTurn) => {
                    let note = "only noted: what is needed to say it again was not kept with it";
                    shard.note_release(held, id, by, Some(note));
                }
                Err(Unsayable::LeftOut(left)) => {
                    let error = ErrorShape::invalid(format!(
                        "nothing was released: the message came with {} attachments of {} bytes, and at most {} are \
                         kept with a message, so it cannot be said as it was; note the release alone, and ask its \
                         sender for it again",
                        left.attachments, left.bytes, left.allowed
                    ))
                    .with_details(serde_json::json!({"reason": "attachments-not-kept"}));
                    shard.release_ends(held, id.as_str(), Err(error));
                }
            }
        });
    }

    /// Notes in the ledger that a person lets an entry through. Nothing is said by it.
    pub(crate) fn note_release(&mut self, held: Held, id: EntryId, by: String, why: Option<&'static str>) {
        let op = StoreOp::Release { at_ms: self.now.wall_ms, id: id.to_string(), by: by.clone() };
        self.persist(vec![op], move |shard, result| {
            let result = result.map_err(refused).map(|outcomes| {
                let before = was_before(&outcomes);
                if !before {
                    shard.info("defender", format!("{id} is noted as let through by {by}"));
                }
                ReleasePayload { note: why.map(str::to_owned), ..payload(&id, before) }
            });
            shard.release_ends(held, id.as_str(), result);
        });
    }

    /// The session's owner: has it said, once it is durable and noted who let it through.
    pub(crate) fn release_turn(&mut self, order: Order) {
        let Order { id, by, turn, held } = order;
        let full = self.sessions.scheduler.turns() + self.sessions.scheduler.lanes()
            >= self.limits.turns_max as usize;
        let busy = if self.draining.is_some() {
            Some("the gateway is shutting down")
        } else {
            full.then_some("too many runs wait")
        };
        if let Some(why) = busy {
            return self.release_ends(held, id.as_str(), Err(ErrorShape::busy(why, 1_500)));
        }
        let key = turn.session_key.clone();
        if let Err(error) = self.ensure_session(&key) {
            return self.release_ends(held, id.as_str(), Err(error));
        }
        let run_id = run_id(&id);
        let turn = Turn {
            seq: 0,
            message_id: run_id.clone(),
            run_id,
            accepted_at_ms: self.now.wall_ms,
            merged_ids: Vec::new(),
            released: true,
            ..turn
        };
        let family = if turn.origin == Origin::Agent { Family::Agent } else { Family::Chat };
        match self.sessions.idempotency.begin(family, &turn.message_id, turn.fingerprint, self.now) {
            Begin::Fresh => {}
            Begin::InFlight { .. } => {
                let error = ErrorShape::busy("this entry is being released", 1_000);
                return self.release_ends(held, id.as_str(), Err(error));
            }
            // The ledger calls it not released, so some client's message had that name.
            Begin::Done { .. } => {
                let name = &turn.run_id;
                let error = ErrorShape::invalid(format!(
                    "a message named {name} was there before; note the release alone"
                ));
                return self.release_ends(held, id.as_str(), Err(error));
            }
            Begin::Full => {
                let error = ErrorShape::busy("too many requests are in flight", 1_000);
                return self.release_ends(held, id.as_str(), Err(error));
            }
        }
        let policy = self.queue_policy(&key, turn.wire);
        let release = TurnRelease { entry: id.to_string(), by: by.clone() };
        let record = TurnRecord { state: TurnState::Held, policy, turn: &turn, release: Some(release) };
        let mut ops = vec![put_turn(&record)];
        ops.extend(self.entry_op(&key));
        self.runs.keys.insert(turn.run_id.clone(), key);
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.unrelease(&turn);
                return shard.release_ends(held, id.as_str(), Err(refused(error)));
            }
            let op = StoreOp::Release { at_ms: shard.now.wall_ms, id: id.to_string(), by: by.clone() };
            shard.persist(vec![op], move |shard, result| match result {
                Err(error) => {
                    shard.unrelease(&turn);
                    shard.release_ends(held, id.as_str(), Err(refused(error)));
                }
                Ok(outcomes) if was_before(&outcomes) => {
                    shard.unrelease(&turn);
                    shard.release_ends(held, id.as_str(), Ok(payload(&id, true)));
                }
                Ok(_) => {
                    shard.info("defender", format!("{id} was let through by {by}, and is said"));
                    let key = turn.session_key.clone();
                    let payload = ReleasePayload {
                        delivered: true,
                        run_id: Some(turn.run_id.clone()),
                        ..payload(&id, false)
                    };
                    shard.submit_judged(&key, turn, Asker::Quarantined(held, Box::new(payload)));
                }
            });
        });
    }

    /// A message that was to be said again is not.
    fn unrelease(&mut self, turn: &Turn) {
        self.runs.keys.remove(&turn.run_id);
        self.forget_request(&turn.message_id);
        let row = turn::row_id(&turn.session_key, &turn.run_id);
        self.persist_surely(vec![StoreOp::Delete { table: Table::Turns, id: row }], |_, _| ());
    }

    /// A message whose release is noted was not taken.
    pub(crate) fn not_said(&mut self, turn: &Turn, held: Held, payload: &ReleasePayload, why: &ErrorShape) {
        self.unrelease(turn);
        self.release_failed(held, payload, why.clone());
    }

    /// Whoever let it through is told that it was not taken, and where its text is.
    pub(crate) fn release_failed(&mut self, held: Held, payload: &ReleasePayload, why: ErrorShape) {
        let message = format!(
            "{} is noted as let through, but was not taken: {}; its text is still in the quarantine",
            payload.id, why.message
        );
        self.release_ends(held, &payload.id, Err(ErrorShape { message: message.into(), ..why }));
    }

    /// It is durable and waits or runs.
    pub(crate) fn released(&mut self, held: Held, payload: ReleasePayload) {
        let id = payload.id.clone();
        self.release_ends(held, &id, Ok(payload));
    }

    /// Answers a release, and lets the next one of the same entry begin.
    pub(crate) fn release_ends(&mut self, held: Held, id: &str, result: Result<ReleasePayload, ErrorShape>) {
        match result {
            Ok(payload) => self.answer(held, Ok(&payload)),
            Err(error) => self.answer::<()>(held, Err(error)),
        }
        // Always one: it was read as such.
        let Some(id) = EntryId::new(id) else { return };
        match self.is_home() {
            true => self.release_ended(&id),
            false => self.send(ShardId::HOME, ShardMsg::ReleaseEnded(id)),
        }
    }

    /// Home: a release has ended.
    pub(crate) fn release_ended(&mut self, id: &EntryId) {
        self.guard.releasing.0.remove(id);
    }

    /// A release that an earlier life of the process began: its row was durable, so it is noted, unless it was, and said.
    pub(crate) fn release_again(&mut self, turn: Turn, release: TurnRelease) {
        let TurnRelease { entry, by } = release;
        let op = StoreOp::Release { at_ms: self.now.wall_ms, id: entry.clone(), by: by.clone() };
        self.persist(vec![op], move |shard, result| match result {
            Ok(_) => {
                let key = turn.session_key.clone();
                shard.submit_judged(&key, turn, Asker::Released(None));
            }
            Err(error) => {
                shard.warn("defender", format!("{entry} is not let through yet: {}", error.message));
                if error.retryable {
                    let release = TurnRelease { entry, by };
                    let at = shard.now.mono_ms + AGAIN_MS;
                    shard.timers.set(at, Timer::Release(Box::new((turn, release))));
                } else {
                    shard.unrelease(&turn);
                }
            }
        });
    }
}

//! What a person has to look at: accepted, durable, and not run before they said yes. Silence means no.

use pincer_defender::Judgement;
use pincer_protocol::ErrorShape;
use pincer_sessions::idempotency::Outcome as Ended;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreOp;
use pincer_sessions::turn::{self, Turn, TurnRecord, TurnState};
use sha2::{Digest, Sha256};

use super::record::Words;
use super::{HELD_MAX, HeldTurn, REVIEW_MS};
use crate::Shard;
use crate::approval::{Ask, Holder};
use crate::caller::Held;
use crate::run::stream::error_without_run;
use crate::run::submit::put_turn;
use crate::run::{AbortReason, Asker, RunEnd};

/// Name of the approval for a turn: the same after every restart, so that the two rows find each other.
pub(crate) fn approval_id(key: &SessionKey, run_id: &str) -> String {
    let digest = Sha256::digest(turn::row_id(key, run_id));
    format!("defender-{}", hex::encode(digest.get(..12).unwrap_or_default()))
}

/// What a person is shown.
fn ask(id: &str, key: &SessionKey, turn: &Turn, why: &str) -> Ask {
    Ask {
        id: id.into(),
        command: format!("message to the agent: {}", turn.text),
        warning: Some(format!(
            "The defender wants a person to look at this message before the agent reads it ({why})."
        )),
        session_key: Some(key.as_str().into()),
        agent_id: key.agent_id().map(Into::into),
        host: Some("gateway".into()),
        security: None,
        // What is let through is this message and no other.
        ask: Some("always".into()),
        timeout_ms: REVIEW_MS,
        holder: Holder { session_key: key.clone(), run_id: turn.run_id.as_str().into() },
    }
}

impl Shard {
    /// Accepts a message and holds it until its approval is decided.
    pub(crate) fn hold(&mut self, key: &SessionKey, turn: Turn, asker: Asker, judgement: Judgement) {
        self.counters.judged_held += 1;
        if self.guard.held.len() >= HELD_MAX {
            self.counters.overflows += 1;
            return self.refuse(
                asker,
                &turn,
                ErrorShape::busy("too many messages wait for a review", 60_000),
            );
        }
        let policy = self.queue_policy(key, turn.wire);
        let mut ops =
            vec![put_turn(&TurnRecord { state: TurnState::Held, policy, turn: &turn, release: None })];
        ops.extend(self.entry_op(key));
        self.runs.keys.insert(turn.run_id.clone(), key.clone());
        let (key, id) = (key.clone(), approval_id(key, &turn.run_id));
        // First: what is durable is so in this order, and who lets a message through is noted beside its entry.
        self.record_decision(&id, Words::of(&key, &turn), &judgement);
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.runs.keys.remove(&turn.run_id);
                let shape = ErrorShape {
                    retryable: Some(error.retryable),
                    ..ErrorShape::unavailable(format!("not accepted: {}", error.message))
                };
                return shard.refuse(asker, &turn, shape);
            }
            let caller = shard.acknowledge(asker, &turn.run_id);
            shard.tell_decision(&id, Words::of(&key, &turn), &judgement);
            let ask = ask(&id, &key, &turn, &judgement.explain());
            shard.guard.held.insert(id.into(), HeldTurn { turn, caller });
            shard.open_approval(ask);
        });
    }

    /// A held message that an earlier life of the process accepted.
    pub(crate) fn hold_again(&mut self, turn: Turn) {
        let id = approval_id(&turn.session_key, &turn.run_id);
        let ask = ask(&id, &turn.session_key, &turn, "asked before a restart");
        self.guard.held.insert(id.into(), HeldTurn { turn, caller: None });
        // Known already, unless the process died before home had its row.
        self.open_approval(ask);
    }

    /// A person decided about a held message, or time did.
    pub(crate) fn review_over(&mut self, id: &str, run_id: &str, allowed: bool, by: &str) {
        if !allowed {
            return self.drop_reviewed(id, run_id, by);
        }
        if !self.guard.held.contains_key(id) {
            return self.review_of_none(id, run_id);
        }
        // The ledger says who let it through, before it is said. It is held until then: it may still be stopped.
        let op = StoreOp::Release { at_ms: self.now.wall_ms, id: id.to_owned(), by: by.to_owned() };
        let (id, run_id, by) = (id.to_owned(), run_id.to_owned(), by.to_owned());
        self.persist(vec![op], move |shard, noted| {
            if let Err(error) = noted {
                // The approval is kept with its decision: that it was made is not lost.
                let why = error.message;
                shard.warn("defender", format!("the ledger does not say that {by} let {id} through: {why}"));
            }
            let Some(HeldTurn { mut turn, caller }) = shard.guard.held.remove(id.as_str()) else {
                return shard.review_of_none(&id, &run_id);
            };
            let key = turn.session_key.clone();
            turn.released = true;
            shard.info("defender", format!("{id} was let through by {by}"));
            shard.submit_judged(&key, turn, Asker::Released(caller));
        });
    }

    /// Stopped meanwhile, or told twice; while its end is being written that says so when it is done.
    fn review_of_none(&mut self, id: &str, run_id: &str) {
        if !self.runs.keys.contains_key(run_id) {
            self.approval_taken(id);
        }
    }

    /// A held message was refused.
    fn drop_reviewed(&mut self, id: &str, run_id: &str, by: &str) {
        let Some(HeldTurn { turn, caller }) = self.guard.held.remove(id) else {
            return self.review_of_none(id, run_id);
        };
        let key = turn.session_key.clone();
        self.info("defender", format!("{id} was not let through: {by}"));
        self.drop_held(
            &key,
            turn,
            caller,
            "The message was not let through after a review, and was not sent.".to_owned(),
        );
    }

    /// A held message will not run: its row goes, its outcome is kept, and whoever waits for it is told.
    pub(crate) fn drop_held(&mut self, key: &SessionKey, turn: Turn, caller: Option<Held>, why: String) {
        let mut ops = self.retire(key, &turn.run_id, Ended::Error { summary: why.clone() });
        ops.extend(self.entry_op(key));
        let key = key.clone();
        self.persist_surely(ops, move |shard, _| {
            shard.run_ended(&turn.run_id, RunEnd::failed(why.clone(), shard.now.wall_ms));
            let spelled = turn.spelled_key.as_deref().unwrap_or(key.as_str());
            shard.broadcast(error_without_run(&turn.run_id, &key, spelled, &why));
            if let Some(held) = caller {
                let payload = serde_json::json!({"runId": turn.run_id, "status": "error", "summary": why});
                shard.answer_failure(held, &payload, &ErrorShape::unavailable(why));
            }
            shard.approval_taken(&approval_id(&key, &turn.run_id));
        });
    }

    /// Stops what waits for a review: one message, or all of a session. Returns the run ids.
    pub(crate) fn stop_held(
        &mut self,
        key: &SessionKey,
        run_id: Option<&str>,
        reason: AbortReason,
    ) -> Vec<String> {
        let mine = |held: &HeldTurn| {
            held.turn.session_key == *key && run_id.is_none_or(|run_id| held.turn.run_id == run_id)
        };
        let ids: Vec<Box<str>> =
            self.guard.held.iter().filter(|(_, held)| mine(held)).map(|(id, _)| id.clone()).collect();
        let mut stopped = Vec::new();
        for id in ids {
            let Some(HeldTurn { turn, caller }) = self.guard.held.remove(&id) else { continue };
            stopped.push(turn.run_id.clone());
            if let Some(held) = caller {
                self.answer_aborted(held, &turn.run_id, reason);
            }
            self.drop_held(
                key,
                turn,
                None,
                "The message was stopped while it waited for a review.".to_owned(),
            );
        }
        stopped
    }
}

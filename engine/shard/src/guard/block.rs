//! What is blocked: kept, refused, told.

use pincer_defender::Judgement;
use pincer_defender::policy::Verdict;
use pincer_protocol::ErrorShape;
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::Turn;
use serde_json::json;

use super::judge::BlockedCall;
use super::kept;
use super::record::Words;
use crate::Shard;
use crate::caller::Held;
use crate::run::Asker;

impl Shard {
    /// Refuses a message that is blocked. Its text goes into the quarantine first; when that fails it stays blocked, and
    /// the answer says that nothing was kept.
    pub(crate) fn block(&mut self, key: &SessionKey, mut turn: Turn, asker: Asker, judgement: Judgement) {
        self.counters.judged_blocked += 1;
        let id = self.uuid();
        let kept = kept::keep(&mut turn, self.view.defender.policy().quarantine.max_bytes.get());
        let op = self.keep_op(&id, Words::of(key, &turn), &judgement, Some(kept));
        let (ops, key) = (op.into_iter().collect(), key.clone());
        self.persist(ops, move |shard, kept| {
            let kept = match kept {
                Ok(_) => Some(id.as_str()),
                Err(error) => {
                    shard.warn("defender", format!("decision {id}: {}", error.message));
                    None
                }
            };
            shard.tell_decision(&id, Words::of(&key, &turn), &judgement);
            let error = refusal(&judgement, kept);
            shard.refuse(asker, &turn, error);
        });
    }
}

impl Shard {
    /// Refuses words that are no message to the agent: nobody can be asked about those, so what is under review is
    /// refused too. The asker comes back when they may pass.
    pub(crate) fn pass_words(&mut self, held: Held, words: Words<'_>) -> Option<Held> {
        let judgement = self.judge_words(words);
        if judgement.decision.effect() == Verdict::Allow {
            if judgement.decision.would_have().is_some() {
                self.counters.judged_audited += 1;
                let id = self.uuid();
                self.record_decision(&id, words, &judgement);
                self.tell_decision(&id, words, &judgement);
            }
            return Some(held);
        }
        self.counters.judged_blocked += 1;
        let id = self.uuid();
        self.tell_decision(&id, words, &judgement);
        let ops = self.keep_op(&id, words, &judgement, None).into_iter().collect();
        self.persist(ops, move |shard, kept| {
            let error = refusal(&judgement, kept.is_ok().then_some(id.as_str()));
            shard.answer::<()>(held, Err(error));
        });
        None
    }
}

impl Shard {
    /// Keeps and tells of the words for which a model may not be called, then hands `then` the reason. Nobody is asked
    /// about those: they were accepted once, and stand in the conversation. Words of a run are `withheld` from later calls,
    /// or the session would be blocked for good.
    pub(crate) fn call_blocked(
        &mut self,
        key: &SessionKey,
        blocked: Box<BlockedCall>,
        withheld: bool,
        then: impl FnOnce(&mut Shard, String) + Send + 'static,
    ) {
        self.counters.judged_blocked += 1;
        let (id, key, run_id) = (self.uuid(), key.clone(), self.active_run_id(key));
        let words = words_of(&blocked, &key, run_id.as_deref());
        let ops = self.keep_op(&id, words, &blocked.judgement, None).into_iter().collect();
        self.persist(ops, move |shard, kept| {
            let BlockedCall { judgement, .. } = &*blocked;
            shard.tell_decision(&id, words_of(&blocked, &key, run_id.as_deref()), judgement);
            let after = match kept {
                Ok(_) => format!(", kept as {id}"),
                Err(error) => {
                    shard.warn("defender", format!("decision {id}: {}", error.message));
                    String::new()
                }
            };
            let why = format!("blocked by the gateway's defender ({}){after}", judgement.explain());
            // The run may have been stopped meanwhile, its session reset: whoever speaks next is judged with those words.
            let withheld = withheld && shard.active_run_id(&key) == run_id;
            let Some(op) = withheld.then(|| shard.withhold(&key, &id)).flatten() else {
                return then(shard, why);
            };
            shard.persist(vec![op], move |shard, written| {
                if let Err(error) = written {
                    shard.append_undone(&key);
                    shard.warn("defender", format!("decision {id}: {}", error.message));
                }
                then(shard, why);
            });
        });
    }
}

fn words_of<'a>(blocked: &'a BlockedCall, key: &'a SessionKey, run_id: Option<&'a str>) -> Words<'a> {
    Words {
        key,
        text: &blocked.text,
        from: blocked.from,
        channel: blocked.channel.as_deref(),
        sender: None,
        run_id,
    }
}

/// What the sender reads. `kept`: the quarantine's entry.
pub(super) fn refusal(judgement: &Judgement, kept: Option<&str>) -> ErrorShape {
    let why = judgement.explain();
    let after = match kept {
        Some(id) => format!("It is kept as {id}: `pincer defender quarantine show {id}` tells more."),
        None => "It could not be kept; the gateway's log says why.".to_owned(),
    };
    ErrorShape::invalid(format!(
        "Message blocked by the gateway's defender ({why}). Nothing was sent. {after}"
    ))
    .with_details(json!({
        "reason": "defender-blocked",
        "action": "block",
        "risk": (judgement.decision.risk * 10.0).round() / 10.0,
        "rules": judgement.rules().collect::<Vec<_>>(),
        "quarantineId": kept,
    }))
}

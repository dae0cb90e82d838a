//! What is blocked: kept, refused, told.

use pincer_defender::Judgement;
use pincer_protocol::ErrorShape;
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::Turn;
use serde_json::json;

use crate::Shard;
use crate::run::Asker;

impl Shard {
    /// Refuses a message that is blocked. Its text goes into the quarantine first; when that fails it stays blocked, and
    /// the answer says that nothing was kept.
    pub(crate) fn block(&mut self, key: &SessionKey, turn: Turn, asker: Asker, judgement: Judgement) {
        self.counters.judged_blocked += 1;
        let id = self.uuid();
        let (ops, key) = (self.keep_op(&id, key, &turn, &judgement).into_iter().collect(), key.clone());
        self.persist(ops, move |shard, kept| {
            let kept = match kept {
                Ok(_) => Some(id.as_str()),
                Err(error) => {
                    shard.warn("defender", format!("decision {id}: {}", error.message));
                    None
                }
            };
            shard.tell_decision(&id, &key, &turn, &judgement);
            let error = refusal(&judgement, kept);
            shard.refuse(asker, &turn, error);
        });
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

//! What is kept and told of a decision.

use pincer_defender::Judgement;
use pincer_defender::ledger::{ActionKind, Entry, EntryId, preview};
use pincer_defender::policy::Verdict;
use pincer_protocol::Scope;
use pincer_protocol::event::EncodedEvent;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreOp;
use pincer_sessions::turn::Turn;
use serde_json::json;

use super::judge::provenance;
use crate::Shard;
use crate::fanout::{Audience, Broadcast};

/// Who hears of decisions.
const HEARS: &[Scope] = &[Scope::Approvals, Scope::Admin];

impl Shard {
    /// The op that records a decision; with the text of what it stops.
    pub(super) fn keep_op(
        &self,
        id: &str,
        key: &SessionKey,
        turn: &Turn,
        judgement: &Judgement,
    ) -> Option<StoreOp> {
        let decision = &judgement.decision;
        let stops = decision.effect() > Verdict::Allow;
        let entry = Entry {
            id: EntryId::new(id)?,
            kind: ActionKind::Prompt,
            provenance: provenance(key, turn),
            decision: decision.verdict,
            enforced: decision.enforced,
            risk: decision.risk,
            reasons: decision.reasons.iter().map(ToString::to_string).collect(),
            rules: judgement.rules().map(str::to_owned).collect(),
            session: key.as_str().to_owned(),
            agent: key.store_agent(&self.view.default_agent).as_str().to_owned(),
            channel: turn.route.as_ref().map(|route| route.channel.clone()),
            sender: turn.sender.as_ref().map(|sender| sender.id.clone()),
            preview: preview(&turn.text),
        };
        Some(StoreOp::Keep {
            at_ms: self.now.wall_ms,
            // Our own types serialize without failing.
            entry: serde_json::to_string(&entry).unwrap_or_default(),
            text: stops.then(|| turn.text.clone()),
        })
    }

    /// Records a decision that stops nothing. Nobody waits for it: what cannot be recorded is counted as a store error.
    pub(super) fn record_decision(&mut self, id: &str, key: &SessionKey, turn: &Turn, judgement: &Judgement) {
        if let Some(op) = self.keep_op(id, key, turn, judgement) {
            self.persist(vec![op], |_, _| ());
        }
    }

    /// Tells operators who may decide what was decided: `security.decision`, our own event on both wires.
    pub(super) fn tell_decision(&mut self, id: &str, key: &SessionKey, turn: &Turn, judgement: &Judgement) {
        let decision = &judgement.decision;
        let rules: Vec<_> = judgement.rules().collect();
        let reasons: Vec<_> = decision.reasons.iter().map(ToString::to_string).collect();
        let payload = json!({
            "id": id,
            "ts": self.now.wall_ms,
            "kind": "prompt",
            "action": decision.verdict.as_str(),
            "enforced": decision.enforced,
            "risk": (decision.risk * 10.0).round() / 10.0,
            "reasons": reasons,
            "rules": rules,
            "sessionKey": key.as_str(),
            "agentId": key.store_agent(&self.view.default_agent).as_str(),
            "runId": turn.run_id,
            "channel": turn.route.as_ref().map(|route| route.channel.as_str()),
            "sender": turn.sender.as_ref().map(|sender| sender.id.as_str()),
            "preview": preview(&turn.text),
        });
        let event = EncodedEvent::new("security.decision", &payload, None);
        self.broadcast(Broadcast::both(event, Audience::Operators(HEARS)));
        let line = format!(
            "{} {}: risk {:.1}, rules {}, session {}, decision {id}",
            if decision.enforced { "decided" } else { "would have decided" },
            decision.verdict,
            decision.risk,
            if rules.is_empty() { "none".to_owned() } else { rules.join(" ") },
            key.as_str(),
        );
        self.warn("defender", line);
    }
}

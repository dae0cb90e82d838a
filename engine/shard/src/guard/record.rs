//! What is kept and told of a decision.

use pincer_defender::ledger::{ActionKind, Entry, EntryId, preview};
use pincer_defender::policy::Verdict;
use pincer_defender::{Judgement, Provenance};
use pincer_protocol::Scope;
use pincer_protocol::event::EncodedEvent;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreOp;
use pincer_sessions::turn::Turn;
use serde_json::json;

use super::judge::{channel, provenance};
use crate::Shard;
use crate::fanout::{Audience, Broadcast};

/// Words that were judged, and whose they are.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) key: &'a SessionKey,
    pub(crate) text: &'a str,
    pub(crate) from: Provenance,
    pub(crate) channel: Option<&'a str>,
    pub(crate) sender: Option<&'a str>,
    /// The run they were to become.
    pub(crate) run_id: Option<&'a str>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(key: &'a SessionKey, turn: &'a Turn) -> Words<'a> {
        Words {
            key,
            text: &turn.text,
            from: provenance(key, turn),
            channel: channel(key, turn),
            sender: turn.sender.as_ref().map(|sender| sender.id.as_str()),
            run_id: Some(&turn.run_id),
        }
    }
}

/// Who hears of decisions.
pub(super) const HEARS: &[Scope] = &[Scope::Approvals, Scope::Admin];

impl Shard {
    /// The op that records a decision; with the text of what it stops, and what is needed to say that again.
    pub(super) fn keep_op(
        &self,
        id: &str,
        words: Words<'_>,
        judgement: &Judgement,
        turn: Option<String>,
    ) -> Option<StoreOp> {
        let decision = &judgement.decision;
        let stops = decision.effect() > Verdict::Allow;
        let entry = Entry {
            id: EntryId::new(id)?,
            kind: ActionKind::Prompt,
            provenance: words.from,
            decision: decision.verdict,
            enforced: decision.enforced,
            risk: decision.risk,
            reasons: decision.reasons.iter().map(ToString::to_string).collect(),
            rules: judgement.rules().map(str::to_owned).collect(),
            session: words.key.as_str().to_owned(),
            agent: words.key.store_agent(&self.view.default_agent).as_str().to_owned(),
            channel: words.channel.map(str::to_owned),
            sender: words.sender.map(str::to_owned),
            preview: preview(words.text),
        };
        Some(StoreOp::Keep {
            at_ms: self.now.wall_ms,
            // Our own types serialize without failing.
            entry: serde_json::to_string(&entry).unwrap_or_default(),
            text: stops.then(|| words.text.to_owned()),
            turn: turn.filter(|_| stops),
        })
    }

    /// Records a decision that stops nothing. Nobody waits for it: what cannot be recorded is counted as a store error.
    pub(super) fn record_decision(&mut self, id: &str, words: Words<'_>, judgement: &Judgement) {
        if let Some(op) = self.keep_op(id, words, judgement, None) {
            self.persist(vec![op], |_, _| ());
        }
    }

    /// Tells operators who may decide what was decided: `security.decision`, our own event on both wires.
    pub(super) fn tell_decision(&mut self, id: &str, words: Words<'_>, judgement: &Judgement) {
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
            "sessionKey": words.key.as_str(),
            "agentId": words.key.store_agent(&self.view.default_agent).as_str(),
            "runId": words.run_id,
            "channel": words.channel,
            "sender": words.sender,
            "preview": preview(words.text),
        });
        let event = EncodedEvent::new("security.decision", &payload, None);
        self.broadcast(Broadcast::both(event, Audience::Operators(HEARS)));
        let line = format!(
            "{} {}: risk {:.1}, rules {}, session {}, decision {id}",
            if decision.enforced { "decided" } else { "would have decided" },
            decision.verdict,
            decision.risk,
            if rules.is_empty() { "none".to_owned() } else { rules.join(" ") },
            words.key.as_str(),
        );
        self.warn("defender", line);
    }
}

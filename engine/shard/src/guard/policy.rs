//! A policy that changed while we run: home puts it into the view, and the view goes to every shard.

use std::sync::Arc;

use pincer_defender::{Defender, Reading};
use pincer_protocol::event::EncodedEvent;
use serde_json::{Value, json};

use super::record::HEARS;
use crate::Shard;
use crate::driver::PolicyChange;
use crate::fanout::{Audience, Broadcast};
use crate::home::view::View;

impl Shard {
    /// Home judges by another policy from now on, and so does every shard as soon as it has the view. Operators who may
    /// decide are told: `security.policy`, our own event on both wires.
    pub(crate) fn policy_changed(&mut self, change: PolicyChange) {
        if !self.is_home() {
            return;
        }
        let PolicyChange { defender, weaker } = change;
        let before = Arc::clone(&self.view.defender);
        self.info("defender", format!("policy changed: {} to {}", named(&before), named(&defender)));
        if !weaker.is_empty() {
            self.warn("defender", format!("the new policy protects less: {}", weaker.join("; ")));
        }
        let payload = json!({
            "ts": self.now.wall_ms,
            "from": described(&before),
            "to": described(&defender),
            "weaker": !weaker.is_empty(),
            "changes": weaker,
        });
        self.set_view(View { defender, ..View::clone(&self.view) });
        let event = EncodedEvent::new("security.policy", &payload, None);
        self.broadcast(Broadcast::both(event, Audience::Operators(HEARS)));
    }

    /// What was judged by `before`, and has not happened yet, is judged anew where the view has another policy: long
    /// texts are read from their beginning, and none counts as passed. Their time goes on.
    pub(crate) fn judge_anew(&mut self, before: &Arc<Defender>) {
        if Arc::ptr_eq(before, &self.view.defender) {
            return;
        }
        self.guard.passed.clear();
        for long in &mut self.guard.reading {
            long.reading = Reading::default();
        }
    }
}

/// For the log.
fn named(defender: &Defender) -> String {
    let (policy, source) = (defender.policy(), defender.source());
    format!("version {} ({source}), mode {}", policy.version.get(), policy.mode.as_str())
}

/// For clients.
fn described(defender: &Defender) -> Value {
    let policy = defender.policy();
    json!({
        "version": policy.version.get(),
        "mode": policy.mode.as_str(),
        "source": defender.source().to_string(),
    })
}

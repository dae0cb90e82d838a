//! People are asked, by clients and by shards.

use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::Table;
use pincer_shard::approval::{Ask, Holder};
use serde_json::json;

use super::World;
use super::judged::approval_of;
use crate::client::Asked;

impl World {
    /// A client asks. Some ask although nobody is there to be asked.
    pub(super) fn request_approval(&mut self, at: usize) {
        let id = format!("approval-{}", self.requested);
        self.requested += 1;
        let params = json!({
            "id": id, "command": "make", "timeoutMs": 1 + self.dice.below(2_000),
            "requireDeliveryRoute": self.dice.chance(20),
        });
        self.request(at, Asked::Other("exec.approval.request"), "exec.approval.request", params);
    }

    /// A client decides what was asked last, or waits for that.
    pub(super) fn decide_approval(&mut self, at: usize) {
        let client = format!("approval-{}", self.requested.saturating_sub(1));
        let shard = self.opened.keys().next_back().cloned();
        let reviewed: Vec<String> = self.sent.iter().filter(|sent| sent.review).map(approval_of).collect();
        let held = reviewed.get(self.dice.below(reviewed.len().max(1))).cloned();
        let id = shard.filter(|_| self.dice.chance(50)).unwrap_or(client);
        // Those may wait for a day, and so would who waits for them.
        let held = held.filter(|_| self.dice.chance(60));
        let resolves = held.is_some() || self.dice.chance(70);
        let id = held.unwrap_or(id);
        let decision = if self.dice.chance(50) { "allow-once" } else { "deny" };
        let (method, params) = if resolves {
            ("exec.approval.resolve", json!({"id": id, "decision": decision}))
        } else {
            ("exec.approval.waitDecision", json!({"id": id}))
        };
        self.request(at, Asked::Other(method), method, params);
    }

    /// A client lets through what was blocked; some only note it, and some do both, or twice at once.
    pub(super) fn let_through(&mut self, at: usize) {
        let ids: Vec<String> = self.disk.quarantine.keys().cloned().collect();
        let Some(id) = ids.get(self.dice.below(ids.len().max(1))).cloned() else { return };
        for _ in 0..1 + self.dice.below(2) {
            let note_only = self.dice.chance(20);
            if !note_only {
                let kept = &self.disk.quarantine[&id];
                let number = kept.text.split('#').nth(1).and_then(|number| number.parse::<usize>().ok());
                let sent = &mut self.sent[number.expect("messages have numbers")];
                // It is said out of turn.
                (sent.let_through, sent.by) = (true, None);
            }
            let params = json!({"id": id, "noteOnly": note_only});
            let method = "security.quarantine.release";
            self.request(at, Asked::Other(method), method, params);
        }
    }

    /// Some shard asks.
    pub(super) fn ask_somebody(&mut self) {
        let id = format!("ask-{:05}", self.opened.len());
        let timeout_ms = 1 + self.dice.below(2_000) as u64;
        self.open_approval(id, timeout_ms);
    }

    /// After a restart: what was held back was on disk before, so whoever was not told asks again.
    pub(super) fn ask_again(&mut self) {
        let untold: Vec<String> =
            self.opened.iter().filter(|(_, told)| !**told).map(|(id, _)| id.clone()).collect();
        for id in untold {
            self.open_approval(id, 1_000);
        }
    }

    /// Some shard asks a person. What it holds back is on disk before, so after a crash it asks again.
    pub(crate) fn open_approval(&mut self, id: String, timeout_ms: u64) {
        // The same ask has the same holder.
        let odd = id.bytes().last().is_some_and(|byte| byte % 2 == 1);
        let session_key = SessionKey::from_stored(if odd { "agent:main:a" } else { "agent:main:b" });
        self.opened.entry(id.clone()).or_default();
        let shard = self.dice.below(self.shards.len());
        self.shards[shard].open_approval(Ask {
            id: id.into(),
            command: "a message\nin two lines".to_owned(),
            warning: Some("it looks odd".to_owned()),
            session_key: Some(session_key.as_str().into()),
            agent_id: Some("main".into()),
            host: Some("gateway".into()),
            security: None,
            ask: Some("always".into()),
            timeout_ms,
            holder: Holder { session_key, run_id: "run".into() },
        });
        self.drain(shard);
    }

    /// Whoever asked was told, and nothing is left to decide.
    pub(super) fn check_approvals(&self) {
        let seed = self.seed;
        let untold = self.opened.iter().find(|(_, told)| !**told);
        assert_eq!(untold, None, "seed {seed}: nobody was told what became of an approval");
        // What the defender asks about may wait for a day.
        let ours = |id: &str| !id.starts_with("defender-");
        let approvals =
            self.disk.rows.keys().filter(|(table, id)| *table == Table::Approvals && ours(id)).count();
        assert!(self.refuses || approvals == 0, "seed {seed}: {approvals} approvals are left over");
    }
}

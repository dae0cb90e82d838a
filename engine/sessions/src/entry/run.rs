//! What messages and runs leave in an entry.

use super::level::{ChatType, RunStatus};
use super::{DeliveryContext, Entry, Origin};
use crate::transcript::Usage;

/// Where a message came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inbound<'a> {
    /// Channel: `webchat` for clients of the gateway.
    pub channel: &'a str,
    /// Sort of conversation there.
    pub chat_type: Option<ChatType>,
    /// Who spoke, for people.
    pub sender: Option<&'a str>,
    /// Their address.
    pub from: Option<&'a str>,
    /// Where answers go, when that is not the client itself.
    pub to: Option<&'a str>,
    /// Our account there.
    pub account_id: Option<&'a str>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct RunEnd<'a> {
    /// Whether well.
    pub status: RunStatus,
    /// Provider that answered last.
    pub provider: &'a str,
    /// Model that answered last.
    pub model: &'a str,
    /// That model's context window, in tokens.
    pub context_tokens: Option<u64>,
    /// What all calls of the run used.
    pub usage: Usage,
    /// What the context held in the last call; `None` when no call answered.
    pub context_used: Option<u64>,
}

impl Entry {
    /// Notes where a message came from, and with it where answers go.
    pub fn note_inbound(&mut self, from: &Inbound<'_>, now_ms: u64) {
        let text = |text: Option<&str>| text.map(Box::<str>::from);
        let channel: Box<str> = from.channel.into();
        let route = self.route_mut();
        route.chat_type = from.chat_type.or(route.chat_type);
        route.last_channel = Some(channel.clone());
        route.last_to = text(from.to);
        route.last_account_id = text(from.account_id);
        route.last_thread_id = None;
        route.delivery_context = Some(DeliveryContext {
            channel: Some(channel.clone()),
            to: text(from.to),
            account_id: text(from.account_id),
            thread_id: None,
        });
        let old_label = route.origin.take().and_then(|origin| origin.label);
        route.origin = Some(Origin {
            label: text(from.sender).or(old_label),
            provider: Some(channel.clone()),
            surface: Some(channel),
            chat_type: from.chat_type,
            from: text(from.from),
            to: text(from.to),
            account_id: text(from.account_id),
            thread_id: None,
        });
        self.life_mut().last_interaction_at = Some(now_ms);
        self.touch(now_ms);
    }

    /// Notes that a run has begun.
    pub fn note_run_start(&mut self, run_id: &str, now_ms: u64) {
        self.system_sent = Some(true);
        self.aborted_last_run = Some(false);
        self.counters_mut().compaction_count.get_or_insert(0);
        let life = self.life_mut();
        life.session_started_at.get_or_insert(now_ms);
        life.status = Some(RunStatus::Running);
        life.started_at = Some(now_ms);
        life.ended_at = None;
        life.runtime_ms = None;
        life.last_run_id = Some(run_id.into());
        life.agent_harness_id = Some("openclaw".into());
        self.touch(now_ms);
    }

    /// Notes that a summary stands for the older part of the conversation, which comes to about so many tokens now. What
    /// the last run used says nothing of it any more.
    pub fn note_compaction(&mut self, tokens: u64, now_ms: u64) {
        let counters = self.counters_mut();
        counters.compaction_count = Some(counters.compaction_count.unwrap_or(0).saturating_add(1));
        counters.input_tokens = None;
        counters.output_tokens = None;
        counters.cache_read = None;
        counters.cache_write = None;
        counters.total_tokens = Some(tokens);
        counters.total_tokens_fresh = Some(true);
        counters.total_tokens_version = Some(1);
        self.touch(now_ms);
        self.shrink();
    }

    /// Notes how it ended and what it used. Without an answer the token counts of earlier runs stand, and are stale.
    pub fn note_run_end(&mut self, end: &RunEnd<'_>, now_ms: u64) {
        self.aborted_last_run = Some(end.status == RunStatus::Killed);
        let counters = self.counters_mut();
        counters.model_provider = Some(end.provider.into());
        counters.model = Some(end.model.into());
        counters.context_tokens = end.context_tokens.or(counters.context_tokens);
        counters.context_tokens_source = end.context_tokens.map(|_| "resolved".into());
        match end.context_used {
            Some(used) => {
                counters.input_tokens = Some(end.usage.input);
                counters.output_tokens = Some(end.usage.output);
                counters.cache_read = Some(end.usage.cache_read);
                counters.cache_write = Some(end.usage.cache_write);
                counters.total_tokens = Some(used);
                counters.total_tokens_fresh = Some(true);
                counters.total_tokens_version = Some(1);
                counters.estimated_cost_usd = Some(end.usage.cost.total);
            }
            None => counters.total_tokens_fresh = Some(false),
        }
        self.tuning_mut().live_model_switch_pending = None;
        let life = self.life_mut();
        life.status = Some(end.status);
        life.ended_at = Some(now_ms);
        life.runtime_ms = life.started_at.map(|started| now_ms.saturating_sub(started));
        self.touch(now_ms);
        self.shrink();
    }
}

#[cfg(test)]
mod tests {
    use pincer_protocol::Wire;

    use super::*;
    use crate::entry::SessionId;

    fn names(entry: &Entry, wire: Wire) -> Vec<String> {
        let json = serde_json::to_value(entry.view(wire, "/s")).unwrap();
        let mut names: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    /// The names upstream's entries have after one message over webchat.
    #[test]
    fn after_one_run_an_entry_has_what_clients_expect() {
        let mut entry = Entry::created(SessionId::random([1; 16]), "rev", 5);
        let from = Inbound {
            channel: "webchat",
            chat_type: Some(ChatType::Direct),
            sender: Some("recorder"),
            ..Inbound::default()
        };
        entry.note_inbound(&from, 10);
        entry.note_run_start("run", 11);
        entry.has_transcript = true;
        let usage = Usage { input: 100, output: 9, cache_read: 20, ..Usage::default() };
        let end = RunEnd {
            status: RunStatus::Done,
            provider: "mock",
            model: "mock-1",
            context_tokens: Some(128_000),
            usage,
            context_used: Some(120),
        };
        entry.note_run_end(&end, 20);
        let v3 = names(&entry, Wire::V3);
        for name in [
            "sessionId",
            "updatedAt",
            "systemSent",
            "abortedLastRun",
            "chatType",
            "deliveryContext",
            "lastChannel",
            "origin",
            "sessionFile",
            "compactionCount",
            "skillsSnapshot",
            "systemPromptReport",
            "cacheRead",
            "cacheWrite",
            "modelProvider",
            "model",
            "contextTokens",
            "inputTokens",
            "outputTokens",
            "totalTokens",
            "totalTokensFresh",
        ] {
            assert!(v3.iter().any(|found| found == name), "{name} in {v3:?}");
        }
        let v4 = names(&entry, Wire::V4);
        for name in [
            "sessionStartedAt",
            "lastInteractionAt",
            "status",
            "startedAt",
            "endedAt",
            "runtimeMs",
            "agentHarnessId",
            "contextTokensSource",
            "totalTokensVersion",
            "lifecycleRevision",
            "createdAt",
            "createdVia",
            "delivery",
        ] {
            assert!(v4.iter().any(|found| found == name), "{name} in {v4:?}");
            assert!(name == "x" || !v3.iter().any(|found| found == name), "{name} is v4's");
        }
        assert_eq!(entry.life().runtime_ms, Some(9));
        assert_eq!(entry.counters().total_tokens, Some(120));
    }

    #[test]
    fn a_stopped_run_leaves_stale_counts() {
        let mut entry = Entry::new(SessionId::random([1; 16]), 5);
        entry.note_run_start("run", 11);
        let end = RunEnd {
            status: RunStatus::Killed,
            provider: "mock",
            model: "mock-1",
            context_tokens: None,
            usage: Usage::default(),
            context_used: None,
        };
        entry.note_run_end(&end, 12);
        assert_eq!(entry.aborted_last_run, Some(true));
        assert_eq!(entry.counters().total_tokens, None);
        assert_eq!(entry.counters().total_tokens_fresh, Some(false));
    }
}

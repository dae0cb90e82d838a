//! How much of the model's window a session fills.

use serde::Serialize;

use super::Entry;

/// Whether the conversation still fits the model's window, by the tokens of its last run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextBudget<'a> {
    /// 1.
    pub schema_version: u32,
    /// `last-run-usage`; upstream estimates before a run.
    pub source: &'static str,
    /// When that run ended, milliseconds since 1970.
    pub updated_at: u64,
    /// Provider of that run.
    pub provider: &'a str,
    /// Model of that run.
    pub model: &'a str,
    /// `fits` or `compact`.
    pub route: &'static str,
    /// Whether the next prompt may not fit.
    pub should_compact: bool,
    /// Tokens the context held.
    pub estimated_prompt_tokens: u64,
    /// The model's window.
    pub context_token_budget: u64,
    /// What of it a prompt may fill.
    pub prompt_budget_before_reserve: u64,
    /// What of it is kept for the answer.
    pub reserve_tokens: u64,
    /// The same.
    pub effective_reserve_tokens: u64,
    /// What is left for more.
    pub remaining_prompt_budget_tokens: u64,
    /// What is too much.
    pub overflow_tokens: u64,
    /// What could be cut from tool results; not counted.
    pub tool_result_reducible_chars: u64,
    /// Not counted.
    pub message_count: u64,
    /// Not counted.
    pub unwindowed_message_count: u64,
    /// Names the transcript.
    pub session_id: &'a str,
}

/// Tokens of a model's window that are kept for its answer, as upstream keeps them.
const RESERVE_TOKENS: u64 = 20_000;
impl ContextBudget<'_> {
    /// Told when the last run counted its tokens and they still tell the truth.
    pub fn of(entry: &Entry) -> Option<ContextBudget<'_>> {
        let counters = entry.counters();
        let used =
            counters.total_tokens.filter(|used| *used > 0 && counters.total_tokens_fresh != Some(false))?;
        let (provider, model) = (counters.model_provider.as_deref()?, counters.model.as_deref()?);
        let window = counters.context_tokens?;
        let reserve = RESERVE_TOKENS.min(window / 2);
        let room = window - reserve;
        Some(ContextBudget {
            schema_version: 1,
            source: "last-run-usage",
            updated_at: entry.life().ended_at.unwrap_or(entry.updated_at),
            provider,
            model,
            route: if used <= room { "fits" } else { "compact" },
            should_compact: used > room,
            estimated_prompt_tokens: used,
            context_token_budget: window,
            prompt_budget_before_reserve: room,
            reserve_tokens: reserve,
            effective_reserve_tokens: reserve,
            remaining_prompt_budget_tokens: room.saturating_sub(used),
            overflow_tokens: used.saturating_sub(room),
            tool_result_reducible_chars: 0,
            message_count: 0,
            unwindowed_message_count: 0,
            session_id: entry.session_id.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::SessionId;

    #[track_caller]
    fn check(used: u64, window: u64, want: Option<(&str, u64, u64)>) {
        let mut entry = Entry::new(SessionId::random([1; 16]), 1);
        let counters = entry.counters_mut();
        counters.model_provider = Some("mock".into());
        counters.model = Some("mock-1".into());
        counters.total_tokens = Some(used);
        counters.context_tokens = Some(window);
        let told = ContextBudget::of(&entry);
        let got = told.map(|told| (told.route, told.remaining_prompt_budget_tokens, told.overflow_tokens));
        assert_eq!(got, want);
    }

    #[test]
    fn budgets() {
        check(120, 128_000, Some(("fits", 107_880, 0)));
        check(108_001, 128_000, Some(("compact", 0, 1)));
        check(10, 1_000, Some(("fits", 490, 0)));
        check(0, 1_000, None);
        assert!(ContextBudget::of(&Entry::new(SessionId::random([1; 16]), 1)).is_none());
    }
}

//! What one session used, as `sessions.usage` tells it.

use pincer_protocol::method::usage::Totals;
use serde::Serialize;

use super::latency::LatencySummary;
use crate::entry::SessionId;

/// What one session used in the days asked about. Times are milliseconds since 1970, money US dollars.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionUsage {
    /// Names the transcript.
    pub session_id: SessionId,
    /// Its absolute path.
    pub session_file: String,
    /// First message in those days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_activity: Option<u64>,
    /// Last message in those days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<u64>,
    /// Between the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Days with messages, `YYYY-MM-DD`.
    pub activity_dates: Vec<Box<str>>,
    /// Tokens and money by day.
    pub daily_breakdown: Vec<DailySpend>,
    /// Messages by day.
    pub daily_message_counts: Vec<DailyMessages>,
    /// Waits by day.
    pub daily_latency: Vec<DailyLatency>,
    /// Models by day.
    pub daily_model_usage: Vec<DailyModel>,
    /// All messages.
    pub message_counts: MessageCounts,
    /// Tools that were called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_usage: Option<ToolUsage>,
    /// Models that answered, the dearest first.
    pub model_usage: Vec<ModelUsage>,
    /// All waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySummary>,
    /// All tokens and money.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Tokens and money of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DailySpend {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// Tokens.
    pub tokens: u64,
    /// US dollars.
    pub cost: f64,
}

/// Messages of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DailyMessages {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// How many.
    #[serde(flatten)]
    pub counts: MessageCounts,
}

/// Waits of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DailyLatency {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// How long.
    #[serde(flatten)]
    pub summary: LatencySummary,
}

/// A model on a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DailyModel {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// Provider id.
    pub provider: Box<str>,
    /// Model id.
    pub model: Box<str>,
    /// Tokens.
    pub tokens: u64,
    /// US dollars.
    pub cost: f64,
    /// Answers.
    pub count: u64,
}

/// How many messages, and of which sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageCounts {
    /// Of people and models.
    pub total: u64,
    /// Of people.
    pub user: u64,
    /// Of models.
    pub assistant: u64,
    /// Tools called.
    pub tool_calls: u64,
    /// Tools answered.
    pub tool_results: u64,
    /// Answers and tools that failed.
    pub errors: u64,
}

impl MessageCounts {
    /// Adds `other` to this.
    pub fn add(&mut self, other: &MessageCounts) {
        let MessageCounts { total, user, assistant, tool_calls, tool_results, errors } = other;
        self.total += total;
        self.user += user;
        self.assistant += assistant;
        self.tool_calls += tool_calls;
        self.tool_results += tool_results;
        self.errors += errors;
    }
}

/// Tools that were called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUsage {
    /// How often.
    pub total_calls: u64,
    /// How many different ones.
    pub unique_tools: u64,
    /// Which, the busiest first.
    pub tools: Vec<ToolCount>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolCount {
    /// Its name.
    pub name: Box<str>,
    /// How often it was called.
    pub count: u64,
}

impl ToolUsage {
    /// The busiest first; equally busy ones by name.
    pub(super) fn new(counts: impl IntoIterator<Item = (Box<str>, u64)>) -> ToolUsage {
        let mut tools: Vec<ToolCount> =
            counts.into_iter().map(|(name, count)| ToolCount { name, count }).collect();
        tools.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        ToolUsage {
            total_calls: tools.iter().map(|tool| tool.count).sum(),
            unique_tools: tools.len() as u64,
            tools,
        }
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelUsage {
    /// Provider id.
    pub provider: Box<str>,
    /// Model id; absent in sums over a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Box<str>>,
    /// Answers.
    pub count: u64,
    /// Tokens and money.
    pub totals: Totals,
}

/// The dearest first, then the busiest, then by name.
pub(super) fn dearest_first(models: &mut [ModelUsage]) {
    models.sort_by(|a, b| {
        b.totals
            .total_cost
            .total_cmp(&a.totals.total_cost)
            .then_with(|| b.totals.total_tokens.cmp(&a.totals.total_tokens))
            .then_with(|| (&a.provider, &a.model).cmp(&(&b.provider, &b.model)))
    });
}

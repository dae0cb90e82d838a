//! The reports of all shards, joined into the answer.

use std::collections::BTreeMap;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::UsageParams;
use pincer_protocol::method::usage::{CacheStatus, Daily, Days, Totals};
use serde::Serialize;

use super::latency::LatencySummary;
use super::summary::{
    DailyLatency, DailyModel, MessageCounts, ModelUsage, SessionUsage, ToolUsage, dearest_first,
};
use super::{NOBODY, SessionReport, limit};
use crate::agent::AgentId;

/// Answer to `sessions.usage`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When, milliseconds since 1970.
    pub updated_at: u64,
    /// First day, `YYYY-MM-DD`.
    pub start_date: String,
    /// Last day, `YYYY-MM-DD`.
    pub end_date: String,
    /// The sessions, newest first.
    pub sessions: Vec<SessionReport>,
    /// What they used together.
    pub totals: Totals,
    /// The same, taken apart in many ways.
    pub aggregates: Aggregates,
    /// v4: who could be filtered by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_options: Option<Vec<CreatorOption>>,
    /// v4: whether the numbers are current; ours are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_status: Option<CacheStatus>,
}

/// Somebody who makes sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatorOption {
    /// `["unknown"]`: there are no accounts here.
    pub key: &'static str,
}

/// What sessions used together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Aggregates {
    /// v4: how many sessions used anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_count: Option<u64>,
    /// All messages.
    pub messages: MessageCounts,
    /// All tools.
    pub tools: ToolUsage,
    /// By model, the dearest first.
    pub by_model: Vec<ModelUsage>,
    /// By provider, the dearest first.
    pub by_provider: Vec<ModelUsage>,
    /// By agent.
    pub by_agent: Vec<AgentTotals>,
    /// By channel.
    pub by_channel: Vec<ChannelTotals>,
    /// v4: by whoever made the sessions; nobody is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_creator: Option<Vec<CreatorOption>>,
    /// v4: tokens and money by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_daily: Option<Vec<Daily>>,
    /// All waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySummary>,
    /// Waits by day.
    pub daily_latency: Vec<DailyLatency>,
    /// Models by day.
    pub model_daily: Vec<DailyModel>,
    /// Everything else by day.
    pub daily: Vec<DayTotals>,
}

/// What an agent used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentTotals {
    /// Which.
    pub agent_id: AgentId,
    /// Tokens and money.
    pub totals: Totals,
}

/// What a channel used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelTotals {
    /// Which.
    pub channel: Box<str>,
    /// Tokens and money.
    pub totals: Totals,
}

/// One day of all sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayTotals {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// Tokens.
    pub tokens: u64,
    /// US dollars.
    pub cost: f64,
    /// Of people and models.
    pub messages: u64,
    /// Tools called.
    pub tool_calls: u64,
    /// What failed.
    pub errors: u64,
}

/// Joins the reports of all shards: the newest sessions, as many as asked for, and what they used together.
pub fn report(
    mut sessions: Vec<SessionReport>,
    params: &UsageParams,
    wire: Wire,
    days: &Days,
    now_ms: u64,
) -> Report {
    sessions.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.key.cmp(&b.key)));
    sessions.truncate(limit(params));
    let mut sums = Sums::default();
    for session in &sessions {
        if let Some(usage) = &session.usage {
            sums.add(session, usage);
        }
    }
    let v4 = wire == Wire::V4;
    let files = sessions.len() as u64;
    Report {
        updated_at: now_ms,
        start_date: days.first().to_string(),
        end_date: days.last().to_string(),
        totals: sums.totals,
        aggregates: sums.finish(v4),
        creator_options: v4
            .then(|| (files > 0).then_some(CreatorOption { key: NOBODY }).into_iter().collect()),
        cache_status: v4.then_some(CacheStatus {
            status: "fresh",
            cached_files: files,
            pending_files: 0,
            stale_files: 0,
            refreshed_at: now_ms,
        }),
        sessions,
    }
}

/// Provider and model id.
type ModelName = (Box<str>, Box<str>);

#[derive(Default)]
struct Sums {
    sessions: u64,
    totals: Totals,
    messages: MessageCounts,
    tools: BTreeMap<Box<str>, u64>,
    models: BTreeMap<ModelName, (u64, Totals)>,
    providers: BTreeMap<Box<str>, (u64, Totals)>,
    agents: BTreeMap<AgentId, Totals>,
    channels: BTreeMap<Box<str>, Totals>,
    latency: Option<LatencySummary>,
    days: BTreeMap<Box<str>, DaySums>,
}

#[derive(Default)]
struct DaySums {
    tokens: u64,
    cost: f64,
    messages: MessageCounts,
    latency: Option<LatencySummary>,
    models: BTreeMap<ModelName, ModelDay>,
}

#[derive(Default)]
struct ModelDay {
    tokens: u64,
    cost: f64,
    count: u64,
}

impl Sums {
    fn add(&mut self, session: &SessionReport, usage: &SessionUsage) {
        self.sessions += u64::from(usage.message_counts.total > 0);
        self.totals.add(&usage.totals);
        self.messages.add(&usage.message_counts);
        for tool in usage.tool_usage.iter().flat_map(|tools| &tools.tools) {
            *self.tools.entry(tool.name.clone()).or_default() += tool.count;
        }
        for used in &usage.model_usage {
            let model = used.model.clone().unwrap_or_default();
            let by_model = self.models.entry((used.provider.clone(), model)).or_default();
            let by_provider = self.providers.entry(used.provider.clone()).or_default();
            for (count, totals) in [by_model, by_provider] {
                *count += used.count;
                totals.add(&used.totals);
            }
        }
        self.agents.entry(session.agent_id.clone()).or_default().add(&usage.totals);
        if let Some(channel) = &session.channel {
            self.channels.entry(channel.clone()).or_default().add(&usage.totals);
        }
        join(&mut self.latency, usage.latency);
        self.add_days(usage);
    }

    fn add_days(&mut self, usage: &SessionUsage) {
        for spend in &usage.daily_breakdown {
            let day = self.days.entry(spend.date.clone()).or_default();
            day.tokens += spend.tokens;
            day.cost += spend.cost;
        }
        for messages in &usage.daily_message_counts {
            self.days.entry(messages.date.clone()).or_default().messages.add(&messages.counts);
        }
        for waits in &usage.daily_latency {
            join(&mut self.days.entry(waits.date.clone()).or_default().latency, Some(waits.summary));
        }
        for DailyModel { date, provider, model, tokens, cost, count } in &usage.daily_model_usage {
            let day = self.days.entry(date.clone()).or_default();
            let sum = day.models.entry((provider.clone(), model.clone())).or_default();
            sum.tokens += tokens;
            sum.cost += cost;
            sum.count += count;
        }
    }

    fn finish(self, v4: bool) -> Aggregates {
        let mut by_model: Vec<ModelUsage> = self
            .models
            .into_iter()
            .map(|((provider, model), (count, totals))| ModelUsage {
                provider,
                model: Some(model),
                count,
                totals,
            })
            .collect();
        let mut by_provider: Vec<ModelUsage> = self
            .providers
            .into_iter()
            .map(|(provider, (count, totals))| ModelUsage { provider, model: None, count, totals })
            .collect();
        dearest_first(&mut by_model);
        dearest_first(&mut by_provider);
        let mut by_day = ByDay::default();
        for (date, day) in self.days {
            by_day.push(date, day);
        }
        Aggregates {
            session_count: v4.then_some(self.sessions),
            messages: self.messages,
            tools: ToolUsage::new(self.tools),
            by_model,
            by_provider,
            by_agent: self
                .agents
                .into_iter()
                .map(|(agent_id, totals)| AgentTotals { agent_id, totals })
                .collect(),
            by_channel: self
                .channels
                .into_iter()
                .map(|(channel, totals)| ChannelTotals { channel, totals })
                .collect(),
            by_creator: v4.then(Vec::new),
            cost_daily: v4.then_some(by_day.costs),
            latency: self.latency,
            daily_latency: by_day.latency,
            model_daily: by_day.models,
            daily: by_day.totals,
        }
    }
}

/// The lists of an answer that have a row a day.
#[derive(Default)]
struct ByDay {
    costs: Vec<Daily>,
    latency: Vec<DailyLatency>,
    models: Vec<DailyModel>,
    totals: Vec<DayTotals>,
}

impl ByDay {
    fn push(&mut self, date: Box<str>, day: DaySums) {
        let totals = Totals { total_tokens: day.tokens, total_cost: day.cost, ..Totals::default() };
        self.costs.push(Daily { date: date.clone(), totals });
        self.latency.extend(day.latency.map(|summary| DailyLatency { date: date.clone(), summary }));
        self.models.extend(day.models.into_iter().map(
            |((provider, model), ModelDay { tokens, cost, count })| DailyModel {
                date: date.clone(),
                provider,
                model,
                tokens,
                cost,
                count,
            },
        ));
        self.totals.push(DayTotals {
            date,
            tokens: day.tokens,
            cost: day.cost,
            messages: day.messages.total,
            tool_calls: day.messages.tool_calls,
            errors: day.messages.errors,
        });
    }
}

fn join(sum: &mut Option<LatencySummary>, more: Option<LatencySummary>) {
    *sum = match (*sum, more) {
        (Some(sum), Some(more)) => Some(sum.join(more)),
        (sum, more) => sum.or(more),
    };
}

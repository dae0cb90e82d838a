//! What sessions used: counted from transcripts, line by line.
//!
//! A shard feeds the lines of each of its sessions to a [`Tally`] and makes a [`SessionReport`] of it; whoever asked
//! joins the reports of all shards with [`report`]. Nothing is cached: numbers are what the transcripts say now.
//! `usage.cost` takes [`Tally::days`]. Timelines and logs of one session are in [`series`].

mod join;
mod latency;
pub mod series;
mod summary;
mod tally;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{Json, UsageParams};
use serde::Serialize;

use crate::agent::AgentId;
use crate::entry::level::ChatType;
use crate::entry::{Entry, Origin, Raw, SessionId};
use crate::key::SessionKey;
use crate::model_ref::{ModelCatalog, ModelRef, model_of};

pub use join::{Report, report};
pub use latency::LatencySummary;
pub use summary::{
    DailyLatency, DailyMessages, DailyModel, DailySpend, MessageCounts, ModelUsage, SessionUsage, ToolCount,
    ToolUsage,
};
pub use tally::{PriceList, Tally};

/// A session and what it used in the days asked about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionReport {
    /// Which.
    pub key: SessionKey,
    /// Its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Box<str>>,
    /// Names the transcript.
    pub session_id: SessionId,
    /// v4: one row a session (`instance`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Last change, milliseconds since 1970.
    pub updated_at: u64,
    /// Its agent.
    pub agent_id: AgentId,
    /// v4: who made it; nobody is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_key: Option<&'static str>,
    /// Where the last message came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Box<str>>,
    /// Sort of conversation there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_type: Option<ChatType>,
    /// Who spoke last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The model chosen for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_override: Option<Box<str>>,
    /// That model's provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_override: Option<Box<str>>,
    /// Provider of the model in use.
    pub model_provider: Box<str>,
    /// The model in use.
    pub model: Box<str>,
    /// What it used; `null` when its transcript could not be read.
    pub usage: Option<SessionUsage>,
    /// v4: whether there is a report on what filled the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_context_weight: Option<bool>,
    /// When asked for: that report; only sessions of OpenClaw have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_weight: Option<Option<Raw>>,
}

/// Field of an entry that holds OpenClaw's report on what filled the context.
const CONTEXT_REPORT: &str = "systemPromptReport";
/// What v4 calls whoever made a session when it does not know.
pub(crate) const NOBODY: &str = r#"["unknown"]"#;

impl SessionReport {
    /// The report of one session. `usage`: what its transcript came to, where it could be read.
    pub fn new(
        key: &SessionKey,
        entry: &Entry,
        usage: Option<SessionUsage>,
        wire: Wire,
        params: &UsageParams,
        default_agent: &AgentId,
        models: &dyn ModelCatalog,
    ) -> SessionReport {
        let (route, tuning, counters) = (entry.route(), entry.tuning(), entry.counters());
        let agent_id = key.store_agent(default_agent);
        let ModelRef { provider, model } = match (&counters.model_provider, &counters.model) {
            (Some(provider), Some(model)) => ModelRef { provider: provider.clone(), model: model.clone() },
            _ => model_of(entry, &agent_id, models),
        };
        let v4 = wire == Wire::V4;
        let weight = entry.other(CONTEXT_REPORT);
        let provider_of = |origin: &Origin| origin.provider.clone();
        SessionReport {
            key: key.clone(),
            label: entry.label.clone(),
            session_id: entry.session_id.clone(),
            scope: v4.then_some("instance"),
            updated_at: entry.updated_at,
            agent_id,
            creator_key: v4.then_some(NOBODY),
            channel: route.channel.clone().or_else(|| route.origin.as_ref().and_then(provider_of)),
            chat_type: route.chat_type,
            origin: route.origin.clone(),
            model_override: tuning.model_override.clone(),
            provider_override: tuning.provider_override.clone(),
            model_provider: provider,
            model,
            usage,
            has_context_weight: v4.then_some(weight.is_some()),
            context_weight: params.include_context_weight.then(|| weight.cloned()),
        }
    }
}

/// The sessions of one shard that `sessions.usage` should read, newest first, at most as many as the answer can hold:
/// those that have a transcript and changed since `since_ms`.
pub fn select<'e>(
    entries: impl IntoIterator<Item = (&'e SessionKey, &'e Entry)>,
    params: &UsageParams,
    key: Option<&SessionKey>,
    since_ms: u64,
) -> Vec<SessionKey> {
    let agent = params.agent_id.as_deref().map(AgentId::sanitise);
    let mut found: Vec<(&SessionKey, u64)> = entries
        .into_iter()
        .filter(|(at, entry)| {
            entry.has_transcript && entry.updated_at >= since_ms && key.is_none_or(|key| key == *at)
        })
        .filter(|(at, _)| {
            agent.as_ref().is_none_or(|agent| at.agent_id().map(AgentId::sanitise).as_ref() == Some(agent))
        })
        .map(|(key, entry)| (key, entry.updated_at))
        .collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    found.truncate(limit(params));
    found.into_iter().map(|(key, _)| key.clone()).collect()
}

/// How many sessions an answer holds.
fn limit(params: &UsageParams) -> usize {
    usize::try_from(params.limit.unwrap_or(UsageParams::LIMIT)).unwrap_or(usize::MAX)
}

/// Writes an answer. `None` cannot happen with our own types.
pub fn write(report: &Report) -> Option<Json> {
    Raw::of(report).map(Raw::into_json)
}

#[cfg(test)]
mod tests;

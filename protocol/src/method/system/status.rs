//! `status`: what an operator looks at first.

mod v4;

use serde::Serialize;

use self::v4::StatusV4;
use super::health::Heartbeat;
use super::load::{EventLoop, ProcessMemory};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::{NoParams, Rpc};
use crate::schema::Object;

/// What an operator looks at first. Params are not looked at.
pub struct Status;

impl Rpc for Status {
    const NAME: &'static str = "status";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = NoParams;
    type Payload = StatusPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// Most session rows in any list of `status`.
pub const SESSIONS_STATUS_MAX: usize = 10;

/// Payload of `status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPayload {
    /// Heartbeats.
    pub heartbeat: HeartbeatStatus,
    /// Lines about channels, for people.
    pub channel_summary: Vec<Box<str>>,
    /// System events that wait for the main session's next turn.
    pub queued_system_events: Vec<Box<str>>,
    /// Sessions.
    pub sessions: Sessions,
    /// What v4 adds.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub v4: Option<Box<StatusV4>>,
}

/// Heartbeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatStatus {
    /// The agent that answers unless another is named.
    pub default_agent_id: Box<str>,
    /// Every agent's.
    pub agents: Vec<AgentHeartbeat>,
}

/// One agent's heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentHeartbeat {
    /// Its id.
    pub agent_id: Box<str>,
    /// Whether it has one.
    pub enabled: bool,
    /// Interval as configured.
    pub every: Box<str>,
    /// Interval in milliseconds; `null` when there is none.
    pub every_ms: Option<u64>,
    /// v4: whether it has nowhere to go yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for_route: Option<bool>,
}

/// Sessions, over all agents.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    /// Where they are stored; empty for callers who may not know.
    pub paths: Vec<Box<str>>,
    /// How many.
    pub count: u64,
    /// What new sessions run on.
    pub defaults: SessionModel,
    /// The latest, newest first.
    pub recent: Vec<SessionRow>,
    /// The latest of each agent.
    pub by_agent: Vec<AgentSessions>,
}

/// What sessions run on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionModel {
    /// Model id.
    pub model: Option<Box<str>>,
    /// Tokens it can read.
    pub context_tokens: Option<u64>,
}

/// Sessions of one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSessions {
    /// Its id.
    pub agent_id: Box<str>,
    /// Where they are stored.
    pub path: Box<str>,
    /// How many.
    pub count: u64,
    /// The latest, newest first.
    pub recent: Vec<SessionRow>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRow {
    /// Whose it is.
    pub agent_id: Box<str>,
    /// Its key.
    pub key: Box<str>,
    /// `direct`, `group`, `global` or `unknown`.
    pub kind: Box<str>,
    /// Its incarnation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Box<str>>,
    /// When it last changed, milliseconds since 1970.
    pub updated_at: Option<u64>,
    /// How long ago that was, milliseconds.
    pub age: Option<u64>,
    /// How hard its model thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<Box<str>>,
    /// How much it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose_level: Option<Box<str>>,
    /// Whether it shows its reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_level: Option<Box<str>>,
    /// What its tools may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevated_level: Option<Box<str>>,
    /// Whether its model has seen the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_sent: Option<bool>,
    /// Whether its last run was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_last_run: Option<bool>,
    /// Tokens read by the last call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written by the last call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Of those read, from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Of those read, into a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Tokens in its context; `null` when not known.
    pub total_tokens: Option<u64>,
    /// Whether that is current.
    pub total_tokens_fresh: bool,
    /// Tokens left of the context.
    pub remaining_tokens: Option<u64>,
    /// Used share of the context, whole percent, at most 999.
    pub percent_used: Option<u64>,
    /// Its model.
    pub model: Option<Box<str>>,
    /// What v4 adds.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub v4: Option<SessionRowV4>,
    /// Tokens its model can read.
    pub context_tokens: Option<u64>,
    /// What is unusual, for people.
    pub flags: Vec<Box<str>>,
}

/// What v4 says more of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRowV4 {
    /// `provider/model` of its agent.
    pub configured_model: Option<Box<str>>,
    /// `provider/model` it runs on.
    pub selected_model: Option<Box<str>>,
    /// Why they differ.
    pub model_selection_reason: Option<&'static str>,
    /// What runs it, for people.
    pub runtime: &'static str,
}

/// What is known of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)] // each is a field of `SessionRow` of the same name
pub struct SessionFacts {
    pub key: Box<str>,
    pub kind: Box<str>,
    pub session_id: Option<Box<str>>,
    pub updated_at: Option<u64>,
    pub thinking_level: Option<Box<str>>,
    pub verbose_level: Option<Box<str>>,
    pub reasoning_level: Option<Box<str>>,
    pub elevated_level: Option<Box<str>>,
    pub system_sent: Option<bool>,
    pub aborted_last_run: Option<bool>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    /// Only when current.
    pub total_tokens: Option<u64>,
    /// Provider of the session's own model; `None` when it runs on its agent's.
    pub provider_override: Option<Box<str>>,
    /// The session's own model; `None` when it runs on its agent's.
    pub model_override: Option<Box<str>>,
    pub context_tokens: Option<u64>,
}

/// What is known of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentStatusFacts {
    /// Its id.
    pub agent_id: Box<str>,
    /// Its heartbeat.
    pub heartbeat: Heartbeat,
    /// Where its sessions are stored.
    pub path: Box<str>,
    /// How many sessions it has.
    pub count: u64,
    /// Its latest sessions; more than the newest few is cut off.
    pub sessions: Vec<SessionFacts>,
    /// Provider of its model.
    pub provider: Option<Box<str>>,
    /// Its model.
    pub model: Option<Box<str>>,
    /// Tokens its model can read.
    pub context_tokens: Option<u64>,
}

/// What is known, for [`status`].
#[derive(Debug, Clone, Default)]
pub struct StatusFacts {
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
    /// The agent that answers unless another is named.
    pub default_agent_id: Box<str>,
    /// Every agent, the default first.
    pub agents: Vec<AgentStatusFacts>,
    /// Lines about channels, for people.
    pub channel_summary: Vec<Box<str>>,
    /// System events that wait for the main session's next turn.
    pub queued_system_events: Vec<Box<str>>,
    /// Whether the caller may see paths and sessions.
    pub sensitive: bool,
    /// Used on v4: our version.
    pub version: &'static str,
    /// Used on v4: process id.
    pub pid: u32,
    /// Used on v4, where it is measured.
    pub event_loop: Option<EventLoop>,
    /// Used on v4, where it is measured.
    pub memory: Option<ProcessMemory>,
    /// Used on v4: how long running turns get at a shutdown, milliseconds.
    pub drain_budget_ms: u64,
    /// Used on v4: requests that run now.
    pub requests_running: u64,
}

/// Builds the payload.
///
/// Without `sensitive`, paths, session rows and the default model are blanked, as upstream does for callers that are no
/// administrators.
pub fn status(wire: Wire, facts: StatusFacts) -> StatusPayload {
    let (v4, now_ms) = (wire == Wire::V4, facts.now_ms);
    let hidden = !facts.sensitive;
    let heartbeat = HeartbeatStatus {
        default_agent_id: facts.default_agent_id,
        agents: facts
            .agents
            .iter()
            .map(|agent| AgentHeartbeat {
                agent_id: agent.agent_id.clone(),
                enabled: agent.heartbeat.enabled,
                every: agent.heartbeat.every.clone(),
                every_ms: agent.heartbeat.every_ms,
                waiting_for_route: v4.then_some(false),
            })
            .collect(),
    };
    let by_agent: Vec<AgentSessions> = facts
        .agents
        .iter()
        .map(|agent| AgentSessions {
            agent_id: agent.agent_id.clone(),
            path: if hidden { "[redacted]".into() } else { agent.path.clone() },
            count: agent.count,
            recent: if hidden {
                Vec::new()
            } else {
                newest(agent.sessions.iter().map(|session| row(wire, now_ms, agent, session)).collect())
            },
        })
        .collect();
    let mut paths: Vec<Box<str>> = Vec::new();
    for agent in facts.agents.iter().filter(|_| !hidden) {
        if !paths.contains(&agent.path) {
            paths.push(agent.path.clone());
        }
    }
    let defaults = facts.agents.first().filter(|_| !hidden);
    let sessions = Sessions {
        paths,
        count: facts.agents.iter().map(|agent| agent.count).sum(),
        defaults: SessionModel {
            model: defaults.and_then(|agent| agent.model.clone()),
            context_tokens: defaults.and_then(|agent| agent.context_tokens),
        },
        recent: newest(by_agent.iter().flat_map(|agent| agent.recent.iter().cloned()).collect()),
        by_agent,
    };
    let v4 = v4.then(|| {
        let mut v4 = StatusV4 {
            runtime_version: facts.version,
            pid: facts.pid,
            event_loop: facts.event_loop,
            process_memory: facts.memory,
            ..StatusV4::default()
        };
        v4.shutdown_budget.timeout_ms = facts.drain_budget_ms;
        v4.shutdown_budget.active_work.root_requests = facts.requests_running;
        Box::new(v4)
    });
    StatusPayload {
        heartbeat,
        channel_summary: facts.channel_summary,
        queued_system_events: facts.queued_system_events,
        sessions,
        v4,
    }
}

fn newest(mut rows: Vec<SessionRow>) -> Vec<SessionRow> {
    rows.sort_by_key(|row| std::cmp::Reverse(row.updated_at));
    rows.truncate(SESSIONS_STATUS_MAX);
    rows
}

fn row(wire: Wire, now_ms: u64, agent: &AgentStatusFacts, facts: &SessionFacts) -> SessionRow {
    let context = facts.context_tokens.or(agent.context_tokens);
    let total = facts.total_tokens;
    let used = context.zip(total);
    SessionRow {
        agent_id: agent.agent_id.clone(),
        key: facts.key.clone(),
        kind: facts.kind.clone(),
        session_id: facts.session_id.clone(),
        updated_at: facts.updated_at,
        age: facts.updated_at.map(|at| now_ms.saturating_sub(at)),
        thinking_level: facts.thinking_level.clone(),
        verbose_level: facts.verbose_level.clone(),
        reasoning_level: facts.reasoning_level.clone(),
        elevated_level: facts.elevated_level.clone(),
        system_sent: facts.system_sent,
        aborted_last_run: facts.aborted_last_run,
        input_tokens: facts.input_tokens,
        output_tokens: facts.output_tokens,
        cache_read: facts.cache_read,
        cache_write: facts.cache_write,
        total_tokens: total,
        total_tokens_fresh: total.is_some(),
        remaining_tokens: used.map(|(context, total)| context.saturating_sub(total)),
        percent_used: used
            .filter(|(context, _)| *context > 0)
            .map(|(context, total)| ((total as f64 / context as f64 * 100.0).round() as u64).min(999)),
        model: facts.model_override.clone().or_else(|| agent.model.clone()),
        v4: (wire == Wire::V4).then(|| models(agent, facts)),
        context_tokens: context,
        flags: flags(facts),
    }
}

fn models(agent: &AgentStatusFacts, facts: &SessionFacts) -> SessionRowV4 {
    let reference = |provider: Option<&str>, model: Option<&str>| {
        Some(match provider {
            Some(provider) => format!("{provider}/{}", model?).into_boxed_str(),
            None => model?.into(),
        })
    };
    let configured = reference(agent.provider.as_deref(), agent.model.as_deref());
    let selected = match &facts.model_override {
        None => configured.clone(),
        Some(model) => {
            reference(facts.provider_override.as_deref().or(agent.provider.as_deref()), Some(model))
        }
    };
    SessionRowV4 {
        model_selection_reason: (selected != configured).then_some("session override"),
        configured_model: configured,
        selected_model: selected,
        runtime: "Pincer",
    }
}

fn flags(facts: &SessionFacts) -> Vec<Box<str>> {
    let mut flags: Vec<Box<str>> = Vec::new();
    for (name, level) in [
        ("think", &facts.thinking_level),
        ("verbose", &facts.verbose_level),
        ("reasoning", &facts.reasoning_level),
        ("elevated", &facts.elevated_level),
    ] {
        if let Some(level) = level {
            flags.push(format!("{name}:{level}").into());
        }
    }
    if facts.system_sent == Some(true) {
        flags.push("system".into());
    }
    if facts.aborted_last_run == Some(true) {
        flags.push("aborted".into());
    }
    if let Some(id) = &facts.session_id {
        flags.push(format!("id:{id}").into());
    }
    flags
}

#[cfg(test)]
mod tests;

//! `health`: the snapshot every client shows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::load::{EventLoop, ModelRuntime};
use crate::Wire;
use crate::access::{Access, Need};
use crate::method::channels::{ChannelFacts, ChannelSummary};
use crate::method::{NoParams, Rpc};
use crate::schema::Object;

/// The snapshot every client shows. Nobody is refused, not even nodes; params are not looked at (`probe` would ask
/// channels, and clients send all sorts of things).
pub struct Health;

impl Rpc for Health {
    const NAME: &'static str = "health";
    const ACCESS: Access = Access::both(Need::Nothing);
    type Params = NoParams;
    type Payload = HealthPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// Most rows of [`SessionsSummary::recent`].
pub const SESSIONS_RECENT_MAX: usize = 5;

/// Payload of `health`, also of the `health` event and part of `hello-ok`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthPayload {
    /// Always `true`: who can answer is well.
    pub ok: bool,
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// How long it took to find out, milliseconds.
    pub duration_ms: u64,
    /// v4: plugins; there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Plugins>,
    /// v4: whether the config is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_reload: Option<ConfigReload>,
    /// Whether each channel is configured, by id.
    pub channels: BTreeMap<Box<str>, ChannelSummary>,
    /// Channel ids in the order people see them.
    pub channel_order: Vec<Box<str>>,
    /// Names for people, by id.
    pub channel_labels: BTreeMap<Box<str>, Box<str>>,
    /// Heartbeat interval of the default agent, seconds; 0 when it has none.
    pub heartbeat_seconds: u64,
    /// The agent that answers unless another is named.
    pub default_agent_id: Box<str>,
    /// Every agent, the default first.
    pub agents: Vec<AgentHealth>,
    /// Sessions of the default agent.
    pub sessions: SessionsSummary,
    /// v4: whether model providers are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_runtime: Option<ModelRuntime>,
    /// v4: how busy the process is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_loop: Option<EventLoop>,
}

/// Plugins, of which there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Plugins {
    loaded: [(); 0],
    errors: [(); 0],
    unavailable: [(); 0],
}

/// Whether the config file is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigReload {
    /// `active`
    pub hot_reload_status: &'static str,
}

/// One agent's part of `health`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentHealth {
    /// Its id.
    pub agent_id: Box<str>,
    /// Its name in the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// Whether it answers unless another is named.
    pub is_default: bool,
    /// Its heartbeat.
    pub heartbeat: Heartbeat,
    /// Its sessions.
    pub sessions: SessionsSummary,
}

/// An agent's heartbeat, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Whether it has one.
    pub enabled: bool,
    /// Interval as configured, such as `30m`; `disabled` without one.
    pub every: Box<str>,
    /// Interval in milliseconds; `null` when there is none.
    pub every_ms: Option<u64>,
    /// What the agent is told.
    pub prompt: Box<str>,
    /// Where its answer goes.
    pub target: Box<str>,
    /// Longest answer that counts as "nothing to say", characters.
    pub ack_max_chars: u32,
}

impl Default for Heartbeat {
    /// None. Upstream reports 300 as `ackMaxChars` of agents without a heartbeat too.
    fn default() -> Self {
        Heartbeat {
            enabled: false,
            every: "disabled".into(),
            every_ms: None,
            prompt: "".into(),
            target: "last".into(),
            ack_max_chars: 300,
        }
    }
}

/// Sessions of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsSummary {
    /// Where they are stored.
    pub path: Box<str>,
    /// How many.
    pub count: u64,
    /// The latest, newest first; at most [`SESSIONS_RECENT_MAX`].
    pub recent: Vec<RecentSession>,
}

/// A session that changed lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentSession {
    /// Its key.
    pub key: Box<str>,
    /// When it last changed, milliseconds since 1970.
    pub updated_at: Option<u64>,
    /// How long ago that was, milliseconds. [`health`] sets it.
    pub age: Option<u64>,
}

/// What is known, for [`health`].
#[derive(Debug, Clone, Default)]
pub struct HealthFacts {
    /// Now, milliseconds since 1970.
    pub ts: u64,
    /// How long it took to gather this, milliseconds.
    pub duration_ms: u64,
    /// The agent that answers unless another is named.
    pub default_agent_id: Box<str>,
    /// Every agent, the default first. Of `recent`, more than the newest few is cut off.
    pub agents: Vec<AgentHealth>,
    /// Channels in the order people see them.
    pub channels: Vec<ChannelFacts>,
    /// Whether changes of the config file take effect by themselves.
    pub config_watched: bool,
    /// Used on v4; `None`: not measured.
    pub event_loop: Option<EventLoop>,
}

/// Builds the payload: newest sessions first, ages from `ts`, the default agent's sessions repeated at the top.
pub fn health(wire: Wire, facts: HealthFacts) -> HealthPayload {
    let v4 = wire == Wire::V4;
    let HealthFacts { ts, duration_ms, default_agent_id, mut agents, channels, config_watched, event_loop } =
        facts;
    for agent in &mut agents {
        let recent = &mut agent.sessions.recent;
        recent.sort_by_key(|session| std::cmp::Reverse(session.updated_at));
        recent.truncate(SESSIONS_RECENT_MAX);
        for session in recent {
            session.age = session.updated_at.map(|at| ts.saturating_sub(at));
        }
    }
    let default = agents.iter().find(|agent| agent.is_default).or(agents.first());
    let every_ms = default.and_then(|agent| agent.heartbeat.every_ms).unwrap_or(0);
    HealthPayload {
        ok: true,
        ts,
        duration_ms,
        plugins: v4.then(Plugins::default),
        // Left out, not `disabled`: that is what clients print as a watcher that broke.
        config_reload: v4.then_some(ConfigReload {
            hot_reload_status: if config_watched { "active" } else { "disabled" },
        }),
        channels: channels
            .iter()
            .map(|facts| {
                let configured = facts.accounts.iter().any(|account| account.configured);
                (facts.meta.id.clone(), ChannelSummary { configured })
            })
            .collect(),
        channel_order: channels.iter().map(|facts| facts.meta.id.clone()).collect(),
        channel_labels: channels
            .iter()
            .map(|facts| (facts.meta.id.clone(), facts.meta.label.clone()))
            .collect(),
        // Rounded, as upstream does.
        heartbeat_seconds: (every_ms + 500) / 1_000,
        sessions: default.map(|agent| agent.sessions.clone()).unwrap_or_default(),
        default_agent_id,
        agents,
        model_runtime: v4.then(ModelRuntime::default),
        event_loop: event_loop.filter(|_| v4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::covers;

    fn facts() -> HealthFacts {
        let recent = (0..7)
            .map(|n| RecentSession { key: format!("agent:main:{n}").into(), updated_at: Some(n), age: None })
            .collect();
        let main = AgentHealth {
            agent_id: "main".into(),
            name: Some("Main".into()),
            is_default: true,
            heartbeat: Heartbeat { every_ms: Some(90_000), ..Heartbeat::default() },
            sessions: SessionsSummary { path: "/p".into(), count: 7, recent },
        };
        HealthFacts {
            ts: 10,
            default_agent_id: "main".into(),
            agents: vec![main],
            config_watched: true,
            event_loop: Some(EventLoop::default()),
            ..Default::default()
        }
    }

    const V3: &str = r#"{"ok":true,"ts":1,"durationMs":0,"channels":{},"channelOrder":[],"channelLabels":{},
        "heartbeatSeconds":0,"defaultAgentId":"main","agents":[{"agentId":"main","name":"Main","isDefault":true,
        "heartbeat":{"enabled":true,"every":"0m","everyMs":null,"prompt":"p","target":"last","ackMaxChars":300},
        "sessions":{"path":"p","count":33,"recent":[{"key":"k","updatedAt":1,"age":15}]}}],
        "sessions":{"path":"p","count":33,"recent":[{"key":"k","updatedAt":1,"age":15}]}}"#;

    #[test]
    fn as_recorded() {
        covers(&health(Wire::V3, facts()), V3);
        covers(&health(Wire::V4, facts()), V3);
        covers(
            &health(Wire::V4, facts()),
            r#"{"plugins":{"loaded":[],"errors":[],"unavailable":[]},"configReload":{"hotReloadStatus":"active"},
                "modelRuntime":{"degraded":false,"pendingAgents":[]},"eventLoop":{"degraded":true,
                "degradedSinceMs":2032,"reasons":["cpu"],"intervalMs":1.5,"delayP99Ms":109.2,"delayMaxMs":109.2,
                "utilization":0.6,"cpuCoreRatio":1.598,"cpuBreakdown":{"mainThreadCoreRatio":0.4,
                "hostUtilization":0.8,"hostCpuCount":2,"workerCoreRatio":0.8,"otherThreadsCoreRatio":0.3}}}"#,
        );
        let v3 = serde_json::to_value(health(Wire::V3, facts())).unwrap();
        assert!(v3.get("plugins").is_none() && v3.get("eventLoop").is_none());
        let unknown = HealthFacts { config_watched: false, event_loop: None, ..facts() };
        let v4 = serde_json::to_value(health(Wire::V4, unknown)).unwrap();
        assert!(v4.get("eventLoop").is_none(), "nothing is made up");
        assert_eq!(v4["configReload"]["hotReloadStatus"], "disabled");
    }

    #[test]
    fn the_newest_sessions_with_their_age() {
        let payload = health(Wire::V3, facts());
        assert_eq!(payload.heartbeat_seconds, 90);
        assert_eq!(payload.sessions, payload.agents[0].sessions);
        let recent: Vec<_> = payload.sessions.recent.iter().map(|s| (&*s.key, s.age)).collect();
        assert_eq!(recent.len(), SESSIONS_RECENT_MAX);
        assert_eq!(recent[0], ("agent:main:6", Some(4)));
    }
}

//! The health snapshot: gathered from every shard, encoded once, published with the view.
//!
//! Refreshed every minute, and after connects (as upstream does) at most once a second.

use pincer_protocol::Wire;
use pincer_protocol::event::EncodedEvent;
use pincer_protocol::method::system::{
    AgentHealth, HealthFacts, Heartbeat, RecentSession, SESSIONS_RECENT_MAX, SessionsSummary, health,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

use crate::Shard;
use crate::fanout::{Audience, Broadcast};
use crate::gather::{Part, Query};
use crate::home::view::View;
use crate::limits::time;
use crate::query::AgentDigest;
use crate::shard::Timer;

impl Shard {
    /// Asks for a refresh; several at once make one.
    pub(crate) fn refresh_health_soon(&mut self) {
        let Some(home) = &mut self.home else { return };
        if std::mem::replace(&mut home.health_due, true) {
            return;
        }
        let gap = home.health_at_ms.map_or(0, |at| at + time::HEALTH_GAP_MS);
        self.timers.set(gap.max(self.now.mono_ms), Timer::Health);
    }

    /// Refreshes the snapshot and tells everybody.
    pub(crate) fn refresh_health(&mut self) {
        let now_ms = self.now.mono_ms;
        let Some(home) = &mut self.home else { return };
        home.health_due = false;
        home.health_at_ms = Some(now_ms);
        self.ask_all(Query::Digest { recent_max: SESSIONS_RECENT_MAX }, |shard, parts| {
            let digests = merge(parts);
            let event_loop = shard.load.read(shard.now.mono_ms).map(|load| load.event_loop);
            let facts = |wire| HealthFacts {
                event_loop: event_loop.clone().filter(|_| wire == Wire::V4),
                ..shard.view.health_facts(&digests, wire, shard.now.wall_ms)
            };
            let v3 = raw(&health(Wire::V3, facts(Wire::V3)));
            let v4 = raw(&health(Wire::V4, facts(Wire::V4)));
            let Some(home) = &mut shard.home else { return };
            home.health_version += 1;
            let version = home.state_version();
            let view =
                View { version, health_v3: v3.clone(), health_v4: v4.clone(), ..View::clone(&shard.view) };
            shard.set_view(view);
            let event = |payload: &RawValue| EncodedEvent::new("health", payload, Some(version));
            shard.broadcast(Broadcast {
                v3: Some((event(&v3), Audience::Everyone)),
                v4: Some((event(&v4), Audience::Everyone)),
                droppable: true,
            });
        });
    }

    /// The minute's refresh.
    pub(crate) fn health_timer(&mut self) {
        let now_ms = self.now.mono_ms;
        let Some(home) = &self.home else { return };
        let fresh = home.health_at_ms.is_some_and(|at| at + time::HEALTH_MS > now_ms);
        self.timers.set(now_ms + time::HEALTH_MS, Timer::HealthMinute);
        if !fresh {
            self.refresh_health();
        }
    }
}

/// Joins the shards' digests, agent by agent.
pub(crate) fn merge(parts: Vec<Part>) -> Vec<AgentDigest> {
    let mut agents: Vec<AgentDigest> = Vec::new();
    for part in parts {
        let Part::Digest(digests) = part else { continue };
        for digest in digests {
            match agents.iter_mut().find(|held| held.agent == digest.agent) {
                Some(held) => {
                    held.count += digest.count;
                    held.recent.extend(digest.recent);
                    held.recent.sort_by_key(|listed| std::cmp::Reverse(listed.entry.updated_at));
                }
                None => agents.push(digest),
            }
        }
    }
    agents
}

fn raw<T: Serialize>(payload: &T) -> Arc<RawValue> {
    match to_raw_value(payload) {
        Ok(raw) => raw.into(),
        // Our own types serialize without failing; the empty document keeps clients alive if that is ever wrong.
        Err(_) => Arc::from(RawValue::NULL.to_owned()),
    }
}

impl View {
    fn health_facts(&self, digests: &[AgentDigest], wire: Wire, ts: u64) -> HealthFacts {
        let agents = self
            .agents()
            .into_iter()
            .map(|agent| {
                let id = pincer_sessions::agent::AgentId::sanitise(&agent.id);
                let digest = digests.iter().find(|digest| digest.agent == id);
                AgentHealth {
                    agent_id: id.as_str().into(),
                    name: agent.name.map(Into::into),
                    is_default: id == self.default_agent,
                    heartbeat: Heartbeat::default(),
                    sessions: SessionsSummary {
                        path: self.sessions_path(&id, wire).into(),
                        count: digest.map_or(0, |digest| digest.count),
                        recent: digest
                            .iter()
                            .flat_map(|digest| &digest.recent)
                            .map(|listed| RecentSession {
                                key: listed.key.as_str().into(),
                                updated_at: Some(listed.entry.updated_at),
                                age: None,
                            })
                            .collect(),
                    },
                }
            })
            .collect();
        HealthFacts {
            ts,
            duration_ms: 0,
            default_agent_id: self.default_agent.as_str().into(),
            agents,
            channels: Vec::new(),
            config_watched: false,
            event_loop: None,
        }
    }

    /// The agents of the config, the default first.
    pub(crate) fn agents(&self) -> Vec<pincer_config::section::agents::Agent> {
        let mut agents = self.config().agents.roster();
        agents.sort_by_key(|agent| agent.id != self.default_agent.as_str());
        agents
    }
}

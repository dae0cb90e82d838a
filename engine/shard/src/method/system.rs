//! `health`, `status`, presence, logs, and what is configured: models, agents, channels.

use pincer_protocol::connect::PresenceEntry;
use pincer_protocol::method::system::{
    AgentStatusFacts, Health, HealthPayload, Heartbeat, HeartbeatOutcome, LastHeartbeat, LogsTail,
    SessionFacts, Status, StatusFacts, StatusPayload, SystemPresence, TailParams, TailPayload, status,
};
use pincer_protocol::method::{NoParams, channels, gateway, models};
use pincer_protocol::{ErrorShape, Scope, Wire};
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::SessionKind;
use pincer_sessions::persist::{ReadAnswer, StoreRead};
use std::sync::Arc;

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::Query;
use crate::home::health::merge;
use crate::host::HostIntegrity;
use crate::query::{AgentDigest, Listed};

/// Most rows of `status`' lists; upstream's.
const STATUS_RECENT_MAX: usize = 10;
/// How long running turns get when the gateway stops, milliseconds, unless configured.
pub(crate) const DRAIN_BUDGET_MS: u64 = 30_000;

impl Handle for Health {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<HealthPayload> {
        let view = &cx.shard.view;
        Ok(Answer::Encoded(match cx.caller.wire {
            Wire::V3 => Arc::clone(&view.health_v3),
            Wire::V4 => Arc::clone(&view.health_v4),
        }))
    }
}

impl Handle for Status {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<StatusPayload> {
        let held = cx.hold();
        let query = Query::Digest { recent_max: STATUS_RECENT_MAX };
        cx.shard.ask_all(query, move |shard, parts| {
            let digests = merge(parts);
            let wire = held.wire;
            let view = Arc::clone(&shard.view);
            let agents = view
                .agents()
                .into_iter()
                .map(|agent| {
                    let id = AgentId::sanitise(&agent.id);
                    let digest = digests.iter().find(|digest| digest.agent == id);
                    agent_facts(&view, &id, digest, wire)
                })
                .collect();
            let running = shard.sessions.map.values().filter(|session| session.run.is_some()).count();
            // v3 shows none of it.
            let load = if wire == Wire::V4 { shard.load.read(shard.now.mono_ms) } else { None };
            let facts = StatusFacts {
                now_ms: shard.now.wall_ms,
                default_agent_id: view.default_agent.as_str().into(),
                agents,
                channel_summary: Vec::new(),
                queued_system_events: Vec::new(),
                sensitive: held.who.allows(Scope::Admin),
                version: env!("CARGO_PKG_VERSION"),
                pid: std::process::id(),
                memory: load.as_ref().and_then(|load| load.memory),
                event_loop: load.map(|load| load.event_loop),
                drain_budget_ms: view.config().engine.drain_ms.unwrap_or(DRAIN_BUDGET_MS),
                requests_running: running as u64,
            };
            // Beside upstream's keys: who checks what is run. It must be plain to see while nothing is checked.
            #[derive(serde::Serialize)]
            struct WithDefender {
                #[serde(flatten)]
                status: StatusPayload,
                defender: Defender,
            }
            #[derive(serde::Serialize)]
            #[serde(rename_all = "camelCase")]
            struct Defender {
                mode: &'static str,
                note: &'static str,
                /// Of the policy; 0 when it says none.
                version: u64,
                /// `default`, `config`, or `bundle` and the id of the key that vouched for it.
                source: String,
                /// What it protects less than the policy before this start.
                #[serde(skip_serializing_if = "<[String]>::is_empty")]
                weaker_than_before: Arc<[String]>,
                #[serde(skip_serializing_if = "Option::is_none")]
                host_integrity: Option<HostIntegrity>,
            }
            let (mode, note) = view.defender.describe();
            let defender = Defender {
                mode,
                note,
                version: view.defender.policy().version.get(),
                source: view.defender.source().to_string(),
                weaker_than_before: Arc::clone(&view.settings.weaker),
                host_integrity: view.host,
            };
            let payload = WithDefender { status: status(wire, facts), defender };
            shard.answer(held, Ok(&payload));
        });
        Ok(Answer::Later)
    }
}

fn agent_facts(
    view: &crate::home::view::View,
    id: &AgentId,
    digest: Option<&AgentDigest>,
    wire: Wire,
) -> AgentStatusFacts {
    let main = view.key_rules(wire, false).main_key_of(id);
    let model = view.session_model(&main, None);
    let endpoint = view.endpoint(&model);
    AgentStatusFacts {
        agent_id: id.as_str().into(),
        heartbeat: Heartbeat::default(),
        path: view.sessions_path(id, wire).into(),
        count: digest.map_or(0, |digest| digest.count),
        sessions: digest.iter().flat_map(|digest| &digest.recent).map(session_facts).collect(),
        provider: Some(model.provider.into()),
        model: Some(model.model.into()),
        context_tokens: endpoint.map(|endpoint| view.context_tokens(&endpoint)),
    }
}

/// A kind as rows name it.
fn kind_name(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Global => "global",
        SessionKind::Unknown => "unknown",
        SessionKind::Group => "group",
        SessionKind::Direct => "direct",
    }
}

fn session_facts(listed: &Listed) -> SessionFacts {
    let entry = &listed.entry;
    let (tuning, counters) = (entry.tuning(), entry.counters());
    let word = |word: Option<&str>| word.map(Into::into);
    SessionFacts {
        key: listed.key.as_str().into(),
        kind: kind_name(listed.key.kind()).into(),
        session_id: Some(entry.session_id.as_str().into()),
        updated_at: Some(entry.updated_at),
        thinking_level: word(tuning.thinking_level.map(|level| level.as_str())),
        verbose_level: word(tuning.verbose_level.map(|level| level.as_str())),
        reasoning_level: word(tuning.reasoning_level.map(|level| level.as_str())),
        elevated_level: word(tuning.elevated_level.map(|level| level.as_str())),
        system_sent: entry.system_sent,
        aborted_last_run: entry.aborted_last_run,
        input_tokens: counters.input_tokens,
        output_tokens: counters.output_tokens,
        cache_read: counters.cache_read,
        cache_write: counters.cache_write,
        total_tokens: counters.total_tokens.filter(|_| counters.total_tokens_fresh == Some(true)),
        provider_override: tuning.provider_override.clone(),
        model_override: tuning.model_override.clone(),
        context_tokens: counters.context_tokens,
    }
}

impl Handle for SystemPresence {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<Vec<Arc<PresenceEntry>>> {
        Ok(Answer::Now(cx.shard.view.presence.to_vec()))
    }
}

impl Handle for LastHeartbeat {
    fn handle(_: &mut Cx<'_>, _: NoParams) -> Outcome<Option<HeartbeatOutcome>> {
        // Heartbeats are not built; upstream answers null until one has run.
        Ok(Answer::Now(None))
    }
}

impl Handle for LogsTail {
    fn handle(cx: &mut Cx<'_>, params: TailParams) -> Outcome<TailPayload> {
        let held = cx.hold();
        let read =
            StoreRead::Log { cursor: params.cursor, lines_max: params.limit, bytes_max: params.max_bytes };
        cx.shard.read(read, move |shard, answer| match answer {
            ReadAnswer::Log { file, cursor, size, lines, truncated, reset } => {
                let payload = TailPayload {
                    file: file.into(),
                    cursor,
                    size,
                    lines,
                    truncated,
                    reset,
                    skipped_bytes: None,
                };
                let payload = payload.finish(held.wire, params);
                shard.answer(held, Ok(&payload));
            }
            ReadAnswer::Failed(why) => {
                let error = ErrorShape::unavailable(format!("log read failed: {why}"));
                shard.answer::<()>(held, Err(error));
            }
            ReadAnswer::Transcripts(_) | ReadAnswer::Quarantined(_) => {
                shard.answer::<()>(held, Err(ErrorShape::unavailable("log read failed")));
            }
        });
        Ok(Answer::Later)
    }
}

impl Handle for channels::Status {
    fn handle(cx: &mut Cx<'_>, _: channels::StatusParams) -> Outcome<channels::StatusPayload> {
        // No channel is built yet, so none is configured.
        let (wire, now) = (cx.caller.wire, cx.shard.now);
        let load = if wire == Wire::V4 { cx.shard.load.read(now.mono_ms) } else { None };
        Ok(Answer::Now(channels::status(wire, now.wall_ms, &[], load.map(|load| load.event_loop))))
    }
}

impl Handle for models::List {
    fn handle(cx: &mut Cx<'_>, params: models::ListParams) -> Outcome<models::Payload> {
        let facts = cx.shard.view.model_facts();
        Ok(Answer::Now(models::payload(cx.caller.wire, &params, &facts)))
    }
}

impl Handle for gateway::IdentityGet {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<gateway::Identity> {
        let facts = &cx.shard.view.facts;
        Ok(Answer::Now(gateway::Identity {
            device_id: facts.device_id.as_str().into(),
            public_key: facts.public_key.as_str().into(),
        }))
    }
}

impl crate::home::view::View {
    /// The models that may be used, the default first.
    pub(crate) fn model_facts(&self) -> Vec<models::ModelFacts> {
        let mut rows = self.config().catalog();
        rows.sort_by_key(|row| !row.is_default);
        rows.iter()
            .map(|row| models::ModelFacts {
                id: row.model_ref.model.as_str().into(),
                name: Some(row.model.display_name().into()),
                provider: row.model_ref.provider.as_str().into(),
                context_window: Some(u64::from(row.model.context())),
                reasoning: row.model.reasoning,
                input: row.model.input.iter().map(|kind| kind.as_str().into()).collect(),
                default: row.is_default,
            })
            .collect()
    }
}

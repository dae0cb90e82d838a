//! `agent` and `agent.wait`: a run whose caller gets the result under the same request id.

use pincer_protocol::method::agent::{Run, RunParams, RunPayload, Wait, WaitParams, WaitPayload};
use pincer_protocol::method::chat::AttachmentParam;
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::agent::AgentId;
use pincer_sessions::entry::SessionId;
use pincer_sessions::entry::level::Thinking;
use pincer_sessions::idempotency::{Begin, Family, Fingerprint, Outcome as Ended};
use pincer_sessions::inbound;
use pincer_sessions::key::{KeyError, SessionKey};
use pincer_sessions::turn::{Origin, Route, Turn, TurnOptions};
use serde_json::{Value, json};

use super::send::sender;
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, MethodCall, Outcome};
use crate::driver::ShardId;
use crate::gather::{Part, Query};
use crate::message::{ForwardedCall, ShardMsg};
use crate::query::{Listed, RunFound};
use crate::run::Asker;

/// How long `agent.wait` waits when the client does not say; upstream's.
const WAIT_DEFAULT_MS: u64 = 30_000;
/// Longest wait, so that a forgotten one does not stay for ever (ours).
const WAIT_MAX_MS: u64 = 24 * 60 * 60 * 1_000;
/// Channels that `agent` may name: the gateway itself, and those that upstream brings along. None of the latter is built
/// yet, but OpenClaw's command line names one with every message.
const CHANNELS: [&str; 11] = [
    "webchat",
    "internal",
    "last",
    "telegram",
    "whatsapp",
    "discord",
    "irc",
    "googlechat",
    "slack",
    "signal",
    "imessage",
];

impl Handle for Run {
    fn handle(cx: &mut Cx<'_>, params: RunParams) -> Outcome<RunPayload> {
        let wire = cx.caller.wire;
        for channel in [&params.channel, &params.reply_channel].into_iter().flatten() {
            if !CHANNELS.contains(&channel.trim().to_lowercase().as_str()) {
                return Err(bad(&format!("unknown channel: {channel}")));
            }
        }
        let key = match target(cx.shard, &params, wire)? {
            Some(key) => key,
            None if blank(&params.session_id).is_some() => return find_session(cx, params),
            None if wire == Wire::V3 => {
                // Upstream accepts first and fails then; the ack tells nobody anything.
                return Err(ErrorShape::unavailable(
                    "Error: Pass --to <E.164>, --session-id, or --agent to choose a session",
                ));
            }
            None => SessionKey::from_stored(&format!(
                "agent:{}:explicit:{}",
                cx.shard.view.default_agent.as_str(),
                params.idempotency_key.to_lowercase()
            )),
        };
        // The key was not in the params, so the call may have landed on the wrong shard.
        if cx.shard.owner(&key) != cx.shard.id {
            let held = cx.hold();
            run_at_owner(cx.shard, held, &key, params);
            return Ok(Answer::Later);
        }
        run(cx, key, params)
    }
}

/// A call whose session is known by now starts over, on the shard that owns it.
fn run_at_owner(shard: &mut Shard, held: Held, key: &SessionKey, params: RunParams) {
    let params = RunParams { session_key: Some(key.as_str().to_owned()), ..params };
    let call = ForwardedCall { call: MethodCall::Agent(params), held };
    let owner = shard.owner(key);
    if owner == shard.id {
        shard.run_forwarded(call);
    } else {
        shard.send(owner, ShardMsg::Call(Box::new(call)));
    }
}

/// Runs in the session of an id; when there is none, in one of its own, as upstream does: `agent:<id>:explicit:<id>`.
fn find_session(cx: &mut Cx<'_>, params: RunParams) -> Outcome<RunPayload> {
    let wanted = params.session_id.as_deref().unwrap_or("").trim();
    let Some(id) = SessionId::parse(wanted) else {
        return Err(bad(&format!(r#"invalid session id "{wanted}""#)));
    };
    let view = &cx.shard.view;
    let agent = blank(&params.agent_id).map(|id| AgentId::sanitise(&id));
    let of_agent = agent.clone().unwrap_or_else(|| view.default_agent.clone());
    let own = SessionKey::parse(
        &format!("agent:{}:explicit:{id}", of_agent.as_str()),
        &view.key_rules(cx.caller.wire, true),
    )?;
    let default_agent = view.default_agent.clone();
    let held = cx.hold();
    let query = Query::Sessions(Box::new(move |key, entry| {
        entry.session_id == id && agent.as_ref().is_none_or(|agent| key.store_agent(&default_agent) == *agent)
    }));
    cx.shard.ask_all(query, move |shard, parts| {
        let mut found: Vec<Listed> = Vec::new();
        for part in parts {
            if let Part::Sessions(sessions) = part {
                found.extend(sessions);
            }
        }
        let latest = found.into_iter().max_by_key(|listed| listed.entry.updated_at);
        let params = RunParams { makes_session_id: latest.is_none(), ..params };
        let key = latest.map_or(own, |listed| listed.key);
        run_at_owner(shard, held, &key, params);
    });
    Ok(Answer::Later)
}

fn blank(text: &Option<String>) -> Option<String> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn run(cx: &mut Cx<'_>, key: SessionKey, params: RunParams) -> Outcome<RunPayload> {
    let wire = cx.caller.wire;
    let attachments: &[AttachmentParam] = &params.attachments;
    let inbound = inbound::receive(wire, &params.message, attachments)?;
    let shard = &mut *cx.shard;
    let denied = shard.sessions.map.get(&key).is_some_and(|session| {
        session.entry.tuning().send_policy == Some(pincer_sessions::entry::level::SendPolicy::Deny)
    });
    if denied && wire == Wire::V3 {
        return Err(ErrorShape::invalid("send blocked by session policy"));
    }
    if shard.draining.is_some() {
        return Err(ErrorShape::busy("the gateway is shutting down", 1_500));
    }
    let run_id = params.idempotency_key.clone();
    let now = shard.now;
    let mut accepted = json!({"runId": run_id, "status": "accepted", "acceptedAt": now.wall_ms});
    if wire == Wire::V4
        && let Some(fields) = accepted.as_object_mut()
    {
        fields.insert("sessionKey".to_owned(), key.as_str().into());
        fields.insert("agentId".to_owned(), key.store_agent(&shard.view.default_agent).as_str().into());
    }
    let fingerprint = Fingerprint::of([key.as_str(), inbound.text.as_str()]);
    match shard.sessions.idempotency.begin(Family::Agent, &run_id, fingerprint, now) {
        Begin::Fresh => {}
        Begin::InFlight { .. } => {
            let held = cx.hold();
            cx.shard.answer(held, Ok(&accepted));
            return Ok(Answer::Later);
        }
        Begin::Done { receipt, .. } => {
            let repeat = match &receipt.outcome {
                Ended::Ok { payload: Some(payload) } => serde_json::from_str(payload).ok(),
                Ended::Ok { payload: None } => {
                    Some(json!({"runId": run_id, "status": "ok", "summary": "completed"}))
                }
                Ended::Error { .. } => None,
            };
            let failed = match &receipt.outcome {
                Ended::Error { summary } => Some(summary.clone()),
                Ended::Ok { .. } => None,
            };
            let held = cx.hold();
            match (repeat, failed) {
                (Some::<Value>(payload), _) => cx.shard.answer(held, Ok(&payload)),
                (None, summary) => {
                    let summary = summary.unwrap_or_default();
                    let payload = json!({"runId": run_id, "status": "error", "summary": summary});
                    cx.shard.answer_failure(held, &payload, &ErrorShape::unavailable(summary));
                }
            }
            return Ok(Answer::Later);
        }
        Begin::Full => return Err(ErrorShape::busy("too many requests are in flight", 1_000)),
    }
    match shard.ensure_session(&key) {
        // A session that is made for the id it was asked for by has that id.
        Ok(true) => {
            let id = params.session_id.as_deref().filter(|_| params.makes_session_id);
            let id = id.and_then(|id| SessionId::parse(id.trim()));
            if let (Some(id), Some(session)) = (id, shard.sessions.map.get_mut(&key)) {
                session.entry.session_id = id;
            }
        }
        Ok(false) => {}
        Err(error) => {
            shard.sessions.idempotency.cancel(Family::Agent, &run_id);
            return Err(error);
        }
    }
    let route = params.channel.as_ref().map(|channel| Route {
        channel: channel.clone(),
        to: params.to.clone(),
        account_id: params.account_id.clone(),
        thread_id: params.thread_id.clone(),
    });
    let model = match (&params.provider, &params.model) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (_, model) => model.clone(),
    };
    let turn = Turn {
        seq: 0,
        run_id: run_id.clone(),
        message_id: run_id.clone(),
        session_key: key.clone(),
        spelled_key: params.session_key,
        wire,
        origin: Origin::Agent,
        text: inbound.text,
        attachments: inbound.attachments,
        sender: Some(sender(&cx.caller)),
        route,
        heard: None,
        options: TurnOptions {
            thinking: params.thinking.as_deref().and_then(Thinking::read_v3),
            model,
            timeout_ms: params
                .timeout
                .filter(|seconds| *seconds > 0)
                .map(|seconds| seconds.saturating_mul(1_000)),
            deliver: params.deliver.unwrap_or(false),
            extra_system_prompt: params.extra_system_prompt,
            ..TurnOptions::default()
        },
        accepted_at_ms: now.wall_ms,
        fingerprint,
        merged_ids: Vec::new(),
        released: false,
    };
    let held = cx.hold();
    cx.shard.accepting(&run_id);
    cx.shard.freshen(&key, wire);
    cx.shard.with_leaf(&key.clone(), move |shard| shard.submit(&key, turn, Asker::Agent(held, accepted)));
    Ok(Answer::Later)
}

fn bad(problem: &str) -> ErrorShape {
    ErrorShape::invalid(format!("invalid agent params: {problem}"))
}

/// The session that the params name, if they name one.
fn target(shard: &Shard, params: &RunParams, wire: Wire) -> Result<Option<SessionKey>, ErrorShape> {
    let view = &shard.view;
    let agent = blank(&params.agent_id).map(|id| AgentId::sanitise(&id));
    if let Some(agent) = &agent
        && !view.agents().iter().any(|known| AgentId::sanitise(&known.id) == *agent)
    {
        return Err(bad(&format!(r#"unknown agent id "{}""#, params.agent_id.as_deref().unwrap_or(""))));
    }
    let Some(text) = blank(&params.session_key) else {
        let main = |agent: &AgentId| view.key_rules(wire, true).main_key_of(agent);
        let by_id = blank(&params.session_id).is_some();
        return Ok(match (agent, blank(&params.to)) {
            // v4 takes the id before the agent's main session; v3 the other way round.
            (Some(_), None) if by_id && wire == Wire::V4 => None,
            (Some(agent), _) => Some(main(&agent)),
            (None, Some(_)) if !by_id => Some(main(&view.default_agent)),
            (None, _) => None,
        });
    };
    let key =
        SessionKey::parse(&text, &view.key_rules(wire, true)).map_err(|error| match (&error, wire) {
            (KeyError::Malformed(_), Wire::V3) => bad(&error.to_string()),
            _ => error.into(),
        })?;
    if let Some(agent) = agent {
        let of_key = key.store_agent(&view.default_agent);
        if of_key != agent {
            let problem = format!(
                r#"agent "{}" does not match session key agent "{}""#,
                agent.as_str(),
                of_key.as_str()
            );
            return Err(bad(&problem));
        }
    }
    Ok(Some(key))
}

impl Handle for Wait {
    fn handle(cx: &mut Cx<'_>, params: WaitParams) -> Outcome<WaitPayload> {
        let WaitParams { run_id, timeout_ms } = params;
        let timeout_ms = timeout_ms.unwrap_or(WAIT_DEFAULT_MS).min(WAIT_MAX_MS);
        let held = cx.hold();
        let here = cx.shard.id;
        if cx.shard.runs.ended.get(&run_id).is_some() || cx.shard.runs.keys.contains_key(&run_id) {
            cx.shard.wait_for_run(run_id, held, timeout_ms);
            return Ok(Answer::Later);
        }
        let query = Query::Run { run_id: run_id.clone(), wire: held.wire };
        cx.shard.ask_all(query, move |shard, parts| {
            for part in parts {
                match part {
                    Part::Run(RunFound::Ended(payload)) => return shard.answer(held, Ok(&payload)),
                    Part::Run(RunFound::Busy(owner)) if ShardId(owner) != here => {
                        let call = MethodCall::AgentWait(WaitParams { run_id, timeout_ms: Some(timeout_ms) });
                        return shard
                            .send(ShardId(owner), ShardMsg::Call(Box::new(ForwardedCall { call, held })));
                    }
                    _ => {}
                }
            }
            // Nobody knows it: it may be about to start, here or nowhere.
            shard.wait_for_run(run_id, held, timeout_ms);
        });
        Ok(Answer::Later)
    }
}

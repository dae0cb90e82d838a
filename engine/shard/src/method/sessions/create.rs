//! `sessions.create` (v4): makes a session, or finds it, and may start its first run.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::chat::RunStatus;
use pincer_protocol::method::sessions::{Create, CreateParams, CreatePayload};
use pincer_sessions::agent::AgentId;
use pincer_sessions::entry::SessionId;
use pincer_sessions::inbound::{self, Inbound};
use pincer_sessions::key::SessionKey;
use pincer_sessions::model_ref::resolved_model;
use pincer_sessions::patch::{CreateContext, Creation, PatchContext, create, create_key, create_needs_admin};
use pincer_sessions::reset::Fresh;
use pincer_sessions::turn::TurnOptions;

use super::start::Opening;
use super::{not_saved, require_admin};
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::{Part, Query};
use crate::run::stream::Change;

/// Most names drawn until one belongs to this shard: with 255 shards one in a million creations fails.
const DRAWS_MAX: usize = 4_096;

/// A creation under way.
struct Creating {
    held: Held,
    params: CreateParams,
    key: SessionKey,
    agent: AgentId,
    first: Option<Inbound>,
}

impl Handle for Create {
    fn handle(cx: &mut Cx<'_>, params: CreateParams) -> Outcome<CreatePayload> {
        if create_needs_admin(&params) {
            require_admin(&cx.caller)?;
        }
        let wire = cx.caller.wire;
        let shard = &mut *cx.shard;
        let (key, agent) = shard.name_session(&params, wire)?;
        let parent = match &params.parent_session_key {
            Some(parent) => Some(shard.view.parse_key(parent, wire)?),
            None => None,
        };
        let said = params.message.as_deref().or(params.task.as_deref()).unwrap_or("");
        let attachments = params.attachments.as_deref().unwrap_or_default();
        let first = match (said.trim().is_empty(), attachments.is_empty()) {
            (true, true) => None,
            _ => Some(inbound::receive(wire, said, attachments)?),
        };
        let label = params.label.as_deref().map(str::trim).filter(|label| !label.is_empty());
        let label = label.map(str::to_owned);
        let creating = Creating { held: cx.hold(), params, key, agent, first };
        cx.shard.find_parent(parent, move |shard, parent_id| match label {
            None => shard.create_now(creating, parent_id.as_ref()),
            Some(label) => {
                let key = creating.key.clone();
                shard.reserve_label(&key, Some(&label), move |shard, reserved| match reserved {
                    Ok(()) => shard.create_now(creating, parent_id.as_ref()),
                    Err(error) => shard.answer::<()>(creating.held, Err(error)),
                });
            }
        });
        Ok(Answer::Later)
    }
}

impl Shard {
    /// Key and agent of a session to be made. A name of ours is drawn until it belongs to this shard.
    fn name_session(
        &mut self,
        params: &CreateParams,
        wire: pincer_protocol::Wire,
    ) -> Result<(SessionKey, AgentId), ErrorShape> {
        let roster = self.view.config().agents.roster();
        let known = |agent: &AgentId| roster.iter().any(|known| known.id == agent.as_str());
        for _ in 0..DRAWS_MAX {
            let uuid = self.uuid();
            let (key, agent) = create_key(params, &self.view.key_rules(wire, false), &uuid, &known)?;
            let named = params.key.as_deref().is_some_and(|key| !key.trim().is_empty());
            if named || self.owner(&key) == self.id {
                return Ok((key, agent));
            }
        }
        Err(ErrorShape::busy("no name was found for the session", 100))
    }

    /// The session id of a parent, which may be anywhere.
    fn find_parent(
        &mut self,
        parent: Option<SessionKey>,
        then: impl FnOnce(&mut Shard, Option<SessionId>) + Send + 'static,
    ) {
        let Some(parent) = parent else { return then(self, None) };
        let query = Query::Sessions(Box::new(move |key, _| *key == parent));
        self.ask_all(query, move |shard, parts| {
            let found = parts.into_iter().find_map(|part| match part {
                Part::Sessions(found) => found.into_iter().next(),
                _ => None,
            });
            then(shard, found.map(|found| found.entry.session_id.clone()));
        });
    }

    fn create_now(&mut self, creating: Creating, parent_id: Option<&SessionId>) {
        let Creating { held, params, key, agent, first } = creating;
        let wire = held.wire;
        let before = self.sessions.map.get(&key).map(|session| session.entry.clone());
        let fresh = Fresh { session_id: self.fresh_session_id(), revision: self.uuid().into() };
        let view = std::sync::Arc::clone(&self.view);
        let (rules, workspace) = (view.key_rules(wire, false), view.workspace(&key));
        let context = CreateContext {
            patch: PatchContext {
                key: &key,
                agent: &agent,
                wire,
                now_ms: self.now.wall_ms,
                models: &*view,
                label_taken: &|_| false,
            },
            rules: &rules,
            workspace: &workspace,
            parent_id,
        };
        let made = self.ensure_session(&key).and_then(|_| create(before.as_ref(), &params, fresh, &context));
        let Creation { entry, .. } = match made {
            Ok(made) => made,
            Err(error) => {
                if before.is_none() {
                    self.sessions.map.remove(&key);
                }
                self.sync_label(&key);
                return self.answer::<()>(held, Err(error));
            }
        };
        if let Some(session) = self.sessions.map.get_mut(&key) {
            session.entry = entry.clone();
        }
        let ops = self.entry_op(&key).into_iter().collect();
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.take_back(&key, before, &entry);
                shard.sync_label(&key);
                return shard.answer::<()>(held, Err(not_saved(&error)));
            }
            shard.session_changed(&key, Change::Reason("create"));
            let mut payload = CreatePayload {
                ok: true,
                key: key.to_string(),
                session_id: entry.session_id.to_string(),
                entry: shard.entry_json(&key, &entry, wire),
                run_started: false,
                run_id: None,
                status: None,
                resolved: resolved_model(&entry, &agent, &*shard.view),
            };
            let Some(inbound) = first else { return shard.answer(held, Ok(&payload)) };
            let run_id = params.idempotency_key.unwrap_or_else(|| shard.uuid());
            payload.run_started = true;
            payload.run_id = Some(run_id.clone());
            payload.status = Some(RunStatus::Started);
            let options = TurnOptions { timeout_ms: params.timeout_ms, ..TurnOptions::default() };
            let spelled = key.as_str().to_owned();
            match serde_json::to_value(&payload) {
                Ok(ack) => {
                    shard.open_with(held, Opening { key, spelled, inbound, run_id, options }, ack);
                }
                Err(_) => shard.answer::<()>(held, Err(ErrorShape::unavailable("the answer is not JSON"))),
            }
        });
    }
}

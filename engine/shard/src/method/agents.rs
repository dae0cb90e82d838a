//! `agents.list` and `agent.identity.get`: the agents of the config.

use pincer_config::section::agents::Identity;
use pincer_protocol::method::NoParams;
use pincer_protocol::method::agents::{
    AgentFacts, AgentIdentity, IdentityGet, IdentityParams, IdentityPayload, List, ListFacts, ListPayload,
    agent_mismatch, identity, list, malformed_key,
};
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::{KeyError, SessionKey};

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::home::view::View;

impl Handle for List {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<ListPayload> {
        let view = &cx.shard.view;
        let roster = view.agents();
        let facts = ListFacts {
            default_id: view.default_agent.as_str().into(),
            explicit: roster.iter().any(|agent| agent.marked_default),
            main_key: view.main_key.as_str().into(),
            scope: view.scope_name().into(),
            agents: roster
                .iter()
                .map(|agent| {
                    let id = AgentId::sanitise(&agent.id);
                    let main = view.key_rules(cx.caller.wire, false).main_key_of(&id);
                    let chain = view.config().model_chain(id.as_str());
                    let model = view.session_model(&main, None);
                    AgentFacts {
                        id: id.as_str().into(),
                        name: agent.name.as_deref().map(Into::into),
                        identity: agent_identity(agent.identity.as_ref()),
                        workspace: view.workspace(&main).into(),
                        reasoning: view.endpoint(&model).is_some_and(|endpoint| view.reasons(&endpoint)),
                        model: Some(model.to_string().into()),
                        fallbacks: chain.iter().skip(1).map(|model| model.to_string().into()).collect(),
                    }
                })
                .collect(),
        };
        Ok(Answer::Now(list(cx.caller.wire, facts)))
    }
}

impl Handle for IdentityGet {
    fn handle(cx: &mut Cx<'_>, params: IdentityParams) -> Outcome<IdentityPayload> {
        let (view, wire) = (&cx.shard.view, cx.caller.wire);
        let blank = |text: Option<Box<str>>| text.filter(|text| !text.trim().is_empty());
        let named = blank(params.agent_id).map(|id| AgentId::sanitise(&id));
        let of_session = match blank(params.session_key) {
            None => None,
            Some(text) => match SessionKey::parse(&text, &view.key_rules(wire, true)) {
                Ok(key) => Some(key.store_agent(&view.default_agent)),
                Err(KeyError::Empty) => None,
                Err(_) => return Err(malformed_key(&text)),
            },
        };
        if let (Some(named), Some(of_session)) = (&named, &of_session)
            && named != of_session
        {
            return Err(agent_mismatch(wire, named.as_str(), of_session.as_str()));
        }
        let agent = named.or(of_session).unwrap_or_else(|| view.default_agent.clone());
        Ok(Answer::Now(view.identity(agent.as_str(), wire)))
    }
}

impl View {
    /// How an agent presents itself.
    pub(crate) fn identity(&self, agent: &str, wire: pincer_protocol::Wire) -> IdentityPayload {
        let known = self.config().agents.get(agent);
        let of_agent = agent_identity(known.as_ref().and_then(|agent| agent.identity.as_ref()));
        identity(wire, agent, &AgentIdentity::default(), &of_agent)
    }
}

fn agent_identity(identity: Option<&Identity>) -> AgentIdentity {
    let Some(identity) = identity else { return AgentIdentity::default() };
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    AgentIdentity {
        name: text(&identity.name),
        theme: text(&identity.theme),
        emoji: text(&identity.emoji),
        avatar: text(&identity.avatar),
        avatar_url: None,
    }
}

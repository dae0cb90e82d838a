//! `agents.list` and `agent.identity.get`.

use serde::{Deserialize, Serialize};

use super::models::{ThinkingLevel, thinking_default, thinking_levels};
use super::{EMPTY, NoParams, Rpc};
use crate::access::{Access, Scope};
use crate::connect::Ownership;
use crate::schema::{NON_EMPTY, Object, TEXT, opt};
use crate::{ErrorShape, Wire};

/// The configured agents.
pub struct List;

/// Payload of `agents.list`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPayload {
    /// The agent that answers unless another is named.
    pub default_id: Box<str>,
    /// v4: how that agent came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// v4: whether a client must name an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_required: Option<bool>,
    /// Short name of the main session.
    pub main_key: Box<str>,
    /// `per-sender` or `global`.
    pub scope: Box<str>,
    /// The agents, the default first.
    pub agents: Vec<Agent>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its id.
    pub id: Box<str>,
    /// Its name in the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// How it presents itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<AgentIdentity>,
    /// What v4 adds.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub v4: Option<AgentV4>,
}

/// How an agent presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentIdentity {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// Mood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Box<str>>,
    /// Emoji.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<Box<str>>,
    /// Picture: a path, a URL or a short text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Box<str>>,
    /// Picture a browser can load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Box<str>>,
}

impl AgentIdentity {
    fn is_empty(&self) -> bool {
        *self == AgentIdentity::default()
    }
}

/// What v4 says more of an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentV4 {
    /// Its folder.
    pub workspace: Box<str>,
    /// Whether that folder is a git repository; we do not look.
    pub workspace_git: bool,
    /// What runs it.
    pub agent_runtime: AgentRuntime,
    /// How hard its model can be asked to think.
    pub thinking_levels: Vec<ThinkingLevel>,
    /// The same, names only.
    pub thinking_options: Vec<&'static str>,
    /// How hard its model thinks unless told otherwise.
    pub thinking_default: &'static str,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<AgentModel>,
    /// What its tools may do unasked.
    pub default_permission_mode: &'static str,
}

/// What runs an agent: this gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRuntime {
    /// `auto`
    pub id: &'static str,
    /// Whether it may run in a cloud.
    pub cloud_placement_supported: bool,
    /// Whether it may run on a device.
    pub device_placement_supported: bool,
    /// Who chose it.
    pub source: &'static str,
}

/// An agent's model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentModel {
    /// `provider/model`
    pub primary: Box<str>,
    /// Tried in this order when it fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Box<str>>,
}

/// What is known of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentFacts {
    /// Its id.
    pub id: Box<str>,
    /// Its name in the config.
    pub name: Option<Box<str>>,
    /// How it presents itself; empty when the config says nothing.
    pub identity: AgentIdentity,
    /// Its folder.
    pub workspace: Box<str>,
    /// `provider/model`
    pub model: Option<Box<str>>,
    /// Tried in this order when that fails.
    pub fallbacks: Vec<Box<str>>,
    /// Whether its model can think before it answers.
    pub reasoning: bool,
}

/// What is known of all agents.
#[derive(Debug, Clone)]
pub struct ListFacts {
    /// The agent that answers unless another is named.
    pub default_id: Box<str>,
    /// Whether the config names that agent itself.
    pub explicit: bool,
    /// Short name of the main session.
    pub main_key: Box<str>,
    /// `per-sender` or `global`.
    pub scope: Box<str>,
    /// The agents, the default first.
    pub agents: Vec<AgentFacts>,
}

/// How the default agent came about, from how many there are and whether the config names it.
pub fn ownership(agents: usize, explicit: bool) -> Ownership {
    match (agents, explicit) {
        (_, true) => Ownership::Explicit,
        (0 | 1, false) => Ownership::Sole,
        (_, false) => Ownership::Legacy,
    }
}

/// Builds the payload of `agents.list`.
pub fn list(wire: Wire, facts: ListFacts) -> ListPayload {
    let v4 = wire == Wire::V4;
    ListPayload {
        ownership: v4.then(|| ownership(facts.agents.len(), facts.explicit)),
        selection_required: v4.then_some(false),
        default_id: facts.default_id,
        main_key: facts.main_key,
        scope: facts.scope,
        agents: facts.agents.into_iter().map(|facts| agent(wire, facts)).collect(),
    }
}

fn agent(wire: Wire, facts: AgentFacts) -> Agent {
    let v4 = (wire == Wire::V4).then(|| {
        let levels = thinking_levels(facts.reasoning);
        AgentV4 {
            workspace: facts.workspace,
            workspace_git: false,
            agent_runtime: AgentRuntime {
                id: "auto",
                cloud_placement_supported: false,
                device_placement_supported: false,
                source: "implicit",
            },
            thinking_options: levels.iter().map(|level| level.id).collect(),
            thinking_levels: levels,
            thinking_default: thinking_default(facts.reasoning),
            model: facts.model.map(|primary| AgentModel { primary, fallbacks: facts.fallbacks }),
            default_permission_mode: "full",
        }
    });
    let identity = Some(facts.identity).filter(|identity| !identity.is_empty());
    Agent { id: facts.id, name: facts.name, identity, v4 }
}

impl Rpc for List {
    const NAME: &'static str = "agents.list";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = NoParams;
    type Payload = ListPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&EMPTY)
    }
}

/// How an agent presents itself in a chat.
pub struct IdentityGet;

/// Params of `agent.identity.get`; without any, the default agent is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityParams {
    /// Which agent.
    pub agent_id: Option<Box<str>>,
    /// The agent of this session. When both are given they must agree.
    pub session_key: Option<Box<str>>,
}

/// Payload of `agent.identity.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityPayload {
    /// Which agent.
    pub agent_id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// v4: who gave the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_source: Option<NameSource>,
    /// Its picture, or a short text in its place.
    pub avatar: Box<str>,
    /// Its emoji.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<Box<str>>,
}

/// Who gave an agent its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameSource {
    /// `ui.assistant` of the config.
    Config,
    /// The agent's own identity.
    Agent,
    /// Nobody.
    Default,
}

/// Name of an agent that has none.
const NAME_DEFAULT: &str = "Assistant";
/// Avatar of an agent that has none.
const AVATAR_DEFAULT: &str = "A";
/// Longest name, characters; upstream's bound.
const NAME_MAX: usize = 50;
/// Longest avatar, characters; upstream's bound.
const AVATAR_MAX: usize = 200;
/// Longest emoji, UTF-16 units; upstream's bound. Longer is no emoji.
const EMOJI_MAX: usize = 16;

/// Builds the payload of `agent.identity.get`. `assistant` is `ui.assistant` of the config and wins over the agent.
pub fn identity(
    wire: Wire,
    agent_id: &str,
    assistant: &AgentIdentity,
    agent: &AgentIdentity,
) -> IdentityPayload {
    let clip = |text: &Option<Box<str>>, max: usize| -> Option<Box<str>> {
        let text = text.as_deref()?.trim();
        (!text.is_empty()).then(|| text.chars().take(max).collect())
    };
    let (name, source) = if let Some(name) = clip(&assistant.name, NAME_MAX) {
        (name, NameSource::Config)
    } else if let Some(name) = clip(&agent.name, NAME_MAX) {
        (name, NameSource::Agent)
    } else {
        (NAME_DEFAULT.into(), NameSource::Default)
    };
    let avatar = [&assistant.avatar, &agent.avatar, &agent.emoji]
        .into_iter()
        .filter_map(|text| clip(text, AVATAR_MAX))
        .find(|text| is_avatar(text));
    let emoji = [&agent.emoji, &agent.avatar]
        .into_iter()
        .filter_map(|text| clip(text, AVATAR_MAX))
        .find(|text| is_emoji(text));
    IdentityPayload {
        agent_id: agent_id.into(),
        name,
        name_source: (wire == Wire::V4).then_some(source),
        avatar: avatar.unwrap_or_else(|| AVATAR_DEFAULT.into()),
        emoji,
    }
}

/// The agent named beside a session of another one.
pub fn agent_mismatch(wire: Wire, agent_id: &str, session_agent: &str) -> ErrorShape {
    let problem = format!(r#"agent "{agent_id}" does not match session key agent "{session_agent}""#);
    match wire {
        Wire::V3 => ErrorShape::invalid_params(IdentityGet::NAME, &problem),
        Wire::V4 => ErrorShape::invalid(problem),
    }
}

/// A session key that starts like an agent's and is none.
pub fn malformed_key(key: &str) -> ErrorShape {
    ErrorShape::invalid_params(IdentityGet::NAME, &format!(r#"malformed session key "{key}""#))
}

fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["http://", "https://", "data:image/"].iter().any(|prefix| lower.starts_with(prefix))
}

fn is_path(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.contains(['/', '\\'])
        || [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".ico"].iter().any(|end| lower.ends_with(end))
}

/// A URL, a path, or at most four UTF-16 units without a blank.
fn is_avatar(text: &str) -> bool {
    is_url(text) || is_path(text) || (!text.contains(char::is_whitespace) && text.encode_utf16().count() <= 4)
}

fn is_emoji(text: &str) -> bool {
    !text.is_ascii() && text.encode_utf16().count() <= EMOJI_MAX && !is_url(text) && !is_path(text)
}

const IDENTITY: Object = Object { fields: &[opt("agentId", NON_EMPTY), opt("sessionKey", TEXT)] };

impl Rpc for IdentityGet {
    const NAME: &'static str = "agent.identity.get";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = IdentityParams;
    type Payload = IdentityPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&IDENTITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::covers;

    fn ops() -> AgentIdentity {
        AgentIdentity { name: Some("Ops".into()), emoji: Some("🛠".into()), ..Default::default() }
    }

    fn facts() -> ListFacts {
        let main = AgentFacts {
            id: "main".into(),
            name: Some("Main".into()),
            workspace: "/w".into(),
            model: Some("mock/mock-1".into()),
            ..Default::default()
        };
        let ops = AgentFacts { id: "ops".into(), identity: ops(), ..main.clone() };
        ListFacts {
            default_id: "main".into(),
            explicit: false,
            main_key: "main".into(),
            scope: "per-sender".into(),
            agents: vec![ops, main],
        }
    }

    #[test]
    fn the_list_as_recorded() {
        let v3 = list(Wire::V3, facts());
        covers(
            &v3,
            r#"{"defaultId":"main","mainKey":"main","scope":"per-sender",
                "agents":[{"id":"ops","name":"Ops","identity":{"name":"Ops","emoji":"x"}}]}"#,
        );
        assert!(serde_json::to_value(&v3).unwrap()["agents"][1].get("identity").is_none());
        covers(
            &list(Wire::V4, facts()),
            r#"{"defaultId":"main","ownership":"legacy","selectionRequired":false,"mainKey":"main",
                "scope":"per-sender","agents":[{"id":"ops","name":"Ops","identity":{"name":"Ops","emoji":"x"},
                "workspace":"w","workspaceGit":false,"agentRuntime":{"id":"auto","cloudPlacementSupported":false,
                "devicePlacementSupported":false,"source":"implicit"},"thinkingLevels":[{"id":"off","label":"off"}],
                "thinkingOptions":["off"],"thinkingDefault":"off","model":{"primary":"mock/mock-1"},
                "defaultPermissionMode":"full"}]}"#,
        );
    }

    #[test]
    fn identities() {
        let none = AgentIdentity::default();
        let nobody = identity(Wire::V3, "main", &none, &none);
        assert_eq!((&*nobody.name, &*nobody.avatar, nobody.emoji), ("Assistant", "A", None));
        covers(
            &identity(Wire::V4, "ops", &none, &ops()),
            r#"{"agentId":"ops","name":"Ops","nameSource":"agent","avatar":"x","emoji":"x"}"#,
        );
        let boss = AgentIdentity { name: Some("Boss".into()), avatar: Some("not one".into()), ..none };
        let got = identity(Wire::V4, "ops", &boss, &ops());
        assert_eq!((&*got.name, &*got.avatar), ("Boss", "🛠"), "a sentence is no avatar");
        assert_eq!(got.name_source, Some(NameSource::Config));
    }

    #[test]
    fn errors() {
        assert_eq!(
            agent_mismatch(Wire::V3, "main", "ops").message,
            r#"invalid agent.identity.get params: agent "main" does not match session key agent "ops""#
        );
        assert_eq!(
            agent_mismatch(Wire::V4, "main", "ops").message,
            r#"agent "main" does not match session key agent "ops""#
        );
        assert_eq!(
            malformed_key("agent:ops").message,
            r#"invalid agent.identity.get params: malformed session key "agent:ops""#
        );
    }
}

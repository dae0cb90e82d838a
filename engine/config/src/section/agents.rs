//! `agents`: who they are, which one is the default, and which model each uses.

use serde::Deserialize;

use super::ordered;

/// The agent that exists when none is configured.
pub const MAIN_AGENT: &str = "main";
/// Longest agent id.
const AGENT_ID_MAX: usize = 64;

/// `agents`, as written. [`Agents::roster`] says what it means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Agents {
    /// What holds for all agents.
    pub defaults: Defaults,
    list: Vec<Agent>,
    #[serde(deserialize_with = "ordered::pairs")]
    entries: Vec<(String, Agent)>,
    /// 2026.9: `legacy` or `explicit`.
    pub ownership: Option<String>,
}

/// One agent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Agent {
    /// Its id; in what [`Agents::roster`] returns lower-case and safe as a file name.
    pub id: String,
    /// Whether it is the default one, as written; see [`Agents::default_id`].
    #[serde(rename = "default")]
    pub marked_default: bool,
    /// Its name in lists.
    pub name: Option<String>,
    /// The folder it works in.
    pub workspace: Option<String>,
    /// The folder of its own state.
    pub agent_dir: Option<String>,
    /// Its model, where it differs from the default.
    pub model: Option<ModelChoice>,
    /// How it presents itself.
    pub identity: Option<Identity>,
    /// Its own heartbeat.
    pub heartbeat: Option<Heartbeat>,
}

/// `identity`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// Name it calls itself.
    pub name: Option<String>,
    /// What it is.
    pub theme: Option<String>,
    /// One emoji.
    pub emoji: Option<String>,
    /// A path, a URL or a letter.
    pub avatar: Option<String>,
}

/// `heartbeat`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Heartbeat {
    /// A duration such as `30m`.
    pub every: Option<String>,
    /// Where the answer goes.
    pub target: Option<String>,
    /// To whom.
    pub to: Option<String>,
    /// What the model is asked.
    pub prompt: Option<String>,
    /// With which model.
    pub model: Option<String>,
    /// In which session.
    pub session: Option<String>,
    /// Longest answer that counts as silence.
    pub ack_max_chars: Option<u32>,
}

/// `agents.defaults`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Defaults {
    /// The model and what to try after it.
    pub model: Option<ModelChoice>,
    /// Allowed models; empty: all configured ones.
    #[serde(deserialize_with = "ordered::pairs")]
    pub models: Vec<(String, AllowedModel)>,
    /// The folder agents work in.
    pub workspace: Option<String>,
    /// Whether new workspaces stay empty.
    pub skip_bootstrap: bool,
    /// Zone of the times shown to the model.
    pub user_timezone: Option<String>,
    /// Most tokens of context.
    pub context_tokens: Option<u32>,
    /// How hard models think, as written.
    pub thinking_default: Option<String>,
    /// How much of tools is shown, as written.
    pub verbose_default: Option<String>,
    /// Elevated mode, as written.
    pub elevated_default: Option<String>,
    /// Longest run in seconds; see [`Defaults::run_timeout_ms`].
    pub timeout_seconds: Option<u64>,
    /// The heartbeat.
    pub heartbeat: Option<Heartbeat>,
    /// Most runs at the same time; upstream's is 4 (v3) or 8 (v4).
    pub max_concurrent: Option<u32>,
    system_agent: SystemAgent,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SystemAgent {
    agent_id: Option<String>,
}

impl Defaults {
    /// Longest run in milliseconds; 600 s when unset, as upstream has it.
    pub fn run_timeout_ms(&self) -> u64 {
        self.timeout_seconds.filter(|seconds| *seconds > 0).unwrap_or(600).saturating_mul(1000)
    }

    /// So many tokens of a model's `window` are used.
    pub fn capped(&self, window: u32) -> u64 {
        u64::from(window.min(self.context_tokens.unwrap_or(u32::MAX)))
    }
}

/// One entry of `agents.defaults.models`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AllowedModel {
    /// A short name for it.
    pub alias: Option<String>,
}

/// A model by name, and what to try when it fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "ModelChoiceForms")]
pub struct ModelChoice {
    /// The first choice.
    pub primary: Option<String>,
    /// The next ones, in order; `None`: not said, so an agent uses the default's.
    pub fallbacks: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ModelChoiceForms {
    Name(String),
    Full {
        #[serde(default)]
        primary: Option<String>,
        #[serde(default)]
        fallbacks: Option<Vec<String>>,
    },
}

impl From<ModelChoiceForms> for ModelChoice {
    fn from(forms: ModelChoiceForms) -> ModelChoice {
        match forms {
            ModelChoiceForms::Name(name) => ModelChoice { primary: Some(name), fallbacks: None },
            ModelChoiceForms::Full { primary, fallbacks } => ModelChoice { primary, fallbacks },
        }
    }
}

impl Agents {
    /// Every agent, ids canonical and unique (the first of the same id wins); `main` alone when none is configured.
    pub fn roster(&self) -> Vec<Agent> {
        let listed = self.list.iter().map(|agent| (agent.id.as_str(), agent));
        let entered = self.entries.iter().map(|(id, agent)| (id.as_str(), agent));
        let mut roster: Vec<Agent> = Vec::new();
        for (id, agent) in listed.chain(entered) {
            let id = agent_id(id);
            if roster.iter().all(|known| known.id != id) {
                roster.push(Agent { id, ..agent.clone() });
            }
        }
        if roster.is_empty() {
            roster.push(Agent { id: MAIN_AGENT.to_owned(), marked_default: true, ..Agent::default() });
        }
        roster
    }

    /// The default agent's id: the first one marked `default`, else the system agent that 2026.9 notes, else `main`
    /// among 2026.9's entries, else the first.
    pub fn default_id(&self) -> String {
        let roster = self.roster();
        let find = |wanted: &dyn Fn(&Agent) -> bool| roster.iter().find(|agent| wanted(agent));
        let system = self.defaults.system_agent.agent_id.as_deref().map(agent_id);
        find(&|agent| agent.marked_default)
            .or_else(|| system.and_then(|id| find(&|agent| agent.id == id)))
            .or_else(|| find(&|agent| self.list.is_empty() && agent.id == MAIN_AGENT))
            .or(roster.first())
            .map_or_else(|| MAIN_AGENT.to_owned(), |agent| agent.id.clone())
    }

    /// The agent of that id, in any spelling.
    pub fn get(&self, id: &str) -> Option<Agent> {
        let id = agent_id(id);
        self.roster().into_iter().find(|agent| agent.id == id)
    }

    /// What is odd about the agents, with the path below `agents`.
    pub(crate) fn oddities(&self) -> Vec<(String, String)> {
        let mut odd = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (index, agent) in self.list.iter().enumerate() {
            let id = agent_id(&agent.id);
            let path = format!("list.{index}.id");
            if agent.id.trim().is_empty() {
                odd.push((path, "an agent without an id counts as \"main\"".to_owned()));
            } else if seen.contains(&id) {
                odd.push((path, format!("Duplicate agent id \"{id}\": the first one is used")));
            } else if id != agent.id {
                odd.push((path, format!("is used as \"{id}\"")));
            }
            seen.push(id);
        }
        odd
    }
}

/// The canonical form of an agent id: lower-case, `[a-z0-9][a-z0-9_-]{0,63}`; what does not fit becomes `-`, and what is
/// empty then is `main`.
pub fn agent_id(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let starts = lower.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if starts && lower.len() <= AGENT_ID_MAX && lower.bytes().all(fits) {
        return lower;
    }
    let mut out = String::with_capacity(lower.len());
    for character in lower.chars() {
        let keep = u8::try_from(character).is_ok_and(fits);
        // A run of characters that do not fit becomes one dash.
        if keep || !out.ends_with('-') {
            out.push(if keep { character } else { '-' });
        }
    }
    let mut out: String = out.trim_matches('-').chars().take(AGENT_ID_MAX).collect();
    out.truncate(out.trim_end_matches('-').len());
    if out.is_empty() { MAIN_AGENT.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(agents: Value, ids: &[&str], default: &str) {
        let agents: Agents = serde_json::from_value(agents).unwrap();
        let got: Vec<String> = agents.roster().into_iter().map(|agent| agent.id).collect();
        assert_eq!(got, ids);
        assert_eq!(agents.default_id(), default);
    }

    #[test]
    fn rosters_and_their_default() {
        check(json!({}), &["main"], "main");
        check(json!({"list": [{"id": "a"}, {"id": "main"}]}), &["a", "main"], "a");
        check(json!({"list": [{"id": "a"}, {"id": "b", "default": true}]}), &["a", "b"], "b");
        check(json!({"list": [{"id": "A B"}, {"id": "a-b", "default": true}]}), &["a-b"], "a-b");
        check(json!({"entries": {"z": {}, "main": {}}}), &["z", "main"], "main");
        check(
            json!({"entries": {"z": {}, "ops": {}}, "defaults": {"systemAgent": {"agentId": "ops"}}}),
            &["z", "ops"],
            "ops",
        );
    }

    #[test]
    fn ids() {
        for (text, want) in [
            ("Main", "main"),
            ("bad id!", "bad-id"),
            ("  ", "main"),
            ("--", "main"),
            ("_x", "_x"),
            ("ünï", "n"),
            ("a  b", "a-b"),
        ] {
            assert_eq!(agent_id(text), want, "{text:?}");
        }
        assert_eq!(agent_id(&"x".repeat(70)).len(), AGENT_ID_MAX);
    }

    #[test]
    fn models_in_both_forms() {
        let of = |value: Value| serde_json::from_value::<ModelChoice>(value).unwrap();
        assert_eq!(of(json!("a/b")), ModelChoice { primary: Some("a/b".into()), fallbacks: None });
        assert_eq!(
            of(json!({"primary": "a/b", "fallbacks": ["c"]})),
            ModelChoice { primary: Some("a/b".into()), fallbacks: Some(vec!["c".into()]) }
        );
    }
}

//! Which model a session talks to, and what is known of models.

use std::fmt;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{AgentRuntime, LevelOption, Resolved};

use crate::agent::AgentId;
use crate::entry::Entry;
use crate::entry::level::Thinking;

/// A model by provider and id: `anthropic/claude-opus-4-6`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// Provider id in the config.
    pub provider: Box<str>,
    /// Model id at that provider; may contain `/`.
    pub model: Box<str>,
}

impl ModelRef {
    /// A model by its two parts.
    pub fn new(provider: &str, model: &str) -> ModelRef {
        ModelRef { provider: provider.into(), model: model.into() }
    }

    /// Reads `provider/model`, or a bare id of `default_provider`. `None`: one of the parts is blank.
    pub fn parse(text: &str, default_provider: &str) -> Option<ModelRef> {
        let (provider, model) = match text.trim().split_once('/') {
            Some((provider, model)) => (provider.trim().to_lowercase(), model.trim()),
            None => (default_provider.to_owned(), text.trim()),
        };
        (!provider.is_empty() && !model.is_empty()).then(|| ModelRef::new(&provider, model))
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelFacts {
    /// Whether it reasons.
    pub reasoning: bool,
    /// Its context window, in tokens.
    pub context_tokens: u64,
}

/// The models of the config. Implemented where the config is.
pub trait ModelCatalog {
    /// The model an agent uses unless told.
    fn default_model(&self, agent: &AgentId) -> ModelRef;

    /// What is known of a model; `None` when the config does not describe it.
    fn facts(&self, model: &ModelRef) -> Option<ModelFacts>;

    /// Whether sessions may choose it. Without `agents.defaults.models` they may choose anything.
    fn allows(&self, agent: &AgentId, model: &ModelRef) -> bool;

    /// The model a person names: an alias, `provider/model`, or a bare id of the default model's provider.
    fn named(&self, agent: &AgentId, text: &str) -> Option<ModelRef> {
        ModelRef::parse(text, &self.default_model(agent).provider)
    }
}

/// The model a session uses: its override, else its agent's default.
pub fn model_of(entry: &Entry, agent: &AgentId, models: &dyn ModelCatalog) -> ModelRef {
    let tuning = entry.tuning();
    match (&tuning.provider_override, &tuning.model_override) {
        (Some(provider), Some(model)) => ModelRef { provider: provider.clone(), model: model.clone() },
        (None, Some(model)) => ModelRef { model: model.clone(), ..models.default_model(agent) },
        _ => models.default_model(agent),
    }
}

/// Thinking levels of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinkingProfile {
    /// Those it takes, weakest first.
    pub levels: Vec<Thinking>,
    /// The one taken unless told.
    pub default: Thinking,
}

/// Models that v3 lets think at `xhigh`, in the order upstream tells people.
const XHIGH: [(&str, &str); 7] = [
    ("openai", "gpt-5.2"),
    ("openai-codex", "gpt-5.3-codex"),
    ("openai-codex", "gpt-5.3-codex-spark"),
    ("openai-codex", "gpt-5.2-codex"),
    ("openai-codex", "gpt-5.1-codex"),
    ("github-copilot", "gpt-5.2-codex"),
    ("github-copilot", "gpt-5.2"),
];

/// Whether a model may think at `xhigh`.
pub fn thinks_xhigh(model: &ModelRef) -> bool {
    XHIGH.iter().any(|(provider, id)| **provider == *model.provider && id.eq_ignore_ascii_case(&model.model))
}

/// Names of the models that may, as v3 tells people: `a, b or c`.
pub fn xhigh_models() -> String {
    let names: Vec<String> = XHIGH.iter().map(|(provider, id)| format!("{provider}/{id}")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Levels and default of a model. v3 offers every level to every model; v4 asks what the model can do.
pub fn thinking_profile(wire: Wire, model: &ModelRef, facts: Option<ModelFacts>) -> ThinkingProfile {
    let mut levels = vec![Thinking::Off];
    let reasons = facts.is_none_or(|facts| facts.reasoning);
    if wire == Wire::V3 || reasons {
        levels.extend([Thinking::Minimal, Thinking::Low, Thinking::Medium]);
        if wire == Wire::V4 && thinks_adaptively(model) {
            levels.extend([Thinking::Adaptive, Thinking::High, Thinking::Max]);
            return ThinkingProfile { levels, default: Thinking::Adaptive };
        }
        levels.push(Thinking::High);
    }
    if thinks_xhigh(model) {
        levels.push(Thinking::Xhigh);
    }
    let default = match (wire, facts) {
        (Wire::V3, Some(ModelFacts { reasoning: true, .. })) => Thinking::Low,
        (Wire::V4, Some(ModelFacts { reasoning: true, .. })) => Thinking::Medium,
        _ => Thinking::Off,
    };
    ThinkingProfile { levels, default }
}

/// Anthropic's models from 4.6 on decide themselves how hard to think.
fn thinks_adaptively(model: &ModelRef) -> bool {
    &*model.provider == "anthropic"
        && ["claude-opus-4-6", "claude-sonnet-4-6"].iter().any(|name| model.model.starts_with(name))
}

impl ThinkingProfile {
    /// The levels as people are told them: `off|minimal|low`.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.levels.iter().map(|level| level.as_str()).collect();
        names.join("|")
    }

    /// The levels as v4 offers them.
    pub fn options(&self) -> Vec<LevelOption> {
        self.levels.iter().map(|level| LevelOption::named(level.as_str())).collect()
    }
}

/// `resolved` of an answer: the model a session's settings come to. v4 adds what runs it; `with_thinking`: and how hard
/// it thinks, which upstream tells only after the model or the level was set.
pub fn resolved(
    entry: &Entry,
    agent: &AgentId,
    wire: Wire,
    with_thinking: bool,
    models: &dyn ModelCatalog,
) -> Resolved {
    let model = model_of(entry, agent, models);
    let profile =
        (wire == Wire::V4 && with_thinking).then(|| thinking_profile(wire, &model, models.facts(&model)));
    let level = profile.as_ref().map(|profile| entry.tuning().thinking_level.unwrap_or(profile.default));
    Resolved {
        model_provider: model.provider.into(),
        model: model.model.into(),
        agent_runtime: (wire == Wire::V4).then_some(AgentRuntime::BRIEF),
        runtime_selection_locked: (wire == Wire::V4).then_some(false),
        thinking_level: level.map(Thinking::as_str),
        thinking_levels: profile.map(|profile| profile.options()),
    }
}

/// `resolved` of `sessions.reset` and `sessions.create`: the model alone.
pub fn resolved_model(entry: &Entry, agent: &AgentId, models: &dyn ModelCatalog) -> Resolved {
    resolved(entry, agent, Wire::V3, false, models)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The config of the recordings: provider `mock` with two models, one of which reasons.
    pub(crate) struct Mock {
        /// Models sessions may choose; empty: any.
        pub(crate) allowed: Vec<ModelRef>,
    }

    pub(crate) const MOCK: Mock = Mock { allowed: Vec::new() };

    impl ModelCatalog for Mock {
        fn default_model(&self, _: &AgentId) -> ModelRef {
            ModelRef::new("mock", "mock-1")
        }

        fn facts(&self, model: &ModelRef) -> Option<ModelFacts> {
            match model.to_string().as_str() {
                "mock/mock-1" => Some(ModelFacts { reasoning: false, context_tokens: 128_000 }),
                "mock/mock-2" => Some(ModelFacts { reasoning: true, context_tokens: 64_000 }),
                _ => None,
            }
        }

        fn allows(&self, _: &AgentId, model: &ModelRef) -> bool {
            self.allowed.is_empty() || self.allowed.contains(model)
        }
    }

    #[test]
    fn names_of_models() {
        let parse = |text| ModelRef::parse(text, "mock").map(|model| model.to_string());
        assert_eq!(parse("mock-2").as_deref(), Some("mock/mock-2"));
        assert_eq!(parse(" Anthropic / claude ").as_deref(), Some("anthropic/claude"));
        assert_eq!(parse("openrouter/meta/llama").as_deref(), Some("openrouter/meta/llama"));
        for bad in ["", "  ", "/x", "x/", "/"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[track_caller]
    fn check(wire: Wire, model: (&str, &str), levels: &str, default: Thinking) {
        let model = ModelRef::new(model.0, model.1);
        let profile = thinking_profile(wire, &model, MOCK.facts(&model));
        assert_eq!((profile.names().as_str(), profile.default), (levels, default), "{wire:?} {model}");
    }

    #[test]
    fn levels_by_model() {
        check(Wire::V4, ("mock", "mock-1"), "off", Thinking::Off);
        check(Wire::V4, ("mock", "mock-2"), "off|minimal|low|medium|high", Thinking::Medium);
        check(Wire::V4, ("mock", "none"), "off|minimal|low|medium|high", Thinking::Off);
        check(
            Wire::V4,
            ("anthropic", "claude-opus-4-6"),
            "off|minimal|low|medium|adaptive|high|max",
            Thinking::Adaptive,
        );
        check(Wire::V3, ("mock", "mock-1"), "off|minimal|low|medium|high", Thinking::Off);
        check(Wire::V3, ("mock", "mock-2"), "off|minimal|low|medium|high", Thinking::Low);
        check(Wire::V3, ("openai", "gpt-5.2"), "off|minimal|low|medium|high|xhigh", Thinking::Off);
    }

    #[test]
    fn the_model_of_a_session() {
        use crate::entry::SessionId;
        let mut entry = Entry::new(SessionId::random([0; 16]), 1);
        let of = |entry: &Entry| model_of(entry, &AgentId::default(), &MOCK).to_string();
        assert_eq!(of(&entry), "mock/mock-1");
        entry.tuning_mut().model_override = Some("mock-2".into());
        assert_eq!(of(&entry), "mock/mock-2", "older stores name no provider");
        entry.tuning_mut().provider_override = Some("other".into());
        assert_eq!(of(&entry), "other/mock-2");
    }

    #[test]
    fn xhigh_is_told_as_upstream_tells_it() {
        assert_eq!(
            xhigh_models(),
            "openai/gpt-5.2, openai-codex/gpt-5.3-codex, openai-codex/gpt-5.3-codex-spark, \
             openai-codex/gpt-5.2-codex, openai-codex/gpt-5.1-codex, github-copilot/gpt-5.2-codex \
             or github-copilot/gpt-5.2"
        );
    }
}

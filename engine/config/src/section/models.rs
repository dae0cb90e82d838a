//! `models`, and which model a name means.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::agents::ModelChoice;
use super::{Config, ordered};
use crate::secret::Secret;

/// The embedded provider: deterministic, no account, no network.
pub const LOOPBACK_PROVIDER: &str = "loopback";
/// Its model.
pub const LOOPBACK_MODEL: &str = "loopback-1";
/// Context window of the embedded model, in tokens; large enough that tests of other limits reach those first.
const LOOPBACK_CONTEXT: u32 = 200_000;
/// What is assumed of a model whose window the config does not say, as upstream assumes.
pub const DEFAULT_CONTEXT: u32 = 200_000;
/// What is assumed of a model whose answer limit the config does not say, as upstream assumes.
pub const DEFAULT_MAX_TOKENS: u32 = 8_192;

/// `models`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Models {
    /// Model services by id, in the order written.
    #[serde(deserialize_with = "ordered::pairs")]
    pub providers: Vec<(String, Provider)>,
}

/// One model service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Provider {
    /// Address of the API.
    pub base_url: String,
    /// Its key; empty: none.
    pub api_key: Secret,
    /// How it speaks, as written: `openai-completions`, `anthropic-messages` …
    pub api: Option<String>,
    /// Headers for every call.
    pub headers: BTreeMap<String, Secret>,
    /// What it has.
    pub models: Vec<Model>,
}

/// One model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Model {
    /// Id at its provider.
    pub id: String,
    /// Name in lists, as written; see [`Model::display_name`].
    pub name: Option<String>,
    /// How it speaks, where that differs from its provider.
    pub api: Option<String>,
    /// Whether it can think first.
    pub reasoning: bool,
    /// `text`, `image`; empty: text.
    pub input: Vec<String>,
    /// What it costs.
    pub cost: Cost,
    /// Tokens of context; `None`: not said.
    pub context_window: Option<u32>,
    /// Tokens of one answer; `None`: not said.
    pub max_tokens: Option<u32>,
    /// Headers for calls to this model.
    pub headers: BTreeMap<String, Secret>,
}

/// US dollars a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cost {
    /// Prompt.
    pub input: f64,
    /// Answer.
    pub output: f64,
    /// Prompt read from a cache.
    pub cache_read: f64,
    /// Prompt written to a cache.
    pub cache_write: f64,
}

impl Model {
    /// The name in lists; the id when none is written.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Tokens of context, [`DEFAULT_CONTEXT`] when not said.
    pub fn context(&self) -> u32 {
        self.context_window.unwrap_or(DEFAULT_CONTEXT)
    }

    /// Whether it takes `kind` of input: `text`, `image`.
    pub fn takes(&self, kind: &str) -> bool {
        if self.input.is_empty() { kind == "text" } else { self.input.iter().any(|input| input == kind) }
    }

    /// The embedded model.
    pub fn loopback() -> &'static Model {
        static MODEL: LazyLock<Model> = LazyLock::new(|| Model {
            id: LOOPBACK_MODEL.to_owned(),
            name: Some("Loopback".to_owned()),
            input: vec!["text".to_owned()],
            context_window: Some(LOOPBACK_CONTEXT),
            max_tokens: Some(DEFAULT_MAX_TOKENS),
            ..Model::default()
        });
        &MODEL
    }
}

/// A provider and a model of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelRef {
    /// Provider id.
    pub provider: String,
    /// Model id at that provider; may hold slashes.
    pub model: String,
}

impl ModelRef {
    /// The embedded model.
    pub fn loopback() -> ModelRef {
        ModelRef { provider: LOOPBACK_PROVIDER.to_owned(), model: LOOPBACK_MODEL.to_owned() }
    }

    /// Whether it is the embedded model.
    pub fn is_loopback(&self) -> bool {
        self.provider == LOOPBACK_PROVIDER && self.model == LOOPBACK_MODEL
    }

    /// Reads `provider/model`, split at the first slash. `None` for bare ids and empty parts.
    pub fn parse(text: &str) -> Option<ModelRef> {
        let (provider, model) = text.trim().split_once('/')?;
        let (provider, model) = (provider.trim(), model.trim());
        (!provider.is_empty() && !model.is_empty())
            .then(|| ModelRef { provider: provider.to_lowercase(), model: model.to_owned() })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// One row of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogRow {
    /// How it is named.
    pub model_ref: ModelRef,
    /// What it can do.
    pub model: Model,
    /// How it speaks; `None` for the embedded one and where the config does not say.
    pub api: Option<String>,
    /// Whether it is what runs use when nothing else is said.
    pub is_default: bool,
}

impl Config {
    /// Every model that may be used, in the config's order, the allowlist applied. The embedded model is among them when
    /// nothing else is configured or when it is named.
    pub fn catalog(&self) -> Vec<CatalogRow> {
        let default = self.default_model();
        let mut rows: Vec<CatalogRow> = Vec::new();
        for (id, provider) in &self.models.providers {
            for model in provider.models.iter().filter(|model| !model.id.is_empty()) {
                let model_ref = ModelRef { provider: id.to_lowercase(), model: model.id.clone() };
                let api = model.api.clone().or_else(|| provider.api.clone());
                let is_default = model_ref == default;
                rows.push(CatalogRow { model_ref, model: model.clone(), api, is_default });
            }
        }
        let loopback = ModelRef::loopback();
        let named =
            default == loopback || self.allowlist().is_some_and(|allowed| allowed.contains(&loopback));
        if named && rows.iter().all(|row| row.model_ref != loopback) {
            let is_default = default == loopback;
            rows.push(CatalogRow {
                model_ref: loopback,
                model: Model::loopback().clone(),
                api: None,
                is_default,
            });
        }
        if let Some(allowed) = self.allowlist() {
            rows.retain(|row| allowed.contains(&row.model_ref));
        }
        rows
    }

    /// The model of runs that say nothing else: `agents.defaults.model`, else `engine.defaultModel`, else the first
    /// configured one, else the embedded one.
    pub fn default_model(&self) -> ModelRef {
        let primary = self.agents.defaults.model.as_ref().and_then(|choice| choice.primary.as_deref());
        primary
            .and_then(|name| self.resolve_model(name))
            .or_else(|| self.engine.default_model.as_deref().and_then(|name| self.resolve_model(name)))
            .or_else(|| self.first_model())
            .unwrap_or_else(ModelRef::loopback)
    }

    /// What to run for `agent`, best first: its own model or the default, then the fallbacks. Never empty.
    pub fn model_chain(&self, agent: &str) -> Vec<ModelRef> {
        let own = self.agents.get(agent).and_then(|agent| agent.model).unwrap_or_default();
        let shared = self.agents.defaults.model.clone().unwrap_or_default();
        let first = own
            .primary
            .as_deref()
            .and_then(|name| self.resolve_model(name))
            .unwrap_or_else(|| self.default_model());
        let mut chain = vec![first];
        for name in own.fallbacks.or(shared.fallbacks).unwrap_or_default() {
            if let Some(next) = self.resolve_model(&name)
                && !chain.contains(&next)
            {
                chain.push(next);
            }
        }
        chain
    }

    /// Which model a name means: an alias, `provider/model`, or a bare id of some provider. A bare id that nobody has
    /// belongs to the first provider, as it would to upstream's default one. `None` only for blank names.
    pub fn resolve_model(&self, name: &str) -> Option<ModelRef> {
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        let alias = self.agents.defaults.models.iter().find(|(_, allowed)| {
            allowed.alias.as_deref().is_some_and(|alias| alias.trim().eq_ignore_ascii_case(name))
        });
        let name = alias.map_or(name, |(name, _)| name.as_str());
        let whole = ModelRef::parse(name);
        // `a/b` may also be a bare id at a provider that has such ids; a known provider goes first.
        if let Some(whole) = whole.as_ref().filter(|whole| self.provider(&whole.provider).is_some()) {
            return Some(whole.clone());
        }
        let (providers, loopback) = (&self.models.providers, ModelRef::loopback());
        if let Some((id, _)) =
            providers.iter().find(|(_, provider)| provider.models.iter().any(|model| model.id == name))
        {
            return Some(ModelRef { provider: id.to_lowercase(), model: name.to_owned() });
        }
        if whole.as_ref() == Some(&loopback) || name == LOOPBACK_MODEL {
            return Some(loopback);
        }
        whole.or_else(|| {
            let provider = providers.first().map_or(LOOPBACK_PROVIDER, |(id, _)| id.as_str());
            Some(ModelRef { provider: provider.to_lowercase(), model: name.to_owned() })
        })
    }

    /// The provider of that id, in any case. The embedded one is none of these.
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.models.providers.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, one)| one)
    }

    /// What is known of a model; `None` for one that is not configured (which may exist all the same).
    pub fn model(&self, wanted: &ModelRef) -> Option<&Model> {
        self.provider(&wanted.provider)
            .and_then(|provider| provider.models.iter().find(|model| model.id == wanted.model))
            .or_else(|| wanted.is_loopback().then(Model::loopback))
    }

    /// Whether sessions may switch to `wanted`: always without an allowlist.
    pub fn allows_model(&self, wanted: &ModelRef) -> bool {
        self.allowlist().is_none_or(|allowed| allowed.contains(wanted))
    }

    /// `agents.defaults.models` as refs, and with them the default model and its fallbacks; `None` when unset.
    fn allowlist(&self) -> Option<Vec<ModelRef>> {
        let listed = &self.agents.defaults.models;
        if listed.is_empty() {
            return None;
        }
        let mut allowed: Vec<ModelRef> =
            listed.iter().filter_map(|(name, _)| self.resolve_model(name)).collect();
        allowed.push(self.default_model());
        let choice: Option<&ModelChoice> = self.agents.defaults.model.as_ref();
        let fallbacks = choice.and_then(|choice| choice.fallbacks.as_deref()).unwrap_or_default();
        allowed.extend(fallbacks.iter().filter_map(|name| self.resolve_model(name)));
        Some(allowed)
    }

    fn first_model(&self) -> Option<ModelRef> {
        self.models.providers.iter().find_map(|(id, provider)| {
            let model = provider.models.first()?;
            Some(ModelRef { provider: id.to_lowercase(), model: model.id.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn config(mut value: Value) -> Config {
        let providers = json!({
            "Router": {"api": "openai-completions", "models": [{"id": "x/y-1"}, {"id": "small", "name": "Small"}]},
            "mock": {"models": [{"id": "m-1", "reasoning": true}, {"id": "m-2", "contextWindow": 9}]},
        });
        value["models"] = json!({"providers": providers});
        serde_json::from_value(value).unwrap()
    }

    #[track_caller]
    fn check(config: &Config, name: &str, want: Option<&str>) {
        assert_eq!(config.resolve_model(name).map(|found| found.to_string()).as_deref(), want, "{name:?}");
    }

    #[test]
    fn names_of_models() {
        let defaults = json!({"models": {"mock/m-2": {"alias": "Fast"}}});
        let config = config(json!({"agents": {"defaults": defaults}}));
        check(&config, "mock/m-1", Some("mock/m-1"));
        check(&config, "MOCK/m-9", Some("mock/m-9"));
        check(&config, "m-2", Some("mock/m-2"));
        check(&config, "fast", Some("mock/m-2"));
        check(&config, "x/y-1", Some("router/x/y-1"));
        check(&config, "anthropic/opus", Some("anthropic/opus"));
        check(&config, "unheard-of", Some("router/unheard-of"));
        check(&config, "loopback-1", Some("loopback/loopback-1"));
        check(&config, "loopback/loopback-1", Some("loopback/loopback-1"));
        check(&config, "  ", None);
    }

    #[test]
    fn nothing_configured_means_the_embedded_model() {
        let config = Config::default();
        assert_eq!(config.default_model().to_string(), "loopback/loopback-1");
        assert_eq!(config.model_chain("main"), [ModelRef::loopback()]);
        let rows = config.catalog();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].is_default && config.allows_model(&rows[0].model_ref));
    }

    #[test]
    fn defaults_fallbacks_and_agents() {
        let mut raw = json!({"agents": {
            "defaults": {"model": {"primary": "m-1", "fallbacks": ["small", "m-1"]}},
            "list": [{"id": "a", "model": "mock/m-2"}, {"id": "b", "model": {"fallbacks": []}}],
        }});
        let names = |config: &Config, agent: &str| -> Vec<String> {
            config.model_chain(agent).iter().map(ModelRef::to_string).collect()
        };
        let with = config(raw.clone());
        assert_eq!(names(&with, "a"), ["mock/m-2", "router/small", "mock/m-1"]);
        assert_eq!(names(&with, "b"), ["mock/m-1"]);
        assert_eq!(names(&with, "other"), ["mock/m-1", "router/small"]);
        raw["agents"]["defaults"] = json!({});
        assert_eq!(names(&config(raw), "b"), ["router/x/y-1"], "the first configured model");
    }

    #[test]
    fn an_allowlist_limits_the_catalog() {
        let defaults =
            json!({"model": "mock/m-1", "models": {"router/small": {}, "loopback/loopback-1": {}}});
        let config = config(json!({"agents": {"defaults": defaults}}));
        let rows: Vec<String> = config.catalog().iter().map(|row| row.model_ref.to_string()).collect();
        assert_eq!(rows, ["router/small", "mock/m-1", "loopback/loopback-1"]);
        assert!(!config.allows_model(&ModelRef::parse("mock/m-2").unwrap()));
        assert_eq!(config.catalog()[0].model.display_name(), "Small");
    }
}

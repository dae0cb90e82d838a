//! `models.list`.

use serde::{Deserialize, Serialize};

use super::{EMPTY, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{NON_EMPTY, Object, Shape, opt, text_max};

/// Models a session may run on.
pub struct List;

/// Params of `models.list`; v3 takes none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    /// Which models, and what beside them.
    #[serde(default)]
    pub view: View,
    /// As this agent sees them.
    pub agent_id: Option<Box<str>>,
    /// v4: only those of this provider.
    pub provider: Option<Box<str>>,
    /// v4: with what they take.
    #[serde(default)]
    pub include_details: bool,
}

/// Which models `models.list` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The usable ones.
    #[default]
    Default,
    /// The configured ones.
    Configured,
    /// The ones the providers' own config names.
    ProviderConfig,
    /// All.
    All,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Id at its provider.
    pub id: Box<str>,
    /// Name for people.
    pub name: Box<str>,
    /// Provider id.
    pub provider: Box<str>,
    /// Tokens it can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// Whether it can think before it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// v3, and v4 when details are asked for: what it takes, `text` and `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Vec<Box<str>>>,
    /// v4: `default` on the default model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<&'static str>,
    /// v4: how hard it can be asked to think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_levels: Option<Vec<ThinkingLevel>>,
    /// v4: how hard it thinks unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_default: Option<&'static str>,
    /// v4: whether it can be used now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<bool>,
}

/// One step of how hard a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ThinkingLevel {
    /// For machines.
    pub id: &'static str,
    /// For people.
    pub label: &'static str,
}

/// Names of the levels of a model that reasons, weakest first. One that does not has only the first.
const LEVELS: [&str; 5] = ["off", "minimal", "low", "medium", "high"];

/// The levels of a model.
pub fn thinking_levels(reasoning: bool) -> Vec<ThinkingLevel> {
    let count = if reasoning { LEVELS.len() } else { 1 };
    LEVELS.iter().take(count).map(|id| ThinkingLevel { id, label: id }).collect()
}

/// The level of a model unless the session says otherwise.
pub fn thinking_default(reasoning: bool) -> &'static str {
    if reasoning { "medium" } else { "off" }
}

/// Payload of `models.list`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// The models, the default first.
    pub models: Vec<Model>,
    /// v4, view `configured`: models chosen for chores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_models: Option<DefaultModels>,
}

/// Models chosen for chores; none are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultModels {
    /// Always `null`.
    pub automatic_utility_model: Option<()>,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// Id at its provider.
    pub id: Box<str>,
    /// Name for people; the id when the config has none.
    pub name: Option<Box<str>>,
    /// Provider id.
    pub provider: Box<str>,
    /// Tokens it can read.
    pub context_window: Option<u64>,
    /// Whether it can think before it answers.
    pub reasoning: bool,
    /// What it takes, `text` and `image`.
    pub input: Vec<Box<str>>,
    /// Whether it is the default model.
    pub default: bool,
}

/// Builds the payload.
pub fn payload(wire: Wire, params: &ListParams, facts: &[ModelFacts]) -> Payload {
    let v4 = wire == Wire::V4;
    let provider = params.provider.as_deref().map(str::trim);
    let models = facts
        .iter()
        .filter(|facts| provider.is_none_or(|provider| facts.provider.eq_ignore_ascii_case(provider)))
        .map(|facts| Model {
            id: facts.id.clone(),
            name: facts.name.clone().unwrap_or_else(|| facts.id.clone()),
            provider: facts.provider.clone(),
            context_window: facts.context_window,
            reasoning: Some(facts.reasoning),
            input: (!v4 || params.include_details).then(|| facts.input.clone()),
            tags: if v4 && facts.default { vec!["default"] } else { Vec::new() },
            thinking_levels: v4.then(|| thinking_levels(facts.reasoning)),
            thinking_default: v4.then(|| thinking_default(facts.reasoning)),
            available: v4.then_some(true),
        })
        .collect();
    let default_models = (v4 && params.view == View::Configured).then(DefaultModels::default);
    Payload { models, default_models }
}

const PARAMS_V4: Object = Object {
    fields: &[
        opt("agentId", NON_EMPTY),
        // Models are the same for all sessions, and a provider has one account.
        opt("sessionKey", NON_EMPTY),
        opt("authProfileId", text_max(256)),
        opt("provider", NON_EMPTY),
        opt("includeDetails", Shape::Bool),
        opt("includeDefaultModels", Shape::Bool),
        opt("includeProviderCapabilities", Shape::Bool),
        opt("preparedOnly", Shape::Bool),
        opt("refresh", Shape::Bool),
        opt("view", Shape::Literals(&["default", "configured", "provider-config", "all"])),
    ],
};

impl Rpc for List {
    const NAME: &'static str = "models.list";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = ListParams;
    type Payload = Payload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &EMPTY,
            Wire::V4 => &PARAMS_V4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::{covers, read};

    fn facts() -> Vec<ModelFacts> {
        vec![ModelFacts {
            id: "mock-1".into(),
            name: Some("Mock One".into()),
            provider: "mock".into(),
            context_window: Some(128_000),
            reasoning: false,
            input: vec!["text".into()],
            default: true,
        }]
    }

    #[test]
    fn as_recorded() {
        let configured = ListParams { view: View::Configured, ..ListParams::default() };
        covers(
            &payload(Wire::V3, &ListParams::default(), &facts()),
            r#"{"models":[{"id":"a","name":"b","provider":"c","contextWindow":200000,"reasoning":false,
                "input":["text","image"]}]}"#,
        );
        covers(
            &payload(Wire::V4, &configured, &facts()),
            r#"{"models":[{"id":"mock-1","name":"Mock One","provider":"mock","contextWindow":128000,
                "reasoning":false,"tags":["default"],"thinkingLevels":[{"id":"off","label":"off"}],
                "thinkingDefault":"off","available":true}],"defaultModels":{"automaticUtilityModel":null}}"#,
        );
        let plain = payload(Wire::V4, &ListParams::default(), &facts());
        assert!(plain.default_models.is_none(), "only the configured view has it");
        assert!(plain.models[0].input.is_none(), "a detail");
        let asked = |params: &str| {
            let params = read::<List>(Wire::V4, params).unwrap();
            payload(Wire::V4, &params, &facts()).models
        };
        assert_eq!(asked(r#"{"includeDetails":true,"provider":"Mock"}"#)[0].input, Some(vec!["text".into()]));
        assert_eq!(asked(r#"{"provider":"other"}"#), []);
    }

    #[test]
    fn params() {
        assert_eq!(
            read::<List>(Wire::V3, r#"{"bogus":1}"#).unwrap_err(),
            "at root: unexpected property 'bogus'"
        );
        assert_eq!(
            read::<List>(Wire::V4, r#"{"view":"bogus"}"#).unwrap_err(),
            "at /view: must be equal to constant; at /view: must match a schema in anyOf"
        );
        assert_eq!(read::<List>(Wire::V4, r#"{"view":"all"}"#).unwrap().view, View::All);
    }
}

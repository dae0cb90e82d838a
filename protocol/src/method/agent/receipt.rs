//! v4: what a run was asked, what answered, and what was said.

use serde::Serialize;

/// Which model was asked for, and which one answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalReceipt {
    /// The run.
    pub run_id: String,
    /// The session's incarnation.
    pub session_id: String,
    /// The run again: one run is one turn here.
    pub turn_id: String,
    /// What the session is set to.
    pub requested: ModelName,
    /// What answered.
    pub effective: ModelName,
    /// Tools that were used.
    pub successful_tool_names: Vec<String>,
    /// Whether another model than the requested one answered.
    pub rerouted: bool,
    /// `visible` when something was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_disposition: Option<&'static str>,
}

/// A model, by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelName {
    /// Provider id.
    pub provider: String,
    /// Model id.
    pub model: String,
    /// What the provider says it is; only of the model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_model: Option<String>,
}

/// What a run answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TerminalReply {
    /// `visible`, or `silent` when the agent chose to say nothing.
    pub disposition: &'static str,
    /// The text, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

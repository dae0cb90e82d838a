//! `chat.metadata`: what a chat window offers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::CommandEntry;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, opt, text_max};

/// Models and commands a session may use.
pub struct Metadata;

/// Params of [`Metadata`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataParams {
    /// For this session.
    pub session_key: Option<String>,
    /// For this agent.
    pub agent_id: Option<String>,
}

/// Answer to [`Metadata`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataPayload {
    /// As in `models.list`.
    pub models: Box<RawValue>,
    /// As in `commands.list`.
    pub commands: Vec<CommandEntry>,
    /// Whether one message may fan out to several agents; never here.
    pub swarm_enabled: bool,
    /// Which of several accounts of a provider is used.
    pub account_selection: AccountSelection,
    /// Whether the session may not change its model.
    pub runtime_selection_locked: bool,
}

/// Which of several accounts of a provider is used.
#[derive(Debug, Clone, Serialize)]
pub struct AccountSelection {
    /// `automatic`
    pub kind: &'static str,
    /// For people.
    pub label: &'static str,
}

impl Default for AccountSelection {
    fn default() -> Self {
        AccountSelection { kind: "automatic", label: "Automatic account selection" }
    }
}

impl Rpc for Metadata {
    const NAME: &'static str = "chat.metadata";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = MetadataParams;
    type Payload = MetadataPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SCHEMA)
    }
}

const SCHEMA: Object = Object {
    // A provider has one account here, so there is nothing to choose.
    fields: &[opt("sessionKey", NON_EMPTY), opt("agentId", NON_EMPTY), opt("authProfileId", text_max(256))],
};

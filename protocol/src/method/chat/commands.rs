//! `commands.list`: the slash commands a client may offer.

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, opt};

/// Every slash command.
pub struct Commands;

/// Params of [`Commands`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandsParams {
    /// For this session.
    pub session_key: Option<String>,
    /// For this agent.
    pub agent_id: Option<String>,
    /// For this channel.
    pub provider: Option<String>,
    /// `text`, `native` or `both`.
    pub scope: Option<String>,
    /// Whether `args` are wanted; on by default.
    pub include_args: Option<bool>,
}

/// Answer to [`Commands`].
#[derive(Debug, Clone, Serialize)]
pub struct CommandsPayload {
    /// In the order of `/commands`.
    pub commands: Vec<CommandEntry>,
}

/// One slash command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandEntry {
    /// `think`
    pub name: &'static str,
    /// Name on channels that have commands of their own.
    pub native_name: &'static str,
    /// `/think`, `/t` …
    pub text_aliases: Vec<String>,
    /// One line for people.
    pub description: &'static str,
    /// `session`, `options`, `status`, `management` …
    pub category: &'static str,
    /// `native`: the gateway's own.
    pub source: &'static str,
    /// `text`, `native` or `both`.
    pub scope: &'static str,
    /// Whether something may follow the name.
    pub accepts_args: bool,
    /// What may follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<CommandArg>,
}

/// Something that may follow a command's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandArg {
    /// `level`
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// `string`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Known values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<CommandChoice>,
}

/// A known value of a [`CommandArg`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandChoice {
    /// What is sent.
    pub value: &'static str,
    /// What is shown.
    pub label: &'static str,
}

impl Rpc for Commands {
    const NAME: &'static str = "commands.list";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = CommandsParams;
    type Payload = CommandsPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SCHEMA)
    }
}

const SCHEMA: Object = Object {
    fields: &[
        opt("sessionKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("provider", NON_EMPTY),
        opt("scope", Shape::OneOf(&["text", "native", "both"])),
        opt("includeArgs", Shape::Bool),
    ],
};

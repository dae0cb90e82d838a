//! One message of a transcript, as written by us and as written by any OpenClaw.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Usage;
use super::envelope;
use crate::turn::{Attachment, Sender};

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// A person, or another agent.
    User,
    /// The model, or the gateway in its name.
    Assistant,
    /// A tool.
    ToolResult,
    /// The gateway.
    System,
    /// Something we do not know.
    #[serde(other)]
    Other,
}

/// A message of a transcript. Fields we have no use for are kept in `extra`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    #[serde(default)]
    pub content: Content,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// How the model was spoken to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Provider id; `openclaw` for messages of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Model id; `gateway-injected` for messages of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the call used.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// `stop`, `length`, `toolUse`, `aborted`, `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Which call a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// Whether the tool failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// `<message id>:user`, `<run id>:assistant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The partial text of a stopped run.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub openclaw_abort: Option<AbortMark>,
    /// What gateways note about a message.
    #[serde(
        default,
        rename = "__openclaw",
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub meta: Option<Meta>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Message {
    /// The text parts, one after another, each on a line of its own.
    pub fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(Part::text).collect();
                texts.join("\n")
            }
            Content::Other(_) => String::new(),
        }
    }

    /// What a person said, without what OpenClaw wraps around it.
    pub fn plain_text(&self) -> String {
        let text = self.text();
        if self.role == Role::User { envelope::strip(&text).to_owned() } else { text }
    }

    /// The id a person's message came with.
    pub fn message_id(&self) -> Option<String> {
        let own = self.idempotency_key.as_deref().and_then(|key| key.strip_suffix(":user"));
        own.map(str::to_owned).or_else(|| envelope::message_id(&self.text()))
    }

    /// The run a message belongs to, where it is noted.
    pub fn run_id(&self) -> Option<&str> {
        let noted = self.meta.as_ref().and_then(|meta| meta.run_id.as_deref());
        let keyed = self.idempotency_key.as_deref();
        noted
            .or_else(|| self.openclaw_abort.as_ref().map(|mark| mark.run_id.as_str()))
            .or_else(|| keyed.and_then(|key| key.strip_suffix(":assistant")))
    }

    /// Whether the gateway wrote it in the model's name.
    pub fn is_injected(&self) -> bool {
        is_injected(self.provider.as_deref(), self.model.as_deref())
    }
}

/// Whether the gateway wrote a message of this provider and model, in the model's name.
pub fn is_injected(provider: Option<&str>, model: Option<&str>) -> bool {
    provider == Some(INJECTED_PROVIDER) && model == Some(INJECTED_MODEL)
}

/// Provider of messages that the gateway writes itself.
const INJECTED_PROVIDER: &str = "openclaw";
/// Model of messages that the gateway writes itself.
const INJECTED_MODEL: &str = "gateway-injected";
/// API of messages that the gateway writes itself.
const INJECTED_API: &str = "openai-responses";

/// Content of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Parts, as 2026.2 writes.
    Parts(Vec<Part>),
    /// Only text, as 2026.9 writes what people say.
    Text(String),
    /// Something else.
    Other(Value),
}

impl Default for Content {
    fn default() -> Self {
        Content::Parts(Vec::new())
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// One of those we know.
    Known(KnownPart),
    /// Something else.
    Other(Value),
}

/// The parts we know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum KnownPart {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Everything else.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// Reasoning.
    Thinking {
        /// The text.
        thinking: String,
        /// Everything else, a signature for instance.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// An image.
    Image {
        /// Base64.
        data: String,
        /// `image/png` …
        mime_type: String,
    },
    /// The model calls a tool.
    ToolCall {
        /// Names the call.
        id: String,
        /// Which tool.
        name: String,
        /// With what.
        #[serde(default)]
        arguments: Value,
        /// Everything else.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
}

impl Part {
    /// A text part.
    pub fn new_text(text: impl Into<String>) -> Part {
        Part::Known(KnownPart::Text { text: text.into(), extra: Map::new() })
    }

    /// The text of a text part.
    pub fn text(&self) -> Option<&str> {
        match self {
            Part::Known(KnownPart::Text { text, .. }) => Some(text),
            _ => None,
        }
    }
}

/// Marks the partial text of a stopped run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AbortMark {
    /// Always `true`.
    pub aborted: bool,
    /// `rpc`, `stop-command`, `timeout` …
    pub origin: String,
    /// Which run.
    pub run_id: String,
}

/// What gateways note about a message under `__openclaw`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Whether the owner of the gateway said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_is_owner: Option<bool>,
    /// Everything else: `transport` names the client that sent it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Something a person said.
#[derive(Debug, Clone, Copy)]
pub struct UserLine<'a> {
    /// The text, without any wrapping.
    pub text: &'a str,
    /// What came with it; only images are kept.
    pub attachments: &'a [Attachment],
    /// The id it came with.
    pub message_id: &'a str,
    /// The run it belongs to.
    pub run_id: &'a str,
    /// Who said it.
    pub sender: Option<&'a Sender>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// Who a user message came through, as v4's clients show it.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Client<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    display_name: &'a str,
}

impl UserLine<'_> {
    pub(super) fn message(&self) -> Message {
        let mut parts = vec![Part::new_text(self.text)];
        for image in self.attachments.iter().filter(|attachment| attachment.mime_type.starts_with("image/")) {
            parts.push(Part::Known(KnownPart::Image {
                data: image.data.clone(),
                mime_type: image.mime_type.clone(),
            }));
        }
        let mut meta = Meta { run_id: Some(self.run_id.to_owned()), ..Meta::default() };
        if let Some(sender) = self.sender {
            meta.sender_is_owner = Some(sender.owner);
            let client =
                Client { id: &sender.id, mode: sender.mode.as_deref(), display_name: sender.label() };
            meta.extra.insert("transport".to_owned(), serde_json::json!({ "clients": [client] }));
        }
        Message {
            idempotency_key: Some(format!("{}:user", self.message_id)),
            meta: Some(meta),
            ..blank(Role::User, parts, self.at_ms)
        }
    }
}

/// Something the model said.
#[derive(Debug, Clone, Copy)]
pub struct AssistantLine<'a> {
    /// What it said.
    pub text: &'a str,
    /// What it thought; may be empty.
    pub thinking: &'a str,
    /// How it was spoken to: `openai-completions` …
    pub api: &'a str,
    /// Provider id.
    pub provider: &'a str,
    /// Model id.
    pub model: &'a str,
    /// What it used.
    pub usage: Usage,
    /// Why it stopped.
    pub stop: AssistantStop<'a>,
    /// The run it belongs to.
    pub run_id: &'a str,
    /// When it began to answer, milliseconds since 1970.
    pub at_ms: u64,
}

/// Why a model stopped, as transcripts say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssistantStop<'a> {
    /// It was done.
    Stop,
    /// It hit its bound.
    Length,
    /// It was stopped: what there was is kept, and not said to be an answer.
    Aborted,
    /// The call failed.
    Error(&'a str),
}

impl AssistantLine<'_> {
    pub(super) fn message(&self) -> Message {
        let mut parts = Vec::new();
        if !self.thinking.is_empty() {
            parts.push(Part::Known(KnownPart::Thinking {
                thinking: self.thinking.to_owned(),
                extra: Map::new(),
            }));
        }
        if !self.text.is_empty() {
            parts.push(Part::new_text(self.text));
        }
        let (stop, error) = match self.stop {
            AssistantStop::Stop => ("stop", None),
            AssistantStop::Length => ("length", None),
            AssistantStop::Aborted => ("aborted", Some("Request was aborted")),
            AssistantStop::Error(error) => ("error", Some(error)),
        };
        Message {
            api: Some(self.api.to_owned()),
            provider: Some(self.provider.to_owned()),
            model: Some(self.model.to_owned()),
            usage: Some(self.usage),
            stop_reason: Some(stop.to_owned()),
            error_message: error.map(str::to_owned),
            meta: Some(Meta { run_id: Some(self.run_id.to_owned()), ..Meta::default() }),
            ..blank(Role::Assistant, parts, self.at_ms)
        }
    }
}

/// Something the gateway says in the model's name: replies to commands, `chat.inject`, partial texts of stopped runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct InjectedLine<'a> {
    /// The text.
    pub text: &'a str,
    /// Put in front of the text as `[label]`; empty means none.
    pub label: &'a str,
    /// The run it belongs to, if any.
    pub run_id: Option<&'a str>,
    /// `Some(origin)`: it is the partial text of a run that was stopped, by `rpc`, `stop-command`, `timeout` …
    pub aborted_by: Option<&'a str>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

impl InjectedLine<'_> {
    /// The message, as `chat` events show it too.
    pub fn message(&self) -> Message {
        let text = match self.label.trim() {
            "" => self.text.to_owned(),
            label => format!("[{label}]\n\n{}", self.text),
        };
        Message {
            api: Some(INJECTED_API.to_owned()),
            provider: Some(INJECTED_PROVIDER.to_owned()),
            model: Some(INJECTED_MODEL.to_owned()),
            usage: Some(Usage::default()),
            stop_reason: Some("stop".to_owned()),
            idempotency_key: self.run_id.map(|run_id| match self.aborted_by {
                Some(_) => format!("{run_id}:assistant"),
                None => run_id.to_owned(),
            }),
            openclaw_abort: self.aborted_by.zip(self.run_id).map(|(origin, run_id)| AbortMark {
                aborted: true,
                origin: origin.to_owned(),
                run_id: run_id.to_owned(),
            }),
            ..blank(Role::Assistant, vec![Part::new_text(text)], self.at_ms)
        }
    }
}

fn blank(role: Role, parts: Vec<Part>, at_ms: u64) -> Message {
    Message {
        role,
        content: Content::Parts(parts),
        timestamp: Some(at_ms),
        api: None,
        provider: None,
        model: None,
        usage: None,
        stop_reason: None,
        error_message: None,
        tool_call_id: None,
        tool_name: None,
        is_error: None,
        idempotency_key: None,
        openclaw_abort: None,
        meta: None,
        extra: Map::new(),
    }
}

/// A note of an unexpected shape must not hide the message beside it.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

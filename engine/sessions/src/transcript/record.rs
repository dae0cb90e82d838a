//! One line of a transcript, read back.

use serde::Deserialize;
use serde_json::Value;

use super::message::Message;
use super::stamp::parse_iso;

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Which line of the file it is, the header being 0.
    pub index: u64,
    /// Names it; the header has none of its own.
    pub id: Option<String>,
    /// The line before it in the conversation.
    pub parent_id: Option<String>,
    /// When it was written, milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// What it says.
    pub body: Body,
}

impl Record {
    /// The message, if it is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.body {
            Body::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The first line.
    Session(Header),
    /// Another model from here on.
    ModelChange {
        /// Provider id.
        provider: String,
        /// Model id.
        model: String,
    },
    /// Another thinking level from here on.
    ThinkingLevelChange(String),
    /// What came before is replaced by a summary.
    Compaction(Compaction),
    /// A message.
    Message(Box<Message>),
    /// What people said last is not for the model.
    Withheld,
    /// Something else, by its `type`.
    Other(String),
}

/// The first line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// 3 for OpenClaw 2026.2.
    pub version: u64,
    /// The session id.
    pub session_id: String,
    /// Working directory of the agent.
    pub cwd: Option<String>,
}

/// A summary in place of what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// The summary.
    pub summary: String,
    /// Lines from this one on are still told to the model in full.
    pub first_kept_id: Option<String>,
    /// How large the context was.
    pub tokens_before: u64,
}

/// Reads lines, the first of which is line `first_index` of its file. Lines that are not JSON objects are passed over:
/// the store repairs torn files, and a stray line must not hide a conversation.
pub fn read<'a, S: AsRef<str> + ?Sized + 'a>(
    lines: impl IntoIterator<Item = &'a S>,
    first_index: u64,
) -> Vec<Record> {
    (first_index..).zip(lines).filter_map(|(index, line)| parse(line.as_ref(), index)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    parent_id: Option<String>,
    timestamp: Option<Value>,
    version: Option<u64>,
    cwd: Option<String>,
    provider: Option<String>,
    model_id: Option<String>,
    thinking_level: Option<String>,
    summary: Option<String>,
    first_kept_entry_id: Option<String>,
    tokens_before: Option<u64>,
    custom_type: Option<String>,
    message: Option<Message>,
}

/// The `customType` of [`Body::Withheld`].
pub(crate) const WITHHELD: &str = "pincer.withheld";

/// What is left when a line of a known type does not have its shape.
#[derive(Deserialize)]
struct Bare {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<Value>,
}

fn parse(line: &str, index: u64) -> Option<Record> {
    let Ok(raw) = serde_json::from_str::<Raw>(line) else {
        let bare: Bare = serde_json::from_str(line).ok()?;
        let id = bare.id.as_ref().and_then(Value::as_str).map(str::to_owned);
        return Some(Record { index, id, parent_id: None, at_ms: None, body: Body::Other(bare.kind) });
    };
    let body = match (raw.kind.as_str(), raw.message) {
        ("session", _) => Body::Session(Header {
            version: raw.version.unwrap_or(1),
            session_id: raw.id.clone().unwrap_or_default(),
            cwd: raw.cwd,
        }),
        ("message", Some(message)) => Body::Message(Box::new(message)),
        ("model_change", _) => Body::ModelChange {
            provider: raw.provider.unwrap_or_default(),
            model: raw.model_id.unwrap_or_default(),
        },
        ("thinking_level_change", _) => Body::ThinkingLevelChange(raw.thinking_level.unwrap_or_default()),
        ("compaction", _) => Body::Compaction(Compaction {
            summary: raw.summary.unwrap_or_default(),
            first_kept_id: raw.first_kept_entry_id,
            tokens_before: raw.tokens_before.unwrap_or(0),
        }),
        ("custom", _) if raw.custom_type.as_deref() == Some(WITHHELD) => Body::Withheld,
        _ => Body::Other(raw.kind),
    };
    let at_ms = match raw.timestamp {
        Some(Value::String(text)) => parse_iso(&text),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    let id = if matches!(body, Body::Session(_)) { None } else { raw.id };
    Some(Record { index, id, parent_id: raw.parent_id, at_ms, body })
}

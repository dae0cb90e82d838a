//! One message as a client shows it.

use pincer_protocol::Wire;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::MESSAGE_BYTES_MAX;
use crate::transcript::{Body, Content, KnownPart, Message, Meta, Part, Record, Role, envelope};

/// Where a message stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its number among the transcript's messages, from 1.
    pub seq: u64,
    /// v4: names the transcript; opaque to clients.
    pub source: &'a str,
}

/// What stands behind a text that was cut; upstream's wording.
const CUT: &str = "\n...(truncated)...";
/// What stands for a message that is too large; upstream's wording.
const TOO_LARGE: &str = "[chat.history omitted: message too large]";
/// What stands for a part that is too large, when the rest of its message is not.
const PART_TOO_LARGE: &str = "[chat.history omitted: part too large]";

/// One record as `wire` shows it; `None` for what is no message. At most [`MESSAGE_BYTES_MAX`] bytes.
pub fn view(wire: Wire, record: Record, place: Place<'_>, text_chars_max: usize) -> Option<Box<RawValue>> {
    let Record { index, id, at_ms, body, .. } = record;
    let message = match body {
        Body::Message(message) => *message,
        Body::Compaction(_) => return raw(&compaction(wire, id, at_ms, index, place)),
        _ => return None,
    };
    let (role, timestamp) = (message.role, message.timestamp.or(at_ms));
    let mut shown = Message { timestamp, ..message };
    shown.content = content(wire, role, std::mem::take(&mut shown.content), text_chars_max);
    shown.extra.remove("details");
    shown.extra.remove("cost");
    let keyed = shown.idempotency_key.clone();
    match wire {
        Wire::V3 => {
            shown.usage = None;
            shown.meta = None;
            if shown.openclaw_abort.is_none() {
                shown.idempotency_key = None;
            }
        }
        Wire::V4 => {
            if role == Role::Assistant && shown.stop_reason.is_some() && !shown.is_injected() {
                // The provider's own id is not kept; the entry's stands for it.
                let response = id.clone().map_or(Value::Null, Value::String);
                shown.extra.entry("responseId").or_insert(response);
            }
            let run_id = shown.run_id().map(str::to_owned);
            let mut meta = shown.meta.take().unwrap_or_default();
            meta.run_id = if role == Role::User { None } else { run_id };
            place_in(&mut meta.extra, id.as_deref(), at_ms, index, place);
            if let Some(key) = keyed {
                meta.extra.insert("idempotencyKey".to_owned(), Value::String(key));
            }
            shown.meta = Some(meta);
        }
    }
    let whole = raw(&shown)?;
    if whole.get().len() <= MESSAGE_BYTES_MAX {
        return Some(whole);
    }
    // First only what is large goes, so that the text around it stays.
    shrink(&mut shown.content, text_chars_max);
    match raw(&shown)? {
        smaller if smaller.get().len() <= MESSAGE_BYTES_MAX => Some(smaller),
        _ => raw(&too_large(role, timestamp, shown.meta)),
    }
}

fn content(wire: Wire, role: Role, content: Content, chars_max: usize) -> Content {
    match content {
        Content::Text(text) => {
            let text = clean(role, text, chars_max);
            match wire {
                Wire::V3 => Content::Parts(vec![Part::new_text(text)]),
                Wire::V4 => Content::Text(text),
            }
        }
        Content::Parts(parts) => {
            let mut parts: Vec<Part> = parts.into_iter().map(|item| part(role, item, chars_max)).collect();
            // v4 shows what people say as plain text.
            match (wire, role, &mut parts[..]) {
                (Wire::V4, Role::User, [Part::Known(KnownPart::Text { text, .. })]) => {
                    Content::Text(std::mem::take(text))
                }
                _ => Content::Parts(parts),
            }
        }
        other => other,
    }
}

fn part(role: Role, part: Part, chars_max: usize) -> Part {
    let Part::Known(known) = part else { return part };
    match known {
        KnownPart::Text { text, mut extra } => {
            unsign(&mut extra);
            Part::Known(KnownPart::Text { text: clean(role, text, chars_max), extra })
        }
        KnownPart::Thinking { thinking, mut extra } => {
            unsign(&mut extra);
            Part::Known(KnownPart::Thinking { thinking: cut(thinking, chars_max), extra })
        }
        KnownPart::Image { data, mime_type } => {
            let bytes = data.len() / 4 * 3;
            Part::Other(json!({ "type": "image", "mimeType": mime_type, "omitted": true, "bytes": bytes }))
        }
        KnownPart::ToolCall { id, name, arguments, mut extra } => {
            unsign(&mut extra);
            Part::Known(KnownPart::ToolCall { id, name, arguments, extra })
        }
    }
}

/// Signatures are for the provider alone.
fn unsign(extra: &mut Map<String, Value>) {
    extra.retain(|name, _| !name.ends_with("Signature"));
}

fn clean(role: Role, text: String, chars_max: usize) -> String {
    match role {
        Role::User => cut(envelope::strip(&text).to_owned(), chars_max),
        _ => cut(text, chars_max),
    }
}

fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(chars_max) {
        text.truncate(at);
        text.push_str(CUT);
    }
    text
}

fn shrink(content: &mut Content, chars_max: usize) {
    let Content::Parts(parts) = content else { return };
    for part in parts {
        let large = part.text().is_none() && raw(part).is_none_or(|json| json.get().len() > chars_max);
        if large {
            *part = Part::new_text(PART_TOO_LARGE);
        }
    }
}

#[derive(Serialize)]
struct Placeholder {
    role: Role,
    content: [Part; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<u64>,
    #[serde(rename = "__openclaw")]
    meta: Meta,
}

fn too_large(role: Role, timestamp: Option<u64>, meta: Option<Meta>) -> Placeholder {
    let mut meta = meta.unwrap_or_default();
    meta.extra.insert("truncated".to_owned(), Value::Bool(true));
    meta.extra.insert("reason".to_owned(), Value::from("oversized"));
    Placeholder { role, content: [Part::new_text(TOO_LARGE)], timestamp, meta }
}

fn compaction(
    wire: Wire,
    id: Option<String>,
    at_ms: Option<u64>,
    index: u64,
    place: Place<'_>,
) -> Placeholder {
    let mut meta = Meta::default();
    meta.extra.insert("kind".to_owned(), Value::from("compaction"));
    match wire {
        Wire::V3 => {
            meta.extra.insert("id".to_owned(), Value::from(id));
        }
        Wire::V4 => place_in(&mut meta.extra, id.as_deref(), at_ms, index, place),
    }
    Placeholder { role: Role::System, content: [Part::new_text("Compaction")], timestamp: at_ms, meta }
}

/// v4: where a message stands.
fn place_in(
    meta: &mut Map<String, Value>,
    id: Option<&str>,
    at_ms: Option<u64>,
    index: u64,
    place: Place<'_>,
) {
    meta.insert("id".to_owned(), Value::from(id));
    meta.insert("seq".to_owned(), Value::from(place.seq));
    meta.insert("recordTimestampMs".to_owned(), Value::from(at_ms));
    meta.insert("transcriptPosition".to_owned(), json!({ "source": place.source, "rawSeq": index }));
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    RawValue::from_string(serde_json::to_string(value).ok()?).ok()
}

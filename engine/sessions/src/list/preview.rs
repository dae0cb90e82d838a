//! What rows and `sessions.preview` quote from transcripts.

use pincer_protocol::method::sessions::{PreviewItem, PreviewRole};

use crate::context::SILENT_REPLY;
use crate::transcript::{Content, KnownPart, Message, Part, Record, Role};

/// Most characters of `lastMessagePreview`.
pub const LAST_MESSAGE_MAX: usize = 240;

/// The first thing a person said, for a title.
pub fn first_user_text(records: &[Record]) -> Option<String> {
    let said = records.iter().filter_map(Record::message).filter(|message| message.role == Role::User);
    said.map(Message::plain_text).find(|text| !text.trim().is_empty())
}

/// The last thing a person or the model said.
pub fn last_text(records: &[Record]) -> Option<String> {
    let said = records
        .iter()
        .rev()
        .filter_map(Record::message)
        .filter(|message| matches!(message.role, Role::User | Role::Assistant));
    let text = said.map(Message::plain_text).find(|text| is_said(text))?;
    Some(clip(text.trim(), LAST_MESSAGE_MAX))
}

/// The last few things said, oldest first.
pub fn items(records: &[Record], items_max: usize, chars_max: usize) -> Vec<PreviewItem> {
    let mut items: Vec<PreviewItem> = Vec::new();
    for message in records.iter().rev().filter_map(Record::message) {
        if items.len() >= items_max {
            break;
        }
        items.extend(quote(message, chars_max));
    }
    items.truncate(items_max);
    items.reverse();
    items
}

/// Newest first: what a message called, then what it said.
fn quote(message: &Message, chars_max: usize) -> impl Iterator<Item = PreviewItem> {
    let role = match message.role {
        Role::User => PreviewRole::User,
        Role::Assistant => PreviewRole::Assistant,
        Role::ToolResult => PreviewRole::Tool,
        Role::System => PreviewRole::System,
        Role::Other => PreviewRole::Other,
    };
    let calls = calls(message).map(|names| (PreviewRole::Tool, format!("call {names}")));
    let said = Some((role, message.plain_text())).filter(|(_, text)| is_said(text));
    calls
        .into_iter()
        .chain(said)
        .map(move |(role, text)| PreviewItem { role, text: clip(text.trim(), chars_max) })
}

/// A model that has nothing to say says so in one word, which nobody is shown.
fn is_said(text: &str) -> bool {
    !matches!(text.trim(), "" | SILENT_REPLY)
}

fn calls(message: &Message) -> Option<String> {
    let Content::Parts(parts) = &message.content else { return None };
    let names: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Known(KnownPart::ToolCall { name, .. }) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Cuts a text to `max` characters, the last three of which are dots.
fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max.saturating_sub(3)).collect();
    format!("{}...", head.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::read;

    const LINES: [&str; 7] = [
        r#"{"type":"session","version":3,"id":"s","timestamp":"2026-11-22T15:02:33.000Z"}"#,
        r#"{"type":"message","id":"1","message":{"role":"user","content":[{"type":"text","text":"Conversation info (untrusted metadata):\n```json\n{\"message_id\":\"m\"}\n```\n\n[Sun 2026-11-22 15:02 UTC] hello one"}],"timestamp":1}}"#,
        r#"{"type":"message","id":"2","message":{"role":"assistant","content":[{"type":"text","text":"Calling a tool. "},{"type":"toolCall","id":"c","name":"exec","arguments":{}}]}}"#,
        r#"{"type":"message","id":"3","message":{"role":"toolResult","toolCallId":"c","toolName":"exec","content":[{"type":"text","text":"tool-says-hi"}]}}"#,
        r#"{"type":"message","id":"4","message":{"role":"assistant","content":[{"type":"text","text":"Mock reply ok(2)."}]}}"#,
        r#"{"type":"message","id":"6","message":{"role":"assistant","content":[{"type":"text","text":"NO_REPLY"}]}}"#,
        r#"{"type":"message","id":"5","message":{"role":"user","content":"   "}}"#,
    ];

    #[track_caller]
    fn check(items_max: usize, chars_max: usize, want: &str) {
        let got: Vec<String> = items(&read(&LINES, 0), items_max, chars_max)
            .iter()
            .map(|item| format!("{:?}: {}", item.role, item.text))
            .collect();
        assert_eq!(got.join(" | "), want);
    }

    #[test]
    fn quotes() {
        check(
            12,
            240,
            "User: hello one | Assistant: Calling a tool. | Tool: call exec | Tool: tool-says-hi | \
             Assistant: Mock reply ok(2).",
        );
        check(1, 240, "Assistant: Mock reply ok(2).");
        check(3, 20, "Tool: call exec | Tool: tool-says-hi | Assistant: Mock reply ok(2).");
        check(1, 12, "Assistant: Mock repl...");
    }

    #[test]
    fn titles_and_last_words() {
        let records = read(&LINES, 0);
        assert_eq!(first_user_text(&records).as_deref(), Some("hello one"));
        assert_eq!(last_text(&records).as_deref(), Some("Mock reply ok(2)."));
        assert_eq!(last_text(&read(&LINES[..1], 0)), None);
    }
}

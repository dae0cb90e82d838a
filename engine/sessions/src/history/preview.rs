//! Short texts of a transcript, for lists.

use pincer_protocol::method::sessions::{PreviewItem, PreviewRole};

use crate::transcript::{Record, Role};

/// The last `items_max` things said, oldest first, each at most `chars_max` characters on one line or more.
pub fn preview(records: &[Record], items_max: usize, chars_max: usize) -> Vec<PreviewItem> {
    let mut items: Vec<PreviewItem> =
        records.iter().rev().filter_map(|record| item(record, chars_max)).take(items_max).collect();
    items.reverse();
    items
}

/// The last thing a person or the model said, on one line.
pub fn last_message(records: &[Record], chars_max: usize) -> Option<String> {
    records.iter().rev().find_map(|record| said(record, &[Role::User, Role::Assistant], chars_max))
}

/// The first thing a person said, on one line; titles are made of it.
pub fn first_user_text(records: &[Record], chars_max: usize) -> Option<String> {
    records.iter().find_map(|record| said(record, &[Role::User], chars_max))
}

fn item(record: &Record, chars_max: usize) -> Option<PreviewItem> {
    let message = record.message()?;
    let role = match message.role {
        Role::User => PreviewRole::User,
        Role::Assistant => PreviewRole::Assistant,
        Role::ToolResult => PreviewRole::Tool,
        Role::System => PreviewRole::System,
        Role::Other => PreviewRole::Other,
    };
    let text = message.plain_text();
    let text = text.trim();
    (!text.is_empty()).then(|| PreviewItem { role, text: shorten(text, chars_max) })
}

fn said(record: &Record, roles: &[Role], chars_max: usize) -> Option<String> {
    let message = record.message().filter(|message| roles.contains(&message.role))?;
    let line = message.plain_text().split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| shorten(&line, chars_max))
}

/// At most `chars_max` characters, the ellipsis counted.
fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

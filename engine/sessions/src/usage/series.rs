//! `sessions.usage.timeseries` and `sessions.usage.logs`: one session in the order of time.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::sessions::{LogsPayload, TimeseriesPayload, UsageLog, UsagePoint};

use super::tally::{PriceList, called, totals};
use crate::entry::SessionId;
use crate::transcript::{Message, Record, Role, read};

/// Most characters of one log line; the rest is cut off.
pub const CONTENT_MAX: usize = 2_000;

/// A timeline was asked for without saying of what.
pub fn timeseries_without_key() -> ErrorShape {
    ErrorShape::invalid("key is required for timeseries")
}

/// There is nothing to make a timeline of. `sent`: the key as the client spelled it.
pub fn no_transcript(sent: &str) -> ErrorShape {
    ErrorShape::invalid(format!("No transcript found for session: {sent}"))
}

/// A log was asked for without saying of what.
pub fn logs_without_key() -> ErrorShape {
    ErrorShape::invalid("key is required for logs")
}

/// One point for each answer; beyond [`TimeseriesPayload::POINTS_MAX`], neighbours become one.
pub fn timeseries<'a, S: AsRef<str> + ?Sized + 'a>(
    session_id: &SessionId,
    lines: impl IntoIterator<Item = &'a S>,
    prices: PriceList<'_>,
) -> TimeseriesPayload {
    let mut points: Vec<UsagePoint> = Vec::new();
    for record in read(lines, 0) {
        points.extend(point(&record, prices));
    }
    let group = points.len().div_ceil(TimeseriesPayload::POINTS_MAX).max(1);
    let (mut tokens, mut cost) = (0u64, 0.0);
    let points = points
        .chunks(group)
        .map(|neighbours| {
            let mut sum = UsagePoint::default();
            for point in neighbours {
                sum.timestamp = point.timestamp;
                sum.input += point.input;
                sum.output += point.output;
                sum.cache_read += point.cache_read;
                sum.cache_write += point.cache_write;
                sum.total_tokens += point.total_tokens;
                sum.cost += point.cost;
            }
            tokens += sum.total_tokens;
            cost += sum.cost;
            UsagePoint { cumulative_tokens: tokens, cumulative_cost: cost, ..sum }
        })
        .collect();
    TimeseriesPayload { session_id: session_id.to_string(), points }
}

fn point(record: &Record, prices: PriceList<'_>) -> Option<UsagePoint> {
    let message = record.message()?;
    let usage = message.usage.filter(|_| message.role == Role::Assistant && !message.is_injected())?;
    let named = |text: &Option<String>| text.clone().unwrap_or_default();
    let totals = totals(&usage, prices(&named(&message.provider), &named(&message.model)));
    Some(UsagePoint {
        timestamp: record.at_ms.or(message.timestamp)?,
        input: totals.input,
        output: totals.output,
        cache_read: totals.cache_read,
        cache_write: totals.cache_write,
        total_tokens: totals.total_tokens,
        cost: totals.total_cost,
        ..UsagePoint::default()
    })
}

/// The last `lines_max` things said, oldest first.
pub fn logs<'a, S: AsRef<str> + ?Sized + 'a>(
    lines: impl IntoIterator<Item = &'a S>,
    lines_max: usize,
    prices: PriceList<'_>,
) -> LogsPayload {
    let records = read(lines, 0);
    let mut logs: Vec<UsageLog> =
        records.iter().rev().filter_map(|record| log(record, prices)).take(lines_max).collect();
    logs.reverse();
    LogsPayload { logs }
}

fn log(record: &Record, prices: PriceList<'_>) -> Option<UsageLog> {
    let message = record.message()?;
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::ToolResult => "toolResult",
        Role::System | Role::Other => return None,
    };
    let content = content(message);
    if content.is_empty() {
        return None;
    }
    let named = |text: &Option<String>| text.clone().unwrap_or_default();
    let usage = message.usage.filter(|_| message.role == Role::Assistant && !message.is_injected());
    let totals = usage.map(|usage| totals(&usage, prices(&named(&message.provider), &named(&message.model))));
    Some(UsageLog {
        timestamp: record.at_ms.or(message.timestamp).unwrap_or(0),
        role,
        content,
        tokens: totals.map(|totals| totals.total_tokens).filter(|tokens| *tokens > 0),
        cost: totals.map(|totals| totals.total_cost).filter(|cost| *cost > 0.0),
    })
}

/// What was said, then what was called.
fn content(message: &Message) -> String {
    let mut content = message.plain_text().trim().to_owned();
    for tool in called(message) {
        if !content.is_empty() {
            content.push('\n');
        }
        content.push_str(&format!("[Tool: {tool}]"));
    }
    match content.char_indices().nth(CONTENT_MAX) {
        Some((at, _)) => format!("{}…", content.get(..at).unwrap_or(&content)),
        None => content,
    }
}

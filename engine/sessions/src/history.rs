//! Transcripts as clients show them.
//!
//! [`page`] turns records into the messages of `chat.history`, each bounded and the whole bounded, so that no
//! transcript makes an answer that a client cannot take. [`preview`] and its neighbours make the short texts of lists.

mod preview;
mod view;

use pincer_protocol::Wire;
use serde_json::value::RawValue;

use crate::transcript::{Body, Record};

pub use preview::{first_user_text, last_message, preview};
pub use view::{Place, view};

/// Most characters of one text, unless a client asks for another bound; upstream's number.
pub const TEXT_CHARS_MAX: usize = 12_000;
/// Most bytes of one message as JSON; upstream's number.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Most bytes of all messages of one answer as JSON; upstream's number.
pub const PAGE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Which part of a transcript is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Most messages.
    pub limit: usize,
    /// Messages to pass over, counted from the newest.
    pub offset: u64,
    /// Most characters of one text.
    pub text_chars_max: usize,
    /// Messages in the transcript before the first record, when only its tail was read.
    pub messages_before: u64,
    /// v4: names the transcript in positions; opaque to clients.
    pub source: &'a str,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Ask { limit: 200, offset: 0, text_chars_max: TEXT_CHARS_MAX, messages_before: 0, source: "" }
    }
}

/// A part of a transcript.
#[derive(Debug, Clone)]
pub struct Page {
    /// Oldest first.
    pub messages: Vec<Box<RawValue>>,
    /// Messages in the whole transcript.
    pub total: u64,
    /// `offset` of the next older page, if there is one.
    pub next_offset: Option<u64>,
}

/// The newest messages of a transcript after `ask.offset`, as `wire` shows them. When they are too much together, the
/// older ones are left to the next page.
pub fn page(wire: Wire, records: Vec<Record>, ask: &Ask<'_>) -> Page {
    let shown: Vec<Record> = records.into_iter().filter(is_shown).collect();
    let total = ask.messages_before + shown.len() as u64;
    let numbered = (ask.messages_before + 1..).zip(shown);
    let newest_first = numbered.collect::<Vec<_>>().into_iter().rev();
    let mut messages = Vec::new();
    let mut bytes = 0;
    let skip = usize::try_from(ask.offset).unwrap_or(usize::MAX);
    for (seq, record) in newest_first.skip(skip).take(ask.limit) {
        let place = Place { seq, source: ask.source };
        let Some(message) = view(wire, record, place, ask.text_chars_max) else { continue };
        bytes += message.get().len();
        if bytes > PAGE_BYTES_MAX {
            break;
        }
        messages.push(message);
    }
    messages.reverse();
    let reached = ask.offset.saturating_add(messages.len() as u64);
    Page { messages, total, next_offset: (reached < total).then_some(reached) }
}

/// How many of `records` are messages to [`page`], to count what stands before a tail.
pub fn count(records: &[Record]) -> u64 {
    records.iter().filter(|record| is_shown(record)).count() as u64
}

/// Whether clients are shown it, as a message or as the mark of a summary.
pub fn is_shown(record: &Record) -> bool {
    matches!(record.body, Body::Message(_) | Body::Compaction(_))
}

#[cfg(test)]
mod tests;

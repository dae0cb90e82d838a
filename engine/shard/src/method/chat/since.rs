//! `chat.history` with a cursor (v4): what came since an earlier answer, instead of everything again.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pincer_protocol::ErrorShape;
use pincer_protocol::Wire;
use pincer_protocol::method::chat::HistoryParams;
use pincer_protocol::method::chat::history::{HistoryAnswer, HistorySince};
use pincer_sessions::history::{Place, TEXT_CHARS_MAX, is_shown};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript::{self, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::history::READ_BYTES_MAX;
use crate::Shard;
use crate::caller::Held;
use crate::live::RowFields;

/// Most messages of one answer; upstream's number. What is more is read as a page.
const MESSAGES_MAX: usize = 200;
/// Most bytes of all messages of one answer as JSON; upstream's number.
const BYTES_MAX: usize = 1_000_000;

/// Where an answer ended. Opaque to clients.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cursor {
    version: u32,
    session_id: String,
    /// Number of the last message told, 0 when there was none.
    pub(super) last_seq: u64,
    /// Its id: after a compaction another message has that number.
    last_id: Option<String>,
}

impl Cursor {
    /// Behind the last of `records` that is shown, which is message `last_seq`.
    pub(super) fn behind(session_id: &str, records: &[Record], last_seq: u64) -> Cursor {
        let last = records.iter().rev().find(|record| is_shown(record));
        Cursor {
            version: 1,
            session_id: session_id.to_owned(),
            last_seq,
            last_id: last.and_then(|record| record.id.clone()),
        }
    }

    /// As clients keep it.
    pub(super) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json!(self).to_string())
    }

    /// Reads what a client sent; `None` for what is not ours.
    fn decode(text: &str) -> Option<Cursor> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&json).ok().filter(|cursor: &Cursor| cursor.version == 1)
    }
}

/// Refuses what cannot be asked together; upstream's wording.
fn lawful(params: &HistoryParams) -> Result<(), ErrorShape> {
    if params.cursor.is_some() && (params.offset.is_some() || params.message_id.is_some()) {
        return Err(ErrorShape::invalid("cursor cannot be used with offset or messageId"));
    }
    Ok(())
}

impl Shard {
    /// Answers with a page, or with what came since the cursor that was sent.
    pub(super) fn tell_history(&mut self, held: Held, key: &SessionKey, params: HistoryParams) {
        if let Err(error) = lawful(&params) {
            return self.answer::<()>(held, Err(error));
        }
        let Some(cursor) = params.cursor.clone().filter(|_| held.wire == Wire::V4) else {
            return self.history(held, key, params, |shard, held, page| {
                shard.answer(held, Ok(&HistoryAnswer::Page(Box::new(page))));
            });
        };
        let known = self.sessions.map.get(key).is_some_and(|session| session.entry.has_transcript);
        let (Some(cursor), Some(transcript)) =
            (Cursor::decode(&cursor), self.transcript_id(key).filter(|_| known))
        else {
            return self.answer(held, Ok(&HistoryAnswer::Since(HistorySince::Reset)));
        };
        let query = TailQuery { transcript, lines_max: u32::MAX, bytes_max: READ_BYTES_MAX };
        let (key, chars_max) = (key.clone(), params.max_chars.map_or(TEXT_CHARS_MAX, |chars| chars as usize));
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            let tail = match answer {
                ReadAnswer::Transcripts(tails) => tails.into_iter().next().unwrap_or_default(),
                ReadAnswer::Failed(why) => {
                    let error = ErrorShape::unavailable(format!("history cannot be read: {why}"));
                    return shard.answer::<()>(held, Err(error));
                }
                ReadAnswer::Log { .. } | ReadAnswer::Quarantined(_) => Tail::default(),
            };
            let since = shard.since(&key, &cursor, &tail, chars_max).unwrap_or(HistorySince::Reset);
            shard.answer(held, Ok(&HistoryAnswer::Since(since)));
        });
    }

    /// `None` when the client has to read anew.
    fn since(
        &self,
        key: &SessionKey,
        cursor: &Cursor,
        tail: &Tail,
        chars_max: usize,
    ) -> Option<HistorySince> {
        let session_id = self.sessions.map.get(key)?.entry.session_id.as_str();
        // Numbers are known only where all of it was read.
        if cursor.session_id != session_id || tail.skipped > 0 {
            return None;
        }
        let mut shown: Vec<Record> = transcript::read(tail.lines.iter(), 0);
        shown.retain(is_shown);
        let at = usize::try_from(cursor.last_seq).ok()?;
        let told_last = at
            .checked_sub(1)
            .map(|last| shown.get(last))
            .map_or(Some(None), |last| Some(last?.id.clone()))?;
        if told_last != cursor.last_id {
            return None;
        }
        let end = Cursor::behind(session_id, &shown, shown.len() as u64);
        let new = shown.split_off(at.min(shown.len()));
        if new.len() > MESSAGES_MAX {
            return None;
        }
        let row = self.event_row(key)?;
        let fields = RowFields::of(&row)?;
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for (record, seq) in new.into_iter().zip(cursor.last_seq + 1..) {
            // What is no message replaces what came before it.
            let place = Place { seq, source: session_id };
            let payload = self.message_payload(key, record, place, chars_max, &fields, &row)?;
            bytes += payload.get().len();
            if bytes > BYTES_MAX {
                return None;
            }
            messages.push(payload);
        }
        Some(HistorySince::Delta {
            messages,
            delta_cursor: end.encode(),
            pending_inputs: self.pending_inputs(key),
            session_info: self.leaf_row(key, Wire::V4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let cursor = Cursor { version: 1, session_id: "s".into(), last_seq: 3, last_id: Some("a1".into()) };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        let later = Cursor { version: 2, session_id: "s".into(), last_seq: 3, last_id: None };
        for bad in ["", "?", "e30", &later.encode()] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
    }
}

//! `chat.history`: the newest messages of a session, read from its transcript's tail.

use pincer_protocol::Wire;
use pincer_protocol::method::chat::history::{HistoryPayload, HistoryV4, PendingInput, PendingInputs};
use pincer_protocol::method::chat::{History, HistoryAnswer, HistoryParams};
use pincer_sessions::history::{Ask, Page, TEXT_CHARS_MAX, page};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript;
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::since::Cursor;
use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};

/// Most of a transcript that one answer is made from: upstream's answer is capped at 6 MiB, and lines are a little
/// longer than what is shown of them.
pub(crate) const READ_BYTES_MAX: u64 = 16 << 20;
/// Lines read for each message asked for: not every line is a message.
const LINES_PER_MESSAGE: u64 = 3;

impl Handle for History {
    fn handle(cx: &mut Cx<'_>, params: HistoryParams) -> Outcome<HistoryAnswer> {
        let key = cx.shard.view.parse_key(&params.session_key, cx.caller.wire)?;
        let held = cx.hold();
        cx.shard.tell_history(held, &key, params);
        Ok(Answer::Later)
    }
}

impl Shard {
    /// Reads a session's history and hands it to `then`.
    pub(crate) fn history(
        &mut self,
        held: Held,
        key: &SessionKey,
        params: HistoryParams,
        then: impl FnOnce(&mut Shard, Held, HistoryPayload) + Send + 'static,
    ) {
        let known = self.sessions.map.get(key).is_some_and(|session| session.entry.has_transcript);
        let Some(transcript) = self.transcript_id(key).filter(|_| known) else {
            let payload = self.history_payload(held.wire, key, params, Tail::default());
            return then(self, held, payload);
        };
        let messages = params.limit() as u64 + params.offset.map_or(0, u64::from) + 8;
        let lines_max = u32::try_from(messages * LINES_PER_MESSAGE).unwrap_or(u32::MAX);
        // v4 tells how many messages there are, so all of them are counted; v3 needs only the newest.
        let lines_max = if held.wire == Wire::V4 { u32::MAX } else { lines_max };
        let query = TailQuery { transcript, lines_max, bytes_max: READ_BYTES_MAX };
        let key = key.clone();
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            let tail = match answer {
                ReadAnswer::Transcripts(tails) => tails.into_iter().next().unwrap_or_default(),
                ReadAnswer::Failed(why) => {
                    let error =
                        pincer_protocol::ErrorShape::unavailable(format!("history cannot be read: {why}"));
                    return shard.answer::<()>(held, Err(error));
                }
                ReadAnswer::Log { .. } | ReadAnswer::Quarantined(_) => Tail::default(),
            };
            let payload = shard.history_payload(held.wire, &key, params, tail);
            then(shard, held, payload);
        });
    }

    fn history_payload(
        &mut self,
        wire: Wire,
        key: &SessionKey,
        params: HistoryParams,
        tail: Tail,
    ) -> HistoryPayload {
        let records = transcript::read(tail.lines.iter(), tail.skipped);
        let source = self.sessions.map.get(key).map(|session| session.entry.session_id.as_str().to_owned());
        let ask = Ask {
            limit: params.limit(),
            offset: params.offset.map_or(0, u64::from),
            text_chars_max: params.max_chars.map_or(TEXT_CHARS_MAX, |chars| chars as usize),
            messages_before: 0,
            source: source.as_deref().unwrap_or(""),
        };
        let mut cursor = Cursor::behind(ask.source, &records, 0);
        let Page { messages, total, next_offset } = page(wire, records, &ask);
        cursor.last_seq = total;
        let session = self.sessions.map.get(key);
        let tuning = session.map(|session| session.entry.tuning());
        let level = tuning.and_then(|tuning| tuning.thinking_level).map(|level| level.as_str().to_owned());
        let v4 = (wire == Wire::V4).then(|| HistoryV4 {
            pending_inputs: self.pending_inputs(key),
            delta_cursor: session.map(|_| cursor.encode()),
            next_offset,
            has_more: next_offset.is_some(),
            total_messages: total,
            defaults: raw(&self.list_defaults(wire)),
            session_info: self.leaf_row(key, wire).unwrap_or_else(|| raw(&json!({"key": key.as_str()}))),
        });
        HistoryPayload {
            session_key: params.session_key,
            session_id: source,
            messages,
            thinking_level: Some(level.unwrap_or_else(|| self.default_thinking(key).to_owned())),
            verbose_level: tuning
                .and_then(|tuning| tuning.verbose_level)
                .map(|level| level.as_str().to_owned()),
            v4,
        }
    }

    pub(super) fn pending_inputs(&self, key: &SessionKey) -> PendingInputs {
        let items: Vec<PendingInput> = self
            .sessions
            .scheduler
            .pending(key)
            .map(|pending| PendingInput {
                id: pending.turn.message_id.clone(),
                run_id: Some(pending.turn.run_id.clone()),
                message: raw(&json!({"role": "user", "content": pending.turn.text,
                                     "timestamp": pending.turn.accepted_at_ms})),
                accepted_at: pending.turn.accepted_at_ms,
                state: "queued",
            })
            .collect();
        PendingInputs { total: items.len() as u64, items }
    }

    /// The level of the session's model when nobody chose one.
    fn default_thinking(&self, key: &SessionKey) -> &'static str {
        let entry = self.sessions.map.get(key).map(|session| &session.entry);
        let model = self.view.session_model(key, entry);
        let reasons = self.view.endpoint(&model).is_some_and(|endpoint| self.view.reasons(&endpoint));
        if reasons { "low" } else { "off" }
    }
}

pub(crate) fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

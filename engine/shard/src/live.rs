//! What v4 clients that subscribed hear of sessions: `sessions.changed`, `session.message`.
//!
//! These events carry a session's whole row and are made only while somebody, on any shard, has subscribed.

mod event;

use pincer_protocol::Wire;
use pincer_protocol::event::EncodedEvent;
use pincer_sessions::history::{Place, TEXT_CHARS_MAX, count, is_shown, view};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, TailQuery, TranscriptId};
use pincer_sessions::row::{RowFacts, derived_title, render};
use pincer_sessions::transcript::{self, Record, Role};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use self::event::RowFields;
use self::event::{Head, SessionEvent};
use crate::Shard;
use crate::driver::ShardId;
use crate::fanout::{Audience, Broadcast};
use crate::message::ShardMsg;
use crate::method::chat::history::READ_BYTES_MAX;
use crate::run::stream::Change;

/// Who has subscribed.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// Connections of this shard.
    here: u32,
    /// Other shards that have any. At most as many as there are shards.
    elsewhere: Vec<ShardId>,
}

impl Listeners {
    fn any(&self) -> bool {
        self.here > 0 || !self.elsewhere.is_empty()
    }

    /// Another shard has listeners now, or has none any more.
    pub(crate) fn set(&mut self, shard: ShardId, listens: bool) {
        self.elsewhere.retain(|held| *held != shard);
        if listens {
            self.elsewhere.push(shard);
        }
    }
}

impl Shard {
    /// A connection of ours subscribed for the first time.
    pub(crate) fn listener_came(&mut self) {
        self.audience.here += 1;
        if self.audience.here == 1 {
            self.send_others(|| ShardMsg::Listens(true));
        }
    }

    /// A connection that had subscribed has gone.
    pub(crate) fn listener_left(&mut self) {
        self.audience.here = self.audience.here.saturating_sub(1);
        if self.audience.here == 0 {
            self.send_others(|| ShardMsg::Listens(false));
        }
    }

    /// A session changed.
    pub(crate) fn session_changed(&mut self, key: &SessionKey, change: Change) {
        if !self.audience.any() {
            return;
        }
        let (ts, agent) = (self.now.wall_ms, key.store_agent(&self.view.default_agent));
        let head = Head { ts: Some(ts), ..Head::of(key, agent.as_str()) };
        let run;
        let head = match change {
            Change::Reason(reason) => Head { reason: Some(reason), ..head },
            Change::Phase(phase) => {
                run = self.active_run_id(key).or_else(|| self.last_run_id(key));
                Head { phase: Some(phase), run_id: Some(run.as_deref()), ..head }
            }
        };
        let Some(row) = self.event_row(key) else { return };
        let Some(fields) = RowFields::of(&row) else { return };
        self.tell_index(&SessionEvent::new(head, &fields, &row));
    }

    /// A session was deleted.
    pub(crate) fn session_deleted(&mut self, key: &SessionKey, session_id: &str) {
        if !self.audience.any() {
            return;
        }
        let agent = key.store_agent(&self.view.default_agent);
        let (session_id, reason, ts) = (Some(session_id), Some("delete"), Some(self.now.wall_ms));
        self.tell_index(&Head { session_id, reason, ts, ..Head::of(key, agent.as_str()) });
    }

    fn tell_index(&mut self, payload: &impl Serialize) {
        let event = EncodedEvent::new("sessions.changed", payload, None);
        // A list that missed one is made right by the next.
        self.broadcast(Broadcast { v3: None, v4: Some((event, Audience::SessionIndex)), droppable: true });
    }

    fn last_run_id(&self, key: &SessionKey) -> Option<String> {
        let session = self.sessions.map.get(key)?;
        session.entry.life().last_run_id.as_deref().map(str::to_owned)
    }

    /// A session's row with what is known without reading.
    pub(crate) fn event_row(&self, key: &SessionKey) -> Option<Box<RawValue>> {
        let session = self.sessions.map.get(key)?;
        let entry = &session.entry;
        let first = session.first_said.as_deref();
        let titled = first.is_some() || entry.label.is_some() || entry.route().display_name.is_some();
        let facts = RowFacts {
            with_summary: true,
            derived_title: titled.then(|| derived_title(key, entry, first)),
            ..self.row_facts(key)
        };
        render(key, entry, &facts, &self.row_context(Wire::V4))
    }

    /// Does `then`, and tells the messages that are on disk since just now: before it, unless a person began. Then the
    /// acknowledgement in `then` goes first.
    pub(crate) fn tell_around(&mut self, told: Vec<Told>, then: impl FnOnce(&mut Shard)) {
        let later = told.first().is_some_and(|told| told.by_person);
        let (before, after) = if later { (Vec::new(), told) } else { (told, Vec::new()) };
        for told in before {
            self.tell_messages(told);
        }
        then(self);
        for told in after {
            self.tell_messages(told);
        }
    }

    /// Tells messages that are on disk, unless the conversation they belong to is over.
    fn tell_messages(&mut self, mut told: Told) {
        let alive = self.sessions.map.get(&told.key).is_some_and(|session| session.entry.has_transcript)
            && self.transcript_id(&told.key).as_ref() == Some(&told.transcript);
        if !self.audience.any() || !alive {
            return;
        }
        if let Some(reach) = told.reach {
            return self.tell_lines(&told, reach);
        }
        // Nobody has counted this transcript since start.
        let query =
            TailQuery { transcript: told.transcript.clone(), lines_max: u32::MAX, bytes_max: READ_BYTES_MAX };
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            let ReadAnswer::Transcripts(tails) = answer else { return };
            let tail = tails.into_iter().next().unwrap_or_default();
            let records = transcript::read(tail.lines.iter(), tail.skipped);
            let ours = told.lines.first().and_then(|line| transcript::read(&[line], 0).pop()?.id);
            let Some(at) = records.iter().position(|record| record.id == ours) else { return };
            let (Some(earlier), Some(first)) = (records.get(..at), records.get(at)) else { return };
            told.reach = Some(Reach { lines: first.index, shown: count(earlier) });
            let whole = Reach { lines: tail.skipped + tail.lines.len() as u64, shown: count(&records) };
            let last = records.last().and_then(|record| record.id.as_deref());
            // What was appended since is told by another read; only behind the last of them the count goes on.
            if let Some(session) = shard.sessions.map.get_mut(&told.key)
                && session.leaf.as_deref() == last
            {
                session.reach = Some(whole);
            }
            shard.tell_messages(told);
        });
    }

    fn tell_lines(&mut self, told: &Told, reach: Reach) {
        let Some(row) = self.event_row(&told.key) else { return };
        let Some(fields) = RowFields::of(&row) else { return };
        let Some(session) = self.sessions.map.get(&told.key) else { return };
        let source = session.entry.session_id.as_str().to_owned();
        let Reach { mut lines, mut shown } = reach;
        for line in &told.lines {
            let record = transcript::read(&[line], lines).pop();
            lines += 1;
            let Some(record) = record.filter(is_shown) else { continue };
            shown += 1;
            let place = Place { seq: shown, source: &source };
            let Some(payload) = self.message_payload(&told.key, record, place, TEXT_CHARS_MAX, &fields, &row)
            else {
                continue;
            };
            let event = EncodedEvent::new("session.message", &payload, None);
            let audience = Audience::SessionMessages(told.key.clone());
            self.broadcast(Broadcast { v3: None, v4: Some((event, audience)), droppable: false });
        }
    }

    /// One message as `session.message` tells it: at its place in the session's transcript, beside the session's `row`,
    /// whose fields are `fields`. `None` for what is no message.
    pub(crate) fn message_payload(
        &self,
        key: &SessionKey,
        record: Record,
        place: Place<'_>,
        text_chars_max: usize,
        fields: &RowFields<'_>,
        row: &RawValue,
    ) -> Option<Box<RawValue>> {
        let (id, role) = (record.id.clone()?, record.message()?.role);
        let message = view(Wire::V4, record, place, text_chars_max)?;
        let agent = key.store_agent(&self.view.default_agent);
        let head = Head {
            sender_is_owner: (role == Role::User).then_some(true),
            message: Some(&message),
            message_id: Some(&id),
            message_seq: Some(place.seq),
            ..Head::of(key, agent.as_str())
        };
        to_raw_value(&SessionEvent::new(head, fields, row)).ok()
    }

    /// Lines are about to be written to a transcript: they are told when they are on disk. `reach` is how far it reached
    /// before them.
    pub(crate) fn tell_when_written(
        &mut self,
        key: &SessionKey,
        transcript: &TranscriptId,
        lines: &[String],
        reach: Option<Reach>,
    ) {
        if !self.audience.any() || lines.is_empty() {
            return;
        }
        let first = lines.first().and_then(|line| transcript::read(&[line], 0).pop());
        let by_person =
            first.and_then(|record| Some(record.message()?.role)).is_some_and(|role| role == Role::User);
        self.untold.push(Told {
            key: key.clone(),
            transcript: transcript.clone(),
            lines: lines.to_vec(),
            reach,
            by_person,
        });
    }
}

/// Messages to be told once they are on disk.
pub(crate) struct Told {
    key: SessionKey,
    transcript: TranscriptId,
    /// As written.
    lines: Vec<String>,
    /// How far the transcript reached before them; `None` when nobody has counted.
    reach: Option<Reach>,
    /// Whether the first of them is a person's.
    by_person: bool,
}

/// How far a transcript reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Lines, the header among them.
    pub(crate) lines: u64,
    /// Messages that clients are shown.
    pub(crate) shown: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_other_shards() {
        let mut listeners = Listeners::default();
        listeners.set(ShardId(1), true);
        listeners.set(ShardId(1), true);
        assert!(listeners.any());
        listeners.set(ShardId(1), false);
        assert!(!listeners.any());
        listeners.here = 1;
        assert!(listeners.any());
    }
}

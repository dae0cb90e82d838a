//! What v4 clients that subscribed hear of sessions: `sessions.changed`, `session.message`.
//!
//! These events carry a session's whole row and are made only while somebody, on any shard, has subscribed.

use pincer_protocol::Wire;
use pincer_protocol::event::EncodedEvent;
use pincer_sessions::history::{Ask, page};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, TailQuery};
use pincer_sessions::row::{RowFacts, derived_title, render};
use pincer_sessions::transcript::{self, Record, Role};
use serde_json::{Map, Value, json};

use crate::Shard;
use crate::driver::ShardId;
use crate::fanout::{Audience, Broadcast};
use crate::message::ShardMsg;
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

/// Lines read to find a message that was just written: others may have been written behind it.
const MESSAGE_LINES: u32 = 4;
/// Most bytes of them: what one message may have as JSON, with its neighbours.
const MESSAGE_BYTES: u64 = 1 << 20;

/// Fields of an event that are `null` where a row leaves them out.
const NULLS: [&str; 36] = [
    "createdActor",
    "owner",
    "archivedAt",
    "archivedBy",
    "archiveReason",
    "pinnedAt",
    "markedUnreadAt",
    "agentStatus",
    "observerDigest",
    "controlOwnerSessionKey",
    "swarm",
    "permissionMode",
    "autoLabel",
    "label",
    "icon",
    "color",
    "channelAvatarUrl",
    "category",
    "boardPresentation",
    "displayName",
    "thinkingLevel",
    "toolOverrides",
    "restartRecoveryStatus",
    "goal",
    "contextBudgetStatus",
    "activeModelProvider",
    "activeModel",
    "modelOverrideSource",
    "lastRunError",
    "providerReview",
    "lastRunId",
    "endedAt",
    "runtimeMs",
    "placement",
    "placementMove",
    "totalTokens",
];

/// Fields of a row that an event does not repeat beside it.
const ONLY_IN_ROW: [&str; 10] = [
    "key",
    "agentId",
    "classification",
    "isMain",
    "isBackground",
    "derivedTitle",
    "thinkingLevels",
    "thinkingOptions",
    "thinkingDefault",
    "snapshotAt",
];

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
        let mut head = self.event_head(key);
        match change {
            Change::Reason(reason) => {
                head.insert("reason".to_owned(), reason.into());
            }
            Change::Phase(phase) => {
                let run = self.active_run_id(key).or_else(|| self.last_run_id(key));
                head.insert("phase".to_owned(), phase.into());
                head.insert("runId".to_owned(), run.into());
            }
        }
        head.insert("ts".to_owned(), self.now.wall_ms.into());
        let Some(row) = self.event_row(key) else { return };
        self.tell_index(&beside(head, row));
        // Where a run begins and ends, a message was written.
        match change {
            Change::Reason("send") => self.tell_message(key, Role::User),
            Change::Phase("end") => self.tell_message(key, Role::Assistant),
            _ => {}
        }
    }

    /// A session was deleted.
    pub(crate) fn session_deleted(&mut self, key: &SessionKey, session_id: &str) {
        if !self.audience.any() {
            return;
        }
        let mut head = self.event_head(key);
        head.insert("sessionId".to_owned(), session_id.into());
        head.insert("reason".to_owned(), "delete".into());
        head.insert("ts".to_owned(), self.now.wall_ms.into());
        self.tell_index(&head);
    }

    fn tell_index(&mut self, payload: &Map<String, Value>) {
        let event = EncodedEvent::new("sessions.changed", payload, None);
        // A list that missed one is made right by the next.
        self.broadcast(Broadcast { v3: None, v4: Some((event, Audience::SessionIndex)), droppable: true });
    }

    fn event_head(&self, key: &SessionKey) -> Map<String, Value> {
        let agent = key.store_agent(&self.view.default_agent);
        let mut head = Map::new();
        head.insert("sessionKey".to_owned(), key.as_str().into());
        head.insert("agentId".to_owned(), agent.as_str().into());
        head
    }

    fn last_run_id(&self, key: &SessionKey) -> Option<String> {
        let session = self.sessions.map.get(key)?;
        session.entry.life().last_run_id.as_deref().map(str::to_owned)
    }

    /// A session's row with what is known without reading.
    fn event_row(&self, key: &SessionKey) -> Option<Map<String, Value>> {
        let session = self.sessions.map.get(key)?;
        let entry = &session.entry;
        let first = session.first_said.as_deref();
        let titled = first.is_some() || entry.label.is_some() || entry.route().display_name.is_some();
        let facts = RowFacts {
            with_summary: true,
            derived_title: titled.then(|| derived_title(key, entry, first)),
            ..self.row_facts(key)
        };
        let row = render(key, entry, &facts, &self.row_context(Wire::V4))?;
        serde_json::from_str(row.get()).ok()
    }

    /// Tells the last message of a transcript, if it is one of `role`. It is read back, so what is told is what is on disk.
    fn tell_message(&mut self, key: &SessionKey, role: Role) {
        let Some(session) = self.sessions.map.get(key) else { return };
        let (source, Some(id)) = (session.entry.session_id.as_str().into(), session.leaf.clone()) else {
            return;
        };
        let Some(transcript) = self.transcript_id(key) else { return };
        let query = TailQuery { transcript, lines_max: MESSAGE_LINES, bytes_max: MESSAGE_BYTES };
        self.tell_written(Written { key: key.clone(), id, role, source, query }, true);
    }

    fn tell_written(&mut self, written: Written, again: bool) {
        self.read(StoreRead::Transcripts(vec![written.query.clone()]), move |shard, answer| {
            let ReadAnswer::Transcripts(tails) = answer else { return };
            let tail = tails.into_iter().next().unwrap_or_default();
            let mut records = transcript::read(&tail.lines, tail.skipped);
            records.retain(|record| record.id.as_deref() == Some(&*written.id));
            match records.first() {
                Some(_) => shard.tell_records(&written, records),
                // What a stopped run had said is still on its way to the disk: behind it in line, an empty list.
                None if again => shard.persist(Vec::new(), move |shard, result| {
                    if result.is_ok() {
                        shard.tell_written(written, false);
                    }
                }),
                None => {}
            }
        });
    }

    fn tell_records(&mut self, written: &Written, records: Vec<Record>) {
        let Written { key, id, role, source, .. } = written;
        let found = records.first().and_then(|record| Some((record.index, record.message()?.role)));
        let Some((seq, _)) = found.filter(|(_, found)| found == role) else { return };
        // Transcripts of ours have one line a message behind the header, so a line's number is the message's.
        let before = seq.saturating_sub(1);
        let ask = Ask { limit: 1, messages_before: before, source, ..Ask::default() };
        let Some(message) = page(Wire::V4, records, &ask).messages.pop() else { return };
        let mut head = self.event_head(key);
        if *role == Role::User {
            head.insert("senderIsOwner".to_owned(), true.into());
        }
        head.insert("message".to_owned(), serde_json::from_str(message.get()).unwrap_or_default());
        head.insert("messageId".to_owned(), (**id).into());
        head.insert("messageSeq".to_owned(), seq.into());
        let Some(row) = self.event_row(key) else { return };
        let event = EncodedEvent::new("session.message", &beside(head, row), None);
        let audience = Audience::SessionMessages(key.clone());
        self.broadcast(Broadcast { v3: None, v4: Some((event, audience)), droppable: false });
    }
}

/// A message to be told once it is on disk.
struct Written {
    key: SessionKey,
    /// Of its record.
    id: Box<str>,
    role: Role,
    /// Names the transcript.
    source: Box<str>,
    query: TailQuery,
}

/// An event's own fields, the row as `session`, and the row's fields once more beside it, as v4 has it.
fn beside(mut head: Map<String, Value>, row: Map<String, Value>) -> Map<String, Value> {
    for name in NULLS {
        head.entry(name).or_insert(Value::Null);
    }
    for (name, value) in &row {
        if !ONLY_IN_ROW.contains(&name.as_str()) {
            head.insert(name.clone(), value.clone());
        }
    }
    head.entry("participants").or_insert_with(|| json!([]));
    head.entry("participantCount").or_insert_with(|| 0.into());
    head.insert("session".to_owned(), Value::Object(row));
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_carries_the_row_twice() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let head = map(json!({"sessionKey": "agent:main:x", "agentId": "main", "reason": "patch", "ts": 1}));
        let row = map(json!({"key": "agent:main:x", "label": "l", "isMain": false, "updatedAt": 5}));
        let event = beside(head, row.clone());
        assert_eq!(event.get("session"), Some(&Value::Object(row)));
        assert_eq!(event.get("label"), Some(&json!("l")));
        assert_eq!(event.get("goal"), Some(&Value::Null));
        assert_eq!(event.get("key"), None);
        assert_eq!(event.get("isMain"), None);
        assert_eq!(event.get("participantCount"), Some(&json!(0)));
    }

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

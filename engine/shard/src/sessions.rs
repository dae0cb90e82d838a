//! Sessions this shard owns.

use std::collections::HashMap;

use pincer_protocol::ErrorShape;
use pincer_sessions::entry::Entry;
use pincer_sessions::idempotency::Ledger;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{StoreOp, Table, TranscriptId};
use pincer_sessions::scheduler::Scheduler;

use crate::Shard;
use crate::driver::ShardId;
use crate::live::Reach;
use crate::message::ShardMsg;
use crate::run::ActiveRun;
use crate::run::summary::Summary;

/// The table of sessions, what runs in them, and what was answered lately.
pub(crate) struct Sessions {
    pub(crate) map: HashMap<SessionKey, Session>,
    pub(crate) scheduler: Scheduler,
    pub(crate) idempotency: Ledger,
}

/// One session at rest or at work.
pub(crate) struct Session {
    pub(crate) entry: Entry,
    /// Id of the transcript's last record, when known: the next one's parent.
    pub(crate) leaf: Option<Box<str>>,
    /// How far the transcript reaches, when somebody has counted.
    pub(crate) reach: Option<Reach>,
    /// What runs.
    pub(crate) run: Option<Box<ActiveRun>>,
    /// A summary being made.
    pub(crate) summary: Option<Box<Summary>>,
    /// Reads of the transcript's end that are under way.
    pub(crate) leaf_reads: u32,
    /// Last thing said, cut short, for lists; `None` until something was said since start.
    pub(crate) last_preview: Option<Box<str>>,
    /// First thing a person said, cut short, for titles; `None` until a list asked for it.
    pub(crate) first_said: Option<Box<str>>,
}

impl Session {
    pub(crate) fn new(entry: Entry) -> Session {
        Session {
            entry,
            leaf: None,
            reach: None,
            run: None,
            summary: None,
            leaf_reads: 0,
            last_preview: None,
            first_said: None,
        }
    }
}

impl Shard {
    /// Makes sure a session exists; `true` when it was made now.
    pub(crate) fn ensure_session(&mut self, key: &SessionKey) -> Result<bool, ErrorShape> {
        if self.sessions.map.contains_key(key) {
            return Ok(false);
        }
        if self.sessions.map.len() >= self.limits.sessions_max as usize {
            self.counters.overflows += 1;
            return Err(ErrorShape::busy(
                format!("this gateway holds {} sessions, its limit; delete some", self.limits.sessions_max),
                60_000,
            ));
        }
        let (session_id, revision) = (self.fresh_session_id(), self.uuid());
        let entry = Entry::created(session_id, &revision, self.now.wall_ms);
        self.sessions.map.insert(key.clone(), Session::new(entry));
        self.health_stale();
        Ok(true)
    }

    /// The op that writes a session's entry.
    pub(crate) fn entry_op(&self, key: &SessionKey) -> Option<StoreOp> {
        let session = self.sessions.map.get(key)?;
        Some(StoreOp::Put {
            table: Table::Sessions,
            id: key.as_str().to_owned(),
            json: session.entry.to_json(),
        })
    }

    /// The transcript of a session. Session ids and agent ids are file-safe by construction.
    pub(crate) fn transcript_id(&self, key: &SessionKey) -> Option<TranscriptId> {
        let session = self.sessions.map.get(key)?;
        let agent = key.store_agent(&self.view.default_agent);
        TranscriptId::new(agent.as_str(), session.entry.session_id.as_str()).ok()
    }

    /// Asks home for a label (or gives one up), then goes on.
    pub(crate) fn reserve_label(
        &mut self,
        key: &SessionKey,
        label: Option<&str>,
        then: impl FnOnce(&mut Shard, Result<(), ErrorShape>) + Send + 'static,
    ) {
        let agent = key.store_agent(&self.view.default_agent);
        if self.is_home() {
            let result = self.reserve_label_here(agent.as_str(), label, key);
            return then(self, result);
        }
        let number = self.next_number();
        self.label_waits.insert(number, Box::new(then));
        let (agent, label) = (agent.as_str().into(), label.map(Into::into));
        self.send(ShardId::HOME, ShardMsg::ReserveLabel { number, agent, label, key: key.clone() });
    }

    /// Something changed that the health snapshot shows.
    pub(crate) fn health_stale(&mut self) {
        if self.is_home() {
            self.refresh_health_soon();
        }
    }
}

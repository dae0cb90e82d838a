//! Approvals that shards open themselves, and how they hear what became of them.

use pincer_protocol::method::approval::{Decision, ExecRequest};
use pincer_sessions::time::Now;

use super::record::{Holder, Record, Ruling, Why};
use super::table::Refused;
use super::text::shown_cut;
use super::{TIMEOUT_MS_MAX, flow};
use crate::Shard;
use crate::driver::ShardId;
use crate::message::ShardMsg;

/// Something a person is asked to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Names it; made by the opener, unlike every other, and not to be guessed: a UUID. Opening it again is fine.
    pub id: Box<str>,
    /// What people are shown as the command; too long a text is cut off.
    pub command: String,
    /// What they are warned of. v3 has no place for it.
    pub warning: Option<String>,
    /// Session as people are shown it.
    pub session_key: Option<Box<str>>,
    /// Agent as people are shown it.
    pub agent_id: Option<Box<str>>,
    /// Where it would happen.
    pub host: Option<Box<str>>,
    /// The security mode in force.
    pub security: Option<Box<str>>,
    /// The ask mode in force; `always` takes `allow-always` away.
    pub ask: Option<Box<str>>,
    /// How long people have, milliseconds; at least 1, at most [`TIMEOUT_MS_MAX`].
    pub timeout_ms: u64,
    /// Who waits for the decision.
    pub holder: Holder,
}

impl Ask {
    fn record(self, now: Now) -> Record {
        let Ask { id, command, warning, session_key, agent_id, host, security, ask, timeout_ms, holder } =
            self;
        let allowed_decisions = flow::allowed(ask.as_deref(), false);
        let request = ExecRequest {
            command: shown_cut(&command, true),
            warning_text: warning.map(|text| shown_cut(&text, true)),
            session_key,
            agent_id,
            host,
            security,
            ask,
            run_id: Some(holder.run_id.clone()),
            allowed_decisions,
            ..ExecRequest::default()
        };
        let expires_at_ms = now.wall_ms.saturating_add(timeout_ms.clamp(1, TIMEOUT_MS_MAX));
        Record {
            id,
            request,
            created_at_ms: now.wall_ms,
            expires_at_ms,
            requester: None,
            holder: Some(holder),
            ruling: None,
        }
    }
}

/// What became of an approval, on its way to its holder.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) id: Box<str>,
    pub(crate) holder: Holder,
    pub(crate) ruling: Ruling,
}

impl Shard {
    /// Asks a person, on any shard. The session's owner is told what became of it by `Shard::approval_decided`: always,
    /// at the latest when the time is up, and again after a restart until it says [`Shard::approval_taken`]. When too
    /// much waits already it is told at once that it is denied. Once home has its row a crash loses nothing; before that
    /// the opener's own row must bring it back.
    pub fn open_approval(&mut self, ask: Ask) {
        if self.is_home() {
            self.open_approval_here(ask);
        } else {
            self.send(ShardId::HOME, ShardMsg::OpenApproval(Box::new(ask)));
        }
    }

    /// Home: a shard asks.
    pub(crate) fn open_approval_here(&mut self, ask: Ask) {
        let now = self.now;
        let Some(home) = &mut self.home else { return };
        let record = ask.record(now);
        let id = record.id.clone();
        match home.approvals.open(record.clone(), now) {
            Ok(ops) => self.persist_surely(ops, move |shard, _| {
                let opened = shard.home.as_mut().and_then(|home| home.approvals.opened(&id));
                if let Some(record) = opened {
                    shard.announce_approval(&record);
                }
                shard.arm_approvals();
            }),
            Err(Refused::Known)
                if home.approvals.get(&id).is_some_and(|held| held.holder == record.holder) =>
            {
                self.tell_holder(&id);
            }
            Err(refused) => {
                self.counters.overflows += 1;
                self.warn("approvals", format!("nobody is asked for {id}, it is denied: {refused:?}"));
                let ruling =
                    Ruling { decision: Some(Decision::Deny), why: Why::Full, by: None, at_ms: now.wall_ms };
                if let Some(holder) = record.holder {
                    self.notify(Notice { id, holder, ruling });
                }
            }
        }
    }

    /// Home: tells the holder of an approval what became of it, if it is over.
    pub(crate) fn tell_holder(&mut self, id: &str) {
        let record = self.home.as_ref().and_then(|home| home.approvals.get(id));
        let notice = record.and_then(|record| {
            let (holder, ruling) = (record.holder.clone()?, record.ruling.clone()?);
            Some(Notice { id: id.into(), holder, ruling })
        });
        if let Some(notice) = notice {
            self.notify(notice);
        }
    }

    fn notify(&mut self, notice: Notice) {
        let owner = self.owner(&notice.holder.session_key);
        if owner == self.id {
            self.approval_decided(&notice.id, &notice.holder, &notice.ruling);
        } else {
            self.send(owner, ShardMsg::ApprovalDecided(Box::new(notice)));
        }
    }

    /// The opener has dealt with a decision, durably, or needs none any more: its row goes. On any shard; saying it twice is fine.
    pub fn approval_taken(&mut self, id: &str) {
        if !self.is_home() {
            return self.send(ShardId::HOME, ShardMsg::ApprovalTaken { id: id.into() });
        }
        let opened =
            self.home.as_ref().and_then(|home| home.approvals.get(id)).is_some_and(|it| it.holder.is_some());
        if opened && self.home.as_ref().is_some_and(|home| home.approvals.is_pending(id)) {
            return self.settle_approval(id, Why::Withdrawn);
        }
        let op = self.home.as_mut().and_then(|home| home.approvals.taken(id));
        self.arm_approvals();
        if let Some(op) = op {
            self.persist_surely(vec![op], |_, _| ());
        }
    }

    /// Home has started: what time does to approvals begins, and decisions that nobody took are told again.
    pub(crate) fn approvals_at_boot(&mut self) {
        self.arm_approvals();
        let untaken = self.home.iter().flat_map(|home| home.approvals.untaken());
        let ids: Vec<Box<str>> = untaken.map(|record| record.id.clone()).collect();
        for id in ids {
            self.tell_holder(&id);
        }
    }
}

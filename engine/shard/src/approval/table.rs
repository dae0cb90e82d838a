//! The approvals themselves: which wait, which are over, and who waits for them. Pure: no clock, no store, no clients.
//!
//! An approval is opened, then its row is written ([`Approvals::opened`]), then it waits. It is settled by a decision or
//! by nobody; that is written too ([`Approvals::settled`]), and then whoever waited is told. A while later it is
//! forgotten, unless a shard opened it: then it is kept until that one has taken the decision.

use std::collections::{BTreeMap, BTreeSet};

use pincer_protocol::method::approval::Decision;
use pincer_sessions::persist::StoreOp;
use pincer_sessions::time::Now;

use super::record::{Record, Ruling, Why};

/// Most approvals that wait. One more is refused, to be tried again.
pub(crate) const PENDING_MAX: usize = 1_000;

/// Most approvals in all, those among them that are over and not forgotten yet. One more makes room by forgetting the
/// oldest that is over and that nobody has to take; when there is none it is refused.
pub(crate) const KEPT_MAX: usize = 2 * PENDING_MAX;

/// Most requests that wait for decisions. One more is refused, to be tried again.
pub(crate) const WAITERS_MAX: usize = 4_096;

/// Bytes of all that is kept, roughly. Whatever would go beyond it is refused, to be tried again.
pub(crate) const BYTES_MAX: usize = 16 << 20;

/// How long what is over is remembered, milliseconds; upstream's figure.
pub(crate) const KEPT_MS: u64 = 15_000;

/// Approvals, and `W`, which is told how they end.
#[derive(Debug)]
pub(crate) struct Approvals<W> {
    entries: BTreeMap<Box<str>, Entry<W>>,
    /// When something is due, `mono_ms`.
    alarms: BTreeSet<(u64, Box<str>)>,
    pending: usize,
    waiters: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<W> {
    record: Record,
    stage: Stage,
    waiters: Vec<W>,
    /// When it is over, `mono_ms`; once it is, when it is forgotten.
    due_ms: u64,
    bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// On its way to the disk; nobody was told.
    Opening,
    /// People are asked.
    Pending,
    /// It is over, and that is on its way to the disk.
    Settling(Ruling),
    /// It is over; the ruling is in the record.
    Settled {
        /// Nobody has to take the decision any more.
        taken: bool,
    },
}

/// Why an approval is not opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is one with this id.
    Known,
    /// A bound is reached.
    Full,
}

/// What became of one who wants to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wait<W> {
    /// It is told when the approval is over.
    Held,
    /// It is over already.
    Over(W, Box<Record>),
    /// There is no such approval.
    Unknown(W),
    /// Too many wait.
    Full(W),
}

/// What became of a decision.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decide {
    /// It counts once this is on disk.
    Begin(StoreOp),
    /// The same was decided before.
    Same,
    /// The same was decided before and is on its way to the disk: wait for it.
    SameOnItsWay,
    /// It is over otherwise.
    Other,
    /// There is no such approval, or nobody was told of it yet.
    Unknown,
    /// It may not be decided so.
    NotAllowed,
}

/// An approval that is over, and who is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled<W> {
    pub(crate) record: Record,
    pub(crate) waiters: Vec<W>,
}

/// What time caused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Approvals that nobody decided in time.
    pub(crate) expired: Vec<Box<str>>,
    /// Rows of what is forgotten.
    pub(crate) ops: Vec<StoreOp>,
}

impl<W> Default for Approvals<W> {
    fn default() -> Self {
        Approvals { entries: BTreeMap::new(), alarms: BTreeSet::new(), pending: 0, waiters: 0, bytes: 0 }
    }
}

impl<W> Approvals<W> {
    /// Reads the rows of `Table::Approvals`: what waited waits on, for the rest of its time. Rows that cannot be read are
    /// left out and named.
    pub(crate) fn load<'r>(
        rows: impl IntoIterator<Item = (&'r str, &'r str)>,
        now: Now,
    ) -> (Approvals<W>, Vec<String>) {
        let (mut approvals, mut problems) = (Approvals::default(), Vec::new());
        for (id, json) in rows {
            match serde_json::from_str::<Record>(json) {
                Ok(record) if *record.id == *id => approvals.restore(record, now),
                Ok(_) => problems.push(format!("approval {id}: its row says another id")),
                Err(error) => problems.push(format!("approval {id}: {error}")),
            }
        }
        (approvals, problems)
    }

    fn restore(&mut self, record: Record, now: Now) {
        let (stage, left_ms) = if record.ruling.is_some() {
            (Stage::Settled { taken: record.holder.is_none() }, KEPT_MS)
        } else {
            // A clock that was set back does not make it longer.
            let whole = record.expires_at_ms.saturating_sub(record.created_at_ms);
            (Stage::Pending, record.expires_at_ms.saturating_sub(now.wall_ms).min(whole))
        };
        self.insert(record, stage, now.mono_ms.saturating_add(left_ms));
    }

    fn insert(&mut self, record: Record, stage: Stage, due_ms: u64) {
        let (id, bytes) = (record.id.clone(), record.bytes());
        self.pending += usize::from(stage.waits());
        self.bytes += bytes;
        self.alarms.insert((due_ms, id.clone()));
        self.entries.insert(id, Entry { record, stage, waiters: Vec::new(), due_ms, bytes });
    }

    fn remove(&mut self, id: &str) -> Option<Entry<W>> {
        let entry = self.entries.remove(id)?;
        self.alarms.remove(&(entry.due_ms, entry.record.id.clone()));
        self.pending -= usize::from(entry.stage.waits());
        self.waiters -= entry.waiters.len();
        self.bytes -= entry.bytes;
        Some(entry)
    }

    /// Takes a new approval; it counts once the row is on disk.
    pub(crate) fn open(&mut self, record: Record, now: Now) -> Result<Vec<StoreOp>, Refused> {
        if self.entries.contains_key(&record.id) {
            return Err(Refused::Known);
        }
        if self.pending >= PENDING_MAX || self.bytes + record.bytes() > BYTES_MAX {
            return Err(Refused::Full);
        }
        let mut ops = vec![record.put()];
        if self.entries.len() >= KEPT_MAX {
            let over = |entry: &&Entry<W>| entry.stage == Stage::Settled { taken: true };
            let oldest = self.entries.values().filter(over).min_by_key(|entry| entry.due_ms);
            let oldest = oldest.map(|entry| entry.record.id.clone()).ok_or(Refused::Full)?;
            ops.extend(self.remove(&oldest).map(|entry| entry.record.delete()));
        }
        let left_ms = record.expires_at_ms.saturating_sub(now.wall_ms);
        self.insert(record, Stage::Opening, now.mono_ms.saturating_add(left_ms));
        Ok(ops)
    }

    /// The row of a new approval is on disk: people may be asked.
    pub(crate) fn opened(&mut self, id: &str) -> Option<Record> {
        let entry = self.entries.get_mut(id).filter(|entry| entry.stage == Stage::Opening)?;
        entry.stage = Stage::Pending;
        // What was due meanwhile was put off.
        self.alarms.insert((entry.due_ms, entry.record.id.clone()));
        Some(entry.record.clone())
    }

    /// The row of a new approval is not on disk: it never was. Who waited for it.
    pub(crate) fn unopened(&mut self, id: &str) -> Vec<W> {
        let opening = self.entries.get(id).is_some_and(|entry| entry.stage == Stage::Opening);
        if opening { self.remove(id).map(|entry| entry.waiters).unwrap_or_default() } else { Vec::new() }
    }

    /// Lets `who` wait for the end of an approval.
    pub(crate) fn wait(&mut self, id: &str, who: W) -> Wait<W> {
        let Some(entry) = self.entries.get_mut(id) else { return Wait::Unknown(who) };
        if let Stage::Settled { .. } = entry.stage {
            return Wait::Over(who, Box::new(entry.record.clone()));
        }
        if self.waiters >= WAITERS_MAX {
            return Wait::Full(who);
        }
        self.waiters += 1;
        entry.waiters.push(who);
        Wait::Held
    }

    /// A person decides.
    pub(crate) fn decide(&mut self, id: &str, decision: Decision, by: Option<Box<str>>, now: Now) -> Decide {
        let Some(entry) = self.entries.get(id) else { return Decide::Unknown };
        match (&entry.stage, &entry.record.ruling) {
            (Stage::Opening, _) => Decide::Unknown,
            (Stage::Settling(ruling), _) if ruling.decision == Some(decision) => Decide::SameOnItsWay,
            (Stage::Settled { .. }, Some(ruling)) if ruling.decision == Some(decision) => Decide::Same,
            (Stage::Settling(_) | Stage::Settled { .. }, _) => Decide::Other,
            (Stage::Pending, _) if !entry.record.request.allowed_decisions.contains(&decision) => {
                Decide::NotAllowed
            }
            (Stage::Pending, _) => {
                let ruling = Ruling { decision: Some(decision), why: Why::User, by, at_ms: now.wall_ms };
                self.settle(id, ruling).map_or(Decide::Unknown, Decide::Begin)
            }
        }
    }

    /// It ends so; that counts once this is on disk. `None`: it does not wait.
    pub(crate) fn settle(&mut self, id: &str, ruling: Ruling) -> Option<StoreOp> {
        let entry = self.entries.get_mut(id).filter(|entry| entry.stage == Stage::Pending)?;
        self.pending -= 1;
        let ended = Record { ruling: Some(ruling.clone()), ..entry.record.clone() };
        entry.stage = Stage::Settling(ruling);
        // Nobody asks after a restart how something ended that no shard waits for and that nobody decided.
        let forgotten = ended.holder.is_none() && ended.ruling.as_ref().is_some_and(|r| r.decision.is_none());
        Some(if forgotten { ended.delete() } else { ended.put() })
    }

    /// Its end is on disk: who is to be told.
    pub(crate) fn settled(&mut self, id: &str, now: Now) -> Option<Settled<W>> {
        let entry = self.entries.get_mut(id)?;
        let Stage::Settling(ruling) = &entry.stage else { return None };
        entry.record.ruling = Some(ruling.clone());
        entry.stage = Stage::Settled { taken: entry.record.holder.is_none() };
        self.alarms.remove(&(entry.due_ms, entry.record.id.clone()));
        entry.due_ms = now.mono_ms.saturating_add(KEPT_MS);
        self.alarms.insert((entry.due_ms, entry.record.id.clone()));
        let waiters = std::mem::take(&mut entry.waiters);
        self.waiters -= waiters.len();
        Some(Settled { record: entry.record.clone(), waiters })
    }

    /// Its end is not on disk: it waits on, and so does whoever waits for its end. Those that only repeated what was
    /// decided come back: they have to say it again.
    pub(crate) fn unsettled(&mut self, id: &str, repeats: impl Fn(&W) -> bool) -> Vec<W> {
        let Some(entry) = self.entries.get_mut(id) else { return Vec::new() };
        if !matches!(entry.stage, Stage::Settling(_)) {
            return Vec::new();
        }
        entry.stage = Stage::Pending;
        self.pending += 1;
        // Its time may have run out meanwhile.
        self.alarms.insert((entry.due_ms, entry.record.id.clone()));
        let gone: Vec<W> = entry.waiters.extract_if(.., |who| repeats(who)).collect();
        self.waiters -= gone.len();
        gone
    }

    /// The shard that opened it knows the decision. What removes its row; `None`: it did so before.
    pub(crate) fn taken(&mut self, id: &str) -> Option<StoreOp> {
        let entry = self.entries.get_mut(id)?;
        if entry.stage != (Stage::Settled { taken: false }) {
            return None;
        }
        entry.stage = Stage::Settled { taken: true };
        self.alarms.insert((entry.due_ms, entry.record.id.clone()));
        Some(entry.record.delete())
    }

    /// When [`Approvals::due`] is to be called, `mono_ms`.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// What time has caused. Expired approvals are still to be settled.
    pub(crate) fn due(&mut self, now: Now) -> Due {
        let mut due = Due::default();
        while let Some((at, id)) = self.alarms.pop_first() {
            if at > now.mono_ms {
                self.alarms.insert((at, id));
                break;
            }
            let Some(entry) = self.entries.get(&id) else { continue };
            match &entry.stage {
                Stage::Pending => due.expired.push(id),
                // Asked again when it is known whether that is on disk, or once it is taken.
                Stage::Opening | Stage::Settling(_) | Stage::Settled { taken: false } => {}
                Stage::Settled { taken: true } => {
                    let Some(entry) = self.remove(&id) else { continue };
                    // What a shard had opened went when it was taken; what nobody decided has no row.
                    let decided = entry.record.ruling.as_ref().is_some_and(|r| r.decision.is_some());
                    if entry.record.holder.is_none() && decided {
                        due.ops.push(entry.record.delete());
                    }
                }
            }
        }
        due
    }

    /// One approval, whatever became of it.
    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.entries.get(id).map(|entry| &entry.record)
    }

    /// Those that people are asked for, oldest first.
    pub(crate) fn pending(&self) -> Vec<&Record> {
        let waiting = self.entries.values().filter(|entry| entry.stage == Stage::Pending);
        let mut records: Vec<&Record> = waiting.map(|entry| &entry.record).collect();
        records.sort_by_key(|record| record.created_at_ms);
        records
    }

    /// Whether people are asked for it.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.stage == Stage::Pending)
    }

    /// Decisions that the shard that asked has not taken.
    pub(crate) fn untaken(&self) -> impl Iterator<Item = &Record> {
        let waits = |entry: &&Entry<W>| entry.stage == Stage::Settled { taken: false };
        self.entries.values().filter(waits).map(|entry| &entry.record)
    }

    /// Every approval whose id starts so, that `likes` lets pass.
    pub(crate) fn starting_with<'a>(
        &'a self,
        start: &'a str,
        likes: impl Fn(&Record) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Record> {
        let fits = move |record: &&Record| {
            record.id.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)) && likes(record)
        };
        self.entries.values().map(|entry| &entry.record).filter(fits)
    }
}

impl Stage {
    /// Whether it counts among those that wait.
    fn waits(&self) -> bool {
        matches!(self, Stage::Opening | Stage::Pending)
    }
}

#[cfg(test)]
mod tests;

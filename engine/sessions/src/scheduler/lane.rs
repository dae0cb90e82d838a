//! One session: at most one running turn, and a bounded queue behind it.

use std::collections::VecDeque;

use super::prompt::{Overflow, collected};
use super::{Aborted, Admission, Clear, Handed, Next, Refusal, Started, Superseded, SupersededWhy};
use crate::queue::{CAP_DEFAULT, DropPolicy, QueueMode, QueuePolicy};
use crate::time::Now;
use crate::turn::Turn;

/// Turns that do not queue by mode and wait behind one session; more are refused.
const ALONE_MAX: usize = CAP_DEFAULT as usize;
/// A queue that never falls quiet goes on after this many debounces all the same.
const DEBOUNCES_MAX: u64 = 10;
/// Message ids of the running turn that are remembered to drop repeats; older ones are forgotten first.
const RUNNING_IDS_MAX: usize = 64;

/// One session: at most one running turn, and a bounded queue behind it.
#[derive(Debug, Default)]
pub struct Lane {
    running: Option<Running>,
    queue: VecDeque<Entry>,
    policy: Option<QueuePolicy>,
    overflow: Overflow,
    /// Sum of [`Turn::cost`] over the queue.
    bytes: usize,
    /// When the last message of the queue arrived, `mono_ms`.
    last_at: u64,
    /// Since when nothing runs although something waits, `mono_ms`.
    idle_since: u64,
    /// When the queue goes on, `mono_ms`; only while nothing runs.
    wait_until: Option<u64>,
}

#[derive(Debug)]
struct Running {
    run_id: String,
    message_ids: VecDeque<String>,
}

/// A waiting turn. How it queues was decided when it arrived: changing the mode later does not reorder anything.
#[derive(Debug)]
struct Entry {
    turn: Turn,
    mode: QueueMode,
    /// `steer-backlog`: the running turn has it already.
    handed: bool,
}

impl Entry {
    fn by_mode(&self) -> bool {
        self.turn.origin.queues_by_mode()
    }
}

/// A turn that waits.
#[derive(Debug, Clone, Copy)]
pub struct Pending<'a> {
    /// The turn.
    pub turn: &'a Turn,
    /// How it queues.
    pub mode: QueueMode,
}

impl Lane {
    /// See [`super::Scheduler::submit`].
    pub fn submit(&mut self, turn: Turn, policy: &QueuePolicy, now: Now) -> Admission {
        self.policy = Some(*policy);
        if self.carries(&turn.message_id) {
            return Admission::Duplicate;
        }
        if self.would_start(&turn, policy) {
            let superseded = self.supersede_messages();
            return match self.running.take() {
                None if superseded.is_empty() => Admission::Start(self.start(turn, Vec::new(), false)),
                running => Admission::Interrupt {
                    stop: running.map(|running| running.run_id),
                    start: self.start(turn, Vec::new(), false),
                    superseded,
                },
            };
        }
        if !turn.origin.queues_by_mode() {
            if self.queue.len() - self.messages() >= ALONE_MAX {
                return Admission::Refused { turn: Box::new(turn), why: Refusal::QueueFull };
            }
            self.push(turn, QueueMode::Followup, now);
            return Admission::Queued { superseded: Vec::new() };
        }
        let cap = usize::from(policy.cap.max(1));
        let replaces = policy.mode == QueueMode::Steer && self.steered_at().is_some();
        if policy.drop == DropPolicy::New && self.messages() - usize::from(replaces) >= cap {
            return Admission::Refused { turn: Box::new(turn), why: Refusal::QueueFull };
        }
        let mut superseded = Vec::new();
        if let (QueueMode::Steer, Some(at)) = (policy.mode, self.steered_at()) {
            // People correct themselves faster than a model answers, and answering the superseded question first reads
            // as being ignored.
            superseded.extend(
                self.take(at).map(|entry| Superseded { turn: entry.turn, why: SupersededWhy::Newer }),
            );
        }
        // More than one may have to go, when the cap was lowered.
        while self.messages() >= cap {
            let Some(oldest) = self.queue.iter().position(Entry::by_mode).and_then(|at| self.take(at)) else {
                break;
            };
            if policy.drop == DropPolicy::Summarize {
                self.overflow.add(&oldest.turn, cap.min(usize::from(CAP_DEFAULT)));
            }
            superseded.push(Superseded { turn: oldest.turn, why: SupersededWhy::Overflow });
        }
        let joins = match (policy.mode, self.queue.back()) {
            (QueueMode::Collect, Some(last))
                if last.mode == QueueMode::Collect && last.turn.merges_with(&turn) =>
            {
                Some(self.head_of_last_group())
            }
            _ => None,
        };
        self.push(turn, policy.mode, now);
        match (policy.mode, joins) {
            (QueueMode::Steer | QueueMode::SteerBacklog, _) => Admission::Steered { superseded },
            (_, Some(into)) => Admission::Merged { into, superseded },
            (_, None) => Admission::Queued { superseded },
        }
    }

    /// Whether `turn` would run at once, alone or in place of what runs now.
    pub fn would_start(&self, turn: &Turn, policy: &QueuePolicy) -> bool {
        self.is_idle() || (turn.origin.queues_by_mode() && policy.mode == QueueMode::Interrupt)
    }

    /// See [`super::Scheduler::boundary`].
    pub fn boundary(&mut self, _now: Now) -> Vec<Handed> {
        if self.running.is_none() {
            return Vec::new();
        }
        let mut handed = Vec::new();
        let mut at = 0;
        while let Some(entry) = self.queue.get_mut(at) {
            match entry.mode {
                QueueMode::SteerBacklog if !entry.handed => {
                    entry.handed = true;
                    handed.push(Handed { turn: entry.turn.clone(), stays_queued: true });
                }
                QueueMode::Steer if entry.by_mode() => {
                    handed
                        .extend(self.take(at).map(|entry| Handed { turn: entry.turn, stays_queued: false }));
                    continue; // the next entry moved to this place
                }
                _ => {}
            }
            at += 1;
        }
        if let (Some(first), false) = (handed.first_mut(), self.overflow.is_empty()) {
            prepend(&mut first.turn.text, self.overflow.take_note());
        }
        if let Some(running) = &mut self.running {
            for item in handed.iter().filter(|item| !item.stays_queued) {
                running.remember(&item.turn.message_id);
            }
        }
        handed
    }

    /// See [`super::Scheduler::complete`].
    pub fn complete(&mut self, now: Now) -> Next {
        self.running = None;
        self.idle_since = now.mono_ms;
        self.rearm(now);
        match self.wait_until {
            None => Next::Idle,
            Some(until_ms) if until_ms > now.mono_ms => Next::Wait { until_ms },
            Some(_) => self.start_next().map_or(Next::Idle, |start| Next::Start(Box::new(start))),
        }
    }

    /// The turn whose waiting is over.
    pub fn tick(&mut self, now: Now) -> Option<Started> {
        match self.wait_until {
            Some(until_ms) if until_ms <= now.mono_ms && self.running.is_none() => self.start_next(),
            _ => None,
        }
    }

    /// See [`super::Scheduler::abort`].
    pub fn abort(&mut self, run_id: &str, now: Now) -> Aborted {
        if self.running() == Some(run_id) {
            return Aborted::Running(self.complete(now));
        }
        let found = self.queue.iter().position(|entry| entry.turn.run_id == run_id);
        match found.and_then(|at| self.take(at)) {
            Some(entry) => {
                self.rearm(now);
                Aborted::Waiting(Box::new(entry.turn))
            }
            None => Aborted::Nothing,
        }
    }

    /// See [`super::Scheduler::clear`].
    pub fn clear(&mut self, what: Clear) -> Vec<Turn> {
        self.overflow = Overflow::default();
        let (gone, kept): (VecDeque<Entry>, VecDeque<Entry>) =
            self.queue.drain(..).partition(|entry| what == Clear::All || entry.by_mode());
        self.queue = kept;
        self.bytes = self.queue.iter().map(|entry| entry.turn.cost()).sum();
        if self.queue.is_empty() {
            self.wait_until = None;
        }
        gone.into_iter().map(|entry| entry.turn).collect()
    }

    /// Puts back a turn that waited before a restart.
    pub fn restore(&mut self, turn: Turn, policy: &QueuePolicy, now: Now) {
        self.policy = Some(*policy);
        let mode = if turn.origin.queues_by_mode() { policy.mode } else { QueueMode::Followup };
        self.push(turn, mode, now);
        if self.running.is_none() {
            self.wait_until = Some(now.mono_ms);
        }
    }

    /// Run id of the running turn.
    pub fn running(&self) -> Option<&str> {
        self.running.as_ref().map(|running| running.run_id.as_str())
    }

    /// See [`super::Scheduler::rename_running`].
    pub fn rename_running(&mut self, run_id: &str) {
        if let Some(running) = &mut self.running {
            run_id.clone_into(&mut running.run_id);
        }
    }

    /// What waits, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = Pending<'_>> {
        self.queue.iter().map(|entry| Pending { turn: &entry.turn, mode: entry.mode })
    }

    /// How many turns wait.
    pub fn depth(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of the turns that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the queue goes on, `mono_ms`.
    pub fn wait_until(&self) -> Option<u64> {
        self.wait_until
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.queue.is_empty()
    }

    /// What the queue goes by.
    pub fn policy(&self) -> QueuePolicy {
        self.policy.unwrap_or(QueuePolicy {
            mode: QueueMode::Followup,
            debounce_ms: 0,
            cap: CAP_DEFAULT,
            drop: DropPolicy::Summarize,
        })
    }

    /// Whether a message with this id runs or waits.
    pub fn carries(&self, message_id: &str) -> bool {
        self.running.as_ref().is_some_and(|running| running.message_ids.iter().any(|id| id == message_id))
            || self.queue.iter().any(|entry| entry.turn.carries(message_id))
    }

    fn push(&mut self, turn: Turn, mode: QueueMode, now: Now) {
        self.bytes += turn.cost();
        self.last_at = now.mono_ms;
        self.queue.push_back(Entry { turn, mode, handed: false });
        self.rearm(now);
    }

    fn take(&mut self, at: usize) -> Option<Entry> {
        let entry = self.queue.remove(at)?;
        self.bytes = self.bytes.saturating_sub(entry.turn.cost());
        Some(entry)
    }

    /// Where the message is that waits to be steered; there is at most one.
    fn steered_at(&self) -> Option<usize> {
        self.queue.iter().position(|entry| entry.mode == QueueMode::Steer && entry.by_mode())
    }

    /// How many messages wait that queue by mode.
    fn messages(&self) -> usize {
        self.queue.iter().filter(|entry| entry.by_mode()).count()
    }

    fn supersede_messages(&mut self) -> Vec<Superseded> {
        let mut superseded = Vec::new();
        while let Some(entry) = self.queue.iter().position(Entry::by_mode).and_then(|at| self.take(at)) {
            superseded.push(Superseded { turn: entry.turn, why: SupersededWhy::Interrupted });
        }
        superseded
    }

    /// Run id of the turn that the last waiting message will be merged into.
    fn head_of_last_group(&self) -> String {
        let mut group = self.queue.iter().rev();
        let Some(mut head) = group.next() else { return String::new() };
        for entry in group {
            if entry.mode != QueueMode::Collect || !entry.turn.merges_with(&head.turn) {
                break;
            }
            head = entry;
        }
        head.turn.run_id.clone()
    }

    /// Sets when the queue goes on, from what waits now.
    fn rearm(&mut self, now: Now) {
        self.wait_until = match (self.running.is_some(), self.queue.front()) {
            (true, _) | (false, None) => None,
            // Nobody types this one: there is nothing to wait for.
            (false, Some(head)) if !head.by_mode() => Some(now.mono_ms),
            (false, Some(_)) => {
                let policy = self.policy();
                let debounce = u64::from(policy.debounce_ms);
                let full = self.queue.len() >= usize::from(policy.cap);
                let quiet_at = self.last_at.saturating_add(debounce);
                let latest = self.idle_since.saturating_add(debounce.saturating_mul(DEBOUNCES_MAX));
                Some(if full { now.mono_ms } else { quiet_at.min(latest).max(now.mono_ms) })
            }
        };
    }

    fn start_next(&mut self) -> Option<Started> {
        let head = self.take(0)?;
        let mut merged = Vec::new();
        if head.mode == QueueMode::Collect && head.by_mode() {
            while self
                .queue
                .front()
                .is_some_and(|next| next.mode == QueueMode::Collect && head.turn.merges_with(&next.turn))
            {
                merged.extend(self.take(0).map(|entry| entry.turn));
            }
        }
        Some(self.start(head.turn, merged, true))
    }

    fn start(&mut self, mut turn: Turn, merged: Vec<Turn>, waited: bool) -> Started {
        if !merged.is_empty() {
            turn.text = collected(std::iter::once(&turn).chain(&merged));
            turn.merged_ids.extend(merged.iter().map(|part| part.message_id.clone()));
        }
        if turn.origin.queues_by_mode() {
            prepend(&mut turn.text, self.overflow.take_note());
        }
        let mut running = Running { run_id: turn.run_id.clone(), message_ids: VecDeque::new() };
        running.remember(&turn.message_id);
        turn.merged_ids.iter().for_each(|id| running.remember(id));
        self.running = Some(running);
        self.wait_until = None;
        Started { turn, merged, waited }
    }
}

impl Running {
    fn remember(&mut self, message_id: &str) {
        if self.message_ids.len() >= RUNNING_IDS_MAX {
            self.message_ids.pop_front();
        }
        self.message_ids.push_back(message_id.to_owned());
    }
}

fn prepend(text: &mut String, note: Option<String>) {
    if let Some(note) = note {
        text.insert_str(0, "\n\n");
        text.insert_str(0, &note);
    }
}

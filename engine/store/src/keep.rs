//! What the defender decided, on its way into the quarantine.

use std::sync::{Arc, Mutex, PoisonError};

use pincer_defender::ledger::{Entry, EntryId};
use pincer_defender::policy;
use pincer_sessions::persist::{Outcome, StoreError, StoreOp};

use crate::quarantine::{GROUP_MAX, New, Quarantine, QuarantineError, Release};
use crate::store::Store;

/// Whether a list is for the quarantine.
pub(crate) fn is_kept(list: &[StoreOp]) -> bool {
    matches!(list.first(), Some(StoreOp::Keep { .. } | StoreOp::Release { .. }))
}

/// The quarantine, opened when something is first to be kept.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    wanted: QuarantineLimits,
    open: Option<Quarantine>,
}

/// How much the quarantine keeps, and how long. A handle: whoever has a clone changes it for the store, on whatever thread
/// that is by now.
#[derive(Debug, Clone, Default)]
pub struct QuarantineLimits(Arc<Mutex<policy::Quarantine>>);

impl QuarantineLimits {
    /// Holds from the next entry on.
    pub fn set(&self, limits: policy::Quarantine) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn get(&self) -> policy::Quarantine {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Where the quarantine's limits are set.
    pub fn quarantine_limits(&self) -> QuarantineLimits {
        self.keeper.wanted.clone()
    }

    /// Records the lists, all of them with as few syncs as there are groups. A group that cannot be recorded fails whole:
    /// what its lists are about stays blocked.
    pub(crate) fn keep(&mut self, lists: &[&[StoreOp]], results: &mut Vec<Result<Vec<Outcome>, StoreError>>) {
        let mut rest = lists;
        while let Some(first) = rest.first() {
            if let [StoreOp::Release { at_ms, id, by }] = first {
                results.push(self.release(*at_ms, id, by).map(|outcome| vec![outcome]));
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            // A list has one op, but for the smallest of floods.
            let is_release = |list: &&&[StoreOp]| matches!(list, [StoreOp::Release { .. }]);
            let count = rest.iter().take(GROUP_MAX).take_while(|list| !is_release(list)).count();
            let (group, others) = rest.split_at(count);
            rest = others;
            let kept: Vec<Result<Vec<Kept<'_>>, StoreError>> =
                group.iter().map(|list| list.iter().map(read).collect()).collect();
            let news: Vec<New<'_>> = kept
                .iter()
                .flatten()
                .flatten()
                .map(|kept| match (kept.text, kept.turn) {
                    (Some(text), Some(turn)) => {
                        New::StoppedTurn(&kept.entry, text.as_bytes(), turn.as_bytes())
                    }
                    (Some(text), None) => New::Stopped(&kept.entry, text.as_bytes()),
                    (None, _) => New::Decision(&kept.entry),
                })
                .collect();
            let at_ms = kept.iter().flatten().flatten().map(|kept| kept.at_ms).max().unwrap_or(0);
            let recorded = self.record(at_ms, &news);
            results.extend(kept.iter().map(|list| match (list, &recorded) {
                (Err(own), _) => Err(own.clone()),
                (Ok(_), Err(error)) => Err(error.clone()),
                (Ok(list), Ok(())) => Ok(vec![Outcome::Done; list.len()]),
            }));
        }
    }

    fn release(&mut self, at_ms: u64, id: &str, by: &str) -> Result<Outcome, StoreError> {
        let unknown = || StoreError { message: format!("{id:?} is no decision's id"), retryable: false };
        let id = EntryId::new(id).ok_or_else(unknown)?;
        let quarantine = self.quarantine(at_ms).map_err(refused)?;
        let released = quarantine.release(at_ms, &id, by).map_err(refused);
        let notes = quarantine.take_notes();
        notes.into_iter().for_each(|note| self.note(note));
        Ok(Outcome::Released { before: released? == Release::Before })
    }

    fn record(&mut self, at_ms: u64, news: &[New<'_>]) -> Result<(), StoreError> {
        if news.is_empty() {
            return Ok(());
        }
        let quarantine = self.quarantine(at_ms).map_err(refused)?;
        let recorded = quarantine.append(at_ms, news).map(|_| ()).map_err(refused);
        let notes = quarantine.take_notes();
        notes.into_iter().for_each(|note| self.note(note));
        recorded
    }

    fn quarantine(&mut self, at_ms: u64) -> Result<&mut Quarantine, QuarantineError> {
        let limits = self.keeper.wanted.get();
        if self.keeper.open.is_none() {
            let opened = Quarantine::open(&self.root, limits, at_ms, self.fsync)?;
            opened.report.into_iter().for_each(|line| self.note(format!("quarantine: {line}")));
            if opened.broken {
                self.note("the quarantine ledger was changed by somebody else; see `pincer defender quarantine verify`".to_owned());
            }
            self.keeper.open = Some(opened.quarantine);
        }
        // Just opened, if it was not.
        let open = self.keeper.open.as_mut().ok_or(QuarantineError::TooMany { records: 0 })?;
        open.set_limits(limits);
        Ok(open)
    }
}

fn refused(error: QuarantineError) -> StoreError {
    let retryable = matches!(error, QuarantineError::NoSpace { .. });
    StoreError { message: format!("not recorded in the quarantine: {error}"), retryable }
}

/// What an op wants kept.
struct Kept<'a> {
    at_ms: u64,
    entry: Entry,
    text: Option<&'a str>,
    turn: Option<&'a str>,
}

fn read(op: &StoreOp) -> Result<Kept<'_>, StoreError> {
    let lasting = |message: String| StoreError { message, retryable: false };
    let StoreOp::Keep { at_ms, entry, text, turn } = op else {
        return Err(lasting("a list for the quarantine holds something else".to_owned()));
    };
    match serde_json::from_str(entry) {
        Ok(entry) => Ok(Kept { at_ms: *at_ms, entry, text: text.as_deref(), turn: turn.as_deref() }),
        Err(error) => Err(lasting(format!("not an entry of the quarantine: {error}"))),
    }
}

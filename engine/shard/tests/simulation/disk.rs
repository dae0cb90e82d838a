//! The store: what survives a crash.

use std::collections::BTreeMap;

use pincer_sessions::persist::{
    Outcome, Quarantined, ReadAnswer, StoreError, StoreOp, StoreRead, Table, Tail,
};
use serde_json::Value;

/// Rows and transcripts as they would lie on disk.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) rows: BTreeMap<(Table, String), String>,
    pub(crate) transcripts: BTreeMap<String, Vec<String>>,
    archived: usize,
    /// What was stopped, by the decision's id.
    pub(crate) quarantine: BTreeMap<String, Quarantined>,
}

impl Disk {
    pub(crate) fn apply(&mut self, ops: &[StoreOp]) -> Result<Vec<Outcome>, StoreError> {
        if let [StoreOp::Release { id, .. }] = ops
            && !self.quarantine.contains_key(id)
        {
            let message = format!("no entry {id} is in the quarantine");
            return Err(StoreError { message, retryable: false });
        }
        let outcomes = ops
            .iter()
            .map(|op| match op {
                StoreOp::Put { table, id, json } => {
                    self.rows.insert((*table, id.clone()), json.clone());
                    Outcome::Done
                }
                StoreOp::Delete { table, id } => {
                    self.rows.remove(&(*table, id.clone()));
                    Outcome::Done
                }
                StoreOp::Append { transcript, lines } => {
                    self.transcripts.entry(transcript.path()).or_default().extend(lines.iter().cloned());
                    Outcome::Done
                }
                StoreOp::Archive { transcript, .. } => {
                    let lines = self.transcripts.remove(&transcript.path());
                    Outcome::Archived(lines.map(|lines| {
                        self.archived += 1;
                        let name = format!("{}.aside.{}", transcript.path(), self.archived);
                        self.transcripts.insert(name.clone(), lines);
                        name
                    }))
                }
                StoreOp::Trim { .. } => Outcome::Trimmed { archived: None, kept: 0, found: true },
                StoreOp::Rewrite { transcript, lines, .. } => {
                    self.transcripts.insert(transcript.path(), lines.clone());
                    Outcome::Done
                }
                StoreOp::Keep { entry, text, turn, .. } => {
                    let entry: Value = serde_json::from_str(entry).unwrap();
                    let id = entry["id"].as_str().unwrap().to_owned();
                    if let Some(text) = text.clone() {
                        let kept = Quarantined { released: false, text, turn: turn.clone() };
                        self.quarantine.insert(id, kept);
                    }
                    Outcome::Done
                }
                StoreOp::Release { id, .. } => {
                    let kept = self.quarantine.get_mut(id).expect("what is released was kept");
                    Outcome::Released { before: std::mem::replace(&mut kept.released, true) }
                }
            })
            .collect();
        Ok(outcomes)
    }

    pub(crate) fn read(&self, read: &StoreRead) -> ReadAnswer {
        match read {
            StoreRead::Transcripts(queries) => ReadAnswer::Transcripts(
                queries
                    .iter()
                    .map(|query| match self.transcripts.get(&query.transcript.path()) {
                        None => Tail::default(),
                        Some(lines) => {
                            let skip = lines.len().saturating_sub(query.lines_max as usize);
                            Tail { found: true, skipped: skip as u64, lines: lines[skip..].iter().collect() }
                        }
                    })
                    .collect(),
            ),
            StoreRead::Heads(queries) => ReadAnswer::Transcripts(
                queries
                    .iter()
                    .map(|query| match self.transcripts.get(&query.transcript.path()) {
                        None => Tail::default(),
                        Some(lines) => Tail { found: true, skipped: 0, lines: lines.iter().collect() },
                    })
                    .collect(),
            ),
            StoreRead::Quarantined { id } => match self.quarantine.get(id) {
                Some(kept) => ReadAnswer::Quarantined(Box::new(kept.clone())),
                None => ReadAnswer::Failed(format!("no entry {id} is in the quarantine")),
            },
            StoreRead::Log { .. } => ReadAnswer::Failed("no log in the simulator".to_owned()),
        }
    }

    /// How many rows of a table there are.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.rows.keys().filter(|(of, _)| *of == table).count()
    }
}

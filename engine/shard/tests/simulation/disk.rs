//! The store: what survives a crash.

use std::collections::BTreeMap;

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreOp, StoreRead, Table, Tail};

/// Rows and transcripts as they would lie on disk.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) rows: BTreeMap<(Table, String), String>,
    pub(crate) transcripts: BTreeMap<String, Vec<String>>,
    archived: usize,
}

impl Disk {
    pub(crate) fn apply(&mut self, ops: &[StoreOp]) -> Vec<Outcome> {
        ops.iter()
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
                StoreOp::Keep { .. } => Outcome::Done,
                StoreOp::Release { .. } => Outcome::Released { before: false },
            })
            .collect()
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
            StoreRead::Log { .. } => ReadAnswer::Failed("no log in the simulator".to_owned()),
        }
    }

    /// How many rows of a table there are.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.rows.keys().filter(|(of, _)| *of == table).count()
    }
}

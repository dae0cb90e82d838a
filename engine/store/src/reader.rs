//! Answers reads from the files, on whatever thread asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pincer_defender::ledger::EntryId;
use pincer_sessions::persist::{Quarantined, ReadAnswer, StoreRead, Tail, TranscriptId};

use crate::log_tail::read_log;
use crate::quarantine::{Kept, QuarantineReader};
use crate::tail::{read_head, read_tail};

/// Reads transcripts and the log. Clones are cheap; reading blocks, holds no lock, and never waits for a commit.
#[derive(Debug, Clone)]
pub struct Reader {
    paths: Arc<Paths>,
}

#[derive(Debug)]
struct Paths {
    state_dir: PathBuf,
    log_file: PathBuf,
}

impl Reader {
    pub(crate) fn new(state_dir: &Path, log_file: &Path) -> Reader {
        Reader { paths: Arc::new(Paths { state_dir: state_dir.to_owned(), log_file: log_file.to_owned() }) }
    }

    /// Answers `read` with everything that was committed before this call. A file that exists and cannot be read makes
    /// the whole answer [`ReadAnswer::Failed`].
    pub fn read(&self, read: &StoreRead) -> ReadAnswer {
        match read {
            StoreRead::Transcripts(queries) => self
                .each(queries.iter().map(|query| (&query.transcript, query)), |path, query| {
                    read_tail(path, query)
                }),
            StoreRead::Heads(queries) => self
                .each(queries.iter().map(|query| (&query.transcript, query.bytes_max)), |path, bytes_max| {
                    read_head(path, bytes_max)
                }),
            StoreRead::Quarantined { id } => self.quarantined(id),
            StoreRead::Log { cursor, lines_max, bytes_max } => {
                read_log(&self.paths.log_file, *cursor, *lines_max, *bytes_max)
                    .unwrap_or_else(|cause| failed(&self.paths.log_file, &cause))
            }
        }
    }
}

impl Reader {
    fn quarantined(&self, id: &str) -> ReadAnswer {
        let Some(id) = EntryId::new(id) else {
            return ReadAnswer::Failed(format!("{id:?} is no decision's id"));
        };
        let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match QuarantineReader::new(&self.paths.state_dir).kept(&id) {
            Ok(Kept { released, text, turn }) => ReadAnswer::Quarantined(Box::new(Quarantined {
                released,
                text: lossy(text),
                turn: turn.map(lossy),
            })),
            Err(error) => ReadAnswer::Failed(error.to_string()),
        }
    }

    /// Reads a part of each of some transcripts.
    fn each<'q, Q>(
        &self,
        queries: impl Iterator<Item = (&'q TranscriptId, Q)>,
        read: impl Fn(&Path, Q) -> std::io::Result<Tail>,
    ) -> ReadAnswer {
        let mut parts = Vec::new();
        for (transcript, query) in queries {
            let path = self.paths.state_dir.join(transcript.path());
            match read(&path, query) {
                Ok(part) => parts.push(part),
                Err(cause) => return failed(&path, &cause),
            }
        }
        ReadAnswer::Transcripts(parts)
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> ReadAnswer {
    ReadAnswer::Failed(crate::error::Failure::io("read", path, cause).message)
}

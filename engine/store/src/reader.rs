//! Answers reads from the files, on whatever thread asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pincer_sessions::persist::{ReadAnswer, StoreRead};

use crate::log_tail::read_log;
use crate::tail::read_tail;

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
            StoreRead::Transcripts(queries) => {
                let mut tails = Vec::with_capacity(queries.len());
                for query in queries {
                    let path = self.paths.state_dir.join(query.transcript.path());
                    match read_tail(&path, query) {
                        Ok(tail) => tails.push(tail),
                        Err(cause) => return failed(&path, &cause),
                    }
                }
                ReadAnswer::Transcripts(tails)
            }
            StoreRead::Log { cursor, lines_max, bytes_max } => {
                read_log(&self.paths.log_file, *cursor, *lines_max, *bytes_max)
                    .unwrap_or_else(|cause| failed(&self.paths.log_file, &cause))
            }
        }
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> ReadAnswer {
    ReadAnswer::Failed(crate::error::Failure::io("read", path, cause).message)
}

//! Why something about the quarantine failed, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use pincer_defender::ledger::{EntryId, LineProblem};

use super::writer::GROUP_MAX;
use crate::error::{Failure, OpenError};

/// Why an operation failed. After a failed append nothing of its group is recorded: the actions stay blocked.
#[derive(Debug)]
pub enum QuarantineError {
    /// The directory is another process's, or not writable.
    Open(OpenError),
    /// The disk is full, or a quota is used up. Freeing space helps.
    NoSpace {
        /// What failed, where.
        message: String,
    },
    /// Anything else the system refused.
    Io {
        /// What failed, where, and what the system said.
        message: String,
    },
    /// More than the policy lets the quarantine hold, even when everything older goes.
    Full {
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        bytes_max: u64,
    },
    /// More records at once than [`GROUP_MAX`].
    TooMany {
        /// How many.
        records: usize,
    },
    /// A record that makes no line.
    Line(LineProblem),
    /// More than one entry has an id that begins so.
    Ambiguous {
        /// What they begin with.
        start: EntryId,
        /// How many there are, as far as was counted.
        entries: usize,
    },
    /// No entry has this id.
    Unknown {
        /// The id.
        id: EntryId,
    },
    /// The entry's text was deleted: it was too old, or room was needed.
    Expired {
        /// The entry.
        id: EntryId,
    },
    /// The entry is a decision that was recorded without its text.
    NoPayload {
        /// The entry.
        id: EntryId,
    },
    /// The text's file is gone or is not what was kept.
    PayloadDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// An export could not be written where it goes.
    Export {
        /// What the system said.
        message: String,
    },
}

impl From<Failure> for QuarantineError {
    fn from(failure: Failure) -> QuarantineError {
        if failure.retryable {
            QuarantineError::NoSpace { message: failure.message }
        } else if failure.denied.is_some() {
            QuarantineError::Open(failure.into())
        } else {
            QuarantineError::Io { message: failure.message }
        }
    }
}

impl From<OpenError> for QuarantineError {
    fn from(error: OpenError) -> QuarantineError {
        QuarantineError::Open(error)
    }
}

impl From<LineProblem> for QuarantineError {
    fn from(problem: LineProblem) -> QuarantineError {
        QuarantineError::Line(problem)
    }
}

impl fmt::Display for QuarantineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuarantineError::Open(error) => error.fmt(f),
            QuarantineError::NoSpace { message } => {
                write!(
                    f,
                    "{message}; nothing was recorded: free space on that disk, or lower quarantine.maxBytes"
                )
            }
            QuarantineError::Io { message } => f.write_str(message),
            QuarantineError::Full { needed, bytes_max } => write!(
                f,
                "the quarantine would need {needed} bytes and may have {bytes_max}; nothing was recorded: raise \
                 quarantine.maxBytes"
            ),
            QuarantineError::TooMany { records } => {
                write!(f, "{records} records at once, allowed are {GROUP_MAX}: append them in groups")
            }
            QuarantineError::Line(problem) => problem.fmt(f),
            QuarantineError::Unknown { id } => {
                write!(f, "no entry {id} is in the quarantine: list shows those that are")
            }
            QuarantineError::Ambiguous { start, entries } => {
                write!(f, "{entries} entries begin with {start}: write more of the id")
            }
            QuarantineError::Expired { id } => {
                write!(f, "the text of {id} was deleted when its time was over: ask its sender for it again")
            }
            QuarantineError::NoPayload { id } => {
                write!(f, "{id} is a decision that stopped nothing, so its text was not kept")
            }
            QuarantineError::PayloadDamaged { path, problem } => {
                write!(f, "{} {problem}: restore it from a backup", path.display())
            }
            QuarantineError::Export { message } => write!(f, "cannot write the export: {message}"),
        }
    }
}

impl std::error::Error for QuarantineError {}

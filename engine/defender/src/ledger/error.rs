//! What can be wrong with a ledger. Each text names the line and the cause.

use std::fmt;

use super::chain::{Hash, Head, LINE_BYTES_MAX};

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineProblem {
    /// Longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// Does not begin as lines do.
    NotALine,
    /// Its hash is not that of its bytes.
    Changed,
    /// Its hash is right, its fields are not: nobody but another program makes these.
    Malformed,
    /// A record could not be made a line.
    NotWritten(String),
    /// The number of lines is used up.
    NotCounted,
    /// Lines are missing before it.
    Missing {
        /// The first missing line's number.
        from: u64,
        /// The last one's.
        to: u64,
    },
    /// Its number was there before: lines were added, doubled or moved.
    Again {
        /// Its number.
        n: u64,
        /// The number that belongs here.
        expected: u64,
    },
    /// Its number is right, but it goes on from another line than the one before it.
    NotAfter {
        /// The hash that it goes on from.
        prev: Hash,
        /// The hash of the line before it.
        expected: Hash,
    },
    /// It is the first that is left, and no line says that those before it were dropped.
    NothingDropped {
        /// Its number.
        n: u64,
    },
    /// The remembered head is another.
    OtherHead {
        /// What was remembered.
        head: Head,
        /// The hash of the line with that number.
        found: Hash,
    },
    /// The chain ends before the remembered head.
    EndMissing {
        /// What was remembered.
        head: Head,
        /// The last line's number.
        last: u64,
    },
    /// What is behind the last newline is no line: a write was cut off, or goes on right now.
    Torn {
        /// How many bytes.
        bytes: u64,
    },
}

/// A place where a ledger is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Which line of what was read, counted from 1; one behind the last for what is missing there.
    pub line: u64,
    /// What is wrong.
    pub problem: LineProblem,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::TooLong => write!(f, "it is longer than {LINE_BYTES_MAX} bytes"),
            LineProblem::NotALine => f.write_str("it does not begin as a line of a ledger does"),
            LineProblem::Changed => f.write_str("its hash is not that of its content: it was changed"),
            LineProblem::Malformed => {
                f.write_str("its hash is right, but its fields are not those of a line")
            }
            LineProblem::NotWritten(problem) => write!(f, "the record cannot be written: {problem}"),
            LineProblem::NotCounted => f.write_str("there is no number for another line"),
            LineProblem::Missing { from, to } if from == to => {
                write!(f, "record {from} is missing before it")
            }
            LineProblem::Missing { from, to } => write!(f, "records {from} to {to} are missing before it"),
            LineProblem::Again { n, expected } => {
                write!(f, "it is record {n}, here belongs {expected}: lines were added, doubled or moved")
            }
            LineProblem::NotAfter { prev, expected } => {
                write!(
                    f,
                    "it goes on from {prev}, but the line before it is {expected}: that one was replaced"
                )
            }
            LineProblem::NothingDropped { n } => write!(
                f,
                "the ledger begins with record {n}, and no record says that the ones before it were dropped: they were removed"
            ),
            LineProblem::OtherHead { head, found } => write!(
                f,
                "record {} is {found}, but {} was remembered: the ledger was written anew",
                head.count, head.hash
            ),
            LineProblem::EndMissing { head, last } => write!(
                f,
                "the ledger ends with record {last}, but {} were written: the end was cut off",
                head.count
            ),
            LineProblem::Torn { bytes } => {
                write!(
                    f,
                    "the last {bytes} bytes are no whole line: a write was cut off, or goes on right now"
                )
            }
        }
    }
}

impl std::error::Error for Break {}
impl std::error::Error for LineProblem {}

//! What can be made durable, and what can be read back.
//!
//! A shard describes changes as [`StoreOp`]s and hands them over in one list: the list is committed whole or not at
//! all, and is on disk before its completion is reported. Rows are small JSON documents in named [`Table`]s; the shard
//! keeps them all in memory, the store only writes them and gives them back at start. Transcripts are append-only
//! JSONL files in OpenClaw 2026.2's shape, and are read back on demand.

mod lines;

pub use lines::Lines;

use std::fmt;

/// A set of rows, keyed by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Session entries, by session key.
    Sessions,
    /// Accepted turns that have not finished, by [`crate::turn::row_id`].
    Turns,
    /// Outcomes of finished runs, by idempotency key; older than their TTL they are dropped at start.
    Receipts,
    /// Paired devices, by device id.
    Devices,
    /// Pending pairing requests, by request id.
    Pairings,
    /// Facts about the gateway itself, by name.
    Facts,
    /// Approvals that people are asked for and that are not over, by their id.
    Approvals,
}

impl Table {
    /// Every table, in the order of this enum. A new one goes to the end: snapshots have them in this order.
    pub const ALL: [Table; 7] = [
        Table::Sessions,
        Table::Turns,
        Table::Receipts,
        Table::Devices,
        Table::Pairings,
        Table::Facts,
        Table::Approvals,
    ];

    /// Name in files and in SQLite. Never changes: files outlive us.
    pub fn as_str(self) -> &'static str {
        match self {
            Table::Sessions => "sessions",
            Table::Turns => "turns",
            Table::Receipts => "receipts",
            Table::Devices => "devices",
            Table::Pairings => "pairings",
            Table::Facts => "facts",
            Table::Approvals => "approvals",
        }
    }

    /// Reads the name in files.
    pub fn parse(text: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.as_str() == text)
    }
}

/// Names one transcript: `agents/<agent>/sessions/<session>.jsonl` below the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TranscriptId {
    agent: Box<str>,
    session: Box<str>,
}

/// A name that could leave its folder or break a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsafeName(pub String);

impl fmt::Display for UnsafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot name a file", self.0)
    }
}

impl std::error::Error for UnsafeName {}

impl TranscriptId {
    /// Checks both parts: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, upstream's rule for file-safe ids.
    pub fn new(agent: &str, session: &str) -> Result<TranscriptId, UnsafeName> {
        for part in [agent, session] {
            let mut bytes = part.bytes();
            let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
            let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if !first || !rest || part.len() > 128 {
                return Err(UnsafeName(part.to_owned()));
            }
        }
        Ok(TranscriptId { agent: agent.into(), session: session.into() })
    }

    /// The agent's folder name.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The session id.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Path of the live file, relative to the state directory.
    pub fn path(&self) -> String {
        format!("agents/{}/sessions/{}.jsonl", self.agent, self.session)
    }
}

/// Why a transcript is put aside. Part of the archived file's name, as upstream writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveReason {
    /// `/new`, `/reset`, `sessions.reset`
    Reset,
    /// `sessions.delete`
    Deleted,
    /// `sessions.compact`
    Bak,
}

impl ArchiveReason {
    /// `<file>.jsonl.<this>.<time>`
    pub fn as_str(self) -> &'static str {
        match self {
            ArchiveReason::Reset => "reset",
            ArchiveReason::Deleted => "deleted",
            ArchiveReason::Bak => "bak",
        }
    }
}

/// One durable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreOp {
    /// Writes a row, replacing what was there.
    Put {
        /// Where.
        table: Table,
        /// Its key.
        id: String,
        /// One JSON document without newlines.
        json: String,
    },
    /// Removes a row; removing what is not there is fine.
    Delete {
        /// Where.
        table: Table,
        /// Its key.
        id: String,
    },
    /// Appends lines to a transcript, creating it (mode 0600) and its folders (0700) when missing.
    Append {
        /// Which file.
        transcript: TranscriptId,
        /// JSON documents without newlines.
        lines: Vec<String>,
    },
    /// Renames a transcript to `<file>.<reason>.<ISO time with ':' as '-'>`; a missing file is fine.
    Archive {
        /// Which file.
        transcript: TranscriptId,
        /// Why.
        reason: ArchiveReason,
        /// Time in the new name, milliseconds since 1970.
        at_ms: u64,
    },
    /// Keeps the last `keep` non-empty lines of a transcript, the whole file put aside as `bak`. A header line (the
    /// first, of type `session`) stays and is not counted. Does nothing when the file is no longer than that.
    Trim {
        /// Which file.
        transcript: TranscriptId,
        /// How many lines to keep, at least 1.
        keep: u32,
        /// Time in the new name, milliseconds since 1970.
        at_ms: u64,
    },
    /// Replaces the whole text of a transcript; the old one is put aside as `bak`. For compaction by summary.
    Rewrite {
        /// Which file.
        transcript: TranscriptId,
        /// The new lines.
        lines: Vec<String>,
        /// Time in the new name, milliseconds since 1970.
        at_ms: u64,
    },
    /// Records a decision of the defender. The quarantine is a file of its own, and a list is committed whole or not at
    /// all: so a list that has one of these has nothing else.
    Keep {
        /// When, milliseconds since 1970.
        at_ms: u64,
        /// What was decided about what, as the defender's ledger writes it.
        entry: String,
        /// The whole text of what was stopped; `None` records the decision alone.
        text: Option<String>,
        /// What is needed to say it again, should a person let it through; only beside a text.
        turn: Option<String>,
    },
    /// Notes in the quarantine that a person lets an entry through. Alone in its list, as [`StoreOp::Keep`] is apart.
    Release {
        /// When, milliseconds since 1970.
        at_ms: u64,
        /// Which decision.
        id: String,
        /// Who.
        by: String,
    },
}

/// What became of one [`StoreOp`] of a committed list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to say.
    Done,
    /// Of [`StoreOp::Archive`] and [`StoreOp::Rewrite`]: absolute path of the archived file; `None` when there was
    /// nothing to archive.
    Archived(Option<String>),
    /// Result of [`StoreOp::Trim`].
    Trimmed {
        /// Absolute path of the copy that was put aside; `None` when nothing was trimmed.
        archived: Option<String>,
        /// Lines in the file now, its header not counted.
        kept: u32,
        /// Whether the file exists at all.
        found: bool,
    },
    /// Result of [`StoreOp::Release`].
    Released {
        /// Whether it had been let through before; then nothing was added.
        before: bool,
    },
}

/// A list of ops that was not committed; nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// What failed and where, for people: `cannot write /…/pincer.journal: No space left on device`.
    pub message: String,
    /// Whether the same list may be committed later (a full disk may be freed).
    pub retryable: bool,
}

/// Identifies a request to the store; the asker's own number, handed back with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// Something to read. Reads see everything committed before they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRead {
    /// The tails of transcripts, one answer each, in order.
    Transcripts(Vec<TailQuery>),
    /// The beginnings of transcripts, one answer each, in order; answered as [`ReadAnswer::Transcripts`].
    Heads(Vec<HeadQuery>),
    /// What the quarantine keeps of a decision.
    Quarantined {
        /// Which decision.
        id: String,
    },
    /// A part of the gateway's log file.
    Log {
        /// Byte position to go on from; `None` starts `bytes_max` before the end.
        cursor: Option<u64>,
        /// Most lines.
        lines_max: u32,
        /// Most bytes.
        bytes_max: u32,
    },
}

/// Which part of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailQuery {
    /// Which file.
    pub transcript: TranscriptId,
    /// Most lines, counted from the end.
    pub lines_max: u32,
    /// Most bytes, counted from the end; a first partial line is left out. At least one whole line is returned, unless
    /// that line alone is longer than this.
    pub bytes_max: u64,
}

/// The beginning of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadQuery {
    /// Which file.
    pub transcript: TranscriptId,
    /// Most bytes, counted from the start; a last partial line is left out.
    pub bytes_max: u64,
}

/// The tail of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tail {
    /// Whether the file exists.
    pub found: bool,
    /// Lines before the first returned one.
    pub skipped: u64,
    /// The lines, oldest first, without newlines. A torn or non-UTF-8 line is left out.
    pub lines: Lines,
}

/// The answer to a [`StoreRead`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadAnswer {
    /// To [`StoreRead::Transcripts`] and [`StoreRead::Heads`].
    Transcripts(Vec<Tail>),
    /// To [`StoreRead::Quarantined`], of one whose text is there.
    Quarantined(Box<Quarantined>),
    /// To [`StoreRead::Log`].
    Log {
        /// The file's path.
        file: String,
        /// Position after the last returned line.
        cursor: u64,
        /// The file's size in bytes.
        size: u64,
        /// The lines.
        lines: Vec<String>,
        /// Whether something between the asked cursor and the first line was left out.
        truncated: bool,
        /// Whether the cursor was useless and the tail was returned instead.
        reset: bool,
    },
    /// The file could not be read, or there is nothing to be read; the message is for people.
    Failed(String),
}

/// Something that was stopped and is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quarantined {
    /// Whether a person let it through.
    pub released: bool,
    /// The whole text.
    pub text: String,
    /// What [`StoreOp::Keep`] was given beside the text.
    pub turn: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcript_names_cannot_leave_their_folder() {
        assert!(TranscriptId::new("main", "2a42").is_ok());
        for (agent, session) in [("..", "x"), ("main", "../x"), ("main", ""), ("ma/in", "x"), ("main", "a\0")]
        {
            assert!(TranscriptId::new(agent, session).is_err(), "{agent:?} {session:?}");
        }
    }
}

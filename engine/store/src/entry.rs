//! What a committed list becomes on its way to disk: absolute, so that doing it twice is the same as doing it once.

use pincer_sessions::persist::{Table, TranscriptId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One durable change, as the journal spells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Entry {
    /// A row's new value.
    Put {
        #[serde(with = "table_name")]
        table: Table,
        id: String,
        row: Box<RawValue>,
    },
    /// A row is gone.
    Delete {
        #[serde(with = "table_name")]
        table: Table,
        id: String,
    },
    /// A change to a transcript file.
    File(FileOp),
}

/// A change to a transcript file, with the state it starts from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileOp {
    /// Write lines at byte `at`, where the file ended when this was planned.
    Append {
        #[serde(with = "file_name")]
        file: TranscriptId,
        at: u64,
        /// The file ended in the middle of a line: a newline goes first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        glue: bool,
        lines: Vec<Box<RawValue>>,
    },
    /// Rename the file, `len` bytes long, to `to` in the same folder.
    Archive {
        #[serde(with = "file_name")]
        file: TranscriptId,
        len: u64,
        to: String,
    },
    /// Put the file aside as `to` (when there was one) and start it again with these lines.
    Replace {
        #[serde(with = "file_name")]
        file: TranscriptId,
        len: u64,
        to: Option<String>,
        lines: Vec<Box<RawValue>>,
    },
}

impl Entry {
    /// Bytes of its documents: nearly all that it takes in the journal.
    pub(crate) fn document_bytes(&self) -> usize {
        match self {
            Entry::Put { row, .. } => row.get().len(),
            Entry::File(FileOp::Append { lines, .. } | FileOp::Replace { lines, .. }) => {
                lines.iter().map(|line| line.get().len() + 1).sum()
            }
            Entry::Delete { .. } | Entry::File(FileOp::Archive { .. }) => 0,
        }
    }
}

impl FileOp {
    /// Which transcript.
    pub(crate) fn file(&self) -> &TranscriptId {
        match self {
            FileOp::Append { file, .. } | FileOp::Archive { file, .. } | FileOp::Replace { file, .. } => file,
        }
    }

    /// The bytes this writes into the live file.
    pub(crate) fn text(&self) -> Vec<u8> {
        let (glue, lines): (bool, &[_]) = match self {
            FileOp::Append { glue, lines, .. } => (*glue, lines),
            FileOp::Replace { lines, .. } => (false, lines),
            FileOp::Archive { .. } => (false, &[]),
        };
        let mut text = Vec::with_capacity(lines.iter().map(|line| line.get().len() + 1).sum::<usize>() + 1);
        if glue {
            text.push(b'\n');
        }
        for line in lines {
            text.extend_from_slice(line.get().as_bytes());
            text.push(b'\n');
        }
        text
    }

    /// Whether the archive name stays in the folder and belongs to this transcript; ours always do.
    pub(crate) fn is_sound(&self) -> bool {
        let to = match self {
            FileOp::Append { .. } | FileOp::Replace { to: None, .. } => return true,
            FileOp::Archive { to, .. } | FileOp::Replace { to: Some(to), .. } => to,
        };
        to.strip_prefix(self.file().session()).is_some_and(|rest| rest.starts_with(".jsonl."))
            && !to.contains(['/', '\0'])
    }
}

mod table_name {
    use super::Table;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(table: &Table, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(table.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Table, D::Error> {
        let name = String::deserialize(from)?;
        Table::parse(&name).ok_or_else(|| D::Error::custom(format_args!("no table is called {name:?}")))
    }
}

/// `agent/session`: neither part can hold a slash.
mod file_name {
    use super::TranscriptId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(file: &TranscriptId, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&format_args!("{}/{}", file.agent(), file.session()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TranscriptId, D::Error> {
        let name = String::deserialize(from)?;
        let (agent, session) = name.split_once('/').unwrap_or((&name, ""));
        TranscriptId::new(agent, session).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, sound: bool) {
        let op: FileOp = serde_json::from_str(json).unwrap();
        assert_eq!(op.is_sound(), sound, "{json}");
        assert_eq!(serde_json::to_string(&op).unwrap(), json);
    }

    #[test]
    fn ops_survive_the_journal_and_cannot_leave_their_folder() {
        check(r#"{"append":{"file":"main/s","at":7,"lines":[{"a":1.50}]}}"#, true);
        check(r#"{"append":{"file":"main/s","at":7,"glue":true,"lines":[]}}"#, true);
        check(r#"{"archive":{"file":"main/s","len":3,"to":"s.jsonl.reset.2026"}}"#, true);
        check(r#"{"archive":{"file":"main/s","len":3,"to":"s.jsonl.x/../../y"}}"#, false);
        check(r#"{"archive":{"file":"main/s","len":3,"to":"other.jsonl.reset"}}"#, false);
        check(r#"{"replace":{"file":"main/s","len":3,"to":null,"lines":[1]}}"#, true);
        assert!(
            serde_json::from_str::<FileOp>(r#"{"append":{"file":"../s","at":0,"lines":[]}}"#).is_err(),
            "agent names are checked on the way in"
        );
    }
}

//! What a line of the ledger says.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::chain::Hash;
use super::names;
use crate::policy::Verdict;
use crate::{Provenance, policy::Risk};

/// Longest name in an entry (session key, agent, channel, sender, who released), in bytes. Longer ones are cut.
const NAME_BYTES_MAX: usize = 512;
/// Most reasons, and most rules, of an entry. The first are kept.
const LIST_MAX: usize = 40;
/// Longest reason or rule, in bytes. Longer ones are cut.
const TEXT_BYTES_MAX: usize = 256;
/// Longest id, in bytes.
const ID_BYTES_MAX: usize = 64;

/// Names one entry. Its maker draws it at random, so that no two are alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EntryId(Box<str>);

impl EntryId {
    /// 1 to 64 of letters, digits, `-`, `_`; `None` for anything else.
    pub fn new(text: &str) -> Option<EntryId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let lawful = (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain);
        lawful.then(|| EntryId(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        EntryId::new(&text).ok_or_else(|| de::Error::custom("not an entry's id"))
    }
}

/// What kind of thing was about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionKind {
    /// Text for a model.
    Prompt,
    /// A shell command.
    Command,
    /// An address to be fetched.
    Url,
    /// A file to be read or written.
    File,
    /// Another tool's call.
    ToolCall,
    /// A change of the config.
    Config,
}

/// A decision about an action, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// What it is called.
    pub id: EntryId,
    /// What was about to be done.
    pub kind: ActionKind,
    /// Who wrote the text.
    #[serde(with = "names::provenance")]
    pub provenance: Provenance,
    /// What was decided.
    pub decision: Verdict,
    /// Whether it was acted on.
    pub enforced: bool,
    /// 0 to 100.
    pub risk: f32,
    /// Why, for people.
    pub reasons: Vec<String>,
    /// The rules that found something.
    pub rules: Vec<String>,
    /// The session's key.
    pub session: String,
    /// The agent's id.
    pub agent: String,
    /// The channel, when it came through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who sent it, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// A piece of the text that may be shown: made by [`preview`](super::preview).
    pub preview: String,
}

/// A text that is kept apart from the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadRef {
    /// SHA-256 of it; also its file's name.
    pub sha256: Hash,
    /// Its length.
    pub bytes: u64,
}

/// Why a payload was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExpiryReason {
    /// It was kept as long as the policy says.
    Age,
    /// It was the oldest when room was needed.
    Room,
    /// It was the oldest of more entries than are kept.
    Count,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Record {
    /// An action was stopped and its text is kept.
    Quarantined {
        /// What it was.
        entry: Entry,
        /// Its whole text.
        payload: PayloadRef,
        /// What is needed to say it again; absent for what is no message, and in records of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<PayloadRef>,
    },
    /// A decision without a kept text: what audit mode would have stopped.
    Decision {
        /// What it was.
        entry: Entry,
    },
    /// A person let it through.
    Released {
        /// Which.
        id: EntryId,
        /// Who did.
        by: String,
    },
    /// The entry's text is about to be deleted.
    Expired {
        /// Which.
        id: EntryId,
        /// Why.
        reason: ExpiryReason,
    },
    /// The last line of a segment; the next segment goes on from its hash.
    Sealed {
        /// The first line of the segment.
        first: u64,
    },
    /// The oldest segment is about to be deleted.
    Dropped {
        /// Its last line.
        last: u64,
        /// The hash of that, which the first line left has as `prev`.
        hash: Hash,
    },
    /// The chain goes on behind damage.
    Resumed {
        /// What was found.
        problem: String,
    },
}

impl Entry {
    /// The same within the bounds of a line: long texts are cut and end in `…`, what is too much is left out, and a
    /// risk that is no number is the highest.
    pub fn bounded(mut self) -> Entry {
        let risk = Risk::clamped(self.risk).get();
        // Two digits are as fine as anybody compares, and print the same everywhere.
        self.risk = (risk * 100.0).round() / 100.0;
        for list in [&mut self.reasons, &mut self.rules] {
            list.truncate(LIST_MAX);
            list.iter_mut().for_each(|text| cut(text, TEXT_BYTES_MAX));
        }
        cut(&mut self.session, NAME_BYTES_MAX);
        cut(&mut self.agent, NAME_BYTES_MAX);
        self.channel.iter_mut().chain(&mut self.sender).for_each(|text| cut(text, NAME_BYTES_MAX));
        cut(&mut self.preview, 4 * super::PREVIEW_CHARS_MAX);
        self
    }
}

impl Record {
    /// The same within the bounds of a line.
    pub fn bounded(self) -> Record {
        match self {
            Record::Quarantined { entry, payload, turn } => {
                Record::Quarantined { entry: entry.bounded(), payload, turn }
            }
            Record::Decision { entry } => Record::Decision { entry: entry.bounded() },
            Record::Released { id, mut by } => {
                cut(&mut by, NAME_BYTES_MAX);
                Record::Released { id, by }
            }
            Record::Resumed { mut problem } => {
                cut(&mut problem, 4 * NAME_BYTES_MAX);
                Record::Resumed { problem }
            }
            other => other,
        }
    }

    /// The entry that it makes, if it makes one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Record::Quarantined { entry, .. } | Record::Decision { entry } => Some(entry),
            _ => None,
        }
    }
}

/// Cuts at a character's end and says so.
fn cut(text: &mut String, bytes_max: usize) {
    const MARK: &str = "…";
    if text.len() > bytes_max {
        let mut end = bytes_max.saturating_sub(MARK.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(MARK);
    }
}

//! What differs from the baseline.

use serde::{Deserialize, Serialize};

/// Most differences that are listed. The worst are; the others are counted.
pub const DRIFT_ITEMS_MAX: usize = 200;

/// How much a difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Looks like an ordinary rewrite of the same content.
    Notice,
    /// Worth a look: something new, something gone, fewer permissions.
    Warning,
    /// What an intruder would do: other content, another owner, a link elsewhere, more permissions.
    Critical,
}

/// What of an entry changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// A file became a link, or the like.
    Kind,
    /// Digest.
    Content,
    /// Size.
    Size,
    /// Where a link points.
    Target,
    /// Permission bits.
    Mode,
    /// Owner or group.
    Owner,
    /// It could be read and cannot be any more, or the other way round.
    Readable,
    /// The inode: it was replaced.
    Inode,
    /// Time of change; only when asked for.
    Modified,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// How much it matters.
    pub severity: Severity,
    /// Where, see [`shown`](super::shown).
    pub path: String,
    /// What.
    pub what: What,
}

/// Kinds of differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is different.
    Changed(Vec<Field>),
    /// It is gone.
    Missing,
    /// It was not there.
    New,
    /// The baseline has it and nobody watches it any more: the list of what is watched became shorter.
    Unwatched,
}

/// What differs from the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The worst first, then by path; at most [`DRIFT_ITEMS_MAX`].
    pub items: Vec<Item>,
    /// How many changed, listed or not.
    pub changed: u32,
    /// How many are gone.
    pub missing: u32,
    /// How many are new.
    pub new: u32,
    /// How many are no longer watched.
    pub unwatched: u32,
    /// Whether the scan reached a bound: what it did not see is neither missing nor well.
    pub cut: bool,
    /// The worst of all, listed or not. A scan that reached a bound is a warning of its own: filling a folder with
    /// rubbish must not hide what else happens there.
    pub severity: Option<Severity>,
}

impl Drift {
    /// Whether all is as it was.
    pub fn is_clean(&self) -> bool {
        self.severity.is_none()
    }

    /// Differences that are not listed.
    pub fn unlisted(&self) -> u32 {
        let all = [self.changed, self.missing, self.new, self.unwatched];
        let all = all.iter().fold(0u32, |sum, count| sum.saturating_add(*count));
        all.saturating_sub(u32::try_from(self.items.len()).unwrap_or(u32::MAX))
    }
}

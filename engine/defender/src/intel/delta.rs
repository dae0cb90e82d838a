//! What one shard learned, for the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::indicator::Indicator;
use super::verdict::{Counts, Source, Verdict};

/// Most entries of a delta. Beyond it the oldest words are dropped: other shards then ask for themselves.
pub const DELTA_MAX: usize = 256;

/// Something learned about an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Learned {
    /// About what.
    pub indicator: Indicator,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What was learned, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    // First: of two words about the same thing the later one holds. The other fields only decide between words of the
    // same millisecond, the worse one first, so that all shards decide alike.
    /// When, wall clock.
    pub learned_at_ms: u64,
    /// What.
    pub verdict: Verdict,
    /// From whom.
    pub source: Source,
    /// How many engines said what.
    pub counts: Counts,
    /// Until when, wall clock.
    pub expires_at_ms: u64,
}

/// A bounded bundle of what was learned. Merging is commutative, associative and idempotent, so a delta that waits for
/// room in a ring takes in the next one, and may arrive twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Learned>", into = "Vec<Learned>")]
pub struct IntelDelta {
    entries: BTreeMap<Indicator, Entry>,
}

impl IntelDelta {
    /// Adds a word. Returns how many older ones were dropped for want of room.
    pub fn push(&mut self, learned: Learned) -> usize {
        self.keep_later(learned.indicator, learned.entry);
        self.shrink()
    }

    /// Takes in another delta. Returns how many words were dropped for want of room.
    pub fn merge(&mut self, other: &IntelDelta) -> usize {
        for (indicator, entry) in &other.entries {
            self.keep_later(indicator.clone(), *entry);
        }
        self.shrink()
    }

    /// The words, in the order of their indicators.
    pub fn entries(&self) -> impl Iterator<Item = (&Indicator, &Entry)> {
        self.entries.iter()
    }

    /// How many words.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn keep_later(&mut self, indicator: Indicator, entry: Entry) {
        let known = self.entries.entry(indicator).or_insert(entry);
        *known = (*known).max(entry);
    }

    /// Keeps the latest. Which ones these are depends on the words alone, not on the order they came in.
    fn shrink(&mut self) -> usize {
        let Some(over) = self.entries.len().checked_sub(DELTA_MAX).filter(|over| *over > 0) else { return 0 };
        let mut all: Vec<_> = std::mem::take(&mut self.entries).into_iter().collect();
        all.sort_unstable_by(|(a_of, a), (b_of, b)| (Reverse(a), a_of).cmp(&(Reverse(b), b_of)));
        all.truncate(DELTA_MAX);
        self.entries = all.into_iter().collect();
        over
    }
}

impl From<Vec<Learned>> for IntelDelta {
    fn from(all: Vec<Learned>) -> IntelDelta {
        let mut delta = IntelDelta::default();
        for learned in all {
            delta.keep_later(learned.indicator, learned.entry);
        }
        delta.shrink();
        delta
    }
}

impl From<IntelDelta> for Vec<Learned> {
    fn from(delta: IntelDelta) -> Vec<Learned> {
        delta.entries.into_iter().map(|(indicator, entry)| Learned { indicator, entry }).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::intel::Domain;

    /// Words about few hosts in few moments, so that they meet.
    pub(in crate::intel) fn word(hosts: u32) -> impl Strategy<Value = Learned> {
        (0..hosts, 0..50u64, 0..4u8, 0..3u32).prop_map(|(host, at, verdict, malicious)| Learned {
            indicator: Indicator::Domain(Domain::parse(&format!("h{host}.example")).unwrap()),
            entry: Entry {
                learned_at_ms: at,
                verdict: [Verdict::Unknown, Verdict::Harmless, Verdict::Suspicious, Verdict::Malicious]
                    [usize::from(verdict)],
                source: Source::Virustotal,
                counts: Counts { malicious, ..Counts::default() },
                expires_at_ms: at + 1000,
            },
        })
    }

    fn delta(hosts: u32, words: usize) -> impl Strategy<Value = IntelDelta> {
        prop::collection::vec(word(hosts), 0..words).prop_map(IntelDelta::from)
    }

    fn merged(mut a: IntelDelta, b: &IntelDelta) -> IntelDelta {
        a.merge(b);
        a
    }

    proptest! {
        #[test]
        fn merging_has_no_order(a in delta(20, 30), b in delta(20, 30), c in delta(20, 30)) {
            laws(&a, &b, &c)?;
        }

        #[test]
        fn not_even_when_full(a in delta(2000, 300), b in delta(2000, 300), c in delta(2000, 300)) {
            laws(&a, &b, &c)?;
        }
    }

    fn laws(a: &IntelDelta, b: &IntelDelta, c: &IntelDelta) -> Result<(), TestCaseError> {
        let ab = merged(a.clone(), b);
        prop_assert!(ab.len() <= DELTA_MAX);
        prop_assert_eq!(&ab, &merged(b.clone(), a));
        prop_assert_eq!(&merged(ab.clone(), b), &ab);
        prop_assert_eq!(&merged(ab.clone(), &ab), &ab);
        prop_assert_eq!(merged(ab, c), merged(a.clone(), &merged(b.clone(), c)));
        Ok(())
    }

    #[test]
    fn written_and_read_again() {
        let delta = IntelDelta::from(vec![Learned {
            indicator: Indicator::Domain(Domain::parse("a.example").unwrap()),
            entry: Entry {
                learned_at_ms: 5,
                verdict: Verdict::Harmless,
                source: Source::Virustotal,
                counts: Counts { harmless: 60, ..Counts::default() },
                expires_at_ms: 9,
            },
        }]);
        let json = serde_json::to_string(&delta).unwrap();
        assert_eq!(serde_json::from_str::<IntelDelta>(&json).unwrap(), delta, "{json}");
    }
}

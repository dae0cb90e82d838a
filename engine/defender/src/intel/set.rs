//! What one shard knows.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delta::{Entry, IntelDelta, Learned};
use super::indicator::Indicator;
use super::list::{LocalLists, Rule};
use super::verdict::{Counts, Source, Verdict};

/// Most indicators remembered. Beyond it expired ones go first, then the oldest.
pub const LEARNED_MAX: usize = 16 * 1024;

/// How long what was learned holds, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Malicious and suspicious. Campaigns are short and addresses change hands, so not for ever.
    pub bad_ms: u64,
    /// Harmless. Shorter: a site that is broken into was harmless yesterday.
    pub harmless_ms: u64,
    /// Unknown. Shorter still: new addresses become known within hours.
    pub unknown_ms: u64,
}

impl Default for Lifetimes {
    fn default() -> Lifetimes {
        const HOUR_MS: u64 = 60 * 60 * 1000;
        Lifetimes { bad_ms: 7 * 24 * HOUR_MS, harmless_ms: 24 * HOUR_MS, unknown_ms: 4 * HOUR_MS }
    }
}

impl Lifetimes {
    fn of(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Malicious | Verdict::Suspicious => self.bad_ms,
            Verdict::Harmless => self.harmless_ms,
            Verdict::Unknown => self.unknown_ms,
        }
    }
}

/// What is known about an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The operator allows it, whatever anybody else says.
    Allowed,
    /// The operator blocks it.
    Blocked,
    /// Somebody was asked. [`Verdict::Unknown`]: who does not know it.
    Learned {
        /// What they said.
        verdict: Verdict,
        /// Who.
        source: Source,
        /// How many engines said what.
        counts: Counts,
        /// The word is about the host of the address and not about the address.
        of_host: bool,
    },
    /// Nobody was asked, or too long ago.
    Nothing,
}

/// What happened to a set so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Words that were taken in.
    pub learned: u64,
    /// Expired words that made room.
    pub expired: u64,
    /// Words that still held and were forgotten for want of room.
    pub evicted: u64,
}

/// The learned words, as they survive a restart. Local lists are read from their files again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// In the order of their indicators.
    pub learned: Vec<Learned>,
}

/// What one shard knows: the operator's lists, shared by all, and what was learned, a copy each.
///
/// Lists reach below what they name, see [`LocalLists`]. What was learned holds for the very indicator only, with one
/// exception: a bad host makes its addresses bad. A host above is not asked, since strangers share `github.io`, and a
/// harmless host says nothing about a page on it.
#[derive(Debug, Clone)]
pub struct IntelSet {
    lists: Arc<LocalLists>,
    lifetimes: Lifetimes,
    learned: HashMap<Indicator, Entry>,
    learned_max: usize,
    counters: Counters,
}

impl IntelSet {
    /// A set that has learned nothing yet. At most `learned_max` words, usually [`LEARNED_MAX`]; at least one.
    pub fn new(lists: Arc<LocalLists>, lifetimes: Lifetimes, learned_max: usize) -> IntelSet {
        let learned_max = learned_max.max(1);
        IntelSet { lists, lifetimes, learned: HashMap::new(), learned_max, counters: Counters::default() }
    }

    /// Replaces the lists, whole.
    pub fn set_lists(&mut self, lists: Arc<LocalLists>) {
        self.lists = lists;
    }

    /// What is known about `indicator`.
    pub fn lookup(&self, indicator: &Indicator, now_ms: u64) -> Lookup {
        match self.lists.rule(indicator) {
            Some(Rule::Allow) => return Lookup::Allowed,
            Some(Rule::Block) => return Lookup::Blocked,
            None => {}
        }
        let itself = self.fresh(indicator, now_ms);
        let host = match indicator {
            Indicator::Url(url) => self.fresh(&Indicator::Domain(url.host().clone()), now_ms),
            Indicator::Domain(_) | Indicator::Sha256(_) => None,
        };
        let worse = |host: &&Entry| {
            host.verdict >= Verdict::Suspicious && itself.is_none_or(|itself| host.verdict > itself.verdict)
        };
        let (entry, of_host) = match (host.filter(worse), itself) {
            (Some(host), _) => (host, true),
            (None, Some(itself)) => (itself, false),
            (None, None) => return Lookup::Nothing,
        };
        let Entry { verdict, source, counts, .. } = *entry;
        Lookup::Learned { verdict, source, counts, of_host }
    }

    /// Takes in what somebody said now. The result is for the other shards.
    pub fn learn(
        &mut self,
        indicator: Indicator,
        verdict: Verdict,
        source: Source,
        counts: Counts,
        now_ms: u64,
    ) -> Learned {
        let expires_at_ms = now_ms.saturating_add(self.lifetimes.of(verdict));
        let entry = Entry { learned_at_ms: now_ms, verdict, source, counts, expires_at_ms };
        let learned = Learned { indicator, entry };
        self.take_in(&learned.indicator, entry, now_ms);
        learned
    }

    /// Takes in what another shard learned. Returns how many words were news.
    pub fn merge(&mut self, delta: &IntelDelta, now_ms: u64) -> usize {
        delta.entries().filter(|(indicator, entry)| self.take_in(indicator, **entry, now_ms)).count()
    }

    /// What was learned about this very indicator, while it holds: to tell a shard that missed it.
    pub fn word(&self, indicator: &Indicator, now_ms: u64) -> Option<Learned> {
        self.fresh(indicator, now_ms).map(|entry| Learned { indicator: indicator.clone(), entry: *entry })
    }

    /// The learned words that still hold.
    pub fn snapshot(&self, now_ms: u64) -> Snapshot {
        self.snapshot_of(now_ms, |_| true)
    }

    /// Those of them that are about what `wanted` likes.
    pub fn snapshot_of(&self, now_ms: u64, wanted: impl Fn(&Indicator) -> bool) -> Snapshot {
        let mut learned: Vec<_> = self
            .learned
            .iter()
            .filter(|(indicator, entry)| entry.expires_at_ms > now_ms && wanted(indicator))
            .map(|(indicator, entry)| Learned { indicator: indicator.clone(), entry: *entry })
            .collect();
        learned.sort_unstable_by(|a, b| a.indicator.cmp(&b.indicator));
        Snapshot { learned }
    }

    /// Takes in what a snapshot holds, the latest when it holds too much. Returns how many words were taken.
    ///
    /// A word from the future, written before the clock was put back, counts as said now: it must neither hold for ever
    /// nor silence what is said later.
    pub fn restore(&mut self, snapshot: Snapshot, now_ms: u64) -> usize {
        let mut learned = snapshot.learned;
        learned.sort_unstable_by(|a, b| {
            (Reverse(&a.entry), &a.indicator).cmp(&(Reverse(&b.entry), &b.indicator))
        });
        learned.truncate(self.learned_max);
        let taken = learned.into_iter().filter(|learned| {
            let mut entry = learned.entry;
            entry.learned_at_ms = entry.learned_at_ms.min(now_ms);
            entry.expires_at_ms =
                entry.expires_at_ms.min(now_ms.saturating_add(self.lifetimes.of(entry.verdict)));
            self.take_in(&learned.indicator, entry, now_ms)
        });
        taken.count()
    }

    /// Words remembered, expired ones included.
    pub fn len(&self) -> usize {
        self.learned.len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.learned.is_empty()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn fresh(&self, indicator: &Indicator, now_ms: u64) -> Option<&Entry> {
        self.learned.get(indicator).filter(|entry| entry.expires_at_ms > now_ms)
    }

    /// Whether it was news.
    fn take_in(&mut self, indicator: &Indicator, entry: Entry, now_ms: u64) -> bool {
        if entry.expires_at_ms <= now_ms {
            return false;
        }
        match self.learned.get_mut(indicator) {
            Some(known) if *known >= entry => return false,
            Some(known) => *known = entry,
            None => {
                if self.learned.len() >= self.learned_max {
                    self.make_room(now_ms);
                }
                self.learned.insert(indicator.clone(), entry);
            }
        }
        self.counters.learned += 1;
        true
    }

    /// Forgets the expired, and if that is not enough the oldest sixteenth, so that a full set is not searched for every
    /// new word.
    fn make_room(&mut self, now_ms: u64) {
        let before = self.learned.len();
        self.learned.retain(|_, entry| entry.expires_at_ms > now_ms);
        self.counters.expired += (before - self.learned.len()) as u64;
        if self.learned.len() < self.learned_max {
            return;
        }
        let mut by_age: Vec<_> = self.learned.iter().map(|(indicator, entry)| (*entry, indicator)).collect();
        by_age.sort_unstable();
        let going = (self.learned_max / 16).max(1);
        let oldest: Vec<Indicator> = by_age.into_iter().take(going).map(|(_, of)| of.clone()).collect();
        for indicator in &oldest {
            self.learned.remove(indicator);
        }
        self.counters.evicted += oldest.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::delta::tests::word;
    use super::*;
    use crate::intel::{Domain, Sha256, Url};

    fn host(name: &str) -> Indicator {
        Indicator::Domain(Domain::parse(name).unwrap())
    }

    fn url(text: &str) -> Indicator {
        Indicator::Url(Url::parse(text).unwrap())
    }

    fn set(lists: &str, learned_max: usize) -> IntelSet {
        let mut local = LocalLists::default();
        assert_eq!(local.add(lists).problems, []);
        IntelSet::new(Arc::new(local), Lifetimes::default(), learned_max)
    }

    fn learn(set: &mut IntelSet, of: Indicator, verdict: Verdict, now_ms: u64) -> Learned {
        set.learn(of, verdict, Source::Virustotal, Counts::default(), now_ms)
    }

    #[track_caller]
    fn check(set: &IntelSet, of: &Indicator, now_ms: u64, expect: &str) {
        let seen = match set.lookup(of, now_ms) {
            Lookup::Allowed => "allowed".to_owned(),
            Lookup::Blocked => "blocked".to_owned(),
            Lookup::Learned { verdict, of_host, .. } => {
                format!("{verdict:?}{}", if of_host { " host" } else { "" })
            }
            Lookup::Nothing => "nothing".to_owned(),
        };
        assert_eq!(seen, expect, "{of:?}");
    }

    #[test]
    fn what_was_learned_holds_for_the_very_thing() {
        let mut set = set("", 100);
        learn(&mut set, host("bad.example"), Verdict::Malicious, 0);
        learn(&mut set, host("fine.example"), Verdict::Harmless, 0);
        learn(&mut set, url("https://fine.example/x"), Verdict::Suspicious, 0);
        learn(&mut set, url("https://bad.example/ok"), Verdict::Harmless, 0);
        learn(&mut set, Indicator::Sha256(Sha256([1; 32])), Verdict::Unknown, 0);
        check(&set, &host("bad.example"), 1, "Malicious");
        check(&set, &host("a.bad.example"), 1, "nothing");
        check(&set, &url("http://bad.example/any"), 1, "Malicious host");
        check(&set, &url("https://bad.example/ok"), 1, "Malicious host");
        check(&set, &url("https://fine.example/x"), 1, "Suspicious");
        check(&set, &url("https://fine.example/y"), 1, "nothing");
        check(&set, &Indicator::Sha256(Sha256([1; 32])), 1, "Unknown");
        check(&set, &Indicator::Sha256(Sha256([2; 32])), 1, "nothing");
    }

    #[test]
    fn lists_have_the_last_word() {
        let mut set = set("allow a.example\nblock b.example", 100);
        learn(&mut set, host("a.example"), Verdict::Malicious, 0);
        learn(&mut set, host("b.example"), Verdict::Harmless, 0);
        check(&set, &host("a.example"), 1, "allowed");
        check(&set, &url("https://x.b.example/"), 1, "blocked");
        set.set_lists(Arc::default());
        check(&set, &host("a.example"), 1, "Malicious");
    }

    #[test]
    fn words_expire() {
        let mut set = set("", 100);
        let Lifetimes { bad_ms, harmless_ms, unknown_ms } = Lifetimes::default();
        for (name, verdict, lifetime) in [
            ("a.example", Verdict::Malicious, bad_ms),
            ("b.example", Verdict::Harmless, harmless_ms),
            ("c.example", Verdict::Unknown, unknown_ms),
        ] {
            learn(&mut set, host(name), verdict, 10);
            check(&set, &host(name), 10 + lifetime - 1, &format!("{verdict:?}"));
            check(&set, &host(name), 10 + lifetime, "nothing");
        }
        learn(&mut set, host("a.example"), Verdict::Harmless, 20);
        check(&set, &host("a.example"), 21, "Harmless");
    }

    #[test]
    fn a_full_set_forgets_the_expired_and_then_the_oldest() {
        let mut set = set("block list.example", 4);
        learn(&mut set, host("old.example"), Verdict::Malicious, 0);
        learn(&mut set, host("unknown.example"), Verdict::Unknown, 1);
        learn(&mut set, host("b.example"), Verdict::Malicious, 2);
        learn(&mut set, host("c.example"), Verdict::Malicious, 3);
        let later = Lifetimes::default().unknown_ms + 10;
        learn(&mut set, host("d.example"), Verdict::Malicious, later);
        check(&set, &host("old.example"), later, "Malicious");
        assert_eq!(set.counters(), Counters { learned: 5, expired: 1, evicted: 0 });
        learn(&mut set, host("e.example"), Verdict::Malicious, later);
        check(&set, &host("old.example"), later, "nothing");
        check(&set, &host("b.example"), later, "Malicious");
        check(&set, &host("list.example"), later, "blocked");
        assert_eq!((set.len(), set.counters().evicted), (4, 1));
    }

    #[test]
    fn a_restart_forgets_nothing_that_holds() {
        let mut before = set("", 100);
        learn(&mut before, host("a.example"), Verdict::Malicious, 1000);
        learn(&mut before, host("b.example"), Verdict::Unknown, 1000);
        let later = 1000 + Lifetimes::default().unknown_ms;
        let json = serde_json::to_string(&before.snapshot(later)).unwrap();
        let mut after = set("", 100);
        assert_eq!(after.restore(serde_json::from_str(&json).unwrap(), later), 1);
        check(&after, &host("a.example"), later, "Malicious");
        // The clock was put back: the word is not from the future any more.
        let mut back = set("", 100);
        back.restore(before.snapshot(1001), 10);
        check(&back, &host("a.example"), 11, "Malicious");
        learn(&mut back, host("a.example"), Verdict::Harmless, 12);
        check(&back, &host("a.example"), 13, "Harmless");
        // A smaller set takes the latest.
        learn(&mut before, host("c.example"), Verdict::Malicious, 2000);
        let mut small = set("", 1);
        assert_eq!(small.restore(before.snapshot(2000), 2000), 1);
        check(&small, &host("c.example"), 2001, "Malicious");
    }

    proptest! {
        #[test]
        fn all_shards_come_to_know_the_same(
            words in prop::collection::vec(word(10), 0..40),
            cut in 0..40usize,
            seed in any::<u64>(),
        ) {
            let cut = cut.min(words.len());
            let (first, second) = words.split_at(cut);
            let deltas = [IntelDelta::from(first.to_vec()), IntelDelta::from(second.to_vec())];
            let (mut a, mut b) = (set("", 100), set("", 100));
            a.merge(&deltas[0], 0);
            a.merge(&deltas[1], 0);
            for index in [1, 0, (seed % 2) as usize] {
                b.merge(&deltas[index], 0);
            }
            prop_assert_eq!(a.snapshot(0), b.snapshot(0));
            prop_assert_eq!(b.merge(&deltas[0], 0), 0, "nothing is news twice");
        }
    }
}

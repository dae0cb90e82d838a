//! All words of all families in one pass, and the rules over them.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::signal::FAMILIES;
use super::view::{CODE, Folder, LINE_START, QUOTED, SENTENCE_START, View, is_word};
use crate::RuleId;

/// So many words before the first word of a rule may be a "do not" that turns it round.
const NEGATION_REACH: u32 = 4;

/// A set of concepts, a bit each.
type Concepts = u128;

#[derive(Debug)]
pub(super) struct Matcher {
    automaton: Option<AhoCorasick>,
    words: Vec<Word>,
    rules: Vec<Compiled>,
    /// Of each concept: the rules that need it, and in which place.
    uses: Vec<Vec<(u16, u8)>>,
    concepts: Vec<&'static str>,
    not: Concepts,
}

/// One word or phrase of a concept.
#[derive(Debug, Clone, Copy)]
struct Word {
    concept: u8,
    /// Must begin a sentence or line.
    first: bool,
    /// Must not have a letter before, after.
    bound_before: bool,
    bound_after: bool,
}

#[derive(Debug)]
struct Compiled {
    name: &'static str,
    family: RuleId,
    need: Vec<Concepts>,
    within: u32,
    ordered: bool,
    across: u32,
    negatable: bool,
}

/// Where a concept was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) concept: u8,
    pub(super) flags: u8,
    /// Its first and last token.
    pub(super) token: u32,
    pub(super) last_token: u32,
    pub(super) sentence: u32,
    pub(super) line: u32,
    start: u32,
    end: u32,
}

/// How often a rule was met, and where first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) plain: u16,
    pub(super) quoted: u16,
    pub(super) negated: u16,
    /// In the folded text.
    pub(super) start: u32,
    pub(super) end: u32,
    last_token: u32,
}

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) hits: Vec<Hit>,
    /// Of each rule.
    pub(super) tallies: Vec<Tally>,
    latest: Vec<[Option<Hit>; 2]>,
}

impl Matcher {
    pub(super) fn new(folder: &Folder) -> Self {
        let mut concepts: Vec<&'static str> = Vec::new();
        let (mut patterns, mut words) = (Vec::new(), Vec::new());
        for &(name, lists) in FAMILIES.iter().flat_map(|family| family.concepts) {
            let concept = concepts.iter().position(|&known| known == name).unwrap_or_else(|| {
                concepts.push(name);
                concepts.len() - 1
            });
            for text in lists.iter().flat_map(|list| list.split('|')).filter(|text| !text.is_empty()) {
                let (text, first) = text.strip_prefix('^').map_or((text, false), |rest| (rest, true));
                let (text, open) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
                let text = folder.fold_str(text);
                let edge = |byte: Option<&u8>| byte.is_some_and(|&b| is_word(b) && !is_ideograph(b));
                words.push(Word {
                    concept: concept as u8,
                    first,
                    bound_before: edge(text.as_bytes().first()),
                    bound_after: !open && ends_bounded(&text),
                });
                patterns.push(text);
            }
        }
        let bits = |names: &str| -> Concepts {
            let known = |name| concepts.iter().position(|&concept| concept == name);
            names.split('|').filter_map(known).fold(0, |bits, n| bits | 1 << n)
        };
        let rules: Vec<Compiled> = FAMILIES
            .iter()
            .flat_map(|family| family.rules.iter().map(move |rule| (family, rule)))
            .map(|(family, rule)| Compiled {
                name: rule.name,
                family: family.id,
                need: rule.need.iter().map(|names| bits(names)).collect(),
                within: rule.within,
                ordered: rule.ordered,
                across: rule.across,
                negatable: rule.negatable,
            })
            .collect();
        let mut uses = vec![Vec::new(); concepts.len()];
        for (n, rule) in rules.iter().enumerate() {
            for (slot, &need) in rule.need.iter().enumerate() {
                // In order, the last concept is what completes a rule.
                if rule.ordered && slot + 1 < rule.need.len() {
                    continue;
                }
                for (concept, uses) in uses.iter_mut().enumerate() {
                    if need >> concept & 1 == 1 {
                        uses.push((n as u16, slot as u8));
                    }
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .ok();
        let not = bits("not");
        Self { automaton, words, rules, uses, concepts, not }
    }

    /// Names of the rules, in the order of their tallies.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.rules.iter().map(|rule| rule.name)
    }

    /// The id that findings of a rule carry.
    pub(super) fn family(&self, rule: usize) -> RuleId {
        self.rules.get(rule).map_or("prompt.general", |rule| rule.family)
    }

    /// Whether a rule is one concept on its own.
    pub(super) fn is_word(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.need.len() == 1)
    }

    /// The number of a concept.
    pub(super) fn concept(&self, name: &str) -> Option<u8> {
        self.concepts.iter().position(|&known| known == name).map(|n| n as u8)
    }

    /// Finds everything in `view`.
    pub(super) fn scan(&self, view: &View, found: &mut Matches) {
        found.hits.clear();
        found.tallies.clear();
        found.tallies.resize(self.rules.len(), Tally::default());
        found.latest.clear();
        found.latest.resize(self.concepts.len(), [None; 2]);
        let Some(automaton) = &self.automaton else { return };
        let bytes = view.text.as_bytes();
        let (mut cursor, mut seen) = (0usize, 0 as Concepts);
        for found_at in automaton.find_overlapping_iter(&view.text) {
            let Some(word) = self.words.get(found_at.pattern().as_usize()) else { continue };
            let (start, end) = (found_at.start(), found_at.end());
            let before = start.checked_sub(1).and_then(|n| bytes.get(n));
            if word.bound_before && before.is_some_and(|&b| is_word(b) && !is_ideograph(b)) {
                continue;
            }
            if word.bound_after && bytes.get(end).is_some_and(|&b| is_word(b) && !is_ideograph(b)) {
                continue;
            }
            // Matches come by their ends, so the token that holds the last byte only moves on.
            while view.tokens.get(cursor + 1).is_some_and(|token| (token.start as usize) < end) {
                cursor += 1;
            }
            let mut first = cursor;
            while first > 0 && view.tokens.get(first).is_some_and(|token| token.start as usize > start) {
                first -= 1;
            }
            let Some(token) = view.tokens.get(first) else { continue };
            if word.first && token.flags & (SENTENCE_START | LINE_START) == 0 {
                continue;
            }
            let hit = Hit {
                concept: word.concept,
                flags: token.flags,
                token: first as u32,
                last_token: cursor as u32,
                sentence: token.sentence,
                line: token.line,
                start: start as u32,
                end: end as u32,
            };
            let bit = 1 << word.concept;
            seen |= bit;
            let Some(latest) = found.latest.get_mut(usize::from(word.concept)) else { continue };
            match latest {
                // The longer of two words that begin together.
                [Some(newest), _] if newest.token == hit.token => *newest = hit,
                [newest, older] => {
                    *older = *newest;
                    *newest = Some(hit);
                }
            }
            found.hits.push(hit);
            self.complete(hit, seen, found);
        }
    }

    /// Tallies the rules that `hit` completes.
    fn complete(&self, hit: Hit, seen: Concepts, found: &mut Matches) {
        for &(number, slot) in self.uses.get(usize::from(hit.concept)).map_or(&[][..], |uses| uses) {
            let Some(rule) = self.rules.get(usize::from(number)) else { continue };
            if rule.need.iter().any(|&need| need & seen == 0) {
                continue;
            }
            let Some(first) = rule.met(hit, usize::from(slot), &found.latest) else { continue };
            let negated = rule.negatable && self.negated(first, &found.latest);
            let Some(tally) = found.tallies.get_mut(usize::from(number)) else { continue };
            // Phrases that share a word are one piece of evidence.
            if tally.end > 0 && tally.last_token >= hit.token {
                continue;
            }
            if tally.end == 0 {
                (tally.start, tally.end) = (first.start.min(hit.start), hit.end);
            }
            tally.last_token = hit.last_token;
            let count = if negated {
                &mut tally.negated
            } else if (first.flags | hit.flags) & (QUOTED | CODE) != 0 {
                &mut tally.quoted
            } else {
                &mut tally.plain
            };
            *count = count.saturating_add(1);
        }
    }

    fn negated(&self, first: Hit, latest: &[[Option<Hit>; 2]]) -> bool {
        let index = self.not.trailing_zeros() as usize;
        let near = |not: &Hit| {
            not.last_token < first.token
                && first.token - not.last_token <= NEGATION_REACH
                && not.sentence == first.sentence
        };
        latest.get(index).is_some_and(|two| two.iter().flatten().any(near))
    }
}

impl Compiled {
    /// Whether `hit` in place `slot` has the others around it; the first of them if so.
    fn met(&self, hit: Hit, slot: usize, latest: &[[Option<Hit>; 2]]) -> Option<Hit> {
        let mut first = hit;
        let mut taken: [Hit; 4] = [hit; 4];
        let mut bound = hit;
        for (n, &need) in self.need.iter().enumerate().rev() {
            if n == slot {
                continue;
            }
            let fits = |other: &&Hit| {
                let apart = taken.iter().all(|t| other.last_token < t.token || other.token > t.last_token);
                apart
                    && hit.token.abs_diff(other.token) <= self.within
                    && hit.sentence.abs_diff(other.sentence) <= self.across
                    && (!self.ordered || other.last_token < bound.token)
            };
            let mut best: Option<Hit> = None;
            let mut bits = need;
            while bits != 0 {
                let concept = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let candidate = latest.get(concept).and_then(|two| two.iter().flatten().find(fits));
                if let Some(candidate) = candidate
                    && best.is_none_or(|best| best.token < candidate.token)
                {
                    best = Some(*candidate);
                }
            }
            let other = best?;
            if let Some(place) = taken.get_mut(n) {
                *place = other;
            }
            bound = other;
            if other.token < first.token {
                first = other;
            }
        }
        Some(first)
    }
}

/// Lead bytes of the scripts that write without spaces between words. Thai shares its with the scripts of India, whose
/// words are long enough to be told apart without.
fn is_ideograph(byte: u8) -> bool {
    byte == 0xE0 || (0xE3..=0xE9).contains(&byte)
}

/// Whether the last character asks for a word to end after it.
fn ends_bounded(text: &str) -> bool {
    let Some(last) = text.chars().next_back() else { return false };
    let mut buffer = [0; 4];
    let lead = last.encode_utf8(&mut buffer).as_bytes().first().copied().unwrap_or(0);
    is_word(lead) && !is_ideograph(lead)
}

//! All words of all families in one pass, and the rules over them.

use super::lexicon::{Lexicon, Node, Start};
use super::signal::FAMILIES;
use super::view::{CODE, DENSE, Folder, LINE_START, QUOTED, SENTENCE_START, View, is_word};
use crate::RuleId;

/// So many words before the first word of a rule may be a "do not" that turns it round.
const NEGATION_REACH: u32 = 4;

/// So many characters of a script without spaces are as long as a word of another.
const DENSE_WORD: u32 = 3;

/// A set of concepts, a bit each.
type Concepts = u128;

#[derive(Debug)]
pub(super) struct Matcher {
    /// Walked from the start of every word: nothing of a family begins inside of one.
    lexicon: Lexicon,
    words: Vec<Word>,
    rules: Vec<Compiled>,
    /// Of each concept: the rules that need it.
    uses: Vec<Vec<Use>>,
    concepts: Vec<&'static str>,
    not: Concepts,
}

/// One word or phrase of a concept.
#[derive(Debug, Clone, Copy)]
struct Word {
    concept: u8,
    /// Must begin a sentence or line.
    first: bool,
    /// Must not have a letter after it.
    bound_after: bool,
}

/// What was walked: bytes of the folded text, and the token they begin at.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    first: usize,
}

/// A rule that needs a concept.
#[derive(Debug, Clone, Copy)]
struct Use {
    rule: u16,
    /// In which place.
    slot: u8,
    /// Looks at the far block, not only at the near one.
    far: bool,
    /// The first two of what else it needs: any concept will do if it needs no more.
    others: [Concepts; 2],
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

/// Which concepts were seen lately: a cheap look before a rule is worked out. Words are counted in blocks; what was
/// seen in this block and the one before is at least a block away.
#[derive(Default)]
struct Recent {
    near: [Concepts; 2],
    far: [Concepts; 2],
    near_block: u32,
    far_block: u32,
}

/// Words in a block, as a power of two.
const NEAR_BITS: u32 = 4;
const FAR_BITS: u32 = 6;

impl Recent {
    fn see(&mut self, concept: u8, token: u32) {
        let bit = 1 << concept;
        Self::turn(&mut self.near, &mut self.near_block, token >> NEAR_BITS);
        Self::turn(&mut self.far, &mut self.far_block, token >> FAR_BITS);
        self.near[0] |= bit;
        self.far[0] |= bit;
    }

    fn turn(blocks: &mut [Concepts; 2], current: &mut u32, block: u32) {
        if block > *current {
            *blocks = [0, if block == *current + 1 { blocks[0] } else { 0 }];
            *current = block;
        }
    }
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
                let text = folder.fold_str(&text.replace('¦', "|"));
                words.push(Word { concept: concept as u8, first, bound_after: !open && ends_bounded(&text) });
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
                let mut others = [Concepts::MAX; 2];
                let rest = rule.need.iter().enumerate().filter(|(other, _)| *other != slot);
                for (place, (_, &need)) in others.iter_mut().zip(rest) {
                    *place = need;
                }
                let far = rule.within > 1 << NEAR_BITS;
                for (concept, uses) in uses.iter_mut().enumerate() {
                    if need >> concept & 1 == 1 {
                        uses.push(Use { rule: n as u16, slot: slot as u8, far, others });
                    }
                }
            }
        }
        let lexicon = Lexicon::new(&patterns, |n| words.get(n).is_some_and(|word: &Word| !word.bound_after));
        // In the order of the tree: what ends at a node stands together.
        let words = lexicon.order().iter().filter_map(|&n| words.get(n as usize).copied()).collect();
        let not = bits("not");
        Self { lexicon, words, rules, uses, concepts, not }
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(&self) -> usize {
        let uses: usize = self.uses.iter().map(|uses| uses.len() * size_of::<Use>()).sum();
        self.lexicon.bytes() + self.words.len() * size_of::<Word>() + uses
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

    /// Whether a rule says by itself that there may be an attack.
    pub(super) fn is_evidence(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.need.len() > 1 && !rule.name.starts_with("benign."))
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
        let bytes = view.text.as_bytes();
        let (mut at, mut recent) = (0usize, Recent::default());
        for (index, token) in view.tokens.iter().enumerate() {
            // Signs begin some of the phrases.
            let start = token.start as usize;
            while at < start {
                if bytes.get(at).is_some_and(|&byte| byte != b' ') {
                    self.walk(view, bytes, at, index, &mut recent, found);
                }
                at += 1;
            }
            self.walk(view, bytes, start, index, &mut recent, found);
            at = token.end as usize;
        }
    }

    /// Follows the automaton from `start`, which is at token `first` or between it and the one before.
    fn walk(
        &self,
        view: &View,
        bytes: &[u8],
        start: usize,
        first: usize,
        recent: &mut Recent,
        found: &mut Matches,
    ) {
        let (mut node, mut end) = (self.lexicon.start(), start);
        let mut last = first;
        if let Some(&[one, two]) = bytes.get(start..).and_then(|rest| rest.first_chunk::<2>()) {
            match self.lexicon.enter(one, two) {
                Start::Nowhere => return,
                Start::Behind(behind) => (node, end) = (behind, start + 2),
                Start::Walk => {}
            }
        }
        loop {
            let next = bytes.get(end);
            // Most words that end here end inside of a longer one, and are none.
            if node.is_end() && (node.is_open() || next.is_none_or(|&byte| !goes_on(byte))) {
                last = self.ended(view, node, Place { start, first, end }, last, recent, found);
            }
            match next.and_then(|&byte| self.lexicon.next(node, byte)) {
                Some(next) => (node, end) = (next, end + 1),
                None => return,
            }
        }
    }

    /// Takes note of the words that end at `node`; returns the last token that they reach.
    #[inline(never)]
    fn ended(
        &self,
        view: &View,
        node: Node,
        Place { start, first, end }: Place,
        mut last: usize,
        recent: &mut Recent,
        found: &mut Matches,
    ) -> usize {
        let Some(token) = view.tokens.get(first) else { return last };
        let behind = view.text.as_bytes().get(end);
        let goes_on = behind.is_some_and(|&byte| goes_on(byte));
        while view.tokens.get(last + 1).is_some_and(|next| (next.start as usize) < end) {
            last += 1;
        }
        for word in self.words.get(self.lexicon.ending(node)).unwrap_or_default() {
            let inside = word.bound_after && goes_on;
            let amid = word.first && token.flags & (SENTENCE_START | LINE_START) == 0;
            if inside || amid {
                continue;
            }
            let hit = Hit {
                concept: word.concept,
                flags: token.flags,
                token: first as u32,
                last_token: last as u32,
                sentence: token.sentence,
                line: token.line,
                start: start as u32,
                end: end as u32,
            };
            self.see(hit, recent, found);
        }
        last
    }

    /// Takes note of a word that was found. Not inlined: the way to here is short, and most words end on it.
    #[inline(never)]
    fn see(&self, hit: Hit, recent: &mut Recent, found: &mut Matches) {
        recent.see(hit.concept, hit.token);
        let Some(latest) = found.latest.get_mut(usize::from(hit.concept)) else { return };
        match latest {
            // The longer of two words that begin together.
            [Some(newest), _] if newest.token == hit.token => *newest = hit,
            [newest, older] => {
                *older = *newest;
                *newest = Some(hit);
            }
        }
        found.hits.push(hit);
        self.complete(hit, recent, found);
    }

    /// Tallies the rules that `hit` completes.
    fn complete(&self, hit: Hit, recent: &Recent, found: &mut Matches) {
        let (near, far) = (recent.near[0] | recent.near[1], recent.far[0] | recent.far[1]);
        for one in self.uses.get(usize::from(hit.concept)).map_or(&[][..], |uses| uses) {
            let seen = if one.far || hit.flags & DENSE != 0 { far } else { near };
            if one.others[0] & seen == 0 || one.others[1] & seen == 0 {
                continue;
            }
            let number = one.rule;
            let Some(rule) = self.rules.get(usize::from(number)) else { continue };
            let Some(tally) = found.tallies.get_mut(usize::from(number)) else { continue };
            // Phrases that share a word are one piece of evidence.
            if tally.end > 0 && tally.last_token >= hit.token {
                continue;
            }
            let Some(first) = rule.met(hit, usize::from(one.slot), &found.latest) else { continue };
            let negated = rule.negatable && self.negated(first, &found.latest);
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
        let within = if hit.flags & DENSE != 0 { self.within * DENSE_WORD } else { self.within };
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
                    && hit.token.abs_diff(other.token) <= within
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

/// Whether a byte behind a word belongs to the same word.
fn goes_on(byte: u8) -> bool {
    is_word(byte) && !is_ideograph(byte)
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

//! All words of all families in one pass, and the rules over them.

use std::iter::Peekable;
use std::ops::Range;

use super::effort;
use super::found::{Common, Hit, Matches, Opener};
use super::lexicon::{Lexicon, Start};
use super::opening::{Openings, Opens};
use super::recent::{Concepts, Recent};
use super::rule::{Compiled, Use, Used, open_uses, uses_of};
use super::shape::Kinds;
use super::signal::{FAMILIES, SURE};
use super::view::{CODE, DENSE, Folder, LINE_START, QUOTED, SENTENCE_START, View, is_word, leads_alone};
use crate::RuleId;

/// So many words before the first word of a rule may be a "do not" that turns it round.
const NEGATION_REACH: u32 = 4;

/// A rule of several concepts that was met so often counts no more when it is met again, and is not worked out.
const PLAIN_MOST: u16 = 8;

#[derive(Debug)]
pub(super) struct Matcher {
    /// Walked from the start of every word: nothing of a family begins inside of one.
    lexicon: Lexicon,
    /// What is known of a word before the walk.
    openings: Openings,
    /// The rule that counts the commonest words of English.
    common_rule: usize,
    words: Vec<Word>,
    rules: Vec<Compiled>,
    /// Rules that need a concept, those of one concept together.
    uses: Vec<Use>,
    /// Of each concept: where its uses are.
    used: Vec<Used>,
    concepts: Vec<&'static str>,
    /// The concept that turns a rule round.
    not: usize,
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

/// Signs that are not yet walked from, and the word behind the last that was.
struct Signs<I: Iterator<Item = u32>> {
    places: Peekable<I>,
    token: usize,
}

/// The concept whose words are only counted, and the rule that counts them.
const COMMON: &str = "english";
const COMMON_RULE: &str = "benign.english";

impl Matcher {
    pub(super) fn new(folder: &Folder) -> Self {
        let mut concepts: Vec<&'static str> = Vec::new();
        let (mut patterns, mut words, mut common) = (Vec::new(), Vec::new(), Vec::new());
        for &(name, lists) in FAMILIES.iter().flat_map(|family| family.concepts) {
            let concept = concepts.iter().position(|&known| known == name).unwrap_or_else(|| {
                concepts.push(name);
                concepts.len() - 1
            });
            for text in lists.iter().flat_map(|list| list.split('|')).filter(|text| !text.is_empty()) {
                let (text, first) = text.strip_prefix('^').map_or((text, false), |rest| (rest, true));
                let (text, open) = stem(text).map_or((text, false), |stem| (stem, true));
                let text = folder.fold_str(&text.replace('¦', "|"));
                if name == COMMON {
                    common.push(text);
                    continue;
                }
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
                least: if rule.sure { SURE } else { 0.0 },
                apart: rule.apart,
            })
            .collect();
        let not = bits("not").trailing_zeros() as usize;
        let (uses, used) = uses_of(&rules, concepts.len(), not);
        let common_rule = rules.iter().position(|rule| rule.name == COMMON_RULE).unwrap_or(usize::MAX);
        let lexicon = Lexicon::new(&patterns, |n| words.get(n).is_some_and(|word: &Word| !word.bound_after));
        let phrases = patterns.iter().zip(&words).map(|(text, word)| (text.as_str(), !word.bound_after));
        let openings = Openings::new(phrases, &common, |text| lexicon.entries_of(text), goes_on);
        // In the order of the tree: what ends at a node stands together.
        let words = lexicon.order().iter().filter_map(|&n| words.get(n as usize).copied()).collect();
        Self { lexicon, openings, common_rule, words, rules, uses, used, concepts, not }
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(&self) -> usize {
        let uses = self.uses.len() * size_of::<Use>() + self.used.len() * size_of::<Used>();
        self.lexicon.bytes() + self.openings.bytes() + self.words.len() * size_of::<Word>() + uses
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

    /// What a rule weighs at least.
    pub(super) fn least(&self, rule: usize) -> f32 {
        self.rules.get(rule).map_or(0.0, |rule| rule.least)
    }

    /// Whether a rule says by itself that there may be an attack.
    pub(super) fn is_evidence(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.need.len() > 1 && !rule.name.starts_with("benign."))
    }

    /// The number of a concept.
    pub(super) fn concept(&self, name: &str) -> Option<u8> {
        self.concepts.iter().position(|&known| known == name).map(|n| n as u8)
    }

    /// Finds everything in `view`. Not inlined: with what calls it, it is too large for the compiler to keep at hand what
    /// words with many phrases need.
    #[inline(never)]
    pub(super) fn scan(&self, view: &View, found: &mut Matches) {
        found.clear(self.rules.len(), self.concepts.len());
        let bytes = view.text.as_bytes();
        let mut signs = std::mem::take(&mut found.signs);
        let [count, all_signs] = self.find_signs(view, &mut signs, found);
        let mut signs_left = Signs { places: signs.iter().take(count).copied().peekable(), token: 0 };
        let mut openers = std::mem::take(&mut found.openers);
        let mut counted = std::mem::take(&mut found.counted);
        let [count, common] = match view.is_dense() {
            true => self.find_openers::<true>(view, &mut openers, &mut counted),
            false => self.find_openers::<false>(view, &mut openers, &mut counted),
        };
        found.steps = found.steps.saturating_add(effort::of_view(view, count, all_signs));
        let mut recent = Recent::default();
        let last = view.tokens.last().copied().unwrap_or_default();
        for &Opener { index, look } in openers.iter().take(count) {
            let index = index as usize;
            let Some(token) = view.tokens.get(index) else { break };
            let (start, end) = (token.start as usize, token.end as usize);
            self.walk_signs(view, &mut signs_left, token.start, &mut recent, found);
            match self.openings.of(look, bytes, start, end) {
                Opens::Nothing => {}
                Opens::Alone(entries) => {
                    // A whole word: nothing of it goes on, and no other token is reached.
                    for word in self.words.get(entries).unwrap_or_default() {
                        if !word.first || token.flags & (SENTENCE_START | LINE_START) != 0 {
                            let hit = Hit::of(word.concept, token, [index; 2], [start, end]);
                            self.see(&hit, &mut recent, found);
                        }
                    }
                }
                Opens::Walk => self.walk(view, bytes, start, index, &mut recent, found),
            }
        }
        // Those behind the last word begin nothing.
        self.walk_signs(view, &mut signs_left, last.start, &mut recent, found);
        self.count(Common::of(counted.get(..common).unwrap_or_default(), &view.tokens), view, found);
        (found.signs, found.openers, found.counted) = (signs, openers, counted);
    }

    /// Walks from the signs before the word at `start`.
    #[inline]
    fn walk_signs(
        &self,
        view: &View,
        signs: &mut Signs<impl Iterator<Item = u32>>,
        start: u32,
        recent: &mut Recent,
        found: &mut Matches,
    ) {
        while let Some(at) = signs.places.next_if(|&at| at < start) {
            while view.tokens.get(signs.token).is_some_and(|token| token.start < at) {
                signs.token += 1;
            }
            self.walk(view, view.text.as_bytes(), at as usize, signs.token, recent, found);
        }
    }

    /// Writes the words that a phrase may begin with to the front of `openers`, and those that are counted to the front of
    /// `counted`; returns how many there are of both. Without a branch for each, like the signs. A loop of its own, also
    /// to the compiler.
    #[inline(never)]
    fn find_openers<const DENSE_TEXT: bool>(
        &self,
        view: &View,
        openers: &mut Vec<Opener>,
        counted: &mut Vec<u32>,
    ) -> [usize; 2] {
        let bytes = view.text.as_bytes();
        if openers.len() < view.tokens.len() {
            openers.resize(view.tokens.len(), Opener::default());
            counted.resize(view.tokens.len(), 0);
        }
        let (mut count, mut common) = (0, 0);
        for (index, token) in view.tokens.iter().enumerate() {
            let start = token.start as usize;
            let end = token.end as usize;
            let look = match DENSE_TEXT {
                true => self.openings.look_dense(bytes, start, end),
                false => self.openings.look(bytes, start, end),
            };
            if let Some(place) = openers.get_mut(count) {
                *place = Opener { index: index as u32, look };
            }
            if let Some(place) = counted.get_mut(common) {
                *place = index as u32;
            }
            count += usize::from(look.may_open());
            common += usize::from(look.is_counted);
        }
        [count, common]
    }

    /// Writes the signs that a phrase may begin with to the front of `signs`; returns how many there are, and how many of
    /// all. Takes note of the others as well. Without a branch for each: a text has many, and of all kinds.
    fn find_signs(&self, view: &View, signs: &mut Vec<u32>, found: &mut Matches) -> [usize; 2] {
        let bytes = view.text.as_bytes();
        let Matches { kinds, cells, parted, .. } = found;
        *kinds = Kinds::default();
        if signs.len() < bytes.len() {
            signs.resize(bytes.len(), 0);
            cells.resize(bytes.len(), 0);
        }
        let (mut count, mut all) = (0, 0);
        *parted = 0;
        view.each_sign(|at| {
            let byte = bytes.get(at).copied().unwrap_or(b' ');
            kinds.see(byte);
            for (places, count) in [(&mut *signs, count), (&mut *cells, *parted)] {
                if let Some(place) = places.get_mut(count) {
                    *place = at as u32;
                }
            }
            all += 1;
            count += usize::from(self.openings.at_sign(bytes, at));
            *parted += usize::from((byte == b'|') | (byte == b','));
        });
        [count, all]
    }

    /// Tallies what was only counted.
    fn count(&self, common: Common, view: &View, found: &mut Matches) {
        found.common = common;
        let (Some(tally), 1..) = (found.tallies.get_mut(self.common_rule), common.all) else { return };
        tally.quoted = u16::try_from(common.quoted).unwrap_or(u16::MAX);
        tally.plain = u16::try_from(common.all - common.quoted).unwrap_or(u16::MAX);
        let token = |n: u32| view.tokens.get(n as usize);
        tally.start = token(common.first).map_or(0, |token| token.start);
        tally.end = token(common.first).map_or(0, |token| token.end);
        tally.last_token = common.last;
        found.met.push(self.common_rule as u16);
    }

    /// Follows the tree from `start`, which is at token `first` or between it and the one before.
    #[inline]
    fn walk(
        &self,
        view: &View,
        bytes: &[u8],
        start: usize,
        first: usize,
        recent: &mut Recent,
        found: &mut Matches,
    ) {
        let mut rest = bytes.get(start..).unwrap_or_default();
        let mut node = self.lexicon.start();
        if let Some((&[one, two], behind)) = rest.split_first_chunk::<2>() {
            match self.lexicon.enter(one, two) {
                Start::Nowhere => return,
                Start::Behind(entered) => (node, rest) = (entered, behind),
                Start::Walk => {}
            }
        }
        let mut last = first;
        let mut rest = rest.iter();
        loop {
            let end = bytes.len() - rest.len();
            let next = rest.next();
            // Most words that end here end inside of a longer one, and are none.
            if node.is_end() && (node.is_open() || next.is_none_or(|&byte| !goes_on(byte))) {
                let entries = self.lexicon.ending(node);
                last = self.ended(view, entries, Place { start, first, end }, last, recent, found);
            }
            match next.and_then(|&byte| self.lexicon.next(node, byte)) {
                Some(next) => node = next,
                None => return,
            }
        }
    }

    /// Takes note of the `entries` of the tree that end here; returns the last token that they reach.
    #[inline(never)]
    fn ended(
        &self,
        view: &View,
        entries: Range<usize>,
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
        for word in self.words.get(entries).unwrap_or_default() {
            let inside = word.bound_after && goes_on;
            let amid = word.first && token.flags & (SENTENCE_START | LINE_START) == 0;
            if inside || amid {
                continue;
            }
            let hit = Hit::of(word.concept, token, [first, last], [start, end]);
            self.see(&hit, recent, found);
        }
        last
    }

    /// Takes note of a word that was found. Not inlined: what it needs would be made ready for each end of a word.
    #[inline(never)]
    fn see(&self, hit: &Hit, recent: &mut Recent, found: &mut Matches) {
        let Some(used) = self.used.get(usize::from(hit.concept)) else { return };
        found.steps = found.steps.saturating_add(effort::SEEN);
        if used.partner {
            // Signs in a row, or two spellings of one word: nothing that is not known.
            if found.is_latest(hit) {
                return;
            }
            recent.see(hit.concept, hit.token);
            found.remember(hit);
        }
        found.hits.push(*hit);
        for one in self.uses.get(usize::from(used.from)..usize::from(used.alone_to)).unwrap_or_default() {
            self.tally(one.rule, hit, hit, found);
        }
        if used.alone_to < used.to {
            self.complete(used, hit, recent, found);
        }
    }

    /// Tallies the rules that `hit` completes together with others.
    #[inline]
    fn complete(&self, used: &Used, hit: &Hit, recent: &Recent, found: &mut Matches) {
        let is_dense = hit.flags & DENSE != 0;
        let concept = usize::from(hit.concept);
        let Some(asked) = found.asked.get_mut(concept) else { return };
        let at = (recent.changes(), is_dense);
        if asked.at == at && asked.open == 0 {
            return;
        }
        let [near, far] = recent.seen();
        let seen = [if is_dense { far } else { near }, far];
        let uses = self.uses.get(usize::from(used.alone_to)..usize::from(used.to)).unwrap_or_default();
        if asked.at != at {
            let sought = [seen[0] & used.sought[0], seen[1] & used.sought[1]];
            if asked.seen != sought {
                (asked.seen, asked.open) = (sought, open_uses(uses, seen));
            }
            asked.at = at;
        }
        let mut open = asked.open;
        while open != 0 {
            let n = open.trailing_zeros();
            open &= open - 1;
            let Some(one) = uses.get(n as usize) else { return };
            if !self.complete_one(one, hit, one.among(seen), found)
                && let Some(asked) = found.asked.get_mut(concept)
            {
                asked.open &= !(1 << n);
            }
        }
    }

    /// Tallies a rule, if `hit` completes it; `false` if none will any more. Not inlined: few come so far.
    #[inline(never)]
    fn complete_one(&self, one: &Use, hit: &Hit, seen: Concepts, found: &mut Matches) -> bool {
        found.steps = found.steps.saturating_add(effort::COMPLETE);
        let tally = found.tallies.get(usize::from(one.rule)).copied().unwrap_or_default();
        if tally.plain >= PLAIN_MOST {
            return false;
        }
        // Phrases that share a word are one piece of evidence.
        let is_shared = tally.end > 0 && tally.last_token >= hit.token;
        if !is_shared
            && let Some(rule) = self.rules.get(usize::from(one.rule))
            && let Some(first) = rule.met(hit, usize::from(one.slot), seen, found)
        {
            self.tally(one.rule, &first, hit, found);
        }
        true
    }

    /// Counts a rule that was met from `first` to `hit`.
    #[inline]
    fn tally(&self, number: u16, first: &Hit, hit: &Hit, found: &mut Matches) {
        let number = usize::from(number);
        let Some(rule) = self.rules.get(number) else { return };
        let negated = rule.negatable && self.negated(first, found);
        let Some(tally) = found.tallies.get_mut(number) else { return };
        if tally.end == 0 {
            (tally.start, tally.end) = (first.start.min(hit.start), hit.end);
            found.met.push(number as u16);
        } else if tally.last_token >= hit.token {
            return;
        }
        tally.last_token = hit.last_token;
        let count = if negated {
            &mut tally.negated
        } else if (first.flags | hit.flags) & (QUOTED | CODE) != 0 {
            &mut tally.quoted
        } else {
            if rule.apart {
                // Full: those before are told apart, this one is not.
                let _ = found.orders.push([first.start.min(hit.start), hit.end]);
            }
            &mut tally.plain
        };
        *count = count.saturating_add(1);
    }

    fn negated(&self, first: &Hit, found: &Matches) -> bool {
        let near = |not: &Hit| {
            not.last_token < first.token
                && first.token - not.last_token <= NEGATION_REACH
                && not.sentence == first.sentence
        };
        found.latest(self.not).any(near)
    }
}

/// Whether a byte behind a word belongs to the same word. Thai shares its lead byte with the scripts of India, whose words
/// are long enough to be told apart without.
#[inline]
fn goes_on(byte: u8) -> bool {
    GOES_ON.get(usize::from(byte)).copied().unwrap_or(false)
}

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const GOES_ON: [bool; 256] = {
    let mut goes_on = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        goes_on[byte] = is_word(byte as u8) && !leads_alone(byte as u8);
        byte += 1;
    }
    goes_on
};

/// What is before a star that lets a word go on; behind a sign a star is a sign too.
fn stem(text: &str) -> Option<&str> {
    text.strip_suffix('*').filter(|stem| !stem.ends_with(|c: char| c.is_ascii_punctuation()))
}

/// Whether the last character asks for a word to end after it.
fn ends_bounded(text: &str) -> bool {
    let Some(last) = text.chars().next_back() else { return false };
    let mut buffer = [0; 4];
    let lead = last.encode_utf8(&mut buffer).as_bytes().first().copied().unwrap_or(0);
    is_word(lead) && !leads_alone(lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_lets_a_word_go_on() {
        for (text, expect) in [
            ("instruct*", Some("instruct")),
            ("忽略*", Some("忽略")),
            ("/*", None),
            ("***", None),
            ("now", None),
        ] {
            assert_eq!(stem(text), expect, "{text}");
        }
    }

    #[test]
    fn each_use_of_a_concept_has_a_bit() {
        let matcher = Matcher::new(&Folder::new());
        let most = matcher.used.iter().map(|used| u32::from(used.to - used.alone_to)).max();
        assert!(most.is_some_and(|most| (1..=u64::BITS).contains(&most)), "{most:?}");
    }
}

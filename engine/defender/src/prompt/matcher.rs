//! All words of all families in one pass, and the rules over them.

use std::iter::Peekable;
use std::ops::Range;

use super::lexicon::{Lexicon, Start};
use super::opening::{Look, Openings, Opens};
use super::recent::{Concepts, NEAR_BITS, Recent};
use super::signal::FAMILIES;
use super::view::{
    CODE, DENSE, Folder, LINE_START, QUOTED, SENTENCE_START, Token, View, is_word, leads_alone,
};
use crate::RuleId;

/// So many words before the first word of a rule may be a "do not" that turns it round.
const NEGATION_REACH: u32 = 4;

/// So many characters of a script without spaces are as long as a word of another.
const DENSE_WORD: u32 = 3;

/// A rule of several concepts that was met so often counts no more when it is met again, and is not worked out.
const PLAIN_MOST: u16 = 8;

/// A rule needs at most so many concepts.
const NEEDS_MAX: usize = 4;

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

/// A word that a phrase may begin with.
#[derive(Debug, Clone, Copy, Default)]
struct Opener {
    /// Its number among the words.
    index: u32,
    look: Look,
}

/// Signs that are not yet walked from, and the word behind the last that was.
struct Signs<I: Iterator<Item = u32>> {
    places: Peekable<I>,
    token: usize,
}

/// Uses of one concept: those of rules that it meets on its own come first.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    from: u16,
    alone_to: u16,
    to: u16,
    /// Rules ask whether it was seen lately.
    partner: bool,
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

impl Use {
    /// What of `seen`, near and far, it looks at.
    #[inline]
    fn among(&self, [near, far]: [Concepts; 2]) -> Concepts {
        if self.far { far } else { near }
    }
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

/// How many of the commonest words of English there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Common {
    pub(super) all: u32,
    /// In the first sentence or the first two lines, and in the last.
    pub(super) edges: [u32; 2],
    /// Between quotation marks or in code.
    quoted: u32,
    /// The first and last of them, if there are any.
    first: u32,
    last: u32,
}

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) common: Common,
    pub(super) hits: Vec<Hit>,
    /// Of each rule.
    pub(super) tallies: Vec<Tally>,
    /// Rules that were met, and for which the tally says how.
    met: Vec<u16>,
    /// Signs and words that a phrase may begin with.
    signs: Vec<u32>,
    openers: Vec<Opener>,
    /// Numbers of the words that are counted.
    counted: Vec<u32>,
    /// Of each concept: which of the hits were its last two, the newest first, and where that began.
    latest: Vec<Latest>,
    /// Of each concept.
    asked: Vec<Asked>,
}

/// The concept whose words are only counted, and the rule that counts them.
const COMMON: &str = "english";
const COMMON_RULE: &str = "benign.english";

/// What was asked about a concept last.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// By what had been seen near and far.
    seen: [Concepts; 2],
    /// Which of its uses may be completed, a bit each. Those whose rules are met often enough are taken out.
    open: u64,
}

/// Nothing was: whoever asks has seen the concept itself.
const UNASKED: Asked = Asked { seen: [0; 2], open: 0 };

/// Which uses have all else that they need among what was `seen`: a bit each, of which there are enough (a test holds it).
fn open_uses(uses: &[Use], seen: [Concepts; 2]) -> u64 {
    uses.iter().rev().fold(0, |open, one| {
        let seen = one.among(seen);
        open << 1 | u64::from((one.others[0] & seen != 0) & (one.others[1] & seen != 0))
    })
}

/// The last two hits of a concept.
#[derive(Debug, Clone, Copy)]
struct Latest {
    hits: [u32; 2],
    /// Where the newest began.
    token: u32,
}

/// No hit.
const NONE: u32 = u32::MAX;
const NEVER: Latest = Latest { hits: [NONE; 2], token: NONE };

impl Common {
    /// Of the tokens with these numbers.
    fn of(numbers: &[u32], tokens: &[Token]) -> Self {
        let edge = |number: Option<&u32>| number.copied().unwrap_or(0);
        let mut common = Self {
            all: numbers.len() as u32,
            first: edge(numbers.first()),
            last: edge(numbers.last()),
            ..Self::default()
        };
        let last = tokens.last().copied().unwrap_or_default();
        numbers.iter().filter_map(|&n| tokens.get(n as usize)).for_each(|token| common.see(token, &last));
        common
    }

    fn see(&mut self, token: &Token, last: &Token) {
        self.quoted += u32::from(token.flags & (QUOTED | CODE) != 0);
        self.edges[0] += u32::from((token.sentence == 0) | (token.line <= 1));
        self.edges[1] += u32::from((token.sentence == last.sentence) | (token.line == last.line));
    }
}

impl Matches {
    /// Makes what is the next hit the newest of its concept.
    #[inline]
    fn remember(&mut self, hit: &Hit) {
        let number = self.hits.len() as u32;
        if let Some(latest) = self.latest.get_mut(usize::from(hit.concept)) {
            // The longer of two words that begin together counts.
            let before = if latest.token == hit.token { latest.hits[1] } else { latest.hits[0] };
            *latest = Latest { hits: [number, before], token: hit.token };
        }
    }

    fn clear(&mut self, rules: usize, concepts: usize) {
        self.hits.clear();
        while let Some(rule) = self.met.pop() {
            if let Some(tally) = self.tallies.get_mut(usize::from(rule)) {
                *tally = Tally::default();
            }
        }
        self.tallies.resize(rules, Tally::default());
        self.latest.clear();
        self.latest.resize(concepts, NEVER);
        self.asked.clear();
        self.asked.resize(concepts, UNASKED);
    }

    /// The rules that were met, with their tallies; no order is promised.
    pub(super) fn met(&self) -> impl Iterator<Item = (usize, &Tally)> {
        let tally = |&rule: &u16| Some((usize::from(rule), self.tallies.get(usize::from(rule))?));
        self.met.iter().filter_map(tally)
    }

    /// The last two hits of a concept, the newest first.
    fn latest(&self, concept: usize) -> impl Iterator<Item = &Hit> {
        let two = self.latest.get(concept).copied().unwrap_or(NEVER);
        two.hits.into_iter().filter_map(|hit| self.hits.get(hit as usize))
    }
}

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
                let (text, open) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
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
        let count = self.find_signs(view, &mut signs);
        let mut signs_left = Signs { places: signs.iter().take(count).copied().peekable(), token: 0 };
        let mut openers = std::mem::take(&mut found.openers);
        let mut counted = std::mem::take(&mut found.counted);
        let [count, common] = match view.is_dense() {
            true => self.find_openers::<true>(view, &mut openers, &mut counted),
            false => self.find_openers::<false>(view, &mut openers, &mut counted),
        };
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
                    let place = Place { start, first: index, end };
                    self.ended(view, entries, place, index, &mut recent, found);
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

    /// Writes the signs that a phrase may begin with to the front of `signs`; returns how many there are. Without a branch
    /// for each: a text has many, and of all kinds.
    fn find_signs(&self, view: &View, signs: &mut Vec<u32>) -> usize {
        let bytes = view.text.as_bytes();
        if signs.len() < bytes.len() {
            signs.resize(bytes.len(), 0);
        }
        let mut count = 0;
        view.each_sign(|at| {
            if let Some(place) = signs.get_mut(count) {
                *place = at as u32;
            }
            count += usize::from(self.openings.at_sign(bytes, at));
        });
        count
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
            self.see(&hit, recent, found);
        }
        last
    }

    /// Takes note of a word that was found. Not inlined: what it needs would be made ready for each end of a word.
    #[inline(never)]
    fn see(&self, hit: &Hit, recent: &mut Recent, found: &mut Matches) {
        let used = self.used.get(usize::from(hit.concept)).copied().unwrap_or_default();
        if used.partner {
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
    #[inline(never)]
    fn complete(&self, used: Used, hit: &Hit, recent: &Recent, found: &mut Matches) {
        let [near, far] = recent.seen();
        let seen = [if hit.flags & DENSE != 0 { far } else { near }, far];
        let uses = self.uses.get(usize::from(used.alone_to)..usize::from(used.to)).unwrap_or_default();
        let concept = usize::from(hit.concept);
        let Some(asked) = found.asked.get_mut(concept) else { return };
        if asked.seen != seen {
            *asked = Asked { seen, open: open_uses(uses, seen) };
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

/// The uses of every concept, and where they are.
fn uses_of(rules: &[Compiled], concepts: usize, not: usize) -> (Vec<Use>, Vec<Used>) {
    let (mut uses, mut used) = (Vec::new(), Vec::new());
    for concept in 0..concepts {
        let from = uses.len() as u16;
        let mut alone_to = from;
        for alone in [true, false] {
            for (n, rule) in rules.iter().enumerate().filter(|(_, rule)| (rule.need.len() == 1) == alone) {
                for (slot, need) in rule.need.iter().enumerate() {
                    // In order, the last concept is what completes a rule.
                    let completes = !rule.ordered || slot + 1 == rule.need.len();
                    if need >> concept & 1 == 0 || !completes {
                        continue;
                    }
                    let mut others = [Concepts::MAX; 2];
                    let rest = rule.need.iter().enumerate().filter(|(other, _)| *other != slot);
                    for (place, (_, &need)) in others.iter_mut().zip(rest) {
                        *place = need;
                    }
                    let far = rule.within > 1 << NEAR_BITS;
                    uses.push(Use { rule: n as u16, slot: slot as u8, far, others });
                }
            }
            alone_to = if alone { uses.len() as u16 } else { alone_to };
        }
        let asked = rules.iter().filter(|rule| rule.need.len() > 1).flat_map(|rule| &rule.need);
        let partner = concept == not || asked.fold(0, |all, need| all | need) >> concept & 1 == 1;
        used.push(Used { from, alone_to, to: uses.len() as u16, partner });
    }
    (uses, used)
}

impl Compiled {
    /// Whether `hit` in place `slot` has the others around it, which are among those `seen` lately; the first of them
    /// if so.
    fn met(&self, hit: &Hit, slot: usize, seen: Concepts, found: &Matches) -> Option<Hit> {
        let within = if hit.flags & DENSE != 0 { self.within * DENSE_WORD } else { self.within };
        let mut first = *hit;
        // The tokens that are taken, and the one that another has to be before.
        let mut taken: heapless::Vec<(u32, u32), NEEDS_MAX> = heapless::Vec::new();
        let _ = taken.push((hit.token, hit.last_token));
        let mut bound = hit.token;
        for (n, &need) in self.need.iter().enumerate().rev() {
            if n == slot {
                continue;
            }
            let fits = |other: &&Hit| {
                let apart = taken.iter().all(|&(from, to)| other.last_token < from || other.token > to);
                apart
                    && hit.token.abs_diff(other.token) <= within
                    && hit.sentence.abs_diff(other.sentence) <= self.across
                    && (!self.ordered || other.last_token < bound)
            };
            let mut best: Option<&Hit> = None;
            let mut bits = need & seen;
            while bits != 0 {
                let concept = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let candidate = found.latest(concept).find(fits);
                if let Some(candidate) = candidate
                    && best.is_none_or(|best| best.token < candidate.token)
                {
                    best = Some(candidate);
                }
            }
            let other = best?;
            // A rule has no more than that.
            let _ = taken.push((other.token, other.last_token));
            bound = other.token;
            if other.token < first.token {
                first = *other;
            }
        }
        Some(first)
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
    fn each_use_of_a_concept_has_a_bit() {
        let matcher = Matcher::new(&Folder::new());
        let most = matcher.used.iter().map(|used| u32::from(used.to - used.alone_to)).max();
        assert!(most.is_some_and(|most| (1..=u64::BITS).contains(&most)), "{most:?}");
    }
}

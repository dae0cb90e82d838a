//! What one pass over a view found.

use super::opening::Look;
use super::recent::Concepts;
use super::shape::Kinds;
use super::view::{CODE, QUOTED, Token};

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
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Hit {
    /// A concept from the first of two tokens, which is `token`, to the last, and between two places of the folded text.
    #[inline]
    pub(super) fn of(
        concept: u8,
        token: &Token,
        [first, last]: [usize; 2],
        [start, end]: [usize; 2],
    ) -> Self {
        let Token { flags, sentence, line, .. } = *token;
        let [token, last_token] = [first as u32, last as u32];
        Self { concept, flags, token, last_token, sentence, line, start: start as u32, end: end as u32 }
    }
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
    pub(super) last_token: u32,
}

/// How many of the commonest words of English there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Common {
    pub(super) all: u32,
    /// In the first sentence or the first two lines, and in the last.
    pub(super) edges: [u32; 2],
    /// Between quotation marks or in code.
    pub(super) quoted: u32,
    /// The first and last of them, if there are any.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) common: Common,
    /// Of all signs.
    pub(super) kinds: Kinds,
    pub(super) hits: Vec<Hit>,
    /// Of each rule.
    pub(super) tallies: Vec<Tally>,
    /// Rules that were met, and for which the tally says how.
    pub(super) met: Vec<u16>,
    /// Where rules were met whose paragraphs are judged apart: the first few, in the folded text.
    pub(super) orders: heapless::Vec<[u32; 2], ORDERS_MAX>,
    /// Bars and commas, which part the cells of tables, and how many there are.
    pub(super) cells: Vec<u32>,
    pub(super) parted: usize,
    /// Signs and words that a phrase may begin with.
    pub(super) signs: Vec<u32>,
    pub(super) openers: Vec<Opener>,
    /// Numbers of the words that are counted.
    pub(super) counted: Vec<u32>,
    /// Of each concept: which of the hits were its last two, the newest first, and where that began.
    pub(super) latest: Vec<Latest>,
    /// Of each concept.
    pub(super) asked: Vec<Asked>,
    /// Steps of all that was read since they were taken ([`super::effort`]).
    pub(super) steps: u32,
}

/// So many orders of a window are remembered. Of more the later ones are judged with the window, and not apart.
const ORDERS_MAX: usize = 8;

/// What was asked about a concept last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// When: how often what was seen had changed, and whether characters stood alone.
    pub(super) at: (u32, bool),
    /// By what of that which its uses look for had been seen, near and far.
    pub(super) seen: [Concepts; 2],
    /// Which of its uses may be completed, a bit each. Those whose rules are met often enough are taken out.
    pub(super) open: u64,
}

/// Nothing was: no use is open where nothing that it looks for was seen.
const UNASKED: Asked = Asked { at: (u32::MAX, false), seen: [0; 2], open: 0 };

/// The last two hits of a concept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latest {
    pub(super) hits: [u32; 2],
    /// Where the newest began.
    pub(super) token: u32,
}

/// No hit.
const NONE: u32 = u32::MAX;
const NEVER: Latest = Latest { hits: [NONE; 2], token: NONE };

/// A word that a phrase may begin with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Opener {
    /// Its number among the words.
    pub(super) index: u32,
    pub(super) look: Look,
}

impl Common {
    /// Of the tokens with these numbers.
    pub(super) fn of(numbers: &[u32], tokens: &[Token]) -> Self {
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
    /// Whether the newest hit of the concept has the same words.
    #[inline]
    pub(super) fn is_latest(&self, hit: &Hit) -> bool {
        self.latest.get(usize::from(hit.concept)).is_some_and(|latest| {
            latest.token == hit.token
                && self
                    .hits
                    .get(latest.hits[0] as usize)
                    .is_some_and(|newest| newest.last_token == hit.last_token)
        })
    }

    /// Makes what is the next hit the newest of its concept.
    #[inline]
    pub(super) fn remember(&mut self, hit: &Hit) {
        let number = self.hits.len() as u32;
        if let Some(latest) = self.latest.get_mut(usize::from(hit.concept)) {
            // The longer of two words that begin together counts.
            let before = if latest.token == hit.token { latest.hits[1] } else { latest.hits[0] };
            *latest = Latest { hits: [number, before], token: hit.token };
        }
    }

    pub(super) fn clear(&mut self, rules: usize, concepts: usize) {
        self.orders.clear();
        // Of the concepts only those that were hit have anything to forget: short texts have few.
        for hit in self.hits.drain(..) {
            let concept = usize::from(hit.concept);
            self.latest.get_mut(concept).into_iter().for_each(|latest| *latest = NEVER);
            self.asked.get_mut(concept).into_iter().for_each(|asked| *asked = UNASKED);
        }
        while let Some(rule) = self.met.pop() {
            if let Some(tally) = self.tallies.get_mut(usize::from(rule)) {
                *tally = Tally::default();
            }
        }
        self.tallies.resize(rules, Tally::default());
        self.latest.resize(concepts, NEVER);
        self.asked.resize(concepts, UNASKED);
    }

    /// The rules that were met, with their tallies; no order is promised.
    pub(super) fn met(&self) -> impl Iterator<Item = (usize, &Tally)> {
        let tally = |&rule: &u16| Some((usize::from(rule), self.tallies.get(usize::from(rule))?));
        self.met.iter().filter_map(tally)
    }

    /// The last two hits of a concept, the newest first.
    pub(super) fn latest(&self, concept: usize) -> impl Iterator<Item = &Hit> {
        let two = self.latest.get(concept).copied().unwrap_or(NEVER);
        two.hits.into_iter().filter_map(|hit| self.hits.get(hit as usize))
    }
}

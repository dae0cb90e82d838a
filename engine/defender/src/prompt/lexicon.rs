//! All words and phrases as one tree of bytes, followed from a known start.
//!
//! Words are only sought where a word of the text begins, so nothing of what an Aho-Corasick automaton adds to a tree
//! (where to go on after a mismatch) is needed, and the tree fits into the cache: a double array, four bytes a node.
//! A node is at its parent's base plus its byte. No two nodes share a base, so the byte alone tells whose child it is.

use std::collections::VecDeque;
use std::ops::Range;

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    slots: Vec<u32>,
    /// Of each text: where its entries are, the first and the one behind the last.
    ends: Vec<(u32, u32)>,
    /// Numbers of the patterns, those of one text together.
    entries: Vec<u32>,
    root: u32,
    /// Where two letters or digits lead from the root: most walks begin so, and many end there.
    pairs: Vec<u32>,
}

/// A slot is a base, two marks, and the byte that leads to it: that a pattern ends here, and that one of those that do
/// may go on.
const BASE_SHIFT: u32 = 10;
const END_MARK: u32 = 1 << 8;
const OPEN_MARK: u32 = 1 << 9;
/// Leads from a node where a pattern ends to the number of its text. No text contains it: it is no byte of UTF-8.
const END_BYTE: u8 = 0xFF;
/// What is in a slot without a node. Its byte is none of UTF-8 either, so nothing leads there.
const EMPTY: u32 = 0xFE;

/// Letters, digits, and one more for all other bytes: what the pairs are made of.
const PAIRED: usize = 37;
/// A pair that is no shortcut: a pattern ends at its first byte.
const NO_SHORTCUT: u32 = u32::MAX;

/// A node on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node(u32);

/// What the first two bytes of a word lead to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// To nothing.
    Nowhere,
    /// To a node.
    Behind(Node),
    /// They have to be walked one by one.
    Walk,
}

impl Node {
    /// Whether a pattern ends here.
    pub(super) fn is_end(self) -> bool {
        self.0 & END_MARK != 0
    }

    /// Whether a pattern that ends here may go on in the text.
    pub(super) fn is_open(self) -> bool {
        self.0 & OPEN_MARK != 0
    }
}

/// The place of a byte in the pairs: letters and digits have their own, all others the first.
#[inline]
fn paired(byte: u8) -> usize {
    usize::from(PLACES.get(usize::from(byte)).copied().unwrap_or(0))
}

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let (mut byte, mut place) = (0, 0);
    while byte < 256 {
        if (byte as u8).is_ascii_lowercase() || (byte as u8).is_ascii_digit() {
            place += 1;
            places[byte] = place;
        }
        byte += 1;
    }
    places
};

impl Lexicon {
    /// Builds the tree of `patterns`; their places in the list are their numbers. Those that are `open` may go on.
    pub(super) fn new(patterns: &[String], open_ended: impl Fn(usize) -> bool) -> Self {
        let mut sorted: Vec<(&[u8], u32)> =
            patterns.iter().enumerate().map(|(n, text)| (text.as_bytes(), n as u32)).collect();
        sorted.retain(|(text, _)| !text.is_empty());
        sorted.sort_unstable();
        let mut lexicon = Self::default();
        let mut builder = Builder::default();
        // A part of the sorted list that shares its first bytes, and the slot of the node they lead to.
        let mut open = VecDeque::from([(0..sorted.len(), 0usize, None::<usize>)]);
        while let Some((range, depth, slot)) = open.pop_front() {
            let part = sorted.get(range.clone()).unwrap_or_default();
            let ending = part.iter().take_while(|(text, _)| text.len() == depth).count();
            let mut children: Vec<(u8, Range<usize>)> = Vec::new();
            for (n, (text, _)) in part.iter().enumerate().skip(ending) {
                let byte = text.get(depth).copied().unwrap_or(END_BYTE);
                let at = range.start + n;
                match children.last_mut() {
                    Some((last, range)) if *last == byte => range.end = at + 1,
                    _ => children.push((byte, at..at + 1)),
                }
            }
            let mut labels: Vec<u8> = children.iter().map(|(byte, _)| *byte).collect();
            if ending > 0 {
                labels.push(END_BYTE);
            }
            let base = builder.place(&labels);
            let is_open = part.iter().take(ending).any(|(_, number)| open_ended(*number as usize));
            let mark = if ending > 0 { END_MARK } else { 0 } | if is_open { OPEN_MARK } else { 0 };
            match slot {
                Some(slot) => builder.fill(slot, |held| base << BASE_SHIFT | mark | held & 0xFF),
                None => lexicon.root = base,
            }
            if ending > 0 {
                let first = lexicon.entries.len() as u32;
                lexicon.entries.extend(part.iter().take(ending).map(|(_, number)| *number));
                let text = lexicon.ends.len() as u32;
                lexicon.ends.push((first, lexicon.entries.len() as u32));
                builder.fill(base as usize + usize::from(END_BYTE), |_| {
                    text << BASE_SHIFT | u32::from(END_BYTE)
                });
            }
            for (byte, range) in children {
                let slot = base as usize + usize::from(byte);
                builder.fill(slot, |_| u32::from(byte));
                open.push_back((range, depth + 1, Some(slot)));
            }
        }
        lexicon.slots = builder.slots;
        lexicon.slots.shrink_to_fit();
        lexicon.pairs = lexicon.all_pairs();
        lexicon
    }

    fn all_pairs(&self) -> Vec<u32> {
        let mut pairs = vec![NO_SHORTCUT; PAIRED * PAIRED];
        let bytes = || (b'a'..=b'z').chain(b'0'..=b'9');
        for first in bytes() {
            let lead = self.next(self.start(), first);
            if lead.is_some_and(Node::is_end) {
                continue;
            }
            for second in bytes() {
                let slot = lead.and_then(|node| self.next(node, second)).map_or(0, |node| node.0);
                if let Some(pair) = pairs.get_mut(paired(first) * PAIRED + paired(second)) {
                    *pair = slot;
                }
            }
        }
        pairs
    }

    /// Where the first two bytes of a word lead.
    #[inline]
    pub(super) fn enter(&self, first: u8, second: u8) -> Start {
        match self.pairs.get(paired(first) * PAIRED + paired(second)) {
            None | Some(&NO_SHORTCUT) => Start::Walk,
            Some(0) => Start::Nowhere,
            Some(&slot) => Start::Behind(Node(slot)),
        }
    }

    /// Where every pattern begins.
    pub(super) fn start(&self) -> Node {
        Node(self.root << BASE_SHIFT)
    }

    /// The node that a byte of a text leads to.
    #[inline]
    pub(super) fn next(&self, node: Node, byte: u8) -> Option<Node> {
        let slot = *self.slots.get((node.0 >> BASE_SHIFT) as usize + usize::from(byte))?;
        (slot & 0xFF == u32::from(byte)).then_some(Node(slot))
    }

    /// The patterns that end at `node`: which places of [`Self::order`] they have.
    pub(super) fn ending(&self, node: Node) -> Range<usize> {
        let text = self.slots.get((node.0 >> BASE_SHIFT) as usize + usize::from(END_BYTE));
        let text = text.map_or(u32::MAX, |slot| slot >> BASE_SHIFT);
        let (from, to) = self.ends.get(text as usize).copied().unwrap_or_default();
        from as usize..to as usize
    }

    /// The same of the patterns that are `text`; none if there are none.
    pub(super) fn entries_of(&self, text: &str) -> Range<usize> {
        let node = text.bytes().try_fold(self.start(), |node, byte| self.next(node, byte));
        node.filter(|node| node.is_end()).map_or(0..0, |node| self.ending(node))
    }

    /// Numbers of all patterns, those of one text together.
    pub(super) fn order(&self) -> &[u32] {
        &self.entries
    }

    /// Bytes that the tree takes.
    pub(super) fn bytes(&self) -> usize {
        (self.slots.len() + self.pairs.len()) * 4 + self.ends.len() * 8 + self.entries.len() * 4
    }
}

/// Slots while they are given out.
#[derive(Default)]
struct Builder {
    slots: Vec<u32>,
    taken: Vec<bool>,
    /// Bases that a node has: no other may have them.
    bases: Vec<bool>,
    /// All slots before it are taken, or were passed by for good.
    low: usize,
}

/// After so many places that do not fit, the search goes on where it stopped: a few holes are cheaper than a long start.
const TRIES_MAX: usize = 256;

impl Builder {
    /// Finds a base from which all `labels` are free, and takes them.
    fn place(&mut self, labels: &[u8]) -> u32 {
        let Some(&first) = labels.iter().min() else { return 0 };
        let mut at = self.low.max(usize::from(first));
        let mut tries = 0;
        loop {
            let base = at - usize::from(first);
            self.grow(base + usize::from(END_BYTE) + 1);
            let is_free = |label: &u8| self.taken.get(base + usize::from(*label)).is_some_and(|taken| !taken);
            if self.bases.get(base).is_some_and(|used| !used) && labels.iter().all(is_free) {
                break;
            }
            at += 1;
            tries += 1;
            if tries == TRIES_MAX {
                self.low = at;
            }
        }
        let base = at - usize::from(first);
        for label in labels {
            if let Some(taken) = self.taken.get_mut(base + usize::from(*label)) {
                *taken = true;
            }
        }
        if let Some(used) = self.bases.get_mut(base) {
            *used = true;
        }
        while self.taken.get(self.low).is_some_and(|&taken| taken) {
            self.low += 1;
        }
        base as u32
    }

    fn grow(&mut self, len: usize) {
        if self.slots.len() < len {
            self.slots.resize(len, EMPTY);
            self.taken.resize(len, false);
            self.bases.resize(len, false);
        }
    }

    fn fill(&mut self, slot: usize, to: impl FnOnce(u32) -> u32) {
        if let Some(held) = self.slots.get_mut(slot) {
            *held = to(*held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], text: &str, expect: &[(usize, &[u32])]) {
        let patterns: Vec<String> = patterns.iter().map(|&text| text.to_owned()).collect();
        let lexicon = Lexicon::new(&patterns, |n| n == 0);
        let (mut node, mut found) = (lexicon.start(), Vec::new());
        for (at, byte) in text.bytes().enumerate() {
            let Some(next) = lexicon.next(node, byte) else { break };
            node = next;
            if let (1, Some(&[first, second])) = (at, text.as_bytes().first_chunk::<2>()) {
                match lexicon.enter(first, second) {
                    Start::Behind(behind) => assert_eq!(behind.0, node.0, "{text:?}"),
                    Start::Walk => {}
                    Start::Nowhere => panic!("{text:?} leads somewhere"),
                }
            }
            if node.is_end() {
                let ending = &lexicon.order()[lexicon.ending(node)];
                assert_eq!(node.is_open(), ending.contains(&0), "{text:?}");
                found.push((at + 1, &lexicon.order()[lexicon.ending(node)]));
            }
        }
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn patterns_are_found_from_their_start() {
        let patterns = ["he", "hers", "his", "he", "忽略", "忽", "\u{7f}\u{fe}"];
        check(&patterns, "hers", &[(2, &[0, 3]), (4, &[1])]);
        check(&patterns, "her", &[(2, &[0, 3])]);
        check(&patterns, "his", &[(3, &[2])]);
        check(&patterns, "忽略", &[(3, &[5]), (6, &[4])]);
        check(&patterns, "she", &[]);
        check(&["a", "ab"], "abc", &[(1, &[0]), (2, &[1])]);
        check(&patterns, "he\0", &[(2, &[0, 3])]);
        check(&patterns, "h\u{ff}", &[]);
        check(&patterns, "\u{7f}\u{fe}\u{ff}", &[(3, &[6])]);
        check(&[], "he", &[]);
    }
}

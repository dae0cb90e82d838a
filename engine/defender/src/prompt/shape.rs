//! What a text looks like, apart from its words: where orders stand in it, what it hides, what it mixes.

use super::decode::count;
use super::found::{Hit, Matches};
use super::matcher::Matcher;
use super::view::View;

/// Names of what [`Shape::measure`] writes, in order.
pub(super) const NAMES: [&str; 36] = [
    "length",
    "short",
    "capitals",
    "zero-width",
    "tags",
    "selectors",
    "direction",
    "escapes",
    "spaced",
    "mixed",
    "quoted",
    "negated",
    "first-orders",
    "last-orders",
    "lone-order",
    "order-share",
    "foreign-edge",
    "table",
    "exclaims",
    "asks",
    "digits",
    "odd-ending",
    "foreign",
    "breadth",
    "first-order-in-many",
    "odd-inside",
    "long",
    "last-asks",
    "one-line",
    "peak-orders",
    "peak-jailbreak",
    "prose-in-table",
    "order-in-table",
    "before-header",
    "lone-ask",
    "peak-many",
];

/// What each concept is to the shape: a set of the kinds below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    concepts: [Meaning; 128],
}

/// What one concept is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    kinds: u8,
    /// Its number in each set of a peak, or [`u8::MAX`].
    numbers: [u8; 2],
}

impl Meaning {
    const NOTHING: Self = Self { kinds: 0, numbers: [u8::MAX; 2] };
}

/// What a mail begins with, among others.
const COURTESY: u8 = 4;
/// Speaks to the reader.
const ORDERS: u8 = 1;
const ASKS: u8 = 2;
const FOREIGN: u8 = 8;
/// What an order to a reader is made of.
const DIRECTIVE: &[&str] = &[
    "urgent",
    "interrupt",
    "new",
    "task",
    "must",
    "follow",
    "duty",
    "imperative",
    "question",
    "answer-order",
    "reply",
    "override",
    "tell-user",
    "note-to",
    "assistant",
    "done",
    "focus",
    "instead",
    "scope",
    "instruction",
    "ornament",
    "secretly",
    "no-approval",
];
/// What a jailbreak is made of.
const JAILBREAK: &[&str] = &[
    "persona",
    "nolimits",
    "norefusal",
    "immoral",
    "mode",
    "model",
    "always",
    "twofold",
    "ask-slot",
    "must",
    "now",
    "override",
];

/// Words that are near each other, for the peaks.
const ORDER_REACH: u32 = 30;
const JAILBREAK_REACH: u32 = 80;

impl Shape {
    pub(super) fn new(matcher: &Matcher) -> Self {
        let mut concepts = [Meaning::NOTHING; 128];
        let mut meaning = |name: &str, set: &dyn Fn(&mut Meaning)| {
            let concept = matcher.concept(name).and_then(|concept| concepts.get_mut(usize::from(concept)));
            concept.into_iter().for_each(set);
        };
        let kinds: [(u8, &[&str]); 4] = [
            (COURTESY, &["courtesy"]),
            (ORDERS, &["imperative", "duty", "answer-order", "note-to"]),
            (ASKS, &["question"]),
            (FOREIGN, &["foreign"]),
        ];
        for (kind, names) in kinds {
            names.iter().for_each(|name| meaning(name, &|meaning| meaning.kinds |= kind));
        }
        for (number, name) in DIRECTIVE.iter().enumerate() {
            meaning(name, &|meaning| meaning.numbers[0] = number as u8);
        }
        for (number, name) in JAILBREAK.iter().enumerate() {
            meaning(name, &|meaning| meaning.numbers[1] = number as u8);
        }
        Self { concepts }
    }

    #[inline]
    fn meaning(&self, hit: &Hit) -> Meaning {
        self.concepts.get(usize::from(hit.concept)).copied().unwrap_or(Meaning::NOTHING)
    }

    /// Appends the features named in [`NAMES`]. `whole` says whether the text begins and ends where the view does.
    pub(super) fn measure(&self, view: &View, found: &Matches, whole: [bool; 2], out: &mut Vec<f32>) {
        let words = view.tokens.len() as f32;
        let last_sentence = view.tokens.last().map_or(0, |token| token.sentence);
        let last_line = view.tokens.last().map_or(0, |token| token.line);
        let sentences = (last_sentence + 1) as f32;
        let (mut first, mut last, mut middle, mut ordered) = (false, false, false, 0u32);
        let (mut last_asks, english, mut foreign) = (false, found.common.all, 0u32);
        let mut edge_foreign = [0u32; 2];
        let mut edge_english = found.common.edges;
        for (count, whole) in edge_english.iter_mut().zip(whole) {
            *count *= u32::from(whole);
        }
        let (mut before, mut any) = (None, 0);
        let (mut orders, mut jailbreaks) = (Peak::new(ORDER_REACH), Peak::new(JAILBREAK_REACH));
        for hit in &found.hits {
            let meaning = self.meaning(hit);
            if meaning == Meaning::NOTHING {
                continue;
            }
            let Meaning { kinds, numbers: [directive, jailbreak] } = meaning;
            any |= kinds;
            orders.see(directive, hit.token);
            jailbreaks.see(jailbreak, hit.token);
            let edges = [
                whole[0] && (hit.sentence == 0 || hit.line <= 1),
                whole[1] && (hit.sentence == last_sentence || hit.line == last_line),
            ];
            if kinds & (ORDERS | ASKS) != 0 {
                first |= edges[0];
                last |= edges[1];
                last_asks |= edges[1] && kinds & ASKS != 0;
                middle |= !edges[0] && !edges[1];
                if before != Some(hit.sentence) {
                    ordered += 1;
                    before = Some(hit.sentence);
                }
            }
            if kinds & FOREIGN != 0 {
                foreign += 1;
                for (count, edge) in edge_foreign.iter_mut().zip(edges) {
                    *count += u32::from(edge);
                }
            }
        }
        let share = ordered as f32 / sentences;
        let foreign_edge =
            edge_foreign.iter().zip(edge_english).any(|(&f, e)| f >= 2 && e == 0) && english > foreign;
        let text = Text::of(view, found);
        // Three rows make a table; the headers of a mail are words of courtesy.
        let lines = if text.bars / 2 + text.commas / COMMAS_MIN >= ROWS_MIN || any & COURTESY != 0 {
            Lines::of(view, found, |hit| self.meaning(hit).kinds & (ORDERS | ASKS) != 0)
        } else {
            Lines::default()
        };
        let capitals = view.capitals as f32;
        let (mut quoted, mut negated, mut fired) = (0u32, 0u32, 0u32);
        for (_, tally) in found.met() {
            quoted += u32::from(tally.quoted > 0);
            negated += u32::from(tally.negated > 0);
            fired += u32::from(tally.plain > 0);
        }
        let d = &view.disguise;
        let flag = |on: bool| if on { 1.0 } else { 0.0 };
        let log = |n: f32| (1.0 + n).ln();
        let many = sentences >= 4.0;
        out.extend([
            log(words) / 5.0,
            flag(words < 12.0),
            log(capitals.min(20.0)) / 3.0,
            flag(d.zero_width > 3),
            flag(d.tags > 3),
            flag(d.selectors > 3),
            flag(d.direction > 0),
            flag(d.escapes > 12),
            flag(d.spaced > 0),
            flag(d.mixed > 2),
            log(quoted as f32).min(2.0) / 2.0,
            log(negated as f32).min(2.0) / 2.0,
            flag(first),
            flag(last),
            flag((first || last || middle) && many && share < 0.25),
            share,
            flag(foreign_edge),
            flag(text.bars > 6),
            log(text.exclaims.min(6) as f32) / 2.0,
            log(text.asks.min(6) as f32) / 2.0,
            (text.digits as f32 / (1.0 + view.text.len() as f32)).min(DIGITS_MOST),
            if whole[1] { text.odd_ending } else { 0.0 },
            foreign as f32 / (1.0 + english as f32 + foreign as f32),
            log(fired as f32).min(4.0) / 4.0,
            flag(first && many),
            text.odd_share,
            flag(words > 400.0),
            flag(last_asks && many),
            flag(last_line <= 1 && whole == [true; 2]),
            orders.most as f32 / 8.0,
            jailbreaks.most as f32 / 8.0,
            flag(lines.prose_in_table),
            flag(lines.order_in_table),
            flag(lines.before_header),
            flag(many && text.asks == 1),
            flag(orders.most >= 6),
        ]);
    }
}

/// The most different concepts of a set that stand near each other.
struct Peak {
    reach: u32,
    /// Of each concept of the set: where it was seen last.
    latest: [u32; SET_MAX],
    /// Where any was seen last.
    last: u32,
    known: u32,
    most: u32,
}

/// Concepts in a set at most.
const SET_MAX: usize = 32;
/// Further away than any text is long.
const NOWHERE: u32 = 1 << 31;

impl Peak {
    fn new(reach: u32) -> Self {
        Self { reach, latest: [NOWHERE; SET_MAX], last: 0, known: 0, most: 0 }
    }

    /// Takes note of the concept with this number in the set.
    #[inline]
    fn see(&mut self, number: u8, token: u32) {
        let Some(latest) = self.latest.get_mut(usize::from(number)) else { return };
        self.known += u32::from(*latest == NOWHERE);
        let was_near = self.last.wrapping_sub(*latest) <= self.reach;
        (*latest, self.last) = (token, token);
        // No more can be near than are known, nor than were, if this one was near already.
        if self.known > self.most && !was_near {
            let near = |&other: &u32| u32::from(token.wrapping_sub(other) <= self.reach);
            self.most = self.most.max(self.latest.iter().map(near).sum());
        }
    }
}

/// Lines that are unlike the others.
#[derive(Default)]
struct Lines {
    /// A sentence between the rows of a table, and one that gives an order or asks.
    prose_in_table: bool,
    order_in_table: bool,
    /// Something before the first header of a mail.
    before_header: bool,
}

/// So many rows are a table.
const ROWS_MIN: u32 = 3;
/// A row of a table has at least so many commas, if they part its cells.
const COMMAS_MIN: u32 = 3;
/// What the first lines of a mail begin with.
const HEADERS: [&[u8]; 13] = [
    b"from:",
    b"to:",
    b"cc:",
    b"date:",
    b"sent:",
    b"subject:",
    b"reply-to:",
    b"importance:",
    b"von:",
    b"an:",
    b"betreff:",
    b"de :",
    b"objet :",
];
/// Most lines are none by their first two bytes.
fn is_header(line: &[u8]) -> bool {
    let begins = line.first_chunk::<2>();
    HEADERS.iter().any(|header| header.first_chunk() == begins && line.starts_with(header))
}

/// A line of at least so many words is a sentence.
const SENTENCE_WORDS_MIN: u32 = 5;

impl Lines {
    fn of(view: &View, found: &Matches, is_order: impl Fn(&Hit) -> bool) -> Self {
        let mut lines = Self::default();
        let bytes = view.text.as_bytes();
        let (mut rows, mut prose, mut at, mut commas_before) = (0u32, 0u32, 0usize, 0);
        let (mut prose_line, mut headed) = (None, false);
        let mut cells = found.cells.iter().take(found.parted).peekable();
        while let Some(token) = view.tokens.get(at) {
            let len = view.tokens.iter().skip(at).take_while(|next| next.line == token.line).count().max(1);
            let end = view.tokens.get(at + len - 1).map_or(bytes.len(), |last| last.end as usize);
            let line = bytes.get(token.start as usize..end).unwrap_or_default();
            if is_header(line) {
                if line.starts_with(b"subject:") || line.starts_with(b"from:") && line.contains(&b'@') {
                    lines.before_header |= !headed && (1..=2).contains(&(rows + prose));
                }
                headed = true;
            }
            // Signs around a line belong to its neighbours as well: only what is between its words parts cells. Rows
            // parted by commas are alike.
            let (mut bars, mut commas) = (0, 0);
            while let Some(&at) = cells.next_if(|&&at| (at as usize) < end) {
                let is_inside = at >= token.start;
                let is_bar = bytes.get(at as usize) == Some(&b'|');
                bars += usize::from(is_inside & is_bar);
                commas += usize::from(is_inside & !is_bar);
            }
            let columns = commas >= COMMAS_MIN as usize && len < 4 * commas;
            if bars >= 2 || columns && commas == commas_before {
                rows += 1;
            } else if len as u32 >= SENTENCE_WORDS_MIN && bars == 0 && !columns {
                prose += 1;
                prose_line = Some(token.line);
            }
            commas_before = commas;
            at += len;
        }
        lines.prose_in_table = rows >= ROWS_MIN && (1..=2).contains(&prose);
        lines.order_in_table = lines.prose_in_table
            && found.hits.iter().any(|hit| Some(hit.line) == prose_line && is_order(hit));
        lines
    }
}

/// Counts of characters.
#[derive(Default)]
struct Text {
    bars: u32,
    exclaims: u32,
    asks: u32,
    digits: u32,
    commas: u32,
    /// Share of signs that belong to no sentence, at the end and in the whole.
    odd_ending: f32,
    odd_share: f32,
}

/// A text of which more than this are digits is no more suspicious: it is a number, or encoded.
const DIGITS_MOST: f32 = 0.2;

/// So many bytes are the end of a text: machine-made suffixes stand there.
const ENDING_BYTES: usize = 100;

impl Text {
    fn of(view: &View, found: &Matches) -> Self {
        let bytes = view.text.as_bytes();
        let (_, ending) =
            bytes.split_at_checked(bytes.len().saturating_sub(ENDING_BYTES)).unwrap_or_default();
        let [bars, exclaims, asks, odd, commas] = found.kinds.all();
        let digits = count(bytes, |byte| byte.is_ascii_digit()) as u32;
        let mut text = Self { bars, exclaims, asks, digits, commas, ..Self::default() };
        let mut kinds = Kinds::default();
        ending.iter().for_each(|&byte| kinds.see(byte));
        let [.., odd_end, _] = kinds.all();
        text.odd_share = odd as f32 / (bytes.len() as f32 + 20.0);
        text.odd_ending = odd_end as f32 / (ENDING_BYTES.min(bytes.len()) as f32 + 20.0);
        text
    }
}

/// How many signs of each kind there are, in the order of [`KINDS`]: so many bits each, which no text fills.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds(u128);

const KIND_BITS: usize = 24;

impl Kinds {
    #[inline]
    pub(super) fn see(&mut self, byte: u8) {
        self.0 = self.0.wrapping_add(KINDS.get(usize::from(byte)).copied().unwrap_or(0));
    }

    fn all(self) -> [u32; 5] {
        std::array::from_fn(|kind| (self.0 >> (KIND_BITS * kind)) as u32 & ((1 << KIND_BITS) - 1))
    }
}

/// One in the place of every kind that a sign is of: bars, exclamation and question marks, signs that belong to no sentence,
/// commas.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const KINDS: [u128; 256] = {
    let mut kinds = [0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = n as u8;
        let is = [byte == b'|', byte == b'!', byte == b'?', is_odd(byte), byte == b','];
        let mut kind = 0;
        while kind < is.len() {
            kinds[n] |= (is[kind] as u128) << (KIND_BITS * kind);
            kind += 1;
        }
        n += 1;
    }
    kinds
};

/// Signs that belong to no sentence.
const fn is_odd(byte: u8) -> bool {
    matches!(byte, b'#'..=b'&' | b'*' | b'+' | b'/' | b'<'..=b'>' | b'@' | b'['..=b'_' | b'{' | b'}' | b'~')
}

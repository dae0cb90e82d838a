//! Words, sentences, lines, and what stands in quotation marks or code.

use super::View;
use super::mask::{self, BLOCK, Places};
use super::quote::{Mark, Place, Quotes};
use super::spaced::RUN_MIN;

/// The first word of a sentence.
pub(in crate::prompt) const SENTENCE_START: u8 = 1;
/// The first word of a line.
pub(in crate::prompt) const LINE_START: u8 = 2;
/// Between quotation marks.
pub(in crate::prompt) const QUOTED: u8 = 4;
/// In a code block or between backticks.
pub(in crate::prompt) const CODE: u8 = 8;
/// One character of a script that writes without spaces: several of them are a word.
pub(in crate::prompt) const DENSE: u8 = 16;

/// One word; of scripts that write without spaces, one character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::prompt) struct Token {
    pub(in crate::prompt) start: u32,
    pub(in crate::prompt) end: u32,
    pub(in crate::prompt) sentence: u32,
    pub(in crate::prompt) line: u32,
    pub(in crate::prompt) flags: u8,
}

/// Where words end, and signs that mean something.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// What belongs to no word, and what of it is no space.
    gaps: Places,
    visible: Places,
    signs: Places,
    /// What may stand alone.
    alone: Places,
    /// Whether there is any.
    dense: bool,
}

impl Marks {
    fn read(&mut self, bytes: &[u8]) {
        for places in [&mut self.gaps, &mut self.visible, &mut self.signs, &mut self.alone] {
            places.clear();
        }
        self.dense = bytes.iter().fold(false, |dense, &byte| dense | leads_alone(byte));
        mask::each_block(bytes, b' ', |block| {
            let gaps = !mask::bits(block, is_word);
            self.gaps.push(gaps);
            self.visible.push(gaps & !mask::bits(block, |byte| byte == b' '));
            self.signs.push(mask::bits(block, is_sign));
            if self.dense {
                self.alone.push(mask::bits(block, leads_alone));
            }
        });
    }

    /// Whether there may be so many letters in a row that each is a word, with one sign between, that they belong together.
    fn has_letters_apart(&self) -> bool {
        let blocks = self.gaps.blocks();
        let words = |n: usize| blocks.get(n).map_or(0, |gaps| !gaps);
        let (mut before, mut pairs_before) = (0, 0);
        (0..blocks.len()).any(|n| {
            let here = words(n);
            let behind = here >> 1 | words(n + 1) << (BLOCK - 1);
            let alone = here & !behind & !(here << 1 | before >> (BLOCK - 1));
            // Above the bits of the block before: rows reach into it.
            let both = u128::from(alone) << BLOCK | u128::from(pairs_before);
            (before, pairs_before) = (here, alone);
            let mut row = both;
            for _ in 1..RUN_MIN {
                row &= row << 2 & both;
            }
            row >> BLOCK != 0
        })
    }

    /// Where the word at `start` ends.
    #[inline]
    fn word_end(&self, bytes: &[u8], start: usize) -> usize {
        if stands_alone(bytes, start) {
            return (start + 3).min(bytes.len());
        }
        let end = self.gaps.first(start).unwrap_or(bytes.len()).min(bytes.len());
        let mut from = start;
        while let Some(at) = self.alone.first_before(from, end) {
            if stands_alone(bytes, at) {
                return at;
            }
            from = at + 1;
        }
        end
    }

    fn sign(&self, from: usize) -> usize {
        self.signs.first(from).unwrap_or(usize::MAX)
    }
}

/// What is known between two words.
struct Reader<'a> {
    bytes: &'a [u8],
    marks: &'a Marks,
    sentence: u32,
    fresh_sentence: bool,
    fresh_line: bool,
    /// How many lines and upper-case words have begun, and how many escaped marks are behind.
    line: usize,
    upper: usize,
    escaped: usize,
    quotes: Quotes,
    code: bool,
    /// The next sign that was not looked at.
    sign: usize,
    /// Words before it are in the same sentence and line as the last, and nothing else is to be said of them.
    special: usize,
}

impl Reader<'_> {
    /// Whether the mark at `at`, which is not before the last that was asked about, is one of those that were escaped.
    fn is_escaped(&mut self, escaped: &[u32], at: u32) -> bool {
        while escaped.get(self.escaped).is_some_and(|&mark| mark < at) {
            self.escaped += 1;
        }
        escaped.get(self.escaped) == Some(&at)
    }
}

impl View {
    /// Whether characters may stand alone as words.
    pub(in crate::prompt) fn is_dense(&self) -> bool {
        self.marks.dense
    }

    /// Calls `each` with the place of every sign: of what is no word and no space.
    pub(in crate::prompt) fn each_sign(&self, mut each: impl FnMut(usize)) {
        for (n, &block) in self.marks.visible.blocks().iter().enumerate() {
            let mut signs = block;
            while signs != 0 {
                each(n * mask::BLOCK + signs.trailing_zeros() as usize);
                signs &= signs - 1;
            }
        }
    }

    /// Marks where the words and signs of `text` are. True if there may be letters in a row that stand alone and belong
    /// together.
    pub(super) fn mark(&mut self) -> bool {
        self.marks.read(self.text.as_bytes());
        self.marks.has_letters_apart()
    }

    /// Finds the words of `text`, whose marks were read.
    pub(super) fn tokenize(&mut self) {
        let text = std::mem::take(&mut self.text);
        let marks = std::mem::take(&mut self.marks);
        let bytes = text.as_bytes();
        let mut reader = Reader {
            bytes,
            marks: &marks,
            sentence: 0,
            fresh_sentence: true,
            fresh_line: true,
            line: 0,
            upper: 0,
            escaped: 0,
            quotes: Quotes::default(),
            code: false,
            sign: marks.sign(0),
            special: 0,
        };
        if marks.dense {
            let mut behind = 0;
            loop {
                // Most words of such a text have no gap between them.
                let start = match bytes.get(behind) {
                    Some(&byte) if is_word(byte) => behind,
                    _ => match marks.gaps.first_other(behind) {
                        Some(start) => start,
                        None => break,
                    },
                };
                behind = marks.word_end(bytes, start);
                let flags = if stands_alone(bytes, start) { DENSE } else { 0 };
                self.word(&mut reader, start, behind, flags);
            }
        } else {
            marks.gaps.each_run_of_others(bytes.len(), |start, end| self.word(&mut reader, start, end, 0));
        }
        self.signs(&mut reader, bytes.len());
        // A text that is one quotation quotes nothing: its marks are those of a string.
        if self.tokens.iter().all(|token| token.flags & (QUOTED | CODE) != 0) {
            self.tokens.iter_mut().for_each(|token| token.flags &= !(QUOTED | CODE));
        }
        self.sentences = reader.sentence + 1;
        self.lines = self.line_starts.len() as u32;
        self.text = text;
        self.marks = marks;
    }

    /// Takes note of the next word.
    #[inline]
    fn word(&mut self, reader: &mut Reader<'_>, start: usize, end: usize, mut flags: u8) {
        if reader.special <= start {
            flags |= self.before_word(reader, start);
            reader.special = self.next_special(reader);
        }
        flags |= if reader.code { CODE } else { 0 };
        let (sentence, line) = (reader.sentence, reader.line as u32);
        self.tokens.push(Token { start: start as u32, end: end as u32, sentence, line, flags });
    }

    /// Takes note of what stands before the word at `start`; returns what is to be said of the word.
    #[inline(never)]
    fn before_word(&mut self, reader: &mut Reader<'_>, start: usize) -> u8 {
        self.signs(reader, start);
        self.begin_lines(reader, start as u32);
        while self.uppers.get(reader.upper).is_some_and(|&upper| (upper as usize) < start) {
            reader.upper += 1;
        }
        let mut flags = 0;
        flags |= if reader.fresh_sentence { SENTENCE_START } else { 0 };
        flags |= if reader.fresh_line { LINE_START } else { 0 };
        if self.uppers.get(reader.upper).is_some_and(|&upper| upper as usize == start) {
            self.capitals += 1;
            reader.upper += 1;
        }
        (reader.fresh_sentence, reader.fresh_line) = (false, false);
        flags
    }

    /// Where the next sign, line or upper-case word is.
    fn next_special(&self, reader: &Reader<'_>) -> usize {
        let place = |places: &[u32], n: usize| places.get(n).map_or(usize::MAX, |&place| place as usize);
        reader.sign.min(place(&self.line_starts, reader.line)).min(place(&self.uppers, reader.upper))
    }

    /// Lines that begin at `here` or before. An empty line ends a sentence.
    fn begin_lines(&self, reader: &mut Reader<'_>, here: u32) {
        let mut starts = 0;
        while self.line_starts.get(reader.line).is_some_and(|&start| start <= here) {
            reader.line += 1;
            starts += 1;
        }
        reader.fresh_line |= starts > 0;
        if starts > 1 && !reader.fresh_sentence {
            (reader.sentence, reader.fresh_sentence) = (reader.sentence + 1, true);
        }
    }

    /// Takes note of the signs before `end`.
    fn signs(&mut self, reader: &mut Reader<'_>, end: usize) {
        let bytes = reader.bytes;
        while reader.sign < end {
            let at = reader.sign;
            let Some(&byte) = bytes.get(at) else { return };
            self.signs_asked += 1;
            reader.sign = reader.marks.sign(at + 1);
            let here = at as u32;
            self.begin_lines(reader, here);
            let place = Place { at, line: reader.line as u32, token: self.tokens.len() };
            let next = bytes.get(at + 1).copied().unwrap_or(b' ');
            let before = at.checked_sub(1).and_then(|n| bytes.get(n)).copied().unwrap_or(b' ');
            match byte {
                // A sentence ends where a space, a quotation mark or a letter of a script without spaces follows.
                b'.' | b'!' | b'?' if !reader.fresh_sentence && !next.is_ascii_alphanumeric() => {
                    (reader.sentence, reader.fresh_sentence) = (reader.sentence + 1, true);
                }
                b'|' if !reader.fresh_sentence => {
                    (reader.sentence, reader.fresh_sentence) = (reader.sentence + 1, true);
                }
                b'`' => {
                    if bytes.get(at..at + 3) == Some(b"```") {
                        reader.code = !reader.code;
                        reader.sign = reader.marks.sign(at + 3);
                        continue;
                    }
                    let quoted = reader.quotes.see(Mark::Back, place, bytes, true);
                    self.flag(quoted, CODE);
                }
                b'"' => {
                    let mark =
                        if reader.is_escaped(&self.escaped, here) { Mark::Escaped } else { Mark::Double };
                    let quoted = reader.quotes.see(mark, place, bytes, true);
                    self.flag(quoted, QUOTED);
                }
                // An apostrophe is none of these two.
                b'\'' if !is_word(before) && is_word(next) => reader.quotes.open(Mark::Single, place, bytes),
                b'\'' if !is_word(next) => {
                    let quoted = reader.quotes.see(Mark::Single, place, bytes, false);
                    self.flag(quoted, QUOTED);
                }
                _ => {}
            }
        }
    }

    /// Flags the tokens that were quoted: all from the first of them on.
    fn flag(&mut self, quoted: Option<usize>, flag: u8) {
        if let Some(first) = quoted {
            self.tokens.iter_mut().skip(first).for_each(|token| token.flags |= flag);
        }
    }
}

/// Letters and digits; everything beyond ASCII counts as a letter, since punctuation was folded to ASCII.
pub(in crate::prompt) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Signs that mean something: the others part words, and lines that begin before them are counted at the next word.
fn is_sign(byte: u8) -> bool {
    matches!(byte, b'.' | b'!' | b'?' | b'|' | b'`' | b'"' | b'\'')
}

/// Whether what this byte leads may stand alone.
pub(in crate::prompt) const fn leads_alone(byte: u8) -> bool {
    matches!(byte, 0xE0 | 0xE3..=0xE9)
}

/// Ideographs and kana (E3 to E9 lead their three bytes) stand alone; Hangul, which has spaces, does not. Thai and its
/// neighbours have no spaces either.
fn stands_alone(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(0xE0) => bytes.get(at + 1).is_some_and(|&next| next >= 0xB8),
        Some(byte) => (0xE3..=0xE9).contains(byte),
        None => false,
    }
}

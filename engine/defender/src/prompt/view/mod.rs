//! A text as it means itself: lower case, without disguise, its words and lines found.
//!
//! A [`View`] is made of one window of text at a time, so its size is bounded by [`super::WINDOW_BYTES`]. It remembers
//! where every byte came from: evidence is reported in bytes of the original.

mod escape;
mod fold;
mod invisible;
mod mask;
mod quote;
mod run;
mod spaced;
mod token;

pub(super) use escape::has_escapes;
pub(super) use fold::Folder;
#[cfg(test)]
pub(super) use run::is_coded;
pub(super) use token::{CODE, DENSE, LINE_START, QUOTED, SENTENCE_START, Token};
pub(super) use token::{is_word, leads_alone};

use crate::Span;
use fold::Folded;
use invisible::Invisible;
use run::{IDEOGRAPH_BYTES, Plain};
use spaced::Singles;
use token::Marks;

/// What was stripped or undone on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Disguise {
    /// Characters without width.
    pub(super) zero_width: u32,
    /// Changes of direction.
    pub(super) direction: u32,
    /// Tag characters outside of flags.
    pub(super) tags: u32,
    /// Variation selectors that follow another.
    pub(super) selectors: u32,
    /// Escaped letters and digits: those that no format asks to be escaped.
    pub(super) escapes: u32,
    /// Letters that were joined to words.
    pub(super) spaced: u32,
    /// Words that mix Latin with its look-alikes.
    pub(super) mixed: u32,
}

/// Where a part of the folded text came from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    /// Its first byte, which came from byte `to` of the original.
    from: u32,
    to: u32,
    /// The next came from so many bytes further on.
    step: u32,
}

/// The folded text of a window.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) disguise: Disguise,
    /// How many sentences and lines there are.
    pub(super) sentences: u32,
    pub(super) lines: u32,
    map: Vec<Origin>,
    /// How many characters of the original, beside white space, were read one by one.
    pub(super) singles_read: u32,
    /// How many signs were asked what they mean: ends of sentences, and quotation marks.
    pub(super) signs_asked: u32,
    /// How many words begin with three capitals.
    pub(super) capitals: u32,
    /// Where the original ends.
    end: u32,
    /// Where lines start in `text`.
    line_starts: Vec<u32>,
    /// Spaces of `text` that were wider than one, after a single letter.
    wide: Vec<u32>,
    /// Bytes of a run of variation selectors.
    carried: Vec<u8>,
    /// Upper-case words start here.
    uppers: Vec<u32>,
    /// Quotation marks that were escaped: those inside of others.
    escaped: Vec<u32>,
    /// Where the original is plain, and where the words and signs of `text` are.
    plain: Plain,
    marks: Marks,
    singles: Singles,
    spare: String,
    spare_map: Vec<Origin>,
}

impl View {
    /// Reads `text`, whose first byte is at `base` of the original.
    pub(super) fn read(&mut self, text: &str, base: u32, folder: &Folder) {
        self.clear();
        self.end = base + text.len() as u32;
        let mut plain = std::mem::take(&mut self.plain);
        plain.read(text.as_bytes());
        self.fold_all(text, base, folder, &plain);
        // All at once: words are short.
        self.text.make_ascii_lowercase();
        self.plain = plain;
        if self.mark() && self.join_letters() {
            self.mark();
        }
        self.tokenize();
    }

    fn fold_all(&mut self, text: &str, base: u32, folder: &Folder, plain: &Plain) {
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut last = Last::default();
        while let Some(&byte) = bytes.get(at) {
            let mut came_from = base + at as u32;
            if last.class == Class::Space {
                if byte.is_ascii_graphic()
                    && let Some(end) = plain.words_end(at)
                {
                    self.push_words(text, at, end, came_from, plain, &mut last);
                    at = end;
                    continue;
                }
                if byte == b' ' || byte == b'\n' {
                    at = self.pass_spaces(at, plain, &mut last);
                    continue;
                }
            } else if byte.is_ascii_punctuation()
                && let Some(end) = plain.word_end(at)
            {
                // A sign begins no word: the same is true of what stands behind it.
                self.push_words(text, at, end, came_from, plain, &mut last);
                at = end;
                continue;
            }
            self.singles_read += u32::from(byte > b' ');
            if byte.is_ascii() {
                match byte {
                    b'&' | b'\\' | b'%' => {
                        if let Some((c, len)) = escape::read(bytes.get(at..).unwrap_or_default()) {
                            self.disguise.escapes += u32::from(c.is_alphanumeric());
                            if c == '"' {
                                self.escaped.push(self.text.len() as u32);
                            }
                            self.push_char(c, came_from, folder, &mut last);
                            at += len;
                            continue;
                        }
                        self.push_ascii(byte, came_from, &mut last);
                    }
                    _ => {
                        self.push_ascii(byte, came_from, &mut last);
                        if last.class == Class::Latin {
                            at += 1 + self.push_small(text, at + 1, &mut last);
                            continue;
                        }
                    }
                }
                at += 1;
                continue;
            }
            if let len @ 1.. = run::ideographs(bytes.get(at..).unwrap_or_default()) {
                self.push_ideographs(text.get(at..at + len).unwrap_or_default(), came_from, &mut last);
                at += len;
                continue;
            }
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            came_from = base + at as u32;
            self.push_char(c, came_from, folder, &mut last);
            at += c.len_utf8();
        }
    }

    /// Becomes the view of what its original is in rot13, which was ASCII without escapes: all but the letters is the same.
    pub(super) fn turn(&mut self) {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        super::decode::turn(&mut bytes);
        // ASCII becomes ASCII.
        self.text = String::from_utf8(bytes).unwrap_or_default();
    }

    /// The part of the original that `start..end` of the folded text came from.
    pub(super) fn span(&self, start: u32, end: u32) -> Span {
        let from = self.origin(start);
        let to = self.origin(end.saturating_sub(1).max(start)) + 1;
        Span { start: from, end: to.max(from + 1) }
    }

    /// What the variation selectors carried, if they did.
    pub(super) fn carried(&self) -> &[u8] {
        &self.carried
    }

    /// Where spaces and line feeds are in the original, and what encodings are made of, a bit a byte, 64 of them a block.
    pub(super) fn encodings(&self) -> [&[u64]; 2] {
        self.plain.encodings()
    }

    fn origin(&self, folded: u32) -> u32 {
        self.origin_before(self.map.partition_point(|part| part.from <= folded), folded)
    }

    /// The same, where `after` is the number of the first entry of the map that is behind.
    fn origin_before(&self, after: usize, folded: u32) -> u32 {
        match after.checked_sub(1).and_then(|n| self.map.get(n)) {
            Some(&Origin { from, to, step }) => {
                // One character may be folded to many: its last byte comes before what the next came from.
                let next = self.map.get(after).map_or(self.end, |next| next.to);
                (to + (folded - from) * step).min(next.saturating_sub(1).max(to))
            }
            None => folded,
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.tokens.clear();
        self.map.clear();
        self.line_starts.clear();
        self.wide.clear();
        self.carried.clear();
        self.uppers.clear();
        self.escaped.clear();
        self.disguise = Disguise::default();
        self.capitals = 0;
        (self.singles_read, self.signs_asked) = (0, 0);
        self.line_starts.push(0);
    }

    #[inline]
    fn push_ascii(&mut self, byte: u8, came_from: u32, last: &mut Last) {
        let at = self.text.len() as u32;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => {
                if last.class != Class::Space {
                    self.note(at, came_from, last);
                    self.text.push(' ');
                } else {
                    self.note_wider(last);
                }
                if byte == b'\n' {
                    self.line_starts.push(self.text.len() as u32);
                }
                (last.class, last.uppers) = (Class::Space, 0);
            }
            _ => {
                self.note(at, came_from, last);
                // The mask tells the compiler that it is one byte.
                self.text.push(char::from(byte.to_ascii_lowercase() & 0x7F));
                let class = if byte.is_ascii_alphanumeric() { Class::Latin } else { Class::Other };
                if byte.is_ascii_uppercase() {
                    if last.class == Class::Latin {
                        last.uppers += 1;
                        if last.uppers == 3 {
                            self.uppers.push(last.word);
                        }
                    } else {
                        last.uppers = 1;
                    }
                } else {
                    last.uppers = if class == Class::Latin { 100 } else { 0 };
                }
                self.class(class, last, at);
            }
        }
    }

    /// Passes over the spaces and line feeds from `at` on, which stand behind another; returns where they end.
    fn pass_spaces(&mut self, at: usize, plain: &Plain, last: &mut Last) -> usize {
        self.note_wider(last);
        let end = plain.spaces_end(at);
        let here = self.text.len() as u32;
        plain.each_feed(at, end, |_| self.line_starts.push(here));
        last.uppers = 0;
        end
    }

    /// Letters that are spaced out have wider gaps between words.
    fn note_wider(&mut self, last: &Last) {
        let space = (self.text.len() as u32).saturating_sub(1);
        if last.single && self.wide.last() != Some(&space) {
            self.wide.push(space);
        }
    }

    /// The plain words in `from..to` of the text, each with a space or line feed behind it: most of most texts. Or one
    /// long word with none: a digest, or what is encoded.
    fn push_words(
        &mut self,
        text: &str,
        from: usize,
        to: usize,
        came_from: u32,
        plain: &Plain,
        last: &mut Last,
    ) {
        let at = self.text.len();
        self.note(at as u32, came_from, last);
        let words = text.get(from..to).unwrap_or_default();
        let bytes = words.as_bytes();
        let mut lines = from;
        plain.each_feed(from, to, |feed| {
            self.text.push_str(text.get(lines..feed).unwrap_or_default());
            self.text.push(' ');
            lines = feed + 1;
            self.line_starts.push(self.text.len() as u32);
        });
        self.text.push_str(text.get(lines..to).unwrap_or_default());
        plain.each_shout(from, to, |place| {
            let before = (place - from).checked_sub(1).and_then(|n| bytes.get(n));
            if before.is_none_or(|byte| !byte.is_ascii_alphanumeric()) {
                self.uppers.push((at + place - from) as u32);
            }
        });
        last.expected = came_from + bytes.len() as u32;
        // Of a word that may go on the capitals were looked for.
        (last.class, last.uppers) = match bytes.last() {
            Some(b' ' | b'\n') | None => (Class::Space, 0),
            Some(byte) if byte.is_ascii_alphanumeric() => (Class::Latin, 100),
            Some(_) => (Class::Other, 100),
        };
        let word = bytes.strip_suffix(b" ").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(bytes);
        last.single = match word {
            [.., before, letter] => letter.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric(),
            [letter] => letter.is_ascii_alphanumeric(),
            [] => false,
        };
    }

    /// The rest of a word, as far as it is small letters and digits: most of most texts. Returns its length.
    fn push_small(&mut self, text: &str, at: usize, last: &mut Last) -> usize {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let len = run::length(rest);
        if len > 0 {
            self.text.push_str(text.get(at..at + len).unwrap_or_default());
            last.expected += len as u32;
            last.uppers = 100;
            last.single = false;
        }
        len
    }

    /// Characters that stand for themselves, each a letter of three bytes.
    fn push_ideographs(&mut self, text: &str, came_from: u32, last: &mut Last) {
        let at = self.text.len() as u32;
        self.note(at, came_from, last);
        self.text.push_str(text);
        self.class(Class::Letter, last, at);
        last.single &= text.len() <= IDEOGRAPH_BYTES;
        last.expected = came_from + text.len() as u32;
        last.flag = false;
    }

    fn push_char(&mut self, c: char, came_from: u32, folder: &Folder, last: &mut Last) {
        if c.is_ascii() {
            if !c.is_ascii_control() || c == '\n' {
                self.push_ascii(c as u8, came_from, last);
            }
            return;
        }
        if let Some(kind) = invisible::classify(c) {
            self.invisible(kind, came_from, folder, last);
            return;
        }
        last.selector = false;
        let at = self.text.len() as u32;
        match folder.fold(c) {
            Some(Folded { text: folded, class, lookalike }) => {
                if folded == " " {
                    self.push_ascii(b' ', came_from, last);
                    return;
                }
                self.note_wide(at, came_from, last);
                self.text.push_str(folded);
                if lookalike && last.class == Class::Latin {
                    self.disguise.mixed += 1;
                }
                self.class(class, last, at);
            }
            None => {
                self.note_wide(at, came_from, last);
                self.text.push(c);
                last.flag = c == '\u{1F3F4}';
                self.class(if is_letter(c) { Class::Letter } else { Class::Other }, last, at);
                return;
            }
        }
        last.flag = false;
    }

    fn invisible(&mut self, kind: Invisible, came_from: u32, folder: &Folder, last: &mut Last) {
        match kind {
            Invisible::Nothing => self.disguise.zero_width += 1,
            Invisible::Direction => self.disguise.direction += 1,
            // Flags of countries are spelled in tags after a black flag.
            Invisible::Tag(_) if last.flag => {}
            Invisible::Tag(c) => {
                self.disguise.tags += 1;
                self.push_char(c, came_from, folder, last);
                // A tag takes four bytes where its letter takes one.
                last.expected = u32::MAX;
            }
            Invisible::Selector(byte) => {
                if last.selector {
                    self.disguise.selectors += 1;
                }
                last.selector = true;
                self.carried.push(byte);
            }
        }
    }

    /// Remembers where the next byte came from, if it is not right behind the last.
    fn note(&mut self, at: u32, came_from: u32, last: &mut Last) {
        if last.expected != came_from || at == 0 {
            self.map.push(Origin { from: at, to: came_from, step: 1 });
        }
        last.expected = came_from + 1;
        last.selector = false;
    }

    /// The same of a character whose folded form has another length.
    fn note_wide(&mut self, at: u32, came_from: u32, last: &mut Last) {
        self.map.push(Origin { from: at, to: came_from, step: 1 });
        last.expected = u32::MAX;
    }

    fn class(&mut self, class: Class, last: &mut Last, at: u32) {
        let was_word = matches!(last.class, Class::Latin | Class::Letter);
        let is_word = matches!(class, Class::Latin | Class::Letter);
        if is_word && !was_word {
            last.word = at;
        }
        last.single = is_word && !was_word;
        last.class = class;
    }
}

/// Ideographs, Hangul, and what the scripts of India and Thai are made of are letters; the others are looked up.
fn is_letter(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{E7F}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
        || c.is_alphabetic()
}

/// What came before, while reading.
#[derive(Default)]
struct Last {
    class: Class,
    /// The character before was a letter or digit on its own.
    single: bool,
    /// Where the word began.
    word: u32,
    uppers: u32,
    /// Where the next byte of the original would be, if nothing were left out.
    expected: u32,
    selector: bool,
    flag: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Class {
    #[default]
    Space,
    Latin,
    Letter,
    Other,
}

#[cfg(test)]
mod tests;

//! Words, sentences, lines, and what stands in quotation marks or code.

use super::spaced::{RUN_MIN, is_separator};
use super::{View, run};

/// The first word of a sentence.
pub(in crate::prompt) const SENTENCE_START: u8 = 1;
/// The first word of a line.
pub(in crate::prompt) const LINE_START: u8 = 2;
/// Between quotation marks.
pub(in crate::prompt) const QUOTED: u8 = 4;
/// In a code block or between backticks.
pub(in crate::prompt) const CODE: u8 = 8;
/// Three or more capitals.
pub(in crate::prompt) const UPPER: u8 = 16;
/// One character of a script that writes without spaces: several of them are a word.
pub(in crate::prompt) const DENSE: u8 = 32;

/// The longest text that counts as one quotation. Longer ones are whole documents between quotation marks.
const QUOTE_BYTES_MAX: u32 = 400;

/// One word; of scripts that write without spaces, one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prompt) struct Token {
    pub(in crate::prompt) start: u32,
    pub(in crate::prompt) end: u32,
    pub(in crate::prompt) sentence: u32,
    pub(in crate::prompt) line: u32,
    pub(in crate::prompt) flags: u8,
}

/// An open quotation: where, and the first token in it.
#[derive(Clone, Copy)]
struct Open {
    at: u32,
    token: usize,
    line: u32,
}

impl View {
    /// Finds the words of `text`. True if there are letters in a row that stand alone and belong together.
    pub(super) fn tokenize(&mut self) -> bool {
        // How many single letters, with one sign between, came last; and the most there were.
        let (mut alone, mut most, mut behind) = (0usize, 0usize, 0usize);
        let text = std::mem::take(&mut self.text);
        let bytes = text.as_bytes();
        let (mut at, mut line, mut upper) = (0, 0usize, 0usize);
        let (mut sentence, mut fresh_sentence, mut fresh_line) = (0u32, true, true);
        let mut open: [Option<Open>; 3] = [None; 3];
        let mut code = false;
        while let Some(&byte) = bytes.get(at) {
            if is_plain(byte) {
                at += 1;
                continue;
            }
            let here = at as u32;
            let mut starts = 0;
            while self.line_starts.get(line).is_some_and(|&start| start <= here) {
                line += 1;
                starts += 1;
            }
            if starts > 0 {
                fresh_line = true;
                if starts > 1 && !fresh_sentence {
                    (sentence, fresh_sentence) = (sentence + 1, true);
                }
            }
            if is_word(byte) {
                let end = word_end(bytes, at);
                if end - at == 1 {
                    let before = at.checked_sub(1).and_then(|n| bytes.get(n));
                    let parted = before.is_none_or(|&b| is_separator(b));
                    alone = if parted && at == behind + 1 { alone + 1 } else { 1 };
                    most = most.max(alone);
                } else {
                    alone = 0;
                }
                behind = end;
                while self.uppers.get(upper).is_some_and(|&u| u < here) {
                    upper += 1;
                }
                let mut flags = if code { CODE } else { 0 };
                flags |= if stands_alone(bytes, at) { DENSE } else { 0 };
                flags |= if fresh_sentence { SENTENCE_START } else { 0 };
                flags |= if fresh_line { LINE_START } else { 0 };
                flags |= if self.uppers.get(upper) == Some(&here) { UPPER } else { 0 };
                self.tokens.push(Token { start: here, end: end as u32, sentence, line: line as u32, flags });
                (fresh_sentence, fresh_line) = (false, false);
                at = end;
                continue;
            }
            let next = bytes.get(at + 1).copied().unwrap_or(b' ');
            let before = at.checked_sub(1).and_then(|n| bytes.get(n)).copied().unwrap_or(b' ');
            match byte {
                // A sentence ends where a space, a quotation mark or a letter of a script without spaces follows.
                b'.' | b'!' | b'?' if !fresh_sentence && !next.is_ascii_alphanumeric() => {
                    (sentence, fresh_sentence) = (sentence + 1, true);
                }
                b'|' if !fresh_sentence => (sentence, fresh_sentence) = (sentence + 1, true),
                b'`' => {
                    if bytes.get(at..at + 3) == Some(b"```") {
                        code = !code;
                        at += 3;
                        continue;
                    }
                    self.quote(&mut open[2], here, line as u32, true, CODE);
                }
                b'"' => self.quote(&mut open[0], here, line as u32, true, QUOTED),
                // An apostrophe is none of these two.
                b'\'' if !is_word(before) && is_word(next) => {
                    open[1] = Some(Open { at: here, token: self.tokens.len(), line: line as u32 });
                }
                b'\'' if !is_word(next) => self.quote(&mut open[1], here, line as u32, false, QUOTED),
                _ => {}
            }
            at += 1;
        }
        self.text = text;
        self.sentences = sentence + 1;
        self.lines = self.line_starts.len() as u32;
        most >= RUN_MIN
    }

    /// A quotation mark: the end of `open`, or else (if it `may_open`) a new beginning.
    fn quote(&mut self, open: &mut Option<Open>, at: u32, line: u32, may_open: bool, flag: u8) {
        match open.take() {
            Some(from) if from.line == line && at - from.at <= QUOTE_BYTES_MAX => {
                for token in self.tokens.iter_mut().skip(from.token) {
                    token.flags |= flag;
                }
            }
            _ if may_open => *open = Some(Open { at, token: self.tokens.len(), line }),
            _ => {}
        }
    }
}

/// Letters and digits; everything beyond ASCII counts as a letter, since punctuation was folded to ASCII.
pub(in crate::prompt) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Signs that part words and mean nothing more: lines that begin before them are counted at the next word.
fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 0x80 {
        let of = byte as u8;
        plain[byte] =
            !of.is_ascii_alphanumeric() && !matches!(of, b'.' | b'!' | b'?' | b'|' | b'`' | b'"' | b'\'');
        byte += 1;
    }
    plain
};

fn word_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let mut at = start + run::length(rest);
    while let Some(&byte) = bytes.get(at) {
        if stands_alone(bytes, at) {
            return if at == start { (at + 3).min(bytes.len()) } else { at };
        }
        if !is_word(byte) {
            break;
        }
        at += 1;
    }
    at
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

//! Texts inside of texts: what a part decodes to is judged like a text of its own.
//!
//! Being encoded is no offence. A decoding counts only if it reads as text, and then by what it says.

mod bits;
mod leet;
mod letters;

pub(super) use letters::{count, turn};

use super::view::has_escapes;
use crate::Span;

/// Encodings inside encodings are followed so far.
pub(super) const DEPTH_MAX: u8 = 3;
/// All decoded texts together are at most so many times the size of the window they came from.
const GROWTH_MAX: usize = 4;
/// At most so many decoded texts a window.
const TEXTS_MAX: usize = 24;

/// Decoded texts that wait to be judged; their buffers are kept.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    texts: Vec<String>,
    jobs: Vec<Job>,
    next: usize,
    /// What the text that was looked at last is in rot13, if that is read the same way, and its buffer.
    turned: Option<Turned>,
    spare: String,
    budget: usize,
    /// Bytes that were looked through for leet or Morse code.
    pub(super) probed: u32,
    bytes: Vec<u8>,
}

/// The rot13 of a text in which all words and signs are at the same places: its view has only to be turned.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) text: String,
    /// How many encodings it was in, and what part of the original it was.
    pub(super) depth: u8,
    pub(super) span: Span,
}

/// One decoded text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Which of the buffers.
    text: usize,
    /// How many encodings it was in.
    pub(super) depth: u8,
    /// What part of the original it was.
    pub(super) span: Span,
}

/// A text in which others may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    /// Where its spaces and line feeds are, a bit a byte, 64 of them a block.
    pub(super) spaces: &'a [u64],
    /// And what encodings are made of: digits of all kinds, and commas.
    pub(super) coded: &'a [u64],
    /// Where in the original it begins; or (`within`) what part of the original it is somewhere in.
    pub(super) base: u32,
    pub(super) within: Option<Span>,
    /// How many encodings it was in.
    pub(super) depth: u8,
}

/// What the words of a text say about its encoding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints {
    pub(super) rot13: u32,
    pub(super) reversed: u32,
    pub(super) english: u32,
}

impl Decoded {
    /// Forgets all texts; a window of `bytes` bytes is next.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.jobs.clear();
        self.next = 0;
        self.turned = None;
        self.budget = bytes * GROWTH_MAX;
    }

    /// Takes the next text to judge. Give it back with [`Self::give_back`].
    pub(super) fn take(&mut self) -> Option<(Job, String)> {
        let job = *self.jobs.get(self.next)?;
        self.next += 1;
        Some((job, self.texts.get_mut(job.text).map(std::mem::take).unwrap_or_default()))
    }

    pub(super) fn give_back(&mut self, job: Job, text: String) {
        if let Some(place) = self.texts.get_mut(job.text) {
            *place = text;
        }
    }

    /// Takes what the text that was looked at last is in rot13. Give its buffer back with [`Self::keep`].
    pub(super) fn take_turned(&mut self) -> Option<Turned> {
        self.turned.take()
    }

    pub(super) fn keep(&mut self, text: String) {
        self.spare = text;
    }

    /// Decodes what can be decoded of a text. `carried` are bytes hidden in variation selectors.
    pub(super) fn find(&mut self, source: Source<'_>, hints: Hints, carried: &[u8]) {
        let Source { text, spaces, coded, base, within, depth } = source;
        if depth >= DEPTH_MAX {
            return;
        }
        let whole = within.unwrap_or(Span { start: base, end: base + text.len() as u32 });
        let mut bytes = std::mem::take(&mut self.bytes);
        bits::runs(text.as_bytes(), [spaces, coded], &mut bytes, |start, end, decoded| {
            let span = within.unwrap_or(Span { start: base + start as u32, end: base + end as u32 });
            self.add(decoded, depth + 1, span);
        });
        self.add(carried, depth + 1, whole);
        if hints.rot13 >= 2 && hints.rot13 > hints.english {
            letters::rot13(text, &mut bytes);
            match text.is_ascii() && !has_escapes(text.as_bytes()) && !has_escapes(&bytes) {
                true => self.turn(&bytes, depth + 1, whole),
                false => self.add(&bytes, depth + 1, whole),
            }
        }
        if hints.reversed >= 2 && hints.reversed > hints.english {
            letters::reversed(text, &mut bytes);
            self.add(&bytes, depth + 1, whole);
        }
        if leet::is_leet(text.as_bytes(), &mut self.probed) {
            leet::unleet(text, &mut bytes);
            self.add(&bytes, depth + 1, whole);
        }
        if letters::morse(text, &mut bytes, &mut self.probed) {
            self.add(&bytes, depth + 1, whole);
        }
        self.bytes = bytes;
    }

    /// Keeps `bytes`, if they are text and there is room.
    fn add(&mut self, bytes: &[u8], depth: u8, span: Span) {
        let Some(text) = self.admitted(bytes) else { return };
        let slot = self.jobs.len();
        if self.texts.len() <= slot {
            self.texts.push(String::new());
        }
        if let Some(buffer) = self.texts.get_mut(slot) {
            buffer.clear();
            buffer.push_str(text);
            self.jobs.push(Job { text: slot, depth, span });
        }
    }

    /// The same of a text whose view is there already.
    fn turn(&mut self, bytes: &[u8], depth: u8, span: Span) {
        let Some(text) = self.admitted(bytes) else { return };
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        buffer.push_str(text);
        self.turned = Some(Turned { text: buffer, depth, span });
    }

    /// `bytes` as text, if they are one and there is room.
    fn admitted<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        if bytes.len() > self.budget || self.jobs.len() >= TEXTS_MAX || !reads_as_text(bytes) {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        self.budget -= bytes.len();
        Some(text)
    }
}

/// The shortest text that could be an instruction.
const TEXT_BYTES_MIN: usize = 10;

/// Letters and spaces, with some punctuation: what chance does not produce.
fn reads_as_text(bytes: &[u8]) -> bool {
    if bytes.len() < TEXT_BYTES_MIN || std::str::from_utf8(bytes).is_err() {
        return false;
    }
    let letters = count(bytes, |b| b.is_ascii_alphabetic() || b >= 0x80 || b == b' ');
    let control = count(bytes, |b| b.is_ascii_control() && !b.is_ascii_whitespace());
    control == 0 && letters * 4 >= bytes.len() * 3
}

#[cfg(test)]
mod tests;

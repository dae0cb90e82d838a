//! Runs of plain ASCII: what most of most texts is made of.

use super::escape;
use super::mask::{self, BLOCK, Places};

/// Where a text is plain, found once for the whole of it.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// What does not stand for itself, and white space behind white space.
    stops: Places,
    /// Spaces and line feeds.
    spaces: Places,
    feeds: Places,
    uppers: Places,
    /// What encodings are made of.
    coded: Places,
    /// Bytes of the text.
    len: usize,
}

impl Plain {
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let Self { stops, spaces, feeds, uppers, coded, .. } = self;
        for places in [stops, spaces, feeds, uppers, coded] {
            places.clear();
        }
        self.len = bytes.len();
        let (mut space_before, mut begun) = (0, 0);
        mask::each_block(bytes, 0, |block| {
            let (spaces, feeds) =
                (mask::bits(block, |byte| byte == b' '), mask::bits(block, |byte| byte == b'\n'));
            let mut others = mask::bits(block, |byte| !(0x20..0x7F).contains(&byte));
            let mut marks = mask::bits(block, |byte| byte == b'&' || byte == b'\\' || byte == b'%');
            // Most of them begin no escape. Of many the others are not asked about: they are read one by one.
            for _ in 0..MARKS_MAX {
                if marks == 0 {
                    break;
                }
                let place = marks.trailing_zeros();
                marks &= marks - 1;
                let at = begun + place as usize;
                let of = |at: usize| bytes.get(at).copied().unwrap_or(0);
                others |= u64::from(escape::may_begin(of(at), of(at + 1))) << place;
            }
            others |= marks;
            begun += BLOCK;
            let white = spaces | feeds;
            self.stops.push((others & !feeds) | (white & (white << 1 | space_before)));
            space_before = white >> (BLOCK - 1);
            self.spaces.push(white);
            self.feeds.push(feeds);
            self.uppers.push(mask::bits(block, |byte| byte.is_ascii_uppercase()));
            self.coded.push(mask::bits(block, is_coded));
        });
    }

    /// Where spaces and line feeds are, and what encodings are made of, a bit a byte, 64 of them a block.
    pub(super) fn encodings(&self) -> [&[u64]; 2] {
        [self.spaces.blocks(), self.coded.blocks()]
    }

    /// The end of the run of words from `start` on, which is no space: visible ASCII that begins no escape, with one
    /// space or line feed between words. Ends behind a space, or behind one long word that has none.
    pub(super) fn words_end(&self, start: usize) -> Option<usize> {
        let stop = self.stops.first(start).unwrap_or(self.len);
        match self.spaces.last(start, stop) {
            Some(space) => Some(space + 1),
            None => (stop - start >= LONG_WORD).then_some(stop),
        }
    }

    /// The end of the visible ASCII from `start` on that begins no escape and has no space in it, if that is long.
    pub(super) fn word_end(&self, start: usize) -> Option<usize> {
        let stop = self.stops.first_before(start, start + SIGNS_MAX).unwrap_or(start + SIGNS_MAX);
        let end = self.spaces.first_before(start, stop).unwrap_or(stop).min(self.len);
        (end >= start + SIGNS_MIN).then_some(end)
    }

    /// Where the spaces and line feeds from `start` on end.
    pub(super) fn spaces_end(&self, start: usize) -> usize {
        self.spaces.first_other(start).unwrap_or(self.len).min(self.len)
    }

    /// Calls `each` with every line feed of a part.
    pub(super) fn each_feed(&self, start: usize, end: usize, mut each: impl FnMut(usize)) {
        let mut from = start;
        while let Some(at) = self.feeds.first_before(from, end) {
            each(at);
            from = at + 1;
        }
    }

    /// Calls `each` with every place of a part where three capitals begin.
    pub(super) fn each_shout(&self, start: usize, end: usize, mut each: impl FnMut(usize)) {
        let blocks = self.uppers.blocks();
        for (n, &block) in blocks.iter().enumerate().take(end.div_ceil(BLOCK)).skip(start / BLOCK) {
            let next = blocks.get(n + 1).copied().unwrap_or(0);
            let mut three = block & (block >> 1 | next << (BLOCK - 1)) & (block >> 2 | next << (BLOCK - 2));
            while three != 0 {
                let at = n * BLOCK + three.trailing_zeros() as usize;
                three &= three - 1;
                if at >= start && at + 3 <= end {
                    each(at);
                }
            }
        }
    }
}

/// So many marks of escapes are looked at in a block.
const MARKS_MAX: usize = 6;

/// What stands behind a sign is looked for as far as this, and is worth it from so many bytes on.
const SIGNS_MAX: usize = 64;
const SIGNS_MIN: usize = 12;

/// A word of so many bytes is worth being looked for.
const LONG_WORD: usize = 64;

/// Digits of base64 and of what has fewer, and commas, which part groups of digits.
pub(in crate::prompt) fn is_coded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b',')
}

/// How many bytes at the start are `a` to `z` or `0` to `9`.
pub(super) fn length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()).count()
}

/// Bytes of an ideograph.
pub(super) const IDEOGRAPH_BYTES: usize = 3;

/// How many bytes at the start are ideographs: U+4E00 to U+9FFF, which stand for themselves.
pub(super) fn ideographs(bytes: &[u8]) -> usize {
    let is_one = |three: &&[u8]| matches!(three, [0xE4, 0xB8..=0xBF, _] | [0xE5..=0xE9, ..]);
    bytes.chunks_exact(IDEOGRAPH_BYTES).take_while(is_one).count() * IDEOGRAPH_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_behind_their_last_space() {
        for (text, expect) in [
            ("so it is", Some(6)),
            ("so  it is", Some(3)),
            ("one", None),
            ("", None),
            ("50 &#105; ", Some(3)),
            ("a caf\u{e9} b ", Some(2)),
            ("a b\nc d ", Some(8)),
            ("a b\n\nc d ", Some(4)),
            ("a b\n c d ", Some(4)),
            ("a\tb c", None),
            (&"x".repeat(LONG_WORD), Some(LONG_WORD)),
            (&format!("{} ", "x".repeat(LONG_WORD)), Some(LONG_WORD + 1)),
            (&"x".repeat(LONG_WORD - 1), None),
        ] {
            let mut plain = Plain::default();
            for filler in 0..70 {
                let text = format!("{}{text}", "x".repeat(filler));
                plain.read(text.as_bytes());
                let end = plain.words_end(filler);
                assert_eq!(end.map(|end| end - filler), expect, "{text:?}");
            }
        }
    }

    #[test]
    fn ideographs_in_a_row() {
        for (text, expect) in [
            ("", 0),
            ("a忽", 0),
            ("忽略", 6),
            ("一a", 3),
            ("\u{4dff}一", 0),
            ("\u{9fff}\u{a000}", 3),
            ("忽、", 3),
            ("가", 0),
        ] {
            assert_eq!(ideographs(text.as_bytes()), expect, "{text:?}");
        }
    }

    #[test]
    fn three_capitals_in_a_row() {
        let mut plain = Plain::default();
        for filler in 0..70 {
            let text = format!("{}AB ABC ABCDe", ".".repeat(filler));
            plain.read(text.as_bytes());
            let mut found = Vec::new();
            plain.each_shout(filler, text.len(), |at| found.push(at - filler));
            assert_eq!(found, [3, 7, 8], "{text:?}");
            found.clear();
            plain.each_shout(filler + 4, text.len() - 2, |at| found.push(at - filler));
            assert_eq!(found, [7], "{text:?}");
        }
    }
}

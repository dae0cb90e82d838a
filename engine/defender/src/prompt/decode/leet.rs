//! Digits and signs that stand for letters: `1gn0r3 @ll`.
//!
//! Code, listings and tables are full of numbered names, registers, digests and units, so a text is read as leet only if
//! in a good part of its words digits stand among letters.

use super::letters::{COUNTED_AT_ONCE, count};

/// Of so many characters at least one is a digit.
const DIGITS: usize = 20;
/// A word has one pair of a letter and a digit or more, and four of ten words have one.
const SIDES: usize = 40;
/// At least one of two such words has the letter behind the digit.
const INSIDE: usize = 80;
/// A longer word is a name, or of another encoding.
const WORD_MAX: u32 = 32;

/// Whether digits stand for letters in a good part of the words. Adds to `probed` how many bytes had to be looked at.
pub(super) fn is_leet(text: &[u8], probed: &mut u32) -> bool {
    // Most texts have hardly any digits, and fewer beside letters; counting them is quick.
    if count(text, |b| b.is_ascii_digit()) * DIGITS < text.len() || !has_mixed(text) {
        return false;
    }
    let (mut all, mut word, mut part) = (Counts::default(), Word::default(), Part::default());
    let mut rest = text;
    loop {
        let (byte, behind) = rest.split_first().map_or((b' ', rest), |(&byte, behind)| (byte, behind));
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(0);
        word.len += 1;
        let is_last = rest.is_empty();
        rest = behind;
        if kind & END == 0 {
            part.see(byte, kind);
            if word.len > WORD_MAX {
                // Nothing of it counts.
                let end = memchr::memchr3(b' ', b'\n', b'\t', rest).unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or_default();
            }
            continue;
        }
        word.counts.add(&part);
        part = Part::default();
        word.is_name |= byte == b'_';
        if kind & SPACE != 0 {
            *probed += word.len;
            all.add_word(&word);
            word = Word::default();
        }
        if is_last {
            break;
        }
    }
    // Of leet fewer words end with a digit than have one inside.
    let leet = all.mixed + all.ended.min(all.mixed);
    leet >= 3 && leet * 5 >= (all.mixed + all.ended + all.plain + all.other) * 2 && leet > all.plain
}

/// The letters that digits and signs stand for.
pub(super) fn unleet(text: &str, out: &mut Vec<u8>) {
    out.clear();
    out.extend(text.bytes().map(|byte| letter(byte).unwrap_or(byte)));
}

const fn letter(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0' => b'o',
        b'1' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        b'9' => b'g',
        _ => return None,
    })
}

/// Whether letters that hex does not have and digits are side by side as often as they must be in leet, and letters behind
/// what stands for one.
fn has_mixed(text: &[u8]) -> bool {
    let is_no_hex = |byte: u8| (byte | 0x20).wrapping_sub(b'g') < 20;
    let is_letter = |byte: u8| (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = |byte: u8| (byte.wrapping_sub(b'0') < 10) | (byte == b'@') | (byte == b'$');
    let sides = pairs(text, |one, two| is_no_hex(one) & is_digit(two) | is_digit(one) & is_no_hex(two));
    sides * SIDES >= text.len()
        && pairs(text, |one, two| is_digit(one) & is_letter(two)) * INSIDE >= text.len()
}

/// How many bytes stand before one to which `is` applies. Counted in bytes, so that the compiler looks at many at once.
fn pairs(text: &[u8], is: impl Fn(u8, u8) -> bool) -> usize {
    let next = text.get(1..).unwrap_or_default();
    let parts = text.chunks(COUNTED_AT_ONCE).zip(next.chunks(COUNTED_AT_ONCE));
    parts
        .map(|(one, two)| {
            usize::from(one.iter().zip(two).map(|(&one, &two)| u8::from(is(one, two))).sum::<u8>())
        })
        .sum()
}

/// Letters; those that hex does not have; what stands for letters; letters and digits; what parts words, and white space.
const LETTER: u8 = 1;
const NO_HEX: u8 = 2;
const STANDS_FOR: u8 = 4;
const BEGINS: u8 = 8;
const END: u8 = 16;
const SPACE: u8 = 32;

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let of = byte as u8;
        if of.is_ascii_alphabetic() {
            kinds[byte] |= if of.is_ascii_hexdigit() { LETTER } else { LETTER | NO_HEX };
        }
        if letter(of).is_some() {
            kinds[byte] |= STANDS_FOR;
        }
        if of.is_ascii_alphanumeric() {
            kinds[byte] |= BEGINS;
        }
        if of.is_ascii_whitespace() {
            kinds[byte] |= END | SPACE;
        } else if of.is_ascii_punctuation() && letter(of).is_none() && of != b'\'' {
            kinds[byte] |= END;
        }
        byte += 1;
    }
    kinds
};

/// What stands between two marks or spaces.
#[derive(Default)]
struct Part {
    len: u32,
    letters: u32,
    digits: u32,
    /// Of all its characters, and of the last one.
    kinds: u8,
    last: u8,
    /// A letter stands behind what stands for one, which is no sign at its beginning: `$x` is a name.
    inside: u8,
    /// Its first two bytes.
    first: u16,
}

impl Part {
    /// Without a branch: characters are of all kinds.
    #[inline]
    fn see(&mut self, byte: u8, kind: u8) {
        self.first = if self.len < 2 { self.first << 8 | u16::from(byte) } else { self.first };
        self.len += 1;
        self.inside |= (self.kinds / BEGINS) & (self.last / STANDS_FOR) & kind & LETTER;
        self.letters += u32::from(kind & LETTER);
        self.digits += u32::from((kind / STANDS_FOR) & 1);
        self.kinds |= kind;
        self.last = kind;
    }
}

/// How many words are of which kind.
#[derive(Default)]
struct Counts {
    /// Digits stand among its letters.
    mixed: u32,
    /// A digit stands at its end: `th3`, but also `x3`.
    ended: u32,
    /// A longer word of letters.
    plain: u32,
    other: u32,
}

/// A word between spaces, whose parts are counted.
#[derive(Default)]
struct Word {
    counts: Counts,
    len: u32,
    /// Parted by underscores.
    is_name: bool,
}

impl Counts {
    /// Without a branch, like all of it.
    #[inline]
    fn add(&mut self, part: &Part) {
        // One letter and a number are a unit or an axis.
        let is_word = part.letters > 1;
        let has_digits = is_word & (part.digits > 0);
        // Dumps and disassembly are full of hex.
        let is_hex = (part.kinds & NO_HEX == 0) | (part.first == u16::from_be_bytes(*b"0x"));
        let mixed = u32::from(has_digits & !is_hex & (part.inside != 0));
        let ended = u32::from(has_digits & !is_hex & (part.inside == 0));
        let plain = u32::from((part.letters > 3) & (part.digits == 0));
        self.mixed += mixed;
        self.ended += ended;
        self.plain += plain;
        self.other += u32::from(is_word) - mixed - ended - plain;
    }

    #[inline]
    fn add_word(&mut self, word: &Word) {
        let counts = &word.counts;
        // The space behind it belongs to it.
        let is_short = u32::from(word.len <= WORD_MAX + 1);
        let is_read = is_short * u32::from(!word.is_name);
        self.mixed += is_read * counts.mixed;
        self.ended += is_read * counts.ended;
        self.plain += is_read * counts.plain;
        self.other += is_read * counts.other + is_short * u32::from(word.is_name);
    }
}

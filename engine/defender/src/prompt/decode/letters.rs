//! Letters that stand for other letters.

/// Each letter for the one thirteen places on.
pub(super) fn rot13(text: &str, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(text.as_bytes());
    turn(out);
}

/// The same in place.
pub(in crate::prompt) fn turn(text: &mut [u8]) {
    // Without a branch, so that the compiler turns many at once.
    for byte in text {
        let lower = *byte | 0x20;
        let by = if lower < b'n' { 13 } else { 0u8.wrapping_sub(13) };
        *byte = byte.wrapping_add(if lower.wrapping_sub(b'a') < 26 { by } else { 0 });
    }
}

/// The last character first.
pub(super) fn reversed(text: &str, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(text.as_bytes());
    out.reverse();
    // Of characters of several bytes the last byte is the first now: turned back, each up to its lead.
    if !text.is_ascii() {
        out.split_inclusive_mut(|byte| !(0x80..0xC0).contains(byte)).for_each(<[u8]>::reverse);
    }
}

/// Whether digits stand for letters in a good part of the words.
pub(super) fn is_leet(text: &[u8]) -> bool {
    // Most texts have hardly any digits, and fewer beside letters; counting them is quick.
    if count(text, |b| b.is_ascii_digit()) * LEET_DIGITS < text.len() || !has_mixed(text) {
        return false;
    }
    let (mut mixed, mut ended, mut plain, mut other) = (0u32, 0u32, 0u32, 0u32);
    for word in text.split(|b| b.is_ascii_whitespace()) {
        // Digits of another encoding, and names.
        if word.len() > LEET_WORD_MAX {
            continue;
        }
        if word.contains(&b'_') {
            other += 1;
            continue;
        }
        for part in word.split(|&b| b.is_ascii_punctuation() && letter(b).is_none() && b != b'\'') {
            match leet_word(part) {
                Leet::Mixed => mixed += 1,
                Leet::Ended => ended += 1,
                Leet::Plain => plain += 1,
                Leet::Other => other += 1,
                Leet::None => {}
            }
        }
    }
    // Of leet fewer words end with a digit than have one inside; code is full of numbered names.
    let leet = mixed + ended.min(mixed);
    leet >= 3 && leet * 5 >= (mixed + ended + plain + other) * 2 && leet > plain
}

/// What a word says about its text being leet.
enum Leet {
    /// Digits stand among its letters.
    Mixed,
    /// A digit stands at its end: `th3`, but also `x3`.
    Ended,
    /// A longer word of letters.
    Plain,
    /// Another word.
    Other,
    /// None of more than one letter or digit.
    None,
}

fn leet_word(word: &[u8]) -> Leet {
    let (mut letters, mut digits, mut kinds, mut inside) = (0u32, 0u32, 0, false);
    // A name behind its sign is no leet: only what stands behind a letter or digit is asked about.
    let (mut before, mut begun) = (0, false);
    for &byte in word {
        let kind = LEET_KINDS.get(usize::from(byte)).copied().unwrap_or(0);
        letters += u32::from(kind & LETTER != 0);
        digits += u32::from(kind & STANDS_FOR != 0);
        inside |= begun && before & STANDS_FOR != 0 && kind & LETTER != 0;
        kinds |= kind;
        (before, begun) = (kind, begun | byte.is_ascii_alphanumeric());
    }
    match (letters, digits) {
        (4.., 0) => Leet::Plain,
        (2.., 0) => Leet::Other,
        // Numbers with a unit or an axis.
        (0 | 1, _) => Leet::None,
        // Hex: dumps and disassembly are full of it.
        _ if kinds & NO_HEX == 0 || word.starts_with(b"0x") => Leet::Other,
        _ if inside => Leet::Mixed,
        _ => Leet::Ended,
    }
}

/// A letter, one that hex does not have, and what stands for a letter.
const LETTER: u8 = 1;
const NO_HEX: u8 = 2;
const STANDS_FOR: u8 = 4;

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const LEET_KINDS: [u8; 256] = {
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
        byte += 1;
    }
    kinds
};

/// Whether letters and what stands for them are side by side as often as they must be in leet.
fn has_mixed(text: &[u8]) -> bool {
    let next = text.get(1..).unwrap_or_default();
    // Other letters than those of hex.
    let is_letter = |byte: u8| (byte | 0x20).wrapping_sub(b'g') < 20;
    let is_digit = |byte: u8| byte.wrapping_sub(b'0') < 10 || byte == b'@' || byte == b'$';
    let sides = text.chunks(COUNTED_AT_ONCE).zip(next.chunks(COUNTED_AT_ONCE)).map(|(text, next)| {
        let mixed = |(&one, &two): (&u8, &u8)| {
            u8::from(is_letter(one) & is_digit(two) | is_digit(one) & is_letter(two))
        };
        usize::from(text.iter().zip(next).map(mixed).sum::<u8>())
    });
    sides.sum::<usize>() * LEET_SIDES >= text.len()
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

/// Letters, and then digits, of Morse code.
const MORSE: [(&[u8], u8); 36] = [
    (b".-", b'a'),
    (b"-...", b'b'),
    (b"-.-.", b'c'),
    (b"-..", b'd'),
    (b".", b'e'),
    (b"..-.", b'f'),
    (b"--.", b'g'),
    (b"....", b'h'),
    (b"..", b'i'),
    (b".---", b'j'),
    (b"-.-", b'k'),
    (b".-..", b'l'),
    (b"--", b'm'),
    (b"-.", b'n'),
    (b"---", b'o'),
    (b".--.", b'p'),
    (b"--.-", b'q'),
    (b".-.", b'r'),
    (b"...", b's'),
    (b"-", b't'),
    (b"..-", b'u'),
    (b"...-", b'v'),
    (b".--", b'w'),
    (b"-..-", b'x'),
    (b"-.--", b'y'),
    (b"--..", b'z'),
    (b"-----", b'0'),
    (b".----", b'1'),
    (b"..---", b'2'),
    (b"...--", b'3'),
    (b"....-", b'4'),
    (b".....", b'5'),
    (b"-....", b'6'),
    (b"--...", b'7'),
    (b"---..", b'8'),
    (b"----.", b'9'),
];

/// Reads the Morse code in a text; false if there is none worth reading.
pub(super) fn morse(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    if count(text.as_bytes(), |b| b == b'.' || b == b'-') * MORSE_SIGNS < text.len() {
        return false;
    }
    let mut letters = 0;
    for group in text.as_bytes().split(|b| !matches!(b, b'.' | b'-' | b'/' | b'|')) {
        match group {
            b"" => {}
            b"/" | b"|" | b"//" => out.push(b' '),
            _ => match morse_code(group).and_then(|code| MORSE_LETTERS.get(code).copied()) {
                // A full stop is no letter E.
                Some(letter) if letter > 0 && (group.len() > 1 || letters > 0) => {
                    out.push(letter);
                    letters += 1;
                }
                _ => {}
            },
        }
    }
    letters >= 8
}

/// The place of a group of dots and dashes among [`MORSE_LETTERS`]: a bit each, behind a first one that tells their number.
const fn morse_code(mut group: &[u8]) -> Option<usize> {
    let mut code = 1;
    while let [sign, rest @ ..] = group {
        code = match sign {
            b'.' if code < MORSE_PLACES => code << 1,
            b'-' if code < MORSE_PLACES => code << 1 | 1,
            _ => return None,
        };
        group = rest;
    }
    Some(code)
}

/// Of the longest, five signs, and one more.
const MORSE_PLACES: usize = 64;

/// What the groups stand for; most for nothing.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const MORSE_LETTERS: [u8; MORSE_PLACES] = {
    let mut letters = [0; MORSE_PLACES];
    let mut n = 0;
    while n < MORSE.len() {
        if let Some(code) = morse_code(MORSE[n].0) {
            letters[code] = MORSE[n].1;
        }
        n += 1;
    }
    letters
};

/// Of so many characters of leet at least one is a digit, and of Morse code one a dot or dash.
const LEET_DIGITS: usize = 20;
/// A word of leet has one such pair or more, and four of ten words are such.
const LEET_SIDES: usize = 40;
/// The longest word that is read as leet.
const LEET_WORD_MAX: usize = 32;
const MORSE_SIGNS: usize = 8;

/// Bytes whose count is a byte itself: whole vectors of them.
const COUNTED_AT_ONCE: usize = 240;

/// How many bytes are such. Counted in bytes, so that the compiler looks at many at once.
pub(in crate::prompt) fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let part = |part: &[u8]| usize::from(part.iter().fold(0u8, |count, &byte| count + u8::from(is(byte))));
    text.chunks(COUNTED_AT_ONCE).map(part).sum()
}

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

/// Reads the Morse code in a text; false if there is none worth reading. Adds to `probed` how many bytes had to be looked at.
pub(super) fn morse(text: &str, out: &mut Vec<u8>, probed: &mut u32) -> bool {
    out.clear();
    if count(text.as_bytes(), |b| b == b'.' || b == b'-') * MORSE_SIGNS < text.len() {
        return false;
    }
    *probed += text.len() as u32;
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

/// Of so many characters of Morse code at least one is a dot or dash.
const MORSE_SIGNS: usize = 8;

/// Bytes whose count is a byte itself: whole vectors of them.
pub(super) const COUNTED_AT_ONCE: usize = 240;

/// How many bytes are such. Counted in bytes, so that the compiler looks at many at once.
pub(in crate::prompt) fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let part = |part: &[u8]| usize::from(part.iter().fold(0u8, |count, &byte| count + u8::from(is(byte))));
    text.chunks(COUNTED_AT_ONCE).map(part).sum()
}

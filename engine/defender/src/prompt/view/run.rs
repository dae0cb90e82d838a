//! Runs of small letters and digits: what most of most texts is made of.
//!
//! Eight bytes are looked at together. Words are short and of all lengths: a loop that looks at one byte at a time ends
//! each time where the processor did not expect it.

/// A byte in each of eight places.
const fn eight(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

const HIGH: u64 = eight(0x80);

/// How many bytes at the start are `a` to `z` or `0` to `9`.
pub(super) fn length(bytes: &[u8]) -> usize {
    let mut len = 0;
    while let Some(part) = bytes.get(len..).and_then(|rest| rest.first_chunk::<8>()) {
        let part = u64::from_le_bytes(*part);
        // The high bit of each sum says whether its byte is at least `from`: the bytes are below 0x80, so none carries.
        let at_least = |from: u8| (part & !HIGH) + eight(0x80 - from);
        let letters = at_least(b'a') & !at_least(b'z' + 1);
        let digits = at_least(b'0') & !at_least(b'9' + 1);
        let others = !((letters | digits) & !part) & HIGH;
        if others != 0 {
            return len + (others.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let rest = bytes.get(len..).unwrap_or_default();
    len + rest.iter().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count()
}

/// How many bytes at the start are ASCII that stands for itself, with one space between words; ends behind a space.
pub(super) fn words(bytes: &[u8]) -> usize {
    let (mut end, mut before) = (0, b' ');
    for (at, &byte) in bytes.iter().enumerate() {
        let space = byte == b' ';
        if !is_itself(byte) || space && before == b' ' {
            break;
        }
        end = if space { at + 1 } else { end };
        before = byte;
    }
    end
}

/// Visible ASCII and the space, but for what begins an escape.
fn is_itself(byte: u8) -> bool {
    ITSELF.get(usize::from(byte)).copied().unwrap_or(false)
}

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const ITSELF: [bool; 256] = {
    let mut itself = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7F {
        itself[byte] = !matches!(byte as u8, b'&' | b'\\' | b'%');
        byte += 1;
    }
    itself
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_behind_their_last_space() {
        for (text, expect) in [
            ("so it is", 6),
            ("so  it is", 3),
            ("one", 0),
            ("", 0),
            (" a b", 0),
            ("50 &#105; ", 3),
            ("a caf\u{e9} b ", 2),
            ("a b\nc d ", 2),
        ] {
            assert_eq!(words(text.as_bytes()), expect, "{text:?}");
        }
    }

    #[test]
    fn the_same_as_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut text = *b"abcxyz0189aaaaaazzzz";
                text[at] = byte;
                let expect = text.iter().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
                assert_eq!(length(&text), expect, "{byte} at {at}");
            }
        }
    }
}

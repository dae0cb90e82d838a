//! Characters written as something else: `&#105;`, `\u0069`, `%69`.

/// Reads one escape at the start of `text`: the character and how many bytes it was written in.
pub(super) fn read(text: &[u8]) -> Option<(char, usize)> {
    match text.first()? {
        b'&' => entity(text),
        b'\\' => backslash(text),
        b'%' => percent(text),
        _ => None,
    }
}

/// Whether an escape may begin with these two bytes; one is read only where it may. Without a branch: they are of all kinds.
#[inline]
pub(super) fn may_begin(mark: u8, next: u8) -> bool {
    let of = |kinds: &[u8; 256], byte: u8| kinds.get(usize::from(byte)).copied().unwrap_or(0);
    of(&FIRST, mark) & of(&SECOND, next) != 0
}

const ENTITY: u8 = 1;
const BACKSLASH: u8 = 2;
const PERCENT: u8 = 4;

/// Of each byte: the kind of escapes that it begins.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const FIRST: [u8; 256] = {
    let mut kinds = [0; 256];
    kinds[b'&' as usize] = ENTITY;
    kinds[b'\\' as usize] = BACKSLASH;
    kinds[b'%' as usize] = PERCENT;
    kinds
};
/// Of each byte: the kinds that may have it behind their mark.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const SECOND: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let of = byte as u8;
        if of.is_ascii_lowercase() || of == b'#' {
            kinds[byte] |= ENTITY;
        }
        if matches!(of, b'n' | b'r' | b't' | b'"' | b'x' | b'u') {
            kinds[byte] |= BACKSLASH;
        }
        if of.is_ascii_hexdigit() {
            kinds[byte] |= PERCENT;
        }
        byte += 1;
    }
    kinds
};

/// Whether anything in `text` reads as an escape.
pub(in crate::prompt) fn has_escapes(text: &[u8]) -> bool {
    memchr::memchr3_iter(b'&', b'\\', b'%', text).any(|at| read(text.get(at..).unwrap_or_default()).is_some())
}

fn entity(text: &[u8]) -> Option<(char, usize)> {
    // The longest that is read: `&#x10FFFF;`.
    let end = text.iter().take(12).position(|&b| b == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => ' ',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((c, end + 1))
}

fn backslash(text: &[u8]) -> Option<(char, usize)> {
    match text.get(1)? {
        b'n' => Some(('\n', 2)),
        b'r' | b't' => Some((' ', 2)),
        b'"' => Some(('"', 2)),
        b'x' => Some((char::from_u32(number(text.get(2..4)?, 16)?)?, 4)),
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(12).position(|&b| b == b'}')?;
            Some((char::from_u32(number(text.get(3..end)?, 16)?)?, end + 1))
        }
        b'u' => {
            let first = number(text.get(2..6)?, 16)?;
            if !(0xD800..0xDC00).contains(&first) {
                return Some((char::from_u32(first)?, 6));
            }
            let low = text.get(6..8).filter(|&s| s == b"\\u").and_then(|_| number(text.get(8..12)?, 16))?;
            let low = low.checked_sub(0xDC00).filter(|&low| low < 0x400)?;
            Some((char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + low)?, 12))
        }
        _ => None,
    }
}

fn percent(text: &[u8]) -> Option<(char, usize)> {
    let first = percent_byte(text)?;
    let len = match first {
        0x20..=0x7E | b'\n' => return Some((char::from(first), 3)),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    for (n, byte) in bytes.iter_mut().take(len).enumerate() {
        *byte = percent_byte(text.get(n * 3..)?)?;
    }
    let c = std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next()?;
    Some((c, len * 3))
}

fn percent_byte(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', digits @ ..] => u8::try_from(number(digits.get(..2)?, 16)?).ok(),
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() || digits.len() > 7 {
        return None;
    }
    digits.iter().try_fold(0u32, |value, &b| Some(value * radix + char::from(b).to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(char, usize)>) {
        assert_eq!(read(text.as_bytes()), expect, "{text}");
        let may_begin = matches!(text.as_bytes(), &[mark, next, ..] if may_begin(mark, next));
        assert!(expect.is_none() || may_begin, "{text}");
    }

    #[test]
    fn escapes_of_each_kind() {
        check("&#105;gnore", Some(('i', 6)));
        check("&#x69;", Some(('i', 6)));
        check("&lt;b>", Some(('<', 4)));
        check("\\u0069", Some(('i', 6)));
        check("\\u{1F600}", Some(('😀', 9)));
        check("\\ud83d\\ude00", Some(('😀', 12)));
        check("\\x69", Some(('i', 4)));
        check("%69", Some(('i', 3)));
        check("%C3%A9", Some(('é', 6)));
    }

    #[test]
    fn most_marks_begin_none() {
        for text in [b"& ", b"&&", b"\\d", b"\\\\", b"%s", b"% ", b"a6"] {
            let &[mark, next] = text;
            assert!(!may_begin(mark, next), "{text:?}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "&",
            "&#;",
            "&#xFFFFFFFF;",
            "&nosuch;",
            "\\",
            "\\u12",
            "\\ud83d\\u0041",
            "%",
            "%zz",
            "%C3%28",
            "%00",
            "",
        ] {
            check(text, None);
        }
    }
}

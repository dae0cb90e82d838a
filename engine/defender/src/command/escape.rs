//! Backslash escapes of `$'...'`, `echo -e` and `printf`.

/// What an escape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoded {
    Byte(u8),
    Char(char),
    Nothing,
}

/// Reads the escape whose letters follow a backslash. Returns how many letters it took.
pub(crate) fn escape(letters: &[u8]) -> (usize, Decoded) {
    let Some(&first) = letters.first() else { return (0, Decoded::Byte(b'\\')) };
    let rest = letters.get(1..).unwrap_or_default();
    let byte = |byte| (1, Decoded::Byte(byte));
    match first {
        b'n' => byte(b'\n'),
        b't' => byte(b'\t'),
        b'r' => byte(b'\r'),
        b'a' => byte(7),
        b'b' => byte(8),
        b'e' | b'E' => byte(27),
        b'f' => byte(12),
        b'v' => byte(11),
        b'\\' | b'\'' | b'"' | b'?' => byte(first),
        b'x' => digits(rest, 16, 2),
        b'u' => digits(rest, 16, 4),
        b'U' => digits(rest, 16, 8),
        b'c' => (2, Decoded::Byte(rest.first().map_or(0, |byte| byte & 0x1f))),
        b'0'..=b'7' => {
            // `\0123` is how `echo -e` writes what `$'\123'` and `printf` write.
            let (taken, decoded) = digits(letters, 8, if first == b'0' { 4 } else { 3 });
            let decoded = match decoded {
                Decoded::Char(c) => Decoded::Byte((u32::from(c) & 0xff) as u8),
                other => other,
            };
            (taken.saturating_sub(1), decoded)
        }
        other => (1, Decoded::Byte(other)),
    }
}

/// A number of at most `most` digits behind the letter that announced it.
fn digits(letters: &[u8], base: u32, most: usize) -> (usize, Decoded) {
    let digit = |byte: &u8| char::from(*byte).to_digit(base);
    let count = letters.iter().take(most).take_while(|byte| digit(byte).is_some()).count();
    if count == 0 {
        return (1, Decoded::Nothing);
    }
    let value = letters
        .iter()
        .take(count)
        .filter_map(digit)
        .fold(0u32, |sum, d| sum.wrapping_mul(base).wrapping_add(d));
    let decoded = match u8::try_from(value) {
        Ok(byte) if base == 8 || most == 2 || byte < 128 => Decoded::Byte(byte),
        _ => char::from_u32(value).map_or(Decoded::Nothing, Decoded::Char),
    };
    (1 + count, decoded)
}

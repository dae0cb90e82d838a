//! Base64, base32, hex and binary digits.

/// The shortest runs that are tried. Shorter ones are words.
const BASE64_MIN: usize = 16;
const BASE32_MIN: usize = 24;
const HEX_MIN: usize = 20;
const BINARY_MIN: usize = 32;
/// Lines of an encoding that is wrapped are at least so long.
const WRAPPED_MIN: usize = 40;

/// Calls `each` with every part of `text` that could be an encoding, and the bytes it stands for. `blocks` are its spaces
/// and line feeds, and what encodings are made of, a bit a byte.
pub(super) fn runs(
    text: &[u8],
    blocks: [&[u64]; 2],
    out: &mut Vec<u8>,
    mut each: impl FnMut(usize, usize, &[u8]),
) {
    // A run of so many bytes has one at a multiple of its length: only there it is looked for.
    let (mut probe, mut done, mut looked) = (PROBE - 1, 0, 0);
    // Blocks before it may have a run, or the run that began in the block before.
    let mut open = 0;
    while let Some(&byte) = text.get(probe) {
        let block = probe / 64;
        if block >= open {
            if !(may_begin(blocks, block) || block > 0 && may_begin(blocks, block - 1)) {
                probe = (block + 1) * 64 + PROBE - 1;
                continue;
            }
            open = block + 1;
        }
        let class = class(byte);
        let goes_on = if class == 0 { 0 } else { goes_on(text, probe) };
        if class & goes_on & GROUPED != 0 && probe >= looked {
            let (start, end) = around(text, probe, done, GROUPED);
            looked = end;
            if end - start >= GROUPS_MIN
                && let Some((from, to)) = groups(text, start, end, out)
            {
                each(from, to, out);
                done = to;
                probe = probe.max(to) + PROBE;
                continue;
            }
        }
        if class & goes_on & BASE64 != 0 && has_run(blocks[1], probe) {
            let (start, end) = around(text, probe, done, BASE64);
            if end - start >= BASE64_MIN {
                let end = start + wrapped(text.get(start..).unwrap_or_default(), end - start);
                let run = text.get(start..end).unwrap_or_default();
                // What has no other digits is no base64: digests are full of them, and four places would be tried.
                let is_hex = run.len() >= HEX_MIN && is_hex(run);
                if is_hex && hex(run, out)
                    || run.len() >= BASE32_MIN && base32(run, out)
                    || run.len() >= BINARY_MIN && binary(run, out)
                    || !is_hex && base64(run, out)
                {
                    each(start, end, out);
                }
                done = end;
                probe = probe.max(end.saturating_sub(1)) + PROBE;
                continue;
            }
        }
        probe += PROBE;
    }
}

/// Whether a run may begin in a block: enough digits in a row, or groups of two or eight with a space between.
#[inline]
fn may_begin([spaces, coded]: [&[u64]; 2], block: usize) -> bool {
    let with_next = |blocks: &[u64]| {
        let at = |n: usize| u128::from(blocks.get(n).copied().unwrap_or(0));
        at(block) | at(block + 1) << 64
    };
    let (spaces, coded) = (with_next(spaces), runs_of_16(with_next(coded)));
    let apart = |by: u32| {
        let two = spaces & spaces >> by;
        two & two >> (2 * by)
    };
    // Six groups have five spaces between them: four of them tell enough, and come sooner.
    (coded | apart(3) | apart(9)) as u64 != 0
}

/// Of bits: those from which on sixteen are set.
#[inline]
fn runs_of_16(bits: u128) -> u128 {
    [1, 2, 4, BASE64_MIN / 2].into_iter().fold(bits, |bits, doubled| bits & bits >> doubled)
}

/// Whether `at` is in a run of at least sixteen.
#[inline]
fn has_run(blocks: &[u64], at: usize) -> bool {
    let from = (at + 1).saturating_sub(BASE64_MIN);
    let block = |n: usize| u128::from(blocks.get(n).copied().unwrap_or(0));
    let bits = (block(from / 64) | block(from / 64 + 1) << 64) >> (from % 64);
    // The last that begins early enough begins at `at`.
    runs_of_16(bits) & ((1 << BASE64_MIN) - 1) != 0
}

/// How far apart it is looked for runs: as long as the shortest.
const PROBE: usize = BASE64_MIN;
/// Six groups of two digits, with a space between.
const GROUPS_MIN: usize = 17;

/// Bytes of base64 and its like, and bytes of digits in groups.
const BASE64: u8 = 1;
const GROUPED: u8 = 2;

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let of = byte as u8;
        if of.is_ascii_alphanumeric() || matches!(of, b'+' | b'/' | b'-' | b'_' | b'=') {
            classes[byte] |= BASE64;
        }
        if of.is_ascii_hexdigit() || matches!(of, b' ' | b'\n' | b',') {
            classes[byte] |= GROUPED;
        }
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The classes that a run of the shortest length could be of around `at`: it goes on for eight bytes on one side.
fn goes_on(text: &[u8], at: usize) -> u8 {
    let before = at.checked_sub(8).and_then(|start| text.get(start..)?.first_chunk::<8>());
    let behind = text.get(at + 1..).and_then(|rest| rest.first_chunk::<8>());
    let mut classes = 0;
    for side in [before, behind].into_iter().flatten() {
        let bytes = u64::from_le_bytes(*side);
        // Whether any byte is below `+`, and any above `f`: a space parts words, and words have other letters than hex.
        let below = bytes.wrapping_sub(eight(b'+')) & !bytes & eight(0x80);
        let above = (((bytes & !eight(0x80)) + eight(0x7F - b'f')) | bytes) & eight(0x80);
        classes |= if below == 0 { BASE64 } else { 0 };
        classes |= if above == 0 { GROUPED } else { 0 };
    }
    // At the edges of the text one side is too short to tell.
    if before.is_none() || behind.is_none() { BASE64 | GROUPED } else { classes }
}

/// A byte in each of eight places.
const fn eight(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The run of a class around `at`, which begins at `from` or later.
fn around(text: &[u8], at: usize, from: usize, of: u8) -> (usize, usize) {
    let is = |byte: &u8| class(*byte) & of != 0;
    let before = text.get(from..at).unwrap_or_default().iter().rev().take_while(|b| is(b)).count();
    let rest = text.get(at..).unwrap_or_default();
    let behind = if of == BASE64 { length(rest) } else { rest.iter().take_while(|b| is(b)).count() };
    (at - before, at + behind)
}

/// The first digits in groups between `start` and `end`: where, and in `out` what they say.
fn groups(text: &[u8], start: usize, end: usize, out: &mut Vec<u8>) -> Option<(usize, usize)> {
    let mut at = start;
    while at + GROUPS_MIN <= end {
        let rest = text.get(at..).unwrap_or_default();
        let len = rest.iter().position(|b| !b.is_ascii_hexdigit()).unwrap_or(rest.len());
        let spans = grouped(rest, len, out);
        // A word before or behind that goes on is no group.
        let alone = at.checked_sub(1).and_then(|n| text.get(n)).is_none_or(|&b| !is_base64(b));
        if spans > 0 && alone {
            return Some((at, at + spans));
        }
        at += len + 1;
    }
    None
}

pub(super) fn is_base64(byte: u8) -> bool {
    class(byte) & BASE64 != 0
}

/// How many bytes at the start could be of base64.
fn length(text: &[u8]) -> usize {
    const PART: usize = 16;
    // Without a table, so that the compiler looks at many at once.
    let is_one = |byte: u8| {
        ((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 10)
            | (byte == b'+')
            | (byte == b'/')
            | (byte == b'-')
            | (byte == b'_')
            | (byte == b'=')
    };
    let parts = text.as_chunks::<PART>().0.iter();
    let whole =
        parts.take_while(|part| part.iter().fold(true, |all, &byte| all & is_one(byte))).count() * PART;
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|&&byte| is_base64(byte)).count()
}

/// The end of a run that goes on in the next lines.
fn wrapped(rest: &[u8], len: usize) -> usize {
    let (mut end, mut line) = (len, len);
    while line >= WRAPPED_MIN {
        let skip = match rest.get(end..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => break,
        };
        let next = rest.get(end + skip..).unwrap_or_default();
        line = length(next);
        if line < 4 {
            break;
        }
        end += skip + line;
    }
    end
}

/// Groups of two hex digits or eight binary ones, parted by single spaces; how many bytes they span.
fn grouped(rest: &[u8], len: usize, out: &mut Vec<u8>) -> usize {
    out.clear();
    let radix = match len {
        2 => 16,
        8 => 2,
        _ => return 0,
    };
    let mut at = 0;
    while let Some(group) = rest.get(at..at + len) {
        let value =
            group.iter().try_fold(0u32, |value, &b| Some(value * radix + char::from(b).to_digit(radix)?));
        let Some(value) = value.and_then(|value| u8::try_from(value).ok()) else { break };
        if rest.get(at + len).is_some_and(|&b| is_base64(b)) {
            break;
        }
        out.push(value);
        at += len + 1;
    }
    if out.len() >= 6 { (at - 1).min(rest.len()) } else { 0 }
}

/// Whether a run has no other digits than hex, and line ends.
fn is_hex(run: &[u8]) -> bool {
    // In parts, so that the compiler looks at many at once and most runs are done with the first.
    run.chunks(BASE64_MIN).all(|part| {
        part.iter().fold(true, |all, &byte| {
            let is_letter = (byte | 0x20).wrapping_sub(b'a') < 6;
            all & (is_letter | (byte.wrapping_sub(b'0') < 10) | is_line_end(byte))
        })
    })
}

/// Of a run of hex digits and line ends.
fn hex(run: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut high = None;
    for &byte in run {
        if is_line_end(byte) {
            continue;
        }
        // Letters are nine above their last four bits.
        let digit = (byte & 0xF) + 9 * (byte >> 6);
        match high.take() {
            None => high = Some(digit),
            Some(first) => {
                let byte = first << 4 | digit;
                if is_no_text(byte) {
                    return false;
                }
                out.push(byte);
            }
        }
    }
    high.is_none() && super::reads_as_text(out)
}

fn binary(run: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    collect(run, 1, |b| matches!(b, b'0' | b'1').then(|| u32::from(b - b'0')), out)
}

fn base32(run: &[u8], out: &mut Vec<u8>) -> bool {
    let digit = |byte| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'2'..=b'7' => Some(u32::from(byte - b'2') + 26),
        _ => None,
    };
    out.clear();
    collect(run, 5, digit, out) && super::reads_as_text(out)
}

/// What a digit of base64 stands for in each place of four; what is no digit has [`NO_DIGIT`] in all.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const DIGITS: [[u32; 256]; 4] = {
    let mut digits = [[NO_DIGIT; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let digit = match byte as u8 {
            upper @ b'A'..=b'Z' => (upper - b'A') as u32,
            lower @ b'a'..=b'z' => (lower - b'a') as u32 + 26,
            digit @ b'0'..=b'9' => (digit - b'0') as u32 + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => 64,
        };
        let mut place = 0;
        while place < 4 && digit < 64 {
            digits[place][byte] = digit << (26 - 6 * place);
            place += 1;
        }
        byte += 1;
    }
    digits
};
/// A bit that no digit has in any place.
const NO_DIGIT: u32 = 1;

#[inline]
fn digit(byte: u8, place: usize) -> u32 {
    DIGITS.get(place).and_then(|digits| digits.get(usize::from(byte))).copied().unwrap_or(NO_DIGIT)
}

/// A window may cut a run: then the first of its digits belong to another four. A path or a name may stand before it.
fn base64(run: &[u8], out: &mut Vec<u8>) -> bool {
    let mut from = |start: usize| {
        let run = run.get(start..).unwrap_or_default();
        run.len() >= BASE64_MIN
            && begins_as_text(run)
            && base64_from_its_start(run, out)
            && super::reads_as_text(out)
    };
    let behind_path = || memchr::memrchr(b'/', run);
    let behind_name =
        || memchr::memchr_iter(b'=', run).find(|at| run.get(at + 1).is_some_and(|&next| next != b'='));
    // What begins behind padding is the same wherever the first digits belong.
    let is_long = run.iter().take(BASE64_MIN).all(|&byte| byte != b'=');
    // Most that are encoded are whole: the other places are looked for when they are needed.
    (0..if is_long { 4 } else { 1 }).any(&mut from)
        || behind_path().is_some_and(|at| from(at + 1))
        || behind_name().is_some_and(|at| from(at + 1))
}

/// Whether the first digits could stand for text: most runs are words, paths and numbers, and these tell.
#[inline]
fn begins_as_text(run: &[u8]) -> bool {
    let Some(bytes) = run.first_chunk::<BASE64_MIN>().and_then(fours::<BASE64_MIN, { BASE64_MIN / 4 * 3 }>)
    else {
        return true; // padding or line ends: looked at as a whole
    };
    let any = |is: fn(u8) -> bool| bytes.iter().fold(false, |any, &byte| any | is(byte));
    // A character that is cut at the end goes on.
    let is_utf8 = || std::str::from_utf8(&bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    !any(is_no_text) && (!any(|byte| byte >= 0x80) || is_utf8())
}

/// Behind padding another encoded text may begin.
fn base64_from_its_start(run: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut from = 0;
    memchr::memchr_iter(b'=', run).chain([run.len()]).all(|end| {
        let part = run.get(from..end).unwrap_or_default();
        // One digit before padding is no byte; only of the first part a window may have cut off the others.
        if from > 0 && end < run.len() && part.len() == 1 {
            return false;
        }
        from = end + 1;
        let is_empty = part.iter().all(u8::is_ascii_whitespace);
        if !is_empty && !out.is_empty() {
            out.push(b' ');
        }
        is_empty || base64_part(part, out)
    })
}

/// Decodes what has no padding in it, behind what is in `out`; `false` if that can be no text.
fn base64_part(part: &[u8], out: &mut Vec<u8>) -> bool {
    // Four digits are three bytes, and most of a run is such. Lines end with whole fours.
    let mut rest = part;
    loop {
        let begun = rest.len();
        // A piece at a time: most runs are words and numbers, whose first bytes tell that they are none.
        while let Some((piece, behind)) = rest.split_first_chunk::<PIECE>()
            && let Some(bytes) = fours::<PIECE, { PIECE / 4 * 3 }>(piece)
        {
            if bytes.iter().fold(false, |any, &byte| any | is_no_text(byte)) {
                return false;
            }
            out.extend_from_slice(&bytes);
            rest = behind;
        }
        while let Some((four, behind)) = rest.split_first_chunk::<4>()
            && let Some(three) = fours::<4, 3>(four)
        {
            if three.into_iter().any(is_no_text) {
                return false;
            }
            out.extend_from_slice(&three);
            rest = behind;
        }
        match rest {
            [b'\n' | b'\r', behind @ ..] => rest = behind,
            _ if rest.len() == begun => break,
            _ => {}
        }
    }
    let digit = |byte| Some(digit(byte, 3)).filter(|digit| digit & NO_DIGIT == 0);
    collect(rest, 6, |byte| Some(digit(byte)? >> 8), out)
}

/// What fours of digits stand for; `None` if any is no digit.
#[inline]
fn fours<const DIGITS: usize, const BYTES: usize>(digits: &[u8; DIGITS]) -> Option<[u8; BYTES]> {
    let (mut bytes, mut all) = ([0; BYTES], 0);
    for (&[a, b, c, d], three) in digits.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let four = digit(a, 0) | digit(b, 1) | digit(c, 2) | digit(d, 3);
        all |= four;
        let [first, second, third, _] = four.to_be_bytes();
        *three = [first, second, third];
    }
    (all & NO_DIGIT == 0).then_some(bytes)
}

/// Digits that are decoded together.
const PIECE: usize = 32;

/// Lines of a wrapped run end with these.
#[inline]
fn is_line_end(byte: u8) -> bool {
    (byte == b'\n') | (byte == b'\r')
}

/// What chance produces and no text has: most runs are words and numbers, which stand for bytes of all kinds, and the
/// first ones tell.
fn is_no_text(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

/// Joins digits of `width` bits to bytes, behind what is in `out`. Line ends are passed over; behind padding another
/// encoded text may begin. `false` if that can be no text.
fn collect(run: &[u8], width: u32, digit: impl Fn(u8) -> Option<u32>, out: &mut Vec<u8>) -> bool {
    let (mut bits, mut held, mut padded) = (0u32, 0, false);
    for &byte in run {
        if byte == b'=' {
            (held, padded) = (0, true);
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let Some(value) = digit(byte) else { return false };
        if std::mem::take(&mut padded) && !out.is_empty() {
            out.push(b' ');
        }
        bits = (bits << width | value) & 0xFFFF;
        held += width;
        if held >= 8 {
            held -= 8;
            let byte = (bits >> held & 0xFF) as u8;
            if is_no_text(byte) {
                return false;
            }
            out.push(byte);
        }
    }
    true
}

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
                if run.len() >= HEX_MIN && hex(run, out)
                    || run.len() >= BASE32_MIN && base32(run, out)
                    || run.len() >= BINARY_MIN && binary(run, out)
                    || base64(run, out)
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
    let behind = text.get(at..).unwrap_or_default().iter().take_while(|b| is(b)).count();
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
        line = next.iter().position(|&b| !is_base64(b)).unwrap_or(next.len());
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

fn hex(run: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut high = None;
    for &byte in run {
        if byte.is_ascii_whitespace() {
            continue;
        }
        let Some(digit) = char::from(byte).to_digit(16) else { return false };
        match high.take() {
            None => high = Some(digit),
            Some(first) => out.push((first * 16 + digit) as u8),
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

/// What digits of base64 stand for; [`NO_DIGIT`] are all others.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut byte = 0;
    while byte < 256 {
        digits[byte] = match byte as u8 {
            upper @ b'A'..=b'Z' => upper - b'A',
            lower @ b'a'..=b'z' => lower - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => NO_DIGIT,
        };
        byte += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0xFF;

/// A window may cut a run: then the first of its digits belong to another four. A path or a name may stand before it.
fn base64(run: &[u8], out: &mut Vec<u8>) -> bool {
    let behind_path = run.iter().rposition(|&byte| byte == b'/').map(|at| at + 1);
    let behind_name =
        run.windows(2).position(|two| matches!(two, [b'=', next] if *next != b'=')).map(|at| at + 1);
    (0..4).chain(behind_path).chain(behind_name).any(|start| {
        let run = run.get(start..).unwrap_or_default();
        run.len() >= BASE64_MIN && base64_from_its_start(run, out) && super::reads_as_text(out)
    })
}

fn base64_from_its_start(run: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let digit = |byte: u8| DIGITS.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT);
    // Four digits are three bytes, and most of a run is such. Lines end with whole fours.
    let mut rest = run;
    while let Some((four, behind)) = rest.split_first_chunk::<4>() {
        if let [b'\n' | b'\r', ..] = four {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let [a, b, c, d] = four.map(digit);
        if (a | b | c | d) & 0xC0 != 0 {
            break;
        }
        let three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        if three.iter().any(|&byte| is_no_text(byte)) {
            return false;
        }
        out.extend_from_slice(&three);
        rest = behind;
    }
    collect(rest, 6, |byte| Some(u32::from(digit(byte))).filter(|&digit| digit < 64), out)
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

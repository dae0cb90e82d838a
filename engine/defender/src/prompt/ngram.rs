//! Hashed words: the part of the model that nobody thought of.
//!
//! Words alone are no evidence: they only shift what rules have found. A window in which no rule of an attack is met is
//! not hashed at all, and most windows are such.

use super::model::BUCKETS;
use super::view::View;

/// Calls `each` with the bucket of every word and every pair of words; returns how many there were.
///
/// The same words mean something else in data than in what people write: they have buckets of their own.
pub(super) fn each(view: &View, is_data: bool, mut each: impl FnMut(usize)) -> u32 {
    let bytes = view.text.as_bytes();
    let seed = if is_data { DATA } else { 0 };
    let (mut count, mut before) = (0, 0u32);
    for token in &view.tokens {
        let hash = seed ^ hash(bytes, token.start as usize, token.end as usize);
        each(bucket(hash));
        each(bucket(hash ^ before.rotate_left(11)));
        before = hash;
        count += 2;
    }
    count
}

/// Sets words of data apart.
const DATA: u32 = 0x5BD1_E995;

/// Of the word in `start..end`, eight bytes at a time: words are short.
fn hash(bytes: &[u8], start: usize, end: usize) -> u32 {
    let step = |hash: u64, part: u64| {
        let mixed = (hash ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 29
    };
    let mut hash = (end - start) as u64;
    let mut at = start;
    while at + 8 <= end {
        hash = step(hash, eight(bytes, at));
        at += 8;
    }
    // Less than eight are left.
    let rest = eight(bytes, at) & !(u64::MAX << (8 * (end - at)));
    (step(hash, rest) >> 16) as u32
}

/// The eight bytes from `at` on, the first the lowest; zeros behind the end.
fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte)),
    }
}

fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 16) as usize % BUCKETS
}

//! Hashed words: the part of the model that nobody thought of.
//!
//! Words alone are no evidence: they only shift what rules have found. A window in which no rule of an attack is met is
//! not hashed at all, and most windows are such.

use super::model::BUCKETS;
use super::view::View;

/// Calls `each` with the bucket of every word and every pair of words; returns how many there were.
pub(super) fn each(view: &View, mut each: impl FnMut(usize)) -> u32 {
    let bytes = view.text.as_bytes();
    let (mut count, mut before) = (0, 0u32);
    for token in &view.tokens {
        let word = bytes.get(token.start as usize..token.end as usize).unwrap_or_default();
        let hash = hash(word);
        each(bucket(hash));
        each(bucket(hash ^ before.rotate_left(11)));
        before = hash;
        count += 2;
    }
    count
}

/// Eight bytes at a time: words are short.
fn hash(word: &[u8]) -> u32 {
    let step = |hash: u64, part: u64| {
        let mixed = (hash ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 29
    };
    let (parts, rest) = word.as_chunks::<8>();
    let hash = parts.iter().fold(word.len() as u64, |hash, part| step(hash, u64::from_le_bytes(*part)));
    let rest = rest.iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte));
    (step(hash, rest) >> 16) as u32
}

fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 16) as usize % BUCKETS
}

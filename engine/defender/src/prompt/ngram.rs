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
        let hash = word
            .iter()
            .fold(0x811C_9DC5_u32, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        each(bucket(hash));
        each(bucket(hash ^ before.rotate_left(11)));
        before = hash;
        count += 2;
    }
    count
}

fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 16) as usize % BUCKETS
}

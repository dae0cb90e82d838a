//! Hashed words and letter groups: the part of the model that nobody thought of.

use super::model::BUCKETS;
use super::view::View;

/// Letters in a group.
const LETTERS: usize = 4;

/// Calls `each` with the bucket of every word, pair of words and group of letters; returns how many there were.
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
    for group in bytes.windows(LETTERS) {
        if let &[a, b, c, d] = group {
            each(bucket(u32::from_le_bytes([a, b, c, d]) ^ 0x5BD1_E995));
            count += 1;
        }
    }
    count
}

fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 16) as usize % BUCKETS
}

//! The WebSocket decoder against tungstenite's, on any bytes cut into any reads.
//!
//! Input: how many of the first bytes (at most 7) are lengths of reads, those lengths, then the stream.
#![no_main]

#[path = "../../../engine/ws/tests/compare/mod.rs"]
mod compare;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((count, rest)) = input.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(count % 8).min(rest.len()));
    let mut cuts: Vec<usize> = lengths.iter().map(|len| usize::from(*len).max(1)).collect();
    if cuts.is_empty() {
        cuts.push(usize::MAX);
    }
    compare::check(stream, &cuts);
    assert_eq!(compare::decode(stream, &cuts), compare::decode(stream, &[usize::MAX]));
});

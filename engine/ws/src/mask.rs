//! Masking: every client byte is XORed with a repeating four-byte key (RFC 6455 section 5.3).

/// XORs `bytes` with `mask`, whose first byte belongs to the first of `bytes`. Says whether the result is ASCII: what is
/// needs no look for UTF-8 any more.
pub(crate) fn apply(bytes: &mut [u8], mask: [u8; 4]) -> bool {
    let key = |from: usize| {
        let [a, b, c, d] = rotate(mask, from);
        u64::from_ne_bytes([a, b, c, d, a, b, c, d])
    };
    // The last word overlaps the one before it, so it is taken while it is masked and put back at the end.
    let last_at = bytes.len().saturating_sub(8);
    let last = bytes.last_chunk::<8>().map(|last| u64::from_ne_bytes(*last) ^ key(last_at));
    let Some(last) = last else {
        let mut seen = 0;
        for (byte, key) in bytes.iter_mut().zip(key(0).to_ne_bytes()) {
            *byte ^= key;
            seen |= *byte;
        }
        return seen.is_ascii();
    };
    let (wide, mut seen) = (key(0), last);
    // Whole words in safe code; the compiler turns this into vector instructions.
    for word in bytes.as_chunks_mut::<8>().0 {
        let plain = u64::from_ne_bytes(*word) ^ wide;
        seen |= plain;
        *word = plain.to_ne_bytes();
    }
    if let Some(place) = bytes.last_chunk_mut::<8>() {
        *place = last.to_ne_bytes();
    }
    seen & 0x8080_8080_8080_8080 == 0
}

/// The mask for what follows `consumed` bytes that `mask` was applied to.
pub(crate) fn rotate(mask: [u8; 4], consumed: usize) -> [u8; 4] {
    // As a number whose first byte is the lowest: `rotate_left` of a slice moves it through memory.
    u32::from_le_bytes(mask).rotate_right(8 * (consumed % 4) as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_length_and_split_agrees_with_the_definition() {
        let mask = [0x12, 0x34, 0x56, 0x9a];
        let plain: Vec<u8> = (0..64).collect();
        for start in 0..16 {
            for end in start..plain.len() {
                let expected: Vec<u8> =
                    plain[start..end].iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
                for split in 0..=(end - start) {
                    let mut bytes = plain.clone();
                    let (first, second) = bytes[start..end].split_at_mut(split);
                    apply(first, mask);
                    apply(second, rotate(mask, split));
                    assert_eq!(bytes[start..end], expected, "{start}..{end} split at {split}");
                    let (mut whole, ascii) = (plain[start..end].to_vec(), expected.is_ascii());
                    assert_eq!((apply(&mut whole, mask), &whole), (ascii, &expected));
                }
            }
        }
    }
}

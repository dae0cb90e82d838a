//! Masking: every client byte is XORed with a repeating four-byte key (RFC 6455 section 5.3).

/// XORs `bytes` with `mask`, whose first byte belongs to the first of `bytes`.
pub(crate) fn apply(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Whole words in safe code; the compiler turns this into vector instructions.
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c, d]) {
        *byte ^= key;
    }
}

/// The mask for what follows `consumed` bytes that `mask` was applied to.
pub(crate) fn rotate(mut mask: [u8; 4], consumed: usize) -> [u8; 4] {
    mask.rotate_left(consumed % 4);
    mask
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
                }
            }
        }
    }
}

//! Which bytes of a text are of a kind: a bit each, 64 bytes at a time.
//!
//! Words are short and of all lengths: a loop that looks at one byte at a time ends each time where the processor did not
//! expect it. Bits are found and skipped without asking byte by byte.

/// A set of places, a bit a byte.
#[derive(Debug, Default)]
pub(super) struct Places {
    blocks: Vec<u64>,
}

/// Bytes in a block.
pub(super) const BLOCK: usize = 64;

impl Places {
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }

    pub(super) fn push(&mut self, block: u64) {
        self.blocks.push(block);
    }

    /// The first place at `from` or behind.
    #[inline]
    pub(super) fn first(&self, from: usize) -> Option<usize> {
        self.first_of(from, |block| block)
    }

    /// The same before `end`: not looked for behind it.
    #[inline]
    pub(super) fn first_before(&self, from: usize, end: usize) -> Option<usize> {
        let mut block = from / BLOCK;
        let mut bits = self.blocks.get(block)? & u64::MAX << (from % BLOCK);
        while bits == 0 && (block + 1) * BLOCK < end {
            block += 1;
            bits = *self.blocks.get(block)?;
        }
        let place = block * BLOCK + bits.trailing_zeros() as usize;
        (bits != 0 && place < end).then_some(place)
    }

    /// The first at `from` or behind that is no place of the set.
    #[inline]
    pub(super) fn first_other(&self, from: usize) -> Option<usize> {
        self.first_of(from, |block| !block)
    }

    #[inline]
    fn first_of(&self, from: usize, of: impl Fn(u64) -> u64) -> Option<usize> {
        let mut block = from / BLOCK;
        let mut bits = of(*self.blocks.get(block)?) & u64::MAX << (from % BLOCK);
        while bits == 0 {
            block += 1;
            bits = of(*self.blocks.get(block)?);
        }
        Some(block * BLOCK + bits.trailing_zeros() as usize)
    }

    /// The last place before `end`, but not before `from`.
    #[inline]
    pub(super) fn last(&self, from: usize, end: usize) -> Option<usize> {
        let last = end.checked_sub(1)?;
        let mut block = last / BLOCK;
        let mut bits = self.blocks.get(block)? & u64::MAX >> (BLOCK - 1 - last % BLOCK);
        while bits == 0 && block * BLOCK > from {
            block -= 1;
            bits = *self.blocks.get(block)?;
        }
        let place = block * BLOCK + (BLOCK - 1).checked_sub(bits.leading_zeros() as usize)?;
        (place >= from).then_some(place)
    }

    /// Calls `each` with the start and end of every run of places that are not in the set; the set ends at `end`.
    #[inline]
    pub(super) fn each_run_of_others(&self, end: usize, mut each: impl FnMut(usize, usize)) {
        let (mut before, mut start) = (0, None);
        for (n, block) in self.blocks.iter().enumerate() {
            let others = !block;
            // Where a run begins, and behind where it ends: one after the other.
            let mut edges = others ^ (others << 1 | before);
            before = others >> (BLOCK - 1);
            while edges != 0 {
                let at = n * BLOCK + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                match start.take() {
                    None => start = Some(at),
                    Some(start) => each(start, at),
                }
            }
        }
        if let Some(start) = start {
            each(start, end);
        }
    }

    /// The blocks, the first byte of each the lowest bit.
    pub(super) fn blocks(&self) -> &[u64] {
        &self.blocks
    }
}

/// Calls `each` with every block of `bytes`; the last is filled up with `filler`.
pub(super) fn each_block(bytes: &[u8], filler: u8, mut each: impl FnMut(&[u8; BLOCK])) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().for_each(&mut each);
    if !rest.is_empty() {
        let mut last = [filler; BLOCK];
        last.iter_mut().zip(rest).for_each(|(place, &byte)| *place = byte);
        each(&last);
    }
}

/// The bits of those bytes of a block that `is` is true of.
#[inline]
pub(super) fn bits(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0u8; BLOCK];
    for (flag, &byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is(byte));
    }
    let eights = flags.as_chunks::<8>().0.iter();
    eights.enumerate().fold(0, |bits, (n, eight)| {
        // The product has the lowest bits of all eight bytes, in order, in its highest byte; no two sums meet.
        let eight = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | eight << (8 * n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str, of: u8) -> Places {
        places_or(text, of, 0)
    }

    fn places_or(text: &str, of: u8, filler: u8) -> Places {
        let mut places = Places::default();
        each_block(text.as_bytes(), filler, |block| places.push(bits(block, |byte| byte == of)));
        places
    }

    #[test]
    fn the_same_as_one_by_one() {
        let mut text = vec![b'.'; 200];
        for at in [0, 1, 63, 64, 65, 127, 130, 199] {
            text[at] = b'x';
        }
        let text = String::from_utf8(text).unwrap();
        let places = places(&text, b'x');
        for from in 0..220 {
            let expect = text.get(from..).and_then(|rest| rest.find('x')).map(|n| from + n);
            assert_eq!(places.first(from), expect, "from {from}");
            for end in from..=200 {
                let expect = text.get(from..end).and_then(|part| part.find('x')).map(|n| from + n);
                assert_eq!(places.first_before(from, end), expect, "{from}..{end}");
                let expect = text.get(from..end).and_then(|part| part.rfind('x')).map(|n| from + n);
                assert_eq!(places.last(from, end), expect, "{from}..{end}");
            }
        }
    }

    #[test]
    fn runs_between_places() {
        for (text, expect) in [
            ("", vec![]),
            ("xx", vec![]),
            ("ab", vec![(0, 2)]),
            ("xabxxcx", vec![(1, 3), (5, 6)]),
            ("axb", vec![(0, 1), (2, 3)]),
        ] {
            for filler in [0, 60, 61, 62, 63, 64, 126] {
                let text = format!("{}{text}", "x".repeat(filler));
                let mut found = Vec::new();
                places_or(&text, b'x', b'x').each_run_of_others(text.len(), |from, to| {
                    found.push((from - filler, to - filler));
                });
                assert_eq!(found, expect, "{text:?}");
            }
        }
    }

    #[test]
    fn every_bit_is_its_own_byte() {
        for at in 0..BLOCK {
            let mut block = [0xFF; BLOCK];
            block[at] = 7;
            assert_eq!(bits(&block, |byte| byte == 7), 1 << at);
            assert_eq!(bits(&block, |byte| byte != 7), !(1 << at));
        }
    }
}

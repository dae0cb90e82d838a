//! Which concepts were seen lately.

/// A set of concepts, a bit each.
pub(super) type Concepts = u128;

/// Which concepts were seen lately: a cheap look before a rule is worked out. Words are counted in blocks; what was
/// seen in this block and the one before is at least a block away.
#[derive(Default)]
pub(super) struct Recent {
    near: [Concepts; 2],
    far: [Concepts; 2],
    block: u32,
    /// What was seen in both blocks, near and far, and how often that has changed.
    seen: [Concepts; 2],
    changes: u32,
}

/// Words in a block, as a power of two.
pub(super) const NEAR_BITS: u32 = 4;
const FAR_BITS: u32 = 6;

impl Recent {
    /// Takes note of a concept at a token, which is not before the last.
    #[inline]
    pub(super) fn see(&mut self, concept: u8, token: u32) {
        if token >> NEAR_BITS > self.block {
            self.turn(token);
        }
        let bit = 1 << concept;
        // What is near is far as well: a far block is so many near ones. In a new block nothing is yet.
        if self.near[0] & bit == 0 {
            self.near[0] |= bit;
            self.far[0] |= bit;
            self.change();
        }
    }

    /// What was seen in the last two blocks, near and far.
    #[inline]
    pub(super) fn seen(&self) -> [Concepts; 2] {
        self.seen
    }

    /// How often that has changed: it is the same as long as this is.
    #[inline]
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }

    fn change(&mut self) {
        let seen = [self.near, self.far].map(|blocks| blocks[0] | blocks[1]);
        self.changes += u32::from(seen != self.seen);
        self.seen = seen;
    }

    #[inline(never)]
    fn turn(&mut self, token: u32) {
        let far = |block: u32| block >> (FAR_BITS - NEAR_BITS);
        let block = token >> NEAR_BITS;
        turn(&mut self.near, block - self.block);
        turn(&mut self.far, far(block) - far(self.block));
        self.block = block;
    }
}

/// Makes room for what is seen so many blocks on.
fn turn(blocks: &mut [Concepts; 2], by: u32) {
    match by {
        0 => {}
        1 => *blocks = [0, blocks[0]],
        _ => *blocks = [0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_two_blocks_away_is_forgotten() {
        let mut recent = Recent::default();
        recent.see(1, 3);
        recent.see(2, 17);
        assert_eq!(recent.seen(), [0b110, 0b110]);
        recent.see(3, 40);
        assert_eq!(recent.seen(), [0b1100, 0b1110], "the first block is gone, the far one is not");
        recent.see(4, 70);
        assert_eq!(recent.seen(), [0b10000, 0b11110]);
        recent.see(5, 1000);
        assert_eq!(recent.seen(), [0b10_0000, 0b10_0000]);
    }

    #[test]
    fn a_change_is_told() {
        let mut recent = Recent::default();
        let mut changes = |concept, token| {
            let before = (recent.changes(), recent.seen());
            recent.see(concept, token);
            assert_eq!(before.0 != recent.changes(), before.1 != recent.seen());
            before.0 != recent.changes()
        };
        assert!(changes(1, 3));
        assert!(!changes(1, 9), "again");
        assert!(changes(2, 9));
        assert!(!changes(1, 17), "the block before has it");
        assert!(changes(1, 33), "the other one is forgotten near by");
        assert!(changes(1, 1000));
    }
}

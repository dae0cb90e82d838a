//! Size classes: powers of two from 256 bytes to 1 MiB.

/// Smallest capacity handed out. Below this the allocator's own overhead weighs as much as what would be saved.
const SMALLEST: usize = 256;

/// Number of classes.
pub(crate) const COUNT: usize = 13;

/// Largest capacity the pool keeps. Larger buffers are rare (a client may send one message of 25 MiB) and one of them
/// would fill what a shard may retain, so they go back to the allocator at once.
pub(crate) const LARGEST: usize = SMALLEST << (COUNT - 1);

const _: () = assert!(LARGEST == 1 << 20);

/// Class that satisfies a wish for `min_capacity`, with the capacity of its members. `None`: larger than any class.
pub(crate) fn for_lease(min_capacity: usize) -> Option<(usize, usize)> {
    if min_capacity > LARGEST {
        return None;
    }
    let capacity = min_capacity.max(SMALLEST).next_power_of_two();
    Some(((capacity / SMALLEST).ilog2() as usize, capacity))
}

/// Class in which a buffer of `capacity` can wait: its members promise at least the class's size, so this rounds down.
/// `None`: too small or too large to be worth keeping.
pub(crate) fn for_return(capacity: usize) -> Option<usize> {
    (SMALLEST..=LARGEST).contains(&capacity).then(|| (capacity / SMALLEST).ilog2() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(min_capacity: usize, lease: Option<(usize, usize)>, back: Option<usize>) {
        assert_eq!((for_lease(min_capacity), for_return(min_capacity)), (lease, back));
    }

    #[test]
    fn leases_round_up_and_returns_round_down() {
        check(0, Some((0, 256)), None);
        check(255, Some((0, 256)), None);
        check(256, Some((0, 256)), Some(0));
        check(257, Some((1, 512)), Some(0));
        check(512, Some((1, 512)), Some(1));
        check(1000, Some((2, 1024)), Some(1));
        check(LARGEST - 1, Some((12, LARGEST)), Some(11));
        check(LARGEST, Some((12, LARGEST)), Some(12));
        check(LARGEST + 1, None, None);
        check(usize::MAX, None, None);
    }
}

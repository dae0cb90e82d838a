//! Which generation of the protocol a connection speaks.

/// A protocol generation. Chosen once per connection, in `connect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wire {
    /// Protocol 3, spoken by OpenClaw 2026.2.
    V3,
    /// Protocol 4, spoken by OpenClaw 2026.9.
    V4,
}

impl Wire {
    /// The highest generation inside a client's `minProtocol..=maxProtocol`, or `None` when we speak none of it.
    pub fn negotiate(min: u64, max: u64) -> Option<Wire> {
        if min > max {
            return None;
        }
        [Wire::V4, Wire::V3].into_iter().find(|wire| (min..=max).contains(&wire.number()))
    }

    /// The number on the wire.
    pub fn number(self) -> u64 {
        match self {
            Wire::V3 => 3,
            Wire::V4 => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_generation_wins() {
        assert_eq!(Wire::negotiate(3, 3), Some(Wire::V3));
        assert_eq!(Wire::negotiate(4, 4), Some(Wire::V4));
        assert_eq!(Wire::negotiate(3, 4), Some(Wire::V4));
        assert_eq!(Wire::negotiate(1, 9), Some(Wire::V4));
        assert_eq!(Wire::negotiate(5, 9), None);
        assert_eq!(Wire::negotiate(4, 3), None, "an empty range holds nothing");
    }
}

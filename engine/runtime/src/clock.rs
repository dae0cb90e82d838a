//! The one place where clocks are read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pincer_sessions::time::Now;

/// Reads both clocks. All shards of a server hold the same one, so that `mono_ms` can travel between them.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose `mono_ms` starts now.
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// The present moment. A wall clock before 1970 counts as 1970.
    pub fn now(&self) -> Now {
        self.at(Instant::now())
    }

    /// The present moment by the wall, and `instant` by the monotonic clock: saves a reading where there is one.
    pub fn at(&self, instant: Instant) -> Now {
        let mono = instant.saturating_duration_since(self.origin);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: whole_ms(mono.as_millis()), wall_ms: whole_ms(wall.as_millis()) }
    }
}

fn whole_ms(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn milliseconds_count_from_the_start() {
        let clock = Clock::start();
        let later = clock.at(clock.origin + Duration::from_micros(2_999));
        assert_eq!(later.mono_ms, 2);
        let earlier = clock.at(clock.origin - Duration::from_secs(1));
        assert_eq!(earlier.mono_ms, 0, "never steps back below its origin");
        assert!(later.wall_ms > 1_600_000_000_000);
    }
}

//! How often a service may be asked.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60 * 1000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Longest time a service can make us wait by saying so: two days, since a day's quota ends with the day.
const PAUSE_MS_MAX: u64 = 2 * DAY_MS;

/// Most questions a minute that can be configured; bounds what is remembered.
const PER_MINUTE_MAX: u32 = 6000;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimits {
    /// Questions in any 60 seconds.
    pub per_minute: u32,
    /// Questions a day, counted in UTC days as VirusTotal does.
    pub per_day: u32,
}

impl Default for QuotaLimits {
    /// VirusTotal's public key, by its documentation.
    fn default() -> QuotaLimits {
        QuotaLimits { per_minute: 4, per_day: 500 }
    }
}

/// What of a day's quota is spent; survives a restart, so that restarting does not spend it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QuotaUse {
    /// Days since 1970.
    pub day: u64,
    /// Questions asked on it.
    pub used: u32,
}

/// Counts questions. The minute is a window that slides: a bucket that refills would let nearly twice the rate through
/// in its first minute, and the service answers that with 429.
#[derive(Debug, Clone)]
pub struct Quota {
    limits: QuotaLimits,
    /// When the last questions were asked, oldest first; at most `per_minute`.
    recent: VecDeque<u64>,
    spent: QuotaUse,
    paused_until_ms: u64,
}

impl Quota {
    /// A quota of which `spent` is gone.
    pub fn new(limits: QuotaLimits, spent: QuotaUse) -> Quota {
        let limits = QuotaLimits { per_minute: limits.per_minute.min(PER_MINUTE_MAX), ..limits };
        Quota { limits, recent: VecDeque::new(), spent, paused_until_ms: 0 }
    }

    /// Takes one question. `Err`: when to try again, at the earliest.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        // The clock may have been put back: what is remembered of the future would block for as long.
        self.recent.retain(|asked| *asked <= now_ms && now_ms - asked < MINUTE_MS);
        let today = now_ms / DAY_MS;
        if today != self.spent.day {
            self.spent = QuotaUse { day: today, used: 0 };
        }
        self.paused_until_ms = self.paused_until_ms.min(now_ms.saturating_add(PAUSE_MS_MAX));
        if now_ms < self.paused_until_ms {
            return Err(self.paused_until_ms);
        }
        if self.spent.used >= self.limits.per_day {
            return Err((today + 1).saturating_mul(DAY_MS));
        }
        if self.recent.len() >= self.limits.per_minute as usize {
            let oldest = self.recent.front().copied().unwrap_or(now_ms);
            return Err(oldest.saturating_add(MINUTE_MS));
        }
        self.recent.push_back(now_ms);
        self.spent.used += 1;
        Ok(())
    }

    /// The service said that we ask too much: nothing is asked for as long as it says, or for a minute.
    pub fn back_off(&mut self, retry_after_ms: Option<u64>, now_ms: u64) {
        // Never less than a second: a service that says zero would be asked in a loop.
        let pause = retry_after_ms.unwrap_or(MINUTE_MS).clamp(1000, PAUSE_MS_MAX);
        self.paused_until_ms = self.paused_until_ms.max(now_ms.saturating_add(pause));
    }

    /// What is spent.
    pub fn spent(&self) -> QuotaUse {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_a_minute() {
        let mut quota = Quota::new(QuotaLimits::default(), QuotaUse::default());
        for at in [0, 10, 20, 30] {
            assert_eq!(quota.take(at), Ok(()));
        }
        assert_eq!(quota.take(31), Err(MINUTE_MS));
        assert_eq!(quota.take(MINUTE_MS), Ok(()));
        assert_eq!(quota.take(MINUTE_MS + 1), Err(MINUTE_MS + 10));
    }

    #[test]
    fn so_many_a_day_even_over_a_restart() {
        let limits = QuotaLimits { per_minute: 10, per_day: 3 };
        let mut quota = Quota::new(limits, QuotaUse::default());
        assert_eq!((quota.take(0), quota.take(1)), (Ok(()), Ok(())));
        let mut quota = Quota::new(limits, quota.spent());
        assert_eq!(quota.take(2), Ok(()));
        assert_eq!(quota.take(3), Err(DAY_MS));
        assert_eq!(quota.take(DAY_MS), Ok(()));
        assert_eq!(quota.spent(), QuotaUse { day: 1, used: 1 });
    }

    #[test]
    fn backing_off() {
        let mut quota = Quota::new(QuotaLimits::default(), QuotaUse::default());
        quota.back_off(None, 100);
        assert_eq!(quota.take(101), Err(100 + MINUTE_MS));
        quota.back_off(Some(5 * MINUTE_MS), 100);
        assert_eq!(quota.take(101), Err(100 + 5 * MINUTE_MS));
        quota.back_off(Some(0), 100);
        assert_eq!(quota.take(100 + 5 * MINUTE_MS), Ok(()));
        quota.back_off(Some(u64::MAX), 0);
        assert_eq!(quota.take(0), Err(PAUSE_MS_MAX));
        // The clock was put back by years.
        let mut quota = Quota::new(QuotaLimits::default(), QuotaUse::default());
        quota.back_off(None, 1 << 42);
        assert_eq!(quota.take(5), Err(5 + PAUSE_MS_MAX));
        let none = QuotaLimits { per_minute: 0, per_day: 0 };
        assert!(Quota::new(none, QuotaUse::default()).take(7).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_allowed(steps in prop::collection::vec(0..40_000u64, 1..60), per_minute in 0..6u32) {
            let mut quota = Quota::new(QuotaLimits { per_minute, per_day: 20 }, QuotaUse::default());
            let (mut now, mut asked) = (0, Vec::new());
            for step in steps {
                now += step;
                match quota.take(now) {
                    Ok(()) => asked.push(now),
                    Err(again) => prop_assert!(again > now),
                }
            }
            for start in &asked {
                let within = asked.iter().filter(|at| (*start..start + MINUTE_MS).contains(at)).count();
                prop_assert!(within <= per_minute as usize);
            }
            prop_assert!(asked.len() <= 20);
        }
    }
}

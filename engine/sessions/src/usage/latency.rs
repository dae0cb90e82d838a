//! How long people waited for answers.

use serde::Serialize;

/// Most waits of one day that are kept for the 95th percentile; later ones still count for the rest.
const SAMPLES_MAX: usize = 4_096;
/// A longer wait is a night's sleep and not a slow model: 12 hours.
const WAIT_MAX_MS: u64 = 12 * 3_600_000;

/// Waits, being counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Latency {
    count: u64,
    sum_ms: u64,
    min_ms: u64,
    max_ms: u64,
    samples: Vec<u64>,
}

/// Waits, counted. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencySummary {
    /// How many.
    pub count: u64,
    /// On average.
    pub avg_ms: f64,
    /// 95 of 100 were no longer.
    pub p95_ms: u64,
    /// The shortest.
    pub min_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

impl Latency {
    pub(super) fn add(&mut self, wait_ms: u64) {
        if wait_ms > WAIT_MAX_MS {
            return;
        }
        self.min_ms = if self.count == 0 { wait_ms } else { self.min_ms.min(wait_ms) };
        self.max_ms = self.max_ms.max(wait_ms);
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(wait_ms);
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(wait_ms);
        }
    }

    /// All waits of `other` as well.
    pub(super) fn join(&mut self, other: &Latency) {
        if other.count == 0 {
            return;
        }
        self.min_ms = if self.count == 0 { other.min_ms } else { self.min_ms.min(other.min_ms) };
        self.max_ms = self.max_ms.max(other.max_ms);
        self.count += other.count;
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        let room = SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room));
    }

    pub(super) fn summary(&self) -> Option<LatencySummary> {
        let mut samples = self.samples.clone();
        samples.sort_unstable();
        let rank = (samples.len() * 95).div_ceil(100).saturating_sub(1);
        let p95_ms = *samples.get(rank)?;
        let avg_ms = self.sum_ms as f64 / self.count as f64;
        Some(LatencySummary { count: self.count, avg_ms, p95_ms, min_ms: self.min_ms, max_ms: self.max_ms })
    }
}

impl LatencySummary {
    /// Both together. The percentile of a whole cannot be had from its parts: the larger one stands, which is never too
    /// small.
    pub(super) fn join(self, other: LatencySummary) -> LatencySummary {
        let count = self.count + other.count;
        let sum = self.avg_ms * self.count as f64 + other.avg_ms * other.count as f64;
        LatencySummary {
            count,
            avg_ms: sum / count.max(1) as f64,
            p95_ms: self.p95_ms.max(other.p95_ms),
            min_ms: self.min_ms.min(other.min_ms),
            max_ms: self.max_ms.max(other.max_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_joins() {
        let mut waits = Latency::default();
        assert_eq!(waits.summary(), None);
        for wait in 1..=100 {
            waits.add(wait);
        }
        waits.add(WAIT_MAX_MS + 1);
        let summary = waits.summary().unwrap();
        assert_eq!(summary, LatencySummary { count: 100, avg_ms: 50.5, p95_ms: 95, min_ms: 1, max_ms: 100 });
        let mut one = Latency::default();
        one.add(200);
        waits.join(&one);
        assert_eq!(waits.summary().unwrap().max_ms, 200);
        let both = summary.join(one.summary().unwrap());
        assert_eq!((both.count, both.p95_ms, both.min_ms), (101, 200, 1));
        assert!((both.avg_ms - 5250.0 / 101.0).abs() < 1e-9);
    }
}

//! The line through samples of memory.

use crate::process::Memory;

/// Memory after so many operations.
pub(super) struct Sample {
    pub(super) operations: u64,
    pub(super) memory: Memory,
}

/// Bytes an operation: the slope of the line with the smallest squares through `samples`.
pub(super) fn slope(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> f64 {
    let count = samples.len() as f64;
    let mean = |value: &dyn Fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>() / count;
    let (x, y) = (|at: &Sample| at.operations as f64, |at: &Sample| of(at) as f64);
    let (middle_x, middle_y) = (mean(&x), mean(&y));
    let rise: f64 = samples.iter().map(|at| (x(at) - middle_x) * (y(at) - middle_y)).sum();
    let run: f64 = samples.iter().map(|at| (x(at) - middle_x).powi(2)).sum();
    if run == 0.0 { 0.0 } else { rise / run }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u64], expected: f64) {
        let sample = |(at, bytes): (usize, &u64)| Sample {
            operations: at as u64 * 10,
            memory: Memory { rss: *bytes, pss: 0, anonymous: 0 },
        };
        let samples: Vec<Sample> = bytes.iter().enumerate().map(sample).collect();
        assert_eq!(slope(&samples, |at| at.memory.rss), expected);
    }

    #[test]
    fn lines() {
        check(&[], 0.0);
        check(&[7], 0.0);
        check(&[7, 7, 7], 0.0);
        check(&[0, 10, 20], 1.0);
        check(&[20, 10, 0], -1.0);
        check(&[0, 30, 0, 30], 0.6);
    }
}

//! What is known, and who said it.

use serde::{Deserialize, Serialize};

/// What is known about an indicator. Ordered: worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Whoever was asked does not know it.
    Unknown,
    /// Known, and nothing is said against it.
    Harmless,
    /// Few speak against it.
    Suspicious,
    /// Many do, or the operator's own list.
    Malicious,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A list of the operator's.
    LocalList,
    /// VirusTotal.
    Virustotal,
    /// Concluded here, for example from what a blocked command would have fetched.
    Learned,
}

/// How many engines said what. All zero when nobody counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Engines that call it malicious.
    pub malicious: u32,
    /// Engines that call it suspicious.
    pub suspicious: u32,
    /// Engines that call it harmless.
    pub harmless: u32,
    /// Engines that found nothing, or gave up.
    pub undetected: u32,
}

/// How many engines it takes. One engine of dozens is often a mistake, so one or two are worth a question and three an
/// answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// From this many `malicious` on it is malicious.
    pub malicious_min: u32,
    /// From this many `malicious` and `suspicious` together on it is suspicious.
    pub suspicious_min: u32,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { malicious_min: 3, suspicious_min: 1 }
    }
}

impl Counts {
    /// What the counts amount to. Unknown when no engine had an opinion.
    pub fn verdict(&self, thresholds: Thresholds) -> Verdict {
        let Counts { malicious, suspicious, harmless, undetected } = *self;
        // A threshold of zero would call everything bad.
        if malicious >= thresholds.malicious_min.max(1) {
            Verdict::Malicious
        } else if malicious.saturating_add(suspicious) >= thresholds.suspicious_min.max(1) {
            Verdict::Suspicious
        } else if harmless > 0 || undetected > 0 {
            Verdict::Harmless
        } else {
            Verdict::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        for ((malicious, suspicious, harmless, undetected), expect) in [
            ((0, 0, 0, 0), Verdict::Unknown),
            ((0, 0, 0, 9), Verdict::Harmless),
            ((0, 0, 60, 9), Verdict::Harmless),
            ((0, 1, 60, 9), Verdict::Suspicious),
            ((2, 9, 60, 9), Verdict::Suspicious),
            ((3, 0, 60, 9), Verdict::Malicious),
            ((u32::MAX, u32::MAX, 0, 0), Verdict::Malicious),
        ] {
            let counts = Counts { malicious, suspicious, harmless, undetected };
            assert_eq!(counts.verdict(Thresholds::default()), expect, "{counts:?}");
        }
        let all = Thresholds { malicious_min: 0, suspicious_min: 0 };
        assert_eq!(Counts::default().verdict(all), Verdict::Unknown);
    }
}

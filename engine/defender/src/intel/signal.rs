//! What a lookup adds to the risk of an action.

use serde::{Deserialize, Serialize};

use super::indicator::Indicator;
use super::set::Lookup;
use super::verdict::{Counts, Verdict};
use crate::finding::{BLOCK_AT, Finding, REVIEW_AT, RuleId, Span};

/// What becomes of an action when a service was to be asked and no answer came: over quota, too slow, out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailMode {
    /// No answer is no signal. A service that is away, or a free key's quota, must not stop work.
    #[default]
    Open,
    /// A person is asked.
    Review,
}

/// A rule and what it adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// Which rule.
    pub rule: RuleId,
    /// What it adds to the risk.
    pub weight: f32,
}

impl Signal {
    /// The finding, pointing at where the indicator was.
    pub fn at(self, span: Span) -> Finding {
        Finding { rule: self.rule, span, weight: self.weight }
    }
}

/// What a lookup adds. `if_unchecked`: what to make of [`Lookup::Nothing`]; pass [`FailMode::Open`] when no service is
/// configured or the indicator is private, since then nobody was to be asked.
///
/// A list of the operator's blocks by itself; so does a malicious verdict, the more engines the surer. A suspicious
/// one, which one engine's mistake can be, takes it to review. Allowed, harmless and unknown add nothing: that an address
/// is fine says nothing for the words around it.
pub fn signal(indicator: &Indicator, lookup: &Lookup, if_unchecked: FailMode) -> Option<Signal> {
    let of = |url, domain, file| match indicator {
        Indicator::Url(_) => url,
        Indicator::Domain(_) => domain,
        Indicator::Sha256(_) => file,
    };
    let (rule, weight) = match *lookup {
        Lookup::Allowed => return None,
        Lookup::Blocked => (of("intel.blocked-url", "intel.blocked-domain", "intel.blocked-file"), 100.0),
        Lookup::Learned { verdict: Verdict::Malicious, counts, .. } => {
            let rule = of("intel.malicious-url", "intel.malicious-domain", "intel.malicious-file");
            (rule, malicious_weight(counts))
        }
        Lookup::Learned { verdict: Verdict::Suspicious, .. } => {
            (of("intel.suspicious-url", "intel.suspicious-domain", "intel.suspicious-file"), REVIEW_AT)
        }
        Lookup::Learned { verdict: Verdict::Harmless | Verdict::Unknown, .. } => return None,
        Lookup::Nothing => match if_unchecked {
            FailMode::Open => return None,
            FailMode::Review => ("intel.unchecked", REVIEW_AT),
        },
    };
    Some(Signal { rule, weight })
}

/// From [`BLOCK_AT`] up, a point an engine.
fn malicious_weight(counts: Counts) -> f32 {
    // At most 19, which a float holds exactly.
    BLOCK_AT + counts.malicious.min(19) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::{Domain, Sha256, Source, Url};

    #[track_caller]
    fn check(indicator: &Indicator, lookup: Lookup, fail: FailMode, expect: Option<(&str, f32)>) {
        let seen = signal(indicator, &lookup, fail).map(|signal| (signal.rule, signal.weight));
        assert_eq!(seen, expect, "{lookup:?}");
    }

    #[test]
    fn weights() {
        let url = Indicator::Url(Url::parse("https://a.example").unwrap());
        let domain = Indicator::Domain(Domain::parse("a.example").unwrap());
        let file = Indicator::Sha256(Sha256([0; 32]));
        let learned = |verdict, malicious| {
            let counts = Counts { malicious, ..Counts::default() };
            Lookup::Learned { verdict, source: Source::Virustotal, counts, of_host: false }
        };
        check(&url, Lookup::Blocked, FailMode::Open, Some(("intel.blocked-url", 100.0)));
        check(
            &domain,
            learned(Verdict::Malicious, 3),
            FailMode::Open,
            Some(("intel.malicious-domain", 83.0)),
        );
        check(&file, learned(Verdict::Malicious, 60), FailMode::Open, Some(("intel.malicious-file", 99.0)));
        check(&url, learned(Verdict::Suspicious, 1), FailMode::Open, Some(("intel.suspicious-url", 50.0)));
        check(&url, learned(Verdict::Harmless, 0), FailMode::Review, None);
        check(&url, learned(Verdict::Unknown, 0), FailMode::Review, None);
        check(&url, Lookup::Allowed, FailMode::Review, None);
        check(&url, Lookup::Nothing, FailMode::Open, None);
        check(&url, Lookup::Nothing, FailMode::Review, Some(("intel.unchecked", 50.0)));
    }
}

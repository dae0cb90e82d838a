//! Evidence, added up.

use crate::{Assessment, BLOCK_AT, FINDINGS_MAX, Finding, RuleId, Span};

/// Highest score that evidence for a review can add up to: no heap of doubts makes a certainty.
const REVIEW_TOP: f32 = BLOCK_AT - 0.5;
/// Share of a further finding that counts beside the strongest.
const FURTHER: f32 = 0.2;

/// The findings so far: one a rule, the strongest.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    findings: heapless::Vec<Finding, FINDINGS_MAX>,
}

impl Verdict {
    /// Notes a finding. One rule counts once; when full, the weakest goes.
    pub(crate) fn add(&mut self, rule: RuleId, weight: f32, span: Span) {
        if weight <= 0.0 {
            return;
        }
        let finding = Finding { rule, span, weight };
        if let Some(known) = self.findings.iter_mut().find(|known| known.rule == rule) {
            if known.weight < weight {
                *known = finding;
            }
            return;
        }
        if self.findings.push(finding).is_err()
            && let Some(weakest) = self.findings.iter_mut().min_by(|a, b| a.weight.total_cmp(&b.weight))
            && weakest.weight < weight
        {
            *weakest = finding;
        }
    }

    /// How many findings there are.
    pub(crate) fn count(&self) -> usize {
        self.findings.len()
    }

    /// Takes back that something could not be read, where it was only tried as a script.
    pub(crate) fn forget_unread(&mut self, count: usize) {
        while self.findings.len() > count
            && self.findings.last().is_some_and(|last| last.rule == super::id::UNREAD)
        {
            self.findings.pop();
        }
    }

    /// Whether the rule has been found.
    pub(crate) fn has(&self, rule: RuleId) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// The strongest finding so far.
    pub(crate) fn top(&self) -> f32 {
        self.findings.iter().map(|finding| finding.weight).fold(0.0, f32::max)
    }

    /// Adds up: the strongest finding, and a part of each further one.
    pub(crate) fn finish(mut self) -> Assessment {
        self.findings.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.rule.cmp(b.rule)));
        let mut safe = 1.0;
        for (index, finding) in self.findings.iter().enumerate() {
            let weight = (finding.weight / 100.0).clamp(0.0, 1.0);
            safe *= 1.0 - if index == 0 { weight } else { weight * FURTHER };
        }
        let mut score = (100.0 * (1.0 - safe)).clamp(0.0, 100.0);
        let top = self.top();
        if top < BLOCK_AT {
            score = score.min(REVIEW_TOP);
        }
        // Doubts that each pass alone may together ask for a person, but only when they nearly would alone.
        if top < 38.0 {
            score = score.min(crate::REVIEW_AT - 0.5);
        }
        Assessment { score, findings: self.findings }
    }
}

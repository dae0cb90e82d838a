//! What a signal saw, and where.

/// The most findings kept of one assessment: past these, more evidence does not change a verdict.
pub const FINDINGS_MAX: usize = 16;

/// Name of a rule, stable across releases since policies and audit records refer to it: `prompt.override`,
/// `command.reverse-shell`.
pub type RuleId = &'static str;

/// A range of bytes of the judged text, as it came in (not of a normalised or decoded view of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

/// One piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleId,
    /// What it points at.
    pub span: Span,
    /// What it adds to the risk, in points of 0 to 100. Negative where it speaks for the text.
    pub weight: f32,
}

/// What a guard makes of one text, before any policy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assessment {
    /// Risk, 0 to 100, fine-grained. Guards are calibrated to [`REVIEW_AT`] and [`BLOCK_AT`].
    pub score: f32,
    /// The evidence, strongest first.
    pub findings: heapless::Vec<Finding, FINDINGS_MAX>,
}

impl Assessment {
    /// Keeps a finding, the strongest first; the weakest makes room. The score stays.
    pub(crate) fn keep(&mut self, finding: Finding) {
        if self.findings.is_full() {
            self.findings.pop();
        }
        // There is room now.
        let _ = self.findings.push(finding);
        self.findings.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight));
    }
}

/// From this risk on a person is asked, unless a policy says otherwise.
pub const REVIEW_AT: f32 = 50.0;
/// From this risk on an action is blocked, unless a policy says otherwise.
pub const BLOCK_AT: f32 = 80.0;

//! From a guard's assessment to a decision.
//!
//! In this order, all of it deterministic:
//!
//! 1. Rules that count otherwise change the score: see [`adjusted`].
//! 2. The bonus of the tool and of the channel is added, and the sum is held to 0 to 100: this is the risk.
//! 3. The thresholds make a verdict of the risk; the floors of rules that found something, then of the tool, raise it.
//! 4. An allow-list hit makes it `allow`, unless a rule with the floor `block` found something.
//! 5. A deny list hit makes it `block`, whatever else was said.

use std::fmt;

use super::compiled::{Hit, ListKind, Listing};
use super::number::Risk;
use super::rules::RuleChange;
use super::verdict::{Mode, Verdict};
use super::{Policy, Thresholds};
use crate::{Assessment, FINDINGS_MAX, RuleId};

/// Most reasons of a decision: a change and a floor for each finding, two bonuses, two floors, two list hits, the score.
/// So none is ever left out.
pub const REASONS_MAX: usize = 2 * FINDINGS_MAX + 6;

/// What an action is about, as far as policies can tell actions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject<'a> {
    /// The tool, when one is used.
    pub tool: Option<&'a str>,
    /// The channel that it came through, when it came through one.
    pub channel: Option<&'a str>,
    /// The agent's id.
    pub agent: &'a str,
    /// The session's key.
    pub session: &'a str,
    /// What the lists say of it: [`Compiled::commands`](super::Compiled::commands) and its neighbours.
    pub listing: Listing,
}

/// One step on the way to a decision. Shows as a sentence for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The risk reached a threshold.
    Risk {
        /// The risk.
        risk: f32,
        /// What it reached.
        threshold: f32,
        /// What that asks for.
        verdict: Verdict,
    },
    /// A finding counted otherwise than the guard said.
    Changed {
        /// Whose.
        rule: RuleId,
        /// How.
        change: RuleChange,
    },
    /// A rule's floor.
    RuleFloor {
        /// Which rule.
        rule: RuleId,
        /// The least that what it finds gets.
        floor: Verdict,
    },
    /// The tool's floor.
    ToolFloor(Verdict),
    /// Points for the tool.
    ToolBonus(f32),
    /// Points for the channel.
    ChannelBonus(f32),
    /// It is on an allow-list.
    Allowed(ListKind),
    /// It is on an allow-list, and a blocking rule went before that.
    AllowedInVain(ListKind),
    /// It is on a deny list.
    Denied(ListKind),
}

/// What becomes of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What was decided. In audit mode: what would happen.
    pub verdict: Verdict,
    /// Whether it is acted on. When not, the action goes on.
    pub enforced: bool,
    /// 0 to 100, bonuses and changes counted. 100 when denied by a list.
    pub risk: f32,
    /// How it came to that, in order.
    pub reasons: heapless::Vec<Reason, REASONS_MAX>,
}

impl Decision {
    /// What happens to the action.
    pub fn effect(&self) -> Verdict {
        if self.enforced { self.verdict } else { Verdict::Allow }
    }

    /// It was let through only since the mode is audit: these are counted and recorded.
    pub fn would_have(&self) -> Option<Verdict> {
        (!self.enforced && self.verdict > Verdict::Allow).then_some(self.verdict)
    }
}

impl Policy {
    /// Decides. Same policy, assessment and subject: same decision. Allocates nothing. With [`Mode::Off`] everything
    /// is allowed and nothing is said; callers that ask the mode first save themselves the assessment.
    pub fn decide(&self, assessment: &Assessment, subject: &Subject<'_>) -> Decision {
        let mut decision = Decision {
            verdict: Verdict::Allow,
            enforced: self.mode == Mode::Enforce,
            risk: Risk::clamped(assessment.score).get(),
            reasons: heapless::Vec::new(),
        };
        if self.mode == Mode::Off {
            return decision;
        }
        let mut floor = Verdict::Allow;
        if self.changes_rules() {
            decision.risk = self.adjusted(assessment, subject, &mut decision.reasons);
            floor = self.rule_floors(assessment, subject, &mut decision.reasons);
        }
        let blocked_by_rule = floor == Verdict::Block;
        let tool = subject.tool.and_then(|tool| self.tools.get(tool)).copied().unwrap_or_default();
        let channel = subject.channel.and_then(|name| self.channels.get(name)).copied().unwrap_or_default();
        let (for_tool, for_channel) = (tool.bonus.get(), channel.bonus.get());
        if for_tool != 0.0 {
            note(&mut decision.reasons, Reason::ToolBonus(for_tool));
        }
        if for_channel != 0.0 {
            note(&mut decision.reasons, Reason::ChannelBonus(for_channel));
        }
        decision.risk = Risk::clamped(decision.risk + for_tool + for_channel).get();
        decision.verdict = by_risk(&self.thresholds, decision.risk, &mut decision.reasons).max(floor);
        if tool.floor > decision.verdict {
            note(&mut decision.reasons, Reason::ToolFloor(tool.floor));
            decision.verdict = tool.floor;
        }
        match subject.listing {
            Listing::Unlisted => {}
            Listing::Allowed(Hit { list, .. }) if blocked_by_rule => {
                note(&mut decision.reasons, Reason::AllowedInVain(list));
            }
            Listing::Allowed(Hit { list, .. }) => {
                note(&mut decision.reasons, Reason::Allowed(list));
                decision.verdict = Verdict::Allow;
            }
            Listing::Denied(Hit { list, .. }) => {
                note(&mut decision.reasons, Reason::Denied(list));
                decision.verdict = Verdict::Block;
                decision.risk = 100.0;
            }
        }
        decision
    }

    /// The score with changed rules. A guard's score need not be the sum of its findings: it may hold evidence without a
    /// rule (then it is above the sum), or be damped or cut off at 100 (then it is below). What lies above stays; what
    /// was cut off is not subtracted twice: without a finding of 60, three of 60 still make 100.
    fn adjusted(
        &self,
        assessment: &Assessment,
        subject: &Subject<'_>,
        reasons: &mut heapless::Vec<Reason, REASONS_MAX>,
    ) -> f32 {
        let score = Risk::clamped(assessment.score).get();
        let (mut sum, mut lowered, mut raised) = (0.0_f32, 0.0_f32, 0.0_f32);
        let mut any = false;
        for finding in &assessment.findings {
            let weight = if finding.weight.is_finite() { finding.weight } else { 0.0 };
            sum += weight;
            let change = self.rule(finding.rule, subject.agent, subject.session);
            let by = match change {
                Some(RuleChange::Off) => -weight,
                Some(RuleChange::Weight(points)) => points.get() - weight,
                Some(RuleChange::Floor(_)) | None => continue,
            };
            any = true;
            if by < 0.0 {
                lowered += by
            } else {
                raised += by
            }
            if let Some(change) = change {
                note(reasons, Reason::Changed { rule: finding.rule, change });
            }
        }
        if !any {
            return score;
        }
        let unnamed = (score - sum).max(0.0);
        Risk::clamped(score.min(unnamed + sum + lowered) + raised).get()
    }

    /// The strictest floor of the rules that found something.
    fn rule_floors(
        &self,
        assessment: &Assessment,
        subject: &Subject<'_>,
        reasons: &mut heapless::Vec<Reason, REASONS_MAX>,
    ) -> Verdict {
        let mut strictest = Verdict::Allow;
        for finding in &assessment.findings {
            if let Some(RuleChange::Floor(floor)) = self.rule(finding.rule, subject.agent, subject.session) {
                note(reasons, Reason::RuleFloor { rule: finding.rule, floor });
                strictest = strictest.max(floor);
            }
        }
        strictest
    }
}

fn by_risk(thresholds: &Thresholds, risk: f32, reasons: &mut heapless::Vec<Reason, REASONS_MAX>) -> Verdict {
    let verdict = thresholds.verdict(risk);
    let threshold = match verdict {
        Verdict::Allow => return verdict,
        Verdict::Review => thresholds.review.get(),
        Verdict::Block => thresholds.block.get(),
    };
    note(reasons, Reason::Risk { risk, threshold, verdict });
    verdict
}

fn note(reasons: &mut heapless::Vec<Reason, REASONS_MAX>, reason: Reason) {
    // There is room for every reason there can be: see `REASONS_MAX`.
    let full = reasons.push(reason).is_err();
    debug_assert!(!full);
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Risk { risk, threshold, verdict } => {
                write!(f, "risk {risk:.1} reaches {threshold}, from which on the policy says {verdict}")
            }
            Reason::Changed { rule, change: RuleChange::Weight(points) } => {
                write!(f, "the policy counts {rule} with {} points", points.get())
            }
            Reason::Changed { rule, .. } => write!(f, "the policy turns {rule} off"),
            Reason::RuleFloor { rule, floor } => {
                write!(f, "the policy wants at least {floor} for what {rule} finds")
            }
            Reason::ToolFloor(floor) => write!(f, "the policy wants at least {floor} for this tool"),
            Reason::ToolBonus(points) => write!(f, "{points:+} points for this tool"),
            Reason::ChannelBonus(points) => write!(f, "{points:+} points for this channel"),
            Reason::Allowed(list) => write!(f, "it is on the allow-list of {list}"),
            Reason::AllowedInVain(list) => {
                write!(f, "it is on the allow-list of {list}, but a rule that must block goes before that")
            }
            Reason::Denied(list) => write!(f, "it is on the deny list of {list}"),
        }
    }
}

//! One verdict on one action.
//!
//! A [`Defender`] holds a policy and all matchers, built once and swapped whole when the policy changes; a [`Scratch`]
//! holds the buffers of one judge. [`Defender::judge`] is a function of the request and the policy.

use std::sync::OnceLock;

use crate::action::{Action, Request};
use crate::command::{self, CommandGuard};
use crate::intel::{Extract, Extracted, FailMode, Indicator, IntelSet, Lookup, Sha256, Url, extract, signal};
use crate::policy::{
    Compiled, Decision, Hit, ListKind, Listing, Mode, Policy, PolicyError, Source, Subject, fold,
};
use crate::prompt::{self, PromptGuard};
use crate::{Assessment, Finding, Provenance, RuleId, Span};

/// Points of a tool call whose arguments could not be read to their end.
const UNREAD_ARGUMENTS: f32 = 60.0;
/// Most strings of a tool call's arguments that are looked at.
const STRINGS_MAX: usize = 256;

/// Longest piece of a text that is judged at once, bytes: a shard that judges owes its other connections a turn after it.
pub const SLICE_BYTES: usize = 32 * 1024;
/// Most addresses of one text that a service is asked about: one message must not spend a day's quota.
pub const UNKNOWN_MAX: usize = 8;
/// So much before a piece is read with it when phrases are looked for, so that what stands across an edge is seen whole.
const OVERLAP_BYTES: usize = 2 * 1024;

/// A policy, and everything needed to judge by it.
#[derive(Debug)]
pub struct Defender {
    policy: Compiled,
    source: Source,
    rules: command::Rules,
}

/// The guards of this process, the same under every policy. Each is built when it is first asked, about 10 ms: a gateway
/// that only serves idle clients keeps no tables for them, and a new policy costs nothing but itself.
static PROMPTS: OnceLock<PromptGuard> = OnceLock::new();
static COMMANDS: OnceLock<CommandGuard> = OnceLock::new();

fn prompts() -> &'static PromptGuard {
    PROMPTS.get_or_init(PromptGuard::new)
}

/// Whether messages are judged without building anything first.
pub fn guards_built() -> bool {
    PROMPTS.get().is_some()
}

/// Builds what messages are judged by, unless that was done. Blocks meanwhile, so a gateway calls it on a thread that
/// serves nobody. Whoever judges without it builds the same in place.
pub fn build_guards() {
    prompts();
}

/// Buffers of one judge, reused from action to action.
#[derive(Debug, Default)]
pub struct Scratch {
    prompt: prompt::Scratch,
    command: command::Scratch,
    folded: String,
    found: Extracted,
    unknown: Vec<Indicator>,
}

impl Scratch {
    /// What the last judgement met and nothing is known of, each once, as far as the policy's service may be asked about
    /// it: at most [`UNKNOWN_MAX`], the rest is met again by whoever repeats it.
    pub fn unknown(&self) -> &[Indicator] {
        &self.unknown
    }
}

/// How far a text was read, and what was found so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Where what was not read begins.
    at: usize,
    worst: Assessment,
    /// Nothing that follows can make it worse, or it is not read.
    certain: bool,
    progress: prompt::Progress,
    listing: Listing,
}

/// What is known of addresses and files.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Lists and what was learned.
    pub set: &'a IntelSet,
    /// What it means that nothing is known: [`FailMode::Open`] where no service is configured.
    pub if_unchecked: FailMode,
    /// The wall clock, milliseconds since 1970.
    pub now_ms: u64,
}

/// A decision, and the evidence for it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive] // only a judge makes one: a `Cleared` rests on it
pub struct Judgement {
    /// What becomes of the action.
    pub decision: Decision,
    /// What the guards saw.
    pub assessment: Assessment,
}

impl Judgement {
    /// The rules that found something, strongest first, each once.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        let findings = &self.assessment.findings;
        findings.iter().enumerate().filter_map(move |(at, finding)| {
            let before = findings.get(..at).unwrap_or_default();
            let new = finding.weight > 0.0 && before.iter().all(|earlier| earlier.rule != finding.rule);
            new.then_some(finding.rule)
        })
    }

    /// Why, in one line for people.
    pub fn explain(&self) -> String {
        let rules: Vec<&str> = self.rules().take(4).collect();
        let mut text = format!("risk {:.0} of 100", self.decision.risk);
        if !rules.is_empty() {
            text.push_str(": ");
            text.push_str(&rules.join(", "));
        }
        text
    }
}

impl Default for Defender {
    /// By the policy that an empty one means: everything is judged, nothing is stopped.
    fn default() -> Self {
        Self::with(Compiled::default())
    }
}

impl Defender {
    /// Builds the matchers of `policy`'s own lists. Fails only when its phrases are more than a matcher can hold.
    pub fn new(policy: Policy) -> Result<Defender, PolicyError> {
        Ok(Self::with(Compiled::new(policy)?))
    }

    fn with(policy: Compiled) -> Defender {
        let words = |list: &[crate::policy::Command]| list.iter().map(|command| command.0.clone()).collect();
        let rules = command::Rules {
            deny: words(&policy.policy().deny.commands),
            allow: words(&policy.policy().allow.commands),
        };
        Defender { policy, source: Source::default(), rules }
    }

    /// The same, with a note of where its policy came from; nothing is judged by that.
    pub fn read_from(self, source: Source) -> Defender {
        Defender { source, ..self }
    }

    /// Where its policy came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What it judges by.
    pub fn policy(&self) -> &Policy {
        self.policy.policy()
    }

    /// Whether anything is judged.
    pub fn is_on(&self) -> bool {
        self.policy.is_on()
    }

    /// What `status` says of it: the mode, and in words what that means.
    pub fn describe(&self) -> (&'static str, &'static str) {
        match self.policy().mode {
            Mode::Enforce => {
                ("enforce", "what is blocked does not happen, what is under review waits for a person")
            }
            Mode::Audit => ("audit", "everything is judged and recorded, nothing is stopped"),
            Mode::Off => ("off", "nothing is judged: everything passes"),
        }
    }

    /// Judges an action by what is known now; nobody is asked.
    pub fn judge(&self, request: &Request<'_>, known: Known<'_>, scratch: &mut Scratch) -> Judgement {
        let mut reading = Reading::default();
        while !self.read_on(request, &mut reading, scratch) {}
        self.conclude(request, reading, known, scratch)
    }

    /// Reads the next piece of an action, at most [`SLICE_BYTES`] of a prompt and the whole of anything else. `true`
    /// when all of it was read. Reading piece by piece finds what [`Defender::judge`] finds.
    pub fn read_on(&self, request: &Request<'_>, reading: &mut Reading, scratch: &mut Scratch) -> bool {
        if self.policy().mode == Mode::Off {
            return true;
        }
        let Reading { at, worst, certain, progress, listing } = reading;
        match request.action {
            Action::Prompt { text, from } => {
                let begin = *at;
                let mut end = text.floor_char_boundary(begin.saturating_add(SLICE_BYTES).min(text.len()));
                if *certain {
                    *at = end;
                } else {
                    let (worse, next) =
                        prompts().assess_part(text, begin, SLICE_BYTES, from, progress, &mut scratch.prompt);
                    if let Some(mut found) = worse {
                        *certain = found.score >= prompt::CERTAIN;
                        self.credit(from, &mut found);
                        *worst = found;
                    }
                    if let Some(mut unread) = progress.unread(text.len()) {
                        if from == Provenance::Operator {
                            unread.weight -= self.policy().operator_credit.get();
                        }
                        prompt::add_unread(worst, unread);
                        *certain = true;
                    }
                    *at = if *certain { end } else { next };
                    end = end.max(*at);
                }
                let before = text.floor_char_boundary(begin.saturating_sub(OVERLAP_BYTES));
                self.phrases(text.get(before..end).unwrap_or_default(), listing, scratch);
                return *at >= text.len();
            }
            Action::Command(line) => *worst = self.command(line, listing, scratch),
            Action::ToolCall { arguments, .. } => *worst = self.arguments(arguments, listing, scratch),
            Action::Url(_) | Action::File(_) => {}
        }
        true
    }

    /// Decides about an action that was read to its end.
    pub fn conclude(
        &self,
        request: &Request<'_>,
        reading: Reading,
        known: Known<'_>,
        scratch: &mut Scratch,
    ) -> Judgement {
        let Reading { worst: mut assessment, mut listing, .. } = reading;
        scratch.unknown.clear();
        if self.policy().mode != Mode::Off {
            if let (Some(channel), Some(sender)) = (request.channel, request.sender) {
                listing = listing.and(self.policy.sender(channel, sender));
            }
            self.known(request, known, &mut assessment, &mut listing, scratch);
        }
        self.decide(request, assessment, listing)
    }

    /// What becomes of an action that could not be judged in its time, or for which there was no place: a person is
    /// asked.
    pub fn unjudged(&self, request: &Request<'_>, rule: RuleId) -> Judgement {
        let mut assessment = Assessment::default();
        let weight = self.policy().thresholds.review.get();
        add(&mut assessment, Finding { rule, span: Span { start: 0, end: 0 }, weight });
        self.decide(request, assessment, Listing::Unlisted)
    }

    fn decide(&self, request: &Request<'_>, assessment: Assessment, listing: Listing) -> Judgement {
        let tool = match request.action {
            Action::ToolCall { name, .. } => Some(name),
            Action::Command(_) => Some("exec"),
            _ => None,
        };
        let subject = Subject {
            tool,
            channel: request.channel,
            agent: request.agent,
            session: request.session,
            listing,
        };
        Judgement { decision: self.policy().decide(&assessment, &subject), assessment }
    }

    fn prompt(
        &self,
        text: &str,
        from: Provenance,
        listing: &mut Listing,
        scratch: &mut Scratch,
    ) -> Assessment {
        self.phrases(text, listing, scratch);
        let mut assessment = prompts().assess(text, from, &mut scratch.prompt);
        self.credit(from, &mut assessment);
        assessment
    }

    /// Looks for the phrases that the policy denies.
    fn phrases(&self, text: &str, listing: &mut Listing, scratch: &mut Scratch) {
        if !self.policy().deny.phrases.is_empty() {
            fold(text, &mut scratch.folded);
            if let Listing::Denied(hit) = self.policy.prompt(&scratch.folded) {
                // The span is one of the folded text, and says nothing about this one.
                *listing = listing.and(Listing::Denied(Hit { span: None, ..hit }));
            }
        }
    }

    /// An operator's own words have some points for free.
    fn credit(&self, from: Provenance, assessment: &mut Assessment) {
        if from == Provenance::Operator {
            assessment.score = (assessment.score - self.policy().operator_credit.get()).max(0.0);
        }
    }

    fn command(&self, line: &str, listing: &mut Listing, scratch: &mut Scratch) -> Assessment {
        let assessment =
            COMMANDS.get_or_init(CommandGuard::new).assess_with(&self.rules, line, &mut scratch.command);
        let has = |rule| assessment.findings.iter().any(|finding| finding.rule == rule);
        let hit = Hit { list: ListKind::Commands, span: None };
        if has(command::DENIED) {
            *listing = listing.and(Listing::Denied(hit));
        } else if has(command::ALLOWED) {
            *listing = listing.and(Listing::Allowed(hit));
        }
        assessment
    }

    /// The worst of the strings that a tool is called with: those under a name that tools give to commands are judged
    /// as commands, the others as text that a tool hands on.
    fn arguments(&self, json: &str, listing: &mut Listing, scratch: &mut Scratch) -> Assessment {
        let mut worst = Assessment::default();
        let mut left = STRINGS_MAX;
        let parsed = serde_json::from_str::<serde_json::Value>(json);
        let whole = match &parsed {
            Ok(value) => {
                let mut open = vec![("", value)];
                while let Some((name, value)) = open.pop() {
                    match value {
                        serde_json::Value::String(text) if left > 0 => {
                            left -= 1;
                            let found = if is_command(name) {
                                self.command(text, listing, scratch)
                            } else {
                                self.prompt(text, Provenance::ToolOutput, listing, scratch)
                            };
                            if found.score > worst.score {
                                worst = found;
                            }
                        }
                        serde_json::Value::String(_) => {}
                        serde_json::Value::Array(items) => open.extend(items.iter().map(|item| (name, item))),
                        serde_json::Value::Object(fields) => {
                            open.extend(fields.iter().map(|(name, value)| (name.as_str(), value)));
                        }
                        _ => {}
                    }
                }
                left > 0
            }
            Err(_) => false,
        };
        // Spans are those of a string somewhere inside; of the whole they would be wrong.
        for finding in &mut worst.findings {
            finding.span = whole_of(json);
        }
        if !whole {
            add(
                &mut worst,
                Finding { rule: "tool.unread-arguments", span: whole_of(json), weight: UNREAD_ARGUMENTS },
            );
        }
        worst
    }

    /// What is known of the addresses and files in it.
    fn known(
        &self,
        request: &Request<'_>,
        known: Known<'_>,
        assessment: &mut Assessment,
        listing: &mut Listing,
        scratch: &mut Scratch,
    ) {
        let service = &self.policy().intel;
        let (asks, exposure) = (service.asks(), service.exposure());
        let Scratch { found: extracted, unknown, .. } = scratch;
        let mut one = |indicator: &Indicator, span: Span, denies_only: bool| {
            let listed = match indicator {
                Indicator::Url(url) => self.policy.url(url.as_str()),
                Indicator::Domain(domain) => self.policy.domain(domain.as_str()),
                Indicator::Sha256(hash) => self.policy.hash(&hash.0),
            };
            // A known address in a text says nothing for the text.
            if !denies_only || matches!(listed, Listing::Denied(_)) {
                *listing = listing.and(listed);
            }
            let found = known.set.lookup(indicator, known.now_ms);
            // Nobody is to be asked about what the policy decides itself, nor about what is private.
            let open = found == Lookup::Nothing && listed == Listing::Unlisted && indicator.is_public();
            // What stands for it outside may be known: it was asked about then.
            let is_unknown = asks && open && {
                let subject = exposure.subject(indicator);
                let nothing = known.set.lookup(&subject, known.now_ms) == Lookup::Nothing;
                if nothing && unknown.len() < UNKNOWN_MAX && !unknown.contains(&subject) {
                    unknown.push(subject);
                }
                nothing
            };
            let if_unchecked = if is_unknown { known.if_unchecked } else { FailMode::Open };
            if let Some(signal) = signal(indicator, &found, if_unchecked) {
                add(assessment, signal.at(span));
            }
        };
        match request.action {
            Action::Prompt { text, .. }
            | Action::Command(text)
            | Action::ToolCall { arguments: text, .. } => {
                extract(text, Extract::Explicit, extracted);
                for found in &extracted.found {
                    one(&found.indicator, found.span, true);
                }
            }
            Action::Url(text) => match Url::parse(text) {
                Ok(url) => one(&Indicator::Url(url), whole_of(text), false),
                // What cannot be read as an address cannot be looked up.
                Err(_) => add(
                    assessment,
                    Finding { rule: "url.unreadable", span: whole_of(text), weight: crate::REVIEW_AT },
                ),
            },
            Action::File(hash) => one(&Indicator::Sha256(Sha256(hash)), Span { start: 0, end: 0 }, false),
        }
    }
}

/// Names that tools give to an argument which a shell runs.
fn is_command(name: &str) -> bool {
    matches!(name, "command" | "cmd" | "script" | "shell" | "rawCommand" | "argv")
}

fn whole_of(text: &str) -> Span {
    Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }
}

/// Adds evidence from outside a guard.
fn add(assessment: &mut Assessment, finding: Finding) {
    assessment.score = (assessment.score + finding.weight).clamp(0.0, 100.0);
    assessment.keep(finding);
}

#[cfg(test)]
mod tests;

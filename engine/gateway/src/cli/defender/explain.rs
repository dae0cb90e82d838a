//! `pincer defender explain`: what a decision, or a rule, was about.

use std::process::ExitCode;

use clap::Args;
use pincer_defender::ledger::EntryId;
use pincer_defender::policy::Verdict;
use pincer_defender::{RULES, nearest_rule, rule_text};
use pincer_store::quarantine::{QuarantineReader, Shown};
use serde_json::json;

use super::quarantine::{describe, entry_json};
use crate::cli::{Context, Failure, Global, Output};

/// Say what a decision or a rule was about.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A decision's id or enough of its start, as events, refusals and `quarantine list` give it; a rule's, which has a dot in it; or `rules`,
    /// which lists all rules
    id: String,
}

/// Who finds what: the part of a rule's id before its dot.
const GUARDS: &[(&str, &str)] = &[
    ("prompt", "the prompt guard: a text that tries to take over the agent that reads it"),
    ("command", "the command guard: what a shell command would do to the machine"),
    ("intel", "threat intelligence: an address or file that a list or a service knows"),
    ("url", "an address that is about to be opened"),
    ("tool", "a tool's call"),
    ("defender", "the gateway, where a guard could not judge in time"),
];

/// Runs `pincer defender explain`.
pub(super) fn execute(args: &ExplainArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    // An entry's id has no dot, a rule's has one.
    if args.id.contains('.') {
        return rule(&args.id, output);
    }
    if args.id == "rules" {
        return list(output);
    }
    let id = EntryId::new(args.id.trim_end_matches('…')).ok_or_else(|| unknown(&args.id))?;
    let context = Context::open(global)?;
    let reader = QuarantineReader::new(&context.located.state_dir);
    let shown = reader.named(&id).map_err(Failure::new)?.ok_or_else(|| unknown(&args.id))?;
    if output.is_json() {
        output.document(&entry_json(&shown));
    } else {
        output.line(describe(&shown));
        output.line(next(&shown));
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(id: &str) -> Failure {
    Failure::new(format!("{id:?} is no decision that is kept, and no rule"))
        .fix("`pincer defender quarantine list` shows the ids; a rule's has a dot, as prompt.override")
}

fn list(output: &Output) -> Result<ExitCode, Failure> {
    if output.is_json() {
        let rules = RULES.iter().map(|rule| json!({"rule": rule.id, "meaning": rule.meaning}));
        output.document(&rules.collect::<Vec<_>>());
    } else {
        for rule in RULES {
            output.line(format!("{:<28} {}", rule.id, rule.meaning));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rule(id: &str, output: &Output) -> Result<ExitCode, Failure> {
    let found = rule_text(id).ok_or_else(|| {
        let fix = nearest_rule(id).map_or_else(
            || "`pincer defender explain rules` lists all".to_owned(),
            |near| format!("did you mean {near}? `pincer defender explain rules` lists all"),
        );
        Failure::new(format!("no guard has a rule {id:?}")).fix(fix)
    })?;
    let guard = id.split('.').next().unwrap_or_default();
    let by = GUARDS.iter().find(|(name, _)| *name == guard).map_or(guard, |(_, by)| by);
    if output.is_json() {
        output.document(&json!({"rule": id, "guard": guard, "meaning": found.meaning}));
    } else {
        output.line(format!(
            "{id}: {}\n  found by {by}\n  its findings: `pincer defender scan TEXT` shows the words that it points at\n  \
             to count it otherwise, in the policy: {}",
            found.meaning,
            override_line(id)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn override_line(rule: &str) -> String {
    format!("rules: {{ {rule:?}: \"off\" }} (or \"review\", \"block\", or points of -100 to 100)")
}

/// What a person may want to do next.
fn next(shown: &Shown) -> String {
    let entry = &shown.entry;
    let mut lines = vec![String::new()];
    if shown.payload.is_some() && shown.expired.is_none() {
        lines.push(format!("its text:         pincer defender quarantine show {} --payload", entry.id));
    }
    if entry.decision > Verdict::Allow
        && let Some(rule) = entry.rules.first()
    {
        lines.push(format!("if it was wrong:  change what `why` names; a rule so: {}", override_line(rule)));
    }
    lines.join("\n")
}

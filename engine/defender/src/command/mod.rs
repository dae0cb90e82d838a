//! What would this shell command do to the machine?
//!
//! A [`CommandGuard`] reads the command as a shell would, without running anything, and adds up what each part of it
//! could do. Start with [`CommandGuard::assess`].
//!
//! How it goes: `reader` walks lists, pipelines and groups; `word` resolves quotes and expansions; `simple` strips what
//! wraps a program (`sudo`, `env`, `timeout`) and hands the program to the tables of `family` and, where a table is not
//! enough, to a module that knows its arguments. What flows through pipes, files and variables is followed as `taint`.
//!
//! Bounds: see `scratch`. Time is linear in the command; what would unfold to more than a fixed amount of work, is
//! nested too deeply or is too long is a finding for review, never a pass.

mod ability;
mod code;
mod compound;
mod container;
mod core;
mod directory;
mod escape;
mod family;
mod files;
mod find;
mod flood;
mod id;
mod kill;
mod network;
mod output;
mod parameter;
mod path;
mod pattern;
mod place;
mod planted;
mod program;
mod reader;
mod redirect;
mod rules;
mod scratch;
mod shell;
mod simple;
mod source;
mod special;
mod taint;
mod verdict;
mod wildcard;
mod windows;
mod word;
mod wrap;

#[cfg(test)]
mod tests;

use crate::{Assessment, Finding, Span};

pub use id::{ALLOWED, DENIED};
pub use rules::Rules;
pub use scratch::{COMMAND_BYTES_MAX, Scratch};

/// The tables, built once. Pure: same command, same assessment.
#[derive(Debug)]
pub struct CommandGuard {
    programs: program::Programs,
    forms: Vec<pattern::Form>,
    paths: path::Paths,
    abilities: ability::Abilities,
}

impl Default for CommandGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl CommandGuard {
    /// Builds the tables.
    pub fn new() -> Self {
        let (programs, forms) = program::Programs::build();
        Self { programs, forms, paths: path::Paths::new(), abilities: ability::Abilities::new() }
    }

    /// Judges a shell command.
    pub fn assess(&self, command: &str, scratch: &mut Scratch) -> Assessment {
        self.judge(command, rules::Policy::new(None), scratch)
    }

    /// Judges a shell command under a policy's own patterns: what is denied is blocked, what is allowed passes.
    pub fn assess_with(&self, rules: &Rules, command: &str, scratch: &mut Scratch) -> Assessment {
        self.judge(command, rules::Policy::new(Some(rules)), scratch)
    }

    fn judge(&self, command: &str, policy: rules::Policy<'_>, scratch: &mut Scratch) -> Assessment {
        scratch.clear();
        let bytes = command.as_bytes();
        let whole = Span { start: 0, end: u32::try_from(bytes.len()).unwrap_or(u32::MAX) };
        let mut reader = reader::Reader::new(self, scratch, policy);
        reader.whole(bytes.get(..bytes.len().min(COMMAND_BYTES_MAX)).unwrap_or_default());
        if reader.verdict.has(id::UNREAD) {
            reader.unread_text(bytes);
        }
        let policy = reader.policy;
        let mut verdict = reader.verdict;
        if bytes.len() > COMMAND_BYTES_MAX {
            verdict.add(id::TOO_LONG, 64.0, whole);
        }
        if policy.is_denied() {
            verdict.add(id::DENIED, 100.0, whole);
        } else if policy.is_allowed() && bytes.len() <= COMMAND_BYTES_MAX {
            let mut findings = heapless::Vec::new();
            let _ = findings.push(Finding { rule: id::ALLOWED, span: whole, weight: -100.0 });
            return Assessment { score: 0.0, findings };
        }
        verdict.finish()
    }
}

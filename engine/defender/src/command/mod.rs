//! What would this shell command do to the machine?
//!
//! A [`CommandGuard`] reads the command as a shell would, without running anything, and adds up what each part of it
//! could do. Start with [`CommandGuard::assess`].

use crate::Assessment;

/// The tables, built once. Pure: same command, same assessment.
#[derive(Debug, Default)]
pub struct CommandGuard {}

/// Buffers of one judge, reused from command to command.
#[derive(Debug, Default)]
pub struct Scratch {}

impl CommandGuard {
    /// Builds the tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stub.
    pub fn assess_with(&self, _: &Rules, command: &str, scratch: &mut Scratch) -> Assessment {
        self.assess(command, scratch)
    }

    /// Judges a shell command.
    pub fn assess(&self, _command: &str, _scratch: &mut Scratch) -> Assessment {
        Assessment::default()
    }
}

/// Stub.
#[derive(Debug, Default)]
pub struct Rules {
    /// Stub.
    pub deny: Vec<Vec<String>>,
    /// Stub.
    pub allow: Vec<Vec<String>>,
}
/// Stub.
pub const DENIED: crate::RuleId = "command.denied";
/// Stub.
pub const ALLOWED: crate::RuleId = "command.allowed";

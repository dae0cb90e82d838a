//! `pincer gateway run`: assembles a gateway and runs it until it is told to stop.

use std::process::ExitCode;

use crate::cli::{Failure, Global, Output, RunOptions, prepare};

/// Runs a gateway. Returns when it has stopped.
pub(crate) fn run(options: RunOptions, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let prepared = prepare(&options, global)?;
    prepared.announce(output);
    // The engine is wired here by the shard's author.
    Err(Failure::new(format!(
        "this build has no engine yet; it would listen on {} with state in {}",
        prepared.plan.listen,
        prepared.context.located.state_dir.display()
    )))
}

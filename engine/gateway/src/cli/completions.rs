//! `pincer completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure, Output};

/// Put the script where your shell looks for it, e.g. `pincer completions bash > /etc/bash_completion.d/pincer`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn execute(args: &CompletionsArgs, output: &Output) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pincer", &mut script);
    output.line(String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

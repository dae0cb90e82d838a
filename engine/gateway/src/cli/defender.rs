//! `pincer defender`: what is watched.

mod host;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, Global, Output};

/// Look after this machine
#[derive(Debug, Args)]
pub(crate) struct DefenderArgs {
    #[command(subcommand)]
    command: DefenderCommand,
}

#[derive(Debug, Subcommand)]
enum DefenderCommand {
    /// Watch files of this machine for changes
    Host(host::HostArgs),
}

/// Runs `pincer defender …`.
pub(crate) fn execute(args: &DefenderArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match &args.command {
        DefenderCommand::Host(args) => host::execute(args, global, output),
    }
}

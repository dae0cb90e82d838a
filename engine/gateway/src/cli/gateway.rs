//! `pincer gateway`: run one, look at one, call its methods.

mod call;
mod events;
mod probe;
mod state;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::connect::ConnectArgs;
use super::{Failure, Global, Output, RunOptions};

/// Run a gateway, look at one, call its methods.
#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    command: GatewayCommand,
}

#[derive(Debug, Subcommand)]
enum GatewayCommand {
    /// Run a gateway until it is told to stop
    Run(RunOptions),
    /// Show where the gateway is and whether it answers
    Status(ConnectArgs),
    /// Reach for the gateway step by step, and show how far that goes
    Probe(ConnectArgs),
    /// Call one method and print what it answers
    Call(call::CallArgs),
    /// Print events as they come, one JSON document a line
    Events(events::EventsArgs),
}

/// Runs `pincer gateway …`.
pub(crate) fn execute(args: GatewayArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        GatewayCommand::Run(options) => crate::run::run(options, global, output),
        GatewayCommand::Status(args) => state::execute(&args, global, output),
        GatewayCommand::Probe(args) => probe::execute(&args, global, output),
        GatewayCommand::Call(args) => call::execute(&args, global, output),
        GatewayCommand::Events(args) => events::execute(&args, global, output),
    }
}

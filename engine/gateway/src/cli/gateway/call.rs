//! `pincer gateway call`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::cli::connect::{ConnectArgs, connect};
use crate::cli::{Failure, Global, Output};

/// Call one method and print what it answers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer gateway call health
  pincer gateway call sessions.list --params '{\"limit\": 5}'
  pincer gateway call agent --expect-final --params '{\"message\":\"hi\",\"sessionKey\":\"main\",\"idempotencyKey\":\"1\"}'")]
pub(crate) struct CallArgs {
    /// The method's name
    method: String,
    /// Its params, as JSON5
    #[arg(long, value_name = "JSON", default_value = "{}")]
    params: String,
    /// Wait for the second answer of methods that first say "accepted"
    #[arg(long)]
    expect_final: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Calls. The answer is JSON with and without `--json`.
pub(crate) fn execute(args: &CallArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let params: Value = pincer_config::parse::parse(&args.params)
        .map_err(|error| Failure::new(format!("--params is not JSON: {error}")))?;
    let mut session = connect(&args.connect, global)?;
    let answer = if args.expect_final {
        session.call_final(&args.method, &params)
    } else {
        session.call(&args.method, &params)
    }?;
    output.document(&answer);
    session.client.close();
    Ok(ExitCode::SUCCESS)
}

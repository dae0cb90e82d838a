//! `pincer gateway events`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::cli::connect::{ConnectArgs, connect};
use crate::cli::{Failure, Global, Output};

/// How long one wait for an event is; only how soon `--seconds` is noticed depends on it.
const WAIT: Duration = Duration::from_secs(1);

/// Print events as they come, one JSON document a line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer gateway events --name chat
  pincer gateway events --seconds 60 | jq -c .event")]
pub(crate) struct EventsArgs {
    /// Only events of this name; may be given several times
    #[arg(long = "name", value_name = "EVENT")]
    names: Vec<String>,
    /// Stop after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Prints until the time is over or the gateway goes away.
pub(crate) fn execute(args: &EventsArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let end = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let left = end.map_or(WAIT, |end| end.saturating_duration_since(Instant::now()).min(WAIT));
        if left.is_zero() {
            session.client.close();
            return Ok(ExitCode::SUCCESS);
        }
        let event = session.client.next_event(left).map_err(|error| session.failure(&error))?;
        if let Some(event) = event.filter(|event| args.names.is_empty() || args.names.contains(&event.name)) {
            output.line(json!({"event": event.name, "seq": event.seq, "payload": event.payload}).to_string());
        }
    }
}

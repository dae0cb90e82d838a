//! `pincer approvals`: what waits for a person.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::connect::{ConnectArgs, connect};
use super::table::{cut, printable, table};
use super::{Failure, Global, Output};
use crate::client::now_ms;

/// Widest command in a table, characters.
const COMMAND_CHARS_MAX: usize = 60;

/// Decide what waits for a person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer approvals list
  pincer approvals approve 3f2a                this time only; enough of the id's start will do
  pincer approvals deny 3f2a")]
pub(crate) struct ApprovalsArgs {
    #[command(subcommand)]
    command: ApprovalsCommand,
}

#[derive(Debug, Subcommand)]
enum ApprovalsCommand {
    /// List what waits
    List(ConnectArgs),
    /// Let it happen
    Approve(ApproveArgs),
    /// Refuse it
    Deny(DenyArgs),
}

#[derive(Debug, Args)]
struct ApproveArgs {
    /// The approval's id, or enough of its start
    id: String,
    /// From now on, too
    #[arg(long)]
    always: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Args)]
struct DenyArgs {
    /// The approval's id, or enough of its start
    id: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// One of `exec.approval.list`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Approval {
    id: String,
    request: Request,
    expires_at_ms: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request {
    command: String,
    warning_text: Option<String>,
    host: Option<String>,
    session_key: Option<String>,
}

/// Runs `pincer approvals …`.
pub(crate) fn execute(args: ApprovalsArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        ApprovalsCommand::List(connect_args) => {
            let mut session = connect(&connect_args, global)?;
            let answer = session.call("exec.approval.list", &json!({}))?;
            session.client.close();
            list(answer, output)
        }
        ApprovalsCommand::Approve(ApproveArgs { id, always, connect }) => {
            let (decision, done) =
                if always { ("allow-always", "may always happen") } else { ("allow-once", "may happen") };
            decide(&id, decision, done, &connect, global, output)
        }
        ApprovalsCommand::Deny(DenyArgs { id, connect }) => {
            decide(&id, "deny", "was refused", &connect, global, output)
        }
    }
}

fn list(answer: Value, output: &Output) -> Result<ExitCode, Failure> {
    if output.is_json() {
        output.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let approvals: Vec<Approval> = serde_json::from_value(answer).map_err(Failure::new)?;
    if approvals.is_empty() {
        output.line("nothing waits for a person");
    } else {
        output.line(approvals_table(&approvals, now_ms()));
    }
    Ok(ExitCode::SUCCESS)
}

fn approvals_table(approvals: &[Approval], now: u64) -> String {
    let rows: Vec<[String; 6]> = approvals
        .iter()
        .map(|one| {
            let Request { command, warning_text, host, session_key } = &one.request;
            let left = one.expires_at_ms.saturating_sub(now).div_ceil(1_000);
            [
                one.id.clone(),
                cut(&printable(command), COMMAND_CHARS_MAX),
                cut(&printable(warning_text.as_deref().unwrap_or_default()), COMMAND_CHARS_MAX),
                host.clone().unwrap_or_default(),
                session_key.clone().unwrap_or_default(),
                format!("{left} s"),
            ]
        })
        .collect();
    table(["APPROVAL", "WHAT", "WARNING", "WHERE", "SESSION", "LEFT"], &rows)
}

fn decide(
    id: &str,
    decision: &str,
    done: &str,
    connect_args: &ConnectArgs,
    global: &Global,
    output: &Output,
) -> Result<ExitCode, Failure> {
    // `…` at the end, as tables show cut ids, is fine.
    let id = id.trim_end_matches('…');
    let mut session = connect(connect_args, global)?;
    let answer = session.call("exec.approval.resolve", &json!({"id": id, "decision": decision}))?;
    session.client.close();
    if output.is_json() {
        output.document(&answer);
    } else {
        output.line(format!("{} {done}", printable(id)));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_shown_in_a_line_each() {
        let answer = json!([{
            "id": "abc", "expiresAtMs": 3_500,
            "request": {"command": "one\ntwo", "warningText": null, "host": "gateway", "sessionKey": "agent:main:main"},
        }]);
        let approvals: Vec<Approval> = serde_json::from_value(answer).expect("as the gateway answers");
        let shown = approvals_table(&approvals, 1_000);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("abc") && shown.contains("3 s") && shown.contains("gateway"), "{shown}");
    }
}

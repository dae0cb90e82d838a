//! `pincer defender quarantine`: what was stopped, or would have been.

mod entry;
mod export;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pincer_defender::ledger::EntryId;
use pincer_store::quarantine::{LIST_MAX, Quarantine, QuarantineError, QuarantineReader, Release};
use serde_json::{Value, json};

use crate::cli::connect::{ConnectArgs, connect};
use crate::cli::doctor::lock::{Holder, holder};
use crate::cli::table::{cut, table};
use crate::cli::time::ago;
use crate::cli::{Context, Failure, Global, Output};
use crate::client::now_ms;

pub(super) use entry::{describe, entry_json};

/// Look into what was stopped, and check that nobody changed it.
#[derive(Debug, Args)]
#[command(after_help = "\
All of it works beside a running gateway.

Examples:
  pincer defender quarantine list
  pincer defender quarantine show ID --payload > text
  pincer defender quarantine verify                  keep the head that it prints somewhere else
  pincer defender quarantine export --payloads evidence.jsonl")]
pub(super) struct QuarantineArgs {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
enum QuarantineCommand {
    /// List decisions, newest first
    List(ListArgs),
    /// Show one decision, or the text that it stopped
    Show(ShowArgs),
    /// Write the whole ledger to a file; it verifies as the ledger does
    Export(export::ExportArgs),
    /// Check that nothing was changed or removed; exit code 1 when something was
    Verify,
    /// Let a blocked message through: the gateway says it as it was said, and the ledger notes who answers for it
    Release(ReleaseArgs),
    /// Print where it is
    Path,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// How many
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=LIST_MAX as i64))]
    limit: u16,
    /// Only those before this number (the first column)
    #[arg(long, value_name = "N")]
    before: Option<u64>,
    /// Only those whose text was kept: what was stopped, without what audit mode let through
    #[arg(long)]
    stopped: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The decision's id; enough of its start will do
    id: String,
    /// Print the text that was stopped, as it came, and nothing else
    #[arg(long)]
    payload: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The message goes to its session as it was said, once, with its attachments as far as they were kept. What is no message,
and what an older version kept, is noted alone; the answer says so. Delivering takes a running gateway. What waits for a
review is let through there too, by deciding its approval.")]
struct ReleaseArgs {
    /// The decision's id; enough of its start will do
    id: String,
    /// Who lets it through
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Note it in the ledger, and deliver nothing; `show ID --payload` prints the text
    #[arg(long)]
    note_only: bool,
    /// How to reach the gateway, while one runs on this state directory
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs `pincer defender quarantine …`.
pub(super) fn execute(args: QuarantineArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let reader = QuarantineReader::new(&context.located.state_dir);
    match args.command {
        QuarantineCommand::List(args) => list(&args, &reader, output),
        QuarantineCommand::Show(args) => {
            entry::show(&known_id(&args.id, &reader)?, args.payload, &reader, output)
        }
        QuarantineCommand::Export(args) => export::execute(&args, &reader, output),
        QuarantineCommand::Verify => verify::execute(&reader, output),
        QuarantineCommand::Release(args) => release(&args, &context, &reader, global, output),
        QuarantineCommand::Path => {
            let path = folder(&context);
            if output.is_json() {
                output.document(&json!({"path": path, "exists": path.exists()}));
            } else {
                output.line(path.display().to_string());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Where the quarantine of a state directory is.
fn folder(context: &Context) -> PathBuf {
    context.located.state_dir.join("quarantine")
}

/// The entry that is meant: enough of its id's start will do. Tables cut ids and put `…` behind them.
fn known_id(text: &str, reader: &QuarantineReader) -> Result<EntryId, Failure> {
    let start = EntryId::new(text.trim_end_matches('…')).ok_or_else(|| {
        Failure::new(format!("{text:?} is no decision's id"))
            .fix("`pincer defender quarantine list` shows them")
    })?;
    let shown = reader.named(&start).map_err(Failure::new)?;
    Ok(shown.map_or(start, |shown| shown.entry.id))
}

fn list(args: &ListArgs, reader: &QuarantineReader, output: &Output) -> Result<ExitCode, Failure> {
    let page = reader.list(args.before, usize::from(args.limit), args.stopped).map_err(Failure::new)?;
    if output.is_json() {
        let entries: Vec<_> = page.entries.iter().map(entry_json).collect();
        output.document(&json!({"entries": entries, "next": page.next}));
        return Ok(ExitCode::SUCCESS);
    }
    if page.entries.is_empty() {
        output.line("nothing was stopped, and nothing would have been");
        return Ok(ExitCode::SUCCESS);
    }
    let now = now_ms();
    let rows: Vec<[String; 8]> = page
        .entries
        .iter()
        .map(|shown| {
            let one = &shown.entry;
            [
                shown.n.to_string(),
                one.id.to_string(),
                ago(Some(shown.at_ms), now),
                entry::outcome(shown),
                format!("{:.0}", one.risk),
                cut(&one.rules.join(","), 40),
                cut(&one.session, 32),
                cut(&one.preview, 60),
            ]
        })
        .collect();
    output.line(table(["N", "ID", "WHEN", "DECISION", "RISK", "RULES", "SESSION", "TEXT"], &rows));
    if let Some(next) = page.next {
        output.remark(format!("there are older ones: --before {next}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn release(
    args: &ReleaseArgs,
    context: &Context,
    reader: &QuarantineReader,
    global: &Global,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let id = known_id(&args.id, reader)?;
    if args.by.trim().is_empty() {
        return Err(Failure::new("--by is empty: the ledger says who let something through"));
    }
    let state_dir = &context.located.state_dir;
    // A running gateway writes the ledger, and there is only one writer: it is asked to.
    if let Holder::Running(_) = holder(state_dir) {
        let mut session = connect(&args.connect, global)?;
        let params = json!({"id": id, "by": args.by.trim(), "noteOnly": args.note_only});
        let answer = session.call("security.quarantine.release", &params)?;
        session.client.close();
        say_released(&id, args.by.trim(), answer, output);
        return Ok(ExitCode::SUCCESS);
    }
    // Asked before it is opened for writing: an id that nobody knows makes no folders.
    let shown = reader.show(&id).map_err(Failure::new)?;
    let shown = shown.ok_or_else(|| Failure::new(QuarantineError::Unknown { id: id.clone() }))?;
    let could_be_said = shown.turn.is_some() && shown.released.is_none() && shown.expired.is_none();
    if could_be_said && !args.note_only {
        return Err(Failure::new(
            "no gateway runs on this state directory, so the message cannot be delivered",
        )
        .fix("start it, or give --note-only to write down the release alone"));
    }
    let policy = context.policy().map_err(Failure::config)?;
    let opened =
        Quarantine::open(state_dir, policy.quarantine, now_ms(), true).map_err(|error| match error {
            QuarantineError::Open(pincer_store::OpenError::Locked { pid, .. }) => held(pid),
            error => Failure::new(error),
        })?;
    opened.report.iter().for_each(|line| output.remark(line));
    let mut quarantine = opened.quarantine;
    let released = quarantine.release(now_ms(), &id, args.by.trim()).map_err(Failure::new)?;
    quarantine.take_notes().iter().for_each(|line| output.remark(line));
    let before = released == Release::Before;
    let document = json!({
        "id": id, "released": true, "before": before, "delivered": false, "head": quarantine.head(),
    });
    say_released(&id, args.by.trim(), document, output);
    Ok(ExitCode::SUCCESS)
}

fn say_released(id: &EntryId, by: &str, document: Value, output: &Output) {
    let is = |name: &str| document.get(name) == Some(&json!(true));
    if output.is_json() {
        output.document(&document);
    } else if is("before") {
        output.line(format!("{id} was let through before; nothing was added, and nothing is sent again"));
    } else if is("delivered") {
        output.line(format!("{id} was let through by {by}, and is delivered to its session"));
    } else {
        output.line(format!("{id} is noted as let through by {by}; nothing was sent"));
        if let Some(note) = document.get("note").and_then(Value::as_str) {
            output.remark(note);
        }
    }
}

/// A gateway writes the ledger, and there is only one writer.
fn held(pid: Option<u32>) -> Failure {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    Failure::new(format!(
        "a gateway runs on this state directory ({who}) and is the only one that may write its ledger"
    ))
    .fix("it has just started: try again")
}

//! `pincer defender host`: is this machine still as it was?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pincer_defender::host::{Drift, Raised};
use pincer_runtime::integrity::Config;
use serde_json::json;

use crate::cli::time::ago;
use crate::cli::{Context, Failure, Global, Output};
use crate::client::now_ms;
use crate::integrity::watching::line_of;
use crate::integrity::{Checked, Made, Places, accept, baseline, check, unplaced, watched};

/// Exit code of `check` when something differs, or stands.
const DIFFERS: u8 = 1;

/// Watch files of this machine: those of `defender.host.paths`, the program, its config and its identity.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer defender host baseline     take everything as it is for good, the first time
  pincer defender host check        what differs since; exit code 1 when something does
  pincer defender host accept       take everything as it is now for good")]
pub(crate) struct HostArgs {
    #[command(subcommand)]
    command: HostCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum HostCommand {
    /// Make the first baseline
    Baseline,
    /// Compare with the baseline; exit code 1 when something differs, or stood and nobody accepted it
    Check,
    /// Make a new baseline of everything as it is now; a running gateway takes it at once
    Accept,
}

/// Runs `pincer defender host …`.
pub(crate) fn execute(args: &HostArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let policy = context.policy().map_err(Failure::config)?;
    let home = context.environment.get("HOME").map(PathBuf::from);
    let located = &context.located;
    let state_dir = located.state_dir.as_path();
    for path in unplaced(&policy, home.as_deref()) {
        output.remark(format!("{path} is not watched: HOME is not set"));
    }
    let config = watched(&policy, &located.config_path, state_dir, home.as_deref());
    let places = Places::of(state_dir);
    match args.command {
        HostCommand::Baseline => made(&baseline(&places, &config, now_ms()).map_err(Failure::new)?, output),
        HostCommand::Accept => made(&accept(&places, &config, now_ms()).map_err(Failure::new)?, output),
        HostCommand::Check => {
            return Ok(checked(&check(&places, &config, now_ms()).map_err(Failure::new)?, &config, output));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn made(made: &Made, output: &Output) {
    let Made { entries, created_at_ms, key, problems, accepted } = made;
    if output.is_json() {
        return output.document(&json!({
            "entries": entries, "createdAtMs": created_at_ms, "publicKey": key, "problems": problems,
            "accepted": accepted,
        }));
    }
    if let Some(raised) = accepted {
        output.line(format!("accepted: {}", standing(raised)));
        raised.worst.items.iter().for_each(|item| output.line(line_of(item)));
    }
    output.line(format!("{entries} paths are in the baseline, signed by {key}"));
    output.line("keep that key and the time elsewhere: whoever is root here could sign another");
    for problem in problems {
        output.remark(problem);
    }
}

fn checked(checked: &Checked, config: &Config, output: &Output) -> ExitCode {
    let Checked { created_at_ms, key, drift, raised, problems } = checked;
    let code = if drift.is_clean() && raised.is_none() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) };
    if output.is_json() {
        output.document(&json!({
            "ok": drift.is_clean() && raised.is_none(), "createdAtMs": created_at_ms, "publicKey": key,
            "drift": drift, "standing": raised, "problems": problems,
        }));
        return code;
    }
    let roots = config.roots().len();
    output.line(format!(
        "{roots} files and trees against the baseline of {}, signed by {key}",
        ago(Some(*created_at_ms), now_ms())
    ));
    differences(drift, output);
    if let Some(raised) = raised {
        output.line(standing(raised));
        output.line("`pincer defender host accept` takes everything as it is now for good");
    }
    for problem in problems {
        output.remark(problem);
    }
    code
}

fn differences(drift: &Drift, output: &Output) {
    if drift.is_clean() {
        return output.line("nothing differs");
    }
    for item in &drift.items {
        output.line(line_of(item));
    }
    if drift.unlisted() > 0 {
        output.line(format!("and {} more differ", drift.unlisted()));
    }
    if drift.cut {
        output.line("there is more than can be looked at; what was not seen is not listed");
    }
}

fn standing(raised: &Raised) -> String {
    let undone = if raised.now.is_clean() { ", undone meanwhile" } else { "" };
    format!("something differed since {}{undone}", ago(Some(raised.since_ms), now_ms()))
}

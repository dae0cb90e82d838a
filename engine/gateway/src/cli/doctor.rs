//! `pincer doctor`: looks for what is wrong, and says what helps.

mod defender;
pub(crate) mod lock;
mod machine;
mod places;
mod reach;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::connect::ConnectArgs;
use super::table::table;
use super::{Context, Failure, Global, Output};

/// Look for what is wrong, and say what helps. Exit code 1 when something is.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Do not try to reach the gateway
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// As it should be.
    Ok,
    /// Works, but could be better.
    Warn,
    /// Does not work.
    Fail,
}

/// One check. Its id never changes: scripts and people's notes refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// `state.owner`
    pub(crate) id: &'static str,
    /// What was found.
    pub(crate) grade: Grade,
    /// In words.
    pub(crate) message: String,
    /// What to do; empty when nothing is needed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) fix: String,
}

impl Check {
    /// All is well.
    pub(crate) fn ok(id: &'static str, message: impl Into<String>) -> Check {
        Check { id, grade: Grade::Ok, message: message.into(), fix: String::new() }
    }

    /// It works, but.
    pub(crate) fn warn(id: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { id, grade: Grade::Warn, message: message.into(), fix: fix.into() }
    }

    /// It does not work.
    pub(crate) fn fail(id: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { id, grade: Grade::Fail, message: message.into(), fix: fix.into() }
    }
}

/// Runs every check.
pub(crate) fn execute(args: &DoctorArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let mut checks = places::checks(&context);
    checks.extend(defender::checks(&context));
    checks.extend(machine::checks(&context));
    checks.extend(reach::checks(&context, &args.connect, args.offline));
    let failed = checks.iter().any(|check| check.grade == Grade::Fail);
    if output.is_json() {
        output.document(&json!({"ok": !failed, "checks": checks}));
    } else {
        let rows: Vec<[String; 3]> = checks
            .iter()
            .map(|check| {
                let grade = match check.grade {
                    Grade::Ok => "ok",
                    Grade::Warn => "warn",
                    Grade::Fail => "FAIL",
                };
                [grade.to_owned(), check.id.to_owned(), check.message.clone()]
            })
            .collect();
        output.line(table(["", "CHECK", "FOUND"], &rows));
        for check in checks.iter().filter(|check| !check.fix.is_empty()) {
            output.line(format!("\n{}: {}", check.id, check.fix));
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

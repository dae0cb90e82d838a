//! `pincer defender host`: whether watched files are still what they were.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pincer_defender::host::{Alert, Baseline, CompareOptions, Drift, Field, Item, Severity, What, compare};
use pincer_runtime::integrity::{
    Scanned, load_alert, load_baseline, load_key, load_or_create_key, save_alert, save_baseline, scan,
};
use serde_json::json;

use crate::cli::failure::exit;
use crate::cli::file::create_private_dir;
use crate::cli::table::table;
use crate::cli::time::ago;
use crate::cli::{Context, Failure, Global, Output};
use crate::client::now_ms;
use crate::guard;
use crate::host::{HostFiles, watched};

/// Look whether watched files are still what they were.
#[derive(Debug, Args)]
#[command(after_help = "\
Watched are this binary, the config, the gateway's identity, and what the policy names in host.paths.
What differs stands as an alert until it is accepted, also when it was undone.

Examples:
  pincer config set defender.host.paths '[\"/etc/ssh\", \"~/.ssh/authorized_keys\"]'
  pincer defender host baseline
  pincer defender host check                         exit code 1 when something differs, or did
  pincer defender host accept")]
pub(super) struct HostArgs {
    #[command(subcommand)]
    command: HostCommand,
}

#[derive(Debug, Subcommand)]
enum HostCommand {
    /// Take everything as it is now for good, for the first time
    Baseline,
    /// Compare with what was taken for good; exit code 1 when something differs, or did and was not accepted
    Check,
    /// Take everything as it is now for good, and end the alert
    Accept,
}

/// What each command needs.
struct Watch {
    files: HostFiles,
    found: Scanned,
    state_dir: PathBuf,
}

/// Runs `pincer defender host …`.
pub(super) fn execute(args: HostArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let policy = guard::policy(&context.loaded.config.defender)
        .map_err(|error| Failure::config(format!("the config's `defender` section is not valid: {error}")))?;
    let home = context.environment.get("HOME").map(PathBuf::from);
    let config = watched(&context.located, &policy.host, home.as_deref());
    let watch = Watch {
        files: HostFiles::below(&context.located.state_dir),
        found: scan(&config),
        state_dir: context.located.state_dir.clone(),
    };
    watch.found.problems.iter().for_each(|problem| output.remark(problem));
    match args.command {
        HostCommand::Baseline => watch.first(output),
        HostCommand::Check => watch.check(output),
        HostCommand::Accept => watch.accept(output),
    }
}

impl Watch {
    fn first(self, output: &Output) -> Result<ExitCode, Failure> {
        if self.files.baseline.exists() {
            return Err(Failure::new(format!("{} exists", self.files.baseline.display()))
                .fix("`pincer defender host check` compares with it, `accept` replaces it"));
        }
        if !self.state_dir.is_dir() {
            return Err(Failure::new(format!("{} does not exist", self.state_dir.display()))
                .fix("start the gateway once, or pass --state-dir"));
        }
        self.take(None, output)
    }

    fn accept(self, output: &Output) -> Result<ExitCode, Failure> {
        if !self.files.baseline.exists() {
            return Err(no_baseline());
        }
        // One that is not believed is no reason to stop: to accept is to replace it. But it is said.
        match load_key(&self.files.key).map_err(Failure::new)? {
            None => output.remark(format!("{} is gone; another key is made", self.files.key.display())),
            Some(key) => {
                if let Err(error) = load_baseline(&self.files.baseline, &key.public()) {
                    output.remark(format!("{error}; it is replaced"));
                }
            }
        }
        let mut alert = match load_alert(&self.files.alert) {
            Ok(alert) => alert,
            Err(error) => {
                output.remark(format!("{error}; it is replaced"));
                Alert::default()
            }
        };
        let accepted = alert.accept().map(|raised| raised.worst);
        self.take(Some(accepted.unwrap_or_default()), output)
    }

    /// Takes the scan for good, and ends the alert.
    fn take(self, accepted: Option<Drift>, output: &Output) -> Result<ExitCode, Failure> {
        if let Some(folder) = self.files.key.parent() {
            create_private_dir(folder)?;
        }
        let key = load_or_create_key(&self.files.key).map_err(Failure::new)?;
        let totals = self.found.totals;
        let baseline = Baseline::of(self.found.scan, now_ms()).map_err(|_| {
            Failure::new("a bound of the scan was reached, so not everything was looked at")
                .fix("watch less: host.paths")
        })?;
        save_baseline(&self.files.baseline, &baseline, &key).map_err(Failure::new)?;
        save_alert(&self.files.alert, &Alert::default()).map_err(Failure::new)?;
        if output.is_json() {
            output.document(&json!({
                "entries": totals.entries,
                "bytes": totals.bytes,
                "createdAtMs": baseline.created_at_ms,
                "key": key.public().to_string(),
                "accepted": accepted,
            }));
        } else {
            if let Some(drift) = accepted.filter(|drift| !drift.is_clean()) {
                output.line(format!("accepted:\n{}\n", in_rows(&drift)));
            }
            output.line(format!(
                "{} paths are taken for good as they are\n  created  {}\n  key      {}\nKeep both elsewhere: root here can sign another.",
                totals.entries,
                baseline.created_at_ms,
                key.public()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn check(self, output: &Output) -> Result<ExitCode, Failure> {
        if !self.files.baseline.exists() {
            return Err(no_baseline());
        }
        let fix =
            "find out who did that; `pincer defender host accept` takes everything as it is now for good";
        let key = load_key(&self.files.key)
            .map_err(Failure::new)?
            .ok_or_else(|| Failure::new(format!("{} is gone", self.files.key.display())).fix(fix))?;
        let baseline = load_baseline(&self.files.baseline, &key.public())
            .map_err(|error| Failure::new(error).fix(fix))?
            .ok_or_else(no_baseline)?;
        let drift = compare(&baseline, &self.found.scan, CompareOptions::default());
        let mut alert = load_alert(&self.files.alert).map_err(Failure::new)?;
        let before = alert.clone();
        alert.observe(&drift, now_ms());
        if alert != before {
            save_alert(&self.files.alert, &alert).map_err(Failure::new)?;
        }
        let well = alert.raised().is_none();
        let paths = self.found.totals.entries;
        if output.is_json() {
            output.document(&json!({
                "ok": well,
                "entries": paths,
                "drift": drift,
                "alert": alert.raised(),
                "baseline": {"createdAtMs": baseline.created_at_ms, "key": key.public().to_string()},
            }));
        } else {
            output.line(in_words(&drift, &alert, paths));
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
    }
}

fn no_baseline() -> Failure {
    Failure::new("nothing was taken for good yet").fix("`pincer defender host baseline`")
}

fn in_words(drift: &Drift, alert: &Alert, paths: usize) -> String {
    let Some(raised) = alert.raised() else { return format!("{paths} paths are as they were") };
    let since = ago(Some(raised.since_ms), now_ms());
    let mut lines = Vec::new();
    if drift.is_clean() {
        lines
            .push(format!("{paths} paths are as they were, but differed {since}, and nobody accepted that:"));
        lines.push(in_rows(&raised.worst));
    } else {
        lines.push(format!("DIFFERENT since {since}:"));
        lines.push(in_rows(drift));
    }
    lines.push("If that was meant: `pincer defender host accept`".to_owned());
    lines.join("\n")
}

fn in_rows(drift: &Drift) -> String {
    let rows: Vec<[String; 3]> = drift.items.iter().map(row).collect();
    let mut text = table(["", "PATH", "WHAT"], &rows);
    if drift.unlisted() > 0 {
        text.push_str(&format!("\nand {} more", drift.unlisted()));
    }
    if drift.cut {
        text.push_str("\na bound of the scan was reached: not everything was looked at");
    }
    text
}

fn row(item: &Item) -> [String; 3] {
    let severity = match item.severity {
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Critical => "CRITICAL",
    };
    let what = match &item.what {
        What::Changed(fields) => fields.iter().map(|field| name(*field)).collect::<Vec<_>>().join(", "),
        What::Missing => "is gone".to_owned(),
        What::New => "is new".to_owned(),
        What::Unwatched => "is not watched any more".to_owned(),
    };
    [severity.to_owned(), item.path.clone(), what]
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Kind => "another kind",
        Field::Content => "other content",
        Field::Size => "another size",
        Field::Target => "leads elsewhere",
        Field::Mode => "other permissions",
        Field::Owner => "another owner",
        Field::Readable => "readable or not",
        Field::Inode => "was replaced",
        Field::Modified => "another time",
    }
}

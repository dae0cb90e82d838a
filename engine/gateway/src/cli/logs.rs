//! `pincer logs`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::connect::{ConnectArgs, Session, connect};
use super::table::printable;
use super::{Failure, Global, Output};

/// How often a followed log is asked for more.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Show the gateway's log.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer logs --limit 50
  pincer logs --follow --json | jq -r .time")]
pub(crate) struct LogsArgs {
    /// Go on as lines are written
    #[arg(long, short)]
    follow: bool,
    /// Most lines at once
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    limit: u32,
    /// Most bytes at once
    #[arg(long, value_name = "N", default_value_t = 250_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_bytes: u32,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// An answer of `logs.tail`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    file: String,
    cursor: u64,
    lines: Vec<String>,
    truncated: bool,
    reset: bool,
}

/// A log line, in upstream's form, which is ours too, or in our older one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    time: Option<String>,
    level: Option<String>,
    subsystem: Option<String>,
    msg: Option<String>,
    #[serde(rename = "0")]
    first: Value,
    #[serde(rename = "1")]
    second: Value,
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    log_level_name: Option<String>,
    name: Option<String>,
}

/// Shows lines; with `--json` as they are, one document a line.
pub(crate) fn execute(args: &LogsArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let mut page = tail(&mut session, args, None)?;
    if !output.is_json() {
        output.remark(format!("{}{}", page.file, if page.truncated { ", the end of it" } else { "" }));
    }
    loop {
        for line in &page.lines {
            output.line(if output.is_json() { line.clone() } else { readable(line) });
        }
        if !args.follow {
            session.client.close();
            return Ok(ExitCode::SUCCESS);
        }
        sleep(FOLLOW_EVERY);
        page = tail(&mut session, args, Some(page.cursor))?;
        if page.reset && !output.is_json() {
            output.remark("-- the log was begun anew --");
        }
    }
}

fn tail(session: &mut Session, args: &LogsArgs, cursor: Option<u64>) -> Result<Page, Failure> {
    let mut params = Map::new();
    params.insert("limit".to_owned(), args.limit.into());
    params.insert("maxBytes".to_owned(), args.max_bytes.into());
    if let Some(cursor) = cursor {
        params.insert("cursor".to_owned(), cursor.into());
    }
    let answer = session.call("logs.tail", &Value::Object(params))?;
    serde_json::from_value(answer).map_err(Failure::new)
}

/// `time level [subsystem] message`; a line that is no record stays as it is.
fn readable(text: &str) -> String {
    let Ok(line) = serde_json::from_str::<Line>(text) else { return printable(text) };
    let upstream = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let message = match &line.msg {
        Some(message) => message.clone(),
        None if line.second.is_null() => upstream(&line.first),
        None => upstream(&line.second),
    };
    let Meta { log_level_name, name } = line.meta.unwrap_or_default();
    let subsystem = line.subsystem.or_else(|| {
        // `{"subsystem":"…"}`, as text.
        let named: Value = serde_json::from_str(&name?).ok()?;
        Some(named.get("subsystem")?.as_str()?.to_owned())
    });
    let level = line.level.or(log_level_name).unwrap_or_default();
    let mut out = format!("{} {:<5}", line.time.unwrap_or_default(), level.to_lowercase());
    if let Some(subsystem) = subsystem {
        out.push_str(&format!(" [{subsystem}]"));
    }
    out.push(' ');
    out.push_str(&message);
    printable(out.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_kinds() {
        assert_eq!(
            readable(r#"{"time":"T","level":"info","subsystem":"gateway/ws","msg":"hello\u001b[2J"}"#),
            "T info  [gateway/ws] hello·[2J"
        );
        assert_eq!(
            readable(
                r#"{"1":"hi","_meta":{"logLevelName":"WARN","name":"{\"subsystem\":\"gateway/ws\"}"},"time":"T"}"#
            ),
            "T warn  [gateway/ws] hi"
        );
        assert_eq!(readable("plain text"), "plain text");
        assert_eq!(readable(r#"{"0":"only"}"#), "only");
    }
}

//! `pincer sessions`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connect::{ConnectArgs, connect};
use super::table::{cut, printable, table};
use super::time::ago;
use super::{Failure, Global, Output};
use crate::client::now_ms;

/// Without a command: list.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  pincer sessions                       the latest conversations
  pincer sessions list --agent ops --active 60
  pincer sessions show main --limit 5
  pincer sessions reset main            start that conversation over"
)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    command: Option<SessionsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List conversations, latest first
    List(ListArgs),
    /// Show the last messages of one
    Show(ShowArgs),
    /// Start one over; the transcript is put aside
    Reset(KeyArgs),
    /// Delete one; the transcript is put aside
    Delete(KeyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Most conversations
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Of this agent only
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Active in the last so many minutes
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..))]
    active: Option<u32>,
    /// With this in key, label or subject
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The session's key, e.g. main
    key: String,
    /// Most messages
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// The session's key, e.g. main
    key: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// A row of `sessions.list`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Row {
    key: String,
    kind: String,
    label: Option<String>,
    display_name: Option<String>,
    updated_at: Option<u64>,
    model: Option<String>,
    total_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    sessions: Vec<Row>,
}

/// A message of `chat.history`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    role: String,
    content: Content,
    timestamp: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
    Other(serde::de::IgnoredAny),
}

impl Default for Content {
    fn default() -> Content {
        Content::Other(serde::de::IgnoredAny)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    r#type: String,
    text: Option<String>,
    name: Option<String>,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => {
                let texts = parts.iter().map(|part| match (&part.text, &part.name) {
                    (Some(text), _) => text.clone(),
                    (None, Some(name)) => format!("[{} {name}]", part.r#type),
                    (None, None) => format!("[{}]", part.r#type),
                });
                texts.collect::<Vec<_>>().join("\n")
            }
            Content::Other(_) => String::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct History {
    messages: Vec<Message>,
}

/// Runs `pincer sessions …`.
pub(crate) fn execute(args: SessionsArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command.unwrap_or(SessionsCommand::List(args.list)) {
        SessionsCommand::List(args) => list(&args, global, output),
        SessionsCommand::Show(args) => show(&args, global, output),
        SessionsCommand::Reset(args) => change("sessions.reset", "started over", &args, global, output),
        SessionsCommand::Delete(args) => change("sessions.delete", "deleted", &args, global, output),
    }
}

fn list(args: &ListArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let mut params = Map::new();
    params.insert("limit".to_owned(), args.limit.into());
    params.insert("includeGlobal".to_owned(), true.into());
    let optional = [
        ("agentId", args.agent.as_deref().map(Value::from)),
        ("activeMinutes", args.active.map(Value::from)),
        ("search", args.search.as_deref().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            params.insert(name.to_owned(), value);
        }
    }
    let answer = session.call("sessions.list", &Value::Object(params))?;
    session.client.close();
    if output.is_json() {
        output.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let list: List = serde_json::from_value(answer).map_err(Failure::new)?;
    if list.sessions.is_empty() {
        output.line("no conversations");
        return Ok(ExitCode::SUCCESS);
    }
    let now = now_ms();
    let rows: Vec<[String; 6]> = list
        .sessions
        .into_iter()
        .map(|row| {
            [
                row.key,
                row.kind,
                cut(&row.label.or(row.display_name).unwrap_or_default(), 40),
                ago(row.updated_at, now),
                row.model.unwrap_or_default(),
                row.total_tokens.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            ]
        })
        .collect();
    output.line(table(["KEY", "KIND", "NAME", "ACTIVE", "MODEL", "TOKENS"], &rows));
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    // Says that there is no such session; the history of one is merely empty.
    let resolved = session.call("sessions.resolve", &json!({"key": args.key}))?;
    let key = resolved.get("key").and_then(Value::as_str).unwrap_or(&args.key).to_owned();
    let answer = session.call("chat.history", &json!({"sessionKey": key, "limit": args.limit}))?;
    session.client.close();
    if output.is_json() {
        output.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let history: History = serde_json::from_value(answer).map_err(Failure::new)?;
    output.line(format!("{}, last {} messages", printable(&key), history.messages.len()));
    let now = now_ms();
    for message in &history.messages {
        output.line(format!("\n{}, {}", printable(&message.role), ago(message.timestamp, now)));
        for line in message.content.text().lines() {
            output.line(format!("  {}", printable(line)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn change(
    method: &str,
    done: &str,
    args: &KeyArgs,
    global: &Global,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let answer = session.call(method, &json!({"key": args.key}))?;
    session.client.close();
    let deleted = answer.get("deleted").and_then(Value::as_bool);
    if output.is_json() {
        output.document(&answer);
    } else if deleted == Some(false) {
        output.line(format!("there is no session {}", args.key));
    } else {
        let key = answer.get("key").and_then(Value::as_str).unwrap_or(&args.key);
        output.line(format!("{}: {done}", printable(key)));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_in_every_form() {
        let of = |value: Value| {
            serde_json::from_value::<Message>(json!({"content": value})).unwrap().content.text()
        };
        assert_eq!(of(json!("plain")), "plain");
        assert_eq!(
            of(json!([{"type": "text", "text": "a"}, {"type": "toolCall", "name": "ls"}, {"type": "image"}])),
            "a\n[toolCall ls]\n[image]"
        );
        assert_eq!(of(json!({"odd": 1})), "");
        assert_eq!(of(json!(null)), "");
    }
}

//! `pincer config`.

mod edit;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pincer_config::KeyPath;
use pincer_config::redact::redact;
use pincer_config::table::schema;
use pincer_protocol::Wire;
use serde_json::{Value, json};

use super::{Context, Failure, Global, Output};

/// Read, change and check the config file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer config get                                  the whole config, secrets hidden
  pincer config get gateway.auth.token --show-secrets
  pincer config set gateway.port 19000
  pincer config set agents.defaults.model anthropic/claude-opus-4-6
  pincer config set agents.list '[{id: \"main\"}, {id: \"ops\"}]'
  pincer config unset gateway.customBindHost
  pincer config validate                             what a start would do with it")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the config or a part of it
    Get(GetArgs),
    /// Change one value
    Set(SetArgs),
    /// Remove one value
    Unset(UnsetArgs),
    /// Check the config and show what a start would do with it; exit code 78 when it would not start
    Validate(ValidateArgs),
    /// Print where the config is
    Path,
    /// Print the JSON schema of configs
    Schema,
}

#[derive(Debug, Args)]
struct GetArgs {
    /// A place, e.g. gateway.port or agents.list[0].id
    path: Option<String>,
    /// Print secrets too
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// A place, e.g. gateway.port or agents.list[0].id
    path: String,
    /// Its new value, as JSON5; what is not JSON5 is a text
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// Take the value as a text, whatever it looks like
    #[arg(long)]
    string: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnsetArgs {
    /// A place, e.g. gateway.customBindHost
    path: String,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Another file than the one in force
    file: Option<PathBuf>,
}

/// Runs `pincer config …`.
pub(crate) fn execute(args: ConfigArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        ConfigCommand::Get(args) => get(&args, global, output),
        ConfigCommand::Set(args) => edit::set(&args, global, output),
        ConfigCommand::Unset(args) => edit::unset(&args, global, output),
        ConfigCommand::Validate(args) => validate::execute(&args, global, output),
        ConfigCommand::Path => path(global, output),
        ConfigCommand::Schema => {
            output.document(&schema::document(Wire::V4));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn get(args: &GetArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    if let Some(issue) = context.loaded.issues.iter().find(|issue| issue.path.is_empty()) {
        return Err(Failure::config(issue));
    }
    let resolved = &context.loaded.resolved;
    let shown = if args.show_secrets { resolved.clone() } else { redact(resolved) };
    let value = match &args.path {
        None => &shown,
        Some(path) => KeyPath::parse(path).map_err(Failure::new)?.get(&shown).ok_or_else(|| {
            Failure::new(format!("{path} is not set")).fix("`pincer config get` prints what is")
        })?,
    };
    match value {
        // A text alone is what scripts want: no quotes.
        Value::String(text) if !output.is_json() => output.line(text),
        value => output.document(value),
    }
    Ok(ExitCode::SUCCESS)
}

fn path(global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let path = &context.located.config_path;
    if output.is_json() {
        output.document(&json!({
            "path": path,
            "exists": path.exists(),
            "reading": context.located.readable(),
        }));
    } else {
        output.line(path.display().to_string());
        if let Some(reading) = context.located.readable().filter(|reading| reading != path) {
            output.remark(format!("not there yet; until the first start {} is read", reading.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

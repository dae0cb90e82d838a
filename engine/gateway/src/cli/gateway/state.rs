//! `pincer gateway status`: where the gateway is, and whether it answers.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::connect::{ConnectArgs, connect_to, target};
use crate::cli::doctor::lock::{Holder, holder};
use crate::cli::time::span;
use crate::cli::{Context, Failure, Global, Output};

/// Shows it. Exit code 1 when it does not answer.
pub(crate) fn execute(args: &ConnectArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let target = target(args, &context)?;
    let url = target.endpoint.to_string();
    let local = args.url.is_none() && target.endpoint.is_loopback();
    let process = if local { holder(&context.located.state_dir) } else { Holder::Nobody };
    let begun = Instant::now();
    let session = connect_to(target, args, &context);
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let hello = session.as_ref().ok().map(|session| session.client.hello().clone());
    let uptime = hello.as_ref().and_then(|hello| hello.snapshot.get("uptimeMs")).and_then(Value::as_u64);
    let config = context.located.readable();
    if output.is_json() {
        output.document(&json!({
            "ok": session.is_ok(),
            "url": url,
            "latencyMs": session.is_ok().then_some(ms),
            "protocol": hello.as_ref().map(|hello| hello.protocol),
            "version": hello.as_ref().map(|hello| hello.server.version.clone()),
            "uptimeMs": uptime,
            "pid": process.pid(),
            "stateDir": context.located.state_dir,
            "configPath": config,
            "configValid": context.loaded.valid(),
            "error": session.as_ref().err().map(|failure| failure.to_json().get("error").cloned()),
        }));
        return Ok(ExitCode::from(u8::from(session.is_err())));
    }
    let config = config.map_or_else(|| "none (all defaults)".to_owned(), |path| path.display().to_string());
    let valid = if context.loaded.valid() { "" } else { "  NOT VALID: `pincer config validate`" };
    let process = match process {
        Holder::Running(Some(pid)) => format!("running as process {pid}"),
        Holder::Running(None) => "running".to_owned(),
        Holder::Nobody if local => "not running from this state directory".to_owned(),
        Holder::Nobody => "elsewhere".to_owned(),
    };
    output.line(format!("gateway  {url}"));
    output.line(format!("process  {process}"));
    output.line(format!("state    {}", context.located.state_dir.display()));
    output.line(format!("config   {config}{valid}"));
    let session = session?;
    let hello = session.client.hello();
    let uptime = uptime.map_or_else(String::new, |ms| format!(", up {}", span(ms)));
    output.line(format!(
        "answers  in {ms} ms: version {}, protocol {}{uptime}",
        hello.server.version, hello.protocol
    ));
    session.client.close();
    Ok(ExitCode::SUCCESS)
}

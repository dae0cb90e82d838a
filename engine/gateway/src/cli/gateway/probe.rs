//! `pincer gateway probe`: how far we get, step by step.

use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use crate::cli::connect::{ConnectArgs, connect_to, target};
use crate::cli::table::table;
use crate::cli::{Context, Failure, Global, Output};
use crate::client::{Endpoint, http_status, reach};

/// One step.
#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    ok: bool,
    ms: u64,
    detail: String,
}

struct Steps(Vec<Step>);

impl Steps {
    /// Takes one step; `None` when it failed.
    fn take<T>(
        &mut self,
        step: &'static str,
        act: impl FnOnce() -> Result<(T, String), Failure>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let done = act();
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (ok, detail) = match &done {
            Ok((_, detail)) => (true, detail.clone()),
            Err(failure) => (false, failure.message.clone()),
        };
        self.0.push(Step { step, ok, ms, detail });
        done.map(|(value, _)| value)
    }
}

/// Probes. Exit code 1 when a step fails.
pub(crate) fn execute(args: &ConnectArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let target = target(args, &context)?;
    let url = target.endpoint.to_string();
    let mut steps = Steps(Vec::new());
    let endpoint: Endpoint = target.endpoint.clone();
    let outcome = steps
        .take("tcp", || {
            reach(&endpoint, args.timeout()).map_err(|error| Failure::client(&error, &target.credentials))?;
            Ok(((), format!("{} accepts connections", endpoint.authority())))
        })
        .and_then(|()| {
            // A gateway of 2026.2 has no health page and answers with its UI: the status alone says something lives.
            steps.take("http", || match http_status(&endpoint, "/healthz", args.timeout()) {
                None if endpoint.tls() => Ok(((), "not asked over TLS".to_owned())),
                None => Err(Failure::new("GET /healthz was not answered with HTTP")),
                Some(status) => Ok(((), format!("GET /healthz answers {status}"))),
            })
        })
        .and_then(|()| {
            steps.take("connect", || {
                let session = connect_to(target, args, &context)?;
                let hello = session.client.hello();
                let detail = format!(
                    "protocol {}, version {}, {} methods",
                    hello.protocol,
                    hello.server.version,
                    hello.features.methods.len()
                );
                Ok((session, detail))
            })
        })
        .and_then(|mut session| {
            let hello = session.client.hello().clone();
            steps.take("health", || {
                let health = session.call("health", &json!({}))?;
                let well = health.get("ok").and_then(serde_json::Value::as_bool) != Some(false);
                if well {
                    Ok(((), "well".to_owned()))
                } else {
                    Err(Failure::new("the gateway says it is not well"))
                }
            })?;
            session.client.close();
            Ok(hello)
        });
    if output.is_json() {
        let hello = outcome.as_ref().ok();
        output.document(&json!({
            "ok": outcome.is_ok(),
            "url": url,
            "steps": steps.0,
            "protocol": hello.map(|hello| hello.protocol),
            "version": hello.map(|hello| hello.server.version.clone()),
            "methods": hello.map(|hello| hello.features.methods.clone()),
            "error": outcome.as_ref().err().map(|failure| failure.to_json().get("error").cloned()),
        }));
        return Ok(ExitCode::from(u8::from(outcome.is_err())));
    }
    let rows: Vec<[String; 4]> = steps
        .0
        .iter()
        .map(|step| {
            let mark = if step.ok { "ok" } else { "FAIL" };
            [step.step.to_owned(), mark.to_owned(), format!("{} ms", step.ms), step.detail.clone()]
        })
        .collect();
    output.line(format!("{url}\n{}", table(["STEP", "", "TIME", "DETAIL"], &rows)));
    match outcome {
        Ok(_) => Ok(ExitCode::SUCCESS),
        // The table has said what failed; what helps is still missing.
        Err(failure) => {
            if !failure.fix.is_empty() {
                output.remark(format!("  fix: {}", failure.fix));
            }
            Ok(ExitCode::from(failure.code))
        }
    }
}

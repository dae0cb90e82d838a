//! `pincer status` and `pincer health`.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use super::connect::{ConnectArgs, connect};
use super::devices::{Devices, pending_table};
use super::table::{printable, table};
use super::time::{ago, span};
use super::{Failure, Global, Output};
use crate::client::now_ms;

/// `status`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    sessions: Sessions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sessions {
    count: u64,
    defaults: Defaults,
    recent: Vec<Row>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Defaults {
    model: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Row {
    key: String,
    updated_at: Option<u64>,
    model: Option<String>,
    total_tokens: Option<u64>,
}

/// An entry of `system-presence`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Presence {
    host: Option<String>,
    mode: Option<String>,
    platform: Option<String>,
    ts: Option<u64>,
}

/// Most sessions shown; `pincer sessions` has the rest.
const SESSIONS_SHOWN: usize = 5;

/// Shows what the gateway is doing.
pub(crate) fn status(args: &ConnectArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(args, global)?;
    let hello = session.client.hello().clone();
    let health = session.call("health", &json!({}))?;
    let status = session.call("status", &json!({}))?;
    let presence = session.call("system-presence", &json!({}))?;
    // Somebody without the pairing scope still gets the rest.
    let devices = session.call("device.pair.list", &json!({}));
    session.client.close();
    if output.is_json() {
        output.document(&json!({
            "ok": true,
            "version": hello.server.version,
            "protocol": hello.protocol,
            "health": health,
            "status": status,
            "presence": presence,
            "devices": devices.ok(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let now = now_ms();
    let well = health.get("ok").and_then(Value::as_bool) != Some(false);
    let uptime = hello.snapshot.get("uptimeMs").and_then(Value::as_u64);
    let status: Status = serde_json::from_value(status).unwrap_or_default();
    output.line(format!(
        "gateway   {}, version {}, protocol {}{}",
        if well { "well" } else { "NOT WELL" },
        printable(&hello.server.version),
        hello.protocol,
        uptime.map_or_else(String::new, |ms| format!(", up {}", span(ms)))
    ));
    let model = status.sessions.defaults.model.as_deref().unwrap_or("none");
    output.line(format!("sessions  {}, default model {}", status.sessions.count, printable(model)));
    let recent = status.sessions.recent.iter().take(SESSIONS_SHOWN);
    let rows: Vec<[String; 4]> = recent
        .map(|row| {
            [
                row.key.clone(),
                ago(row.updated_at, now),
                row.model.clone().unwrap_or_default(),
                row.total_tokens.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output.line(format!("\n{}", table(["SESSION", "ACTIVE", "MODEL", "TOKENS"], &rows)));
    }
    let present: Vec<Presence> = serde_json::from_value(presence).unwrap_or_default();
    let rows: Vec<[String; 4]> = present
        .into_iter()
        .map(|entry| {
            [
                entry.host.unwrap_or_default(),
                entry.mode.unwrap_or_default(),
                entry.platform.unwrap_or_default(),
                ago(entry.ts, now),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output.line(format!("\n{}", table(["PRESENT", "AS", "PLATFORM", "SEEN"], &rows)));
    }
    if let Ok(devices) = devices {
        let devices: Devices = serde_json::from_value(devices).unwrap_or_default();
        if !devices.pending.is_empty() {
            output.line(format!(
                "\n{}\nLet one in with `pincer devices approve REQUEST`.",
                pending_table(&devices.pending, now)
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for health. Exit code 1 when the gateway is not well.
pub(crate) fn health(args: &ConnectArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let mut session = connect(args, global)?;
    let health = session.call("health", &json!({}))?;
    let version = session.client.hello().server.version.clone();
    session.client.close();
    let well = health.get("ok").and_then(Value::as_bool) != Some(false);
    if output.is_json() {
        output.document(&health);
    } else {
        output.line(format!("{}, version {}", if well { "well" } else { "NOT WELL" }, printable(&version)));
    }
    Ok(ExitCode::from(u8::from(!well)))
}

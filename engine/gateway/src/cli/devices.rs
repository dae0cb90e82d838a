//! `pincer devices`: who may connect.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connect::{ConnectArgs, Session, connect};
use super::table::{cut, printable, table};
use super::time::ago;
use super::{Failure, Global, Output};
use crate::client::now_ms;

/// Decide which devices may connect.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer devices list
  pincer devices approve --latest              let in whoever asked last
  pincer devices revoke DEVICE --role operator")]
pub(crate) struct DevicesArgs {
    #[command(subcommand)]
    command: DevicesCommand,
}

#[derive(Debug, Subcommand)]
enum DevicesCommand {
    /// List devices, and requests that wait
    List(ConnectArgs),
    /// Let a device in
    Approve(RequestArgs),
    /// Refuse a device
    Reject(RequestArgs),
    /// Take a device's token away; it stays paired
    Revoke(TokenArgs),
    /// Give a device a new token
    Rotate(TokenArgs),
    /// Forget a device; it has to ask again
    Remove(DeviceArgs),
}

#[derive(Debug, Args)]
struct RequestArgs {
    /// The request's id, or enough of its start
    #[arg(required_unless_present = "latest")]
    request: Option<String>,
    /// The latest request
    #[arg(long, conflicts_with = "request")]
    latest: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Args)]
struct TokenArgs {
    /// The device's id, or enough of its start
    device: String,
    /// Which of its roles
    #[arg(long, value_name = "ROLE", default_value = "operator")]
    role: String,
    /// With these scopes only (rotate); may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Args)]
struct DeviceArgs {
    /// The device's id, or enough of its start
    device: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// `device.pair.list`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Devices {
    /// Who waits.
    pub(crate) pending: Vec<Pending>,
    paired: Vec<Paired>,
}

/// A request that waits.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Pending {
    request_id: String,
    display_name: Option<String>,
    device_id: String,
    role: Option<String>,
    scopes: Vec<String>,
    remote_ip: Option<String>,
    ts: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Paired {
    device_id: String,
    display_name: Option<String>,
    client_id: Option<String>,
    roles: Vec<String>,
    approved_at_ms: Option<u64>,
    tokens: Vec<Token>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Token {
    role: String,
    revoked_at_ms: Option<u64>,
    last_used_at_ms: Option<u64>,
}

/// The requests, as a table.
pub(crate) fn pending_table(pending: &[Pending], now: u64) -> String {
    let rows: Vec<[String; 6]> = pending
        .iter()
        .map(|one| {
            [
                one.request_id.clone(),
                one.display_name.clone().unwrap_or_else(|| cut(&one.device_id, 12)),
                one.role.clone().unwrap_or_default(),
                one.scopes.iter().map(|scope| short_scope(scope)).collect::<Vec<_>>().join(","),
                one.remote_ip.clone().unwrap_or_default(),
                ago(one.ts, now),
            ]
        })
        .collect();
    table(["REQUEST", "DEVICE", "ROLE", "SCOPES", "FROM", "ASKED"], &rows)
}

fn short_scope(scope: &str) -> &str {
    scope.strip_prefix("operator.").unwrap_or(scope)
}

/// Runs `pincer devices …`.
pub(crate) fn execute(args: DevicesArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        DevicesCommand::List(connect_args) => {
            let mut session = connect(&connect_args, global)?;
            let answer = session.call("device.pair.list", &json!({}))?;
            session.client.close();
            list(answer, output)
        }
        DevicesCommand::Approve(args) => {
            decide("device.pair.approve", "may connect now", &args, global, output)
        }
        DevicesCommand::Reject(args) => decide("device.pair.reject", "was refused", &args, global, output),
        DevicesCommand::Revoke(args) => token("device.token.revoke", "is revoked", &args, global, output),
        DevicesCommand::Rotate(args) => token("device.token.rotate", "is new", &args, global, output),
        DevicesCommand::Remove(args) => {
            let mut session = connect(&args.connect, global)?;
            let device = find_device(&mut session, &args.device)?;
            let answer = session.call("device.pair.remove", &json!({"deviceId": device}))?;
            session.client.close();
            if output.is_json() {
                output.document(&answer);
            } else {
                output.line(format!("{} is forgotten", cut(&device, 12)));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(answer: Value, output: &Output) -> Result<ExitCode, Failure> {
    if output.is_json() {
        output.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let devices: Devices = serde_json::from_value(answer).map_err(Failure::new)?;
    let now = now_ms();
    if !devices.pending.is_empty() {
        output.line(format!("{}\n", pending_table(&devices.pending, now)));
    }
    let rows: Vec<[String; 5]> = devices
        .paired
        .iter()
        .map(|device| {
            let live = device.tokens.iter().filter(|token| token.revoked_at_ms.is_none());
            let used = device.tokens.iter().filter_map(|token| token.last_used_at_ms).max();
            [
                cut(&device.device_id, 12),
                device.display_name.clone().or_else(|| device.client_id.clone()).unwrap_or_default(),
                device.roles.join(","),
                live.map(|token| token.role.as_str()).collect::<Vec<_>>().join(","),
                ago(used.or(device.approved_at_ms), now),
            ]
        })
        .collect();
    if rows.is_empty() && devices.pending.is_empty() {
        output.line("no devices");
    } else if !rows.is_empty() {
        output.line(table(["DEVICE", "NAME", "ROLES", "TOKENS", "SEEN"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn decide(
    method: &str,
    done: &str,
    args: &RequestArgs,
    global: &Global,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let devices = devices(&mut session)?;
    let request = match &args.request {
        Some(start) => {
            let ids = devices.pending.iter().map(|one| one.request_id.as_str());
            // What we do not know may still be known: the gateway has the last word.
            unique(start, ids, "request")?.unwrap_or_else(|| start.clone())
        }
        None => {
            let latest = devices.pending.iter().max_by_key(|one| one.ts);
            latest
                .map(|one| one.request_id.clone())
                .ok_or_else(|| Failure::new("nobody waits for approval"))?
        }
    };
    let answer = session.call(method, &json!({"requestId": request}))?;
    session.client.close();
    if output.is_json() {
        output.document(&answer);
    } else {
        let asked = devices.pending.iter().find(|one| one.request_id == request);
        let name = asked.and_then(|one| one.display_name.as_deref()).unwrap_or("the device");
        output.line(format!("{} {done}", printable(name)));
    }
    Ok(ExitCode::SUCCESS)
}

fn token(
    method: &str,
    done: &str,
    args: &TokenArgs,
    global: &Global,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let mut session = connect(&args.connect, global)?;
    let device = find_device(&mut session, &args.device)?;
    let mut params = Map::new();
    params.insert("deviceId".to_owned(), device.as_str().into());
    params.insert("role".to_owned(), args.role.as_str().into());
    if !args.scopes.is_empty() && method == "device.token.rotate" {
        params.insert("scopes".to_owned(), args.scopes.clone().into());
    }
    let answer = session.call(method, &Value::Object(params))?;
    session.client.close();
    if output.is_json() {
        output.document(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    output.line(format!("the {} token of {} {done}", args.role, cut(&device, 12)));
    match answer.get("token").and_then(Value::as_str) {
        Some(token) => output.line(format!("token: {token}\nIt is not shown again.")),
        None if method == "device.token.rotate" => {
            output.line("The gateway gives it to the device itself, the next time that one connects.");
        }
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn devices(session: &mut Session) -> Result<Devices, Failure> {
    let answer = session.call("device.pair.list", &json!({}))?;
    serde_json::from_value(answer).map_err(Failure::new)
}

fn find_device(session: &mut Session, start: &str) -> Result<String, Failure> {
    let devices = devices(session)?;
    let ids = devices.paired.iter().map(|one| one.device_id.as_str());
    Ok(unique(start, ids, "device")?.unwrap_or_else(|| start.to_owned()))
}

/// The one id that starts with `start`; an exact match goes first. `None` when there is none. `…` at the end, as tables
/// show cut ids, is fine.
fn unique<'i>(
    start: &str,
    ids: impl Iterator<Item = &'i str>,
    what: &str,
) -> Result<Option<String>, Failure> {
    let start = start.trim_end_matches('…');
    let mut found: Vec<&str> = ids.filter(|id| !start.is_empty() && id.starts_with(start)).collect();
    if let Some(exact) = found.iter().find(|id| **id == start) {
        return Ok(Some((*exact).to_owned()));
    }
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        _ => Err(Failure::new(format!("several {what}s start with {start}"))
            .fix(format!("write more of the {what}'s id; --json shows them whole"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_cut() {
        let find =
            |start: &str| unique(start, ["abc1", "abd2", "abd"].into_iter(), "device").map_err(|f| f.message);
        assert_eq!(find("abc"), Ok(Some("abc1".to_owned())));
        assert_eq!(find("abc…"), Ok(Some("abc1".to_owned())));
        assert_eq!(find("abd"), Ok(Some("abd".to_owned())), "exact goes first");
        assert_eq!(find("zz"), Ok(None));
        assert_eq!(find(""), Ok(None));
        assert!(find("ab").unwrap_err().contains("several devices"));
    }
}

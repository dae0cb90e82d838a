//! Checks of the port, and of the gateway behind it.

use std::net::TcpListener;
use std::time::Duration;

use pincer_config::start::{Flags, listen};
use serde_json::{Value, json};

use super::Check;
use super::lock::{Holder, holder};
use crate::cli::Context;
use crate::cli::connect::{ConnectArgs, connect_to, target};
use crate::client::reach;

/// How long somebody on the port may take to accept us.
const DIAL: Duration = Duration::from_secs(2);

/// The checks.
pub(super) fn checks(context: &Context, args: &ConnectArgs, offline: bool) -> Vec<Check> {
    let running = matches!(holder(&context.located.state_dir), Holder::Running(_));
    let mut checks = Vec::new();
    if args.url.is_none() && !running {
        checks.extend(port(context));
    }
    if !offline {
        checks.push(gateway(context, args, running));
    }
    checks
}

/// Whether the port could be taken.
fn port(context: &Context) -> Option<Check> {
    let env = |name: &str| context.environment.get(name);
    let address = listen(&context.loaded.config, &Flags::default(), &env).ok()?;
    Some(match TcpListener::bind(address) {
        Ok(_) => Check::ok("port", format!("{address} is free")),
        Err(error) => Check::fail(
            "port",
            format!("{address} cannot be taken: {error}"),
            format!(
                "see who has it with `ss -ltnp 'sport = :{}'`, or choose another with --port",
                address.port()
            ),
        ),
    })
}

fn gateway(context: &Context, args: &ConnectArgs, running: bool) -> Check {
    let target = match target(args, context) {
        Ok(target) => target,
        Err(failure) => return Check::fail("gateway.reach", failure.message, failure.fix),
    };
    let url = target.endpoint.to_string();
    if !running && args.url.is_none() && reach(&target.endpoint, DIAL).is_err() {
        return Check::ok("gateway.reach", format!("no gateway runs at {url}"));
    }
    let health = connect_to(target, args, context).and_then(|mut session| {
        let health = session.call("health", &json!({}));
        let version = session.client.hello().server.version.clone();
        session.client.close();
        health.map(|health| (health, version))
    });
    match health {
        Ok((health, version)) if health.get("ok").and_then(Value::as_bool) != Some(false) => {
            Check::ok("gateway.reach", format!("{url} is well, version {version}"))
        }
        Ok(_) => Check::fail("gateway.reach", format!("{url} says it is not well"), "`pincer logs`"),
        Err(failure) => Check::fail("gateway.reach", failure.message, failure.fix),
    }
}

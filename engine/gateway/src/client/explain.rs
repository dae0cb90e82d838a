//! Which part failed, and what to do about it.

use super::error::{ClientError, ServerError};
use super::handshake::{Credentials, Origin};

/// An error, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The part that failed: address, network, tls, protocol, token, password, device, scope, origin, proxy, clock, gateway.
    pub(crate) part: &'static str,
    /// What to do; empty when the message says it all.
    pub(crate) fix: String,
}

impl ClientError {
    /// What failed and what helps, given what we tried to prove ourselves with.
    pub(crate) fn explain(&self, credentials: &Credentials) -> Explanation {
        let (part, fix) = match self {
            ClientError::BadUrl { .. } => ("address", "pass --url ws://127.0.0.1:PORT or wss://HOST".to_owned()),
            ClientError::Insecure(_) => (
                "address",
                "use wss://, or a tunnel (ssh -N -L 18789:127.0.0.1:18789 HOST) and ws://127.0.0.1:18789; \
                 --insecure sends the token anyway"
                    .to_owned(),
            ),
            ClientError::Unreachable { .. } => (
                "network",
                "start it with `pincer gateway run`, or pass --url when it runs elsewhere; `pincer doctor` looks \
                 closer"
                    .to_owned(),
            ),
            ClientError::Tls { .. } => (
                "tls",
                "the certificate must be trusted by this machine (add its authority to the system's store); or go \
                 through a tunnel: ssh -N -L 18789:127.0.0.1:18789 HOST, then --url ws://127.0.0.1:18789"
                    .to_owned(),
            ),
            ClientError::Http { body, .. } if body.contains("proxy_attribution_required") => (
                "proxy",
                "the gateway does not know the proxy in between: add its address to gateway.trustedProxies".to_owned(),
            ),
            ClientError::Http { .. } => ("address", "is this the gateway's port? `pincer gateway probe`".to_owned()),
            ClientError::NoChallenge => {
                ("protocol", "is this the gateway's port? `pincer gateway probe` shows what answers".to_owned())
            }
            ClientError::Refused(error) => refused(error, credentials),
            ClientError::Closed { code: 1008, reason } if reason.contains("slow") => {
                ("network", "we read too slowly; ask for less at once".to_owned())
            }
            ClientError::Closed { code: 1012, .. } => ("gateway", "it restarts; try again in a moment".to_owned()),
            ClientError::Closed { .. } => ("gateway", "look at its log: `pincer logs`".to_owned()),
            ClientError::Timeout(_) => {
                ("gateway", "it is busy or stuck; try --timeout 60000, or look at `pincer logs`".to_owned())
            }
            ClientError::Call { error, .. } => called(error),
            ClientError::Protocol(_) => ("protocol", "is the gateway of another version? Try --proto 3".to_owned()),
            ClientError::Identity(error) => (
                "device",
                format!("move {} away; a new identity is made and has to be paired", error.path().display()),
            ),
        };
        Explanation { part, fix }
    }
}

fn refused(error: &ServerError, credentials: &Credentials) -> (&'static str, String) {
    let text = error.message.as_str();
    let request = error.detail("requestId").unwrap_or("REQUEST_ID");
    let has = |part: &str| text.contains(part);
    let secret = if has("password") { "password" } else { "token" };
    if has("pairing required") {
        let part = if matches!(error.detail("reason"), Some("scope-upgrade")) { "scope" } else { "device" };
        return (
            part,
            format!("approve this device on the gateway's machine: `pincer devices approve {request}`"),
        );
    }
    if has("device token mismatch") {
        return (
            "token",
            match credentials.origin {
                Origin::Device => {
                    "this device's own token is no longer valid; pass --token with the gateway's token \
                     once, and a new one is issued"
                        .to_owned()
                }
                _ => wrong_secret("token", &credentials.origin),
            },
        );
    }
    if has("mismatch (") || (has("unauthorized") && has("mismatch")) {
        return (secret, wrong_secret(secret, &credentials.origin));
    }
    if has("token missing")
        || has("password missing")
        || has("device identity required") && no_secret(credentials)
    {
        return (
            secret,
            format!(
                "pass --{secret}, or set OPENCLAW_GATEWAY_{}; on the gateway's machine `pincer config get \
                 gateway.auth.{secret} --show-secrets` prints it",
                secret.to_uppercase()
            ),
        );
    }
    if has("too many failed") {
        return ("token", "too many wrong tries from this address; wait a few minutes".to_owned());
    }
    if has("signature expired") {
        return ("clock", "this machine's clock is off by minutes; set it right".to_owned());
    }
    if has("device") {
        return (
            "device",
            "this device's identity is not accepted; move identity/device.json of the state directory away, and pair \
             again"
                .to_owned(),
        );
    }
    if has("protocol mismatch") {
        let expected = error.details.as_ref().and_then(|details| details.get("expectedProtocol"));
        let expected = expected.map_or_else(String::new, |number| format!(" It speaks protocol {number}."));
        return (
            "protocol",
            format!("gateway and command line have no protocol in common.{expected} Update the older one"),
        );
    }
    if has("origin not allowed") {
        return ("origin", "add the origin to gateway.controlUi.allowedOrigins".to_owned());
    }
    if error.retryable == Some(true) {
        return ("gateway", "it is still starting; try again in a moment".to_owned());
    }
    ("gateway", "look at its log: `pincer logs`".to_owned())
}

fn no_secret(credentials: &Credentials) -> bool {
    credentials.token.is_empty() && credentials.password.is_empty()
}

fn wrong_secret(secret: &str, origin: &Origin) -> String {
    let from = match origin {
        Origin::Flag => format!("the one given with --{secret}"),
        Origin::Variable(name) => format!("the one in {name}"),
        Origin::Config(key) => format!("the one at {key} in the config"),
        Origin::Device => "the one issued to this device".to_owned(),
        Origin::Nothing => "what was sent".to_owned(),
    };
    format!(
        "{from} is not this gateway's; on its machine `pincer config get gateway.auth.{secret} --show-secrets` prints \
         the right one"
    )
}

fn called(error: &ServerError) -> (&'static str, String) {
    let text = error.message.as_str();
    if let Some(scope) = text.strip_prefix("missing scope: ") {
        return (
            "scope",
            format!(
                "this device lacks {scope}; connect once with the gateway's token, or approve more for it"
            ),
        );
    }
    if text.starts_with("unknown method") {
        return (
            "gateway",
            "this gateway does not have the method; `pincer gateway probe --json` lists what it has"
                .to_owned(),
        );
    }
    match (error.retryable, error.retry_after_ms) {
        (Some(true), Some(ms)) => ("gateway", format!("try again in {} s", ms.div_ceil(1000))),
        (Some(true), None) => ("gateway", "try again in a moment".to_owned()),
        _ => ("gateway", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(message: &str, details: serde_json::Value, origin: Origin, part: &str, fix: &str) {
        let token = if origin == Origin::Nothing { "" } else { "t" };
        let credentials = Credentials { token: token.into(), password: String::new(), origin };
        let error = ServerError { message: message.into(), details: Some(details), ..ServerError::default() };
        let got = ClientError::Refused(Box::new(error)).explain(&credentials);
        assert_eq!(got.part, part, "{message}");
        assert!(got.fix.contains(fix), "{message}: {}", got.fix);
    }

    /// Messages as recorded from both versions.
    #[test]
    fn refusals_name_the_part_and_the_cure() {
        let token =
            "unauthorized: gateway token mismatch (set gateway.remote.token to match gateway.auth.token)";
        check(token, json!(null), Origin::Flag, "token", "--token");
        let v4 =
            "unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)";
        check(
            v4,
            json!({"code": "AUTH_TOKEN_MISMATCH"}),
            Origin::Variable("X_TOKEN".into()),
            "token",
            "X_TOKEN",
        );
        check(
            "unauthorized: device token mismatch (rotate/reissue device token)",
            json!(null),
            Origin::Device,
            "token",
            "a new one is issued",
        );
        let missing = "unauthorized: gateway token missing (provide gateway auth token)";
        check(missing, json!(null), Origin::Nothing, "token", "OPENCLAW_GATEWAY_TOKEN");
        check(
            "unauthorized: gateway password missing (x)",
            json!(null),
            Origin::Nothing,
            "password",
            "--password",
        );
        check("device identity required", json!(null), Origin::Nothing, "token", "--token");
        check("pairing required", json!({"requestId": "r-1"}), Origin::Flag, "device", "devices approve r-1");
        check(
            "pairing required: more scopes",
            json!({"requestId": "r-2", "reason": "scope-upgrade"}),
            Origin::Flag,
            "scope",
            "devices approve r-2",
        );
        check("device signature expired", json!(null), Origin::Flag, "clock", "clock");
        check("device nonce mismatch", json!(null), Origin::Flag, "device", "device.json");
        check(
            "protocol mismatch",
            json!({"expectedProtocol": 5}),
            Origin::Flag,
            "protocol",
            "speaks protocol 5",
        );
        let origin = "origin not allowed (open the Control UI from the gateway host or allow it in x)";
        check(origin, json!(null), Origin::Flag, "origin", "allowedOrigins");
        check(
            "unauthorized: too many failed authentication attempts (retry later)",
            json!(null),
            Origin::Flag,
            "token",
            "wait",
        );
    }
}

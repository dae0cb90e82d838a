//! What we say of ourselves in `connect`, and what the gateway answers.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ClientError;
use super::identity::Identity;

/// The scopes every command asks for. Always the same: gateways of 2026.2 refuse a device that later wants more than at
/// first, so asking for little now would break the next command.
const SCOPES: [&str; 5] =
    ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];

/// Which generations to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Proto {
    /// Both; the gateway takes the highest it has.
    #[default]
    Any,
    /// Protocol 3 only.
    V3,
    /// Protocol 4 only.
    V4,
}

impl Proto {
    fn range(self) -> (u8, u8) {
        match self {
            Proto::Any => (3, 4),
            Proto::V3 => (3, 3),
            Proto::V4 => (4, 4),
        }
    }
}

/// Where a secret came from, for messages about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--token` or `--password`.
    Flag,
    /// A variable.
    Variable(String),
    /// The config, at this key.
    Config(&'static str),
    /// A token that the gateway issued to this device earlier.
    Device,
    /// There is none.
    Nothing,
}

/// What proves us.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// A token; empty: none.
    pub(crate) token: String,
    /// A password; empty: none.
    pub(crate) password: String,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// How to introduce ourselves.
pub(crate) struct Offer<'o> {
    /// Which generations.
    pub(crate) proto: Proto,
    /// What proves us.
    pub(crate) credentials: &'o Credentials,
    /// Our device; `None` to connect without, which 2026.2 lets do nothing but `health`.
    pub(crate) identity: Option<&'o Identity>,
    /// Our version.
    pub(crate) version: &'o str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'p> {
    min_protocol: u8,
    max_protocol: u8,
    client: ClientInfo<'p>,
    role: &'static str,
    scopes: &'p [&'p str],
    caps: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Auth<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device<'p>>,
}

#[derive(Serialize)]
struct ClientInfo<'p> {
    id: &'static str,
    version: &'p str,
    platform: &'static str,
    mode: &'static str,
}

#[derive(Serialize)]
struct Auth<'p> {
    #[serde(skip_serializing_if = "str::is_empty")]
    token: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    password: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Device<'p> {
    id: &'p str,
    public_key: String,
    signature: String,
    signed_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'p str>,
}

impl Offer<'_> {
    /// The params of `connect` for a gateway that sent `nonce`.
    pub(crate) fn params(&self, nonce: Option<&str>) -> Result<impl Serialize, ClientError> {
        self.params_at(nonce, now_ms()).map_err(|error| ClientError::Protocol(error.to_string()))
    }

    fn params_at(&self, nonce: Option<&str>, now_ms: u64) -> serde_json::Result<Value> {
        let (min_protocol, max_protocol) = self.proto.range();
        let Credentials { token, password, .. } = self.credentials;
        let client =
            ClientInfo { id: "cli", version: self.version, platform: std::env::consts::OS, mode: "cli" };
        let device = self.identity.map(|identity| Device {
            id: identity.id(),
            public_key: identity.public_key(),
            signature: identity.sign(&self.signed_text(identity.id(), &client, token, nonce, now_ms)),
            signed_at: now_ms,
            nonce,
        });
        let some_auth = !token.is_empty() || !password.is_empty();
        serde_json::to_value(Params {
            min_protocol,
            max_protocol,
            client,
            role: "operator",
            scopes: &SCOPES,
            caps: [],
            auth: some_auth.then_some(Auth { token, password }),
            device,
        })
    }

    /// What the device signs. Layout v2 is understood by both generations; v3 is sent only where nothing but protocol 4
    /// is offered. Without a nonce only v1 makes sense.
    fn signed_text(
        &self,
        id: &str,
        client: &ClientInfo<'_>,
        token: &str,
        nonce: Option<&str>,
        now_ms: u64,
    ) -> String {
        let layout = match (nonce, self.proto) {
            (None, _) => "v1",
            (Some(_), Proto::V4) => "v3",
            (Some(_), _) => "v2",
        };
        let scopes = SCOPES.join(",");
        let mut text =
            format!("{layout}|{id}|{}|{}|operator|{scopes}|{now_ms}|{token}", client.id, client.mode);
        if let Some(nonce) = nonce {
            text.push('|');
            text.push_str(nonce);
        }
        if layout == "v3" {
            // The platform, then the device family, of which we have none.
            text.push('|');
            text.push_str(client.platform);
            text.push('|');
        }
        text
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// `hello-ok`, as far as the command line looks at it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Hello {
    /// The generation in force.
    pub(crate) protocol: u64,
    /// The gateway.
    pub(crate) server: ServerInfo,
    /// What it can do.
    pub(crate) features: Features,
    /// What we were granted.
    pub(crate) auth: Option<Granted>,
    /// Presence, uptime, places.
    pub(crate) snapshot: Value,
}

/// `server` of `hello-ok`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServerInfo {
    /// Its version.
    pub(crate) version: String,
    /// The connection's id.
    pub(crate) conn_id: String,
}

/// `features` of `hello-ok`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Features {
    /// Methods it has.
    pub(crate) methods: Vec<String>,
    /// Events it sends.
    pub(crate) events: Vec<String>,
}

/// `auth` of `hello-ok`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Granted {
    /// A token for this device.
    pub(crate) device_token: Option<String>,
    /// Our role.
    pub(crate) role: String,
    /// Our scopes.
    pub(crate) scopes: Vec<String>,
}

impl Hello {
    /// Reads the payload of a successful `connect`.
    pub(crate) fn read(payload: Value) -> Result<Hello, ClientError> {
        if payload.get("type").and_then(Value::as_str) != Some("hello-ok") {
            return Err(ClientError::Protocol("connect was not answered with hello-ok".to_owned()));
        }
        serde_json::from_value(payload).map_err(|error| ClientError::Protocol(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(proto: Proto, nonce: Option<&str>, want: &str) {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(dir.path()).unwrap();
        let credentials = Credentials { token: "t".into(), password: String::new(), origin: Origin::Flag };
        let offer = Offer { proto, credentials: &credentials, identity: Some(&identity), version: "1" };
        let params = offer.params_at(nonce, 7).unwrap();
        let all = "operator.admin,operator.read,operator.write,operator.approvals,operator.pairing";
        let want = want.replace("ID", identity.id()).replace("ALL", all).replace("OS", std::env::consts::OS);
        assert_eq!(params["device"]["signature"], identity.sign(&want), "{want}");
        assert_eq!(params["device"].get("nonce").and_then(Value::as_str), nonce);
        assert_eq!(params["auth"], serde_json::json!({"token": "t"}));
    }

    #[test]
    fn what_is_signed() {
        check(Proto::Any, Some("n"), "v2|ID|cli|cli|operator|ALL|7|t|n");
        check(Proto::V3, Some("n"), "v2|ID|cli|cli|operator|ALL|7|t|n");
        check(Proto::V4, Some("n"), "v3|ID|cli|cli|operator|ALL|7|t|n|OS|");
        check(Proto::V3, None, "v1|ID|cli|cli|operator|ALL|7|t");
    }
}

//! `connect` params: their shape on each wire, and what they say.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::client::{ClientInfo, IDS_V3, IDS_V4, MODES_V3, MODES_V4};
use super::generation;
use crate::Wire;
use crate::json::{Kind, Node};
use crate::schema::{self, NON_EMPTY, Object, Property, Shape, TEXT, int_min, opt, req, text_max};

/// Most scopes one connection may ask for. Upstream knows fewer than ten; the list is stored for paired devices.
pub const SCOPES_MAX: usize = 64;

/// Most capabilities, commands and permissions, each, that one connection may declare.
const DECLARED_MAX: usize = 512;

/// A secret a client sent. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<Box<str>>) -> Secret {
        Secret(value.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Params of `connect`. A client may send more; what this gateway has no use for is checked and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectParams {
    /// Oldest protocol the client speaks.
    #[serde(deserialize_with = "whole")]
    pub min_protocol: u64,
    /// Newest protocol the client speaks.
    #[serde(deserialize_with = "whole")]
    pub max_protocol: u64,
    /// Who it is.
    pub client: ClientInfo,
    /// What it can do with events and answers, such as `tool-events`.
    #[serde(default)]
    pub caps: Vec<Box<str>>,
    /// Commands a node serves.
    #[serde(default)]
    pub commands: Vec<Box<str>>,
    /// What the node's owner allows.
    #[serde(default)]
    pub permissions: BTreeMap<Box<str>, bool>,
    /// `PATH` of a node.
    pub path_env: Option<Box<str>>,
    /// `operator` when absent. Any text passes the schema; only two are lawful.
    pub role: Option<Box<str>>,
    /// Scopes asked for, in the client's order. Unknown ones are kept: a device signs them.
    #[serde(default)]
    pub scopes: Vec<Box<str>>,
    /// The device's proof.
    pub device: Option<DeviceParams>,
    /// Shared or issued secrets.
    #[serde(default)]
    pub auth: AuthParams,
    /// The person's language.
    pub locale: Option<Box<str>>,
    /// The program's own description.
    pub user_agent: Option<Box<str>>,
}

/// `device` of the connect params.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceParams {
    /// Lower-case hex SHA-256 of the raw public key.
    pub id: Box<str>,
    /// Ed25519 public key: 32 bytes in base64url, or PEM.
    pub public_key: Box<str>,
    /// Signature over [`super::signed_text`], base64.
    pub signature: Box<str>,
    /// When it was signed, milliseconds since 1970 on the client's clock.
    #[serde(deserialize_with = "whole")]
    pub signed_at: u64,
    /// The challenge's nonce. v4 requires it.
    pub nonce: Option<Box<str>>,
}

/// `auth` of the connect params.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthParams {
    /// The shared token, or a device token.
    pub token: Option<Secret>,
    /// The shared password.
    pub password: Option<Secret>,
    /// v4: a token issued to this device.
    pub device_token: Option<Secret>,
    /// v4: a one-time setup code's token. This gateway issues none, but a device signs it.
    pub bootstrap_token: Option<Secret>,
}

const PERMISSION: Shape = Shape::Bool;

const DEVICE_V3: Object = Object {
    fields: &[
        req("id", NON_EMPTY),
        req("publicKey", NON_EMPTY),
        req("signature", NON_EMPTY),
        req("signedAt", int_min(0)),
        opt("nonce", NON_EMPTY),
    ],
};

const DEVICE_V4: Object = Object {
    fields: &[
        req("id", NON_EMPTY),
        req("publicKey", NON_EMPTY),
        req("signature", NON_EMPTY),
        req("signedAt", int_min(0)),
        req("nonce", NON_EMPTY),
    ],
};

const CLIENT_V3: Object = Object {
    fields: &[
        req("id", Shape::OneOf(IDS_V3)),
        opt("displayName", NON_EMPTY),
        req("version", NON_EMPTY),
        req("platform", NON_EMPTY),
        opt("deviceFamily", NON_EMPTY),
        opt("modelIdentifier", NON_EMPTY),
        req("mode", Shape::OneOf(MODES_V3)),
        opt("instanceId", NON_EMPTY),
    ],
};

const CLIENT_V4: Object = Object {
    fields: &[
        req("id", Shape::OneOf(IDS_V4)),
        opt("displayName", NON_EMPTY),
        req("version", NON_EMPTY),
        opt("buildId", text_max(96)),
        req("platform", NON_EMPTY),
        opt("deviceFamily", NON_EMPTY),
        opt("modelIdentifier", NON_EMPTY),
        opt("timeZone", text_max(64)),
        req("mode", Shape::OneOf(MODES_V4)),
        opt("instanceId", NON_EMPTY),
    ],
};

const AUTH_V3: Object = Object { fields: &[opt("token", TEXT), opt("password", TEXT)] };

const AUTH_V4: Object = Object {
    fields: &[
        opt("token", TEXT),
        opt("bootstrapToken", TEXT),
        opt("deviceToken", TEXT),
        opt("password", TEXT),
        opt("approvalRuntimeToken", TEXT),
        opt("agentRuntimeIdentityToken", TEXT),
    ],
};

/// What a node says of worker runs. Upstream also wants the hash in hex and the features unique; nothing here reads
/// them.
const WORKER_RUNS: Object = Object {
    fields: &[
        req("bundleHash", Shape::Text { min: 64, max: 64 }),
        req("openclawVersion", text_max(128)),
        req("protocolFeatures", Shape::List { item: &FEATURE, min: 0 }),
        opt("bundlePrewarm", int_min(1)),
    ],
};
const FEATURE: Shape = text_max(128);

const NAMES: Shape = Shape::List { item: &NON_EMPTY, min: 0 };
const MIN: Property = req("minProtocol", int_min(1));
const MAX: Property = req("maxProtocol", int_min(1));

const PARAMS_V3: Object = Object {
    fields: &[
        MIN,
        MAX,
        req("client", Shape::Object(&CLIENT_V3)),
        opt("caps", NAMES),
        opt("commands", NAMES),
        opt("permissions", Shape::Map(&PERMISSION)),
        opt("pathEnv", TEXT),
        opt("role", NON_EMPTY),
        opt("scopes", NAMES),
        opt("device", Shape::Object(&DEVICE_V3)),
        opt("auth", Shape::Object(&AUTH_V3)),
        opt("locale", TEXT),
        opt("userAgent", TEXT),
    ],
};

const PARAMS_V4: Object = Object {
    fields: &[
        MIN,
        MAX,
        req("client", Shape::Object(&CLIENT_V4)),
        opt("caps", NAMES),
        opt("commands", NAMES),
        opt("computerUse", Shape::Any),
        opt("workerRuns", Shape::Object(&WORKER_RUNS)),
        opt("permissions", Shape::Map(&PERMISSION)),
        opt("pathEnv", TEXT),
        opt("role", NON_EMPTY),
        opt("scopes", NAMES),
        opt("device", Shape::Object(&DEVICE_V4)),
        opt("auth", Shape::Object(&AUTH_V4)),
        opt("locale", TEXT),
        opt("userAgent", TEXT),
    ],
};

/// Params that fail their schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParams {
    /// Whose wording it is.
    pub wire: Wire,
    /// What is wrong, joined by `; `. The answer's message is `invalid connect params: ` and this.
    pub problems: String,
}

/// Which wire's schema and wording `params` are judged by: the one their range leads to, else the client's generation.
pub fn wording(params: Option<Node<'_, '_>>) -> Wire {
    let number = |name| match params.and_then(|node| node.get(name)).map(Node::kind) {
        Some(Kind::Int(value)) => u64::try_from(value).ok(),
        Some(Kind::Float(value)) if value.fract() == 0.0 && value >= 0.0 => Some(value as u64),
        _ => None,
    };
    generation(number("minProtocol"), number("maxProtocol"))
}

impl ConnectParams {
    /// Checks and reads `params`. That the client's range holds a wire we speak is not checked here.
    pub fn read(params: Option<Node<'_, '_>>) -> Result<ConnectParams, BadParams> {
        let wire = wording(params);
        let bad = |problems: String| BadParams { wire, problems };
        let Some(params) = params else { return Err(bad("must be object".to_owned())) };
        let schema = match wire {
            Wire::V3 => &PARAMS_V3,
            Wire::V4 => &PARAMS_V4,
        };
        schema::check(wire, schema, Some(params)).map_err(bad)?;
        // After the schema only sizes can go wrong: whole numbers beyond 2^64.
        let read: ConnectParams = params.decode().map_err(|error| bad(error.to_string()))?;
        let not = if wire == Wire::V3 { "NOT" } else { "not" };
        for (name, len, max) in [
            ("scopes", read.scopes.len(), SCOPES_MAX),
            ("caps", read.caps.len(), DECLARED_MAX),
            ("commands", read.commands.len(), DECLARED_MAX),
            ("permissions", read.permissions.len(), DECLARED_MAX),
        ] {
            if len > max {
                return Err(bad(format!("at /{name}: must {not} have more than {max} items")));
            }
        }
        Ok(read)
    }
}

/// A whole number, however it is written: JSON makes no difference between `3` and `3.0`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Whole;
    impl serde::de::Visitor<'_> for Whole {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u64, E> {
            Ok(value)
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<u64, E> {
            u64::try_from(value).map_err(E::custom)
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<u64, E> {
            // Above 2^53 a double no longer says which whole number is meant; saturating is as good as any answer.
            if value.fract() == 0.0 && value >= 0.0 {
                Ok(value as u64)
            } else {
                Err(E::custom("must be integer"))
            }
        }
    }
    deserializer.deserialize_any(Whole)
}

#[cfg(test)]
mod tests;

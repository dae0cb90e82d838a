//! `hello-ok` on protocol 3.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{MAX_BUFFERED_BYTES, MAX_PAYLOAD, TICK_INTERVAL_MS};
use crate::connect::{AuthMode, PresenceEntry};
use crate::event::StateVersion;
use crate::{Role, Wire};

/// `hello-ok` on protocol 3.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "hello-ok", rename_all = "camelCase")]
pub struct HelloV3<'a> {
    protocol: u64,
    /// Who we are.
    pub server: ServerV3<'a>,
    /// What we can do: [`FeaturesV3`], written once for all.
    pub features: &'a RawValue,
    /// How things stand.
    pub snapshot: SnapshotV3<'a>,
    /// Where canvas pages are served, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_host_url: Option<&'a str>,
    /// The device's own token; only for clients that showed a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthV3<'a>>,
    /// Limits the client must know.
    pub policy: PolicyV3,
}

impl<'a> HelloV3<'a> {
    /// A hello without a canvas host.
    pub fn new(
        server: ServerV3<'a>,
        features: &'a RawValue,
        snapshot: SnapshotV3<'a>,
        auth: Option<AuthV3<'a>>,
        policy: PolicyV3,
    ) -> HelloV3<'a> {
        HelloV3 {
            protocol: Wire::V3.number(),
            server,
            features,
            snapshot,
            canvas_host_url: None,
            auth,
            policy,
        }
    }
}

/// `server` on protocol 3.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerV3<'a> {
    /// Our own version; we do not claim to be upstream.
    pub version: &'a str,
    /// Source revision, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'a str>,
    /// Name of the machine.
    pub host: &'a str,
    /// This connection.
    pub conn_id: &'a str,
}

/// `features` on protocol 3.
#[derive(Debug, Serialize)]
pub struct FeaturesV3<'a> {
    /// Methods, whatever the caller's scopes.
    pub methods: &'a [&'a str],
    /// Events.
    pub events: &'a [&'a str],
}

/// `snapshot` on protocol 3.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotV3<'a> {
    /// Who is here.
    pub presence: &'a [Arc<PresenceEntry>],
    /// The last health payload, or `{}`.
    pub health: &'a RawValue,
    /// Versions of the two above.
    pub state_version: StateVersion,
    /// How long the gateway runs.
    pub uptime_ms: u64,
    /// Path of the config file.
    pub config_path: &'a str,
    /// Path of the state directory.
    pub state_dir: &'a str,
    /// Where a message without a key goes.
    pub session_defaults: SessionDefaultsV3<'a>,
    /// How clients authenticate.
    pub auth_mode: AuthMode,
    /// A newer release, when one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_available: Option<UpdateAvailable<'a>>,
}

/// A newer release.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateAvailable<'a> {
    /// What runs.
    pub current_version: &'a str,
    /// What could run.
    pub latest_version: &'a str,
    /// Where it comes from.
    pub channel: &'a str,
}

/// `snapshot.sessionDefaults` on protocol 3.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionDefaultsV3<'a> {
    /// The agent that answers unless another is named.
    pub default_agent_id: &'a str,
    /// Short name of the main session.
    pub main_key: &'a str,
    /// Its full key.
    pub main_session_key: &'a str,
    /// `per-sender` or `global`.
    pub scope: &'a str,
}

/// `auth` on protocol 3.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthV3<'a> {
    /// The token issued to this device and role.
    pub device_token: &'a str,
    /// Its role.
    pub role: Role,
    /// Its scopes, sorted.
    pub scopes: &'a [Box<str>],
    /// When it was issued, milliseconds since 1970.
    pub issued_at_ms: u64,
}

/// `policy` on protocol 3.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyV3 {
    /// See [`MAX_PAYLOAD`].
    pub max_payload: u64,
    /// See [`MAX_BUFFERED_BYTES`].
    pub max_buffered_bytes: u64,
    /// See [`TICK_INTERVAL_MS`].
    pub tick_interval_ms: u64,
}

impl Default for PolicyV3 {
    fn default() -> Self {
        PolicyV3 {
            max_payload: MAX_PAYLOAD,
            max_buffered_bytes: MAX_BUFFERED_BYTES,
            tick_interval_ms: TICK_INTERVAL_MS,
        }
    }
}

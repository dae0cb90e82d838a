//! `hello-ok` on protocol 4.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{MAX_BUFFERED_BYTES, MAX_PAYLOAD, TICK_INTERVAL_MS};
use crate::connect::{AuthMethod, AuthMode, PresenceEntry};
use crate::event::StateVersion;
use crate::{Role, Wire};

/// `hello-ok` on protocol 4.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "hello-ok", rename_all = "camelCase")]
pub struct HelloV4<'a> {
    protocol: u64,
    /// Who we are.
    pub server: ServerV4<'a>,
    /// What we can do: [`FeaturesV4`], written once for all.
    pub features: &'a RawValue,
    /// How things stand.
    pub snapshot: SnapshotV4<'a>,
    /// Widgets that plugins add to the Control UI; there are no plugins. Left out for nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_ui_widget_kinds: Option<[&'a str; 0]>,
    /// Link readers that plugins add to the Control UI; there are no plugins. Left out for nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_ui_link_readers: Option<[&'a str; 0]>,
    /// What this connection may do.
    pub auth: AuthV4<'a>,
    /// Limits the client must know.
    pub policy: PolicyV4,
}

impl<'a> HelloV4<'a> {
    /// A hello. Operators get the (empty) lists of Control UI extensions, nodes do not.
    pub fn new(
        server: ServerV4<'a>,
        features: &'a RawValue,
        snapshot: SnapshotV4<'a>,
        auth: AuthV4<'a>,
        policy: PolicyV4,
    ) -> HelloV4<'a> {
        let extensions = (auth.role == Role::Operator).then_some([]);
        HelloV4 {
            protocol: Wire::V4.number(),
            server,
            features,
            snapshot,
            control_ui_widget_kinds: extensions,
            control_ui_link_readers: extensions,
            auth,
            policy,
        }
    }
}

/// `server` on protocol 4. Upstream also sends `buildId` and where its Control UI comes from; a Control UI that reads a
/// foreign build id reloads itself for ever, so we send neither.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerV4<'a> {
    /// Our own version; we do not claim to be upstream.
    pub version: &'a str,
    /// This run of the process.
    pub boot_id: &'a str,
    /// This connection.
    pub conn_id: &'a str,
}

/// `features` on protocol 4.
#[derive(Debug, Serialize)]
pub struct FeaturesV4<'a> {
    /// Methods, whatever the caller's scopes.
    pub methods: &'a [&'a str],
    /// Events.
    pub events: &'a [&'a str],
    /// Contracts clients may rely on. Name only what is kept.
    pub capabilities: &'a [&'a str],
}

/// `snapshot` on protocol 4.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotV4<'a> {
    /// Whether new work is taken.
    pub suspension: Suspension,
    /// Who is here; empty for clients that may not read.
    pub presence: &'a [Arc<PresenceEntry>],
    /// The last health payload, or `{}`.
    pub health: &'a RawValue,
    /// Versions of the two above.
    pub state_version: StateVersion,
    /// How long the gateway runs.
    pub uptime_ms: u64,
    /// Names the config in force; opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_config_hash: Option<&'a str>,
    /// Where a message without a key goes.
    pub session_defaults: SessionDefaultsV4<'a>,
    /// How updates are found; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_schedule: Option<UpdateSchedule<'a>>,
    /// Path of the config file; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_path: Option<&'a str>,
    /// Path of the state directory; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<&'a str>,
    /// How clients authenticate; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<AuthMode>,
}

/// Whether the gateway takes new work.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Suspension {
    /// How far a suspension is.
    pub phase: SuspensionPhase,
}

/// How far a suspension is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SuspensionPhase {
    /// Not suspended.
    Accepting,
    /// No new work; what runs may finish.
    Draining,
}

/// `snapshot.sessionDefaults` on protocol 4.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionDefaultsV4<'a> {
    /// The agent that answers unless another is named.
    pub default_agent_id: &'a str,
    /// Whether a model is configured at all.
    pub model_configured: bool,
    /// How the default agent came about.
    pub ownership: Ownership,
    /// Whether a client must name an agent.
    pub selection_required: bool,
    /// Short name of the main session.
    pub main_key: &'a str,
    /// Its full key.
    pub main_session_key: &'a str,
    /// `per-sender` or `global`.
    pub scope: &'a str,
}

/// How the default agent came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// There is only one.
    Sole,
    /// The config names no owner; the first agent stands in.
    Legacy,
    /// The config says so.
    Explicit,
}

/// `snapshot.updateSchedule` on protocol 4.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateSchedule<'a> {
    /// Where releases come from.
    pub channel: &'a str,
    /// Whether the gateway updates itself; ours never does.
    pub auto_enabled: bool,
    /// How it was installed.
    pub install: Install,
}

/// How the gateway was installed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Install {
    /// `unknown` unless somebody knows.
    pub kind: InstallKind,
}

/// How the gateway was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallKind {
    /// From a package.
    Package,
    /// Nobody knows.
    Unknown,
}

impl Default for UpdateSchedule<'_> {
    fn default() -> Self {
        UpdateSchedule {
            channel: "stable",
            auto_enabled: false,
            install: Install { kind: InstallKind::Unknown },
        }
    }
}

/// `auth` on protocol 4; always there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthV4<'a> {
    /// How the client proved itself.
    pub method: AuthMethod,
    /// Its role.
    pub role: Role,
    /// What it was granted, in the order it asked.
    pub scopes: &'a [Box<str>],
    /// Opaque: names the drafts a client may recover after a reload. Operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_scope: Option<&'a str>,
    /// `true` when drafts from an older scope may be taken over: the client holds a device token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_migration_allowed: Option<bool>,
    /// The token issued to this device and role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<&'a str>,
    /// When it was issued, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<u64>,
}

/// `policy` on protocol 4.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyV4 {
    /// See [`MAX_PAYLOAD`].
    pub max_payload: u64,
    /// See [`MAX_BUFFERED_BYTES`].
    pub max_buffered_bytes: u64,
    /// See [`TICK_INTERVAL_MS`].
    pub tick_interval_ms: u64,
    /// Limits on attachments.
    pub attachments: Attachments,
    /// How sessions may be shared; with one operator there is nothing to share.
    pub allowed_session_visibilities: &'static [&'static str],
    /// Whether more than one person shares the gateway.
    pub has_multiple_session_sharing_identities: bool,
}

/// Limits on attachments.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachments {
    /// Largest attachment, bytes.
    pub max_bytes: u64,
    /// Largest image, bytes.
    pub max_image_bytes: u64,
}

impl Default for PolicyV4 {
    /// Upstream's figures.
    fn default() -> Self {
        PolicyV4 {
            max_payload: MAX_PAYLOAD,
            max_buffered_bytes: MAX_BUFFERED_BYTES,
            tick_interval_ms: TICK_INTERVAL_MS,
            attachments: Attachments { max_bytes: 19_464_192, max_image_bytes: 6_291_456 },
            allowed_session_visibilities: &["shared", "read-only", "suggest", "draft"],
            has_multiple_session_sharing_identities: false,
        }
    }
}

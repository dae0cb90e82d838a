//! One line of the presence list.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Somebody who is, or was lately, connected. The gateway lists itself too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceEntry {
    /// Name a person knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Box<str>>,
    /// Address, for clients that are not local.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Box<str>>,
    /// Program version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Kind of machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<Box<str>>,
    /// Model of machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<Box<str>>,
    /// v4: the person's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Box<str>>,
    /// What it is for; the gateway's own is `gateway`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Box<str>>,
    /// How long ago a person last touched it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_input_seconds: Option<u64>,
    /// Device identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Box<str>>,
    /// Roles it connected with.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<Box<str>>,
    /// Scopes it asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scopes: Vec<Box<str>>,
    /// Tells instances of one program apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<Box<str>>,
    /// Free labels.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<Box<str>>,
    /// Why the entry last changed: `self`, `connect`, `disconnect`, `periodic` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
    /// When it last changed, milliseconds since 1970.
    pub ts: u64,
}

/// Payload of the `presence` event: always the whole list.
#[derive(Debug, Clone, Serialize)]
pub struct PresenceEvent<'a> {
    /// Newest first.
    pub presence: &'a [Arc<PresenceEntry>],
}

impl PresenceEvent<'_> {
    /// The event's name.
    pub const EVENT: &'static str = "presence";
}

//! `device.*`: who is paired, who asks to be, and the tokens they hold.

mod events;

pub use events::{PairDecision, PairRequested, PairResolved};

use serde::{Deserialize, Serialize};

use super::{EMPTY, NoParams, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// A device that asks to be paired, or to be allowed more. Also the payload of `device.pair.requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRequest {
    /// Names the request. A second request of the same device keeps it.
    pub request_id: Box<str>,
    /// Which device.
    pub device_id: Box<str>,
    /// Its key, base64url.
    pub public_key: Box<str>,
    /// How a person named it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub display_name: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Box<str>>,
    /// v4: kind of machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_family: Option<Box<str>>,
    /// Which program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_id: Option<Box<str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_mode: Option<Box<str>>,
    /// The role it asks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<Box<str>>,
    /// Every role it has asked for while this waits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub roles: Option<Vec<Box<str>>>,
    /// Every scope it has asked for while this waits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scopes: Option<Vec<Box<str>>>,
    /// Its address, when it is not local.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remote_ip: Option<Box<str>>,
    /// Whether it may be approved without asking.
    #[serde(default)]
    pub silent: bool,
    /// Whether the device is paired already.
    #[serde(default)]
    pub is_repair: bool,
    /// When it last asked, milliseconds since 1970.
    pub ts: u64,
}

/// A paired device, as clients see it: no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairedDevice {
    /// Which device.
    pub device_id: Box<str>,
    /// Its key, base64url.
    pub public_key: Box<str>,
    /// How a person named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// v4: kind of machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<Box<str>>,
    /// Which program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Box<str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_mode: Option<Box<str>>,
    /// The role it last connected with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Box<str>>,
    /// Roles it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Box<str>>>,
    /// Scopes it may ask for; absent on v3 when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Box<str>>>,
    /// Its address, when it is not local.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<Box<str>>,
    /// v4: who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_via: Option<ApprovedVia>,
    /// When it was first paired, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last approved, milliseconds since 1970.
    pub approved_at_ms: u64,
    /// v4: when it was last here, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    /// v4: why that was noted; `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<&'static str>,
    /// v4, in the list: whether it is here now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Its tokens, by role; absent when it never had one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenSummary>,
}

/// Who approved a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovedVia {
    /// Nobody was asked: it is local.
    Silent,
    /// An operator.
    Owner,
}

/// A device token without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenSummary {
    /// The role it is for.
    pub role: Box<str>,
    /// What it allows, sorted.
    pub scopes: Vec<Box<str>>,
    /// When the role got its first token, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotated_at_ms: Option<u64>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
    /// When it was last shown to us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<u64>,
}

/// Paired devices and those that ask to be.
pub struct PairList;

/// Payload of `device.pair.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairListPayload {
    /// Latest request first.
    pub pending: Vec<PendingRequest>,
    /// Latest approval first.
    pub paired: Vec<PairedDevice>,
}

impl Rpc for PairList {
    const NAME: &'static str = "device.pair.list";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = NoParams;
    type Payload = PairListPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&EMPTY)
    }
}

/// Names a pending request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestParams {
    /// Which request.
    pub request_id: Box<str>,
}

const REQUEST: Object = Object { fields: &[req("requestId", NON_EMPTY)] };

/// Pairs the device of a pending request, or allows it what it asks for.
pub struct PairApprove;

/// Payload of `device.pair.approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovePayload {
    /// Which request.
    pub request_id: Box<str>,
    /// The device as it is now.
    pub device: PairedDevice,
}

impl Rpc for PairApprove {
    const NAME: &'static str = "device.pair.approve";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = RequestParams;
    type Payload = ApprovePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&REQUEST)
    }
}

/// Drops a pending request.
pub struct PairReject;

/// Payload of `device.pair.reject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectPayload {
    /// Which request.
    pub request_id: Box<str>,
    /// Whose it was.
    pub device_id: Box<str>,
}

impl Rpc for PairReject {
    const NAME: &'static str = "device.pair.reject";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = RequestParams;
    type Payload = RejectPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&REQUEST)
    }
}

/// Forgets a paired device; its tokens are worth nothing from then on.
pub struct PairRemove;

/// Names a device; params and payload of `device.pair.remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRef {
    /// Which device.
    pub device_id: Box<str>,
}

const DEVICE: Object = Object { fields: &[req("deviceId", NON_EMPTY)] };

impl Rpc for PairRemove {
    const NAME: &'static str = "device.pair.remove";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = DeviceRef;
    type Payload = DeviceRef;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&DEVICE)
    }
}

/// Replaces a device's token.
pub struct TokenRotate;

/// Params of `device.token.rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateParams {
    /// Which device.
    pub device_id: Box<str>,
    /// Which of its roles.
    pub role: Box<str>,
    /// What the new token allows; as the old one when absent.
    pub scopes: Option<Vec<Box<str>>>,
}

/// Payload of `device.token.rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotatePayload {
    /// Which device.
    pub device_id: Box<str>,
    /// Which of its roles.
    pub role: Box<str>,
    /// The new token. v4 tells it to the device itself only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<str>>,
    /// What it allows, sorted.
    pub scopes: Vec<Box<str>>,
    /// When, milliseconds since 1970.
    pub rotated_at_ms: u64,
    /// v4: whether the token is in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_delivery: Option<TokenDelivery>,
}

/// Whether a rotated token is in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenDelivery {
    /// It is.
    InBand,
    /// It is not: the caller is another device.
    WithheldCrossDevice,
}

const ROTATE: Object = Object {
    fields: &[
        req("deviceId", NON_EMPTY),
        req("role", NON_EMPTY),
        opt("scopes", Shape::List { item: &NON_EMPTY, min: 0 }),
    ],
};

impl Rpc for TokenRotate {
    const NAME: &'static str = "device.token.rotate";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = RotateParams;
    type Payload = RotatePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&ROTATE)
    }
}

/// Makes a device's token worthless.
pub struct TokenRevoke;

/// Params of `device.token.revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeParams {
    /// Which device.
    pub device_id: Box<str>,
    /// Which of its roles.
    pub role: Box<str>,
}

/// Payload of `device.token.revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokePayload {
    /// Which device.
    pub device_id: Box<str>,
    /// Which of its roles.
    pub role: Box<str>,
    /// When, milliseconds since 1970.
    pub revoked_at_ms: u64,
}

const REVOKE: Object = Object { fields: &[req("deviceId", NON_EMPTY), req("role", NON_EMPTY)] };

impl Rpc for TokenRevoke {
    const NAME: &'static str = "device.token.revoke";
    const ACCESS: Access = Access::scope(Scope::Pairing);
    type Params = RevokeParams;
    type Payload = RevokePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&REVOKE)
    }
}

#[cfg(test)]
mod tests;

//! Paired devices as they are stored: entries of OpenClaw 2026.2's `devices/paired.json`, so that they can go back.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pincer_protocol::method::device::{ApprovedVia, PairedDevice, TokenSummary};
use pincer_protocol::{Role, Wire};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// One paired device. A row of `Table::Devices`, by device id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRecord {
    /// Lower-case hex SHA-256 of the raw key.
    pub device_id: Box<str>,
    /// Its key, base64url.
    pub public_key: Box<str>,
    /// How a person named it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub display_name: Option<Box<str>>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Box<str>>,
    /// Kind of machine; v4's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_family: Option<Box<str>>,
    /// Which program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_id: Option<Box<str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_mode: Option<Box<str>>,
    /// The role it last connected with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<Box<str>>,
    /// Roles it may take.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<Box<str>>,
    /// Scopes it has asked for and was let in with.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scopes: Vec<Box<str>>,
    /// Scopes somebody approved.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub approved_scopes: Vec<Box<str>>,
    /// Its address, when it is not local.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remote_ip: Option<Box<str>>,
    /// Its tokens, by role.
    #[serde(default)]
    pub tokens: BTreeMap<Box<str>, TokenRecord>,
    /// Who approved it; v4's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approved_via: Option<ApprovedVia>,
    /// When it was first paired, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last approved, milliseconds since 1970.
    pub approved_at_ms: u64,
    /// When it was last here, milliseconds since 1970; v4's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_seen_at_ms: Option<u64>,
}

/// One device token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRecord {
    /// The token. Stored as it is, as upstream stores it: the device gets it again with every hello.
    pub token: TokenValue,
    /// The role it is for.
    pub role: Box<str>,
    /// What it allows, sorted.
    #[serde(default)]
    pub scopes: Vec<Box<str>>,
    /// When the role got its first token, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was replaced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated_at_ms: Option<u64>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at_ms: Option<u64>,
    /// When it was last shown to us.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at_ms: Option<u64>,
}

/// A device token's value. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenValue(Box<str>);

impl TokenValue {
    /// 32 random bytes in base64url: 43 characters.
    pub(crate) fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> TokenValue {
        let mut bytes = [0u8; 32];
        rng.fill_bytes(&mut bytes);
        TokenValue(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `token` is this one; takes the same time whatever it is.
    pub(crate) fn matches(&self, token: &str) -> bool {
        let digest = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
        !self.0.is_empty() && bool::from(digest(&self.0).ct_eq(&digest(token)))
    }
}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenValue(…)")
    }
}

impl TokenRecord {
    /// Whether it can be used.
    pub(crate) fn is_live(&self) -> bool {
        self.revoked_at_ms.is_none()
    }

    /// When this value was made, milliseconds since 1970.
    pub(crate) fn issued_at_ms(&self) -> u64 {
        self.rotated_at_ms.unwrap_or(self.created_at_ms)
    }

    fn summary(&self) -> TokenSummary {
        TokenSummary {
            role: self.role.clone(),
            scopes: self.scopes.clone(),
            created_at_ms: self.created_at_ms,
            rotated_at_ms: self.rotated_at_ms,
            revoked_at_ms: self.revoked_at_ms,
            last_used_at_ms: self.last_used_at_ms,
        }
    }
}

impl DeviceRecord {
    /// Whether it may take `role`.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.roles.iter().chain(&self.role).any(|known| **known == *role)
    }

    /// Roles it may take.
    pub(crate) fn all_roles(&self) -> Vec<Box<str>> {
        super::scopes::tidy(self.roles.iter().chain(&self.role))
    }

    /// What it may ask for: what was approved, or what an older record has.
    pub(crate) fn allowed_scopes(&self) -> &[Box<str>] {
        if self.approved_scopes.is_empty() { &self.scopes } else { &self.approved_scopes }
    }

    /// Gives `role` a new token; an earlier one is worth nothing from then on.
    pub(crate) fn issue<R: CryptoRng + ?Sized>(
        &mut self,
        role: &str,
        scopes: Vec<Box<str>>,
        wall_ms: u64,
        rng: &mut R,
    ) -> &TokenRecord {
        let earlier = self.tokens.remove(role);
        self.tokens.entry(role.into()).or_insert_with(|| TokenRecord {
            token: TokenValue::random(rng),
            role: role.into(),
            scopes,
            created_at_ms: earlier.as_ref().map_or(wall_ms, |token| token.created_at_ms),
            rotated_at_ms: earlier.as_ref().map(|_| wall_ms),
            revoked_at_ms: None,
            last_used_at_ms: earlier.and_then(|token| token.last_used_at_ms),
        })
    }

    /// As clients see it. `connected`: for the list on v4.
    pub(crate) fn shown(&self, wire: Wire, connected: Option<bool>) -> PairedDevice {
        let v4 = wire == Wire::V4;
        PairedDevice {
            device_id: self.device_id.clone(),
            public_key: self.public_key.clone(),
            display_name: self.display_name.clone(),
            platform: self.platform.clone(),
            device_family: self.device_family.clone().filter(|_| v4),
            client_id: self.client_id.clone(),
            client_mode: self.client_mode.clone(),
            role: self.role.clone(),
            roles: Some(self.all_roles()).filter(|roles| v4 || !roles.is_empty()),
            scopes: Some(self.scopes.clone()).filter(|scopes| v4 || !scopes.is_empty()),
            remote_ip: self.remote_ip.clone(),
            approved_via: self.approved_via.filter(|_| v4),
            created_at_ms: self.created_at_ms,
            approved_at_ms: self.approved_at_ms,
            last_seen_at_ms: self.last_seen_at_ms.filter(|_| v4),
            last_seen_reason: self.last_seen_at_ms.filter(|_| v4).map(|_| "connect"),
            connected: connected.filter(|_| v4),
            tokens: self.tokens.values().map(TokenRecord::summary).collect(),
        }
    }
}

/// The name of a role as records have it.
pub(crate) fn role_name(role: Role) -> Box<str> {
    role.as_str().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenClaw 2026.2.21 wrote it, with another token.
    const STORED: &str = r#"{"deviceId":"bc53","publicKey":"aCwi","displayName":"recorder","platform":"linux",
        "clientId":"cli","clientMode":"cli","role":"operator","roles":["operator"],"scopes":["operator.read"],
        "approvedScopes":["operator.read"],"tokens":{"operator":{"token":"not-a-real-token","role":"operator",
        "scopes":["operator.read"],"createdAtMs":5}},"createdAtMs":5,"approvedAtMs":5}"#;

    #[test]
    fn upstreams_records_come_back_unchanged() {
        let record: DeviceRecord = serde_json::from_str(STORED).unwrap();
        let (want, got): (serde_json::Value, _) =
            (serde_json::from_str(STORED).unwrap(), serde_json::to_value(&record).unwrap());
        assert_eq!(got, want);
        assert!(!format!("{record:?}").contains("not-a-real-token"));
    }

    #[test]
    fn a_node_without_scopes_has_none_on_v3_and_an_empty_list_on_v4() {
        let record: DeviceRecord =
            serde_json::from_str(r#"{"deviceId":"d","publicKey":"k","createdAtMs":1,"approvedAtMs":1}"#)
                .unwrap();
        assert_eq!(record.shown(Wire::V3, None).scopes, None);
        assert_eq!(record.shown(Wire::V4, None).scopes, Some(Vec::new()));
    }
}

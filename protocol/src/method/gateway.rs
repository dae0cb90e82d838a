//! `gateway.identity.get`.

use serde::Serialize;

use super::{NoParams, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::Object;

/// The gateway's own device identity, by which clients recognise it again.
pub struct IdentityGet;

/// Payload of `gateway.identity.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Lower-case hex SHA-256 of the raw public key.
    pub device_id: Box<str>,
    /// Ed25519 public key, base64url.
    pub public_key: Box<str>,
}

impl Rpc for IdentityGet {
    const NAME: &'static str = "gateway.identity.get";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = NoParams;
    type Payload = Identity;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::covers;

    #[test]
    fn as_recorded() {
        let payload = Identity { device_id: "8dcb".into(), public_key: "k".into() };
        covers(&payload, r#"{"deviceId":"8dcbd005","publicKey":"<publicKey>"}"#);
    }
}

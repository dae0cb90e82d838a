//! What a device signs to prove that it holds its key.

use super::{ConnectParams, DeviceParams};
use crate::Role;

/// Layout of the signed text. They differ in what they end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureVersion {
    /// No nonce. Protocol 3 takes it from loopback only.
    V1,
    /// With the nonce.
    V2,
    /// With the nonce, platform and device family. Protocol 4 only.
    V3,
}

/// The text a device signs: fields joined by `|`, scopes by `,`, absent ones empty.
///
/// `v1|device|client|mode|role|scopes|signedAt|token`, `v2` adds `|nonce`, `v3` adds `|platform|deviceFamily`, both
/// trimmed and in lower case.
pub fn signed_text(
    version: SignatureVersion,
    device: &DeviceParams,
    nonce: &str,
    role: Role,
    params: &ConnectParams,
) -> String {
    let auth = &params.auth;
    let token = auth.token.as_ref().or(auth.device_token.as_ref()).or(auth.bootstrap_token.as_ref());
    let client = &params.client;
    let mut text = format!(
        "{}|{}|{}|{}|{}|{}|{}|{}",
        match version {
            SignatureVersion::V1 => "v1",
            SignatureVersion::V2 => "v2",
            SignatureVersion::V3 => "v3",
        },
        device.id,
        client.id.as_str(),
        client.mode.as_str(),
        role.as_str(),
        params.scopes.join(","),
        device.signed_at,
        token.map_or("", |token| token.reveal()),
    );
    if version != SignatureVersion::V1 {
        text.push('|');
        text.push_str(nonce);
    }
    if version == SignatureVersion::V3 {
        for part in [Some(&client.platform), client.device_family.as_ref()] {
            text.push('|');
            text.extend(part.map_or("", |part| part.trim()).chars().map(|c| c.to_ascii_lowercase()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Parser;

    #[test]
    fn the_three_layouts() {
        let text = r#"{"minProtocol":4,"maxProtocol":4,"scopes":["a","b"],"auth":{"deviceToken":"tok"},
            "client":{"id":"cli","version":"1","platform":" Linux ","mode":"cli"},
            "device":{"id":"d","publicKey":"k","signature":"s","signedAt":7,"nonce":"n"}}"#;
        let params = Parser::default()
            .parse(&mut text.as_bytes().to_vec(), |root| ConnectParams::read(Some(root)).unwrap())
            .unwrap();
        let device = params.device.clone().unwrap();
        for (version, want) in [
            (SignatureVersion::V1, "v1|d|cli|cli|operator|a,b|7|tok"),
            (SignatureVersion::V2, "v2|d|cli|cli|operator|a,b|7|tok|n"),
            (SignatureVersion::V3, "v3|d|cli|cli|operator|a,b|7|tok|n|linux|"),
        ] {
            assert_eq!(signed_text(version, &device, "n", Role::Operator, &params), want);
        }
    }
}

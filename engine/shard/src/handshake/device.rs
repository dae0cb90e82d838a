//! Whether a device holds the key it names.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::{Signature, VerifyingKey};
use pincer_protocol::connect::{ConnectParams, DeviceParams, SignatureVersion, signed_text};
use pincer_protocol::{Role, Wire};
use sha2::{Digest, Sha256};

/// Why a device's proof was not accepted; the wording is upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeviceProblem {
    /// The id is not the key's, or the key cannot be read.
    IdMismatch,
    /// It was signed too long ago, or in the future.
    Expired,
    /// There is no nonce.
    NonceMissing,
    /// It is not the nonce of this connection.
    NonceMismatch,
    /// The signature is not the key's, or not over what was sent.
    Signature,
}

impl DeviceProblem {
    pub(super) fn message(self) -> &'static str {
        match self {
            DeviceProblem::IdMismatch => "device identity mismatch",
            DeviceProblem::Expired => "device signature expired",
            DeviceProblem::NonceMissing => "device nonce required",
            DeviceProblem::NonceMismatch => "device nonce mismatch",
            DeviceProblem::Signature => "device signature invalid",
        }
    }

    /// v4's `details.code` and `details.reason`.
    pub(super) fn details(self) -> (&'static str, &'static str) {
        match self {
            DeviceProblem::IdMismatch => ("DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch"),
            DeviceProblem::Expired => ("DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale"),
            DeviceProblem::NonceMissing => ("DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing"),
            DeviceProblem::NonceMismatch => ("DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch"),
            DeviceProblem::Signature => ("DEVICE_AUTH_SIGNATURE_INVALID", "device-signature"),
        }
    }
}

/// How far a device's clock may be from ours, either way, milliseconds.
pub(super) const fn skew_max_ms(wire: Wire) -> u64 {
    match wire {
        Wire::V3 => 10 * 60_000,
        Wire::V4 => 2 * 60_000,
    }
}

/// Checks the proof and returns the device's key in base64url without padding. `local`: v3 lets programs of this machine
/// leave the nonce out.
pub(super) fn verify(
    wire: Wire,
    device: &DeviceParams,
    params: &ConnectParams,
    role: Role,
    nonce: &str,
    local: bool,
    wall_ms: u64,
) -> Result<Box<str>, DeviceProblem> {
    let key = public_key(&device.public_key).ok_or(DeviceProblem::IdMismatch)?;
    if hex::encode(Sha256::digest(&key)) != *device.id {
        return Err(DeviceProblem::IdMismatch);
    }
    if device.signed_at.abs_diff(wall_ms) > skew_max_ms(wire) {
        return Err(DeviceProblem::Expired);
    }
    let given = device.nonce.as_deref().unwrap_or_default().trim();
    if given.is_empty() && !(wire == Wire::V3 && local) {
        return Err(DeviceProblem::NonceMissing);
    }
    if !given.is_empty() && given != nonce {
        return Err(DeviceProblem::NonceMismatch);
    }
    let versions: &[SignatureVersion] = match (wire, given.is_empty()) {
        (Wire::V3, true) => &[SignatureVersion::V1],
        (Wire::V3, false) => &[SignatureVersion::V2],
        (Wire::V4, _) => &[SignatureVersion::V3, SignatureVersion::V2],
    };
    let raw = <&[u8; 32]>::try_from(key.as_slice()).map_err(|_| DeviceProblem::Signature)?;
    let verifying = VerifyingKey::from_bytes(raw).map_err(|_| DeviceProblem::Signature)?;
    let signature = decode_base64(&device.signature)
        .and_then(|bytes| Signature::from_slice(&bytes).ok())
        .ok_or(DeviceProblem::Signature)?;
    let signed = |version: &SignatureVersion| {
        let text = signed_text(*version, device, given, role, params);
        // Strict: no key of small order, no second form of a signature.
        verifying.verify_strict(text.as_bytes(), &signature).is_ok()
    };
    if !versions.iter().any(signed) {
        return Err(DeviceProblem::Signature);
    }
    Ok(URL.encode(raw).into())
}

/// DER head of an Ed25519 public key (RFC 8410): sequence, algorithm 1.3.101.112, bit string of 32 bytes.
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The raw key in `text`: PEM, or base64 of the bytes.
fn public_key(text: &str) -> Option<Vec<u8>> {
    if !text.contains("BEGIN") {
        return decode_base64(text);
    }
    let body: String =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("-----")).collect();
    let der = decode_base64(&body)?;
    der.strip_prefix(&SPKI_HEAD).filter(|key| key.len() == 32).map(<[u8]>::to_vec)
}

/// Base64 in either alphabet, with or without padding, as Node's decoder takes it.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let engine = if text.contains(['+', '/']) { &STANDARD } else { &URL };
    engine.decode(text).ok()
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_encode_padding(false);
const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_form() {
        let raw = [7u8; 32];
        let mut der = SPKI_HEAD.to_vec();
        der.extend(raw);
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            base64::prelude::BASE64_STANDARD.encode(&der)
        );
        for text in [URL.encode(raw), base64::prelude::BASE64_STANDARD.encode(raw), pem] {
            assert_eq!(public_key(&text).as_deref(), Some(raw.as_slice()), "{text}");
        }
        for bad in ["!!!!", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END"] {
            assert_eq!(public_key(bad), None, "{bad}");
        }
    }
}

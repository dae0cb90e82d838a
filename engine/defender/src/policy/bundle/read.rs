//! The bundle's JSON form, and the bytes that are signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::BundleError;
use super::trust::KEYS_MAX;
use crate::policy::document;
use crate::policy::error::PolicyError;
use crate::policy::{Bounded, Format};

/// Longest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = document::TEXT_BYTES_MAX;

/// Longest key id, in bytes.
const KEY_ID_BYTES_MAX: usize = 64;

/// Begins what is signed, so that no signature made for something else can be taken for one of a bundle.
const DOMAIN: &[u8] = b"pincer policy bundle v1\0";

/// Moments, in Unix milliseconds, to what a JSON number holds exactly.
type Millis = Bounded<0, 9_007_199_254_740_991>;

/// A bundle as it was read: well-formed, and nothing about it checked yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// Of the format: 1.
    pub(super) bundle: Bounded<1, 1>,
    /// Which key signed it.
    pub(super) key_id: String,
    /// Above every one before.
    pub(super) version: Bounded<1, 9_007_199_254_740_991>,
    pub(super) issued_at_ms: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at_ms: Option<Millis>,
    /// What the policy is written in.
    pub(super) format: Format,
    /// The policy's text, to the byte.
    pub(super) policy: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) next_keys: Vec<TrustedKey>,
    #[serde(with = "base64_of")]
    pub(super) signature: [u8; 64],
}

/// A public key and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// 1 to 64 of letters, digits, `.`, `_`, `-`.
    pub key_id: String,
    /// Ed25519, as base64 of its 32 bytes.
    #[serde(with = "base64_of")]
    pub public_key: [u8; 32],
}

impl TrustedKey {
    /// The key as one to verify with; `None` when the bytes are no point of the curve, or one of small order, which
    /// would vouch for anything.
    pub fn verifying(&self) -> Option<VerifyingKey> {
        let key = VerifyingKey::from_bytes(&self.public_key).ok()?;
        (!key.is_weak()).then_some(key)
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let key_id = &self.key_id;
        if !(1..=KEY_ID_BYTES_MAX).contains(&key_id.len()) || !key_id.bytes().all(plain) {
            return Some(format!("key id {key_id:?} must be 1 to 64 of letters, digits, '.', '_', '-'"));
        }
        self.verifying().is_none().then(|| format!("the public key {key_id:?} is no Ed25519 key"))
    }
}

/// What is wrong with a set of keys: too many, equal ids, or one of them.
pub(super) fn keys_problem(keys: &[TrustedKey]) -> Option<String> {
    if keys.len() > KEYS_MAX {
        return Some(format!("{} keys, allowed are {KEYS_MAX}", keys.len()));
    }
    let doubled = keys
        .iter()
        .enumerate()
        .find(|(index, key)| keys.iter().take(*index).any(|before| before.key_id == key.key_id));
    if let Some((_, key)) = doubled {
        return Some(format!("key id {:?} stands twice", key.key_id));
    }
    keys.iter().find_map(TrustedKey::problem)
}

impl Bundle {
    /// Reads a bundle's form; whether to trust it is asked of a [`TrustStore`](super::TrustStore).
    pub fn read(bytes: &[u8]) -> Result<Bundle, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BundleError::malformed("it is no UTF-8"))?;
        // The parser that refuses names that stand twice.
        let value = document::parse(text, Format::Json).map_err(|error| match error {
            PolicyError::Syntax { message, .. } => BundleError::malformed(message),
            other => BundleError::malformed(other),
        })?;
        // Serde takes a list for an object too, its items in the order of the fields.
        let keys = value.get("nextKeys").and_then(serde_json::Value::as_array);
        if !value.is_object() || keys.into_iter().flatten().any(|key| !key.is_object()) {
            return Err(BundleError::malformed("a bundle, and each key in it, is a JSON object"));
        }
        let bundle: Bundle = serde_path_to_error::deserialize(&value).map_err(BundleError::malformed)?;
        if let Some(problem) = bundle.problem() {
            return Err(BundleError::malformed(problem));
        }
        Ok(bundle)
    }

    pub(super) fn problem(&self) -> Option<String> {
        if self.key_id.is_empty() || self.key_id.len() > KEY_ID_BYTES_MAX {
            return Some(format!("keyId must have 1 to {KEY_ID_BYTES_MAX} bytes"));
        }
        if self.expires_at_ms.is_some_and(|at| at <= self.issued_at_ms) {
            return Some("expiresAtMs is not after issuedAtMs".to_owned());
        }
        keys_problem(&self.next_keys).map(|problem| format!("nextKeys: {problem}"))
    }

    /// What is signed. Numbers are big-endian; a *text* is its length in bytes as 4 of them, then the bytes:
    ///
    /// `pincer policy bundle v1\0`, key id (text), version (8), issued at (8), 0 or 1 (1), expires at or 0 (8),
    /// `toml` or `json` (text), policy (text), number of next keys (4), and for each its id (text) and 32 bytes.
    ///
    /// Every part has a length that comes before it, so no two bundles have the same bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = DOMAIN.to_vec();
        put_text(&mut out, &self.key_id);
        out.extend(self.version.get().to_be_bytes());
        out.extend(self.issued_at_ms.get().to_be_bytes());
        out.push(u8::from(self.expires_at_ms.is_some()));
        out.extend(self.expires_at_ms.map_or(0, Millis::get).to_be_bytes());
        put_text(
            &mut out,
            match self.format {
                Format::Toml => "toml",
                Format::Json => "json",
            },
        );
        put_text(&mut out, &self.policy);
        put_len(&mut out, self.next_keys.len());
        for key in &self.next_keys {
            put_text(&mut out, &key.key_id);
            out.extend(key.public_key);
        }
        out
    }

    /// SHA-256 of what is signed: tells bundles apart.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.signed_bytes()).into()
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend(text.as_bytes());
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    // A bundle is far shorter than this bound.
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
}

/// Bytes of a known number as base64.
pub(super) mod base64_of {
    use super::{Engine, STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
        bytes.ok_or_else(|| de::Error::custom(format_args!("must be base64 of {N} bytes")))
    }
}

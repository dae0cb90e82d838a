//! Makes bundles, for the command line.

use ed25519_dalek::{Signer, SigningKey};

use super::error::BundleError;
use super::read::{BUNDLE_BYTES_MAX, Bundle, TrustedKey};
use super::trust::policy_of;
use crate::policy::{Bounded, Format};

/// What is to be signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The signing key's id.
    pub key_id: String,
    /// Above every version before; from 1.
    pub version: u64,
    /// Now, in Unix milliseconds.
    pub issued_at_ms: u64,
    /// When it stops to count, in Unix milliseconds; `None`: never.
    pub expires_at_ms: Option<u64>,
    /// What the policy is written in.
    pub format: Format,
    /// The policy's text.
    pub policy: String,
    /// The keys trusted from then on; empty: no change.
    pub next_keys: Vec<TrustedKey>,
}

/// Signs a policy that was checked: one that no gateway would take is refused here already. Returns the bundle's text.
pub fn sign(draft: Draft, key: &SigningKey) -> Result<String, BundleError> {
    let whole = |name: &str, value| {
        Bounded::new(value).ok_or_else(|| BundleError::malformed(format_args!("{name} {value} is too large")))
    };
    let version = Bounded::new(draft.version).ok_or_else(|| {
        BundleError::malformed(format_args!("version {} must be 1 to 2^53 - 1", draft.version))
    })?;
    let mut bundle = Bundle {
        bundle: Bounded::clamped(1),
        key_id: draft.key_id,
        version,
        issued_at_ms: whole("issuedAtMs", draft.issued_at_ms)?,
        expires_at_ms: draft.expires_at_ms.map(|at| whole("expiresAtMs", at)).transpose()?,
        format: draft.format,
        policy: draft.policy,
        next_keys: draft.next_keys,
        signature: [0; 64],
    };
    // The same check that a trusted key's id gets where it is trusted.
    let signer = TrustedKey { key_id: bundle.key_id.clone(), public_key: key.verifying_key().to_bytes() };
    if let Some(problem) = signer.problem().or_else(|| bundle.problem()) {
        return Err(BundleError::malformed(problem));
    }
    policy_of(&bundle)?;
    bundle.signature = key.sign(&bundle.signed_bytes()).to_bytes();
    let mut text = serde_json::to_string_pretty(&bundle).map_err(BundleError::malformed)?;
    text.push('\n');
    if text.len() > BUNDLE_BYTES_MAX {
        return Err(BundleError::TooLarge { bytes: text.len() });
    }
    Ok(text)
}

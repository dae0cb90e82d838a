//! Whose bundles are taken, and which was the last.

use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};

use super::error::BundleError;
use super::read::{Bundle, TrustedKey, base64_of, keys_problem};
use crate::policy::{Policy, Version};

/// Most trusted keys.
pub const KEYS_MAX: usize = 16;

/// The trusted keys and the last accepted bundle. Serialises to what is kept in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustStore {
    keys: Vec<TrustedKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
}

/// The highest version that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accepted {
    /// Its version.
    pub version: u64,
    /// SHA-256 of what was signed.
    #[serde(with = "base64_of")]
    pub digest: [u8; 32],
}

/// A bundle that may be put in force. Then give it to [`TrustStore::accept`], and keep the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The policy; its version is the bundle's.
    pub policy: Policy,
    /// Which key vouched for it.
    pub key_id: String,
    /// When it was signed, Unix milliseconds, as its signer says.
    pub issued_at_ms: u64,
    /// When it stops to count.
    pub expires_at_ms: Option<u64>,
    /// The keys trusted from then on; empty: no change.
    pub next_keys: Vec<TrustedKey>,
    /// It is what was accepted last.
    pub repeated: bool,
    accepted: Accepted,
}

impl TrustStore {
    /// A store that trusts `keys` and has accepted nothing yet.
    pub fn new(keys: Vec<TrustedKey>) -> Result<TrustStore, BundleError> {
        TrustStore { keys, accepted: None }.checked()
    }

    /// Reads a store that was kept.
    pub fn from_json(text: &str) -> Result<TrustStore, BundleError> {
        let store: TrustStore = serde_json::from_str(text).map_err(BundleError::malformed)?;
        store.checked()
    }

    fn checked(self) -> Result<TrustStore, BundleError> {
        match keys_problem(&self.keys) {
            Some(problem) => Err(BundleError::malformed(format_args!("trusted keys: {problem}"))),
            None => Ok(self),
        }
    }

    /// The trusted keys.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Trusts `keys` from now on, as their owner says, and no others. What was accepted stays the highest.
    pub fn trust(&mut self, keys: Vec<TrustedKey>) -> Result<(), BundleError> {
        self.keys = TrustStore::new(keys)?.keys;
        Ok(())
    }

    /// The last accepted bundle.
    pub fn accepted(&self) -> Option<Accepted> {
        self.accepted
    }

    /// Checks a bundle, in this order: size, form, key, signature, expiry, version, policy. Changes nothing. `now_ms` is
    /// Unix time.
    pub fn verify(&self, bytes: &[u8], now_ms: u64) -> Result<Verified, BundleError> {
        let bundle = Bundle::read(bytes)?;
        let found = Accepted { version: bundle.version.get(), digest: bundle.digest() };
        let repeated = self.accepted == Some(found);
        if !repeated {
            self.check_signature(&bundle)?;
        }
        if let Some(at) = bundle.expires_at_ms.filter(|at| at.get() <= now_ms) {
            return Err(BundleError::Expired { expires_at_ms: at.get(), now_ms });
        }
        if let Some(accepted) = self.accepted.filter(|_| !repeated) {
            let version = found.version;
            if version < accepted.version {
                return Err(BundleError::Downgrade { version, accepted: accepted.version });
            }
            if version == accepted.version {
                return Err(BundleError::SameVersionDiffers { version });
            }
        }
        Ok(Verified {
            policy: policy_of(&bundle)?,
            key_id: bundle.key_id,
            issued_at_ms: bundle.issued_at_ms.get(),
            expires_at_ms: bundle.expires_at_ms.map(|at| at.get()),
            next_keys: bundle.next_keys,
            repeated,
            accepted: found,
        })
    }

    /// Notes that a bundle is in force: its version, and its keys where it names any. Returns whether anything changed
    /// and has to be kept. One that was verified before a higher version came in changes nothing.
    pub fn accept(&mut self, verified: &Verified) -> bool {
        let newest = self.accepted.is_none_or(|accepted| accepted.version < verified.accepted.version);
        if verified.repeated || !newest {
            return false;
        }
        self.accepted = Some(verified.accepted);
        if !verified.next_keys.is_empty() {
            self.keys.clone_from(&verified.next_keys);
        }
        true
    }

    fn check_signature(&self, bundle: &Bundle) -> Result<(), BundleError> {
        let Some(key) = self.keys.iter().find(|key| key.key_id == bundle.key_id) else {
            return Err(BundleError::UnknownKey {
                key_id: bundle.key_id.clone(),
                trusted: self.keys.iter().map(|key| key.key_id.clone()).collect(),
            });
        };
        let signature = Signature::from_bytes(&bundle.signature);
        // Strict: no second form of a signature.
        let right =
            key.verifying().is_some_and(|key| key.verify_strict(&bundle.signed_bytes(), &signature).is_ok());
        if right { Ok(()) } else { Err(BundleError::BadSignature { key_id: bundle.key_id.clone() }) }
    }
}

/// The policy of a bundle, with the bundle's version.
pub(super) fn policy_of(bundle: &Bundle) -> Result<Policy, BundleError> {
    let mut policy = Policy::from_text(&bundle.policy, bundle.format)?;
    let (ours, said) = (bundle.version.get(), policy.version.get());
    if said != 0 && said != ours {
        return Err(BundleError::VersionDiffers { bundle: ours, policy: said });
    }
    policy.version = Version::clamped(ours);
    Ok(policy)
}

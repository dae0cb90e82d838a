//! Secrets, compared without telling how much of them was right.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a shared secret. Comparing digests takes the same time whatever was sent, also when it is of another
/// length.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of `secret`; `None` when it is empty, which means that there is none.
    pub fn of(secret: &str) -> Option<SecretDigest> {
        (!secret.is_empty()).then(|| SecretDigest(Sha256::digest(secret.as_bytes()).into()))
    }

    /// A name for the secret that tells nothing about it.
    pub(super) fn name(&self) -> String {
        hex::encode(Sha256::digest(self.0))
    }

    /// Whether `secret` is the one.
    pub fn matches(&self, secret: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        self.0.ct_eq(&other).into()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_matches() {
        let digest = SecretDigest::of("secret").unwrap();
        assert!(digest.matches("secret"));
        for wrong in ["", "secre", "secret ", "Secret"] {
            assert!(!digest.matches(wrong), "{wrong:?}");
        }
        assert!(SecretDigest::of("").is_none(), "an empty secret is none, not one that everybody knows");
    }
}

//! Why a bundle was refused. Each text names the cause and the cure.

use std::fmt;

use super::read::BUNDLE_BYTES_MAX;
use crate::policy::error::{PolicyError, quoted};

/// Why a bundle was not taken. The policy in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleError {
    /// Longer than [`BUNDLE_BYTES_MAX`].
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not a bundle, or one with a field that is wrong.
    Malformed {
        /// What is wrong, and where.
        problem: String,
    },
    /// Signed with a key that is not trusted.
    UnknownKey {
        /// Its id, as the bundle gives it.
        key_id: String,
        /// The ids that are trusted.
        trusted: Vec<String>,
    },
    /// The signature does not belong to this content and key.
    BadSignature {
        /// The key it should be of.
        key_id: String,
    },
    /// Its time is over.
    Expired {
        /// When it ended, Unix milliseconds.
        expires_at_ms: u64,
        /// When that was noticed.
        now_ms: u64,
    },
    /// A higher version was accepted before.
    Downgrade {
        /// Of the bundle.
        version: u64,
        /// The highest accepted.
        accepted: u64,
    },
    /// This version was accepted before, with other content.
    SameVersionDiffers {
        /// Of both.
        version: u64,
    },
    /// The policy in it says another version.
    VersionDiffers {
        /// Of the bundle.
        bundle: u64,
        /// Of the policy.
        policy: u64,
    },
    /// The policy in it is wrong.
    Policy(PolicyError),
}

impl BundleError {
    pub(super) fn malformed(problem: impl fmt::Display) -> BundleError {
        BundleError::Malformed { problem: problem.to_string() }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BundleError::TooLarge { bytes } => write!(
                f,
                "the bundle has {bytes} bytes, allowed are {BUNDLE_BYTES_MAX}: move long lists to the intel files"
            ),
            BundleError::Malformed { problem } => {
                write!(f, "this is no policy bundle ({}): sign the policy again", quoted(problem))
            }
            BundleError::UnknownKey { key_id, trusted } => write!(
                f,
                "the bundle is signed with key {:?}, trusted are [{}]: sign it with one of these, or add its public \
                 key to the trusted keys",
                quoted(key_id),
                quoted(&trusted.join(", "))
            ),
            BundleError::BadSignature { key_id } => write!(
                f,
                "the bundle's signature is not by key {:?} over this content: it was changed after signing, or \
                 another key has this id; get it again from who signed it",
                quoted(key_id)
            ),
            BundleError::Expired { expires_at_ms, now_ms } => write!(
                f,
                "the bundle expired at {expires_at_ms} (Unix ms; now {now_ms}): sign it again with a later expiry, \
                 or set this machine's clock"
            ),
            BundleError::Downgrade { version, accepted } => write!(
                f,
                "the bundle has version {version}, but {accepted} was accepted before: sign it with a version above \
                 {accepted}"
            ),
            BundleError::SameVersionDiffers { version } => write!(
                f,
                "version {version} was accepted before with other content: sign this with a version above {version}"
            ),
            BundleError::VersionDiffers { bundle, policy } => write!(
                f,
                "the bundle has version {bundle}, the policy in it says {policy}: make them the same, or leave \
                 version out of the policy"
            ),
            BundleError::Policy(error) => write!(f, "the bundle's signature is right, but {error}"),
        }
    }
}

impl std::error::Error for BundleError {}

impl From<PolicyError> for BundleError {
    fn from(error: PolicyError) -> BundleError {
        BundleError::Policy(error)
    }
}

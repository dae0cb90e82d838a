//! A policy that came signed: who vouches for it, which version it is, and until when it counts.
//!
//! A bundle is a JSON object:
//!
//! ```json
//! {
//!   "bundle": 1,
//!   "keyId": "ops-1",
//!   "version": 7,
//!   "issuedAtMs": 1795300000000,
//!   "expiresAtMs": 1803000000000,
//!   "format": "toml",
//!   "policy": "mode = \"enforce\"\n",
//!   "nextKeys": [{ "keyId": "ops-2", "publicKey": "<base64 of 32 bytes>" }],
//!   "signature": "<base64 of 64 bytes>"
//! }
//! ```
//!
//! `expiresAtMs` and `nextKeys` may be left out. The signature is Ed25519 over what [`signed_bytes`](Bundle::signed_bytes)
//! returns, not over the JSON text, so that blanks and the order of names do not matter.
//!
//! **Rotation.** Once a bundle with `nextKeys` is accepted, those keys are the trusted ones, all of them: a key that is to
//! stay must be named again, and one that is not named is retired.
//!
//! **No way back.** A [`TrustStore`] remembers the highest version it accepted and the digest of what was signed. A lower
//! version is refused, and so is the same version with other content. The same content again is fine, also when its own
//! rotation has retired the key that signed it: it was checked when it was accepted, and restarts read it again. Keep the
//! store's file where only the gateway may write, since whoever can put an old one back can go back.

mod error;
mod read;
mod sign;
mod trust;

pub use error::BundleError;
pub use read::{BUNDLE_BYTES_MAX, Bundle, TrustedKey};
pub use sign::{Draft, sign};
pub use trust::{Accepted, KEYS_MAX, TrustStore, Verified};

#[cfg(test)]
mod tests;

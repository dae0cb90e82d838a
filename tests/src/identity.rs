//! A device: an Ed25519 key pair, its id, and what it signs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

/// A device's key pair.
#[derive(Debug, Clone)]
pub struct Identity(SigningKey);

impl Default for Identity {
    fn default() -> Identity {
        Identity::new()
    }
}

impl Identity {
    /// A device nobody has seen before.
    pub fn new() -> Identity {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        Identity(SigningKey::from_bytes(&secret))
    }

    fn raw(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Lower-case hex of the public key's SHA-256.
    pub fn id(&self) -> String {
        hex::encode(Sha256::digest(self.raw()))
    }

    /// The public key as clients send it: base64url of its 32 bytes.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.raw())
    }

    /// The same key as a PEM document, which servers take too.
    pub fn public_key_pem(&self) -> String {
        // SubjectPublicKeyInfo of RFC 8410: the fixed head, then the key.
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend(self.raw());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// Signature of `text`, base64url.
    pub fn sign(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes()).to_bytes())
    }

    /// Signature of `text` in plain base64 with padding, which servers take too.
    pub fn sign_padded(&self, text: &str) -> String {
        STANDARD.encode(self.0.sign(text.as_bytes()).to_bytes())
    }
}

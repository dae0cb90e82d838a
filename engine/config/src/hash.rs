//! Hashes that say whether a config has changed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What v3 answers as `hash`: lower-case hex of the SHA-256 of the file's text; of the empty text when there is none.
pub fn sha256_hex(raw: &str) -> String {
    hex::encode(Sha256::digest(raw.as_bytes()))
}

/// What v4 answers as `hash`: `hmac-sha256:v1:<base64url>`. With a key that only the gateway knows, the hash of a
/// redacted config does not let a reader test guesses of the secrets in it.
pub fn keyed(key: &[u8; 32], text: &str) -> String {
    format!("hmac-sha256:v1:{}", URL_SAFE_NO_PAD.encode(hmac_sha256(key, text.as_bytes())))
}

/// RFC 2104 with SHA-256 and a key shorter than its block.
fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        block.iter_mut().zip(key).for_each(|(slot, key)| *slot ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        // RFC 4231, case 1, with its 20-byte key padded to 32: zero bytes at the end do not change an HMAC.
        let mut key = [0u8; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            hex::encode(hmac_sha256(&key, b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(keyed(&key, "Hi There").len(), "hmac-sha256:v1:".len() + 43);
    }
}

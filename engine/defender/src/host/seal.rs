//! The signature around a baseline.
//!
//! The baseline's text, then `key` and `signature` in hexadecimal on lines of their own. What is signed is the text,
//! whose first line says what it is, so that no signature made for something else fits.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::baseline::{BASELINE_BYTES_MAX, Baseline};

/// The private key that signs baselines. Lies in the state directory, readable by its owner only.
#[derive(Clone)]
pub struct BaselineKey(SigningKey);

impl BaselineKey {
    /// The key made of 32 random bytes, which are what is stored.
    pub fn from_seed(seed: &[u8; 32]) -> BaselineKey {
        BaselineKey(SigningKey::from_bytes(seed))
    }

    /// The half that may be shown: to be kept elsewhere, and compared.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }
}

impl fmt::Debug for BaselineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaselineKey({})", self.public())
    }
}

/// Says who signed a baseline. Written as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(PublicKey(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Why a stored baseline is not believed. Nothing of it may be used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// Larger than any baseline of ours.
    TooLarge,
    /// There is no signature at its end: it was cut, or is something else.
    Unsigned,
    /// Somebody else signed it.
    WrongKey {
        /// Who.
        found: PublicKey,
    },
    /// It was changed since it was signed.
    BadSignature,
    /// It was signed and cannot be read: another version wrote it.
    Malformed {
        /// Which line, counted from one.
        line: usize,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the baseline is too large"),
            Self::Unsigned => f.write_str("the baseline has no signature"),
            Self::WrongKey { found } => write!(f, "the baseline was signed by another key, {found}"),
            Self::BadSignature => f.write_str("the baseline was changed after it was signed"),
            Self::Malformed { line } => write!(f, "line {line} of the baseline cannot be read"),
        }
    }
}

impl std::error::Error for OpenError {}

/// The text of a baseline, signed.
pub fn seal(baseline: &Baseline, key: &BaselineKey) -> String {
    let mut text = baseline.to_text();
    let signature = key.0.sign(text.as_bytes());
    text.push_str(&format!("key {}\nsignature {}\n", key.public(), hex::encode(signature.to_bytes())));
    text
}

/// The baseline in a signed text. `key`: whose signature is believed; never take it from the text itself.
pub fn open(text: &str, key: &PublicKey) -> Result<Baseline, OpenError> {
    if text.len() > BASELINE_BYTES_MAX {
        return Err(OpenError::TooLarge);
    }
    let (signed, found, signature) = split(text).ok_or(OpenError::Unsigned)?;
    if found != *key {
        return Err(OpenError::WrongKey { found });
    }
    let verifier = VerifyingKey::from_bytes(&key.0).map_err(|_| OpenError::BadSignature)?;
    verifier.verify_strict(signed.as_bytes(), &signature).map_err(|_| OpenError::BadSignature)?;
    Baseline::parse(signed).map_err(|line| OpenError::Malformed { line })
}

fn split(text: &str) -> Option<(&str, PublicKey, Signature)> {
    let (rest, signature) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let (signed, key) = rest.rsplit_once('\n')?;
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature.strip_prefix("signature ")?, &mut bytes).ok()?;
    let key = PublicKey::parse(key.strip_prefix("key ")?)?;
    // With its line end.
    let signed = text.get(..=signed.len())?;
    Some((signed, key, Signature::from_bytes(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::baseline::tests::{baseline, file};
    use super::*;

    #[test]
    fn sealed_and_opened() {
        let key = BaselineKey::from_seed(&[7; 32]);
        let baseline = baseline(&[("/w/a", file(1)), ("/w/b", file(2))]);
        let text = seal(&baseline, &key);
        assert_eq!(open(&text, &key.public()), Ok(baseline));
        let other = BaselineKey::from_seed(&[8; 32]).public();
        assert_eq!(open(&text, &other), Err(OpenError::WrongKey { found: key.public() }));
        assert_eq!(PublicKey::parse(&key.public().to_string()), Some(key.public()));
        assert!(!format!("{key:?}").contains("0707"));
    }

    #[test]
    fn every_flipped_byte_is_seen() {
        let key = BaselineKey::from_seed(&[7; 32]);
        let text = seal(&baseline(&[("/w/a", file(1))]), &key);
        for at in 0..text.len() {
            for flip in [1, 0x20] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                // Hexadecimal digits may change their case: the signature is the same then.
                let same = changed.eq_ignore_ascii_case(&text) && at >= text.find("key ").unwrap();
                assert!(open(&changed, &key.public()).is_err() || same, "byte {at}");
            }
        }
        for cut in 0..text.len() {
            assert!(open(&text[..cut], &key.public()).is_err(), "{cut} bytes");
        }
        let longer = text.replace("\nend", "\nf 644 0 0 7 1000 0 failed /w/z\nend");
        assert_eq!(open(&longer, &key.public()), Err(OpenError::BadSignature));
    }

    #[test]
    fn a_forged_key_line_changes_nothing() {
        let (ours, theirs) = (BaselineKey::from_seed(&[7; 32]), BaselineKey::from_seed(&[8; 32]));
        let text = seal(&baseline(&[("/w/a", file(1))]), &theirs);
        let text = text.replace(&theirs.public().to_string(), &ours.public().to_string());
        assert_eq!(open(&text, &ours.public()), Err(OpenError::BadSignature));
    }
}

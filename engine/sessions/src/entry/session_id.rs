//! Ids of transcripts.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Names one transcript of a conversation. v3 takes a new one at each reset; v4 keeps it. Safe as a file name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// Takes an id from outside: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, upstream's rule for file-safe ids.
    pub fn parse(text: &str) -> Option<SessionId> {
        let mut bytes = text.bytes();
        let safe = text.len() <= 128
            && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        safe.then(|| SessionId(text.into()))
    }

    /// A UUID version 4 of sixteen random bytes.
    pub fn random(bytes: [u8; 16]) -> SessionId {
        SessionId(uuid(bytes).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text of a UUID version 4 made of sixteen random bytes.
pub fn uuid(mut bytes: [u8; 16]) -> String {
    // Version and variant bits, RFC 9562 section 5.4.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let mut text = String::with_capacity(36);
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({})", self.0)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_or_file_safe() {
        assert_eq!(SessionId::random([0xff; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(SessionId::random([0; 16]).as_str(), "00000000-0000-4000-8000-000000000000");
        assert!(SessionId::parse("a-b.c_9").is_some());
        for bad in ["", "../x", ".x", "a/b", "é", &"x".repeat(129)] {
            assert!(SessionId::parse(bad).is_none(), "{bad:?}");
        }
    }
}

//! What can be known to be good or bad.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::domain::Domain;
use super::url::Url;

/// Something that can be known to be good or bad, in one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Indicator {
    /// One address.
    Url(Url),
    /// A host.
    Domain(Domain),
    /// A file, by what is in it.
    Sha256(Sha256),
}

impl Indicator {
    /// Whether a stranger may be asked about it: hosts of private networks are nobody's business, and nobody outside
    /// could say anything about them.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Url(url) => url.host().is_public(),
            Self::Domain(domain) => domain.is_public(),
            Self::Sha256(_) => true,
        }
    }
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
            Self::Sha256(hash) => hash.fmt(f),
        }
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256Error;

impl fmt::Display for Sha256Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 64 hexadecimal digits")
    }
}

impl std::error::Error for Sha256Error {}

impl Sha256 {
    /// Reads 64 hexadecimal digits in either case.
    pub fn parse(text: &str) -> Result<Sha256, Sha256Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Sha256Error)?;
        Ok(Sha256(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Sha256::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        for indicator in [
            Indicator::Url(Url::parse("https://a.example/x?y").unwrap()),
            Indicator::Domain(Domain::parse("a.example").unwrap()),
            Indicator::Sha256(Sha256([0xab; 32])),
        ] {
            let json = serde_json::to_string(&indicator).unwrap();
            assert_eq!(serde_json::from_str::<Indicator>(&json).unwrap(), indicator, "{json}");
        }
        assert!(serde_json::from_str::<Indicator>("{\"kind\":\"domain\",\"value\":\"a b\"}").is_err());
    }

    #[test]
    fn digests() {
        assert_eq!(Sha256::parse(&"Ab".repeat(32)), Ok(Sha256([0xab; 32])));
        for bad in ["", &"ab".repeat(31), &"ab".repeat(33), &"xy".repeat(32)] {
            assert_eq!(Sha256::parse(bad), Err(Sha256Error), "{bad}");
        }
    }
}

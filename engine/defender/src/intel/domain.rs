//! Names and addresses of hosts, in one spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// Longest host name (RFC 1035, section 2.3.4, without the root's dot).
pub(super) const DOMAIN_BYTES_MAX: usize = 253;

/// Longest label (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// A host: a name in lower case, or an IP address where a name would be.
///
/// Names are compared as a resolver sees them, without the root's dot. Compatibility forms (full-width letters, the
/// ideographic full stop) are folded, as every browser does; other letters beyond ASCII are refused, because mapping
/// them needs IDNA's tables: lists and texts are expected to hold the punycode (`xn--…`), which is kept as it is. IPv4
/// addresses may be written in any of the ways `inet_aton` takes and come out dotted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Box<str>);

/// Why a host was not understood. The writer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainError {
    /// Nothing there, or an empty label.
    Empty,
    /// Longer than a host name can be.
    TooLong,
    /// A letter beyond ASCII; write its punycode.
    NotAscii,
    /// A character that no host has.
    BadCharacter,
    /// Ends in a number and is no IPv4 address, or has brackets and is no IPv6 address.
    BadAddress,
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the host name or one of its labels is empty",
            Self::TooLong => "the host name or one of its labels is too long",
            Self::NotAscii => "the host name has letters beyond ASCII; write its xn-- form",
            Self::BadCharacter => "the host name has a character that host names cannot have",
            Self::BadAddress => "not an IP address",
        })
    }
}

impl std::error::Error for DomainError {}

impl Domain {
    /// Reads a host: a name, an IPv4 address, or an IPv6 address with or without brackets.
    pub fn parse(text: &str) -> Result<Domain, DomainError> {
        // Compatibility forms can be longer than what they fold to, never by this much.
        if text.len() > 4 * DOMAIN_BYTES_MAX {
            return Err(DomainError::TooLong);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(DomainError::BadAddress)?;
            return inner.parse().map(Domain::of_v6).map_err(|_| DomainError::BadAddress);
        }
        if text.contains(':') {
            return text.parse().map(Domain::of_v6).map_err(|_| DomainError::BadAddress);
        }
        let folded;
        let text = match text.is_ascii() {
            true => text,
            false => {
                folded = text.nfkc().map(|c| if c == '。' { '.' } else { c }).collect::<String>();
                folded.as_str()
            }
        };
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > DOMAIN_BYTES_MAX {
            return Err(DomainError::TooLong);
        }
        if !text.is_ascii() {
            return Err(DomainError::NotAscii);
        }
        for label in text.split('.') {
            match label.len() {
                0 => return Err(DomainError::Empty),
                1..=LABEL_BYTES_MAX => {}
                _ => return Err(DomainError::TooLong),
            }
            // Underscores are no host-name characters by the book and are found in real ones.
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                return Err(DomainError::BadCharacter);
            }
        }
        if ends_in_a_number(text) {
            return v4(text).map(|ip| Domain(ip.to_string().into())).ok_or(DomainError::BadAddress);
        }
        Ok(Domain(text.to_ascii_lowercase().into()))
    }

    fn of_v6(ip: Ipv6Addr) -> Domain {
        match ip.to_ipv4_mapped() {
            Some(ip) => Domain(ip.to_string().into()),
            None => Domain(ip.to_string().into()),
        }
    }

    /// The host; an IPv6 address has no brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// The host and everything above it: `a.b.c`, `b.c`, `c`. An address has nothing above it.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        let climbs = self.ip().is_none();
        std::iter::successors(Some(self.as_str()), move |host| match climbs {
            true => host.split_once('.').map(|(_, above)| above),
            false => None,
        })
    }

    /// Whether the host means the same to a stranger as to us: a name with a dot that is not reserved for private use
    /// (RFC 2606, 6762, 8375, 9476), or a global address. Only those may be asked about elsewhere.
    pub fn is_public(&self) -> bool {
        match self.ip() {
            Some(IpAddr::V4(ip)) => is_public_v4(ip),
            Some(IpAddr::V6(ip)) => is_public_v6(ip),
            None => {
                const PRIVATE: [&str; 12] = [
                    "localhost",
                    "local",
                    "internal",
                    "intranet",
                    "private",
                    "corp",
                    "home",
                    "lan",
                    "test",
                    "example",
                    "invalid",
                    "alt",
                ];
                let top = self.0.rsplit('.').next().unwrap_or_default();
                self.0.contains('.') && !PRIVATE.contains(&top) && !self.0.ends_with(".home.arpa")
            }
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let carrier_grade_nat = a == 100 && (64..128).contains(&b); // RFC 6598
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || carrier_grade_nat)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    !(ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local())
}

/// Whether a name must be read as an IPv4 address (the WHATWG URL standard's rule): its last label is all digits, or a
/// hexadecimal number.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .or_else(|| last.strip_prefix("0X"))
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// An address as `inet_aton` reads it: one to four numbers, decimal, octal or hexadecimal; the last fills what is left.
fn v4(host: &str) -> Option<Ipv4Addr> {
    let mut numbers = heapless::Vec::<u64, 4>::new();
    for part in host.split('.') {
        let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        let number = match hex {
            Some("") => 0,
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok()?,
            None => part.parse().ok()?,
        };
        numbers.push(number).ok()?;
    }
    let (last, high) = numbers.split_last()?;
    let room = 8 * (4 - high.len() as u32);
    if *last >= 1 << room || high.iter().any(|&number| number > 255) {
        return None;
    }
    let mut address = u32::try_from(*last).ok()?;
    for (index, &number) in high.iter().enumerate() {
        address |= u32::try_from(number).ok()? << (24 - 8 * index);
    }
    Some(Ipv4Addr::from(address))
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Domain, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Domain::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, DomainError>) {
        let seen = Domain::parse(text);
        assert_eq!(seen.as_ref().map(Domain::as_str).map_err(|error| *error), expect, "{text}");
        if let Ok(domain) = seen {
            assert_eq!(Domain::parse(domain.as_str()), Ok(domain), "its own spelling");
        }
    }

    #[test]
    fn one_spelling() {
        check("Shop.Example.COM.", Ok("shop.example.com"));
        check("XN--bcher-KVA.example", Ok("xn--bcher-kva.example"));
        check("ｓｈｏｐ。example.com", Ok("shop.example.com"));
        check("_dmarc.example.com", Ok("_dmarc.example.com"));
        check("192.0.2.7", Ok("192.0.2.7"));
        check("0xC0.0.519", Ok("192.0.2.7"));
        check("3221225991", Ok("192.0.2.7"));
        check("0300.0.02.07", Ok("192.0.2.7"));
        check("[2001:DB8::0:1]", Ok("2001:db8::1"));
        check("::ffff:192.0.2.7", Ok("192.0.2.7"));
    }

    #[test]
    fn refusals() {
        check("", Err(DomainError::Empty));
        check(".", Err(DomainError::Empty));
        check("a..b", Err(DomainError::Empty));
        check("bücher.example", Err(DomainError::NotAscii));
        check("a b.example", Err(DomainError::BadCharacter));
        check("a%2eb", Err(DomainError::BadCharacter));
        check("256.1.1.1", Err(DomainError::BadAddress));
        check("1.2.3.4.5", Err(DomainError::BadAddress));
        check("host.09", Err(DomainError::BadAddress));
        check("4294967296", Err(DomainError::BadAddress));
        check("[::1", Err(DomainError::BadAddress));
        check(&"a".repeat(64), Err(DomainError::TooLong));
        check(&"a.".repeat(200), Err(DomainError::TooLong));
        check(&"ü".repeat(2000), Err(DomainError::TooLong));
    }

    #[test]
    fn what_may_be_asked_about() {
        for (host, public) in [
            ("shop.pincer-test.net", true),
            ("nas", false),
            ("nas.local", false),
            ("build.corp", false),
            ("router.home.arpa", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.63.0.1", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("8.8.4.4", true),
            ("::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("2606:4700::1", true),
        ] {
            assert_eq!(Domain::parse(host).unwrap().is_public(), public, "{host}");
        }
    }

    #[test]
    fn above_a_host() {
        let above = |host| Domain::parse(host).unwrap().suffixes().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(above("a.b.c"), ["a.b.c", "b.c", "c"]);
        assert_eq!(above("192.0.2.7"), ["192.0.2.7"]);
    }
}

//! Web addresses, in one spelling.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::domain::{Domain, DomainError};

/// Longest URL that is looked at, in bytes, before and after normalising. VirusTotal and most servers take no longer
/// one.
pub const URL_BYTES_MAX: usize = 2048;

/// An absolute `http`, `https` or `ftp` address in the spelling a server sees: scheme and host in lower case, without
/// user, password, default port and fragment, dots in the path resolved, escapes of ordinary characters undone.
/// Spelling an address differently must not make it another one; whatever may be another page stays different.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    text: Box<str>,
    host: Domain,
    /// Where the text behind `scheme://` begins.
    place: u16,
}

/// Why an address was not understood. The writer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Longer than [`URL_BYTES_MAX`].
    TooLong,
    /// Not `http://`, `https://` or `ftp://`.
    Scheme,
    /// The port is no port.
    Port,
    /// The host is no host.
    Host(DomainError),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the address is longer than {URL_BYTES_MAX} bytes"),
            Self::Scheme => f.write_str("the address does not begin with http://, https:// or ftp://"),
            Self::Port => f.write_str("the port is not a number below 65536"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UrlError {}

/// Schemes and their default ports.
const SCHEMES: [(&str, u16); 3] = [("https", 443), ("http", 80), ("ftp", 21)];

impl Url {
    /// Reads an address, as a browser would: spaces around it and tabs and line ends within it do not count, and `\` is
    /// `/` up to the query.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let text = text.trim_matches(|c: char| c <= ' ');
        if text.len() > URL_BYTES_MAX {
            return Err(UrlError::TooLong);
        }
        let cleaned;
        let text = match text.bytes().any(|b| matches!(b, b'\t' | b'\n' | b'\r')) {
            true => {
                cleaned = text.replace(['\t', '\n', '\r'], "");
                cleaned.as_str()
            }
            false => text,
        };
        let (scheme, default_port, rest) = SCHEMES
            .iter()
            .find_map(|(scheme, port)| {
                let (head, rest) = text.split_at_checked(scheme.len())?;
                let rest = rest.strip_prefix(':')?;
                let is_scheme = head.eq_ignore_ascii_case(scheme) && rest.starts_with(['/', '\\']);
                is_scheme.then_some((*scheme, *port, rest))
            })
            .ok_or(UrlError::Scheme)?;
        // Any number of slashes, as browsers read it.
        let rest = rest.trim_start_matches(['/', '\\']);
        let (authority, rest) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = split_port(host_and_port)?;
        let host = Domain::parse(&percent_decoded_host(host)).map_err(UrlError::Host)?;

        let mut out = String::with_capacity(text.len() + 8);
        out.push_str(scheme);
        out.push_str("://");
        let place = out.len() as u16;
        match host.as_str().contains(':') {
            true => out.extend(["[", host.as_str(), "]"]),
            false => out.push_str(host.as_str()),
        }
        if let Some(port) = port.filter(|port| *port != default_port) {
            out.push(':');
            out.push_str(&port.to_string());
        }
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        push_path(&mut out, path);
        if let Some(query) = query {
            out.push('?');
            push_escaped(&mut out, query);
        }
        // Escaping may have made it longer.
        if out.len() > URL_BYTES_MAX {
            return Err(UrlError::TooLong);
        }
        Ok(Url { text: out.into(), host, place })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host.
    pub fn host(&self) -> &Domain {
        &self.host
    }

    /// The address without its scheme: the same place over `http` and `https`.
    pub fn place(&self) -> &str {
        self.text.get(usize::from(self.place)..).unwrap_or_default()
    }
}

/// A host and the port behind it; an empty port is none.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    // The colons of an IPv6 address are inside brackets.
    let from = authority.rfind(']').unwrap_or(0);
    let Some(colon) = authority.get(from..).and_then(|tail| tail.find(':')).map(|at| at + from) else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(colon);
    let port = port.get(1..).unwrap_or_default();
    if port.is_empty() {
        return Ok((host, None));
    }
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    port.parse().map(|port| (host, Some(port))).map_err(|_| UrlError::Port)
}

/// Browsers undo escapes in a host before they read it.
fn percent_decoded_host(host: &str) -> std::borrow::Cow<'_, str> {
    if !host.contains('%') {
        return host.into();
    }
    let mut bytes = Vec::with_capacity(host.len());
    let mut rest = host.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = if byte == b'%' { escape(after) } else { None };
        bytes.push(escaped.unwrap_or(byte));
        rest = match escaped {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// The byte that two hexadecimal digits stand for.
fn escape(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// Appends a path, with `.` and `..` resolved. Always begins with a slash.
fn push_path(out: &mut String, path: &str) {
    let root = out.len();
    let mut segments = path.split(['/', '\\']).peekable();
    // What is before the first slash is empty: a path begins with one.
    if segments.peek().is_some_and(|first| first.is_empty()) {
        segments.next();
    }
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let start = out.len();
        out.push('/');
        push_escaped(out, segment);
        // Looked at after escapes are undone: `%2e%2e` climbs too.
        match out.get(start + 1..) {
            Some(".") => out.truncate(start),
            Some("..") => {
                out.truncate(start);
                let above = out.get(root..).and_then(|path| path.rfind('/')).unwrap_or(0);
                out.truncate(root + above);
            }
            _ => continue,
        }
        if is_last {
            out.push('/');
        }
    }
    if out.len() == root {
        out.push('/');
    }
}

/// Appends text in which unreserved characters (RFC 3986, section 2.3) are never escaped, and what cannot stand in an
/// address always is. Escapes of anything else stay, with upper-case digits.
fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (value, was_escaped) = match byte {
            b'%' => match escape(after) {
                Some(value) => {
                    rest = after.get(2..).unwrap_or_default();
                    (value, true)
                }
                // A stray percent sign; servers take it as it is.
                None => (byte, false),
            },
            _ => (byte, false),
        };
        let plain = match was_escaped {
            true => value.is_ascii_alphanumeric() || b"-._~".contains(&value),
            false => value.is_ascii_graphic() && !b"\"<>`".contains(&value),
        };
        if plain {
            out.push(char::from(value));
        } else {
            const DIGITS: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            out.push('%');
            out.extend(DIGITS.get(usize::from(value >> 4)));
            out.extend(DIGITS.get(usize::from(value & 15)));
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Url::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, UrlError>) {
        let seen = Url::parse(text);
        assert_eq!(seen.as_ref().map(Url::as_str).map_err(|error| *error), expect, "{text}");
    }

    #[test]
    fn one_spelling() {
        check("HTTPS://Shop.Example.com", Ok("https://shop.example.com/"));
        check("https://shop.example.com:443/a", Ok("https://shop.example.com/a"));
        check("http://shop.example.com:443/a", Ok("http://shop.example.com:443/a"));
        check("https://user:pass@shop.example.com/a#top", Ok("https://shop.example.com/a"));
        check("https://bank.example@shop.example.com/", Ok("https://shop.example.com/"));
        check("https:\\\\shop.example.com\\a\\..\\b", Ok("https://shop.example.com/b"));
        check("https:/shop.example.com", Ok("https://shop.example.com/"));
        check("https://shop.example.com?q=1", Ok("https://shop.example.com/?q=1"));
        check("https://shop.example.com/a/%2e%2E/./b/", Ok("https://shop.example.com/b/"));
        check("https://shop.example.com/a/..", Ok("https://shop.example.com/"));
        check("https://shop.example.com/../../x", Ok("https://shop.example.com/x"));
        check("https://shop.example.com/%61%2f%c3%a4ä", Ok("https://shop.example.com/a%2F%C3%A4%C3%A4"));
        check("https://sh%6fp.example.com/100%", Ok("https://shop.example.com/100%"));
        check("  https://shop.exa\nmple.com/a\tb ", Ok("https://shop.example.com/ab"));
        check("http://0x7f.1/", Ok("http://127.0.0.1/"));
        check("http://[::1]:8080/a", Ok("http://[::1]:8080/a"));
        check("ftp://files.example.com:21/x", Ok("ftp://files.example.com/x"));
        check("https://shop.example.com//a", Ok("https://shop.example.com//a"));
    }

    #[test]
    fn refusals() {
        check("", Err(UrlError::Scheme));
        check("mailto:a@example.com", Err(UrlError::Scheme));
        check("javascript://example.com/%0aalert(1)", Err(UrlError::Scheme));
        check("https:shop.example.com", Err(UrlError::Scheme));
        check("https://", Err(UrlError::Host(DomainError::Empty)));
        check("https://user@/", Err(UrlError::Host(DomainError::Empty)));
        check("https://a:99999/", Err(UrlError::Port));
        check("https://a:+1/", Err(UrlError::Port));
        check("https://b%20c/", Err(UrlError::Host(DomainError::BadCharacter)));
        check(&format!("https://a/{}", "x".repeat(URL_BYTES_MAX)), Err(UrlError::TooLong));
        check(&format!("https://a/{}", "é".repeat(500)), Err(UrlError::TooLong));
    }

    proptest! {
        #[test]
        fn a_normal_form_is_normal(text in "(http|https|ftp)://[a-zA-Z0-9.:@%\\[\\]]{1,20}[/\\\\?#%.a-zé2eE5 \"]{0,40}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(url.as_str()), Ok(url.clone()));
                prop_assert!(url.as_str().bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}

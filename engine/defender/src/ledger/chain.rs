//! Writes lines, each bound to the one before.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::error::LineProblem;
use super::record::Record;

/// Longest line, in bytes, without its newline. A bounded record with every character escaped fits.
pub const LINE_BYTES_MAX: usize = 192 * 1024;

/// Begins what is hashed, so that no hash made for something else can stand for a line.
const DOMAIN: &[u8] = b"pincer ledger v1\n";

/// `{"hash":"`, 64 digits, `",`.
const PREFIX: &str = "{\"hash\":\"";
const PREFIX_LEN: usize = PREFIX.len() + 64 + 2;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first line of all has as `prev`.
    pub const ZERO: Hash = Hash([0; 32]);

    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }

    /// From 64 lower-case hex digits: one way to write it, so that none can be changed to another.
    pub fn parse(text: &str) -> Option<Hash> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Hash::parse(&text).ok_or_else(|| de::Error::custom("not 64 lower-case hex digits"))
    }
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The last line's number; 0: no line yet.
    pub count: u64,
    /// The last line's hash.
    pub hash: Hash,
}

/// The end of a chain that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chain {
    head: Head,
}

#[derive(Serialize)]
struct Body<'a> {
    n: u64,
    prev: Hash,
    at: u64,
    record: &'a Record,
}

/// A line's content, read back.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) n: u64,
    pub(super) prev: Hash,
    pub(super) at: u64,
    pub(super) record: &'a serde_json::value::RawValue,
}

impl Chain {
    /// Goes on behind `head`.
    pub fn after(head: Head) -> Chain {
        Chain { head }
    }

    /// Where it ends.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Writes one record as a line at the end of `out`, with its newline, and moves the head. On an error neither has
    /// changed. `at_ms` is Unix time.
    pub fn write(&mut self, out: &mut Vec<u8>, at_ms: u64, record: &Record) -> Result<Head, LineProblem> {
        let start = out.len();
        let n = self.head.count.checked_add(1).ok_or(LineProblem::NotCounted)?;
        let body = Body { n, prev: self.head.hash, at: at_ms, record };
        let body = serde_json::to_vec(&body).map_err(|error| LineProblem::NotWritten(error.to_string()))?;
        // Without its brace: the hash takes that place.
        let rest = body.get(1..).unwrap_or_default();
        if PREFIX_LEN + rest.len() > LINE_BYTES_MAX {
            return Err(LineProblem::TooLong);
        }
        let hash = hash_of(rest);
        out.reserve(PREFIX_LEN + rest.len() + 1);
        out.extend(format!("{PREFIX}{hash}\",").bytes());
        out.extend(rest);
        out.push(b'\n');
        debug_assert_eq!(out.len(), start + PREFIX_LEN + rest.len() + 1);
        self.head = Head { count: n, hash };
        Ok(self.head)
    }
}

fn hash_of(rest: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(rest);
    Hash(hasher.finalize().into())
}

/// Splits a line into its hash and what that is over, and checks the one against the other.
pub(super) fn open(line: &[u8]) -> Result<(Hash, Read<'_>), LineProblem> {
    if line.len() > LINE_BYTES_MAX {
        return Err(LineProblem::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| LineProblem::NotALine)?;
    let rest = text.get(PREFIX_LEN..).ok_or(LineProblem::NotALine)?;
    let digits = text
        .get(..PREFIX_LEN)
        .and_then(|prefix| prefix.strip_prefix(PREFIX)?.strip_suffix("\","))
        .ok_or(LineProblem::NotALine)?;
    let hash = Hash::parse(digits).ok_or(LineProblem::NotALine)?;
    if hash_of(rest.as_bytes()) != hash {
        return Err(LineProblem::Changed);
    }
    let read = fields(rest).ok_or(LineProblem::Malformed)?;
    Ok((hash, read))
}

/// The fields of a line behind its prefix, in the order in which they are written. By hand, since what is hashed lacks the
/// brace that a JSON reader wants, and so nothing has to be copied.
fn fields(rest: &str) -> Option<Read<'_>> {
    let (n, rest) = number(rest.strip_prefix("\"n\":")?)?;
    let (prev, rest) = rest.strip_prefix(",\"prev\":\"")?.split_at_checked(64)?;
    let (at, rest) = number(rest.strip_prefix("\",\"at\":")?)?;
    let record = rest.strip_prefix(",\"record\":")?.strip_suffix('}')?;
    Some(Read { n, prev: Hash::parse(prev)?, at, record: serde_json::from_str(record).ok()? })
}

/// A number at the start of a text, in its shortest form.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end)?;
    let shortest = digits == "0" || !digits.starts_with('0');
    Some((digits.parse().ok().filter(|_| shortest)?, rest))
}

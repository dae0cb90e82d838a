//! One small question to a service that is no model, as a shard asks it.

use std::fmt;

use pincer_adapters::http::HttpRequest;

/// Identifies a question of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupId(pub u64);

/// A question: a request, a whole answer, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What to ask, for example [`VirusTotal::request`](pincer_adapters::virustotal::VirusTotal::request).
    pub request: HttpRequest,
    /// For all of it: name look-up, TLS, answer. In milliseconds, at most a minute.
    pub timeout_ms: u64,
    /// Longest body that is taken, in bytes, at most 4 MiB. A longer one is an error and not cut: half an answer says
    /// something else.
    pub body_bytes_max: usize,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupAnswer {
    /// HTTP status.
    pub status: u16,
    /// The pause its headers ask for, see [`retry_after_ms`](pincer_adapters::provider::retry_after_ms).
    pub retry_after_ms: Option<u64>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Messages hold no credential: requests' addresses and headers are not in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError {
    /// Too many look-ups are under way. Ask later, or go on without.
    Busy,
    /// The request's address or a header of it cannot be sent. The config's fault.
    Unsendable,
    /// No answer in time.
    Timeout,
    /// The service cannot be reached, or its connection broke; in words.
    Network(String),
    /// The body is longer than may be.
    TooLarge,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many look-ups are under way"),
            Self::Unsendable => f.write_str("the address or a credential cannot be sent over HTTP"),
            Self::Timeout => f.write_str("the service did not answer in time"),
            Self::Network(message) => f.write_str(message),
            Self::TooLarge => f.write_str("the answer is too large"),
        }
    }
}

impl std::error::Error for LookupError {}

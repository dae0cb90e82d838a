//! What can go wrong between us and a gateway.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::IdentityError;

/// `error` of a response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServerError {
    /// `INVALID_REQUEST`, `UNAVAILABLE` …
    pub(crate) code: String,
    /// In words.
    pub(crate) message: String,
    /// Particulars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<Value>,
    /// Whether the same call may succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retryable: Option<bool>,
    /// After how many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
}

impl ServerError {
    /// A text of `details`.
    pub(crate) fn detail(&self, name: &str) -> Option<&str> {
        self.details.as_ref()?.get(name)?.as_str()
    }
}

/// Why a connection or a call failed. Displays the cause; [`ClientError::explain`](super::ClientError::explain) knows
/// the part that failed and the cure.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// The address cannot be used.
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token would travel in the clear to another machine.
    Insecure(String),
    /// Nobody answers there.
    Unreachable {
        /// Where.
        url: String,
        /// As the system says it.
        cause: String,
    },
    /// Somebody answers there, but TLS cannot be agreed on.
    Tls {
        /// Where.
        url: String,
        /// As the TLS library says it.
        cause: String,
    },
    /// Somebody answered the upgrade with HTTP.
    Http {
        /// The status.
        status: u16,
        /// The start of the body.
        body: String,
    },
    /// Connected, but no gateway spoke.
    NoChallenge,
    /// The gateway refused to let us in.
    Refused(Box<ServerError>),
    /// The gateway closed the connection.
    Closed {
        /// Close code; 1006 when there was none.
        code: u16,
        /// Close reason.
        reason: String,
    },
    /// No answer in time.
    Timeout(String),
    /// The gateway answered with an error.
    Call {
        /// What was called.
        method: String,
        /// The answer.
        error: Box<ServerError>,
    },
    /// What came is not this protocol.
    Protocol(String),
    /// Our own identity cannot be read or made.
    Identity(IdentityError),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::BadUrl { url, why } => write!(f, "cannot use the address {url:?}: {why}"),
            ClientError::Insecure(url) => {
                write!(f, "{url} is unencrypted and not this machine: the token could be read on the way")
            }
            ClientError::Unreachable { url, cause } => write!(f, "no gateway answers at {url}: {cause}"),
            ClientError::Tls { url, cause } => write!(f, "no safe connection to {url}: {cause}"),
            ClientError::Http { status, body } => {
                write!(f, "the gateway answered HTTP {status} instead of a WebSocket: {body}")
            }
            ClientError::NoChallenge => {
                f.write_str("something answers there, but it does not speak the gateway protocol")
            }
            ClientError::Refused(error) => write!(f, "the gateway refused the connection: {}", error.message),
            ClientError::Closed { code, reason } if reason.is_empty() => {
                write!(f, "the gateway closed the connection (code {code})")
            }
            ClientError::Closed { code, reason } => {
                write!(f, "the gateway closed the connection (code {code}): {reason}")
            }
            ClientError::Timeout(what) => write!(f, "no answer to {what} in time"),
            ClientError::Call { method, error } => write!(f, "{method}: {}", error.message),
            ClientError::Protocol(what) => write!(f, "the gateway sent what this client cannot read: {what}"),
            ClientError::Identity(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<IdentityError> for ClientError {
    fn from(error: IdentityError) -> ClientError {
        ClientError::Identity(error)
    }
}

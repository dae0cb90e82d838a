//! The first exchange on a socket: challenge, `connect`, `hello-ok`.
//!
//! The server speaks first ([`Challenge`]); the client answers with a `connect` request ([`ConnectParams::read`]); a
//! connection that is let in gets [`HelloV3`] or [`HelloV4`]. What is let in is decided elsewhere: this module knows
//! shapes, wording and what a device signs ([`signed_text`]), not policy.

mod client;
mod hello;
mod params;
mod presence;
mod signature;

pub use client::{ClientId, ClientInfo, ClientMode};
pub use hello::{
    Attachments, AuthV3, AuthV4, FeaturesV3, FeaturesV4, HelloV3, HelloV4, Install, InstallKind,
    MAX_BUFFERED_BYTES, MAX_PAYLOAD, Ownership, PolicyV3, PolicyV4, ServerV3, ServerV4, SessionDefaultsV3,
    SessionDefaultsV4, SnapshotV3, SnapshotV4, Suspension, SuspensionPhase, TICK_INTERVAL_MS,
    UpdateAvailable, UpdateSchedule,
};
pub use params::{AuthParams, BadParams, ConnectParams, DeviceParams, SCOPES_MAX, Secret, wording};
pub use presence::{PresenceEntry, PresenceEvent};
pub use signature::{SignatureVersion, signed_text};

use serde::Serialize;

use crate::Wire;

/// Name of the request that opens a connection.
pub const METHOD: &str = "connect";

/// Payload of the `connect.challenge` event, the first frame on every socket. It carries no `seq`.
///
/// It is sent before the client has said which wire it speaks, so it has the newer wire's extra key; older clients read
/// only the nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Challenge<'a> {
    /// What a device must sign. Fresh for each socket.
    pub nonce: &'a str,
    /// The server's clock, milliseconds since 1970.
    pub ts: u64,
    /// What a v4 client may count on before it connects; this gateway promises nothing.
    pub capabilities: [&'a str; 0],
}

impl<'a> Challenge<'a> {
    /// The event's name.
    pub const EVENT: &'static str = "connect.challenge";

    /// The challenge for one socket.
    pub fn new(nonce: &'a str, ts: u64) -> Challenge<'a> {
        Challenge { nonce, ts, capabilities: [] }
    }
}

/// How the gateway authenticates clients, as `hello-ok` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// Everyone who reaches the port is let in.
    None,
    /// A shared token.
    Token,
    /// A shared password.
    Password,
    /// A reverse proxy vouches for the user.
    TrustedProxy,
}

/// How one connection proved itself; `auth.method` of v4's `hello-ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// No proof was asked for.
    None,
    /// The shared token.
    Token,
    /// The shared password.
    Password,
    /// A token issued to this device.
    DeviceToken,
    /// A reverse proxy vouched for the user.
    TrustedProxy,
}

impl AuthMethod {
    /// Whether the shared secret itself was shown.
    pub fn is_shared_secret(self) -> bool {
        matches!(self, AuthMethod::Token | AuthMethod::Password)
    }
}

/// `text`, cut to what fits the reason of a close frame: 123 bytes of UTF-8 (RFC 6455, 5.5.1).
pub fn close_reason(text: &str) -> &str {
    const BYTES_MAX: usize = 123;
    let mut end = text.len().min(BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The wire a range of versions leads to, or the one whose wording a refusal should have.
///
/// A client whose newest version is below 4 belongs to the older generation, and so does one that names none: v3's
/// validators list every problem at once, which helps whoever writes a client by hand.
fn generation(min: Option<u64>, max: Option<u64>) -> Wire {
    if let Some(wire) = min.zip(max).and_then(|(min, max)| Wire::negotiate(min, max)) {
        return wire;
    }
    match max.or(min) {
        Some(newest) if newest >= Wire::V4.number() => Wire::V4,
        _ => Wire::V3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(close_reason("short"), "short");
        let long = format!("{}é", "x".repeat(122));
        assert_eq!(close_reason(&long), "x".repeat(122));
        assert_eq!(close_reason(&"y".repeat(500)).len(), 123);
    }

    #[test]
    fn refusals_have_the_wording_of_the_clients_generation() {
        for (min, max, want) in [
            (Some(3), Some(3), Wire::V3),
            (Some(3), Some(4), Wire::V4),
            (Some(1), Some(1), Wire::V3),
            (Some(5), Some(9), Wire::V4),
            (Some(5), Some(3), Wire::V3),
            (None, Some(4), Wire::V4),
            (Some(4), None, Wire::V4),
            (None, None, Wire::V3),
        ] {
            assert_eq!(generation(min, max), want, "{min:?}..{max:?}");
        }
    }

    #[test]
    fn the_challenge_on_the_wire() {
        assert_eq!(
            serde_json::to_string(&Challenge::new("n", 7)).unwrap(),
            r#"{"nonce":"n","ts":7,"capabilities":[]}"#
        );
    }
}

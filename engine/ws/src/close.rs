//! Why a connection ends, in the protocol's numbers.

use std::fmt;

use tungstenite::protocol::frame::coding::CloseCode;

/// Close codes that this gateway sends (RFC 6455 section 7.4 and the IANA registry).
pub mod code {
    /// Done.
    pub const NORMAL: u16 = 1000;
    /// The peer broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// Refused by policy.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// Message over the limit.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// A fault of ours.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The service restarts; reconnect.
    pub const SERVICE_RESTART: u16 = 1012;
    /// No room now; reconnect later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
}

/// What a peer's close frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// A code that may be sent over the wire; others were refused as [`CloseReason::BadCloseCode`].
    pub code: u16,
    /// At most 123 bytes.
    pub reason: &'a str,
}

/// What was wrong with what a peer sent. Always the peer's doing, but for `Overloaded`. Answer with a close frame of
/// [`CloseReason::code`] and end the connection.
///
/// The `Display` text is for logs. OpenClaw clients see an empty reason with these codes, so send none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// A client frame without a mask.
    Unmasked,
    /// A reserved bit is set, though no extension was negotiated.
    ReservedBits,
    /// An opcode that means nothing yet.
    ReservedOpcode,
    /// A control frame of more than 125 bytes.
    ControlTooLong,
    /// A control frame in fragments.
    ControlFragmented,
    /// A continuation with nothing to continue.
    UnexpectedContinuation,
    /// A new message before the fragmented one was finished.
    ExpectedContinuation,
    /// A close frame with half a code.
    BadCloseLength,
    /// A close code that may not be sent.
    BadCloseCode(u16),
    /// Text, or a close reason, that is not UTF-8.
    InvalidUtf8,
    /// A message over the limit.
    MessageTooBig,
    /// The shard has no buffer left to keep an incomplete message in.
    Overloaded,
}

impl CloseReason {
    /// The close code to send.
    pub fn code(self) -> u16 {
        match self {
            CloseReason::Unmasked
            | CloseReason::ReservedBits
            | CloseReason::ReservedOpcode
            | CloseReason::ControlTooLong
            | CloseReason::ControlFragmented
            | CloseReason::UnexpectedContinuation
            | CloseReason::ExpectedContinuation
            | CloseReason::BadCloseLength
            | CloseReason::BadCloseCode(_) => code::PROTOCOL_ERROR,
            CloseReason::InvalidUtf8 => code::INVALID_PAYLOAD,
            CloseReason::MessageTooBig => code::MESSAGE_TOO_BIG,
            CloseReason::Overloaded => code::TRY_AGAIN_LATER,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Unmasked => f.write_str("frame is not masked"),
            CloseReason::ReservedBits => f.write_str("reserved bit is set"),
            CloseReason::ReservedOpcode => f.write_str("reserved opcode"),
            CloseReason::ControlTooLong => f.write_str("control frame is longer than 125 bytes"),
            CloseReason::ControlFragmented => f.write_str("control frame is fragmented"),
            CloseReason::UnexpectedContinuation => f.write_str("continuation of nothing"),
            CloseReason::ExpectedContinuation => f.write_str("message begins inside another"),
            CloseReason::BadCloseLength => f.write_str("close frame has one byte"),
            CloseReason::BadCloseCode(code) => write!(f, "close code {code} may not be sent"),
            CloseReason::InvalidUtf8 => f.write_str("text is not UTF-8"),
            CloseReason::MessageTooBig => f.write_str("message is too big"),
            CloseReason::Overloaded => f.write_str("no buffer for an incomplete message"),
        }
    }
}

impl std::error::Error for CloseReason {}

/// Reads the payload of a close frame.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<CloseFrame<'_>>, CloseReason> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(CloseReason::BadCloseLength) };
    };
    let code = u16::from_be_bytes(*code);
    let reason = simdutf8::basic::from_utf8(reason).map_err(|_| CloseReason::InvalidUtf8)?;
    if !CloseCode::from(code).is_allowed() {
        return Err(CloseReason::BadCloseCode(code));
    }
    Ok(Some(CloseFrame { code, reason }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: Result<Option<(u16, &str)>, CloseReason>) {
        let parsed = parse(payload).map(|close| close.map(|close| (close.code, close.reason)));
        assert_eq!(parsed, expected);
    }

    #[test]
    fn close_payloads() {
        check(b"", Ok(None));
        check(b"\x03", Err(CloseReason::BadCloseLength));
        check(b"\x03\xe8", Ok(Some((1000, ""))));
        check(b"\x03\xe8bye", Ok(Some((1000, "bye"))));
        check(b"\x03\xe8\xff", Err(CloseReason::InvalidUtf8));
        check(b"\x03\xe8\xe2\x82", Err(CloseReason::InvalidUtf8));
        check(b"\x03\xed\xff", Err(CloseReason::InvalidUtf8));
    }

    #[test]
    fn codes_that_may_be_sent() {
        let allowed = |code: u16| parse(&code.to_be_bytes()).is_ok();
        for code in (1000..=1003).chain(1007..=1013).chain(3000..=4999) {
            assert!(allowed(code), "{code}");
        }
        for code in (0..1000).chain(1004..=1006).chain(1014..3000).chain(5000..=u16::MAX) {
            assert!(!allowed(code), "{code}");
        }
    }
}

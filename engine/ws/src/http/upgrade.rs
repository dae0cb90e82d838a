//! The upgrade from HTTP to the WebSocket protocol (RFC 6455 section 4.2).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tungstenite::handshake::derive_accept_key;

use super::head::Head;
use super::response::{ResponseOptions, append_header, simple_response};

/// Why a request cannot be upgraded. The client's fault in every case; [`Refusal::response`] tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a `GET`.
    Method,
    /// HTTP/1.0.
    HttpVersion,
    /// It does not ask for `websocket`. 426.
    NotUpgrade,
    /// `Sec-WebSocket-Version` is missing or not 13. 426.
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, or not 16 bytes in Base64.
    Key,
    /// `Sec-WebSocket-Protocol` is not a list of tokens.
    Subprotocol,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Refusal::Method => 405,
            Refusal::HttpVersion => 505,
            Refusal::NotUpgrade | Refusal::WebSocketVersion => 426,
            Refusal::Key | Refusal::Subprotocol => 400,
        }
    }

    /// The whole response. The connection is to be closed after it.
    pub fn response(self) -> Vec<u8> {
        let extra: &[(&str, &str)] = match self {
            Refusal::Method => &[("Allow", "GET")],
            Refusal::NotUpgrade => &[("Upgrade", "websocket")],
            Refusal::WebSocketVersion => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
            Refusal::HttpVersion | Refusal::Key | Refusal::Subprotocol => &[],
        };
        let body = format!("{self}\n");
        let options = ResponseOptions { head_only: false, keep_alive: false };
        simple_response(self.status(), "text/plain; charset=utf-8", body.as_bytes(), extra, options)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Method => "a WebSocket begins with GET",
            Refusal::HttpVersion => "a WebSocket begins with HTTP/1.1",
            Refusal::NotUpgrade => "this address speaks the WebSocket protocol",
            Refusal::WebSocketVersion => "only version 13 of the WebSocket protocol is spoken here",
            Refusal::Key => "Sec-WebSocket-Key is not 16 bytes in Base64",
            Refusal::Subprotocol => "Sec-WebSocket-Protocol is not a list of tokens",
        })
    }
}

impl std::error::Error for Refusal {}

/// The `101 Switching Protocols` response to `head`.
///
/// The first subprotocol offered is echoed, as OpenClaw's server library does; clients that offer one give up when
/// none comes back. Extensions are never accepted.
pub fn upgrade_response(head: &Head<'_>) -> Result<Vec<u8>, Refusal> {
    if head.method() != "GET" {
        return Err(Refusal::Method);
    }
    if !head.is_http_11() {
        return Err(Refusal::HttpVersion);
    }
    if !head.is_upgrade() {
        return Err(Refusal::NotUpgrade);
    }
    if head.header("sec-websocket-version") != Some("13") {
        return Err(Refusal::WebSocketVersion);
    }
    let key = head.header("sec-websocket-key").filter(|key| is_key(key)).ok_or(Refusal::Key)?;
    let subprotocol = first_subprotocol(head)?;

    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    append_header(&mut out, "Sec-WebSocket-Accept", &derive_accept_key(key.as_bytes()));
    if let Some(subprotocol) = subprotocol {
        append_header(&mut out, "Sec-WebSocket-Protocol", subprotocol);
    }
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

fn is_key(key: &str) -> bool {
    let mut decoded = [0; 18]; // room for the 24 characters that 16 bytes take
    key.len() == 24 && STANDARD.decode_slice(key, &mut decoded) == Ok(16)
}

/// The first one offered; `None` when none is. All of them must be tokens.
fn first_subprotocol<'a>(head: &Head<'a>) -> Result<Option<&'a str>, Refusal> {
    let mut first = None;
    for value in head.headers_named("sec-websocket-protocol") {
        for name in value.split(',').map(str::trim) {
            if name.is_empty() || !name.bytes().all(is_token_byte) {
                return Err(Refusal::Subprotocol);
            }
            first = first.or(Some(name));
        }
    }
    Ok(first)
}

/// A `tchar` of RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::super::head::HeadStatus;
    use super::*;

    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
    const UPGRADE: &str = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";

    fn upgrade(line: &str, headers: &[&str]) -> Result<String, Refusal> {
        let bytes = format!("{line}\r\nHost: localhost\r\n{}\r\n", headers.concat());
        let HeadStatus::Complete { head, len } = Head::parse(bytes.as_bytes()) else { panic!("{bytes}") };
        assert_eq!(len, bytes.len());
        upgrade_response(&head).map(|response| String::from_utf8(response).unwrap().replace("\r\n", "\n"))
    }

    #[track_caller]
    fn check(line: &str, headers: &[&str], expected: Result<&str, Refusal>) {
        assert_eq!(upgrade(line, headers), expected.map(str::to_owned));
    }

    const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n";

    #[test]
    fn the_example_of_the_rfc() {
        check("GET /chat HTTP/1.1", &[UPGRADE, KEY, VERSION], Ok(ACCEPTED));
    }

    #[test]
    fn compression_is_not_negotiated() {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        check("GET / HTTP/1.1", &[UPGRADE, KEY, VERSION, offer], Ok(ACCEPTED));
    }

    #[test]
    fn names_and_words_are_case_insensitive() {
        let headers = "UPGRADE: WebSocket\r\nconnection: UPGRADE\r\nsec-websocket-VERSION:13 \r\nsEC-WebSocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        check("GET / HTTP/1.1", &[headers], Ok(ACCEPTED));
    }

    #[test]
    fn the_first_subprotocol_is_echoed() {
        let echoed = |offer: &str| {
            let response = upgrade("GET / HTTP/1.1", &[UPGRADE, KEY, VERSION, offer])?;
            Ok(response
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "))
                .map(str::to_owned))
        };
        let some = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(echoed("Sec-WebSocket-Protocol: chat, superchat\r\n"), some("chat"));
        assert_eq!(echoed("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n"), some("a"));
        assert_eq!(echoed("Sec-WebSocket-Protocol: \r\n"), Err(Refusal::Subprotocol));
        assert_eq!(echoed("Sec-WebSocket-Protocol: a,,b\r\n"), Err(Refusal::Subprotocol));
        assert_eq!(echoed("Sec-WebSocket-Protocol: a b\r\n"), Err(Refusal::Subprotocol));
    }

    #[test]
    fn refusals() {
        let all = [UPGRADE, KEY, VERSION];
        check("POST / HTTP/1.1", &all, Err(Refusal::Method));
        check("GET / HTTP/1.0", &all, Err(Refusal::HttpVersion));
        check("GET / HTTP/1.1", &[KEY, VERSION], Err(Refusal::NotUpgrade));
        check("GET / HTTP/1.1", &["Upgrade: websocket\r\n", KEY, VERSION], Err(Refusal::NotUpgrade));
        check("GET / HTTP/1.1", &["Upgrade: h2c\r\nConnection: upgrade\r\n", KEY], Err(Refusal::NotUpgrade));
        check("GET / HTTP/1.1", &[UPGRADE, KEY], Err(Refusal::WebSocketVersion));
        check(
            "GET / HTTP/1.1",
            &[UPGRADE, KEY, "Sec-WebSocket-Version: 8\r\n"],
            Err(Refusal::WebSocketVersion),
        );
        check("GET / HTTP/1.1", &[UPGRADE, VERSION], Err(Refusal::Key));
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25j!Q==",
            "????????????????????????",
        ] {
            let key = format!("Sec-WebSocket-Key: {key}\r\n");
            check("GET / HTTP/1.1", &[UPGRADE, VERSION, &key], Err(Refusal::Key));
        }
    }

    #[test]
    fn a_version_refusal_names_ours() {
        let response = String::from_utf8(Refusal::WebSocketVersion.response()).unwrap();
        assert!(response.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{response}");
        assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{response}");
        assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
    }
}

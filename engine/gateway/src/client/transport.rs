//! A WebSocket with deadlines.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::Serialize;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Error, Message, WebSocket, client_tls_with_config};

use super::endpoint::Endpoint;
use super::error::ClientError;
use super::frame::Incoming;

/// Longest message read: upstream's gateways send up to 25 MiB.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// Longest body of an HTTP refusal that is shown.
const BODY_CHARS_MAX: usize = 300;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
}

#[derive(Serialize)]
struct Request<'r, P> {
    r#type: &'static str,
    id: &'r str,
    method: &'r str,
    params: &'r P,
}

impl Transport {
    /// Connects and upgrades before `deadline`.
    pub(crate) fn open(endpoint: &Endpoint, deadline: Instant) -> Result<Transport, ClientError> {
        let unreachable = |cause: String| ClientError::Unreachable { url: endpoint.to_string(), cause };
        let stream = dial(endpoint, deadline)?;
        let left = remaining(deadline).ok_or_else(|| unreachable("timed out".to_owned()))?;
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(left)))
            .and_then(|()| stream.set_write_timeout(Some(left)))
            .map_err(|error| unreachable(error.to_string()))?;
        let request = endpoint
            .to_string()
            .into_client_request()
            .map_err(|error| ClientError::BadUrl { url: endpoint.to_string(), why: error.to_string() })?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        match client_tls_with_config(request, stream, Some(config), None) {
            Ok((socket, _)) => Ok(Transport { socket }),
            Err(HandshakeError::Interrupted(_)) => Err(ClientError::NoChallenge),
            Err(HandshakeError::Failure(Error::Http(response))) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = String::from_utf8_lossy(body);
                let body = body.trim().chars().take(BODY_CHARS_MAX).collect();
                Err(ClientError::Http { status: response.status().as_u16(), body })
            }
            Err(HandshakeError::Failure(error)) => Err(match error {
                Error::Io(error) if is_timeout(&error) => ClientError::NoChallenge,
                Error::Protocol(_) | Error::HttpFormat(_) => ClientError::NoChallenge,
                error if endpoint.tls() => {
                    ClientError::Tls { url: endpoint.to_string(), cause: error.to_string() }
                }
                error => unreachable(error.to_string()),
            }),
        }
    }

    /// Sends a request.
    pub(crate) fn send<P: Serialize>(
        &mut self,
        id: &str,
        method: &str,
        params: &P,
    ) -> Result<(), ClientError> {
        let text = serde_json::to_string(&Request { r#type: "req", id, method, params })
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        self.socket.send(Message::text(text)).map_err(failed)
    }

    /// The next frame, or [`ClientError::Timeout`] at `deadline`. A frame that was half read stays for the next call.
    pub(crate) fn receive(&mut self, deadline: Instant) -> Result<Incoming, ClientError> {
        loop {
            let Some(left) = remaining(deadline) else { return Err(ClientError::Timeout(String::new())) };
            if let Some(stream) = self.stream() {
                stream.set_read_timeout(Some(left)).map_err(|error| failed(Error::Io(error)))?;
            }
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Incoming::read(text.as_str()).map_err(ClientError::Protocol);
                }
                Ok(Message::Close(frame)) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (u16::from(frame.code), frame.reason.as_str().to_owned())
                    });
                    return Err(ClientError::Closed { code, reason });
                }
                Ok(_) => {}
                Err(Error::Io(error)) if is_timeout(&error) => {
                    return Err(ClientError::Timeout(String::new()));
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Says goodbye. Failing at that changes nothing.
    pub(crate) fn close(&mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }

    fn stream(&self) -> Option<&TcpStream> {
        match self.socket.get_ref() {
            MaybeTlsStream::Plain(stream) => Some(stream),
            MaybeTlsStream::Rustls(tls) => Some(&tls.sock),
            _ => None,
        }
    }
}

/// A TCP connection, for whoever wants no WebSocket.
pub(crate) fn dial(endpoint: &Endpoint, deadline: Instant) -> Result<TcpStream, ClientError> {
    let mut last = "timed out".to_owned();
    for address in endpoint.addresses()? {
        let Some(left) = remaining(deadline) else { break };
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(ClientError::Unreachable { url: endpoint.to_string(), cause: last })
}

/// Time left; `None` when there is none. At least a millisecond: zero would mean no timeout at all.
fn remaining(deadline: Instant) -> Option<Duration> {
    deadline.checked_duration_since(Instant::now()).filter(|left| *left >= Duration::from_millis(1))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn failed(error: Error) -> ClientError {
    match error {
        Error::Io(error) if is_timeout(&error) => ClientError::Timeout(String::new()),
        Error::ConnectionClosed | Error::AlreadyClosed => {
            ClientError::Closed { code: 1005, reason: String::new() }
        }
        Error::Io(error) => ClientError::Closed { code: 1006, reason: error.to_string() },
        Error::Protocol(error) => ClientError::Closed { code: 1006, reason: error.to_string() },
        error => ClientError::Protocol(error.to_string()),
    }
}

/// Whether anybody accepts connections there.
pub(crate) fn reach(endpoint: &Endpoint, timeout: Duration) -> Result<(), ClientError> {
    dial(endpoint, Instant::now() + timeout).map(drop)
}

/// The status that `GET path` answers; `None` when the answer is not HTTP, or over TLS, which is not spoken here.
pub(crate) fn http_status(endpoint: &Endpoint, path: &str, timeout: Duration) -> Option<u16> {
    if endpoint.tls() {
        return None;
    }
    let mut stream = dial(endpoint, Instant::now() + timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.set_write_timeout(Some(timeout)).ok()?;
    let host = endpoint.authority();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
    let mut head = Vec::new();
    // `HTTP/1.1 200`: the rest is of no interest.
    stream.take(12).read_to_end(&mut head).ok()?;
    std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

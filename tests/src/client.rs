//! A blocking client of the gateway that remembers every frame it saw.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::{IntoClientRequest as _, client_with_config};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Response;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use crate::frames::is_event;
use crate::hello::Hello;

/// How long anything may take that should take no time: long enough for a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection ended, as the client saw it. 1006: without a close frame. 1005: with an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

/// What a client asks for when it upgrades.
#[derive(Debug, Clone)]
pub struct Upgrade<'a> {
    /// The path.
    pub path: &'a str,
    /// Headers; a `Host` replaces the usual one.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Default for Upgrade<'_> {
    fn default() -> Self {
        Upgrade { path: "/", headers: &[] }
    }
}

/// A client on a connection of its own.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<TcpStream>,
    /// Every JSON frame that came, in order.
    pub frames: Vec<Value>,
    /// Payloads of pongs that came.
    pub pongs: Vec<Vec<u8>>,
    /// Pings that came; answered by themselves.
    pub pings: usize,
    /// How it ended.
    closed: Option<Closed>,
    /// The answer to the upgrade.
    pub upgraded: Response,
    requests: u64,
}

impl Client {
    /// Connects and upgrades; panics when that fails.
    #[track_caller]
    pub fn open(port: u16) -> Client {
        Client::open_with(port, &Upgrade::default())
            .unwrap_or_else(|status| panic!("upgrade refused: {status:?}"))
    }

    /// Connects and upgrades as told. `Err`: the HTTP answer instead.
    #[track_caller]
    pub fn open_with(
        port: u16,
        upgrade: &Upgrade<'_>,
    ) -> Result<Client, Box<tungstenite::http::Response<Option<Vec<u8>>>>> {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://127.0.0.1:{port}{}", upgrade.path).into_client_request().unwrap();
        for (name, value) in upgrade.headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let config =
            WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20));
        match client_with_config(request, stream, Some(config)) {
            Ok((socket, upgraded)) => Ok(Client {
                socket,
                frames: Vec::new(),
                pongs: Vec::new(),
                pings: 0,
                closed: None,
                upgraded,
                requests: 0,
            }),
            Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer),
            Err(other) => panic!("upgrade failed: {other}"),
        }
    }

    /// Waits for the challenge, sends `connect`, and returns the response.
    #[track_caller]
    pub fn hello(&mut self, hello: &Hello) -> Value {
        let params = hello.params(&self.nonce());
        self.call("connect", params)
    }

    /// The nonce of the challenge.
    #[track_caller]
    pub fn nonce(&mut self) -> String {
        let challenge = self.wait(0, |frame| is_event(frame, "connect.challenge"));
        challenge["payload"]["nonce"].as_str().expect("a nonce").to_owned()
    }

    /// How many frames came so far: a point to wait from.
    pub fn mark(&self) -> usize {
        self.frames.len()
    }

    /// Sends a request and returns its id.
    pub fn send(&mut self, method: &str, params: Value) -> String {
        self.requests += 1;
        let id = format!("t{}", self.requests);
        self.send_text(&json!({"type": "req", "id": id, "method": method, "params": params}).to_string());
        id
    }

    /// Sends a request and waits for its response.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let from = self.mark();
        let id = self.send(method, params);
        self.response(from, &id)
    }

    /// Sends a request and returns the payload of its response, which must be a success.
    #[track_caller]
    pub fn ok(&mut self, method: &str, params: Value) -> Value {
        crate::frames::result_of(self.call(method, params))
    }

    /// Sends a request and returns code and message of its error; panics on success.
    #[track_caller]
    pub fn err(&mut self, method: &str, params: Value) -> (String, String) {
        let response = self.call(method, params);
        assert_eq!(response["ok"], false, "not refused: {response:#}");
        let error = &response["error"];
        let text =
            |name: &str| error[name].as_str().unwrap_or_else(|| panic!("no {name}: {response:#}")).to_owned();
        (text("code"), text("message"))
    }

    /// The response to request `id` that came, or will come, after `from`.
    #[track_caller]
    pub fn response(&mut self, from: usize, id: &str) -> Value {
        self.wait(from, |frame| frame["type"] == "res" && frame["id"] == id)
    }

    /// Waits for the first frame since `from` that `wanted` likes.
    #[track_caller]
    pub fn wait(&mut self, from: usize, wanted: impl FnMut(&Value) -> bool) -> Value {
        self.wait_at(from, wanted).1
    }

    /// The same, with its place among the frames.
    #[track_caller]
    pub fn wait_at(&mut self, from: usize, wanted: impl FnMut(&Value) -> bool) -> (usize, Value) {
        self.wait_within(PATIENCE, from, wanted).unwrap_or_else(|| {
            let seen: Vec<String> = self.frames[from.min(self.frames.len())..].iter().map(short).collect();
            panic!(
                "what was waited for did not come; closed: {:?}; frames since then:\n{}",
                self.closed,
                seen.join("\n")
            )
        })
    }

    /// The same, `None` when it does not come within `patience`.
    pub fn wait_within(
        &mut self,
        patience: Duration,
        from: usize,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Option<(usize, Value)> {
        let deadline = Instant::now() + patience;
        let mut at = from;
        loop {
            while at < self.frames.len() {
                if wanted(&self.frames[at]) {
                    return Some((at, self.frames[at].clone()));
                }
                at += 1;
            }
            if !self.read_until(deadline) {
                return None;
            }
        }
    }

    /// Waits for the end of a run: its `chat` event `final`, `error` or `aborted`.
    #[track_caller]
    pub fn run_end(&mut self, from: usize, run: &str) -> (usize, Value) {
        self.wait_at(from, |frame| {
            is_event(frame, "chat")
                && frame["payload"]["runId"] == run
                && ["final", "error", "aborted"].iter().any(|state| frame["payload"]["state"] == *state)
        })
    }

    /// Sends `message` to a session and waits until its run has ended; the final event's payload.
    #[track_caller]
    pub fn chat(&mut self, session: &str, key: &str, message: &str) -> Value {
        let from = self.mark();
        let ack =
            self.ok("chat.send", json!({"sessionKey": session, "message": message, "idempotencyKey": key}));
        assert_eq!(ack, json!({"runId": key, "status": "started"}));
        self.run_end(from, key).1["payload"].clone()
    }

    /// Reads whatever comes for that long.
    pub fn read_for(&mut self, duration: Duration) {
        let deadline = Instant::now() + duration;
        while self.read_until(deadline) {}
    }

    /// Waits until the server has closed the connection.
    #[track_caller]
    pub fn closed(&mut self) -> Closed {
        self.closed_within(PATIENCE)
            .unwrap_or_else(|| panic!("the connection is still open; last frames: {:#?}", self.frames.last()))
    }

    /// The same, `None` when it is still open after `patience`.
    pub fn closed_within(&mut self, patience: Duration) -> Option<Closed> {
        let deadline = Instant::now() + patience;
        while self.closed.is_none() && self.read_until(deadline) {}
        self.closed.clone()
    }

    /// Whether the server still answers on this connection.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        let health = self.call("health", json!({}));
        assert_eq!(health["ok"], true, "{health:#}");
    }

    /// Sends a text frame.
    pub fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text));
    }

    /// Sends any message. A connection that is already gone is noticed by the next read.
    pub fn send_message(&mut self, message: Message) {
        self.socket.get_ref().set_write_timeout(Some(PATIENCE)).unwrap();
        let _ = self.socket.send(message);
    }

    /// Sends bytes below the WebSocket protocol.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.socket.get_mut().write_all(bytes);
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// The socket alone, for who only counts bytes from here on.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }

    /// Starts the close handshake.
    pub fn close(&mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }

    /// Reads one message; `false` when none came before `deadline`, or nothing will come any more.
    fn read_until(&mut self, deadline: Instant) -> bool {
        if self.closed.is_some() && !self.socket.can_read() {
            return false;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.socket.get_ref().set_read_timeout(Some(left)).unwrap();
        match self.socket.read() {
            Ok(Message::Text(text)) => self.take(text.as_str()),
            Ok(Message::Binary(bytes)) => self.take(&String::from_utf8_lossy(&bytes)),
            Ok(Message::Ping(_)) => self.pings += 1,
            Ok(Message::Pong(payload)) => self.pongs.push(payload.to_vec()),
            Ok(Message::Close(frame)) => {
                let closed = frame.map_or(Closed { code: 1005, reason: String::new() }, |frame| Closed {
                    code: frame.code.into(),
                    reason: frame.reason.to_string(),
                });
                self.closed.get_or_insert(closed);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(Error::Io(e)) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return false;
            }
            Err(
                Error::ConnectionClosed
                | Error::AlreadyClosed
                | Error::Io(_)
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
            ) => {
                self.closed.get_or_insert(Closed { code: 1006, reason: String::new() });
                return false;
            }
            Err(other) => panic!("the server broke the protocol: {other}"),
        }
        true
    }

    fn take(&mut self, text: &str) {
        let frame =
            serde_json::from_str(text).unwrap_or_else(|e| panic!("the server sent no JSON ({e}): {text:?}"));
        self.frames.push(frame);
    }
}

fn short(frame: &Value) -> String {
    let text = frame.to_string();
    let to = text.floor_char_boundary(text.len().min(400));
    text[..to].to_owned()
}

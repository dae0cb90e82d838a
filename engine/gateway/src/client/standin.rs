//! A stand-in for a gateway: a WebSocket on loopback that answers from a script. For tests of the client only.

use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn};

use serde_json::{Value, json};
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::{Message, WebSocket, accept};

/// One connection's other end.
pub(crate) struct Peer {
    socket: WebSocket<TcpStream>,
}

/// The nonce every stand-in sends.
pub(crate) const NONCE: &str = "4068660c-fb64-4eb0-a96c-0db817a33b82";

impl Peer {
    /// The next request; `null` when the client went away.
    pub(crate) fn request(&mut self) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(text.as_str()).unwrap(),
                Ok(Message::Close(_)) | Err(_) => return Value::Null,
                Ok(_) => {}
            }
        }
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).unwrap();
    }

    /// Answers `request`.
    pub(crate) fn answer(&mut self, request: &Value, payload: Value) {
        self.send(&json!({"type": "res", "id": request["id"], "ok": true, "payload": payload}));
    }

    /// Refuses `request`, and closes when `code` is given.
    pub(crate) fn refuse(&mut self, request: &Value, error: Value, code: Option<u16>) {
        self.send(&json!({"type": "res", "id": request["id"], "ok": false, "error": error}));
        if let Some(code) = code {
            self.close(code, "refused");
        }
    }

    /// Closes.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        let _ = self.socket.close(Some(CloseFrame { code: code.into(), reason: reason.to_owned().into() }));
        while self.socket.read().is_ok() {}
    }

    /// Sends the challenge and lets the client in; returns the params of its `connect`.
    pub(crate) fn welcome(&mut self, protocol: u64) -> Value {
        self.challenge();
        let connect = self.request();
        self.answer(
            &connect,
            json!({
                "type": "hello-ok", "protocol": protocol,
                "server": {"version": "9.9.9", "connId": "c"},
                "features": {"methods": ["health"], "events": ["tick"]},
                "snapshot": {"uptimeMs": 5000},
                "auth": {"role": "operator", "scopes": ["operator.read"], "deviceToken": "dev-token"},
            }),
        );
        connect["params"].clone()
    }

    /// Sends the challenge.
    pub(crate) fn challenge(&mut self) {
        self.send(
            &json!({"type": "event", "event": "connect.challenge", "payload": {"nonce": NONCE, "ts": 1}}),
        );
    }
}

/// Runs `script` for one connection. The address, and a handle that gives back what the script returns.
pub(crate) fn stand_in<R: Send + 'static>(
    script: impl FnOnce(&mut Peer) -> R + Send + 'static,
) -> (String, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let thread = spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut peer = Peer { socket: accept(stream).unwrap() };
        script(&mut peer)
    });
    (url, thread)
}

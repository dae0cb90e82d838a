//! From bytes to requests: HTTP heads, the upgrade, WebSocket messages, JSON frames.

use pincer_protocol::connect::Challenge;
use pincer_protocol::event::EncodedEvent;
use pincer_protocol::frame::{self, BadFrame, RequestFrame};
use pincer_protocol::json::Parser;
use pincer_sessions::time::Now;
use pincer_ws::encode;
use pincer_ws::http::{self, Head, HeadStatus, ResponseOptions};
use pincer_ws::{Decoder, Incoming};

use crate::Shard;
use crate::connection::{Arrival, Connection, Stage};
use crate::driver::ConnId;
use crate::limits::time;
use crate::shard::Timer;

/// What to do with the rest of the bytes after one message.
enum Next {
    /// Read on.
    Message,
    /// The connection closes, or waits for a verdict: stop reading.
    Stop,
}

impl Shard {
    /// Bytes of a connection, whatever stage it is in.
    pub(crate) fn ingest(&mut self, conn: ConnId, bytes: &mut [u8]) {
        // What it asks for must not change which of the earlier events it gets.
        self.catch_up(conn);
        let now_ms = self.now.mono_ms;
        let judging_max = self.limits.handshake_message_bytes_max as usize;
        let Some(connection) = self.connections.get_mut(conn) else { return };
        match &mut connection.stage {
            Stage::Closing => {}
            Stage::Http(_) => self.http_bytes(conn, bytes),
            Stage::Judging(held) => {
                if held.len() + bytes.len() > judging_max {
                    return self.close(conn, 1009, "");
                }
                held.extend_from_slice(bytes);
            }
            Stage::Greeting(_) | Stage::Open(_) => {
                connection.heard_ms = now_ms;
                connection.pinged = false;
                self.ws_bytes(conn, bytes);
            }
        }
    }

    fn http_bytes(&mut self, conn: ConnId, bytes: &mut [u8]) {
        let Some(Stage::Http(arrival)) =
            self.connections.get_mut(conn).map(|connection| &mut connection.stage)
        else {
            return;
        };
        let Arrival { peer, head: held } = &mut **arrival;
        let peer = *peer;
        let mut joined;
        let text: &mut [u8] = if held.is_empty() {
            bytes
        } else {
            joined = std::mem::take(held);
            joined.extend_from_slice(bytes);
            &mut joined
        };
        let (head, len) = match Head::parse(text) {
            HeadStatus::Partial => {
                // The head is bounded by the parser: past its limit it says Bad.
                *held = text.to_vec();
                return;
            }
            HeadStatus::Bad(status) => {
                let body = format!("{}\n", http::reason_phrase(status));
                let options = ResponseOptions { head_only: false, keep_alive: false };
                let response = http::simple_response(status, "text/plain", body.as_bytes(), &[], options);
                self.write_bytes(conn, |out| out.extend_from_slice(&response));
                return self.hang_up(conn);
            }
            HeadStatus::Complete { head, len } => (head, len),
        };
        if !head.is_upgrade() {
            return self.http_request(conn, &head);
        }
        match http::upgrade_response(&head) {
            Err(refusal) => {
                let response = refusal.response();
                self.write_bytes(conn, |out| out.extend_from_slice(&response));
                self.hang_up(conn);
            }
            Ok(response) => {
                let greeting = self.greet(&head, &peer);
                self.write_bytes(conn, |out| out.extend_from_slice(&response));
                let challenge = greeting.challenge(self.now);
                let event = EncodedEvent::new(Challenge::EVENT, &challenge, None);
                if let Some(connection) = self.connections.get_mut(conn) {
                    connection.stage = Stage::Greeting(Box::new(greeting));
                }
                self.write_frame(conn, |out| event.write(out, None));
                if let Some(rest) = text.get_mut(len..).filter(|rest| !rest.is_empty()) {
                    self.ws_bytes(conn, rest);
                }
            }
        }
    }

    /// WebSocket bytes, message by message.
    pub(crate) fn ws_bytes(&mut self, conn: ConnId, bytes: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        // The decoder is taken out while messages borrow from it; handlers see the connection without it.
        let mut decoder = std::mem::replace(&mut connection.decoder, Decoder::new(0));
        let held_before = decoder.held_bytes() as u64;
        let mut input = bytes;
        loop {
            let step = match decoder.next(&mut input, &mut self.pool) {
                Ok(None) => break,
                Ok(Some(incoming)) => self.incoming(conn, incoming),
                Err(reason) => {
                    self.close(conn, reason.code(), "");
                    Next::Stop
                }
            };
            if let Next::Stop = step {
                break;
            }
        }
        let rest = input;
        let held_after = decoder.held_bytes() as u64;
        self.inbound_bytes = (self.inbound_bytes + held_after).saturating_sub(held_before);
        let too_much = self.inbound_bytes > self.limits.inbound_bytes_total_max && held_after > 0;
        match self.connections.get_mut(conn) {
            Some(Connection { stage: Stage::Closing, .. }) | None => {
                self.inbound_bytes = self.inbound_bytes.saturating_sub(held_after);
                decoder.release(&mut self.pool);
            }
            Some(connection) => {
                let limit = match connection.stage {
                    Stage::Open(_) => self.limits.message_bytes_max,
                    _ => self.limits.handshake_message_bytes_max,
                };
                decoder.set_message_bytes_max(limit as usize);
                connection.decoder = decoder;
                if let Stage::Judging(held) = &mut connection.stage {
                    held.extend_from_slice(rest);
                }
                if too_much {
                    self.counters.overflows += 1;
                    self.close(conn, pincer_ws::code::TRY_AGAIN_LATER, "");
                }
            }
        }
    }

    fn incoming(&mut self, conn: ConnId, incoming: Incoming<'_>) -> Next {
        match incoming {
            Incoming::Ping(payload) => self.write_bytes(conn, |out| encode::append_pong(out, payload)),
            Incoming::Pong(_) => {}
            Incoming::Close(frame) => {
                let code = frame.map(|frame| frame.code);
                self.write_bytes(conn, |out| match code {
                    Some(code) => encode::append_close(out, code, ""),
                    None => encode::append_close_empty(out),
                });
                self.hang_up(conn);
                return Next::Stop;
            }
            Incoming::Text(text) | Incoming::Binary(text) => {
                let open = self.connections.get(conn).is_some_and(|connection| connection.open().is_some());
                if open && let Some(request) = RequestFrame::plain(text) {
                    self.dispatch(conn, request);
                    return self.read_on(conn);
                }
                let mut parser = self.parser.take().unwrap_or_default();
                match self.connections.get(conn).map(|connection| &connection.stage) {
                    Some(Stage::Greeting(_)) => self.first_frame(conn, &mut parser, text),
                    Some(Stage::Open(_)) => self.request(conn, &mut parser, text),
                    _ => {}
                }
                self.parser = Some(parser);
            }
        }
        self.read_on(conn)
    }

    /// Whether there may be more messages of `conn`, after one of them was handled.
    fn read_on(&self, conn: ConnId) -> Next {
        match self.connections.get(conn).map(|connection| &connection.stage) {
            Some(Stage::Open(_) | Stage::Greeting(_)) => Next::Message,
            _ => Next::Stop,
        }
    }

    /// A message of an authenticated connection. What is not JSON is ignored, as upstream does it.
    fn request(&mut self, conn: ConnId, parser: &mut Parser, text: &mut [u8]) {
        let Some(Stage::Open(open)) = self.connections.get(conn).map(|connection| &connection.stage) else {
            return;
        };
        let wire = open.wire;
        let parsed = parser.parse(text, |root| match RequestFrame::read(root, wire) {
            Ok(request) => self.dispatch(conn, request),
            Err(bad) => {
                self.counters.bad_frames += 1;
                let error = pincer_protocol::ErrorShape::invalid(bad.message);
                self.write_frame(conn, |out| frame::write_error(out, &bad.id, None, &error));
            }
        });
        if parsed.is_err() {
            self.counters.bad_frames += 1;
            if let Some(bad) = BadFrame::unreadable(text) {
                let error = pincer_protocol::ErrorShape::invalid(bad.message);
                self.write_frame(conn, |out| frame::write_error(out, &bad.id, None, &error));
            }
        }
    }

    /// Looks at every connection's clock, once in [`time::SWEEP_MS`] while there are any.
    pub(crate) fn sweep(&mut self) {
        let Now { mono_ms: now, .. } = self.now;
        let (mut late, mut silent, mut ping) = (Vec::new(), Vec::new(), Vec::new());
        for (conn, connection) in self.connections.iter_mut() {
            let age = now.saturating_sub(connection.heard_ms);
            match &connection.stage {
                Stage::Http(_) | Stage::Greeting(_) | Stage::Judging(_) => {
                    if now.saturating_sub(connection.accepted_ms) >= time::HANDSHAKE_MS {
                        late.push(conn);
                    }
                }
                Stage::Open(_) if age >= time::PING_AFTER_MS + time::PONG_WINDOW_MS => silent.push(conn),
                Stage::Open(_) if age >= time::PING_AFTER_MS && !connection.pinged => {
                    connection.pinged = true;
                    ping.push(conn);
                }
                Stage::Open(_) | Stage::Closing => {}
            }
        }
        for conn in late {
            self.counters.handshakes_failed += 1;
            let in_http = self
                .connections
                .get(conn)
                .is_some_and(|connection| matches!(connection.stage, Stage::Http(_)));
            if in_http { self.hang_up(conn) } else { self.close(conn, pincer_ws::code::NORMAL, "") }
        }
        for conn in silent {
            self.close(conn, pincer_ws::code::INTERNAL_ERROR, "keepalive timeout");
        }
        for conn in ping {
            self.write_bytes(conn, |out| encode::append_ping(out, b""));
        }
        if self.connections.len() > 0 {
            self.timers.set(now + time::SWEEP_MS, Timer::Sweep);
        }
    }
}

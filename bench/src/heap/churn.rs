//! Clients that do very much: they ask without waiting, and come and go.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use pincer_tests::{Hello, PATIENCE};
use serde_json::json;

use crate::micro::{UPGRADE, request};

/// Requests on their way at a time, on one connection.
const WINDOW: u64 = 64;
/// One in so many asks for the sessions, the others for health.
const LIST_EVERY: u64 = 50;

/// A connection that asks.
pub(super) struct Caller {
    stream: TcpStream,
    frames: Frames,
    /// Answers so far.
    pub(super) answered: u64,
    windows: [Vec<u8>; 2],
}

impl Caller {
    /// On a stream that is through `connect`.
    pub(super) fn new(stream: TcpStream) -> Caller {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (health, list) = (request("health", &json!({})), request("sessions.list", &json!({})));
        let window = |of: u64| -> Vec<u8> {
            (0..of)
                .flat_map(|number| if number % LIST_EVERY == 0 { &list } else { &health })
                .copied()
                .collect()
        };
        Caller { stream, frames: Frames::default(), answered: 0, windows: [window(WINDOW), window(1)] }
    }

    /// Asks `count` times and takes every answer; panics when one says no.
    pub(super) fn ask(&mut self, count: u64) {
        let until = self.answered + count;
        while self.answered < until {
            let whole = until - self.answered >= WINDOW;
            let (window, size) = if whole { (&self.windows[0], WINDOW) } else { (&self.windows[1], 1) };
            self.stream.write_all(window).unwrap();
            let expected = self.answered + size;
            while self.answered < expected {
                let answered = &mut self.answered;
                self.frames.read(&mut self.stream, |text| {
                    if text.starts_with(b"{\"type\":\"res\"") {
                        assert!(holds(text, b"\"ok\":true"), "refused: {}", String::from_utf8_lossy(text));
                        *answered += 1;
                    }
                });
            }
        }
    }
}

/// A connection that says `connect`, is greeted, and goes: with a close frame or without a word.
pub(super) fn comes_and_goes(port: u16, hello: &Hello, politely: bool) {
    const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = UPGRADE.to_vec();
    bytes.extend(request("connect", &hello.params("")));
    stream.write_all(&bytes).unwrap();
    let (mut heard, mut piece) = (Vec::new(), [0; 16 << 10]);
    while !holds(&heard, b"hello-ok") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "connect was refused: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&piece[..count]);
    }
    if politely {
        stream.write_all(&CLOSE).unwrap();
        // The gateway hangs up.
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("after a close frame: {error}"),
            }
        }
    }
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|some| some == word)
}

/// Takes text frames out of a stream.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Reads once and hands over every whole text frame.
    fn read(&mut self, stream: &mut TcpStream, mut take: impl FnMut(&[u8])) {
        let (before, more) = (self.bytes.len(), 64 << 10);
        self.bytes.resize(before + more, 0);
        let count = stream.read(&mut self.bytes[before..]).unwrap();
        assert!(count > 0, "the gateway hung up");
        self.bytes.truncate(before + count);
        let mut at = 0;
        while let Some((opcode, from, to)) = frame(&self.bytes[at..]) {
            if opcode == 1 {
                take(&self.bytes[at + from..at + to]);
            }
            at += to;
        }
        self.bytes.drain(..at);
    }
}

/// Opcode of the first whole frame, and where its payload lies.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (head, len) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize),
        len => (2, usize::from(len)),
    };
    (bytes.len() >= head + len).then_some((bytes[0] & 0x0f, head, head + len))
}

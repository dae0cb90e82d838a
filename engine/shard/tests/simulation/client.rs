//! Clients: WebSockets that check what they are told.

use std::collections::{HashMap, HashSet};

use pincer_shard::driver::ConnId;
use serde_json::Value;

/// The beginning of every connection.
pub(crate) const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// What a request was, so that its answer can be judged.
#[derive(Clone, PartialEq)]
pub(crate) enum Asked {
    Connect,
    /// A message of the world, by number.
    Message(usize),
    /// A label for a session: its number.
    Label(&'static str, usize),
    /// A run by `agent`, which is answered when it is accepted and when it is done.
    Agent,
    /// Something whose answer says nothing more.
    Other(&'static str),
}

/// One WebSocket, v3 or v4.
pub(crate) struct Client {
    /// Unlike every other client of the world.
    pub(crate) number: usize,
    pub(crate) shard: usize,
    pub(crate) conn: ConnId,
    pub(crate) wire: u64,
    /// Bytes that came and are no whole frame yet.
    inbox: Vec<u8>,
    upgraded: bool,
    pub(crate) connected: bool,
    pub(crate) closed: bool,
    /// Keeps its frames.
    pub(crate) remember: bool,
    pub(crate) frames: Vec<Value>,
    /// Reads nothing until somebody makes it.
    pub(crate) stuck: bool,
    /// Requests, and how often each was answered.
    pub(crate) asked: HashMap<String, (Asked, usize)>,
    /// Requests of `agent` that had their first answer.
    accepted: HashSet<String>,
    /// Runs whose last event came, and how they ended.
    ended: HashMap<String, String>,
    last_seq: u64,
    next: usize,
}

/// What a client learnt from a frame.
pub(crate) enum Learnt {
    /// A message was taken: its number.
    Accepted(usize),
    /// A session has this label.
    Labelled(&'static str, usize),
    /// An event or answer that says nothing about messages.
    Nothing,
}

impl Client {
    pub(crate) fn new(number: usize, shard: usize, conn: ConnId, wire: u64) -> Client {
        Client {
            number,
            shard,
            conn,
            wire,
            inbox: Vec::new(),
            upgraded: false,
            connected: false,
            closed: false,
            remember: false,
            frames: Vec::new(),
            stuck: false,
            asked: HashMap::new(),
            accepted: HashSet::new(),
            ended: HashMap::new(),
            last_seq: 0,
            next: 0,
        }
    }

    /// The id of a new request.
    pub(crate) fn ask(&mut self, what: Asked) -> String {
        self.next += 1;
        let id = format!("{}-{}", self.number, self.next);
        self.asked.insert(id.clone(), (what, 0));
        id
    }

    pub(crate) fn last_id(&self) -> String {
        format!("{}-{}", self.number, self.next)
    }

    /// Takes bytes from the socket, and every whole frame in them.
    pub(crate) fn receive(&mut self, bytes: &[u8], seed: u64, mut learnt: impl FnMut(Learnt)) {
        self.inbox.extend_from_slice(bytes);
        if !self.upgraded {
            let Some(end) = self.inbox.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            assert!(self.inbox.starts_with(b"HTTP/1.1 101"), "seed {seed}");
            self.inbox.drain(..end + 4);
            self.upgraded = true;
        }
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = &inbox[..];
        while let Some((opcode, payload, after)) = frame(rest) {
            rest = after;
            if opcode == 1 {
                let frame = serde_json::from_slice(payload).expect("a frame is JSON");
                learnt(self.take(&frame, seed));
            }
        }
        self.inbox = rest.to_vec();
    }

    fn take(&mut self, frame: &Value, seed: u64) -> Learnt {
        if self.remember {
            self.frames.push(frame.clone());
        }
        match frame["type"].as_str() {
            Some("res") => {
                let id = frame["id"].as_str().unwrap();
                let (what, answers) =
                    self.asked.get_mut(id).unwrap_or_else(|| panic!("seed {seed}: nobody asked {id}"));
                if *what == Asked::Agent && frame["payload"]["status"] == "accepted" {
                    assert!(*answers == 0, "seed {seed}: {id} was accepted after its end");
                    assert!(self.accepted.insert(id.to_owned()), "seed {seed}: {id} was accepted twice");
                    return Learnt::Nothing;
                }
                *answers += 1;
                assert_eq!(*answers, 1, "seed {seed}: {id} was answered twice");
                match what {
                    Asked::Connect => {
                        assert!(frame["ok"].as_bool().unwrap(), "seed {seed}: {frame}");
                        self.connected = true;
                        Learnt::Nothing
                    }
                    Asked::Message(number) if frame["ok"] == true => Learnt::Accepted(*number),
                    Asked::Label(key, number) if frame["ok"] == true => Learnt::Labelled(key, *number),
                    Asked::Message(_) | Asked::Label(..) | Asked::Agent | Asked::Other(_) => Learnt::Nothing,
                }
            }
            Some("event") => {
                if let Some(seq) = frame["seq"].as_u64() {
                    assert!(seq > self.last_seq, "seed {seed}: seq {seq} after {}", self.last_seq);
                    self.last_seq = seq;
                }
                if frame["event"] == "chat" {
                    self.chat(&frame["payload"], seed);
                }
                Learnt::Nothing
            }
            _ => panic!("seed {seed}: {frame}"),
        }
    }

    /// Nothing of a run comes after its end; a failed one may say twice why.
    fn chat(&mut self, event: &Value, seed: u64) {
        let Some(run) = event["runId"].as_str() else { return };
        // One id may name a run in each of two sessions.
        let run = &format!("{run} of {}", event["sessionKey"]);
        let state = event["state"].as_str().unwrap_or_default();
        if let Some(end) = self.ended.get(run) {
            assert!(
                end == "error" && state == "error",
                "seed {seed}: {run} goes on with {state} after {end}"
            );
        }
        if ["final", "error", "aborted"].contains(&state) {
            self.ended.insert(run.to_owned(), state.to_owned());
        }
    }
}

/// The first whole frame of `bytes`: opcode, payload, and what follows.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, len) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        len => (2, usize::from(len)),
    };
    let payload = bytes.get(head..head + len)?;
    Some((bytes[0] & 0x0f, payload, &bytes[head + len..]))
}

/// A text frame as clients send it.
pub(crate) fn masked(text: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut out = vec![0x81];
    match text.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    out.extend(text.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]));
    out
}

//! Any frames an authenticated client may send, against a whole shard with a store in memory.
//!
//! Input: a byte that chooses the wire, then a frame a line. Whatever they say, every lawful request has its response,
//! once, under its id, or the connection is closed; and everything the shard sends is JSON.
#![no_main]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use pincer_config::Loaded;
use pincer_defender::Defender;
use pincer_sessions::persist::{Outcome, ReadAnswer, StoreOp, StoreRead, Tail};
use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Effect, LookupError, Mail, Peer, ShardId};
use pincer_shard::{Boot, HostFacts, Limits, Message, SettingsBoot, Shard};
use serde_json::{Value, json};

/// Frames of one input.
const FRAMES_MAX: usize = 32;
/// Virtual time after the last frame: longer than anything waits by default.
const SETTLE_MS: u64 = 120_000;
/// Longest wait a frame may ask for and still be checked.
const WAIT_MS_MAX: u64 = 60_000;

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let Some((choice, frames)) = input.split_first() else { return };
    let mut world = World::connect(3 + u64::from(choice & 1)).expect("a connection");
    let mut asked: HashMap<String, (usize, String)> = HashMap::new();
    for line in frames.split(|byte| *byte == b'\n').take(FRAMES_MAX) {
        if let Some((id, method)) = lawful(line) {
            asked.entry(id).or_insert((0, method)).0 += 1;
        }
        world.send(line);
        world.run_until(world.now.mono_ms + 5);
    }
    world.run_until(world.now.mono_ms + SETTLE_MS);
    if world.closed {
        return;
    }
    let mut answers: HashMap<String, usize> = HashMap::new();
    for id in
        world.frames.iter().filter(|frame| frame["type"] == "res").filter_map(|frame| frame["id"].as_str())
    {
        *answers.entry(id.to_owned()).or_default() += 1;
    }
    for (id, (count, method)) in asked {
        // `agent` answers when it has accepted and again when it is done.
        let most = if method == "agent" { 2 * count } else { count };
        let got = answers.get(&id).copied().unwrap_or_default();
        assert!((count..=most).contains(&got), "{method} {id:?}: {got} answers to {count} requests");
    }
});

/// Id and method of a request that must be answered under its id.
fn lawful(line: &[u8]) -> Option<(String, String)> {
    let frame: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| frame[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let waits = frame["params"]["timeoutMs"].as_u64().is_some_and(|ms| ms > WAIT_MS_MAX);
    (frame["type"] == "req" && !waits && text("id")? != "invalid").then_some((text("id")?, text("method")?))
}

struct World {
    shard: Shard,
    conn: ConnId,
    now: Now,
    inbox: Vec<u8>,
    frames: Vec<Value>,
    closed: bool,
}

impl World {
    /// A shard with one client that may do everything.
    fn connect(wire: u64) -> Option<World> {
        let now = Now { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };
        let mut shard = Shard::new(Boot {
            shard: 0,
            shards: 1,
            limits: Limits::default(),
            seed: [7; 32],
            now,
            settings: settings(),
            facts: Arc::new(facts()),
            load: Arc::new(pincer_shard::load::NoLoad),
            rows: Arc::default(),
        });
        let address: SocketAddr = ([127, 0, 0, 1], 40_000).into();
        let conn = shard.accepted(now, Peer { remote: address, local: address })?;
        let mut world = World { shard, conn, now, inbox: Vec::new(), frames: Vec::new(), closed: false };
        world.received(UPGRADE.to_vec());
        let end = world.inbox.windows(4).position(|four| four == b"\r\n\r\n")?;
        world.inbox.drain(..end + 4);
        let params = json!({
            "minProtocol": wire, "maxProtocol": wire, "role": "operator", "auth": {"token": "secret"},
            "scopes": ["operator.admin", "operator.read", "operator.write", "operator.pairing"],
            "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
        });
        let request = json!({"type": "req", "id": "connect", "method": "connect", "params": params});
        world.send(request.to_string().as_bytes());
        world.run_until(now.mono_ms + 100);
        let answer = world.frames.iter().find(|frame| frame["id"] == "connect")?;
        (answer["ok"] == true).then_some(world)
    }

    /// One text frame, masked with zeros.
    fn send(&mut self, text: &[u8]) {
        let mut bytes = vec![0x81];
        match text.len() {
            len @ 0..126 => bytes.push(0x80 | len as u8),
            len @ 126..65_536 => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(text);
        self.received(bytes);
    }

    fn received(&mut self, mut bytes: Vec<u8>) {
        if !self.closed {
            self.shard.received(self.now, self.conn, &mut bytes);
        }
        self.drain();
    }

    /// Virtual time passes.
    fn run_until(&mut self, until_ms: u64) {
        while let Some(at) = self.shard.next_deadline().filter(|at| *at <= until_ms) {
            self.pass_to(at.max(self.now.mono_ms + 1));
            self.shard.tick(self.now);
            self.drain();
        }
        self.pass_to(until_ms.max(self.now.mono_ms));
    }

    fn pass_to(&mut self, mono_ms: u64) {
        let step = mono_ms - self.now.mono_ms;
        self.now = Now { mono_ms, wall_ms: self.now.wall_ms + step };
    }

    fn drain(&mut self) {
        while let Some(effect) = self.shard.poll_effect() {
            let mail = match effect {
                Effect::Flush(conn) => {
                    self.flush(conn);
                    continue;
                }
                Effect::Close { conn, .. } => {
                    self.flush(conn);
                    self.closed = true;
                    self.shard.disconnected(self.now, conn);
                    continue;
                }
                Effect::Send(to, message) => to_itself(to, message),
                Effect::Store { ticket, ops } => {
                    Mail::Stored { ticket, result: Ok(ops.iter().map(outcome).collect()) }
                }
                Effect::Read { ticket, read } => Mail::Read { ticket, answer: nothing(&read) },
                Effect::Call { .. } => panic!("only the loopback model is configured"),
                // No service is configured; one that is would not answer.
                Effect::LookUp { lookup, .. } => Mail::LookedUp { lookup, answer: Err(LookupError::Timeout) },
                Effect::BuildGuards => Mail::GuardsBuilt,
                Effect::CancelCall(_) | Effect::Log(_) | Effect::StopAccepting | Effect::Finished => continue,
            };
            self.shard.mail(self.now, mail);
        }
        self.read_frames();
    }

    fn flush(&mut self, conn: ConnId) {
        loop {
            let mut slices = [&[][..]; 8];
            let filled = self.shard.outgoing(conn, &mut slices);
            let bytes = slices[..filled].concat();
            if bytes.is_empty() {
                return;
            }
            self.shard.written(self.now, conn, bytes.len());
            self.inbox.extend(bytes);
        }
    }

    /// Every text frame in the inbox is JSON. The upgrade's answer is left alone.
    fn read_frames(&mut self) {
        while let [first, second, ..] = self.inbox[..] {
            let (head, len) = match (first, second) {
                (0x80.., 126) => {
                    (4, u64::from(u16::from_be_bytes(self.inbox[2..4].try_into().expect("two bytes"))))
                }
                (0x80.., 127) => (10, u64::from_be_bytes(self.inbox[2..10].try_into().expect("eight bytes"))),
                (0x80.., len) => (2, u64::from(len)),
                _ => return,
            };
            let payload: Vec<u8> = self.inbox.drain(..head + len as usize).skip(head).collect();
            if first & 0x0f == 1 {
                let frame = serde_json::from_slice(&payload).expect("what the shard sends is JSON");
                self.frames.push(frame);
            }
        }
    }
}

/// Made once: its matchers take longer to build than a run lasts.
fn defender() -> Arc<Defender> {
    static DEFENDER: OnceLock<Arc<Defender>> = OnceLock::new();
    Arc::clone(DEFENDER.get_or_init(Arc::default))
}

/// There is but one shard.
fn to_itself(to: ShardId, message: Message) -> Mail<Message> {
    assert_eq!(to, ShardId::HOME);
    Mail::Message(ShardId::HOME, message)
}

fn outcome(op: &StoreOp) -> Outcome {
    match op {
        StoreOp::Put { .. }
        | StoreOp::Delete { .. }
        | StoreOp::Append { .. }
        | StoreOp::Rewrite { .. }
        | StoreOp::Keep { .. } => Outcome::Done,
        StoreOp::Release { .. } => Outcome::Released { before: false },
        StoreOp::Archive { .. } => Outcome::Archived(None),
        StoreOp::Trim { .. } => Outcome::Trimmed { archived: None, kept: 0, found: false },
    }
}

fn nothing(read: &StoreRead) -> ReadAnswer {
    match read {
        StoreRead::Transcripts(queries) => ReadAnswer::Transcripts(vec![Tail::default(); queries.len()]),
        StoreRead::Heads(queries) => ReadAnswer::Transcripts(vec![Tail::default(); queries.len()]),
        StoreRead::Log { .. } | StoreRead::Quarantined { .. } => ReadAnswer::Failed("nothing here".to_owned()),
    }
}

fn settings() -> SettingsBoot {
    SettingsBoot {
        loaded: Arc::new(Loaded::absent()),
        raw: "".into(),
        exists: false,
        config_path: "/fuzz/openclaw.json".to_owned(),
        state_dir: "/fuzz".to_owned(),
        hash_key: [7; 32],
        token: Some("secret".to_owned()),
        password: None,
        defender: defender(),
        lists: Default::default(),
        weaker: Default::default(),
    }
}

fn facts() -> HostFacts {
    HostFacts {
        host: "fuzz".to_owned(),
        ip: None,
        platform: "linux".to_owned(),
        arch: "x64".to_owned(),
        zone: jiff::tz::TimeZone::UTC,
        boot_id: "boot".to_owned(),
        backend: "none".to_owned(),
        log_file: String::new(),
        device_id: "d".to_owned(),
        public_key: "k".to_owned(),
    }
}

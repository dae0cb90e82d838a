//! One shard without sockets, disk or clock: a client's bytes go in, everything it wants done is done at once.
//!
//! The store is a stand-in that takes every change and finds nothing: what is counted is the shard, plus the few
//! allocations in which an answer of the store comes.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use pincer_defender::Defender;
use pincer_defender::policy::Policy;
use pincer_sessions::persist::{Outcome, ReadAnswer, StoreOp, StoreRead, Table, Tail};
use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Effect, Mail, Peer};
use pincer_shard::{Boot, HostFacts, Limits, SettingsBoot, Shard};
use serde_json::{Value, json};

/// 2027-01-15, 08:00 UTC.
pub(super) const START: Now = Now { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };

/// Rows that a store held.
pub(super) type Rows = Vec<(Table, String, String)>;

/// A shard and whoever drives it.
pub(super) struct World {
    shard: Shard,
    now: Now,
    /// What was written to anybody since it was last looked at, when it is kept.
    pub(super) heard: Option<Vec<u8>>,
    /// Bytes written so far.
    pub(super) written: u64,
    /// Times that somebody was written to.
    pub(super) flushes: u64,
}

impl World {
    /// The only shard of a gateway with no config, as it is right after its start.
    pub(super) fn new(rows: Rows) -> World {
        let shard = Shard::new(Boot {
            shard: 0,
            shards: 1,
            limits: Limits::default(),
            seed: [7; 32],
            now: START,
            settings: settings(),
            facts: Arc::new(facts()),
            load: Arc::new(pincer_shard::load::NoLoad),
            rows: Arc::new(rows),
        });
        let mut world = World { shard, now: START, heard: None, written: 0, flushes: 0 };
        world.turn();
        world
    }

    /// Accepts a connection and upgrades it.
    pub(super) fn accept(&mut self) -> ConnId {
        let address: SocketAddr = ([127, 0, 0, 1], 40_000).into();
        let peer = Peer { remote: address, local: address };
        let conn = self.shard.accepted(self.now, peer).expect("room for a connection");
        self.say(conn, &mut UPGRADE.to_owned());
        conn
    }

    /// Takes a connection through upgrade and `connect`.
    pub(super) fn connect(&mut self, wire: u64) -> ConnId {
        let conn = self.accept();
        self.say(conn, &mut hello(wire));
        conn
    }

    /// The same, and looks at the answer.
    pub(super) fn connect_checked(&mut self, wire: u64) -> ConnId {
        let heard = self.heard.replace(Vec::new());
        let conn = self.connect(wire);
        let said = std::mem::replace(&mut self.heard, heard).unwrap();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("hello-ok"), "connect was refused: {said}");
        conn
    }

    /// The peer hangs up.
    pub(super) fn hang_up(&mut self, conn: ConnId) {
        self.shard.disconnected(self.now, conn);
        self.turn();
    }

    /// Bytes of a client arrive; everything is done that follows from them at once. The bytes are overwritten.
    pub(super) fn say(&mut self, conn: ConnId, bytes: &mut [u8]) {
        self.shard.received(self.now, conn, bytes);
        self.turn();
    }

    /// Says `bytes`, and panics when the answer does not hold `expected`.
    pub(super) fn check(&mut self, conn: ConnId, bytes: &[u8], expected: &str) {
        let heard = self.heard.replace(Vec::new());
        self.say(conn, &mut bytes.to_vec());
        self.settle();
        let said = std::mem::replace(&mut self.heard, heard).unwrap();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(expected), "{expected} is not in {said}");
    }

    /// Lets time pass as long as something is due within a quarter of a second: the loopback model speaks to its end.
    pub(super) fn settle(&mut self) {
        while let Some(at) = self.shard.next_deadline().filter(|at| *at <= self.now.mono_ms + 250) {
            let step = at.saturating_sub(self.now.mono_ms);
            self.now = Now { mono_ms: self.now.mono_ms + step, wall_ms: self.now.wall_ms + step };
            self.shard.tick(self.now);
            self.turn();
        }
    }

    /// Performs every effect.
    fn turn(&mut self) {
        while let Some(effect) = self.shard.poll_effect() {
            match effect {
                Effect::Flush(conn) => self.write(conn),
                Effect::Close { conn, .. } => {
                    self.write(conn);
                    self.shard.disconnected(self.now, conn);
                }
                Effect::Send(to, message) => self.shard.mail(self.now, Mail::Message(to, message)),
                Effect::Store { ticket, ops } => {
                    let result = Ok(ops.iter().map(outcome).collect());
                    self.shard.mail(self.now, Mail::Stored { ticket, result });
                }
                Effect::Read { ticket, read } => {
                    let answer = nothing(&read);
                    self.shard.mail(self.now, Mail::Read { ticket, answer });
                }
                Effect::Call { .. } | Effect::CancelCall(_) | Effect::LookUp { .. } => {
                    unreachable!("nothing outside is configured")
                }
                Effect::BuildGuards => {
                    pincer_defender::build_guards();
                    self.shard.mail(self.now, Mail::GuardsBuilt);
                }
                Effect::Log(_) | Effect::StopAccepting | Effect::Finished => {}
            }
        }
    }

    /// The socket takes everything.
    fn write(&mut self, conn: ConnId) {
        let mut slices = [&[][..]; 4];
        let filled = self.shard.outgoing(conn, &mut slices);
        let mut bytes = 0;
        for slice in &slices[..filled] {
            bytes += slice.len();
            if let Some(heard) = &mut self.heard {
                heard.extend_from_slice(slice);
            }
        }
        self.written += bytes as u64;
        self.flushes += 1;
        self.shard.written(self.now, conn, bytes);
    }
}

fn outcome(op: &StoreOp) -> Outcome {
    match op {
        StoreOp::Archive { .. } => Outcome::Archived(None),
        StoreOp::Trim { .. } => Outcome::Trimmed { archived: None, kept: 0, found: true },
        _ => Outcome::Done,
    }
}

fn nothing(read: &StoreRead) -> ReadAnswer {
    match read {
        StoreRead::Transcripts(queries) => {
            ReadAnswer::Transcripts(queries.iter().map(|_| Tail::default()).collect())
        }
        StoreRead::Heads(queries) => {
            ReadAnswer::Transcripts(queries.iter().map(|_| Tail::default()).collect())
        }
        StoreRead::Log { .. } | StoreRead::Quarantined { .. } => {
            ReadAnswer::Failed("there is nothing".to_owned())
        }
    }
}

/// The head of every WebSocket.
pub(crate) const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// `connect` of an operator with the shared token.
pub(super) fn hello(wire: u64) -> Vec<u8> {
    let params = json!({
        "minProtocol": wire, "maxProtocol": wire, "role": "operator",
        "scopes": ["operator.admin", "operator.read", "operator.write"], "auth": {"token": "secret"},
        "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
    });
    request("connect", &params)
}

/// A request in a text frame of a client.
pub(crate) fn request(method: &str, params: &Value) -> Vec<u8> {
    named("request-1", method, params)
}

/// The same under an id.
pub(super) fn named(id: &str, method: &str, params: &Value) -> Vec<u8> {
    masked(json!({"type": "req", "id": id, "method": method, "params": params}).to_string().as_bytes())
}

/// A text frame as clients send it.
pub(super) fn masked(text: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
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
    out.extend_from_slice(&KEY);
    out.extend(text.iter().enumerate().map(|(index, byte)| byte ^ KEY[index % 4]));
    out
}

/// The policy of a gateway without a config, with its matchers.
pub(super) fn defender() -> Arc<Defender> {
    static DEFENDER: OnceLock<Arc<Defender>> = OnceLock::new();
    Arc::clone(DEFENDER.get_or_init(|| Arc::new(Defender::new(Policy::default()).unwrap())))
}

fn settings() -> SettingsBoot {
    let path = "/pincer/openclaw.json";
    let missing = &mut |_: &str| Err(ErrorKind::NotFound.into());
    SettingsBoot {
        loaded: Arc::new(pincer_config::load("{}", Path::new(path), missing, &|_| None)),
        raw: "".into(),
        exists: false,
        config_path: path.to_owned(),
        state_dir: "/pincer".to_owned(),
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
        host: "bench".to_owned(),
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

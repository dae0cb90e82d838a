//! The world: shards, clients and a store in one thread, with virtual time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Table, Tail};
use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Effect, Mail, Peer, ShardId};
use pincer_shard::{Boot, HostFacts, Limits, Message, SettingsBoot, Shard};
use serde_json::{Value, json};

/// A small, good enough generator (SplitMix64): the simulator must not depend on what the shards use.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.roll() % n.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

/// What survives a crash.
#[derive(Default, Clone)]
pub(crate) struct Disk {
    pub(crate) rows: BTreeMap<(Table, String), String>,
    pub(crate) transcripts: BTreeMap<String, Vec<String>>,
}

impl Disk {
    fn apply(&mut self, ops: &[StoreOp]) -> Vec<Outcome> {
        ops.iter()
            .map(|op| match op {
                StoreOp::Put { table, id, json } => {
                    self.rows.insert((*table, id.clone()), json.clone());
                    Outcome::Done
                }
                StoreOp::Delete { table, id } => {
                    self.rows.remove(&(*table, id.clone()));
                    Outcome::Done
                }
                StoreOp::Append { transcript, lines } => {
                    self.transcripts.entry(transcript.path()).or_default().extend(lines.iter().cloned());
                    Outcome::Done
                }
                StoreOp::Archive { transcript, .. } => {
                    let lines = self.transcripts.remove(&transcript.path());
                    Outcome::Archived(lines.map(|lines| {
                        let name = format!("{}.aside.{}", transcript.path(), self.transcripts.len());
                        self.transcripts.entry(name.clone()).or_default().extend(lines);
                        name
                    }))
                }
                StoreOp::Trim { .. } => Outcome::Trimmed { archived: None, kept: 0, found: true },
                StoreOp::Rewrite { transcript, lines, .. } => {
                    self.transcripts.insert(transcript.path(), lines.clone());
                    Outcome::Done
                }
            })
            .collect()
    }

    fn read(&self, read: &StoreRead) -> ReadAnswer {
        match read {
            StoreRead::Transcripts(queries) => ReadAnswer::Transcripts(
                queries
                    .iter()
                    .map(|query| match self.transcripts.get(&query.transcript.path()) {
                        None => Tail::default(),
                        Some(lines) => {
                            let skip = lines.len().saturating_sub(query.lines_max as usize);
                            Tail { found: true, skipped: skip as u64, lines: lines[skip..].to_vec() }
                        }
                    })
                    .collect(),
            ),
            StoreRead::Heads(queries) => ReadAnswer::Transcripts(
                queries
                    .iter()
                    .map(|query| match self.transcripts.get(&query.transcript.path()) {
                        None => Tail::default(),
                        Some(lines) => Tail { found: true, skipped: 0, lines: lines.clone() },
                    })
                    .collect(),
            ),
            StoreRead::Log { .. } => ReadAnswer::Failed("no log in the simulator".to_owned()),
        }
    }
}

/// What is on its way to a shard.
enum Parcel {
    Mail(Mail<Message>),
    Commit(pincer_sessions::persist::Ticket, Vec<StoreOp>),
}

/// A client: one WebSocket, v3 or v4.
pub(crate) struct Client {
    shard: usize,
    conn: ConnId,
    wire: u64,
    /// Bytes that came and are no whole frame yet.
    inbox: Vec<u8>,
    upgraded: bool,
    pub(crate) connected: bool,
    /// Every frame it got, kept only in stories.
    pub(crate) frames: Vec<Value>,
    closed: bool,
    pub(crate) sent: HashMap<String, String>,
    answered: HashMap<String, usize>,
    /// Requests of `agent` that had their first answer.
    accepted: HashSet<String>,
    /// Messages acknowledged as started: run id to text.
    acked: Vec<(String, String, String)>,
    finals: HashMap<String, usize>,
    last_seq: u64,
    next: usize,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) shards: Vec<Shard>,
    pub(crate) disk: Disk,
    pub(crate) now: Now,
    /// For each shard, what will arrive and when.
    parcels: Vec<VecDeque<(u64, Parcel)>>,
    pub(crate) clients: Vec<Client>,
    /// Every acknowledged message of the world's life: run id, key, text.
    acked: Vec<(String, String, String)>,
    seed: u64,
    steps: usize,
    config: String,
    /// Whether this is a story: nothing fails by chance, and clients keep their frames.
    told: bool,
    /// In a story: whether the store refuses everything.
    pub(crate) fails: bool,
}

const WEBSOCKET_HEAD: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

fn boot(shards: u8, seed: u64, now: Now, disk: &Disk, config: &str) -> Vec<Shard> {
    let rows = Arc::new(
        disk.rows.iter().map(|((table, id), json)| (*table, id.clone(), json.clone())).collect::<Vec<_>>(),
    );
    let facts = Arc::new(HostFacts {
        host: "sim".to_owned(),
        ip: None,
        platform: "linux".to_owned(),
        arch: "x64".to_owned(),
        boot_id: "boot".to_owned(),
        backend: "simulator".to_owned(),
        zone: jiff::tz::TimeZone::UTC,
        log_file: String::new(),
        device_id: "d".to_owned(),
        public_key: "k".to_owned(),
    });
    let settings = SettingsBoot {
        loaded: Arc::new(pincer_config::load(
            config,
            std::path::Path::new("/sim/openclaw.json"),
            &mut |_| Err(std::io::ErrorKind::NotFound.into()),
            &|_| None,
        )),
        raw: "".into(),
        exists: false,
        config_path: "/sim/openclaw.json".to_owned(),
        state_dir: "/sim".to_owned(),
        hash_key: [7; 32],
        token: Some("secret".to_owned()),
        password: None,
    };
    (0..shards)
        .map(|shard| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            Shard::new(Boot {
                shard,
                shards,
                limits: Limits::default(),
                seed: bytes,
                now,
                settings: settings.clone(),
                facts: Arc::clone(&facts),
                rows: Arc::clone(&rows),
            })
        })
        .collect()
}

fn masked(text: &[u8], key: [u8; 4]) -> Vec<u8> {
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

impl World {
    /// A world of chance.
    pub(crate) fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        let shards = 1 + dice.below(3) as u8;
        World::with(dice, seed, shards, json!({}))
    }

    /// A world of one shard in which only happens what a story says.
    pub(crate) fn story(config: Value) -> World {
        let mut world = World::with(Dice(7), 7, 1, config);
        world.told = true;
        world.drain(0);
        world.connect_as(4);
        assert!(world.clients[0].connected);
        world
    }

    fn with(dice: Dice, seed: u64, shards: u8, config: Value) -> World {
        let now = Now { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };
        let disk = Disk::default();
        let config = config.to_string();
        let shards = boot(shards, seed, now, &disk, &config);
        let parcels = shards.iter().map(|_| VecDeque::new()).collect();
        World {
            dice,
            shards,
            disk,
            now,
            parcels,
            clients: Vec::new(),
            acked: Vec::new(),
            seed,
            steps: 0,
            config,
            told: false,
            fails: false,
        }
    }

    /// Takes every effect of a shard.
    pub(crate) fn drain(&mut self, index: usize) {
        while let Some(effect) = self.shards[index].poll_effect() {
            let late = self.now.mono_ms + self.dice.roll() % 4;
            match effect {
                Effect::Flush(conn) => self.flush(index, conn),
                Effect::Close { conn, .. } => {
                    self.flush(index, conn);
                    self.shards[index].disconnected(self.now, conn);
                    for client in &mut self.clients {
                        client.closed |= client.shard == index && client.conn == conn;
                    }
                }
                Effect::Send(ShardId(to), message) => {
                    let from = ShardId(index as u8);
                    // A ring holds few here, so that it is full at times.
                    if self.parcels[to as usize].len() > 12 && self.dice.chance(30) {
                        let mail = Mail::Undelivered(ShardId(to), message);
                        self.parcels[index].push_back((late, Parcel::Mail(mail)));
                    } else {
                        // FIFO between two shards: the same moment, the order of pushing.
                        let at = self.parcels[to as usize].back().map_or(late, |(at, _)| late.max(*at));
                        self.parcels[to as usize].push_back((at, Parcel::Mail(Mail::Message(from, message))));
                    }
                }
                Effect::Store { ticket, ops } => {
                    self.parcels[index].push_back((late + 1, Parcel::Commit(ticket, ops)));
                }
                Effect::Read { ticket, read } => {
                    // Reads see what was committed before they were asked: commits of this shard go first.
                    self.commit_pending(index);
                    let answer = self.disk.read(&read);
                    self.parcels[index].push_back((late, Parcel::Mail(Mail::Read { ticket, answer })));
                }
                Effect::Call { .. } | Effect::CancelCall(_) => {
                    unreachable!("only the loopback model is configured")
                }
                Effect::Log(_) | Effect::StopAccepting | Effect::Finished => {}
            }
        }
    }

    fn commit_pending(&mut self, index: usize) {
        let mut kept = VecDeque::new();
        while let Some((at, parcel)) = self.parcels[index].pop_front() {
            match parcel {
                Parcel::Commit(ticket, ops) => {
                    let result = Ok(self.disk.apply(&ops));
                    kept.push_back((at, Parcel::Mail(Mail::Stored { ticket, result })));
                }
                other => kept.push_back((at, other)),
            }
        }
        self.parcels[index] = kept;
    }

    fn flush(&mut self, index: usize, conn: ConnId) {
        let mut bytes = Vec::new();
        let mut slices = [&[][..]; 4];
        let filled = self.shards[index].outgoing(conn, &mut slices);
        for slice in slices.iter().take(filled) {
            bytes.extend_from_slice(slice);
        }
        let len = bytes.len();
        if len > 0 {
            self.shards[index].written(self.now, conn, len);
        }
        if let Some(at) = self.clients.iter().position(|client| client.shard == index && client.conn == conn)
        {
            self.clients[at].inbox.extend(bytes);
            self.receive(at);
        }
    }

    /// Reads whole frames of a client's inbox.
    fn receive(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if !client.upgraded {
            let Some(end) = client.inbox.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            assert!(client.inbox.starts_with(b"HTTP/1.1 101"), "seed {}", self.seed);
            client.inbox.drain(..end + 4);
            client.upgraded = true;
        }
        loop {
            let client = &mut self.clients[at];
            let Some(second) = client.inbox.get(1).copied() else { return };
            let (head, len) = match second & 0x7f {
                126 if client.inbox.len() >= 4 => {
                    (4, usize::from(u16::from_be_bytes([client.inbox[2], client.inbox[3]])))
                }
                127 if client.inbox.len() >= 10 => {
                    (10, u64::from_be_bytes(client.inbox[2..10].try_into().unwrap()) as usize)
                }
                126 | 127 => return,
                len => (2, usize::from(len)),
            };
            if client.inbox.len() < head + len {
                return;
            }
            let opcode = client.inbox[0] & 0x0f;
            let payload: Vec<u8> = client.inbox.drain(..head + len).skip(head).collect();
            if opcode == 1 {
                let frame: Value = serde_json::from_slice(&payload).expect("a frame is JSON");
                self.frame(at, &frame);
            }
        }
    }

    fn frame(&mut self, at: usize, frame: &Value) {
        let (seed, told) = (self.seed, self.told);
        let client = &mut self.clients[at];
        if told {
            client.frames.push(frame.clone());
        }
        match frame["type"].as_str() {
            Some("res") => {
                let id = frame["id"].as_str().unwrap().to_owned();
                let kind =
                    client.sent.get(&id).unwrap_or_else(|| panic!("seed {seed}: nobody asked {id}")).clone();
                if kind == "agent" && frame["payload"]["status"] == "accepted" {
                    // Not asserted: that it comes before the end. A full ring gives answers back one by one, and the
                    // shard's second try of the first may come after the other.
                    assert!(client.accepted.insert(id.clone()), "seed {seed}: {id} was accepted twice");
                    return;
                }
                let count = client.answered.entry(id.clone()).or_default();
                *count += 1;
                assert_eq!(*count, 1, "seed {seed}: {kind} {id} was answered twice");
                if kind == "connect" {
                    assert!(frame["ok"].as_bool().unwrap(), "seed {seed}: {frame}");
                    client.connected = true;
                }
                if let Some((key, text)) =
                    kind.strip_prefix("chat.send ").and_then(|rest| rest.split_once('|'))
                    && frame["payload"]["status"] == "started"
                {
                    let run_id = frame["payload"]["runId"].as_str().unwrap().to_owned();
                    client.acked.push((run_id.clone(), key.to_owned(), text.to_owned()));
                    self.acked.push((run_id, key.to_owned(), text.to_owned()));
                }
            }
            Some("event") => {
                if let Some(seq) = frame["seq"].as_u64() {
                    assert!(seq > client.last_seq, "seed {seed}: seq {seq} after {}", client.last_seq);
                    client.last_seq = seq;
                }
                if frame["event"] == "chat" && frame["payload"]["state"] == "final" {
                    let run_id = frame["payload"]["runId"].as_str().unwrap().to_owned();
                    let finals = client.finals.entry(run_id.clone()).or_default();
                    *finals += 1;
                    assert_eq!(*finals, 1, "seed {seed}: {run_id} ended twice");
                }
            }
            _ => panic!("seed {seed}: {frame}"),
        }
    }

    pub(crate) fn connect(&mut self) {
        let wire = 3 + self.dice.roll() % 2;
        self.connect_as(wire);
    }

    pub(crate) fn connect_as(&mut self, wire: u64) {
        let shard = self.dice.below(self.shards.len());
        let address: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let peer = Peer { remote: address, local: address };
        let Some(conn) = self.shards[shard].accepted(self.now, peer) else { return };
        self.clients.push(Client {
            shard,
            conn,
            wire,
            inbox: Vec::new(),
            upgraded: false,
            connected: false,
            frames: Vec::new(),
            closed: false,
            sent: HashMap::new(),
            answered: HashMap::new(),
            accepted: HashSet::new(),
            acked: Vec::new(),
            finals: HashMap::new(),
            last_seq: 0,
            next: 0,
        });
        let at = self.clients.len() - 1;
        self.send_bytes(at, WEBSOCKET_HEAD.to_vec());
        let params = json!({
            "minProtocol": wire, "maxProtocol": wire, "role": "operator",
            "scopes": ["operator.admin", "operator.read", "operator.write"], "auth": {"token": "secret"},
            "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
        });
        self.request(at, "connect", "connect", params);
    }

    pub(crate) fn request(&mut self, at: usize, kind: &str, method: &str, params: Value) {
        let client = &mut self.clients[at];
        client.next += 1;
        let id = format!("{at}-{}", client.next);
        client.sent.insert(id.clone(), kind.to_owned());
        let text = json!({"type": "req", "id": id, "method": method, "params": params}).to_string();
        let key = (self.dice.roll() as u32).to_le_bytes();
        self.send_bytes(at, masked(text.as_bytes(), key));
    }

    /// Sends bytes in pieces of any size.
    fn send_bytes(&mut self, at: usize, mut bytes: Vec<u8>) {
        let (shard, conn) = (self.clients[at].shard, self.clients[at].conn);
        while !bytes.is_empty() {
            let len = if self.dice.chance(70) { bytes.len() } else { 1 + self.dice.below(bytes.len()) };
            let mut piece: Vec<u8> = bytes.drain(..len).collect();
            self.shards[shard].received(self.now, conn, &mut piece);
            self.drain(shard);
        }
    }

    /// Lets time pass until nothing is due for `ms`, at most that long.
    pub(crate) fn wait(&mut self, ms: u64) {
        let until = self.now.mono_ms + ms;
        while self.pass(until) {}
        let rest = until.saturating_sub(self.now.mono_ms);
        self.now = Now { mono_ms: self.now.mono_ms + rest, wall_ms: self.now.wall_ms + rest };
    }

    /// The first client asks, and gets its last answer within a while.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        // Clients here answer no pings, so a long silence costs the connection.
        if self.clients[0].closed {
            self.clients.clear();
            self.connect_as(4);
        }
        let from = self.clients[0].frames.len();
        self.request(0, method, method, params);
        self.wait(500);
        let id = format!("0-{}", self.clients[0].next);
        let mut answers = self.clients[0].frames[from..].iter().filter(|frame| frame["id"] == id.as_str());
        answers.next_back().unwrap_or_else(|| panic!("{method} was not answered")).clone()
    }

    /// One random thing happens.
    pub(crate) fn act(&mut self) {
        self.steps += 1;
        let live: Vec<usize> = (0..self.clients.len())
            .filter(|at| self.clients[*at].connected && !self.clients[*at].closed)
            .collect();
        let at = live.get(self.dice.below(live.len())).copied();
        match (self.dice.below(15), at) {
            (0, _) | (_, None) if self.clients.len() < 5 => self.connect(),
            (1..=5, Some(at)) => {
                // v3 without a device holds no scopes, so only v4 clients may speak.
                if self.clients[at].wire == 4 {
                    let key =
                        ["main", "agent:main:a", "agent:main:b", "discord:channel:1"][self.dice.below(4)];
                    let words = [
                        "hello",
                        "SLOW 3",
                        "LONG 20",
                        "SILENT",
                        "FAIL",
                        "hello",
                        "hello",
                        "/status",
                        "/reset hi",
                        "/compact",
                    ];
                    let text = format!("{} #{}-{}", words[self.dice.below(words.len())], at, self.steps);
                    let kind = format!("chat.send {key}|{text}");
                    let run = format!("run-{at}-{}", self.steps);
                    let params = json!({"sessionKey": key, "message": text, "idempotencyKey": run});
                    self.request(at, &kind, "chat.send", params);
                }
            }
            (6, Some(at)) => self.request(at, "health", "health", json!({})),
            (7, Some(at)) => self.request(at, "status", "status", json!({})),
            (8, Some(at)) => {
                self.request(at, "chat.history", "chat.history", json!({"sessionKey": "main", "limit": 5}));
            }
            (10, Some(at)) if self.clients[at].wire == 4 => {
                let key = ["agent:main:a", "agent:main:b"][self.dice.below(2)];
                let run = format!("agent-{at}-{}", self.steps);
                let params = json!({"sessionKey": key, "message": "SLOW 2", "idempotencyKey": run});
                self.request(at, "agent", "agent", params);
            }
            (11, Some(at)) if self.clients[at].wire == 4 => {
                let key = ["main", "agent:main:a", "agent:main:b"][self.dice.below(3)];
                self.request(at, "sessions.reset", "sessions.reset", json!({"key": key}));
            }
            (14, Some(at)) if self.clients[at].wire == 4 => {
                let key = ["main", "agent:main:a", "agent:main:b"][self.dice.below(3)];
                self.request(at, "sessions.compact", "sessions.compact", json!({"key": key}));
            }
            (12, Some(at)) if self.clients[at].wire == 4 => {
                let key = ["agent:main:a", "agent:main:b"][self.dice.below(2)];
                self.request(at, "sessions.delete", "sessions.delete", json!({"key": key}));
            }
            (13, Some(at)) if self.clients[at].wire == 4 => {
                let key = ["main", "agent:main:a", "agent:main:b"][self.dice.below(3)];
                self.request(at, "chat.abort", "chat.abort", json!({"sessionKey": key}));
            }
            (9, Some(at)) if self.dice.chance(20) => {
                let (shard, conn) = (self.clients[at].shard, self.clients[at].conn);
                self.clients[at].closed = true;
                self.shards[shard].disconnected(self.now, conn);
                self.drain(shard);
            }
            _ => self.request_nonsense(at),
        }
    }

    fn request_nonsense(&mut self, at: Option<usize>) {
        if let Some(at) = at {
            self.request(at, "nope", "nope", json!({"x": 1}));
        }
    }

    /// Time passes to the next thing that is due; `false` when nothing is.
    pub(crate) fn pass(&mut self, until_ms: u64) -> bool {
        let parcel = self.parcels.iter().filter_map(|parcels| parcels.front().map(|(at, _)| *at)).min();
        let timer = self.shards.iter().filter_map(Core::next_deadline).min();
        let Some(at) = parcel.into_iter().chain(timer).min().filter(|at| *at <= until_ms) else {
            return false;
        };
        let step = at.saturating_sub(self.now.mono_ms);
        self.now = Now { mono_ms: self.now.mono_ms + step, wall_ms: self.now.wall_ms + step };
        for index in 0..self.shards.len() {
            while self.parcels[index].front().is_some_and(|(at, _)| *at <= self.now.mono_ms) {
                let Some((_, parcel)) = self.parcels[index].pop_front() else { break };
                let mail = match parcel {
                    Parcel::Mail(mail) => mail,
                    Parcel::Commit(ticket, ops) => {
                        let result = if if self.told { self.fails } else { self.dice.chance(2) } {
                            Err(StoreError { message: "no space left".to_owned(), retryable: true })
                        } else {
                            Ok(self.disk.apply(&ops))
                        };
                        Mail::Stored { ticket, result }
                    }
                };
                self.shards[index].mail(self.now, mail);
                self.drain(index);
            }
            if self.shards[index].next_deadline().is_some_and(|at| at <= self.now.mono_ms) {
                self.shards[index].tick(self.now);
                self.drain(index);
            }
        }
        true
    }

    /// The process dies: what is on disk stays, everything else is gone.
    pub(crate) fn crash(&mut self) {
        let shards = self.shards.len() as u8;
        self.now = Now { mono_ms: 1_000, wall_ms: self.now.wall_ms + 500 };
        self.clients.clear();
        self.parcels = (0..shards).map(|_| VecDeque::new()).collect();
        self.shards = boot(shards, self.dice.roll(), self.now, &self.disk, &self.config);
        for index in 0..self.shards.len() {
            self.drain(index);
        }
    }

    /// Everybody gets their answer, and what was acknowledged is there, once.
    pub(crate) fn settle(&mut self) {
        let until = self.now.mono_ms + 20_000;
        while self.pass(until) {}
        let seed = self.seed;
        for client in self.clients.iter().filter(|client| !client.closed) {
            for (id, kind) in &client.sent {
                assert_eq!(client.answered.get(id), Some(&1), "seed {seed}: {kind} {id} has no answer");
            }
        }
        let lines: Vec<&String> = self.disk.transcripts.values().flatten().collect();
        for (run_id, key, text) in &self.acked {
            let marker = text.rsplit('#').next().unwrap();
            let said = lines
                .iter()
                .filter(|line| line.contains(r#""role":"user""#) && line.contains(&format!("#{marker}\"")))
                .count();
            assert_eq!(said, 1, "seed {seed}: {run_id} in {key} ({text}) stands {said} times in transcripts");
        }
        let waiting = self.disk.rows.keys().filter(|(table, _)| *table == Table::Turns).count();
        assert_eq!(waiting, 0, "seed {seed}: turns are left over");
    }
}

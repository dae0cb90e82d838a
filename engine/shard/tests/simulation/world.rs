//! One world: shards, their store and their clients, and the time that passes between them.

mod approvals;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use pincer_sessions::persist::{StoreError, StoreOp, Table, Ticket};
use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Effect, LookupAnswer, LookupError, Mail, Peer, ShardId};
use pincer_shard::{Boot, HostFacts, Limits, Message, SettingsBoot, Shard};
use serde_json::{Value, json};

mod judged;
mod settle;

use judged::{BLOCKED, REVIEWED, answer, by_chance, defender};
pub(crate) use judged::{HARMLESS, MALICIOUS};

use crate::client::{Asked, Client, Learnt, UPGRADE, masked};
use crate::dice::Dice;
use crate::disk::Disk;

/// 2027-01-15, 08:00 UTC.
const START: Now = Now { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };
/// Most shards of a world.
const SHARDS_MAX: usize = 3;
/// Messages that find so many parcels before them may find the ring full.
const RING_FULL: usize = 3;
/// Largest answer or event of these worlds, in bytes: how far one frame may reach over the bound of an outbox.
const FRAME_BYTES_MAX: usize = 32 << 10;
/// Sessions of a world.
const KEYS: [&str; 4] = ["main", "agent:main:a", "agent:main:b", "discord:direct:7"];
/// The one that is deleted at times.
const DELETED_KEY: &str = KEYS[2];
/// What messages begin with: what the loopback model is to do.
const WORDS: [&str; 14] = [
    REVIEWED,
    BLOCKED,
    "hello",
    "SLOW 3",
    "LONG 20",
    "SILENT",
    "FAIL",
    "WAIT 40 x",
    "hello",
    "/status",
    "/reset hi",
    "/compact",
    "look at https://shop.sim-one.net/a",
    "https://sim-two.net and https://sim-three.net/b?c",
];

/// What is on its way to a shard.
enum Parcel {
    Mail(Mail<Message>),
    Commit(Ticket, Vec<StoreOp>),
}

/// A message that some client sent, by its number.
struct Sent {
    key: &'static str,
    /// Its idempotency key; at times one that was used for another message.
    id: String,
    text: String,
    /// The defender wants a person to look at it: it may never be said.
    review: bool,
    /// Who sent it first, while nobody repeated it.
    by: Option<usize>,
    accepted: bool,
    /// A person tried to let it through, out of the quarantine.
    let_through: bool,
}

/// The label of a session, as its clients know it.
#[derive(Default)]
struct Labels {
    acknowledged: Option<usize>,
    /// Asked for and not answered, and who asked.
    open: Vec<(usize, usize)>,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Now,
    limits: Limits,
    shards: Vec<Shard>,
    /// Shards that have drained.
    finished: HashSet<usize>,
    pub(crate) disk: Disk,
    /// For each shard, what will arrive and when.
    parcels: Vec<VecDeque<(u64, Parcel)>>,
    /// Until when the ring from one shard to another is full.
    full_until: BTreeMap<(usize, usize), u64>,
    pub(crate) clients: Vec<Client>,
    clients_ever: usize,
    labels_ever: usize,
    /// Every message of the world's life.
    sent: Vec<Sent>,
    /// For each session, who asked for which labels in this life, and the last one that was acknowledged.
    labels: BTreeMap<&'static str, Labels>,
    /// Approvals that clients requested in this world's life.
    requested: usize,
    /// Approvals that shards opened, by id, and whether their holder was told what became of them.
    pub(crate) opened: BTreeMap<String, bool>,
    /// The store refuses at times. What must be written is then written later, out of order.
    refuses: bool,
    config: String,
    /// In a story: the store refuses everything.
    pub(crate) fails: bool,
    /// In a story: what the service answers, always.
    pub(crate) service: Option<&'static str>,
    seed: u64,
}

impl World {
    /// A world of chance.
    pub(crate) fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        let shards = 1 + dice.below(SHARDS_MAX);
        let mut limits = Limits::default();
        if dice.chance(40) {
            // Bounds that these worlds reach.
            limits.connections_max = 2;
            limits.outbox_bytes_max = 64 << 10;
            limits.calls_per_connection_max = 4;
            limits.turns_max = 6;
        }
        let refuses = dice.chance(50);
        World::with(dice, seed, shards, limits, refuses, &json!({}))
    }

    /// A world of one shard and one client, in which only happens what a story says.
    pub(crate) fn story(config: &Value) -> World {
        let mut world = World::with(Dice(7), 7, 1, Limits::default(), false, config);
        world.connect_as(4);
        assert!(world.clients[0].connected);
        world
    }

    fn with(dice: Dice, seed: u64, shards: usize, limits: Limits, refuses: bool, config: &Value) -> World {
        let now = START;
        let mut world = World {
            dice,
            now,
            limits,
            shards: Vec::new(),
            finished: HashSet::new(),
            disk: Disk::default(),
            parcels: Vec::new(),
            full_until: BTreeMap::new(),
            clients: Vec::new(),
            clients_ever: 0,
            labels_ever: 0,
            sent: Vec::new(),
            labels: BTreeMap::new(),
            requested: 0,
            opened: BTreeMap::new(),
            refuses,
            config: config.to_string(),
            fails: false,
            service: None,
            seed,
        };
        world.boot(shards);
        world
    }

    fn boot(&mut self, shards: usize) {
        let rows = self.disk.rows.iter().map(|((table, id), json)| (*table, id.clone(), json.clone()));
        let rows = Arc::new(rows.collect::<Vec<_>>());
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.dice.roll().to_le_bytes());
        let (facts, settings) = (Arc::new(facts()), settings(&self.config));
        self.shards = (0..shards)
            .map(|shard| {
                Shard::new(Boot {
                    shard: shard as u8,
                    shards: shards as u8,
                    limits: self.limits,
                    seed,
                    now: self.now,
                    settings: settings.clone(),
                    facts: Arc::clone(&facts),
                    load: Arc::new(pincer_shard::load::NoLoad),
                    rows: Arc::clone(&rows),
                })
            })
            .collect();
        self.parcels = (0..shards).map(|_| VecDeque::new()).collect();
        self.full_until.clear();
        self.finished.clear();
        for index in 0..shards {
            self.drain(index);
        }
    }

    /// Takes every effect of a shard.
    fn drain(&mut self, index: usize) {
        while let Some(effect) = self.shards[index].poll_effect() {
            let late = self.now.mono_ms + self.dice.roll() % 4;
            match effect {
                Effect::Flush(conn) => self.flush(index, conn),
                Effect::Close { conn, .. } => {
                    self.deliver(index, conn);
                    self.shards[index].disconnected(self.now, conn);
                    if let Some(client) = self.client_of(index, conn) {
                        client.closed = true;
                    }
                }
                Effect::Send(ShardId(to), message) => {
                    let from = ShardId(index as u8);
                    if self.is_full(index, to as usize) {
                        self.shards[index].mail(self.now, Mail::Undelivered(ShardId(to), message));
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
                Effect::LookUp { lookup, .. } => {
                    if let Some(answer) = self.service_says() {
                        self.parcels[index]
                            .push_back((late, Parcel::Mail(Mail::LookedUp { lookup, answer })));
                    }
                }
                // At times at once, as where another shard had them built.
                Effect::BuildGuards => {
                    let built = if self.dice.chance(30) { 0 } else { self.dice.roll() % 30 };
                    let at = self.now.mono_ms + built;
                    self.parcels[index].push_back((at, Parcel::Mail(Mail::GuardsBuilt)));
                }
                Effect::Finished => {
                    self.finished.insert(index);
                }
                Effect::Log(line) if line.subsystem == "approvals" => {
                    // The holder is told, and has no more to do.
                    let id = line.message.split(' ').next().unwrap_or_default();
                    if let Some(told) = self.opened.get_mut(id) {
                        *told = true;
                        self.shards[index].approval_taken(id);
                    }
                }
                Effect::Log(_) | Effect::StopAccepting => {}
            }
        }
        self.check_bounds(index);
    }

    /// What the service says of an address; `None`: the answer gets lost.
    fn service_says(&mut self) -> Option<Result<LookupAnswer, LookupError>> {
        if let Some(body) = self.service {
            return Some(Ok(answer(200, body)));
        }
        by_chance(self.dice.below(6))
    }

    /// Whether the ring between two shards is full. One holds few here, and is full for a while at times.
    fn is_full(&mut self, from: usize, to: usize) -> bool {
        let until = self.full_until.entry((from, to)).or_default();
        if *until <= self.now.mono_ms && self.parcels[to].len() > RING_FULL && self.dice.chance(10) {
            *until = self.now.mono_ms + 1 + self.dice.roll() % 30;
        }
        *until > self.now.mono_ms
    }

    /// What a shard holds stays within what it was told, also for peers that do not read.
    fn check_bounds(&mut self, index: usize) {
        let seed = self.seed;
        let bound = self.limits.outbox_bytes_max as usize + FRAME_BYTES_MAX;
        let open: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|client| client.shard == index && !client.closed)
            .map(|client| client.conn)
            .collect();
        assert!(
            open.len() <= self.limits.connections_max as usize,
            "seed {seed}: {} connections",
            open.len()
        );
        for conn in open {
            let mut slices = [&[][..]; 4];
            let filled = self.shards[index].outgoing(conn, &mut slices);
            let waits: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
            assert!(waits <= bound, "seed {seed}: {waits} bytes wait in an outbox of {bound}");
        }
    }

    fn commit_pending(&mut self, index: usize) {
        for (_, parcel) in &mut self.parcels[index] {
            if let Parcel::Commit(ticket, ops) = parcel {
                let result = self.disk.apply(ops);
                *parcel = Parcel::Mail(Mail::Stored { ticket: *ticket, result });
            }
        }
    }

    fn client_of(&mut self, shard: usize, conn: ConnId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.shard == shard && client.conn == conn)
    }

    /// The shard has something to say; peers that are stuck do not take it.
    fn flush(&mut self, index: usize, conn: ConnId) {
        if self.client_of(index, conn).is_none_or(|client| !client.stuck) {
            self.deliver(index, conn);
        }
    }

    /// Everything outgoing reaches its client.
    fn deliver(&mut self, index: usize, conn: ConnId) {
        let mut slices = [&[][..]; 4];
        let filled = self.shards[index].outgoing(conn, &mut slices);
        let bytes = slices[..filled].concat();
        if bytes.is_empty() {
            return;
        }
        self.shards[index].written(self.now, conn, bytes.len());
        let (seed, sent, labels) = (self.seed, &mut self.sent, &mut self.labels);
        if let Some(client) =
            self.clients.iter_mut().find(|client| client.shard == index && client.conn == conn)
        {
            let by = client.number;
            client.receive(&bytes, seed, |learnt| match learnt {
                Learnt::Accepted(number) => sent[number].accepted = true,
                Learnt::Labelled(key, number) => {
                    let labels = labels.entry(key).or_default();
                    labels.acknowledged = Some(number);
                    // One client's are answered in order; what others asked for may yet come.
                    labels.open.retain(|(of, open)| *of != by || *open > number);
                }
                Learnt::Nothing => {}
            });
        }
    }

    fn connect(&mut self) {
        let wire = 3 + self.dice.roll() % 2;
        self.connect_as(wire);
    }

    pub(crate) fn connect_as(&mut self, wire: u64) {
        let shard = self.dice.below(self.shards.len());
        let address: SocketAddr = ([127, 0, 0, 1], 40_000).into();
        let peer = Peer { remote: address, local: address };
        let Some(conn) = self.shards[shard].accepted(self.now, peer) else { return };
        self.clients.push(Client::new(self.clients_ever, shard, conn, wire));
        self.clients_ever += 1;
        let at = self.clients.len() - 1;
        self.send_bytes(at, UPGRADE.to_vec());
        let params = json!({
            "minProtocol": wire, "maxProtocol": wire, "role": "operator",
            "scopes": ["operator.admin", "operator.read", "operator.write"], "auth": {"token": "secret"},
            "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
        });
        self.request(at, Asked::Connect, "connect", params);
    }

    fn request(&mut self, at: usize, what: Asked, method: &str, params: Value) {
        let id = self.clients[at].ask(what);
        let text = json!({"type": "req", "id": id, "method": method, "params": params}).to_string();
        let key = (self.dice.roll() as u32).to_le_bytes();
        self.send_bytes(at, masked(text.as_bytes(), key));
    }

    /// The first client asks; the id of its request.
    pub(crate) fn tell(&mut self, method: &'static str, params: Value) -> String {
        // Clients here answer no pings, so a long silence costs the connection.
        if self.clients.first().is_none_or(|client| client.closed) {
            self.clients.clear();
            self.connect_as(4);
        }
        self.clients[0].remember = true;
        let what = if method == "agent" { Asked::Agent } else { Asked::Other(method) };
        self.request(0, what, method, params);
        self.clients[0].last_id()
    }

    /// The first client asks, and gets its last answer within a while.
    pub(crate) fn ask(&mut self, method: &'static str, params: Value) -> Value {
        let id = self.tell(method, params);
        self.wait(500);
        let answer = self.clients[0].frames.iter().rfind(|frame| frame["id"] == id.as_str());
        answer.unwrap_or_else(|| panic!("{method} was not answered")).clone()
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&mut self, ms: u64) {
        let until = self.now.mono_ms + ms;
        while self.pass(until) {}
        let rest = until.saturating_sub(self.now.mono_ms);
        self.now = Now { mono_ms: self.now.mono_ms + rest, wall_ms: self.now.wall_ms + rest };
    }

    /// Sends bytes in pieces of any size.
    fn send_bytes(&mut self, at: usize, mut bytes: Vec<u8>) {
        let (shard, conn) = (self.clients[at].shard, self.clients[at].conn);
        let mut rest = &mut bytes[..];
        while !rest.is_empty() && !self.clients[at].closed {
            let len = if self.dice.chance(70) { rest.len() } else { 1 + self.dice.below(rest.len()) };
            let (piece, after) = rest.split_at_mut(len);
            rest = after;
            self.shards[shard].received(self.now, conn, piece);
            self.drain(shard);
        }
    }

    /// One random thing happens.
    pub(crate) fn act(&mut self) {
        self.clients.retain(|client| !client.closed);
        let live: Vec<usize> = (0..self.clients.len()).filter(|at| self.clients[*at].connected).collect();
        let at = live.get(self.dice.below(live.len())).copied();
        match (self.dice.below(20), at) {
            (0, _) | (_, None) if self.clients.len() < 5 => self.connect(),
            (1..=5, Some(at)) => self.message(at),
            (6, Some(at)) => self.request(at, Asked::Other("health"), "health", json!({})),
            (7, Some(at)) => self.request(at, Asked::Other("status"), "status", json!({})),
            (8, Some(at)) => {
                let params = json!({"sessionKey": "main", "limit": 5});
                self.request(at, Asked::Other("history"), "chat.history", params);
            }
            (9, Some(at)) if self.dice.chance(20) => {
                let (shard, conn) = (self.clients[at].shard, self.clients[at].conn);
                self.clients[at].closed = true;
                self.shards[shard].disconnected(self.now, conn);
                self.drain(shard);
            }
            (10, Some(at)) => {
                if !self.clients[at].stuck && self.dice.chance(50) {
                    self.clients[at].stuck = true;
                } else {
                    self.unstick(at);
                }
            }
            (11, Some(at)) => self.label(at),
            (12, Some(at)) if self.clients[at].wire == 4 => {
                let run = format!("agent-{}", self.dice.roll());
                let params = json!({"sessionKey": self.key(), "message": "SLOW 2", "idempotencyKey": run});
                self.request(at, Asked::Agent, "agent", params);
            }
            (13, Some(at)) if self.clients[at].wire == 4 => {
                let params = json!({"key": self.key()});
                self.request(at, Asked::Other("sessions.reset"), "sessions.reset", params);
            }
            (14, Some(at)) if self.clients[at].wire == 4 => {
                // Labels go with their session, so only some are deleted.
                let params = json!({"key": DELETED_KEY});
                self.request(at, Asked::Other("sessions.delete"), "sessions.delete", params);
            }
            (15, Some(at)) if self.clients[at].wire == 4 => {
                let params = json!({"sessionKey": self.key()});
                self.request(at, Asked::Other("chat.abort"), "chat.abort", params);
            }
            (16, Some(at)) if self.clients[at].wire == 4 => {
                let params = json!({"key": self.key()});
                self.request(at, Asked::Other("sessions.compact"), "sessions.compact", params);
            }
            (17, Some(at)) if self.clients[at].wire == 4 => self.request_approval(at),
            (18, Some(at)) if self.clients[at].wire == 4 && self.dice.chance(30) => self.let_through(at),
            (18, Some(at)) if self.clients[at].wire == 4 => self.decide_approval(at),
            (19, _) => self.ask_somebody(),
            (_, Some(at)) => self.request(at, Asked::Other("nope"), "nope", json!({"x": 1})),
            _ => {}
        }
    }

    /// A new message, or one that was sent before, as clients repeat it that saw no answer. Several at once at times.
    fn message(&mut self, at: usize) {
        // v3 without a device holds no scopes, so only v4 clients may speak.
        if self.clients[at].wire != 4 {
            return;
        }
        for _ in 0..if self.dice.chance(10) { 6 } else { 1 } {
            let number = if !self.sent.is_empty() && self.dice.chance(10) {
                let number = self.dice.below(self.sent.len());
                self.sent[number].by = None;
                number
            } else {
                let (key, word) = (self.key(), WORDS[self.dice.below(WORDS.len())]);
                let text = format!("{word} #{}#", self.sent.len());
                let review = word == REVIEWED;
                // What is let through comes after what was said meanwhile.
                let by = Some(self.clients[at].number).filter(|_| !review);
                let own = format!("run-{}", self.sent.len());
                let used = self.dice.below(self.sent.len().max(1) * 10);
                let id = self.sent.get(used).map_or(own, |sent| sent.id.clone());
                self.sent.push(Sent { key, id, text, review, by, accepted: false, let_through: false });
                self.sent.len() - 1
            };
            let Sent { key, id, text, .. } = &self.sent[number];
            let params = json!({"sessionKey": key, "message": text, "idempotencyKey": id});
            self.request(at, Asked::Message(number), "chat.send", params);
        }
    }

    fn key(&mut self) -> &'static str {
        KEYS[self.dice.below(KEYS.len())]
    }

    /// A new label for a session that no other living client labels, so that the last answer is the last word.
    fn label(&mut self, at: usize) {
        let own = |client: &Client| client.number % KEYS.len();
        let mine = own(&self.clients[at]);
        let alone = self.clients.iter().filter(|client| own(client) == mine).count() == 1;
        if self.clients[at].wire == 4 && alone && KEYS[mine] != DELETED_KEY {
            let (key, number, by) = (KEYS[mine], self.labels_ever, self.clients[at].number);
            self.labels_ever += 1;
            self.labels.entry(key).or_default().open.push((by, number));
            let params = json!({"key": key, "label": format!("label {number}")});
            self.request(at, Asked::Label(key, number), "sessions.patch", params);
        }
    }

    fn unstick(&mut self, at: usize) {
        let (shard, conn) = (self.clients[at].shard, self.clients[at].conn);
        self.clients[at].stuck = false;
        self.deliver(shard, conn);
        self.drain(shard);
    }

    /// Time passes to the next thing that is due; `false` when nothing is.
    pub(crate) fn pass(&mut self, until_ms: u64) -> bool {
        let parcel = self.parcels.iter().filter_map(|parcels| parcels.front().map(|(at, _)| *at)).min();
        let timer = (0..self.shards.len()).filter_map(|index| self.deadline(index)).min();
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
                        let result = if self.fails || self.refuses && self.dice.chance(4) {
                            Err(StoreError { message: "no space left".to_owned(), retryable: true })
                        } else {
                            self.disk.apply(&ops)
                        };
                        // Who lets a message through is noted beside the entry that says it was held.
                        assert!(
                            self.refuses || self.fails || result.is_ok(),
                            "seed {}: {result:?}",
                            self.seed
                        );
                        Mail::Stored { ticket, result }
                    }
                };
                self.shards[index].mail(self.now, mail);
                self.drain(index);
            }
            if self.deadline(index).is_some_and(|at| at <= self.now.mono_ms) {
                self.shards[index].tick(self.now);
                self.drain(index);
            }
        }
        // The rows of ended turns stay until the store takes their end; an earlier life may have had more shards.
        let (turns, most) = (self.disk.count(Table::Turns), self.limits.turns_max as usize * SHARDS_MAX);
        assert!(self.refuses || turns <= most, "seed {}: {turns} turns wait", self.seed);
        true
    }

    /// A shard that has finished is not driven any more.
    fn deadline(&self, index: usize) -> Option<u64> {
        if self.finished.contains(&index) { None } else { self.shards[index].next_deadline() }
    }

    /// The process dies: what is on disk stays, everything else is gone. Of what was being committed, any beginning
    /// may be on disk without anybody having heard so.
    pub(crate) fn crash(&mut self) {
        for index in 0..self.shards.len() {
            for (_, parcel) in std::mem::take(&mut self.parcels[index]) {
                if self.dice.chance(30) {
                    break;
                }
                if let Parcel::Commit(_, ops) = parcel {
                    // What failed is no more told of than what did not.
                    let _ = self.disk.apply(&ops);
                }
            }
        }
        self.restart();
    }

    /// The process ends in order: everybody is let go, whatever they read or ask, and nothing hangs.
    pub(crate) fn shut_down(&mut self) {
        let seed = self.seed;
        for index in 0..self.shards.len() {
            let drain = Mail::Drain { reason: "test".to_owned(), budget_ms: 500, restart_expected_ms: None };
            self.shards[index].mail(self.now, drain);
            self.drain(index);
        }
        let until = self.now.mono_ms + 20_000;
        while self.finished.len() < self.shards.len() && self.pass(until) {}
        assert_eq!(self.finished.len(), self.shards.len(), "seed {seed}: shards did not finish");
        assert!(self.clients.iter().all(|client| client.closed), "seed {seed}: a client was not let go");
        self.restart();
    }

    fn restart(&mut self) {
        self.now = Now { mono_ms: 1_000, wall_ms: self.now.wall_ms + 500 };
        self.clients.clear();
        // Another number of shards at times: sessions move between them.
        let shards = if self.dice.chance(20) { 1 + self.dice.below(SHARDS_MAX) } else { self.shards.len() };
        self.boot(shards);
        self.ask_again();
    }
}

fn facts() -> HostFacts {
    HostFacts {
        host: "sim".to_owned(),
        ip: None,
        platform: "linux".to_owned(),
        arch: "x64".to_owned(),
        zone: jiff::tz::TimeZone::UTC,
        boot_id: "boot".to_owned(),
        backend: "simulator".to_owned(),
        log_file: String::new(),
        device_id: "d".to_owned(),
        public_key: "k".to_owned(),
    }
}

fn settings(config: &str) -> SettingsBoot {
    let loaded = pincer_config::load(
        config,
        Path::new("/sim/openclaw.json"),
        &mut |_| Err(ErrorKind::NotFound.into()),
        &|_| None,
    );
    let defender = defender(&loaded.config.defender);
    SettingsBoot {
        loaded: Arc::new(loaded),
        raw: "".into(),
        exists: false,
        config_path: "/sim/openclaw.json".to_owned(),
        state_dir: "/sim".to_owned(),
        hash_key: [7; 32],
        token: Some("secret".to_owned()),
        password: None,
        defender,
        lists: Default::default(),
        weaker: Default::default(),
    }
}

//! What the kill suite does: loads a gateway, kills it, starts it again on the same state, and compares what is there
//! with what was acknowledged.
//!
//! Sessions run in queue mode `followup`, so every accepted message has one run. Each message carries a number of its own;
//! the model echoes it. After a kill, once the queues are empty again, for every session:
//!
//! - each acknowledged message is in the transcript once, each unacknowledged one at most once;
//! - each has one answer, or the note that a restart cut its answer off, never both and never two;
//! - the label is the one acknowledged last, or one that was sent after it;
//! - the same message sent again with its key is not run again.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backend::Backend;
use crate::client::{Client, PATIENCE};
use crate::gateway::{Gateway, Setup, StoreKind};
use crate::hello::{Hello, Wire};
use crate::rng::Rng;

/// One series of kills on one state directory.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The store under test.
    pub store: StoreKind,
    /// Backends, taking turns.
    pub backends: Vec<Backend>,
    /// How often.
    pub kills: u32,
    /// Where the choices come from.
    pub seed: u64,
}

/// What was checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    kills: u64,
    acknowledged: u64,
    unacknowledged: u64,
    answered: u64,
    interrupted: u64,
    patches: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.kills += other.kills;
        self.acknowledged += other.acknowledged;
        self.unacknowledged += other.unacknowledged;
        self.answered += other.answered;
        self.interrupted += other.interrupted;
        self.patches += other.patches;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { kills, acknowledged, unacknowledged, answered, interrupted, patches } = self;
        write!(
            f,
            "{kills} kills, {acknowledged} messages acknowledged and {unacknowledged} not, {answered} answered, \
             {interrupted} reported as interrupted, {patches} patches acknowledged"
        )
    }
}

/// Lanes, each a connection of its own with sessions of its own.
const LANES: u64 = 3;
/// Sessions of a lane.
const SESSIONS: u64 = 3;
/// After so many kills the load goes on in new sessions, so that histories stay short.
const KILLS_PER_GENERATION: u32 = 5;
/// Most requests of a lane that wait for their response.
const OUTSTANDING_MAX: usize = 8;
/// How long the queues may take to empty after a start.
const SETTLE: Duration = Duration::from_secs(60);

/// One message as its sender knows it.
#[derive(Debug, Clone)]
struct Sent {
    key: String,
    text: String,
    fate: Fate,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The gateway died first: it may have been taken or not.
    Unknown,
    Acknowledged,
    Refused,
}

/// One session as its lane knows it.
#[derive(Debug, Clone, Default)]
struct Known {
    sent: Vec<Sent>,
    /// The label acknowledged last.
    label: Option<String>,
    /// Labels sent after that.
    pending: Vec<String>,
}

/// Everything known, by session key.
type Ledger = BTreeMap<String, Known>;

/// Runs the plan. `Err` says what was lost or doubled.
pub fn run(plan: &Plan, mut progress: impl FnMut(u32, &Tally)) -> Result<Tally, String> {
    let mut rng = Rng::new(plan.seed);
    let mut tally = Tally::default();
    let mut ledger = Ledger::new();
    let mut number = 0;
    let queue =
        json!({"messages": {"queue": {"mode": "followup", "debounceMs": 0, "cap": 100, "drop": "new"}}});
    let mut setup = Setup::new(Backend::Epoll).store(plan.store).config(queue);
    for kill in 0..plan.kills {
        setup.backend = Some(plan.backends[kill as usize % plan.backends.len()]);
        let gateway =
            setup.try_start().map_err(|exit| format!("kill {kill}: it does not start again: {exit:?}"))?;
        let found = check(&gateway, &ledger).map_err(|finding| report(kill, &finding, &gateway))?;
        if kill % KILLS_PER_GENERATION == 0 {
            ledger.clear();
            tally += found;
        }
        let generation = kill / KILLS_PER_GENERATION;
        let lanes = load(&gateway, &mut ledger, generation, &mut rng, &mut number);
        thread::sleep(Duration::from_micros(rng.below(300_000)));
        setup = gateway.kill();
        for lane in lanes {
            let done = lane.join().map_err(|_| format!("kill {kill}: a lane panicked"))?;
            for (key, known) in done {
                ledger.insert(key, known);
            }
        }
        tally.kills += 1;
        progress(kill + 1, &tally);
    }
    let gateway = setup.try_start().map_err(|exit| format!("it does not start again: {exit:?}"))?;
    tally += check(&gateway, &ledger).map_err(|finding| report(plan.kills, &finding, &gateway))?;
    Ok(tally)
}

fn report(kill: u32, finding: &str, gateway: &Gateway) -> String {
    let log = gateway.log();
    let from = log.floor_char_boundary(log.len().saturating_sub(4000));
    format!("after kill {kill}: {finding}\nlog of the gateway:\n{}", &log[from..])
}

/// Starts the lanes. Each ends when its connection does.
fn load(
    gateway: &Gateway,
    ledger: &mut Ledger,
    generation: u32,
    rng: &mut Rng,
    number: &mut u64,
) -> Vec<thread::JoinHandle<Ledger>> {
    (0..LANES)
        .map(|lane| {
            let client = gateway.connect(&Hello::new(Wire::V3));
            let mut own = Ledger::new();
            for nth in 0..SESSIONS {
                let key = format!("agent:main:g{generation}-l{lane}-s{nth}");
                own.insert(key.clone(), ledger.remove(&key).unwrap_or_default());
            }
            // Room for the numbers of this lane's messages.
            *number += 1_000_000;
            let mut lane =
                Lane { client, rng: Rng::new(rng.any()), own, waiting: Vec::new(), number: *number, from: 0 };
            thread::spawn(move || {
                while lane.step() {}
                lane.own
            })
        })
        .collect()
}

/// A request whose response has not come.
struct Waiting {
    id: String,
    session: String,
    what: What,
}

enum What {
    Message(String),
    Label(String),
}

struct Lane {
    client: Client,
    rng: Rng,
    own: Ledger,
    waiting: Vec<Waiting>,
    number: u64,
    /// Frames before this are settled.
    from: usize,
}

impl Lane {
    /// One thing after another; `false` when the gateway is gone.
    fn step(&mut self) -> bool {
        if self.waiting.len() < OUTSTANDING_MAX {
            let nth = usize::try_from(self.rng.below(SESSIONS)).unwrap();
            let session = self.own.keys().nth(nth).unwrap().clone();
            match self.rng.below(10) {
                0..=6 => self.message(session),
                7..=8 => self.label(session),
                _ => self.idle(),
            }
        } else {
            let before = self.waiting.len();
            let (from, ids): (usize, Vec<String>) =
                (self.from, self.waiting.iter().map(|waiting| waiting.id.clone()).collect());
            let some =
                |frame: &Value| frame["type"] == "res" && ids.iter().any(|id| frame["id"] == id.as_str());
            let came = self.client.wait_within(PATIENCE, from, some).is_some();
            self.settle();
            assert!(
                came || self.waiting.len() < before || self.client.closed_within(PATIENCE).is_some(),
                "no answer"
            );
        }
        self.settle();
        self.client.closed_within(Duration::ZERO).is_none()
    }

    fn message(&mut self, session: String) {
        self.number += 1;
        // Some answers take a moment, so that a kill finds runs under way and messages behind them.
        let wait = if self.rng.one_in(3) { format!("WAIT {} ", self.rng.below(80)) } else { String::new() };
        let (key, text) = (format!("kill-{}", self.number), format!("{wait}#{}#", self.number));
        let params = json!({"sessionKey": session, "message": text, "idempotencyKey": key});
        let id = self.client.send("chat.send", params);
        self.own.get_mut(&session).unwrap().sent.push(Sent { key: key.clone(), text, fate: Fate::Unknown });
        self.waiting.push(Waiting { id, session, what: What::Message(key) });
    }

    fn label(&mut self, session: String) {
        self.number += 1;
        let label = format!("label {}", self.number);
        let id = self.client.send("sessions.patch", json!({"key": session, "label": label}));
        self.own.get_mut(&session).unwrap().pending.push(label.clone());
        self.waiting.push(Waiting { id, session, what: What::Label(label) });
    }

    fn idle(&mut self) {
        let pause = Duration::from_millis(1 + self.rng.below(20));
        self.client.read_for(pause);
    }

    /// Takes down what was acknowledged.
    fn settle(&mut self) {
        self.client.closed_within(Duration::from_micros(1));
        for frame in &self.client.frames[self.from..] {
            if frame["type"] != "res" {
                continue;
            }
            let Some(at) = self.waiting.iter().position(|waiting| frame["id"] == waiting.id.as_str()) else {
                continue;
            };
            let waiting = self.waiting.swap_remove(at);
            let known = self.own.get_mut(&waiting.session).unwrap();
            match waiting.what {
                What::Message(key) => {
                    let sent = known.sent.iter_mut().rev().find(|sent| sent.key == key).unwrap();
                    sent.fate = if frame["ok"] == true { Fate::Acknowledged } else { Fate::Refused };
                }
                What::Label(label) if frame["ok"] == true => {
                    // Answers to one session's requests come in their order.
                    let at = known.pending.iter().position(|pending| *pending == label).unwrap();
                    known.pending.drain(..=at);
                    known.label = Some(label);
                }
                What::Label(label) => known.pending.retain(|pending| *pending != label),
            }
        }
        self.from = self.client.frames.len();
    }
}

/// What a transcript shows.
#[derive(Debug, Default)]
struct Shown {
    /// How often each number was said by the user, and by the model.
    said: BTreeMap<String, (u32, u32)>,
    /// Notes of interrupted answers.
    notes: u32,
    users: u32,
    replies: u32,
}

fn shown(client: &mut Client, session: &str) -> Shown {
    let history = client.ok("chat.history", json!({"sessionKey": session, "limit": 1000}));
    let mut shown = Shown::default();
    for message in history["messages"].as_array().unwrap() {
        let text = message["content"][0]["text"].as_str().unwrap_or_default();
        let number = text.split('#').nth(1);
        if message["role"] == "user" {
            shown.users += 1;
            shown.said.entry(number.unwrap_or(text).to_owned()).or_default().0 += 1;
        } else if message["model"] == "gateway-injected" {
            shown.notes += 1;
        } else {
            shown.replies += 1;
            shown.said.entry(number.unwrap_or(text).to_owned()).or_default().1 += 1;
        }
    }
    shown
}

/// Compares what is there with what was acknowledged.
fn check(gateway: &Gateway, ledger: &Ledger) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let deadline = Instant::now() + SETTLE;
    let list = client.ok("sessions.list", json!({}));
    let labels: BTreeMap<&str, &str> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["key"].as_str().unwrap(), row["label"].as_str().unwrap_or_default()))
        .collect();
    for (session, known) in ledger {
        check_label(known, labels.get(&**session).copied())
            .map_err(|finding| format!("{session}: {finding}"))?;
        tally.patches += u64::from(known.label.is_some());
        let seen = loop {
            // A queued message comes into the transcript when its run begins.
            let seen = shown(&mut client, session);
            let finding = if seen.users == seen.replies + seen.notes {
                check_messages(known, &seen).err()
            } else {
                Some(format!("{} messages, {} answers, {} notes", seen.users, seen.replies, seen.notes))
            };
            let Some(finding) = finding else { break seen };
            if Instant::now() > deadline || seen.users < seen.replies + seen.notes {
                return Err(format!("{session}: {finding}: {seen:?}"));
            }
            client.read_for(Duration::from_millis(20));
        };
        tally.interrupted += u64::from(seen.notes);
        tally.answered += u64::from(seen.replies);
        for sent in &known.sent {
            *(if sent.fate == Fate::Acknowledged {
                &mut tally.acknowledged
            } else {
                &mut tally.unacknowledged
            }) += 1;
        }
        repeat(&mut client, session, known)?;
        let after = shown(&mut client, session);
        if after.users != seen.users {
            return Err(format!("{session}: a repeated message was taken again"));
        }
    }
    Ok(tally)
}

fn check_label(known: &Known, label: Option<&str>) -> Result<(), String> {
    let Some(acknowledged) = &known.label else { return Ok(()) };
    match label {
        Some(label) if label == acknowledged || known.pending.iter().any(|pending| pending == label) => {
            Ok(())
        }
        other => Err(format!(
            "label {acknowledged:?} was acknowledged, {other:?} is there; sent later: {:?}",
            known.pending
        )),
    }
}

fn check_messages(known: &Known, seen: &Shown) -> Result<(), String> {
    for sent in &known.sent {
        let number = sent.text.split('#').nth(1).unwrap();
        let (users, replies) = seen.said.get(number).copied().unwrap_or_default();
        let fine = match sent.fate {
            Fate::Acknowledged => users == 1,
            Fate::Unknown => users <= 1,
            Fate::Refused => users == 0,
        };
        if !fine || replies > users {
            return Err(format!(
                "{:?}, {:?}, is there {users} times with {replies} answers",
                sent.text, sent.fate
            ));
        }
    }
    Ok(())
}

/// The newest acknowledged message once more, as a client that lost its connection sends it.
fn repeat(client: &mut Client, session: &str, known: &Known) -> Result<(), String> {
    let Some(sent) = known.sent.iter().rev().find(|sent| sent.fate == Fate::Acknowledged) else {
        return Ok(());
    };
    let params = json!({"sessionKey": session, "message": sent.text, "idempotencyKey": sent.key});
    let answer = client.call("chat.send", params);
    if answer["payload"]["status"] == "started" {
        return Err(format!("{session}: {:?} was run again with the same key", sent.text));
    }
    Ok(())
}

//! What the kill suite does: loads a gateway, kills it, starts it again on the same state, and compares what is there
//! with what was acknowledged.
//!
//! Sessions run in queue mode `followup`, so every accepted message has one run. Each message carries a number of its own;
//! the model echoes it. After a kill the newest acknowledged message is sent again with its key, and one more message
//! behind it: once that one has its answer the queue is empty. Then, for every session:
//!
//! - each acknowledged message is in the transcript once, also the repeated one; each unacknowledged one at most once;
//! - they stand in the order they were sent in;
//! - each has one answer, or the note that a restart cut its answer off, never both and never two;
//! - the label is the one acknowledged last, or one that was sent after it.
//!
//! A killed process leaves what it wrote to the kernel, so this finds what was acknowledged before it was written, or
//! told twice; what a power cut loses when a sync is missing is tested beside the store.

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
/// Room for the numbers of a lane's messages and labels. Numbers only grow, so that order can be checked.
const NUMBERS_PER_LANE: u64 = 1_000_000;
/// How long the queues may take to empty after a start.
const SETTLE: Duration = Duration::from_secs(60);

/// One message as its sender knows it.
#[derive(Debug, Clone)]
struct Sent {
    number: u64,
    key: String,
    text: String,
    fate: Fate,
}

impl Sent {
    fn new(number: u64, word: String) -> Sent {
        Sent { number, key: format!("kill-{number}"), text: format!("{word}#{number}#"), fate: Fate::Unknown }
    }
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
        let found =
            check(&gateway, &mut ledger, &mut number).map_err(|finding| report(kill, &finding, &gateway))?;
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
    tally += check(&gateway, &mut ledger, &mut number)
        .map_err(|finding| report(plan.kills, &finding, &gateway))?;
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
            *number += NUMBERS_PER_LANE;
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
    Message(u64),
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
        let sent = Sent::new(self.number, wait);
        let params = json!({"sessionKey": session, "message": sent.text, "idempotencyKey": sent.key});
        let id = self.client.send("chat.send", params);
        self.own.get_mut(&session).unwrap().sent.push(sent);
        self.waiting.push(Waiting { id, session, what: What::Message(self.number) });
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
                What::Message(number) => {
                    let sent = known.sent.iter_mut().rev().find(|sent| sent.number == number).unwrap();
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
    said: BTreeMap<u64, (u32, u32)>,
    /// The user's numbers in the transcript's order.
    order: Vec<u64>,
    /// Notes of interrupted answers.
    notes: u32,
    users: u32,
    replies: u32,
}

fn shown(client: &mut Client, session: &str) -> Result<Shown, String> {
    let history = client.ok("chat.history", json!({"sessionKey": session, "limit": 1000}));
    let mut shown = Shown::default();
    for message in history["messages"].as_array().unwrap() {
        let text = message["content"][0]["text"].as_str().unwrap_or_default();
        if message["model"] == "gateway-injected" {
            shown.notes += 1;
            continue;
        }
        let number = text.split('#').nth(1).and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| format!("{session}: nobody sent {message}"))?;
        let (said, answered) = shown.said.entry(number).or_default();
        if message["role"] == "user" {
            shown.users += 1;
            *said += 1;
            shown.order.push(number);
        } else {
            shown.replies += 1;
            *answered += 1;
        }
    }
    Ok(shown)
}

/// Compares what is there with what was acknowledged.
fn check(gateway: &Gateway, ledger: &mut Ledger, number: &mut u64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let list = client.ok("sessions.list", json!({}));
    let labels: BTreeMap<&str, &str> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["key"].as_str().unwrap(), row["label"].as_str().unwrap_or_default()))
        .collect();
    for (session, known) in &mut *ledger {
        check_label(known, labels.get(&**session).copied())
            .map_err(|finding| format!("{session}: {finding}"))?;
        tally.patches += u64::from(known.label.is_some());
        repeat(&mut client, session, known)?;
    }
    let deadline = Instant::now() + SETTLE;
    // Above the numbers of the last lane.
    *number += NUMBERS_PER_LANE;
    for (session, known) in &mut *ledger {
        *number += 1;
        known.sent.push(last(&mut client, session, *number)?);
    }
    for (session, known) in ledger {
        let number = known.sent.last().unwrap().number;
        let seen = loop {
            // The `final` event of a queued message comes when it is queued, so the transcript is asked.
            let seen = shown(&mut client, session)?;
            if seen.said.get(&number).is_some_and(|(_, answered)| *answered > 0) {
                break seen;
            }
            if Instant::now() > deadline {
                return Err(format!("{session}: what waits in the queue does not run: {seen:?}"));
            }
            client.read_for(Duration::from_millis(20));
        };
        check_messages(known, &seen).map_err(|finding| format!("{session}: {finding}: {seen:?}"))?;
        tally.interrupted += u64::from(seen.notes);
        tally.answered += u64::from(seen.replies);
        for sent in &known.sent {
            *(if sent.fate == Fate::Acknowledged {
                &mut tally.acknowledged
            } else {
                &mut tally.unacknowledged
            }) += 1;
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
        let (said, answered) = seen.said.get(&sent.number).copied().unwrap_or_default();
        let fine = match sent.fate {
            Fate::Acknowledged => said == 1,
            Fate::Unknown => said <= 1,
            Fate::Refused => said == 0,
        };
        if !fine || answered > said {
            return Err(format!(
                "{:?}, {:?}, is there {said} times with {answered} answers",
                sent.text, sent.fate
            ));
        }
    }
    if seen.said.keys().any(|number| known.sent.iter().all(|sent| sent.number != *number)) {
        return Err("messages that were never sent".to_owned());
    }
    if !seen.order.is_sorted() {
        return Err("messages ran in another order than they were sent".to_owned());
    }
    if seen.users != seen.replies + seen.notes {
        return Err(format!("{} messages, {} answers, {} notes", seen.users, seen.replies, seen.notes));
    }
    Ok(())
}

/// The newest acknowledged message once more, as a client that lost its connection sends it. A second run of it would
/// stand in the transcript.
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

/// A message behind everything that waits: when its run has ended, all of the queue has run.
fn last(client: &mut Client, session: &str, number: u64) -> Result<Sent, String> {
    let sent = Sent::new(number, String::new());
    let params = json!({"sessionKey": session, "message": sent.text, "idempotencyKey": sent.key});
    let deadline = Instant::now() + SETTLE;
    loop {
        let answer = client.call("chat.send", params.clone());
        if answer["ok"] == true {
            return Ok(Sent { fate: Fate::Acknowledged, ..sent });
        }
        // The queue may be full of what ran before the kill.
        if answer["error"]["retryable"] != true || Instant::now() > deadline {
            return Err(format!("{session}: refused after the restart: {answer}"));
        }
        client.read_for(Duration::from_millis(20));
    }
}

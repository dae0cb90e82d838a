//! Requests and answers: closed-loop, pipelined, at a fixed rate, and of several kinds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use super::engine::{Engine, Load, Next};
use super::meter::{Held, Reading};
use super::report::{Outcome, latencies};
use super::wire::{Expected, Kind, NUMBER, Request};
use super::{PATIENCE, Server, WARM_UP, first_number};

/// One kind of request.
pub(crate) struct Class {
    name: &'static str,
    /// How many of `shares` in all.
    share: u32,
    /// Taken in turn, by the number of the connection.
    requests: Vec<Request>,
    expected: Expected,
    latency: Histogram<u64>,
}

impl Class {
    fn new(name: &'static str, share: u32, requests: Vec<Request>, keys: &'static [&'static str]) -> Class {
        Class { name, share, requests, expected: Expected::keys(keys), latency: latencies() }
    }

    /// `health`, which every gateway and peer answers.
    pub(crate) fn health() -> Class {
        let keys = &["ok", "ts", "agents", "defaultAgentId", "channels"];
        Class::new("health", 1, vec![Request::new("health", &json!({}))], keys)
    }

    /// The mix of a busy gateway, in percent; `health` makes up the rest.
    pub(crate) fn mixed(list: u32, history: u32, send: u32) -> Vec<Class> {
        let sessions = || (0..SESSIONS).map(|number| format!("agent:main:bench:{number}"));
        let history_of = |key| Request::new("chat.history", &json!({"sessionKey": key, "limit": 10}));
        let send_to = |key| {
            let key_of_turn = format!("load-{NUMBER}");
            let params = json!({"sessionKey": key, "message": "hello", "idempotencyKey": key_of_turn});
            Request::new("chat.send", &params)
        };
        let list_all = vec![Request::new("sessions.list", &json!({"limit": 20}))];
        vec![
            Class { share: 100 - list - history - send, ..Class::health() },
            Class::new("sessions.list", list, list_all, &["sessions", "count"]),
            Class::new("chat.history", history, sessions().map(history_of).collect(), &["messages"]),
            Class::new("chat.send", send, sessions().map(send_to).collect(), &["runId", "status"]),
        ]
    }
}

/// Sessions that mixed traffic is about.
const SESSIONS: usize = 64;

struct Waiting {
    number: u32,
    class: usize,
    since: Instant,
}

/// Requests on their way, and what came back.
pub(crate) struct Rpc {
    classes: Vec<Class>,
    shares: u32,
    lines: Vec<VecDeque<Waiting>>,
    /// Answers bring the next request.
    refill: bool,
    number: u32,
    dice: u32,
    pub(crate) answered: u64,
    errors: u64,
    reordered: u64,
    why: Option<String>,
}

impl Rpc {
    fn new(classes: Vec<Class>, refill: bool) -> Rpc {
        let shares = classes.iter().map(|class| class.share).sum();
        Rpc {
            classes,
            shares,
            lines: Vec::new(),
            refill,
            number: first_number(),
            dice: 1,
            answered: 0,
            errors: 0,
            reordered: 0,
            why: None,
        }
    }

    /// Forgets what was counted so far.
    fn reset(&mut self) {
        (self.answered, self.errors, self.reordered, self.why) = (0, 0, 0, None);
        self.classes.iter_mut().for_each(|class| class.latency.reset());
    }

    fn class(&mut self) -> usize {
        if self.classes.len() == 1 {
            return 0;
        }
        // The order of kinds is the same in every run.
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut rest = (self.dice >> 8) % self.shares;
        let found = self.classes.iter().position(|class| match rest.checked_sub(class.share) {
            Some(left) => {
                rest = left;
                false
            }
            None => true,
        });
        found.unwrap_or(0)
    }

    fn ask(&mut self, at: usize, since: Instant, out: &mut Vec<u8>) {
        let class = self.class();
        self.number = (self.number + 1) % 100_000_000;
        let requests = &self.classes[class].requests;
        requests[at % requests.len()].append(self.number, out);
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, VecDeque::new);
        }
        self.lines[at].push_back(Waiting { number: self.number, class, since });
    }

    fn wrong(&mut self, text: &[u8]) {
        self.errors += 1;
        self.why.get_or_insert_with(|| shown(text));
    }

    fn waiting(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    fn outcome(&self, mut outcome: Outcome) -> Result<Outcome, String> {
        if self.answered == 0 {
            return Err(format!(
                "{}: no good answer; {}",
                outcome.mode,
                self.why.as_deref().unwrap_or("none at all")
            ));
        }
        for class in &self.classes {
            outcome = outcome.latency(class.name, &class.latency);
        }
        (outcome.errors, outcome.reordered) = (self.errors, self.reordered);
        if let Some(why) = &self.why {
            outcome.remarks.push(format!("the first error: {why}"));
        }
        Ok(outcome)
    }
}

/// Both ends of a frame that is wrong.
fn shown(text: &[u8]) -> String {
    let words = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    match (text.first_chunk::<200>(), text.last_chunk::<200>()) {
        (Some(first), Some(last)) if text.len() > 400 => format!("{} … {}", words(first), words(last)),
        _ => words(text),
    }
}

impl Load for Rpc {
    fn opened(&mut self, _at: usize, _took: Duration, _out: &mut Vec<u8>) -> Next {
        Next::Keep
    }

    fn frame(&mut self, at: usize, text: &[u8], now: Instant, out: &mut Vec<u8>) -> Next {
        let (number, payload) = match Kind::of(text) {
            Kind::Answer(number, payload) => (number, payload),
            Kind::Event => return Next::Keep,
            Kind::Other => {
                // Some request was refused; whichever, one less is on its way.
                self.wrong(text);
                if let Some(line) = self.lines.get_mut(at) {
                    line.pop_front();
                }
                if self.refill {
                    self.ask(at, now, out);
                }
                return Next::Keep;
            }
        };
        let line = self.lines.get_mut(at);
        let place = line.as_ref().and_then(|line| line.iter().position(|waiting| waiting.number == number));
        let Some(waiting) = place.and_then(|place| line?.remove(place)) else {
            self.wrong(text);
            return Next::Keep;
        };
        self.reordered += u64::from(place != Some(0));
        let class = &mut self.classes[waiting.class];
        if class.expected.is_met(payload) {
            self.answered += 1;
            class.latency.saturating_record(now.saturating_duration_since(waiting.since).as_nanos() as u64);
        } else {
            self.wrong(text);
        }
        if self.refill {
            self.ask(at, now, out);
        }
        Next::Keep
    }

    fn lost(&mut self, _at: usize, why: String) {
        self.wrong(why.as_bytes());
    }
}

/// `depth` requests in flight on each of `connections`: an answer brings the next request.
pub(crate) fn closed(
    mode: &str,
    server: &Server,
    classes: Vec<Class>,
    connections: usize,
    depth: usize,
    seconds: f64,
) -> Result<Outcome, String> {
    let mut rpc = Rpc::new(classes, true);
    let mut engine = Engine::new(server.port, vec![server.hello()]);
    engine.fill(connections, &mut rpc, PATIENCE)?;
    let now = Instant::now();
    for at in 0..connections {
        engine.send(at, |out| (0..depth).for_each(|_| rpc.ask(at, now, out)));
    }
    run(&mut engine, &mut rpc, WARM_UP)?;
    rpc.reset();
    let tree = server.tree();
    let before = Reading::take(tree.as_ref());
    run(&mut engine, &mut rpc, Duration::from_secs_f64(seconds))?;
    let spent = before.until_now(tree.as_ref());
    let held = tree.as_ref().map(Held::by);
    rpc.outcome(Outcome::new(mode, &server.name, connections, rpc.answered, spent).holding(held))
}

fn run(engine: &mut Engine, rpc: &mut Rpc, time: Duration) -> Result<(), String> {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        engine.turn(rpc, Duration::from_millis(10))?;
    }
    if engine.open() == 0 {
        return Err(rpc.why.take().unwrap_or_else(|| "every connection was lost".to_owned()));
    }
    Ok(())
}

/// Shares of sends that may leave late, and how late that is: beyond it the generator was not keeping its schedule, and
/// what it measured is its own trouble.
const LATE_SHARE_MAX: f64 = 0.10;
const LATE: Duration = Duration::from_millis(1);
/// Of its requests it must have sent, and the server answered, so many.
const DONE_SHARE_MIN: f64 = 0.98;

/// `rate` requests a second over all of `connections`, whatever comes back. Latency counts from when a request was to be
/// sent.
///
/// # Errors
/// When this program fell behind its schedule, or the server did: then no latency means anything.
pub(crate) fn open(
    mode: &str,
    server: &Server,
    connections: usize,
    rate: f64,
    seconds: f64,
) -> Result<Outcome, String> {
    let mut rpc = Rpc::new(vec![Class::health()], false);
    let mut engine = Engine::new(server.port, vec![server.hello()]);
    engine.fill(connections, &mut rpc, PATIENCE)?;
    let mut lag = latencies();
    pace(&mut engine, &mut rpc, connections, rate, WARM_UP, &mut lag)?;
    rpc.reset();
    lag.reset();
    let tree = server.tree();
    let before = Reading::take(tree.as_ref());
    let sent = pace(&mut engine, &mut rpc, connections, rate, Duration::from_secs_f64(seconds), &mut lag)?;
    let spent = before.until_now(tree.as_ref());
    let held = tree.as_ref().map(Held::by);
    let waiting = rpc.waiting();
    let mut outcome = Outcome::new(mode, &server.name, connections, rpc.answered, spent).holding(held);
    let late = 1.0 - lag.quantile_below(LATE.as_nanos() as u64);
    if sent as f64 / (rate * seconds) < DONE_SHARE_MIN || late > LATE_SHARE_MAX {
        return Err(format!(
            "{mode}: the generator was saturated: it sent {sent} of {:.0} requests, {:.1} % of them later than {LATE:?} \
             (its CPU share was {:.0} %)",
            rate * seconds,
            late * 100.0,
            outcome.own_cpu_share * 100.0
        ));
    }
    if (rpc.answered as f64) < sent as f64 * DONE_SHARE_MIN {
        return Err(format!(
            "{mode}: the server is saturated at {rate:.0}/s: {} of {sent} requests answered, {waiting} waiting",
            rpc.answered
        ));
    }
    outcome
        .remarks
        .push(format!("{rate:.0} requests a second; {:.2} % left more than {LATE:?} late", late * 100.0));
    rpc.outcome(outcome.latency("send lag", &lag))
}

fn pace(
    engine: &mut Engine,
    rpc: &mut Rpc,
    connections: usize,
    rate: f64,
    time: Duration,
    lag: &mut Histogram<u64>,
) -> Result<u64, String> {
    let start = Instant::now();
    let due = |sent: u64| start + Duration::from_secs_f64(sent as f64 / rate);
    let mut sent = 0;
    loop {
        let now = Instant::now();
        if now >= start + time {
            return Ok(sent);
        }
        // What is due leaves now; answers are looked at in between, also when this is late.
        let mut batch = 0;
        while due(sent) <= now && batch < 256 {
            lag.saturating_record((now - due(sent)).as_nanos() as u64);
            let at = sent as usize % connections;
            engine.send(at, |out| rpc.ask(at, due(sent), out));
            (sent, batch) = (sent + 1, batch + 1);
        }
        let wait = due(sent).saturating_duration_since(Instant::now()).min(Duration::from_millis(10));
        engine.turn_exactly(rpc, wait)?;
    }
}

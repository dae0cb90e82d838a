//! One event to everybody: a client injects words into a session, which every connection is told of.
//!
//! The next is published when the last has arrived everywhere, so nothing queues and every delivery is waited for.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use super::engine::{Engine, Load, Next};
use super::meter::{Held, Reading};
use super::report::{Outcome, latencies};
use super::wire::{Kind, NUMBER, Request, digits};
use super::{PATIENCE, Server, WARM_UP};

/// Before the number in the text of an event.
const MARK: &[u8] = b"fan-out ";
/// How the events begin that count.
const CHAT: &[u8] = b"{\"type\":\"event\",\"event\":\"chat\",";
/// The session that is talked of.
const SESSION: &str = "agent:main:bench";

struct Fanout {
    request: Request,
    number: u32,
    since: Instant,
    digits: [u8; 8],
    /// Where the number stood in the last event.
    place: usize,
    /// Which event each connection got last.
    got: Vec<u32>,
    missing: usize,
    answered: bool,
    delivered: u64,
    published: u64,
    wrong: u64,
    why: Option<String>,
    each: Histogram<u64>,
    all: Histogram<u64>,
}

impl Fanout {
    fn publish(&mut self, out: &mut Vec<u8>) {
        self.number += 1;
        self.digits = digits(self.number);
        (self.missing, self.answered) = (self.got.len(), false);
        self.since = Instant::now();
        self.request.append(self.number, out);
    }

    /// Whether an event is the one that was published last; a `chat` event of something else is none of ours.
    fn is_ours(&mut self, text: &[u8]) -> bool {
        if text.get(self.place..self.place + 8) == Some(&self.digits) && self.place > 0 {
            return true;
        }
        match text.windows(MARK.len()).position(|window| window == MARK) {
            Some(at) if text[at + MARK.len()..].starts_with(&self.digits) => {
                self.place = at + MARK.len();
                true
            }
            _ => false,
        }
    }
}

impl Load for Fanout {
    fn opened(&mut self, _: usize, _: Duration, _: &mut Vec<u8>) -> Next {
        Next::Keep
    }

    fn frame(&mut self, at: usize, text: &[u8], now: Instant, _: &mut Vec<u8>) -> Next {
        match Kind::of(text) {
            Kind::Answer(number, _) if number == self.number => self.answered = true,
            Kind::Event if text.starts_with(CHAT) && self.is_ours(text) => {
                if self.got[at] == self.number {
                    self.wrong += 1;
                    self.why.get_or_insert_with(|| "an event came twice".to_owned());
                } else {
                    self.got[at] = self.number;
                    self.missing -= 1;
                    self.delivered += 1;
                    self.each.saturating_record((now - self.since).as_nanos() as u64);
                }
            }
            Kind::Event => {}
            _ => {
                self.wrong += 1;
                let shown = &text[..text.len().min(300)];
                self.why.get_or_insert_with(|| String::from_utf8_lossy(shown).into_owned());
            }
        }
        Next::Keep
    }

    fn lost(&mut self, _: usize, why: String) {
        self.wrong += 1;
        self.why.get_or_insert(why);
    }
}

/// Publishes to `subscribers` for so long. Operations are deliveries.
pub(crate) fn fanout(
    mode: &str,
    server: &Server,
    subscribers: usize,
    seconds: f64,
) -> Result<Outcome, String> {
    let text = format!("fan-out {NUMBER} of one event to everybody who listens to this gateway");
    let mut fanout = Fanout {
        request: Request::new("chat.inject", &json!({"sessionKey": SESSION, "message": text})),
        number: 0,
        since: Instant::now(),
        digits: [0; 8],
        place: 0,
        got: vec![0; subscribers],
        missing: 0,
        answered: false,
        delivered: 0,
        published: 0,
        wrong: 0,
        why: None,
        each: latencies(),
        all: latencies(),
    };
    let mut engine = Engine::new(server.port, vec![server.hello()]);
    engine.fill(1, &mut fanout, PATIENCE)?;
    server.make_session(&mut engine, SESSION)?;
    engine.fill(subscribers, &mut fanout, PATIENCE)?;
    run(&mut engine, &mut fanout, WARM_UP)?;
    (fanout.delivered, fanout.published, fanout.wrong, fanout.why) = (0, 0, 0, None);
    fanout.each.reset();
    fanout.all.reset();
    let tree = server.tree();
    let before = Reading::take(tree.as_ref());
    run(&mut engine, &mut fanout, Duration::from_secs_f64(seconds))?;
    let spent = before.until_now(tree.as_ref());
    let held = tree.as_ref().map(Held::by);
    let mut outcome = Outcome::new(mode, &server.name, subscribers, fanout.delivered, spent).holding(held);
    outcome.errors = fanout.wrong;
    outcome.remarks.push(format!("{} events published", fanout.published));
    outcome.remarks.extend(fanout.why.map(|why| format!("the first error: {why}")));
    Ok(outcome.latency("delivery", &fanout.each).latency("everybody", &fanout.all))
}

/// How long one event may take to arrive everywhere.
const ARRIVAL: Duration = Duration::from_secs(20);

fn run(engine: &mut Engine, fanout: &mut Fanout, time: Duration) -> Result<(), String> {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        engine.send(0, |out| fanout.publish(out));
        while fanout.missing > 0 || !fanout.answered {
            engine.turn(fanout, Duration::from_millis(20))?;
            if fanout.since.elapsed() > ARRIVAL {
                return Err(format!(
                    "an event is missing at {} of {} connections after {ARRIVAL:?}; {}",
                    fanout.missing,
                    fanout.got.len(),
                    fanout.why.as_deref().unwrap_or("no errors")
                ));
            }
        }
        fanout.published += 1;
        fanout.all.saturating_record(fanout.since.elapsed().as_nanos() as u64);
    }
    Ok(())
}

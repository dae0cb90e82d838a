//! A turn of conversation: `chat.send`, its acknowledgement, the first words of the answer, its end.
//!
//! Each connection has a session of its own and asked to hear of that one only; the answer comes from the gateway's
//! embedded model, which answers at once, so what is measured is the gateway.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use super::engine::{Engine, Load, Next};
use super::meter::{Held, Reading};
use super::report::{Outcome, latencies};
use super::wire::{Kind, NUMBER, Request, digits};
use super::{PATIENCE, Server, WARM_UP, first_number};

const CHAT: &[u8] = b"{\"type\":\"event\",\"event\":\"chat\",";
/// Numbers from here on are subscriptions, whose answers start the talk.
const SUBSCRIPTIONS: u32 = 90_000_000;
const REFUSED: &[u8] = b"{\"type\":\"res\",\"id\":\"9";

struct Turn {
    number: u32,
    since: Instant,
    begun: bool,
}

struct Talk {
    requests: Vec<Request>,
    subscribe: Vec<Request>,
    turns: Vec<Option<Turn>>,
    number: u32,
    ended: u64,
    wrong: u64,
    why: Option<String>,
    acknowledged: Histogram<u64>,
    first: Histogram<u64>,
    last: Histogram<u64>,
}

impl Talk {
    fn say(&mut self, at: usize, out: &mut Vec<u8>) {
        self.number = (self.number + 1) % SUBSCRIPTIONS;
        self.requests[at].append(self.number, out);
        self.turns[at] = Some(Turn { number: self.number, since: Instant::now(), begun: false });
    }

    fn wrong(&mut self, text: &[u8]) {
        self.wrong += 1;
        let shown = &text[..text.len().min(300)];
        self.why.get_or_insert_with(|| String::from_utf8_lossy(shown).into_owned());
    }
}

fn has(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

impl Load for Talk {
    fn opened(&mut self, at: usize, _: Duration, out: &mut Vec<u8>) -> Next {
        self.subscribe[at].append(SUBSCRIPTIONS + at as u32, out);
        Next::Keep
    }

    fn frame(&mut self, at: usize, text: &[u8], now: Instant, out: &mut Vec<u8>) -> Next {
        match (Kind::of(text), &mut self.turns[at]) {
            (Kind::Answer(SUBSCRIPTIONS.., _), _) => self.say(at, out),
            (Kind::Answer(number, _), Some(turn)) if number == turn.number => {
                self.acknowledged.saturating_record((now - turn.since).as_nanos() as u64);
            }
            (Kind::Event, Some(turn)) if text.starts_with(CHAT) && has(text, &digits(turn.number)) => {
                let since = (now - turn.since).as_nanos() as u64;
                if has(text, b"\"state\":\"delta\"") && !std::mem::replace(&mut turn.begun, true) {
                    self.first.saturating_record(since);
                } else if has(text, b"\"state\":\"final\"") {
                    self.last.saturating_record(since);
                    // The embedded model's answer, or that of the model that OpenClaw was given.
                    if has(text, b"You said: hello") || has(text, b"pong") {
                        self.ended += 1;
                    } else {
                        self.wrong(text);
                    }
                    self.say(at, out);
                } else if has(text, b"\"state\":\"error\"") {
                    self.wrong(text);
                    self.say(at, out);
                }
            }
            (Kind::Event, _) => {}
            // 2026.2 knows no such subscription and tells everybody.
            (Kind::Other, None) if text.starts_with(REFUSED) => self.say(at, out),
            _ => self.wrong(text),
        }
        Next::Keep
    }

    fn lost(&mut self, _: usize, why: String) {
        self.wrong(why.as_bytes());
    }
}

/// Conversations on `connections` for so long. Operations are turns.
pub(crate) fn chat(mode: &str, server: &Server, connections: usize, seconds: f64) -> Result<Outcome, String> {
    let session = |at| format!("agent:main:bench:chat-{at}");
    let say = |at| {
        let key_of_turn = format!("turn-{NUMBER}");
        let params = json!({"sessionKey": session(at), "message": "hello", "idempotencyKey": key_of_turn});
        Request::new("chat.send", &params)
    };
    let listen = |at| Request::new("sessions.messages.subscribe", &json!({"key": session(at)}));
    let mut talk = Talk {
        requests: (0..connections).map(say).collect(),
        subscribe: (0..connections).map(listen).collect(),
        turns: (0..connections).map(|_| None).collect(),
        number: first_number(),
        ended: 0,
        wrong: 0,
        why: None,
        acknowledged: latencies(),
        first: latencies(),
        last: latencies(),
    };
    let mut engine = Engine::new(server.port, vec![server.hello().caps(&["session-scoped-events"])]);
    engine.fill(connections, &mut talk, PATIENCE)?;
    run(&mut engine, &mut talk, WARM_UP)?;
    (talk.ended, talk.wrong, talk.why) = (0, 0, None);
    for latency in [&mut talk.acknowledged, &mut talk.first, &mut talk.last] {
        latency.reset();
    }
    let tree = server.tree();
    let before = Reading::take(tree.as_ref());
    run(&mut engine, &mut talk, Duration::from_secs_f64(seconds))?;
    let spent = before.until_now(tree.as_ref());
    let held = tree.as_ref().map(Held::by);
    if talk.ended == 0 {
        return Err(format!("{mode}: no turn ended; {}", talk.why.as_deref().unwrap_or("no errors")));
    }
    let mut outcome = Outcome::new(mode, &server.name, connections, talk.ended, spent).holding(held);
    outcome.errors = talk.wrong;
    outcome.remarks.extend(talk.why.map(|why| format!("the first error: {why}")));
    let outcome = outcome.latency("acknowledged", &talk.acknowledged);
    Ok(outcome.latency("first delta", &talk.first).latency("final", &talk.last))
}

fn run(engine: &mut Engine, talk: &mut Talk, time: Duration) -> Result<(), String> {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        engine.turn(talk, Duration::from_millis(10))?;
    }
    Ok(())
}

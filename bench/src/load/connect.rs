//! Connections that come and go: TCP, upgrade, challenge, `connect`, maybe some requests, and away.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use pincer_tests::Hello;
use serde_json::json;

use super::engine::{Engine, Load, Next};
use super::meter::{Held, Reading};
use super::report::{Outcome, latencies};
use super::wire::{Expected, Kind, Request};
use super::{PATIENCE, Server, WARM_UP};

struct Visits {
    /// Requests of one visit.
    requests: u32,
    request: Request,
    expected: Expected,
    /// Requests that each connection still has to make.
    left: Vec<u32>,
    number: u32,
    made: u64,
    wrong: u64,
    why: Option<String>,
    took: Histogram<u64>,
}

impl Visits {
    fn wrong(&mut self, text: &[u8]) {
        self.wrong += 1;
        let shown = &text[..text.len().min(300)];
        self.why.get_or_insert_with(|| String::from_utf8_lossy(shown).into_owned());
    }
}

impl Load for Visits {
    fn opened(&mut self, at: usize, took: Duration, out: &mut Vec<u8>) -> Next {
        self.took.saturating_record(took.as_nanos() as u64);
        if self.requests == 0 {
            self.made += 1;
            return Next::Close;
        }
        if self.left.len() <= at {
            self.left.resize(at + 1, 0);
        }
        self.left[at] = self.requests;
        self.number = (self.number + 1) % 100_000_000;
        self.request.append(self.number, out);
        Next::Keep
    }

    fn frame(&mut self, at: usize, text: &[u8], _: Instant, out: &mut Vec<u8>) -> Next {
        match Kind::of(text) {
            Kind::Answer(_, payload) if self.expected.is_met(payload) => {}
            Kind::Event => return Next::Keep,
            _ => {
                self.wrong(text);
                return Next::Close;
            }
        }
        self.left[at] -= 1;
        if self.left[at] == 0 {
            self.made += 1;
            return Next::Close;
        }
        self.number = (self.number + 1) % 100_000_000;
        self.request.append(self.number, out);
        Next::Keep
    }

    fn lost(&mut self, _at: usize, why: String) {
        self.wrong(why.as_bytes());
    }
}

/// As many visits as can be made, `concurrency` at once, each with `requests` requests, by clients that say `hellos`.
pub(crate) fn visits(
    mode: &str,
    server: &Server,
    hellos: Vec<Hello>,
    concurrency: usize,
    requests: u32,
    seconds: f64,
) -> Result<Outcome, String> {
    let mut visits = Visits {
        requests,
        request: Request::new("health", &json!({})),
        expected: Expected::keys(&["ok", "agents"]),
        left: Vec::new(),
        number: 0,
        made: 0,
        wrong: 0,
        why: None,
        took: latencies(),
    };
    let mut engine = Engine::new(server.port, hellos);
    // Devices that are new are paired meanwhile.
    run(&mut engine, &mut visits, concurrency, WARM_UP)?;
    (visits.made, visits.wrong, visits.why) = (0, 0, None);
    visits.took.reset();
    let tree = server.tree();
    let before = Reading::take(tree.as_ref());
    run(&mut engine, &mut visits, concurrency, Duration::from_secs_f64(seconds))?;
    let spent = before.until_now(tree.as_ref());
    let held = tree.as_ref().map(Held::by);
    if visits.made == 0 {
        return Err(format!("{mode}: no visit succeeded; {}", visits.why.as_deref().unwrap_or("none ended")));
    }
    let mut outcome = Outcome::new(mode, &server.name, concurrency, visits.made, spent).holding(held);
    outcome.errors = visits.wrong;
    outcome.remarks.extend(visits.why.map(|why| format!("the first error: {why}")));
    Ok(outcome.latency("connect", &visits.took))
}

fn run(engine: &mut Engine, visits: &mut Visits, concurrency: usize, time: Duration) -> Result<(), String> {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        while engine.open() + engine.opening() < concurrency {
            engine.begin()?;
        }
        engine.turn(visits, Duration::from_millis(10))?;
    }
    Ok(())
}

/// What connections cost that do nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle {
    /// Before they came.
    pub(crate) empty: Held,
    /// With all of them there.
    pub(crate) full: Held,
    /// CPU share of the server while nobody says anything, per cent of a core.
    pub(crate) cpu_percent: f64,
}

/// Ignores whatever comes.
pub(crate) struct Silent(pub(crate) Option<String>);

impl Load for Silent {
    fn opened(&mut self, _: usize, _: Duration, _: &mut Vec<u8>) -> Next {
        Next::Keep
    }

    fn frame(&mut self, _: usize, _: &[u8], _: Instant, _: &mut Vec<u8>) -> Next {
        Next::Keep
    }

    fn lost(&mut self, _: usize, why: String) {
        self.0.get_or_insert(why);
    }
}

/// Holds `connections` that read and say nothing. The server has had `quiet` to settle before each look.
pub(crate) fn idle(server: &Server, connections: usize, quiet: Duration) -> Result<Idle, String> {
    let tree = server.tree().ok_or("the server's process is not known")?;
    let empty = Held::by(&tree);
    let mut engine = Engine::new(server.port, vec![server.hello()]);
    let mut silent = Silent(None);
    engine.fill(connections, &mut silent, PATIENCE)?;
    let mut settle = |engine: &mut Engine| {
        let deadline = Instant::now() + quiet;
        while Instant::now() < deadline {
            engine.turn(&mut silent, Duration::from_millis(50))?;
        }
        Ok::<(), String>(())
    };
    settle(&mut engine)?;
    let before = Reading::take(Some(&tree));
    settle(&mut engine)?;
    let spent = before.until_now(Some(&tree));
    let full = Held::by(&tree);
    if engine.open() < connections {
        return Err(format!(
            "{} of {connections} connections were lost: {:?}",
            connections - engine.open(),
            silent.0
        ));
    }
    let share = spent.server.unwrap_or_default().as_secs_f64() / spent.wall.as_secs_f64();
    Ok(Idle { empty, full, cpu_percent: share * 100.0 })
}

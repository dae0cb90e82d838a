//! One server, started, measured in every way, ended.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crate::cores::Cores;
use crate::load::report::Outcome;
use crate::load::rpc::{self, Class};
use crate::load::{chat, connect, devices, fanout};
use crate::peers::{Peer, Program, Server, start};

/// A number that is compared. Less is better for all but the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    StartMillis,
    IdleRss,
    IdleBytes,
    ClosedMicros,
    ClosedRate,
    PipelinedMicros,
    PipelinedRate,
    OpenMicros,
    OpenP99,
    PacedMicros,
    HandshakeMicros,
    DeviceMicros,
    FanoutMicros,
    ChatMicros,
    ChatFirst,
}

impl Metric {
    /// All, as reports list them.
    pub(crate) const ALL: [Metric; 15] = [
        Metric::StartMillis,
        Metric::IdleRss,
        Metric::IdleBytes,
        Metric::ClosedMicros,
        Metric::ClosedRate,
        Metric::PipelinedMicros,
        Metric::PipelinedRate,
        Metric::OpenMicros,
        Metric::OpenP99,
        Metric::PacedMicros,
        Metric::HandshakeMicros,
        Metric::DeviceMicros,
        Metric::FanoutMicros,
        Metric::ChatMicros,
        Metric::ChatFirst,
    ];

    /// In records.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Metric::StartMillis => "startMillis",
            Metric::IdleRss => "idleRss",
            Metric::IdleBytes => "idleBytes",
            Metric::ClosedMicros => "closedMicros",
            Metric::ClosedRate => "closedRate",
            Metric::PipelinedMicros => "pipelinedMicros",
            Metric::PipelinedRate => "pipelinedRate",
            Metric::OpenMicros => "openMicros",
            Metric::OpenP99 => "openP99",
            Metric::PacedMicros => "pacedMicros",
            Metric::HandshakeMicros => "handshakeMicros",
            Metric::DeviceMicros => "deviceMicros",
            Metric::FanoutMicros => "fanoutMicros",
            Metric::ChatMicros => "chatMicros",
            Metric::ChatFirst => "chatFirst",
        }
    }

    /// In reports, with its unit.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Metric::StartMillis => "start to first hello-ok, ms",
            Metric::IdleRss => "RSS without clients, MiB",
            Metric::IdleBytes => "bytes per idle connection",
            Metric::ClosedMicros => "closed loop, CPU µs per request",
            Metric::ClosedRate => "closed loop, requests/s",
            Metric::PipelinedMicros => "pipelined, CPU µs per request",
            Metric::PipelinedRate => "pipelined, requests/s",
            Metric::OpenMicros => "open loop at 50 %, CPU µs per request",
            Metric::OpenP99 => "open loop at 50 %, p99 µs",
            Metric::PacedMicros => "paced, many connections, CPU µs per request",
            Metric::HandshakeMicros => "handshake with token, CPU µs",
            Metric::DeviceMicros => "handshake signed by a device, CPU µs",
            Metric::FanoutMicros => "fan-out, CPU µs per delivery",
            Metric::ChatMicros => "turn of chat, CPU µs",
            Metric::ChatFirst => "chat.send to first delta, p50 µs",
        }
    }

    /// Whether ratios of it mean something on a machine that is busy with other things: CPU time and memory, not speed.
    pub(crate) fn is_steady(self) -> bool {
        !matches!(
            self,
            Metric::StartMillis
                | Metric::ClosedRate
                | Metric::PipelinedRate
                // At half of each server's own rate, so not the same work.
                | Metric::OpenMicros
                | Metric::OpenP99
                | Metric::ChatFirst
        )
    }

    /// Whether more is better.
    pub(crate) fn is_rate(self) -> bool {
        matches!(self, Metric::ClosedRate | Metric::PipelinedRate)
    }

    /// As people read it.
    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            Metric::IdleRss => format!("{:.1}", value / f64::from(1 << 20)),
            Metric::StartMillis => format!("{value:.0}"),
            Metric::OpenMicros | Metric::PacedMicros | Metric::HandshakeMicros => format!("{value:.1}"),
            _ if value >= 100.0 => format!("{value:.0}"),
            _ => format!("{value:.2}"),
        }
    }
}

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    seconds: f64,
    quiet: Duration,
    connections: usize,
    depth: usize,
    idle: usize,
    subscribers: usize,
    /// Connections and requests a second, the same for all who can: below what any of them can do.
    paced: Option<(usize, f64)>,
    visitors: usize,
    chat_seconds: f64,
    /// How often a load with a schedule is tried on a machine that does not let this program keep it.
    tries: u32,
}

impl Plan {
    /// Of the fast servers.
    pub(crate) fn full(rounds: usize) -> Plan {
        Plan {
            rounds,
            seconds: 2.0,
            quiet: Duration::from_secs(1),
            connections: 64,
            depth: 16,
            idle: 5_000,
            subscribers: 500,
            paced: Some((1_000, 5_000.0)),
            chat_seconds: 2.0,
            visitors: 16,
            tries: 3,
        }
    }

    /// The same in a minute for three servers: less of everything, and nothing that needs a quiet machine.
    pub(crate) fn quick(rounds: usize) -> Plan {
        Plan {
            seconds: 0.6,
            quiet: Duration::from_millis(300),
            idle: 2_000,
            chat_seconds: 0.6,
            tries: 1,
            ..Plan::full(rounds)
        }
    }

    /// Of OpenClaw, which takes its time: once, and with fewer idle connections.
    pub(crate) fn upstream(peer: Peer) -> Plan {
        let full = Plan::full(1);
        Plan {
            seconds: 4.0,
            quiet: Duration::from_secs(3),
            idle: 500,
            // 2026.9 refuses many more in flight than this, all connections together, as too busy.
            depth: if peer == Peer::OpenclawV4 { 4 } else { full.depth },
            paced: None,
            chat_seconds: 15.0,
            ..full
        }
    }

    /// For the report.
    pub(crate) fn described(&self) -> String {
        let paced = match self.paced {
            Some((connections, rate)) => format!("paced {connections} connections at {rate}/s"),
            None => "not paced".to_owned(),
        };
        format!(
            "{} round{} of {} s a load; closed loop and open loop on {} connections, pipelined {} deep; idle {}; {}; fan-out to \
             {}; {} handshakes at once; {TALKERS} conversations of {} s",
            self.rounds,
            if self.rounds == 1 { "" } else { "s" },
            self.seconds,
            self.connections,
            self.depth,
            self.idle,
            paced,
            self.subscribers,
            self.visitors,
            self.chat_seconds
        )
    }
}

/// What one round found.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) values: BTreeMap<Metric, f64>,
    /// What could not be measured, and what to know about what was.
    pub(crate) remarks: Vec<String>,
}

impl Round {
    fn set(&mut self, metric: Metric, value: Option<f64>) {
        if let Some(value) = value {
            self.values.insert(metric, value);
        }
    }

    /// What was measured, unless it failed; a server that answers wrongly has no numbers.
    fn keep(&mut self, outcome: Result<Outcome, String>) -> Option<Outcome> {
        match outcome {
            Ok(outcome) if outcome.errors == 0 => {
                let busy =
                    outcome.remarks.iter().find(|remark| remark.starts_with("the generator was busier"));
                self.remarks.extend(busy.map(|remark| format!("{}: {remark}", outcome.mode)));
                if outcome.reordered > 0 {
                    let (reordered, all) = (outcome.reordered, outcome.operations);
                    self.remarks.push(format!("{}: {reordered} of {all} answers out of order", outcome.mode));
                }
                Some(outcome)
            }
            Ok(outcome) => {
                self.remarks.push(format!(
                    "{}: {} errors; {}",
                    outcome.mode,
                    outcome.errors,
                    outcome.remarks.join("; ")
                ));
                None
            }
            Err(why) => {
                self.remarks.push(why);
                None
            }
        }
    }
}

/// Conversations at once.
const TALKERS: usize = 2;

/// Starts `peer`, measures, ends it.
pub(crate) fn measure(peer: Peer, program: &Program, cores: &Cores, plan: &Plan) -> Result<Round, String> {
    if peer.is_upstream() {
        // Its first start on a machine compiles plugins, and holds a gigabyte afterwards; nobody lives with that one.
        drop(start(peer, program, cores)?);
    }
    let server = start(peer, program, cores)?;
    let mut round = Round::default();
    round.set(Metric::StartMillis, server.until_hello.map(|time| time.as_secs_f64() * 1e3));
    thread::sleep(plan.quiet * 2);

    // Memory first, before load has touched any of it.
    match connect::idle(&server, plan.idle, plan.quiet) {
        Ok(idle) => {
            round.set(Metric::IdleRss, Some(idle.empty.rss as f64));
            let grown = idle.full.rss.saturating_sub(idle.empty.rss) as f64;
            round.set(Metric::IdleBytes, Some(grown / plan.idle as f64));
        }
        Err(why) => round.remarks.push(format!("idle: {why}")),
    }

    let health = || vec![Class::health()];
    let closed = rpc::closed("closed loop", &server, health(), plan.connections, 1, plan.seconds);
    let closed = round.keep(closed);
    if let Some(outcome) = &closed {
        round.set(Metric::ClosedMicros, outcome.server_micros_per_operation);
        round.set(Metric::ClosedRate, Some(outcome.per_second));
    }
    let pipelined = rpc::closed("pipelined", &server, health(), plan.connections, plan.depth, plan.seconds);
    if let Some(outcome) = round.keep(pipelined) {
        round.set(Metric::PipelinedMicros, outcome.server_micros_per_operation);
        round.set(Metric::PipelinedRate, Some(outcome.per_second));
    }
    if let Some(closed) = &closed {
        let open = paced(&server, "open loop", plan.connections, closed.per_second / 2.0, plan);
        if let Some(outcome) = round.keep(open) {
            round.set(Metric::OpenMicros, outcome.server_micros_per_operation);
            round.set(Metric::OpenP99, outcome.percentile("health", "p99"));
        }
    }
    if let Some((connections, rate)) = plan.paced
        && let Some(outcome) = round.keep(paced(&server, "paced", connections, rate, plan))
    {
        round.set(Metric::PacedMicros, outcome.server_micros_per_operation);
    }
    let fanout = fanout::fanout("fan-out", &server, plan.subscribers, plan.seconds);
    if let Some(outcome) = round.keep(fanout) {
        round.set(Metric::FanoutMicros, outcome.server_micros_per_operation);
    }
    let visits = connect::visits("handshake", &server, vec![server.hello()], plan.visitors, 0, plan.seconds);
    if let Some(outcome) = round.keep(visits) {
        round.set(Metric::HandshakeMicros, outcome.server_micros_per_operation);
    }
    // The rest is work that only gateways do.
    if peer.backend().is_some() || peer.is_upstream() {
        let visits = connect::visits("device", &server, devices(&server), plan.visitors, 0, plan.seconds);
        if let Some(outcome) = round.keep(visits) {
            round.set(Metric::DeviceMicros, outcome.server_micros_per_operation);
        }
        if let Some(outcome) = round.keep(chat::chat("chat", &server, TALKERS, plan.chat_seconds)) {
            round.set(Metric::ChatMicros, outcome.server_micros_per_operation);
            round.set(Metric::ChatFirst, outcome.percentile("first delta", "p50"));
        }
    }
    Ok(round)
}

fn paced(server: &Server, mode: &str, connections: usize, rate: f64, plan: &Plan) -> Result<Outcome, String> {
    let mut last = Err(String::new());
    for _ in 0..plan.tries {
        last = rpc::open(mode, server, connections, rate, plan.seconds);
        if last.is_ok() {
            break;
        }
    }
    last
}

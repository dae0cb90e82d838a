//! The load generator: one thread that keeps a server busy, checks what it answers, and says what that cost both of them.
//!
//! Each mode is one function that takes a [`Server`] and returns an [`Outcome`]; the command line below and `compare` call
//! the same ones.

pub(crate) mod chat;
pub(crate) mod connect;
pub(crate) mod engine;
pub(crate) mod fanout;
pub(crate) mod meter;
pub(crate) mod report;
pub(crate) mod rpc;
pub(crate) mod wire;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use pincer_tests::{Hello, TOKEN, Wire};
use serde_json::{Value, json};

use crate::cores::Cores;
use crate::peers::{Peer, Server, fetch, start};
use crate::process::raise_files;
use engine::{Engine, Load, Next};
use report::Outcome;
use wire::Request;

/// How long connecting everybody may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Before each measurement the same load runs for so long.
const WARM_UP: Duration = Duration::from_millis(300);

/// Where the numbers of requests begin: elsewhere in every run, since they are keys of turns too, and a gateway remembers
/// those.
fn first_number() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_millis() % 80_000_000) as u32
}

/// Keeps a server busy in one of several ways.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    mode: Mode,
    /// A peer to start (`pincer-epoll`, `bun`, …), or the port on 127.0.0.1 of what runs already.
    #[arg(long, global = true, default_value = "pincer-epoll")]
    target: String,
    /// The token of what runs already.
    #[arg(long, global = true, default_value = TOKEN)]
    token: String,
    /// The process of what runs already: for its CPU time and memory.
    #[arg(long, global = true)]
    pid: Option<u32>,
    /// The protocol spoken with what runs already: 3 or 4.
    #[arg(long, global = true, default_value_t = 4)]
    wire: u8,
    /// Seconds to measure.
    #[arg(long, global = true, default_value_t = 5.0)]
    seconds: f64,
    /// One JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Mode {
    /// `health` on every connection, the next when the last was answered.
    Closed {
        #[arg(long, default_value_t = 64)]
        connections: usize,
    },
    /// The same with several in flight.
    Pipelined {
        #[arg(long, default_value_t = 64)]
        connections: usize,
        #[arg(long, default_value_t = 16)]
        depth: usize,
    },
    /// `health` at a fixed rate, whatever comes back; latency counts from when each request was due.
    Open {
        #[arg(long, default_value_t = 1_000)]
        connections: usize,
        /// Requests a second, all connections together.
        #[arg(long, default_value_t = 5_000.0)]
        rate: f64,
    },
    /// Connections that read and say nothing.
    Idle {
        #[arg(long, default_value_t = 5_000)]
        connections: usize,
        /// Seconds to settle before each look.
        #[arg(long, default_value_t = 3.0)]
        quiet: f64,
    },
    /// TCP, upgrade, challenge, `connect`, and away.
    Connect {
        /// At once.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// Signed by a device (Ed25519) too.
        #[arg(long)]
        device: bool,
    },
    /// The same with some requests before leaving.
    Churn {
        /// At once.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// Of each connection.
        #[arg(long, default_value_t = 10)]
        requests: u32,
    },
    /// One event (`chat.inject`) to everybody.
    Fanout {
        #[arg(long, default_value_t = 500)]
        connections: usize,
    },
    /// `chat.send` to its acknowledgement, first delta and final, with the embedded model.
    Chat {
        #[arg(long, default_value_t = 16)]
        connections: usize,
    },
    /// `health`, `sessions.list`, `chat.history` and `chat.send`, mixed; one in flight on each connection.
    Mixed {
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Per cent that are `sessions.list`.
        #[arg(long, default_value_t = 15)]
        list: u32,
        /// Per cent that are `chat.history`.
        #[arg(long, default_value_t = 10)]
        history: u32,
        /// Per cent that are `chat.send`; `health` is the rest.
        #[arg(long, default_value_t = 5)]
        send: u32,
    },
}

/// Measures and prints; exit code 1 when that was not possible.
pub(crate) fn run(options: &Options) {
    if let Err(why) = measure(options) {
        eprintln!("nothing to report: {why}");
        std::process::exit(1);
    }
}

fn measure(options: &Options) -> Result<(), String> {
    raise_files(20_000);
    let (server, cores) = reach(options)?;
    let seconds = options.seconds;
    let mut outcome = match options.mode {
        Mode::Closed { connections } => {
            rpc::closed("closed", &server, vec![rpc::Class::health()], connections, 1, seconds)
        }
        Mode::Pipelined { connections, depth } => {
            rpc::closed("pipelined", &server, vec![rpc::Class::health()], connections, depth, seconds)
        }
        Mode::Open { connections, rate } => rpc::open("open", &server, connections, rate, seconds),
        Mode::Connect { connections, device } => {
            let (mode, hellos) = if device {
                ("connect-device", devices(&server))
            } else {
                ("connect-token", vec![server.hello()])
            };
            connect::visits(mode, &server, hellos, connections, 0, seconds)
        }
        Mode::Churn { connections, requests } => {
            connect::visits("churn", &server, vec![server.hello()], connections, requests, seconds)
        }
        Mode::Fanout { connections } => fanout::fanout("fanout", &server, connections, seconds),
        Mode::Chat { connections } => chat::chat("chat", &server, connections, seconds),
        Mode::Mixed { list, history, send, .. } if list + history + send > 100 => {
            Err("the shares are more than 100 %".to_owned())
        }
        Mode::Mixed { connections, list, history, send } => {
            let classes = rpc::Class::mixed(list, history, send);
            rpc::closed("mixed", &server, classes, connections, 1, seconds)
        }
        Mode::Idle { connections, quiet } => {
            let idle = connect::idle(&server, connections, Duration::from_secs_f64(quiet))?;
            return print_idle(&server, connections, &idle, options.json);
        }
    }?;
    outcome.remarks.extend(cores.remark());
    show(&outcome, options.json)
}

fn show(outcome: &Outcome, json: bool) -> Result<(), String> {
    if json {
        println!("{}", serde_json::to_string(outcome).map_err(|e| e.to_string())?);
    } else {
        outcome.print();
    }
    Ok(())
}

/// The server that is meant, started if need be.
fn reach(options: &Options) -> Result<(Server, Cores), String> {
    if let Ok(port) = options.target.parse() {
        let wire = match options.wire {
            3 => Wire::V3,
            4 => Wire::V4,
            other => return Err(format!("protocol {other} is not known")),
        };
        let hello = Hello::without_device(wire).cli().auth(json!({"token": options.token}));
        return Ok((Server::running(port, options.pid, hello), Cores::take()));
    }
    let peer = Peer::named(&options.target)?;
    let program = fetch(peer)?;
    let cores = Cores::take();
    Ok((start(peer, &program, &cores)?, cores))
}

/// Devices that visit in turn.
pub(crate) fn devices(server: &Server) -> Vec<Hello> {
    let hello = server.hello();
    let device = || {
        let signed = Hello::new(hello.wire).cli();
        signed.auth(hello.auth.clone())
    };
    (0..16).map(|_| device()).collect()
}

fn print_idle(server: &Server, connections: usize, idle: &connect::Idle, json: bool) -> Result<(), String> {
    let each = |before: u64, now: u64| now.saturating_sub(before) / connections as u64;
    let (user, kernel) = (each(idle.empty.rss, idle.full.rss), each(idle.empty.tcp, idle.full.tcp));
    if json {
        let report = json!({
            "target": server.name, "mode": "idle", "connections": connections, "empty": idle.empty, "full": idle.full,
            "bytesPerConnection": user, "kernelTcpBytesPerConnection": kernel, "idleCpuPercent": idle.cpu_percent,
        });
        println!("{report}");
        return Ok(());
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!("{} idle, {connections} connections", server.name);
    println!("  empty  RSS {:.2} MiB, PSS {:.2} MiB", mib(idle.empty.rss), mib(idle.empty.pss));
    println!(
        "  full   RSS {:.2} MiB, PSS {:.2} MiB, CPU {:.2} %",
        mib(idle.full.rss),
        mib(idle.full.pss),
        idle.cpu_percent
    );
    println!("  per connection: {user} bytes of RSS, {kernel} bytes of kernel TCP buffers (both ends)");
    Ok(())
}

struct Asked(Option<String>);

impl Load for Asked {
    fn opened(&mut self, _: usize, _: Duration, _: &mut Vec<u8>) -> Next {
        Next::Keep
    }

    fn frame(&mut self, _: usize, text: &[u8], _: Instant, _: &mut Vec<u8>) -> Next {
        if text.starts_with(b"{\"type\":\"res\"") {
            self.0 = Some(String::from_utf8_lossy(text).into_owned());
        }
        Next::Keep
    }

    fn lost(&mut self, _: usize, why: String) {
        self.0 = Some(why);
    }
}

/// Calls a method on the first connection, on which nothing else is under way; whatever is answered.
pub(crate) fn ask(engine: &mut Engine, method: &str, params: &Value) -> Result<String, String> {
    let request = Request::new(method, params);
    let mut asked = Asked(None);
    engine.send(0, |out| request.append(99_999_999, out));
    let deadline = Instant::now() + PATIENCE;
    while asked.0.is_none() && Instant::now() < deadline {
        engine.turn(&mut asked, Duration::from_millis(20))?;
    }
    asked.0.ok_or_else(|| format!("{method} was not answered"))
}

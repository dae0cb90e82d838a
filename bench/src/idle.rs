//! What connections cost that do nothing: authenticated, silent, and read from.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use pincer_tests::{Backend, Gateway, Hello, Setup, Wire};
use serde_json::json;

use crate::process::{Memory, cpu_ticks, raise_files, tcp_bytes};

/// What connections cost that do nothing.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many.
    #[arg(long, default_value_t = 10_000)]
    connections: u32,
    /// Shards of the gateway.
    #[arg(long, default_value_t = 2)]
    shards: u8,
    /// Seconds over which idle CPU time is counted.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only this backend: `epoll` or `uring`.
    #[arg(long)]
    backend: Option<String>,
    /// One JSON object a backend instead of text.
    #[arg(long)]
    json: bool,
}

/// How long the gateway may take to become quiet before it is measured.
const QUIET: Duration = Duration::from_secs(3);
/// After so many new connections, all are read from once: the gateway tells them about each other.
const SWEEP_EVERY: usize = 250;

/// Measures every backend that this machine has.
pub(crate) fn run(options: &Options) {
    raise_files(u64::from(options.connections) + 200);
    for backend in Backend::all() {
        if options.backend.as_deref().is_none_or(|name| name == backend.name()) {
            measure(backend, options);
        }
    }
}

fn measure(backend: Backend, options: &Options) {
    let limits = json!({"connections": options.connections + options.connections / 4 + 100});
    let setup = Setup { shards: options.shards, ..Setup::new(backend) };
    let gateway = setup.config(json!({"engine": {"limits": limits}})).start();
    let pid = gateway.pid();

    thread::sleep(QUIET);
    let (empty, empty_tcp) = (Memory::of(pid), tcp_bytes());
    let cpu_empty = idle_cpu(pid, options.seconds);

    let since = Instant::now();
    let mut streams = connect(&gateway, options.connections);
    let took = since.elapsed();
    let quiet = Instant::now() + QUIET;
    while Instant::now() < quiet {
        sweep(&mut streams);
        thread::sleep(Duration::from_millis(100));
    }
    let (full, full_tcp) = (Memory::of(pid), tcp_bytes());
    let cpu_full = idle_cpu(pid, options.seconds);
    sweep(&mut streams);
    assert_eq!(streams.len() as u64, u64::from(options.connections), "connections were lost");

    drop(streams);
    thread::sleep(QUIET);
    let after = Memory::of(pid);

    let each = |before: u64, now: u64| now.saturating_sub(before) / u64::from(options.connections);
    let report = json!({
        "backend": backend.name(), "shards": options.shards, "connections": options.connections,
        "empty": {"rss": empty.rss, "pss": empty.pss, "anonymous": empty.anonymous, "idleCpuPercent": cpu_empty},
        "full": {"rss": full.rss, "pss": full.pss, "anonymous": full.anonymous, "idleCpuPercent": cpu_full},
        "afterDrop": {"rss": after.rss, "pss": after.pss, "anonymous": after.anonymous},
        "userBytesPerConnection": each(empty.rss, full.rss),
        "kernelTcpBytesPerConnection": each(empty_tcp, full_tcp),
        "connectMicrosPerConnection": took.as_micros() as u64 / u64::from(options.connections),
    });
    if options.json {
        println!("{report}");
        return;
    }
    let row = |name: &str, memory: Memory, more: String| {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "  {name:<26} RSS {:7.2} MiB  PSS {:7.2} MiB  anonymous {:7.2} MiB{more}",
            mib(memory.rss),
            mib(memory.pss),
            mib(memory.anonymous)
        );
    };
    println!("{}, {} shards, {} connections", backend.name(), options.shards, options.connections);
    row("no clients", empty, format!("  CPU {cpu_empty:.2} %"));
    row("all connected, idle", full, format!("  CPU {cpu_full:.2} %"));
    row("all gone", after, String::new());
    println!("  per connection: {} bytes of user memory (RSS)", report["userBytesPerConnection"]);
    println!(
        "                  {} bytes of kernel TCP memory, both ends (/proc/net/sockstat)",
        report["kernelTcpBytesPerConnection"]
    );
    println!("                  {} microseconds to connect", report["connectMicrosPerConnection"]);
}

/// CPU time over `seconds`, as percent of one core.
fn idle_cpu(pid: u32, seconds: u64) -> f64 {
    let before = cpu_ticks(pid);
    thread::sleep(Duration::from_secs(seconds));
    (cpu_ticks(pid) - before) as f64 / seconds as f64
}

fn connect(gateway: &Gateway, count: u32) -> Vec<TcpStream> {
    let hello = Hello::without_device(Wire::V4).cli();
    let mut streams = Vec::new();
    for _ in 0..count {
        let stream = gateway.connect(&hello).into_stream();
        stream.set_nonblocking(true).unwrap();
        streams.push(stream);
        if streams.len() % SWEEP_EVERY == 0 {
            sweep(&mut streams);
        }
    }
    streams
}

/// Reads whatever came, so that nobody is a slow reader. Drops who was closed.
fn sweep(streams: &mut Vec<TcpStream>) {
    let mut bytes = vec![0; 64 << 10];
    streams.retain_mut(|stream| {
        loop {
            match stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
    });
}

//! What the gateway takes from the heap, and whether it gives it back: allocations per request, event and connection, and
//! the memory of a real process over very many of them.

mod churn;
mod slope;

use std::process::ExitCode;
use std::time::Instant;

use pincer_tests::{Backend, Hello, Setup, Wire};
use serde_json::json;

use crate::micro;
use crate::process::Memory;
use churn::{Caller, comes_and_goes};
use slope::{Sample, slope};

/// What the gateway takes from the heap, and whether it gives it back.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Requests that the process answers.
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// Connections that come and go meanwhile.
    #[arg(long, default_value_t = 100_000)]
    connections: u64,
    /// A tenth of both.
    #[arg(long)]
    quick: bool,
    /// Shards of the gateway.
    #[arg(long, default_value_t = 2)]
    shards: u8,
    /// Only this backend: `epoll` or `uring`.
    #[arg(long)]
    backend: Option<String>,
    /// One JSON object a backend instead of text.
    #[arg(long)]
    json: bool,
}

/// Samples of memory.
const SAMPLES: u64 = 20;
/// Looks a sample, with work between them: the allocator holds a MiB more at one moment than at the next, and the most
/// that is seen says more than what is seen at last.
const PIECES: u64 = 10;
/// Connections that ask.
const CALLERS: usize = 8;
/// It is flat when the line through the samples after the first quarter rises by less than this over all of them.
const RISE_MAX: f64 = 512.0 * 1024.0;

/// Counts, then watches every backend that this machine has. Exit code 1 when memory grows.
pub(crate) fn run(options: &Options) -> ExitCode {
    if !options.json {
        micro::print_heap(|name| {
            let others = ["ws", "envelope", "response", "event", "defender", "sessions.list.1"];
            name == "sessions.list.10" || others.iter().all(|other| !name.starts_with(other))
        });
    }
    let mut flat = true;
    for backend in Backend::all() {
        if options.backend.as_deref().is_none_or(|name| name == backend.name()) {
            flat &= watch(backend, options);
        }
    }
    if flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn watch(backend: Backend, options: &Options) -> bool {
    let part = if options.quick { 10 } else { 1 };
    let (requests, connections) = (options.requests / part, options.connections / part);
    let gateway = Setup { shards: options.shards, ..Setup::new(backend) }.start();
    let hello = Hello::without_device(Wire::V4);
    let mut talker = gateway.connect(&hello);
    for number in 0..10 {
        talker.chat(&format!("agent:main:heap:{number}"), &format!("heap-{number}"), "hello");
    }
    drop(talker);
    let mut callers: Vec<Caller> =
        (0..CALLERS).map(|_| Caller::new(gateway.connect(&hello).into_stream())).collect();
    let since = Instant::now();
    let (mut samples, mut done) = (vec![Sample { operations: 0, memory: Memory::of(gateway.pid()) }], 0);
    let mut most: Option<Memory> = None;
    for step in 1..=SAMPLES * PIECES {
        let share = |whole: u64| whole * step / (SAMPLES * PIECES) - whole * (step - 1) / (SAMPLES * PIECES);
        for number in 0..share(connections) {
            comes_and_goes(gateway.port, &hello, number % 2 == 0);
        }
        let each = share(requests / CALLERS as u64);
        for caller in &mut callers {
            caller.ask(each);
        }
        done += share(connections) + each * CALLERS as u64;
        let now = Memory::of(gateway.pid());
        most = most.filter(|most| most.anonymous >= now.anonymous).or(Some(now));
        if step % PIECES == 0 {
            samples.extend(most.take().map(|memory| Sample { operations: done, memory }));
        }
    }
    let took = since.elapsed();
    let asked: u64 = callers.iter().map(|caller| caller.answered).sum();
    drop(callers);
    let exit = gateway.stop();
    assert_eq!(exit.code, Some(0), "the gateway did not end well: {exit:?}");
    let after = &samples[samples.len() / 4..];
    let (anonymous, rss) = (slope(after, |at| at.memory.anonymous), slope(after, |at| at.memory.rss));
    let operations = (after[after.len() - 1].operations - after[0].operations) as f64;
    let rises = anonymous * operations;
    let flat = rises < RISE_MAX;
    let report = json!({
        "backend": backend.name(), "shards": options.shards, "requests": asked, "connections": connections,
        "seconds": took.as_secs(), "flat": flat,
        "bytesPer1000Operations": {"anonymous": anonymous * 1_000.0, "rss": rss * 1_000.0},
        "samples": samples.iter().map(|at| json!([at.operations, at.memory.anonymous, at.memory.rss])).collect::<Vec<_>>(),
    });
    if options.json {
        println!("{report}");
        return flat;
    }
    println!(
        "\n{}, {} shards: {asked} requests and {connections} connections in {} s",
        backend.name(),
        options.shards,
        took.as_secs()
    );
    println!("  {:>12}  {:>14}  {:>10}", "operations", "anonymous KiB", "RSS KiB");
    for Sample { operations, memory } in &samples {
        println!("  {operations:>12}  {:>14}  {:>10}", memory.anonymous >> 10, memory.rss >> 10);
    }
    println!(
        "  after the first quarter: {:+.1} bytes of anonymous memory, {:+.1} of RSS per 1,000 operations: {}",
        anonymous * 1_000.0,
        rss * 1_000.0,
        if flat { "flat" } else { "it grows" }
    );
    flat
}

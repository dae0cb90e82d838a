//! Kills a loaded gateway at random moments, many times, and checks that nothing acknowledged is lost and nothing doubled.
//!
//!     cargo run -p pincer-tests --bin kill_suite -- --kills 50
//!
//! A finding prints the seed that makes the same choices again; how far the gateway had come when it died is the machine's.
#![allow(clippy::print_stdout, reason = "this is a program that reports")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use pincer_tests::kill::{Plan, Tally, run};
use pincer_tests::{Backend, StoreKind};

/// Kills a loaded gateway at random moments and checks that nothing acknowledged is lost and nothing doubled.
#[derive(Parser)]
struct Options {
    /// Kills per store and backend.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Seed of the first kill's choices; the clock when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// `json` or `sqlite`; both when absent.
    #[arg(long)]
    store: Option<String>,
    /// `epoll` or `uring`; what this machine has, taking turns, when absent.
    #[arg(long)]
    backend: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_secs())
    });
    let stores: Vec<StoreKind> = StoreKind::BOTH
        .into_iter()
        .filter(|store| options.store.as_deref().is_none_or(|name| name == store.name()))
        .collect();
    let backends: Vec<Backend> = Backend::all()
        .into_iter()
        .filter(|backend| options.backend.as_deref().is_none_or(|name| name == backend.name()))
        .collect();
    let since = Instant::now();
    let mut total = Tally::default();
    for store in stores {
        let plan = Plan { store, backends: backends.clone(), kills: options.kills, seed };
        println!("{}: {} kills, seed {seed}, backends {:?}", store.name(), options.kills, plan.backends);
        let mut told = Instant::now();
        let outcome = run(&plan, |kill, tally| {
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                println!("  {kill} kills, {tally}");
            }
        });
        match outcome {
            Ok(tally) => {
                println!("{}: {tally}", store.name());
                total += tally;
            }
            Err(finding) => {
                println!("{}: seed {seed}: {finding}", store.name());
                return ExitCode::FAILURE;
            }
        }
    }
    println!("nothing lost, nothing doubled: {total} in {:.0?}", since.elapsed());
    ExitCode::SUCCESS
}

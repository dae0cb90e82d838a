//! Shards, clients and a store in one thread, from a seed, with virtual time.
//!
//! Nothing here is real but the shards: bytes are split anywhere, rings are small and full at times, the store answers
//! late, refuses at times, or dies with everything and is opened again; clients send in bursts, repeat themselves, stop
//! reading, hang up. After every world the rules hold: one response a request, events in order, messages in the order
//! they were sent, nothing accepted lost, nothing doubled, no bound passed. [`stories`] tells what must happen in
//! worlds without chance. A failure prints its seed:
//!
//!     PINCER_SIM_SEED=7 cargo test -p pincer-shard --test simulation       that world alone
//!     PINCER_SIM_SEEDS=4000 cargo test --profile ci -p pincer-shard --test simulation

// A simulator that meets what it does not expect must stop and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod client;
mod dice;
mod disk;
mod stories;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use world::World;

/// Worlds of a test run that asks for no number: seconds in a debug build.
const SEEDS: u64 = 100;

fn run(seed: u64) {
    let mut world = World::new(seed);
    let lives = 1 + world.dice.below(2);
    for life in 0..=lives {
        for _ in 0..20 + world.dice.below(30) {
            world.act();
            let until = world.now.mono_ms + world.dice.roll() % 400;
            while world.dice.chance(90) && world.pass(until) {}
        }
        if life < lives {
            if world.dice.chance(30) {
                world.shut_down();
            } else {
                world.crash();
            }
        }
    }
    world.settle();
}

#[test]
fn worlds_from_seeds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("PINCER_SIM_SEED") {
        return run(seed);
    }
    let seeds = number("PINCER_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    run(seed);
                }
            });
        }
    });
}

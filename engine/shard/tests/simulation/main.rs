//! Shards, clients and a store in one thread, from a seed, with virtual time.
//!
//! Nothing here is real but the shards: bytes are split anywhere, rings are small and full at times, the store answers
//! late or not at all (it dies with everything and is opened again), clients send in bursts. After every world the
//! rules hold: one response a request, events in order, nothing acknowledged lost, nothing doubled. A failure prints
//! its seed; `PINCER_SIM_SEED=<n>` runs that world alone, `PINCER_SIM_SEEDS=<n>` runs so many. [`stories`] tells what must
//! happen in worlds without chance.

// A simulator that meets what it does not expect must stop and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod stories;
mod world;

use world::World;

fn run(seed: u64) {
    let mut world = World::new(seed);
    for index in 0..world.shards.len() {
        world.drain(index);
    }
    let lives = 1 + world.dice.below(2);
    for life in 0..=lives {
        for _ in 0..20 + world.dice.below(30) {
            world.act();
            let until = world.now.mono_ms + world.dice.roll() % 400;
            while world.dice.chance(90) && world.pass(until) {}
        }
        if life < lives {
            world.crash();
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
    for seed in 0..number("PINCER_SIM_SEEDS").unwrap_or(300) {
        run(seed);
    }
}

//! `health` through a shard: bytes of a client in, bytes for it out.

use pincer_shard::driver::ConnId;
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{World, request};

// Warmed until the pool holds what it may.
pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "shard.health", unit: "request", each: 1, warm: 300, count: 2_000, make: || asking(4, 1) },
    Case {
        name: "shard.health.v3",
        unit: "request",
        each: 1,
        warm: 300,
        count: 2_000,
        make: || asking(3, 1),
    },
    Case {
        name: "shard.health.pipelined",
        unit: "request",
        each: PIPELINED,
        warm: 300,
        count: 200,
        make: || asking(4, PIPELINED),
    },
];

/// Requests in one read.
const PIPELINED: u64 = 16;

/// A client that says the same again and again.
pub(super) struct Asking {
    pub(super) world: World,
    pub(super) conn: ConnId,
    pub(super) frames: Vec<u8>,
    read: Vec<u8>,
    /// When the counting began: bytes written.
    before: u64,
}

/// An operation that sends `frames` and takes what is answered at once.
pub(super) fn saying(mut world: World, conn: ConnId, frames: Vec<u8>, expected: &str) -> Box<dyn Operation> {
    world.check(conn, &frames, expected);
    let before = world.written;
    Box::new(Steps {
        state: Asking { world, conn, read: frames.clone(), frames, before },
        prepare: |state| state.read.copy_from_slice(&state.frames),
        run: |state| state.world.say(state.conn, &mut state.read),
        check: |state, runs| {
            let written = state.world.written - state.before;
            assert!(written >= runs * 40, "{written} bytes are no {runs} answers");
        },
    })
}

fn asking(wire: u64, times: u64) -> Box<dyn Operation> {
    let mut world = World::new(Vec::new());
    let conn = world.connect_checked(wire);
    saying(world, conn, request("health", &json!({})).repeat(times as usize), "\"ok\":true")
}

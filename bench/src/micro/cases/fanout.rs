//! One event to many connections of a shard: what each delivery costs.

use pincer_shard::driver::ConnId;
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{World, named, request};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "fanout.1", unit: "event", each: 1, warm: 10, count: 200, make: || telling(1) },
    Case { name: "fanout.1k", unit: "delivery", each: 1_000, warm: 2, count: 20, make: || telling(1_000) },
];

struct Telling {
    world: World,
    conn: ConnId,
    listeners: u64,
    frame: Vec<u8>,
    read: Vec<u8>,
    before: u64,
}

/// `chat.inject` makes one event for everybody who may read, the asker among them; asking is counted with it.
fn telling(listeners: u64) -> Box<dyn Operation> {
    let mut world = World::new(Vec::new());
    let conn = world.connect_checked(4);
    for _ in 1..listeners {
        world.connect(4);
    }
    let words = json!({"sessionKey": "agent:main:main", "message": "hello", "idempotencyKey": "first"});
    world.check(conn, &named("first", "chat.send", &words), "\"state\":\"final\"");
    let params = json!({"sessionKey": "agent:main:main", "message": "On Monday there is the review."});
    let frame = request("chat.inject", &params);
    world.check(conn, &frame, "\"ok\":true");
    let before = world.flushes;
    Box::new(Steps {
        state: Telling { world, conn, listeners, read: frame.clone(), frame, before },
        prepare: |state| state.read.copy_from_slice(&state.frame),
        run: |state| state.world.say(state.conn, &mut state.read),
        check: |state, runs| {
            let flushes = state.world.flushes - state.before;
            assert!(flushes >= runs * state.listeners, "{flushes} flushes for {runs} events");
        },
    })
}

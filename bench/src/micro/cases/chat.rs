//! `chat.send`: until it is acknowledged, and until the answer of the loopback model is there.

use pincer_shard::driver::ConnId;
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{World, named};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "chat.send.accepted", unit: "message", each: 1, warm: 20, count: 200, make: accepted },
    Case { name: "chat.send.answered", unit: "message", each: 1, warm: 20, count: 200, make: answered },
];

struct Talk {
    world: World,
    conn: ConnId,
    number: u64,
    read: Vec<u8>,
    before: u64,
}

impl Talk {
    fn new() -> Talk {
        let mut world = World::new(Vec::new());
        let conn = world.connect_checked(4);
        world.check(conn, &message(0), "\"state\":\"final\"");
        let before = world.written;
        Talk { world, conn, number: 0, read: Vec::new(), before }
    }

    /// The run before this one is over, and the next message has a key of its own.
    fn prepare(&mut self) {
        self.world.settle();
        self.number += 1;
        self.read = message(self.number);
    }

    fn check(&self, runs: u64) {
        let written = self.world.written - self.before;
        assert!(written > runs * 100, "{written} bytes are no {runs} answers");
    }
}

fn message(number: u64) -> Vec<u8> {
    let params = json!({
        "sessionKey": "agent:main:main", "message": "What is on for today, and what can wait until Monday?",
        "idempotencyKey": format!("4fb0f4a1-2a07-4e8a-9d54-{number:012}"),
    });
    named(&format!("request-{number:06}"), "chat.send", &params)
}

fn accepted() -> Box<dyn Operation> {
    Box::new(Steps {
        state: Talk::new(),
        prepare: Talk::prepare,
        run: |talk| talk.world.say(talk.conn, &mut talk.read),
        check: Talk::check,
    })
}

fn answered() -> Box<dyn Operation> {
    Box::new(Steps {
        state: Talk::new(),
        prepare: Talk::prepare,
        run: |talk| {
            talk.world.say(talk.conn, &mut talk.read);
            talk.world.settle();
        },
        check: Talk::check,
    })
}

//! `chat.send`: until it is acknowledged, and until the answer of the loopback model is there.

use pincer_sessions::context;
use pincer_sessions::transcript::{AssistantLine, AssistantStop, Chain, Usage, UserLine};
use pincer_shard::driver::ConnId;
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{START, World, named};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "chat.send.accepted", unit: "message", each: 1, warm: 20, count: 200, make: accepted },
    Case { name: "chat.send.answered", unit: "message", each: 1, warm: 20, count: 200, make: answered },
    Case { name: "chat.context.200", unit: "context", each: 1, warm: 2, count: 20, make: context },
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

/// What a turn reads of a conversation of 200 messages.
fn context() -> Box<dyn Operation> {
    let mut next = 0;
    let mut ids = move || {
        next += 1;
        next
    };
    let mut chain = Chain::default();
    let lines = (0..100).flat_map(|number| {
        let run_id = format!("4fb0f4a1-2a07-4e8a-9d54-{number:012}");
        let question = UserLine {
            text: "What is on for today, and what can wait until Monday?",
            attachments: &[],
            message_id: &run_id,
            run_id: &run_id,
            sender: None,
            at_ms: START.wall_ms + number,
        };
        let answer = AssistantLine {
            text: "The review is at ten; the notes of last week are in the shared folder, and \"the rest\" can wait.",
            thinking: "",
            api: "openai-completions",
            provider: "loopback",
            model: "loopback-1",
            usage: Usage::default(),
            stop: AssistantStop::Stop,
            run_id: &run_id,
            at_ms: START.wall_ms + number,
        };
        [chain.user(&mut ids, &question).json, chain.assistant(&mut ids, &answer, START.wall_ms).json]
    });
    let lines: Vec<String> = lines.collect();
    Box::new(Steps {
        state: (lines, 0),
        prepare: |_| (),
        run: |(lines, told)| {
            let budget = context::Budget { window: 128_000, system: 500, answer: 4_000 };
            *told = context::build(context::Piece::read(lines.iter()), &budget).messages.len();
        },
        check: |(_, told), _| assert_eq!(*told, 200),
    })
}

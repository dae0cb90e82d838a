//! What a connection costs: from its first byte to `hello-ok`, and while it is there.

use std::time::{SystemTime, UNIX_EPOCH};

use pincer_shard::driver::ConnId;
use pincer_tests::{Hello, Wire};
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{START, World, hello, request};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "connect.token", unit: "connection", each: 1, warm: 20, count: 200, make: || coming(4) },
    // Two hundred v3 clients that left are remembered for a while; each that comes or goes is told of among them.
    Case { name: "connect.token.v3", unit: "connection", each: 1, warm: 250, count: 40, make: || coming(3) },
    Case { name: "connect.device", unit: "connection", each: 1, warm: 4, count: 20, make: proving },
    Case { name: "connect.kept", unit: "connection", each: 1, warm: 128, count: 896, make: staying },
];

struct Coming {
    world: World,
    conn: Option<ConnId>,
    hello: Vec<u8>,
    read: Vec<u8>,
    before: u64,
}

impl Coming {
    fn new(wire: u64) -> Coming {
        let mut world = World::new(Vec::new());
        let conn = world.connect_checked(wire);
        world.hang_up(conn);
        let before = world.written;
        Coming { world, conn: None, hello: hello(wire), read: hello(wire), before }
    }

    fn come(&mut self) {
        let conn = self.world.accept();
        self.world.say(conn, &mut self.read);
        self.conn = Some(conn);
    }

    fn well(&self, runs: u64) {
        let written = self.world.written - self.before;
        assert!(written > runs * 1_000, "{written} bytes are no {runs} times hello-ok");
    }
}

/// Comes and goes; both count.
fn coming(wire: u64) -> Box<dyn Operation> {
    Box::new(Steps {
        state: Coming::new(wire),
        prepare: |state| state.read.copy_from_slice(&state.hello),
        run: |state| {
            state.come();
            let conn = state.conn.take().unwrap();
            state.world.hang_up(conn);
        },
        check: Coming::well,
    })
}

/// Comes and stays: what is held afterwards is what an idle connection holds.
fn staying() -> Box<dyn Operation> {
    Box::new(Steps {
        state: Coming::new(4),
        prepare: |state| state.read.copy_from_slice(&state.hello),
        run: Coming::come,
        check: Coming::well,
    })
}

/// A paired device proves itself; signing is the client's work and not counted, neither is the upgrade.
fn proving() -> Box<dyn Operation> {
    let skew = START.wall_ms.cast_signed()
        - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap_or(i64::MAX);
    let hello =
        Hello::new(Wire::V4).auth(json!({"token": "secret"})).device(|device| device.signed_at = skew);
    let mut world = World::new(Vec::new());
    world.heard = Some(Vec::new());
    Box::new(Steps {
        state: (world, hello, None::<ConnId>, Vec::new(), 0),
        prepare: |(world, hello, conn, read, refused)| {
            if let Some(conn) = conn.take() {
                *refused += u64::from(!holds(world.heard.as_deref(), b"hello-ok"));
                world.hang_up(conn);
            }
            let heard = world.heard.as_mut().unwrap();
            heard.clear();
            *conn = Some(world.accept());
            let challenge = String::from_utf8_lossy(world.heard.as_deref().unwrap()).into_owned();
            let (_, nonce) = challenge.split_once("\"nonce\":\"").expect("a challenge");
            let (nonce, _) = nonce.split_once('"').unwrap();
            *read = request("connect", &hello.params(nonce));
            // Keeping what is said must not take memory while it is counted.
            let heard = world.heard.as_mut().unwrap();
            heard.clear();
            heard.reserve(64 << 10);
        },
        run: |(world, _, conn, read, _)| world.say(conn.unwrap(), read),
        check: |(world, _, _, _, refused), _| {
            assert!(holds(world.heard.as_deref(), b"hello-ok"), "the last one was refused");
            assert_eq!(*refused, 0, "refused");
        },
    })
}

fn holds(heard: Option<&[u8]>, word: &[u8]) -> bool {
    heard.is_some_and(|heard| heard.windows(word.len()).any(|some| some == word))
}

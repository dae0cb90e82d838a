//! `sessions.list` on shards that hold few sessions and many.

use pincer_sessions::persist::Table;
use serde_json::json;

use super::requests::saying;
use crate::micro::case::{Case, Operation};
use crate::micro::world::{Rows, START, World, request};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "sessions.list.10", unit: "request", each: 1, warm: 3, count: 100, make: || listing(10) },
    Case { name: "sessions.list.1k", unit: "request", each: 1, warm: 2, count: 20, make: || listing(1_000) },
    Case { name: "sessions.list.10k", unit: "request", each: 1, warm: 1, count: 4, make: || listing(10_000) },
    Case {
        name: "sessions.list.100k",
        unit: "request",
        each: 1,
        warm: 1,
        count: 2,
        make: || listing(100_000),
    },
];

/// `count` sessions as a store gives them back.
fn rows(count: u64) -> Rows {
    let row = |number: u64| {
        let entry = json!({
            "sessionId": format!("00000000-0000-4000-8000-{number:012}"),
            "updatedAt": START.wall_ms - number * 1_000,
            "displayName": format!("Conversation {number}"),
            "chatType": "direct", "channel": "discord", "lastChannel": "discord", "lastTo": format!("user:{number}"),
            "model": "loopback-1", "modelProvider": "loopback",
            "inputTokens": 1_200, "outputTokens": 340, "totalTokens": 1_540, "contextTokens": 200_000,
        });
        (Table::Sessions, format!("agent:main:discord:direct:{number}"), entry.to_string())
    };
    (0..count).map(row).collect()
}

fn listing(count: u64) -> Box<dyn Operation> {
    let mut world = World::new(rows(count));
    let conn = world.connect_checked(4);
    saying(world, conn, request("sessions.list", &json!({})), "Conversation 0")
}

//! Keys of Pincer's own sections, `engine` and `defender`.

use super::{COUNT, Key, MILLIS, Shape, int, key};

/// `engine`.
pub(super) const ENGINE: &[Key] = &[
    key("shards", Shape::Either(&[int(1, 255), Shape::OneOf(&["auto"])]))
        .says("Shards", "How many cores serve; \"auto\" takes what the machine offers."),
    key("backend", Shape::OneOf(&["auto", "uring", "epoll"]))
        .says("Backend", "How sockets are driven; \"auto\" takes the best that the machine allows."),
    key("store", Shape::Text)
        .says("Store", "Path of the store: a folder for JSON, a .db, .sqlite or .sqlite3 file for SQLite."),
    key("durability", Shape::OneOf(&["full", "normal"])).says(
        "Durability",
        "\"full\": everything acknowledged survives a power cut. \"normal\": survives a crash of the process.",
    ),
    key("defaultModel", Shape::Text)
        .says("Fallback Model", "The model when agents.defaults.model names none.")
        .placeholder("loopback/loopback-1"),
    key("drainMs", MILLIS).says("Drain", "How long running answers may take when the gateway stops."),
    key("limits", Shape::Object(&[
        key("connections", COUNT).says("Connections", "Most open connections."),
        key("preAuthFrameBytes", COUNT).says("First Frame", "Longest frame before a client said who it is, in bytes."),
        key("frameBytes", COUNT).says("Frame", "Longest frame, in bytes."),
        key("bufferedBytes", COUNT).says("Buffered Bytes", "Most bytes that wait for one slow client."),
        key("sessions", COUNT).says("Sessions", "Most sessions kept in memory."),
        key("runs", COUNT).says("Runs", "Most runs at the same time."),
    ]))
    .says("Limits", "Bounds on what the gateway holds. Unset: the engine's own."),
];

/// `defender`. The rest of the section is the policy, which the defender reads and checks itself.
pub(super) const DEFENDER: &[Key] = &[key("mode", Shape::OneOf(&["off", "audit", "enforce"]))
    .says("Defender Mode", "Whether findings are acted on.")];

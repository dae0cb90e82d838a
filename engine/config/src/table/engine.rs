//! Keys of Pincer's own sections, `engine` and `defender`.

use super::{COUNT, Key, MILLIS, Shape, int, key};

/// Bytes of many things together: up to a TiB.
const BYTES: Shape = int(0, 1 << 40);

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
        key("handshakes", COUNT).says("Handshakes", "Most connections that have not said yet who they are."),
        key("bufferedBytesTotal", BYTES).says("All Buffered Bytes", "Most bytes that wait for all clients together."),
        key("inboundBytesTotal", BYTES)
            .says("All Inbound Bytes", "Most bytes of unfinished messages of all clients together."),
        key("runBytesTotal", BYTES).says("All Run Bytes", "Most bytes that runs hold while they wait."),
        key("waiting", COUNT).says("Waiting", "Most requests that wait for the store or for another core."),
        key("modelCalls", COUNT).says("Model Calls", "Most model calls at the same time; as many more wait."),
        key("promptBytesTotal", BYTES).says("All Prompt Bytes", "Most bytes of the prompts of all model calls together."),
        key("answerBytes", COUNT).says("Answer Bytes", "Longest answer of a model, as received, in bytes."),
    ]))
    .says("Limits", "Bounds on what the gateway holds. Unset: the engine's own."),
];

/// `defender`, as far as forms show it. What is in it is the defender's to check, whole: nothing of it is left out here,
/// and a key that it does not know is its error.
pub(super) const DEFENDER: &[Key] = &[
    key("mode", Shape::OneOf(&["off", "audit", "enforce"]))
        .says("Defender Mode", "Whether findings are acted on."),
    key("thresholds", Shape::Any)
        .says("Thresholds", "From which risk on a person is asked, or an action blocked."),
    key("rules", Shape::Any).says("Rules", "Rules that count otherwise."),
    key("agents", Shape::Any).says("Agents", "What is different for an agent."),
    key("sessions", Shape::Any).says("Sessions", "What is different in a session."),
    key("tools", Shape::Any).says("Tools", "The least that a tool's use gets, and points for it."),
    key("channels", Shape::Any).says("Channels", "Points for a channel."),
    key("operatorCredit", Shape::Any)
        .says("Operator Credit", "Points that an operator's own words have for free."),
    key("allow", Shape::Any).says("Allow", "What passes."),
    key("deny", Shape::Any).says("Deny", "What never passes."),
    key("limits", Shape::Any).says("Limits", "Bounds of the work."),
    key("intel", Shape::Any).says("Threat Intelligence", "How addresses and files are looked up."),
    key("quarantine", Shape::Any).says("Quarantine", "How long and how much is kept."),
    key("host", Shape::Any).says("Host", "Files of this machine that are watched."),
    key("bundle", Shape::Any).says("Bundle", "A signed policy, instead of one that stands here."),
    key("version", Shape::Any).says("Version", "The policy's number."),
];

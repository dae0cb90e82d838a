//! Reading what came over the socket.

use serde_json::Value;

/// Whether `frame` is the event `name`.
pub fn is_event(frame: &Value, name: &str) -> bool {
    frame["type"] == "event" && frame["event"] == name
}

/// The names of an object's members, sorted, joined by spaces; so that tables can say which are expected.
pub fn keys_of(object: &Value) -> String {
    let mut keys: Vec<&str> =
        object.as_object().map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default();
    keys.sort_unstable();
    keys.join(" ")
}

/// The payload of a successful response; anything else panics.
#[track_caller]
pub fn result_of(response: Value) -> Value {
    assert_eq!(response["ok"], true, "refused: {response:#}");
    response["payload"].clone()
}

/// The `agent` and `chat` events of one run among `frames`, in order, each in short: `agent lifecycle start`,
/// `agent assistant`, `chat delta` … Nothing else about them is kept; see [`keys_of`] for that.
pub fn run_events(frames: &[Value], run: &str) -> Vec<String> {
    frames
        .iter()
        .filter(|frame| frame["type"] == "event" && frame["payload"]["runId"] == run)
        .map(|frame| {
            let (event, payload) = (frame["event"].as_str().unwrap_or_default(), &frame["payload"]);
            let words = match event {
                "agent" => [&payload["stream"], &payload["data"]["phase"]],
                _ => [&payload["state"], &payload["phase"]],
            };
            let words: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
            format!("{event} {}", words.join(" "))
        })
        .collect()
}

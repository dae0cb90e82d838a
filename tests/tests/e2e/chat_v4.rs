//! Runs as a v4 client sees them, event by event, as recorded from OpenClaw 2026.9.

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, is_event, keys_of, on_each_backend, run_events};
use serde_json::{Value, json};

on_each_backend!(
    simple_run,
    slow_run,
    failure,
    silence,
    frame_numbers,
    history,
    refused_sends,
    agent_run,
    sessions_send,
    startup_and_metadata,
);

fn client(gateway: &Gateway) -> Client {
    gateway.connect(&Hello::new(Wire::V4))
}

fn of_run(client: &Client, from: usize, run: &str) -> Vec<Value> {
    client.frames[from..]
        .iter()
        .filter(|frame| frame["payload"]["runId"] == run && frame["type"] == "event")
        .cloned()
        .collect()
}

const PREPARED: [&str; 8] = [
    "chat status preparing_workspace",
    "agent run_status preparing_workspace",
    "chat status preparing_context",
    "agent run_status preparing_context",
    "agent lifecycle start",
    "chat status starting_model",
    "agent run_status starting_model",
    "agent lifecycle model",
];

fn simple_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let session = "agent:main:t:simple";
    let end = client.chat(session, "simple-1", "hello");
    let mut expected = PREPARED.to_vec();
    expected.extend([
        "agent assistant",
        "chat delta",
        "agent usage",
        "agent lifecycle finishing",
        "agent lifecycle model",
        "agent lifecycle end",
        "chat final",
    ]);
    assert_eq!(run_events(&client.frames[from..], "simple-1"), expected);
    let events = of_run(&client, from, "simple-1");
    for event in &events {
        assert_eq!(keys_of(event), "event payload seq type");
        let payload = &event["payload"];
        let lifecycle = "agentId data isHeartbeat runId seq sessionId sessionKey stream ts";
        let expected = match (
            payload["stream"].as_str(),
            payload["state"].as_str(),
            payload["data"]["provider"].is_null(),
        ) {
            (Some("lifecycle"), _, true) if payload["data"]["phase"] == "model" => {
                "agentId data isHeartbeat lane runId seq sessionId sessionKey stream ts"
            }
            (Some("lifecycle"), ..) => lifecycle,
            (Some(_), ..) => "agentId data isHeartbeat runId seq sessionKey stream ts",
            (_, Some("status"), _) => "agentId phase runId seq sessionKey state",
            (_, Some("delta"), _) => "agentId deltaText message runId seq sessionKey state",
            _ => "agentId message runId seq sessionKey state stopReason",
        };
        assert_eq!(keys_of(payload), expected, "{event:#}");
        assert_eq!((&payload["sessionKey"], &payload["agentId"]), (&json!(session), &json!("main")));
    }
    let data = |phase: &str| {
        let event = events.iter().rev().find(|e| e["payload"]["data"]["phase"] == phase).unwrap();
        keys_of(&event["payload"]["data"])
    };
    assert_eq!(data("start"), "phase startedAt");
    assert_eq!(data("finishing"), "aborted endedAt livenessState phase stopReason");
    assert_eq!(
        data("end"),
        "aborted endedAt executionSettled livenessState phase replayInvalid startedAt stopReason terminalReceipt \
         terminalReply"
    );
    let numbers: Vec<u64> = events.iter().map(|e| e["payload"]["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] <= pair[1]), "{numbers:?}");
    assert_eq!(end["message"]["content"], json!([{"type": "text", "text": "You said: hello"}]));
    assert_eq!(end["stopReason"], "stop");
}

fn slow_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let end = client.chat("agent:main:t:slow", "slow-1", "SLOW 12");
    let words = (0..12).map(|i| format!("word{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(end["message"]["content"][0]["text"], words);
    let events = of_run(&client, from, "slow-1");
    for (name, pieces) in [
        (
            "agent",
            events
                .iter()
                .filter(|e| e["payload"]["stream"] == "assistant")
                .map(|e| (&e["payload"]["data"]["delta"], &e["payload"]["data"]["text"]))
                .collect::<Vec<_>>(),
        ),
        (
            "chat",
            events
                .iter()
                .filter(|e| e["payload"]["state"] == "delta")
                .map(|e| (&e["payload"]["deltaText"], &e["payload"]["message"]["content"][0]["text"]))
                .collect(),
        ),
    ] {
        let mut text = String::new();
        for (delta, whole) in &pieces {
            text += delta.as_str().unwrap();
            assert_eq!(**whole, text.as_str(), "{name}: the sum of the deltas so far");
        }
        // The last delta before the end is never held back.
        assert_eq!(text, words, "{name}");
        assert!(pieces.len() > 2, "{name}: {} pieces", pieces.len());
    }
}

fn failure(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let send = json!({"sessionKey": "agent:main:t:fail", "message": "FAIL", "idempotencyKey": "fail-1"});
    client.ok("chat.send", send.clone());
    // Two errors: the run's, then the dispatcher's, which counts from 1.
    client.wait(from, |frame| {
        is_event(frame, "chat") && frame["payload"]["state"] == "error" && frame["payload"]["seq"] == 1
    });
    let mut expected = PREPARED.to_vec();
    expected.extend([
        "agent lifecycle finishing",
        "agent lifecycle model",
        "agent lifecycle fallback_step",
        "agent lifecycle error",
        "chat error",
        "chat error",
    ]);
    assert_eq!(run_events(&client.frames[from..], "fail-1"), expected);
    let errors: Vec<Value> =
        of_run(&client, from, "fail-1").into_iter().filter(|e| e["payload"]["state"] == "error").collect();
    assert_eq!(keys_of(&errors[0]["payload"]), "agentId errorDetail errorMessage runId seq sessionKey state");
    assert_eq!(keys_of(&errors[1]["payload"]), "errorMessage runId seq sessionKey state");
    // The same key again says how it ended.
    let again = client.call("chat.send", send);
    assert_eq!(
        (&again["ok"], &again["error"]["code"], &again["payload"]["status"]),
        (&json!(false), &json!("UNAVAILABLE"), &json!("error"))
    );
    let waited = client.ok("agent.wait", json!({"runId": "fail-1", "timeoutMs": 500}));
    assert_eq!(waited["status"], "error");
}

/// A model with nothing to say is asked once more while a person waits; in a group its silence stands.
fn silence(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let end = client.chat("agent:main:t:silent", "silent-1", "SILENT");
    let text = end["message"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("You said: [That answer is not shown"), "{end:#}");
    let events = run_events(&client.frames[from..], "silent-1");
    let finishing = events.iter().position(|event| event == "agent lifecycle finishing").unwrap();
    assert_eq!(
        events[finishing..finishing + 7],
        [
            "agent lifecycle finishing",
            "chat status preparing_context",
            "agent run_status preparing_context",
            "agent lifecycle start",
            "chat status starting_model",
            "agent run_status starting_model",
            "agent lifecycle model",
        ]
    );
    let history = client.ok("chat.history", json!({"sessionKey": "agent:main:t:silent"}));
    assert_eq!(history["messages"].as_array().unwrap().len(), 2, "{history:#}");
    let end = client.chat("discord:channel:1", "silent-2", "SILENT");
    assert_eq!((&end["state"], end.get("message")), (&json!("final"), None));
}

/// v4 counts per connection, from 1.
fn frame_numbers(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut noise = client(&gateway);
    noise.chat("agent:main:t:noise", "noise", "hello");
    let mut client = client(&gateway);
    for nth in 0..5 {
        client.chat(&format!("agent:main:t:seq{nth}"), &format!("seq-{nth}"), "LONG 5");
    }
    let numbers: Vec<u64> = client.frames.iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

fn history(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let session = "agent:main:t:history";
    client.chat(session, "h-1", "hello");
    let history = client.ok("chat.history", json!({"sessionKey": session}));
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        (&messages[0]["content"], &messages[0]["idempotencyKey"]),
        (&json!("hello"), &json!("h-1:user"))
    );
    for message in messages {
        for key in ["id", "seq", "recordTimestampMs"] {
            assert!(!message["__openclaw"][key].is_null(), "{key} of {message:#}");
        }
    }
    assert!(messages[1]["usage"]["totalTokens"].is_u64());
    assert_eq!((&history["hasMore"], &history["totalMessages"]), (&json!(false), &json!(2)));
    let last = client.ok("chat.history", json!({"sessionKey": session, "limit": 1}));
    assert_eq!((&last["messages"].as_array().unwrap().len(), &last["hasMore"]), (&1, &json!(true)));
}

fn refused_sends(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let no_target = "session mutation target is unavailable";
    for (params, message) in [
        (json!({}), no_target),
        (json!({"sessionKey": "", "message": "x", "idempotencyKey": "k"}), no_target),
        (
            json!({"sessionKey": "agent:ops", "message": "x", "idempotencyKey": "k"}),
            "malformed session key \"agent:ops\"",
        ),
        (
            json!({"sessionKey": "main", "message": " ", "idempotencyKey": "k"}),
            "message or attachment required",
        ),
        (
            json!({"sessionKey": "main", "message": "x"}),
            "invalid chat.send params: must have required property 'idempotencyKey'",
        ),
        (
            json!({"sessionKey": "main", "message": "x", "idempotencyKey": "k", "bogus": 1}),
            "invalid chat.send params: at root: unexpected property 'bogus'",
        ),
    ] {
        assert_eq!(client.err("chat.send", params), ("INVALID_REQUEST".to_owned(), message.to_owned()));
    }
    let refused = client.call("chat.send", json!({}));
    assert_eq!(
        refused["error"]["details"],
        json!({"code": "SESSION_MUTATION_TARGET_REQUIRED", "method": "chat.send"})
    );
}

fn agent_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let id = client.send(
        "agent",
        json!({"message": "hello", "sessionKey": "agent:main:t:agent", "idempotencyKey": "agent-1"}),
    );
    let accepted = client.response(from, &id);
    assert_eq!(keys_of(&accepted["payload"]), "acceptedAt agentId runId sessionKey status");
    let done =
        client.wait(from, |frame| frame["id"] == id.as_str() && frame["payload"]["status"] != "accepted");
    assert_eq!((&done["ok"], &done["payload"]["status"]), (&json!(true), &json!("ok")));
    assert_eq!(done["payload"]["result"]["payloads"][0]["text"], "You said: hello");
    // A model's failure is a failure here.
    let from = client.mark();
    let id = client.send(
        "agent",
        json!({"message": "FAIL", "sessionKey": "agent:main:t:agent", "idempotencyKey": "agent-2"}),
    );
    let failed =
        client.wait(from, |frame| frame["id"] == id.as_str() && frame["payload"]["status"] != "accepted");
    assert_eq!(
        (&failed["ok"], &failed["payload"]["status"], &failed["error"]["code"]),
        (&json!(false), &json!("error"), &json!("UNAVAILABLE"))
    );
}

fn sessions_send(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let session = "agent:main:made";
    client.ok("sessions.create", json!({"key": session, "label": "made"}));
    let send = json!({"key": session, "message": "hi", "idempotencyKey": "ss-1"});
    let from = client.mark();
    let started = client.ok("sessions.send", send.clone());
    assert_eq!((&started["runId"], &started["status"]), (&json!("ss-1"), &json!("started")));
    client.run_end(from, "ss-1");
    assert_eq!(client.ok("sessions.send", send)["status"], "ok");
    let absent = client.err("sessions.send", json!({"key": "agent:main:absent", "message": "x"}));
    assert_eq!(absent, ("INVALID_REQUEST".into(), "session not found: agent:main:absent".into()));
    let empty = client.err("sessions.send", json!({"key": session, "message": ""}));
    assert_eq!(empty.1, "message or attachment required");
    assert_eq!(client.ok("sessions.get", json!({"key": session}))["messages"].as_array().unwrap().len(), 2);
}

fn startup_and_metadata(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    client.chat("main", "startup", "hello");
    let startup = client.ok("chat.startup", json!({"sessionKey": "main"}));
    assert_eq!(startup["messages"].as_array().unwrap().len(), 2);
    let metadata = client.ok("chat.metadata", json!({"sessionKey": "main"}));
    assert!(metadata["models"].is_array() && metadata["commands"].is_array(), "{metadata:#}");
    assert!(
        client.ok("commands.list", json!({}))["commands"].as_array().is_some_and(|list| !list.is_empty())
    );
}

//! Stopping runs: `chat.abort`, stop words, and what is kept of an answer cut short.

use std::time::Duration;

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, is_event, on_each_backend, run_events};
use serde_json::{Value, json};

on_each_backend!(
    by_run_v3,
    by_run_v4,
    by_session,
    by_alias,
    stop_words,
    out_of_band,
    queued_messages_are_not_stopped_by_run,
);

fn ack(run: &str) -> Value {
    json!({"runId": run, "status": "started"})
}

/// Starts a run that hangs after three words, and waits for the third.
fn hanging(client: &mut Client, session: &str, run: &str) -> usize {
    let from = client.mark();
    let params = json!({"sessionKey": session, "message": "HANG", "idempotencyKey": run});
    assert_eq!(client.ok("chat.send", params), ack(run));
    client.wait(from, |frame| {
        is_event(frame, "agent")
            && frame["payload"]["runId"] == run
            && frame["payload"]["data"]["text"].as_str().is_some_and(|text| text.contains("part2"))
    });
    from
}

const NOTHING: (bool, usize) = (false, 0);

#[track_caller]
fn abort(client: &mut Client, params: Value) -> (bool, usize) {
    let payload = client.ok("chat.abort", params);
    assert_eq!(payload["ok"], true);
    (payload["aborted"].as_bool().unwrap(), payload["runIds"].as_array().unwrap().len())
}

fn by_run_v3(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let session = "agent:main:t:abort";
    let from = hanging(&mut client, session, "ab-1");
    let refused = client.err("chat.abort", json!({"sessionKey": "agent:main:t:other", "runId": "ab-1"}));
    assert_eq!(refused, ("INVALID_REQUEST".into(), "runId does not match sessionKey".into()));
    let (at, end) = {
        let before = client.mark();
        let id = client.send("chat.abort", json!({"sessionKey": session, "runId": "ab-1"}));
        let answer = client.response(before, &id);
        assert_eq!(answer["payload"], json!({"ok": true, "aborted": true, "runIds": ["ab-1"]}));
        let (at, end) = client.run_end(from, "ab-1");
        let answered = client.frames.iter().position(|frame| frame["id"] == id.as_str()).unwrap();
        assert!(at < answered, "the event comes before the response");
        (at, end)
    };
    assert!(at > from);
    let payload = &end["payload"];
    assert_eq!(pincer_tests::keys_of(payload), "message runId seq sessionKey state stopReason");
    assert_eq!((&payload["state"], &payload["stopReason"]), (&json!("aborted"), &json!("rpc")));
    assert_eq!(payload["message"]["content"][0]["text"], "part0 part1 part2");
    assert_eq!(abort(&mut client, json!({"sessionKey": session, "runId": "ab-1"})), NOTHING);
    assert_eq!(abort(&mut client, json!({"sessionKey": session})), NOTHING);
    // v3 clients see no lifecycle end.
    client.read_for(Duration::from_millis(300));
    let events = run_events(&client.frames[from..], "ab-1");
    assert!(!events.iter().any(|event| event == "agent lifecycle end"), "{events:?}");
    assert_eq!(events.last().unwrap(), "chat aborted");
    // What was said is kept.
    let history = client.ok("chat.history", json!({"sessionKey": session}));
    let messages = history["messages"].as_array().unwrap();
    let last = messages.last().unwrap();
    assert_eq!(
        (&last["role"], &last["content"][0]["text"]),
        (&json!("assistant"), &json!("part0 part1 part2"))
    );
    let refused = client.err("chat.abort", json!({}));
    assert_eq!(refused.1, "invalid chat.abort params: must have required property 'sessionKey'");
}

fn by_run_v4(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let session = "agent:main:t:abort";
    let from = hanging(&mut client, session, "ab-1");
    // v4 stops a run whichever session is named.
    let answer = client.ok("chat.abort", json!({"sessionKey": "agent:main:t:other", "runId": "ab-1"}));
    assert_eq!(answer, json!({"ok": true, "aborted": true, "runIds": ["ab-1"]}));
    let (_, end) = client.run_end(from, "ab-1");
    assert_eq!(
        pincer_tests::keys_of(&end["payload"]),
        "agentId message runId seq sessionKey state stopReason"
    );
    client.wait(from, |frame| {
        is_event(frame, "agent")
            && frame["payload"]["runId"] == "ab-1"
            && frame["payload"]["data"]["phase"] == "error"
    });
    let events = run_events(&client.frames[from..], "ab-1");
    let aborted = events.iter().position(|event| event == "chat aborted").unwrap();
    assert_eq!(
        events[aborted..],
        ["chat aborted", "agent lifecycle end", "agent lifecycle model", "agent lifecycle error"]
    );
    let ended = client.wait(from, |frame| {
        frame["payload"]["runId"] == "ab-1" && frame["payload"]["data"]["phase"] == "end"
    });
    let data = &ended["payload"]["data"];
    assert_eq!(
        (&data["status"], &data["aborted"], &data["stopReason"]),
        (&json!("cancelled"), &json!(true), &json!("rpc"))
    );
    let waited = client.ok("agent.wait", json!({"runId": "ab-1", "timeoutMs": 500}));
    assert_eq!(
        (&waited["status"], &waited["error"], &waited["stopReason"]),
        (&json!("error"), &json!("aborted"), &json!("rpc"))
    );
}

fn by_session(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let run = format!("ab2-{wire:?}");
        hanging(&mut client, "agent:main:t:abort2", &run);
        assert_eq!(abort(&mut client, json!({"sessionKey": "agent:main:t:abort2"})), (true, 1));
        // The session is free again.
        let end = client.chat("agent:main:t:abort2", &format!("{run}-next"), "still there?");
        assert_eq!(end["state"], "final");
    }
}

/// Upstream's v3 knows a run only by the spelling its sender used; Pincer knows the session, on both wires.
fn by_alias(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        hanging(&mut client, "t:abort3", &format!("ab3-{wire:?}"));
        assert_eq!(abort(&mut client, json!({"sessionKey": "agent:main:t:abort3"})), (true, 1), "{wire:?}");
        assert_eq!(abort(&mut client, json!({"sessionKey": "t:abort3"})), NOTHING, "{wire:?}");
    }
}

fn stop_words(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let words: &[&str] = if wire == Wire::V3 {
            &["/stop", "stop", "esc", "abort", "wait", "exit", "interrupt"]
        } else {
            &["/stop", "stop"]
        };
        let mut client = gateway.connect(&Hello::new(wire));
        for word in words {
            let (session, run) = ("agent:main:t:stop", format!("st-{wire:?}-{word}"));
            let from = hanging(&mut client, session, &run);
            let say = |nth: usize| json!({"sessionKey": session, "message": word, "idempotencyKey": format!("{run}-{nth}")});
            // Not the acknowledgement of a run.
            assert_eq!(client.ok("chat.send", say(1)), json!({"ok": true, "aborted": true, "runIds": [run]}));
            let (_, end) = client.run_end(from, &run);
            assert_eq!(
                (&end["payload"]["state"], &end["payload"]["stopReason"]),
                (&json!("aborted"), &json!("stop"))
            );
            assert_eq!(client.ok("chat.send", say(2)), json!({"ok": true, "aborted": false, "runIds": []}));
        }
    }
}

/// A stop is never queued behind work, whoever sends it and however busy the session is.
fn out_of_band(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut busy = gateway.connect(&Hello::new(Wire::V3));
    let session = "agent:main:t:busy";
    let from = hanging(&mut busy, session, "busy-0");
    for nth in 1..=10 {
        busy.ok("chat.send", json!({"sessionKey": session, "message": format!("more {nth}"), "idempotencyKey": format!("busy-{nth}")}));
    }
    let mut other = gateway.connect(&Hello::new(Wire::V3));
    assert_eq!(abort(&mut other, json!({"sessionKey": session, "runId": "busy-0"})), (true, 1));
    assert_eq!(busy.run_end(from, "busy-0").1["payload"]["state"], "aborted");
}

fn queued_messages_are_not_stopped_by_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let session = "agent:main:t:queued";
    client.chat(session, "mode", "/queue followup debounce:0ms");
    hanging(&mut client, session, "first");
    let from = client.mark();
    client.ok("chat.send", json!({"sessionKey": session, "message": "after it", "idempotencyKey": "second"}));
    assert_eq!(abort(&mut client, json!({"sessionKey": session, "runId": "first"})), (true, 1));
    client.wait(from, |frame| {
        is_event(frame, "chat")
            && frame["payload"]["message"]["content"][0]["text"]
                .as_str()
                .is_some_and(|text| text.contains("after it"))
    });
}

//! Runs as a v3 client sees them, event by event, as recorded from OpenClaw 2026.2.

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
    agent_wait,
    inject,
    spelling_of_the_session,
    sandboxed_text,
);

fn client(gateway: &Gateway) -> Client {
    gateway.connect(&Hello::new(Wire::V3))
}

fn of_run(client: &Client, from: usize, run: &str) -> Vec<Value> {
    client.frames[from..]
        .iter()
        .filter(|frame| frame["payload"]["runId"] == run && frame["type"] == "event")
        .cloned()
        .collect()
}

fn simple_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let session = "agent:main:t:simple";
    let end = client.chat(session, "simple-1", "hello");
    assert_eq!(
        run_events(&client.frames[from..], "simple-1"),
        ["agent lifecycle start", "agent assistant", "chat delta", "agent lifecycle end", "chat final"]
    );
    let events = of_run(&client, from, "simple-1");
    for event in &events {
        assert_eq!(keys_of(event), "event payload seq type");
        let expected = match event["event"].as_str().unwrap() {
            "agent" => "data runId seq sessionKey stream ts",
            _ => "message runId seq sessionKey state",
        };
        assert_eq!(keys_of(&event["payload"]), expected, "{event:#}");
        assert_eq!(event["payload"]["sessionKey"], session);
    }
    let data: Vec<String> =
        events.iter().filter(|e| e["event"] == "agent").map(|e| keys_of(&e["payload"]["data"])).collect();
    assert_eq!(data, ["phase startedAt", "delta text", "endedAt phase"]);
    // The chat event has the number of the agent event that caused it.
    let numbers: Vec<u64> = events.iter().map(|e| e["payload"]["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 2, 3, 3]);
    assert_eq!(keys_of(&end["message"]), "content role timestamp");
    assert_eq!(end["message"]["content"], json!([{"type": "text", "text": "You said: hello"}]));
}

fn slow_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let end = client.chat("agent:main:t:slow", "slow-1", "SLOW 12");
    let words = |n: usize| (0..n).map(|i| format!("word{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(end["message"]["content"][0]["text"], words(12));
    let events = of_run(&client, from, "slow-1");
    let mut text = String::new();
    for event in events.iter().filter(|e| e["payload"]["stream"] == "assistant") {
        text += event["payload"]["data"]["delta"].as_str().unwrap();
        assert_eq!(event["payload"]["data"]["text"], text.as_str(), "the sum of the deltas so far");
    }
    assert_eq!(text, words(12));
    // At most one chat delta in 150 ms, by the gateway's own clock, and the first word is not held back.
    let deltas: Vec<&Value> = events.iter().filter(|e| e["payload"]["state"] == "delta").collect();
    let at: Vec<u64> =
        deltas.iter().map(|e| e["payload"]["message"]["timestamp"].as_u64().unwrap()).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 150), "{at:?}");
    assert!((2..=8).contains(&at.len()), "1.1 s of words gave {} deltas", at.len());
    assert_eq!(deltas[0]["payload"]["message"]["content"][0]["text"], "word0");
    // Numbers of the run are consecutive, and a chat event repeats the number of its cause.
    let numbers: Vec<u64> = events
        .iter()
        .filter(|e| e["event"] == "agent")
        .map(|e| e["payload"]["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

fn failure(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let end = client.chat("agent:main:t:fail", "fail-1", "FAIL");
    assert_eq!(
        run_events(&client.frames[from..], "fail-1"),
        ["agent lifecycle start", "agent lifecycle error", "chat error"]
    );
    assert_eq!(keys_of(&end), "errorMessage runId seq sessionKey state");
    assert_eq!((&end["errorMessage"], &end["seq"]), (&json!("400 loopback failure requested"), &json!(2)));
    let lifecycle = &of_run(&client, from, "fail-1")[1]["payload"]["data"];
    assert_eq!(keys_of(lifecycle), "endedAt error phase");
    assert_eq!(lifecycle["error"], "400 loopback failure requested");
    // The session goes on.
    assert_eq!(client.chat("agent:main:t:fail", "fail-2", "hello")["state"], "final");
}

fn silence(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let end = client.chat("agent:main:t:silent", "silent-1", "SILENT");
    assert_eq!(
        run_events(&client.frames[from..], "silent-1"),
        ["agent lifecycle start", "agent lifecycle end", "chat final"]
    );
    assert_eq!(keys_of(&end), "runId seq sessionKey state");
}

/// v3 counts broadcasts of the whole gateway; who sees them all sees no gap.
fn frame_numbers(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    for nth in 0..20 {
        client.chat(&format!("agent:main:t:seq{}", nth % 5), &format!("seq-{nth}"), "LONG 5");
    }
    let numbers: Vec<u64> = client.frames[from..].iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    assert!(numbers.len() > 100);
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

fn history(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let session = "agent:main:t:history";
    let none = client.ok("chat.history", json!({"sessionKey": session}));
    assert_eq!((&none["messages"], none.get("sessionId")), (&json!([]), None));
    for nth in 0..3 {
        client.chat(session, &format!("h-{nth}"), &format!("message {nth}"));
    }
    let all = client.ok("chat.history", json!({"sessionKey": session}));
    assert_eq!((&all["sessionKey"], &all["thinkingLevel"]), (&json!(session), &json!("off")));
    assert_eq!(all["sessionId"].as_str().unwrap().len(), 36);
    let messages = all["messages"].as_array().unwrap();
    let texts: Vec<&str> = messages.iter().map(|m| m["content"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "message 0",
            "You said: message 0",
            "message 1",
            "You said: message 1",
            "message 2",
            "You said: message 2"
        ]
    );
    assert_eq!(keys_of(&messages[0]), "content role timestamp");
    assert_eq!(keys_of(&messages[1]), "api content model provider role stopReason timestamp");
    let last = client.ok("chat.history", json!({"sessionKey": session, "limit": 1}));
    assert_eq!(last["messages"], json!([messages[5]]));
    // The spelling comes back.
    let spelled = client.ok("chat.history", json!({"sessionKey": "Agent:MAIN:t:history"}));
    assert_eq!(
        (&spelled["sessionKey"], &spelled["messages"]),
        (&json!("Agent:MAIN:t:history"), &all["messages"])
    );
}

fn refused_sends(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let send = |more: Value| {
        let mut params = json!({"sessionKey": "main", "message": "x", "idempotencyKey": "refused"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let big = "A".repeat(7_000_000);
    let rows = [
        (
            json!({}),
            "invalid chat.send params: must have required property 'sessionKey'; must have required property 'message'; \
             must have required property 'idempotencyKey'",
        ),
        (send(json!({"message": ""})), "message or attachment required"),
        (send(json!({"message": " \n "})), "message or attachment required"),
        (send(json!({"message": "a\u{0}b"})), "message must not contain null bytes"),
        (
            json!({"sessionKey": "main", "message": "x"}),
            "invalid chat.send params: must have required property 'idempotencyKey'",
        ),
        (
            send(json!({"sessionKey": ""})),
            "invalid chat.send params: at /sessionKey: must NOT have fewer than 1 characters",
        ),
        (send(json!({"bogus": 1})), "invalid chat.send params: at root: unexpected property 'bogus'"),
        (send(json!({"timeoutMs": -1})), "invalid chat.send params: at /timeoutMs: must be >= 0"),
        (
            send(json!({"attachments": [{"fileName": "a.png", "mimeType": "image/png", "content": "%%%"}]})),
            "Error: attachment a.png: invalid base64 content",
        ),
        (
            send(json!({"attachments": [{"mimeType": "image/png", "content": big}]})),
            "Error: attachment attachment-1: exceeds size limit (5250000 > 5000000 bytes)",
        ),
    ];
    for (params, message) in rows {
        assert_eq!(client.err("chat.send", params), ("INVALID_REQUEST".to_owned(), message.to_owned()));
    }
    client.ok("sessions.patch", json!({"key": "agent:main:t:deny", "sendPolicy": "deny"}));
    let denied = json!({"sessionKey": "agent:main:t:deny", "message": "x", "idempotencyKey": "denied"});
    assert_eq!(client.err("chat.send", denied).1, "send blocked by session policy");
    // Nothing of all this was kept.
    assert_eq!(client.ok("chat.history", json!({"sessionKey": "main"}))["messages"], json!([]));
}

/// One request, two responses.
fn agent_run(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    let id = client.send(
        "agent",
        json!({"message": "hello", "sessionKey": "agent:main:t:agent", "idempotencyKey": "agent-1"}),
    );
    let accepted = client.response(from, &id);
    assert_eq!(keys_of(&accepted["payload"]), "acceptedAt runId status");
    assert_eq!(
        (&accepted["payload"]["runId"], &accepted["payload"]["status"]),
        (&json!("agent-1"), &json!("accepted"))
    );
    let done =
        client.wait(from, |frame| frame["id"] == id.as_str() && frame["payload"]["status"] != "accepted");
    assert_eq!(
        (&done["ok"], &done["payload"]["status"], &done["payload"]["summary"]),
        (&json!(true), &json!("ok"), &json!("completed"))
    );
    let result = &done["payload"]["result"];
    assert_eq!(result["payloads"][0]["text"], "You said: hello");
    assert!(
        result["meta"]["durationMs"].is_u64() && result["meta"]["agentMeta"]["sessionId"].is_string(),
        "{result:#}"
    );
    // Chat events come for it too.
    client.wait(from, |frame| {
        is_event(frame, "chat")
            && frame["payload"]["runId"] == "agent-1"
            && frame["payload"]["state"] == "final"
    });
    // The same key again: one response, from memory.
    let again = client.ok(
        "agent",
        json!({"message": "hello", "sessionKey": "agent:main:t:agent", "idempotencyKey": "agent-1"}),
    );
    assert_eq!(again["status"], "ok");
    let messages = client.ok("chat.history", json!({"sessionKey": "agent:main:t:agent"}))["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 2, "ran once");

    for (params, message) in [
        (
            json!({"message": "x", "idempotencyKey": "a", "agentId": "nope"}),
            "invalid agent params: unknown agent id \"nope\"",
        ),
        (
            json!({"message": "x", "idempotencyKey": "a", "sessionKey": "agent:bad"}),
            "invalid agent params: malformed session key \"agent:bad\"",
        ),
        (json!({"message": "x"}), "invalid agent params: must have required property 'idempotencyKey'"),
    ] {
        assert_eq!(client.err("agent", params), ("INVALID_REQUEST".to_owned(), message.to_owned()));
    }
}

fn agent_wait(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    client.chat("agent:main:t:wait", "done", "hello");
    let done = client.ok("agent.wait", json!({"runId": "done", "timeoutMs": 1000}));
    assert_eq!((&done["runId"], &done["status"]), (&json!("done"), &json!("ok")));
    assert!(done["endedAt"].as_u64().unwrap() >= done["startedAt"].as_u64().unwrap());
    client.ok(
        "chat.send",
        json!({"sessionKey": "agent:main:t:wait", "message": "SLOW 5", "idempotencyKey": "slow"}),
    );
    assert_eq!(client.ok("agent.wait", json!({"runId": "slow", "timeoutMs": 50}))["status"], "timeout");
    assert_eq!(client.ok("agent.wait", json!({"runId": "slow", "timeoutMs": 15_000}))["status"], "ok");
    assert_eq!(client.ok("agent.wait", json!({"runId": "nobody's", "timeoutMs": 50}))["status"], "timeout");
}

fn inject(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let session = "agent:main:t:inject";
    let missing = client.err("chat.inject", json!({"sessionKey": session, "message": "note"}));
    assert_eq!(missing.1, "session not found");
    client.chat(session, "inject-0", "hello");
    let from = client.mark();
    let answer = client.ok("chat.inject", json!({"sessionKey": session, "message": "note", "label": "ops"}));
    let id = answer["messageId"].as_str().unwrap();
    let (_, event) = client.run_end(from, &format!("inject-{id}"));
    assert_eq!(event["payload"]["seq"], 0);
    let history = client.ok("chat.history", json!({"sessionKey": session, "limit": 1}));
    assert_eq!(history["messages"][0]["content"][0]["text"], "[ops]\n\nnote");
    assert_eq!(history["messages"][0]["model"], "gateway-injected");
}

/// Events driven by the run carry the canonical key, however the client spelled it.
fn spelling_of_the_session(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let from = client.mark();
    client.chat("Main", "spelled", "hello");
    for event in of_run(&client, from, "spelled").iter().filter(|event| event["event"] == "agent") {
        assert_eq!(event["payload"]["sessionKey"], "agent:main:main");
    }
}

/// Whatever a message is made of comes back as it was sent.
fn sandboxed_text(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = client(&gateway);
    let session = "agent:main:t:text";
    for (nth, text) in
        ["\u{1f99e} é \u{202e}", "\"quotes\" \\ and\ttabs\nand lines", "</script>", "{\"type\":\"res\"}"]
            .iter()
            .enumerate()
    {
        let end = client.chat(session, &format!("text-{nth}"), text);
        assert_eq!(end["message"]["content"][0]["text"], format!("You said: {text}"));
    }
    // NFC, and no control characters.
    let end = client.chat(session, "text-nfc", "e\u{301}\u{7}!");
    assert_eq!(end["message"]["content"][0]["text"], "You said: \u{e9}!");
}

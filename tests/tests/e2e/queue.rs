//! Messages that arrive while a run is active: queue modes, cap and drop policy, as each wire shows them.

use std::time::Duration;

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, is_event, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(
    followup,
    collect,
    steer,
    steer_backlog_v3,
    interrupt_v3,
    interrupt_v4,
    modes_by_command,
    cap_refuses_the_newest,
    sessions_run_side_by_side,
    a_queue_survives_a_kill,
);

const SESSION: &str = "agent:main:t:queue";

fn send(client: &mut Client, run: &str, message: &str) {
    let params = json!({"sessionKey": SESSION, "message": message, "idempotencyKey": run});
    assert_eq!(client.ok("chat.send", params), json!({"runId": run, "status": "started"}));
}

fn text(frame: &Value) -> &str {
    frame["payload"]["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

fn is_final(frame: &Value) -> bool {
    is_event(frame, "chat") && frame["payload"]["state"] == "final"
}

/// Sets the mode, starts `SLOW`, and sends two more messages once it speaks. Returns where the frames of that begin.
fn busy(client: &mut Client, mode: &str) -> usize {
    let set = client.chat(SESSION, &format!("mode-{mode}"), &format!("/queue {mode}"));
    assert!(set["message"]["content"][0]["text"].as_str().unwrap().contains("Queue mode set to"), "{set:#}");
    let from = client.mark();
    send(client, "first", "SLOW 12 first");
    client.wait(from, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    send(client, "second", "second message");
    send(client, "third", "third message");
    from
}

/// A queued message's own run id ends at once, without a message.
fn queued_finals(client: &mut Client, from: usize) {
    for run in ["second", "third"] {
        let (_, end) = client.run_end(from, run);
        assert_eq!(
            (&end["payload"]["state"], &end["payload"]["seq"]),
            (&json!("final"), &json!(1)),
            "{end:#}"
        );
        assert_eq!(end["payload"].get("message"), None);
    }
}

/// Texts of the finals since `from` that carry one, in order, once `count` of them came.
fn answers(client: &mut Client, from: usize, count: usize) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut at = from;
    while found.len() < count {
        let (place, frame) = client.wait_at(at, |frame| is_final(frame) && !text(frame).is_empty());
        at = place + 1;
        found.push((frame["payload"]["runId"].as_str().unwrap().to_owned(), text(&frame).to_owned()));
    }
    found
}

fn is_uuid(run: &str) -> bool {
    run.len() == 36 && run.bytes().filter(|byte| *byte == b'-').count() == 4
}

fn followup(backend: Backend) {
    for wire in Wire::BOTH {
        let gateway = Gateway::start(backend);
        let mut client = gateway.connect(&Hello::new(wire));
        let from = busy(&mut client, "followup");
        queued_finals(&mut client, from);
        let answers = answers(&mut client, from, 3);
        assert_eq!(answers[0].0, "first");
        assert_eq!(answers[1].1, "You said: second message");
        assert_eq!(answers[2].1, "You said: third message");
        assert!(is_uuid(&answers[1].0) && is_uuid(&answers[2].0), "runs of the gateway's own: {answers:?}");
    }
}

/// Upstream's v3 merges only what has a channel to answer to; Pincer merges on both wires, as v4 does.
fn collect(backend: Backend) {
    for wire in Wire::BOTH {
        collect_merges(backend, wire);
    }
}

fn collect_merges(backend: Backend, wire: Wire) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(wire));
    let from = busy(&mut client, "collect");
    queued_finals(&mut client, from);
    client.run_end(from, "first");
    let deadline = std::time::Instant::now() + pincer_tests::PATIENCE;
    loop {
        let history = client.ok("chat.history", json!({"sessionKey": SESSION}))["messages"].clone();
        let last = history.as_array().unwrap().last().unwrap().clone();
        let said = last["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        if last["role"] == "assistant" && said.contains("second message") && said.contains("third message") {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "no merged answer: {history:#}");
        client.read_for(Duration::from_millis(50));
    }
}

/// Both become part of the running turn, whose answer is to the last of them.
fn steer(backend: Backend) {
    for wire in Wire::BOTH {
        let gateway = Gateway::start(backend);
        let mut client = gateway.connect(&Hello::new(wire));
        let from = busy(&mut client, "steer");
        queued_finals(&mut client, from);
        let (_, end) = client.run_end(from, "first");
        assert!(text(&end).contains("You said: third message"), "{wire:?} {end:#}");
        let history = client.ok("chat.history", json!({"sessionKey": SESSION}))["messages"].to_string();
        assert!(history.contains("second message") && history.contains("third message"), "{history}");
    }
}

fn steer_backlog_v3(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = busy(&mut client, "steer-backlog");
    queued_finals(&mut client, from);
    let answers = answers(&mut client, from, 3);
    assert_eq!(answers[0].0, "first");
    // Steered, and run again afterwards.
    assert_eq!([&*answers[1].1, &*answers[2].1], ["You said: second message", "You said: third message"]);
    // v4 has no such mode.
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    let refused = v4.chat("agent:main:t:other", "no-mode", "/queue steer-backlog");
    let said = refused["message"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(
        said,
        "Unrecognized queue mode \"steer-backlog\". Valid modes: steer, followup, collect, interrupt."
    );
}

fn interrupt_v3(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = busy(&mut client, "interrupt");
    let (_, last) = client.run_end(from, "third");
    assert_eq!((&last["payload"]["state"], text(&last)), (&json!("final"), "You said: third message"));
    let first =
        client.frames[from..].iter().find(|frame| is_final(frame) && frame["payload"]["runId"] == "first");
    assert_eq!(first, None, "the interrupted run has no answer");
}

fn interrupt_v4(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let from = busy(&mut client, "interrupt");
    assert_eq!(client.run_end(from, "first").1["payload"]["state"], "aborted");
    let (_, last) = client.run_end(from, "third");
    assert_eq!(text(&last), "You said: third message");
}

fn modes_by_command(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    for (word, mode) in [
        ("queue", "steer"),
        ("followups", "followup"),
        ("coalesce", "collect"),
        ("steer+backlog", "steer-backlog"),
        ("interrupts", "interrupt"),
    ] {
        let end = client.chat(SESSION, &format!("mode-{word}"), &format!("/queue {word}"));
        let said = end["message"]["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(&format!("Queue mode set to {mode}.")), "{word}: {said}");
    }
    client.chat(SESSION, "all", "/queue collect debounce:2s cap:5 drop:summarize");
    let entry = client.ok("sessions.patch", json!({"key": SESSION}))["entry"].clone();
    assert_eq!(
        (&entry["queueMode"], &entry["queueDebounceMs"], &entry["queueCap"], &entry["queueDrop"]),
        (&json!("collect"), &json!(2000), &json!(5), &json!("summarize"))
    );
}

fn cap_refuses_the_newest(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat(SESSION, "mode", "/queue followup debounce:0ms cap:2 drop:new");
    let from = client.mark();
    send(&mut client, "first", "SLOW 8 first");
    client.wait(from, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    for nth in 0..5 {
        client.call("chat.send", json!({"sessionKey": SESSION, "message": format!("late {nth}"), "idempotencyKey": format!("late-{nth}")}));
    }
    let answered = answers(&mut client, from, 3);
    assert_eq!([&*answered[1].1, &*answered[2].1], ["You said: late 0", "You said: late 1"]);
    client.read_for(Duration::from_millis(500));
    let all = client.frames[from..]
        .iter()
        .filter(|frame| is_final(frame) && text(frame).starts_with("You said: late"))
        .count();
    assert_eq!(all, 2, "no more than the cap");
}

/// One run a session, but sessions do not wait for each other.
fn sessions_run_side_by_side(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = client.mark();
    for nth in 0..20 {
        client.send("chat.send", json!({"sessionKey": format!("agent:main:t:side{nth}"), "message": "HANG", "idempotencyKey": format!("side-{nth}")}));
    }
    for nth in 0..20 {
        client.wait(from, |frame| {
            frame["payload"]["runId"] == format!("side-{nth}") && frame["payload"]["stream"] == "assistant"
        });
    }
    // And while they all hang, another is answered, and lists and health are.
    assert_eq!(client.chat("agent:main:t:free", "free", "hello")["state"], "final");
    assert_eq!(client.ok("sessions.list", json!({}))["count"], 21);
}

fn a_queue_survives_a_kill(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat(SESSION, "mode", "/queue followup debounce:0ms");
    let from = client.mark();
    send(&mut client, "first", "HANG");
    client.wait(from, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    send(&mut client, "second", "second message");
    send(&mut client, "third", "third message");
    let gateway = gateway.kill().start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let deadline = std::time::Instant::now() + pincer_tests::PATIENCE;
    loop {
        let history = client.ok("chat.history", json!({"sessionKey": SESSION}))["messages"].clone();
        let said: Vec<String> = history
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|m| m["content"][0]["text"].as_str())
            .map(str::to_owned)
            .collect();
        if said.iter().any(|text| text == "You said: third message") {
            for text in [
                "HANG",
                "second message",
                "third message",
                "You said: second message",
                "You said: third message",
            ] {
                assert_eq!(said.iter().filter(|s| *s == text).count(), 1, "{text} once in {said:#?}");
            }
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "queued messages were not answered after the kill: {said:#?}"
        );
        client.read_for(Duration::from_millis(50));
    }
}

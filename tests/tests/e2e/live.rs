//! What a v4 client hears that subscribed to a session's messages: every message, once, in order, numbered.

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, is_event, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(
    every_message_is_told_in_order,
    numbers_after_a_restart,
    history_since_a_cursor,
    a_long_conversation_keeps_its_title
);

const SESSION: &str = "agent:main:t:live";

fn watch(gateway: &Gateway) -> Client {
    let mut watcher = gateway.connect(&Hello::new(Wire::V4));
    watcher.ok("sessions.messages.subscribe", json!({ "key": SESSION }));
    watcher
}

fn text(message: &Value) -> String {
    let content = &message["content"];
    content.as_str().or_else(|| content[0]["text"].as_str()).unwrap_or_default().to_owned()
}

/// The next `count` messages since `from`, as `seq role text`.
fn told(watcher: &mut Client, from: usize, count: usize) -> Vec<String> {
    let (mut found, mut at) = (Vec::new(), from);
    while found.len() < count {
        let (place, frame) = watcher.wait_at(at, |frame| is_event(frame, "session.message"));
        at = place + 1;
        let payload = &frame["payload"];
        assert_eq!(payload["messageId"], payload["message"]["__openclaw"]["id"], "{frame:#}");
        assert_eq!(payload["messageSeq"], payload["message"]["__openclaw"]["seq"], "{frame:#}");
        let role = payload["message"]["role"].as_str().unwrap();
        assert_eq!(payload.get("senderIsOwner").is_some(), role == "user", "{frame:#}");
        found.push(format!("{} {role} {}", payload["messageSeq"], text(&payload["message"])));
    }
    found
}

/// What `chat.history` numbers in the same way.
fn history(client: &mut Client) -> Vec<String> {
    let history = client.ok("chat.history", json!({"sessionKey": SESSION}));
    let messages = history["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            format!(
                "{} {} {}",
                message["__openclaw"]["seq"],
                message["role"].as_str().unwrap(),
                text(message)
            )
        })
        .collect()
}

fn every_message_is_told_in_order(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut watcher = watch(&gateway);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let from = watcher.mark();
    client.chat(SESSION, "l1", "hello");
    client.ok("chat.inject", json!({"sessionKey": SESSION, "message": "words", "label": "note"}));
    client.chat(SESSION, "l2", "/queue interrupt");
    // What the stopped run had said comes before the message that stopped it.
    let at = client.mark();
    client.ok("chat.send", json!({"sessionKey": SESSION, "message": "SLOW 20", "idempotencyKey": "l3"}));
    client.wait(at, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    client.chat(SESSION, "l4", "instead");
    client.chat(SESSION, "l5", "/queue steer");
    // A steered message goes into the running turn.
    let at = client.mark();
    client.ok("chat.send", json!({"sessionKey": SESSION, "message": "SLOW 3", "idempotencyKey": "l6"}));
    client.wait(at, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    client.ok("chat.send", json!({"sessionKey": SESSION, "message": "steered", "idempotencyKey": "l7"}));
    client.run_end(at, "l6");
    let all = history(&mut client);
    assert_eq!(all.len(), 15, "{all:#?}");
    assert_eq!(told(&mut watcher, from, 15), all);
    assert!(all[2].starts_with("3 assistant [note]"), "{all:#?}");
    assert!(all[6].starts_with("7 assistant word0") && all[7] == "8 user instead", "{all:#?}");
}

fn numbers_after_a_restart(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(SESSION, "r1", "one");
    client.chat(SESSION, "r2", "/status");
    let gateway = gateway.restart();
    let mut watcher = watch(&gateway);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let from = watcher.mark();
    client.chat(SESSION, "r3", "three");
    client.chat(SESSION, "r4", "four");
    assert_eq!(
        told(&mut watcher, from, 4),
        ["5 user three", "6 assistant You said: three", "7 user four", "8 assistant You said: four"]
    );
}

/// What came since a cursor is what `session.message` told; a cursor of another conversation is answered with `reset`.
fn history_since_a_cursor(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(SESSION, "c1", "one");
    let page = client.ok("chat.history", json!({"sessionKey": SESSION}));
    let ask = |cursor: &Value| json!({"sessionKey": SESSION, "cursor": cursor});
    let nothing = client.ok("chat.history", ask(&page["deltaCursor"]));
    assert_eq!((&nothing["kind"], &nothing["messages"]), (&json!("delta"), &json!([])), "{nothing:#}");
    assert_eq!(nothing["deltaCursor"], page["deltaCursor"]);

    let gateway = gateway.restart();
    let mut watcher = watch(&gateway);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let from = watcher.mark();
    client.chat(SESSION, "c2", "two");
    let since = client.ok("chat.history", ask(&page["deltaCursor"]));
    let messages = since["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{since:#}");
    for (index, message) in messages.iter().enumerate() {
        let (_, frame) = watcher.wait_at(from, |frame| {
            is_event(frame, "session.message") && frame["payload"]["messageSeq"] == message["messageSeq"]
        });
        assert_eq!(message["message"], frame["payload"]["message"], "{message:#}");
        assert_eq!(message["messageSeq"], 3 + index);
    }
    assert_eq!(since["sessionInfo"]["key"], SESSION);

    let refused = client.call("chat.history", json!({"sessionKey": SESSION, "cursor": "x", "offset": 1}));
    assert_eq!(refused["error"]["message"], "cursor cannot be used with offset or messageId", "{refused:#}");
    client.ok("sessions.reset", json!({ "key": SESSION }));
    client.chat(SESSION, "c3", "three");
    for cursor in [&since["deltaCursor"], &json!("nonsense")] {
        assert_eq!(client.ok("chat.history", ask(cursor)), json!({"kind": "reset"}));
    }
}

/// The first message titles a conversation, however much was said since.
fn a_long_conversation_keeps_its_title(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(SESSION, "t0", "Plan the garden");
    for turn in 1..=8 {
        client.chat(SESSION, &format!("t{turn}"), &format!("more {}", "x".repeat(12_000)));
    }
    let gateway = gateway.restart();
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let list = client.ok("sessions.list", json!({"includeDerivedTitles": true, "includeLastMessage": true}));
    assert_eq!(list["sessions"][0]["derivedTitle"], "Plan the garden", "{:#}", list["sessions"][0]);
    let last = list["sessions"][0]["lastMessagePreview"].as_str().unwrap();
    assert!(last.starts_with("You said: more xxx"), "{last}");
}

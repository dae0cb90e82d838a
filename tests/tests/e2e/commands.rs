//! Slash commands: what is said, and what changes.

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, keys_of, on_each_backend, run_events};
use serde_json::{Value, json};

on_each_backend!(
    replies,
    effects,
    shape_of_a_reply,
    unknown_ones_go_to_the_model,
    new_and_reset,
    blocked_sending
);

const SESSION: &str = "agent:main:t:slash";

fn said(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

fn entry(client: &mut Client) -> Value {
    client.ok("sessions.patch", json!({"key": SESSION}))["entry"].clone()
}

/// A command and words that its reply has.
fn replies(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        for (nth, (command, words)) in [
            ("/help", "/new"),
            ("/status", "Model"),
            ("/think", "thinking level"),
            ("/model", "Current"),
            ("/queue", "queue"),
            ("/whoami", "Identity"),
            ("/compact", "ompact"),
            ("/activation always", "only applies to group chats"),
        ]
        .iter()
        .enumerate()
        {
            let end = client.chat(SESSION, &format!("{wire:?}-{nth}"), command);
            assert_eq!(end["state"], "final", "{command}");
            assert!(said(&end).contains(words), "{wire:?} {command}: {:?}", said(&end));
        }
    }
}

fn effects(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    for (command, field, value, reply) in [
        ("/think off", "thinkingLevel", "off", "Thinking"),
        ("/verbose on", "verboseLevel", "on", "Verbose logging enabled."),
        ("/reasoning on", "reasoningLevel", "on", "Reasoning visibility enabled."),
        ("/usage tokens", "responseUsage", "tokens", "Usage footer: tokens."),
        ("/queue interrupt", "queueMode", "interrupt", "Queue mode set to interrupt."),
    ] {
        let end = client.chat(SESSION, command, command);
        assert!(said(&end).contains(reply), "{command}: {:?}", said(&end));
        assert_eq!(entry(&mut client)[field], value, "{command}");
    }
}

fn shape_of_a_reply(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let from = client.mark();
        let run = format!("shape-{wire:?}");
        let end = client.chat(SESSION, &run, "/verbose on");
        // No run behind it.
        assert_eq!(run_events(&client.frames[from..], &run), ["chat final"]);
        assert_eq!(keys_of(&end), "message runId seq sessionKey state");
        assert_eq!(end["seq"], 1);
        let message = &end["message"];
        assert_eq!(
            (&message["provider"], &message["model"]),
            (&json!("openclaw"), &json!("gateway-injected"))
        );
        assert_eq!((&message["stopReason"], &message["usage"]["totalTokens"]), (&json!("stop"), &json!(0)));
    }
}

fn unknown_ones_go_to_the_model(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let end = client.chat(SESSION, "bogus", "/bogus");
    assert_eq!(said(&end), "You said: /bogus");
}

fn new_and_reset(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(SESSION, "n1", "remember me");
    let end = client.chat(SESSION, "n2", "/new");
    assert!(said(&end).contains("New session started."), "{end:#}");
    let history = client.ok("chat.history", json!({"sessionKey": SESSION}))["messages"].to_string();
    assert!(!history.contains("remember me"), "{history}");
    let end = client.chat(SESSION, "n3", "/reset");
    assert!(said(&end).contains("Session reset."), "{end:#}");
    // v3: another session, and a greeting by the model.
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    let before = entry(&mut v3)["sessionId"].clone();
    let end = v3.chat(SESSION, "n4", "/new");
    assert_eq!(end["state"], "final");
    assert_ne!(entry(&mut v3)["sessionId"], before);
}

fn blocked_sending(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.ok("sessions.patch", json!({"key": SESSION, "sendPolicy": "deny"}));
    let send = json!({"sessionKey": SESSION, "message": "hello", "idempotencyKey": "blocked"});
    assert_eq!(client.err("chat.send", send.clone()).1, "send blocked by session policy");
    client.ok("sessions.patch", json!({"key": SESSION, "sendPolicy": null}));
    assert_eq!(client.ok("chat.send", send)["status"], "started");
}

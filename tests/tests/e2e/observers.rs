//! Who receives what: other connections while one of them chats.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pincer_tests::{Backend, Client, Gateway, Hello, PATIENCE, Wire, is_event, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(v3_tells_everybody, v4_tells_readers, presence, health_after_connect, only_what_was_said);

fn events_of(client: &Client, from: usize, run: &str) -> BTreeSet<String> {
    client.frames[from..]
        .iter()
        .filter(|frame| frame["payload"]["runId"] == run)
        .map(|frame| frame["event"].as_str().unwrap_or("response").to_owned())
        .collect()
}

/// Connects everybody, lets `hello`'s client chat, and returns what each of the others saw of the run.
fn watched(backend: Backend, wire: Wire, watchers: &[Hello]) -> Vec<BTreeSet<String>> {
    let gateway = Gateway::start(backend);
    let mut talker = gateway.connect(&Hello::new(wire));
    let mut watching: Vec<Client> = watchers.iter().map(|hello| gateway.connect(hello)).collect();
    let from: Vec<usize> = watching.iter().map(Client::mark).collect();
    talker.chat("agent:main:t:watched", "watched", "LONG 5");
    watching
        .iter_mut()
        .zip(from)
        .map(|(client, from)| {
            // Whoever is to see the run sees its end; the others get some time to see what they should not.
            client.wait_within(Duration::from_millis(700), from, |frame| {
                is_event(frame, "chat") && frame["payload"]["state"] == "final"
            });
            client.assert_alive();
            events_of(client, from, "watched")
        })
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn v3_tells_everybody(backend: Backend) {
    let hello = || Hello::new(Wire::V3);
    let seen = watched(
        backend,
        Wire::V3,
        &[
            hello().scopes(&["operator.read"]),
            hello().scopes(&[]),
            hello().scopes(&["operator.pairing"]),
            hello().node(),
        ],
    );
    assert_eq!(seen, vec![set(&["agent", "chat"]); 4]);
}

fn v4_tells_readers(backend: Backend) {
    let hello = || Hello::new(Wire::V4);
    let seen = watched(
        backend,
        Wire::V4,
        &[
            hello().scopes(&["operator.read"]),
            hello().scopes(&["operator.write"]),
            hello().scopes(&[]),
            hello().scopes(&["operator.pairing"]),
            hello().node(),
            // It would have to join the session first.
            hello().caps(&["session-scoped-events"]),
        ],
    );
    let (all, none) = (set(&["agent", "chat"]), BTreeSet::new());
    assert_eq!(seen, [all.clone(), all, none.clone(), none.clone(), none.clone(), none]);
}

fn presence(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut watcher = gateway.connect(&Hello::new(wire));
        let from = watcher.mark();
        let hello = Hello::new(wire).client("openclaw-macos", "ui");
        let id = hello.device.as_ref().unwrap().identity.id();
        let mut visitor = gateway.connect(&hello);
        let is_here = |list: &Value| {
            list.as_array()
                .unwrap()
                .iter()
                .any(|entry| entry["deviceId"] == id.as_str() && entry["reason"] != "disconnect")
        };
        // Shards hold snapshots of it, which may be a moment old.
        let deadline = Instant::now() + PATIENCE;
        while !is_here(&watcher.ok("system-presence", json!({}))) {
            assert!(Instant::now() < deadline, "{wire:?}");
        }
        if wire == Wire::V4 {
            watcher.wait(from, |frame| is_event(frame, "presence") && is_here(&frame["payload"]["presence"]));
        }
        let from = watcher.mark();
        visitor.close();
        drop(visitor);
        let left = watcher.wait(from, |frame| is_event(frame, "presence"));
        assert!(left["stateVersion"]["presence"].is_u64(), "{left:#}");
        assert!(!is_here(&left["payload"]["presence"]), "{wire:?} {left:#}");
    }
}

/// v3 tells everybody about its health when somebody connects.
fn health_after_connect(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut watcher = gateway.connect(&Hello::new(Wire::V3));
    watcher.wait(0, |frame| is_event(frame, "health"));
    let from = watcher.mark();
    gateway.connect(&Hello::new(Wire::V3));
    let health = watcher.wait(from, |frame| is_event(frame, "health"));
    let versions = &health["stateVersion"];
    assert!(versions["presence"].is_u64() && versions["health"].is_u64(), "{health:#}");
    assert_eq!(health["payload"]["ok"], true);
}

/// Clients on every shard see the same run, complete and in order.
fn only_what_was_said(backend: Backend) {
    let gateway = pincer_tests::Setup { shards: 4, ..pincer_tests::Setup::new(backend) }.start();
    let mut talker = gateway.connect(&Hello::new(Wire::V3));
    let mut watching: Vec<Client> = (0..16).map(|_| gateway.connect(&Hello::new(Wire::V3))).collect();
    let from = talker.mark();
    talker.chat("agent:main:t:order", "order", "LONG 40");
    let told: Vec<Value> = talker.frames[from..]
        .iter()
        .filter(|frame| frame["payload"]["runId"] == "order" && frame["type"] == "event")
        .cloned()
        .collect();
    for client in &mut watching {
        client.run_end(0, "order");
        let seen: Vec<Value> =
            client.frames.iter().filter(|frame| frame["payload"]["runId"] == "order").cloned().collect();
        assert_eq!(seen, told, "seq and all");
    }
}

//! Conversations that went stale: the next message begins a new one, and the old transcript is put aside.

use std::fs;
use std::path::Path;

use pincer_tests::{Backend, Gateway, Hello, Setup, StoreKind, Wire, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(idle_sessions_begin_anew, fresh_sessions_go_on);

const SESSION: &str = "agent:main:t:stale";
/// Minutes of silence that the config allows.
const IDLE_MINUTES: u64 = 30;

fn start(backend: Backend) -> Gateway {
    let config = json!({"session": {"reset": {"mode": "idle", "idleMinutes": IDLE_MINUTES}}});
    Setup::new(backend).store(StoreKind::Sqlite).config(config).start()
}

/// Makes a session as old as if so many minutes had passed. The gateway must not run.
fn age(state: &Path, minutes: u64) {
    let database = rusqlite::Connection::open(state.join("sessions.sqlite")).unwrap();
    let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let text = database.query_row("SELECT json FROM sessions WHERE id = ?1", [SESSION], read).unwrap();
    let mut entry: Value = serde_json::from_str(&text).unwrap();
    let mut aged = 0;
    for field in ["updatedAt", "lastInteractionAt", "sessionStartedAt"] {
        if let Some(at) = entry[field].as_u64() {
            entry[field] = json!(at - minutes * 60_000);
            aged += 1;
        }
    }
    assert!(aged > 0, "{entry:#}");
    database.execute("UPDATE sessions SET json = ?1 WHERE id = ?2", [&entry.to_string(), SESSION]).unwrap();
}

/// Says something, lets `minutes` pass while the gateway is down, says more; what the history shows then, and the names
/// of the transcripts.
fn over(backend: Backend, minutes: u64) -> (Vec<Value>, Vec<String>) {
    let gateway = start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(SESSION, "s1", "before");
    drop(client);
    let state = gateway.state();
    let setup = gateway.setup().clone();
    assert_eq!(gateway.stop().code, Some(0));
    age(&state, minutes);
    let gateway = setup.start();
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    assert_eq!(client.chat(SESSION, "s2", "after")["state"], "final");
    let history = client.ok("chat.history", json!({"sessionKey": SESSION}));
    let files = fs::read_dir(state.join("agents/main/sessions")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains(".jsonl"));
    (history["messages"].as_array().unwrap().clone(), names)
}

fn idle_sessions_begin_anew(backend: Backend) {
    let (messages, files) = over(backend, IDLE_MINUTES + 1);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(files.iter().filter(|name| name.contains(".jsonl.reset.")).count(), 1, "{files:?}");
}

fn fresh_sessions_go_on(backend: Backend) {
    let (messages, files) = over(backend, IDLE_MINUTES - 5);
    assert_eq!(messages.len(), 4, "{messages:#?}");
    assert_eq!(files.len(), 1, "{files:?}");
}

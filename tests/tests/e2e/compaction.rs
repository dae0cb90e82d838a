//! Summaries: asked for by a person, made when a conversation no longer fits, and what happens when they fail.

use pincer_tests::{
    Backend, Client, Gateway, Hello, Provider, Reply, Setup, Wire, is_event, on_each_backend,
};
use serde_json::{Value, json};

on_each_backend!(
    by_command,
    by_method_v4,
    when_it_no_longer_fits,
    when_the_provider_says_so,
    without_a_summary_the_oldest_go,
);

const KEY: &str = "agent:main:t:long";

fn start(backend: Backend, provider: &Provider) -> Gateway {
    Setup::new(backend).config(provider.config()).start()
}

fn reply(text: &str) -> Reply {
    Reply::Stream(vec![text.to_owned()], 0)
}

fn said(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

/// The `compaction` lines of the session's transcript.
fn compactions(gateway: &Gateway) -> Vec<Value> {
    let folder = gateway.state().join("agents/main/sessions");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found.extend(lines.filter(|line| line["type"] == "compaction"));
    }
    found
}

fn compaction_events(client: &Client, from: usize) -> Vec<Value> {
    client.frames[from..]
        .iter()
        .filter(|frame| is_event(frame, "agent") && frame["payload"]["stream"] == "compaction")
        .map(|frame| frame["payload"]["data"].clone())
        .collect()
}

fn by_command(backend: Backend) {
    for wire in Wire::BOTH {
        let provider = Provider::start();
        let gateway = start(backend, &provider);
        let mut client = gateway.connect(&Hello::new(wire));
        let nothing = client.chat(KEY, "c0", "/compact");
        assert!(said(&nothing).starts_with("⚙️ Nothing to compact yet •"), "{nothing:#}");
        client.chat(KEY, "c1", "My name is Ada");
        client.chat(KEY, "c2", "I like tea");
        provider.then(reply("Ada likes tea."));
        let done = client.chat(KEY, "c3", "/compact the names");
        assert!(said(&done).starts_with("⚙️ Compacted • Context "), "{done:#}");
        let asked = provider.requests().last().unwrap()["messages"].clone();
        assert!(
            asked[0]["content"].as_str().unwrap().ends_with("look especially to this: the names"),
            "{asked:#}"
        );
        assert!(asked[1]["content"].to_string().contains("My name is Ada"), "{asked:#}");
        let line = compactions(&gateway).pop().unwrap();
        assert_eq!(line["summary"], "Ada likes tea.");
        assert_eq!(
            pincer_tests::keys_of(&line),
            "details firstKeptEntryId fromHook id parentId summary timestamp tokensBefore type"
        );
        client.chat(KEY, "c4", "Who am I?");
        let asked = provider.requests().last().unwrap()["messages"].to_string();
        assert!(
            asked.contains("[Summary of the conversation so far]") && asked.contains("Who am I?"),
            "{asked}"
        );
        assert!(!asked.contains("My name is Ada"), "{asked}");
        let history = client.ok("chat.history", json!({"sessionKey": KEY}));
        let marks =
            history["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "system");
        assert_eq!(
            marks.map(|mark| said(&json!({ "message": mark })).to_owned()).collect::<Vec<_>>(),
            ["Compaction"]
        );
        // The same request again is answered, not done again.
        let calls = provider.requests().len();
        let again = json!({"sessionKey": KEY, "message": "/compact the names", "idempotencyKey": "c3"});
        assert_eq!(client.ok("chat.send", again)["status"], "ok");
        assert_eq!(provider.requests().len(), calls);
        provider.then(Reply::Status(400, json!({"error": {"message": "no today"}})));
        let failed = client.chat(KEY, "c5", "/compact");
        assert!(
            said(&failed).starts_with("⚙️ Compaction failed: ") && said(&failed).contains("no today"),
            "{failed:#}"
        );
    }
}

fn by_method_v4(backend: Backend) {
    let provider = Provider::start();
    let gateway = start(backend, &provider);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.chat(KEY, "m1", "My name is Ada");
    client.chat(KEY, "m2", "I like tea");
    provider.then(reply("Ada likes tea."));
    let done = client.ok("sessions.compact", json!({ "key": KEY }));
    assert_eq!((&done["ok"], &done["compacted"]), (&json!(true), &json!(true)), "{done:#}");
    assert_eq!(done["result"]["summary"], "Ada likes tea.");
    assert!(done["result"]["tokensBefore"].as_u64() > done["result"]["tokensAfter"].as_u64(), "{done:#}");
    let again = client.ok("sessions.compact", json!({ "key": KEY }));
    assert_eq!(again, json!({"ok": true, "key": KEY, "compacted": false, "reason": "nothing to compact"}));
    assert_eq!(
        client.ok("sessions.compact", json!({"key": "agent:main:nope"})),
        json!({"ok": true, "key": "agent:main:nope", "compacted": false, "reason": "no sessionId"})
    );
    client.chat(KEY, "m3", "And?");
    client.chat(KEY, "m4", "And now?");
    provider.then(Reply::Status(500, json!({"error": {"message": "broken"}})));
    let failed = client.ok("sessions.compact", json!({ "key": KEY }));
    assert_eq!((&failed["ok"], &failed["compacted"]), (&json!(false), &json!(false)), "{failed:#}");
    let listed = client.ok("sessions.describe", json!({ "key": KEY }));
    assert_eq!(listed["session"]["compactionCount"].as_u64().unwrap_or(1), 1);
}

/// The test provider's window is 8000 tokens, of which 1000 are for the answer.
fn fill(client: &mut Client, run: &str, messages: usize) {
    for turn in 0..messages {
        client.chat(KEY, &format!("{run}-{turn}"), &format!("note {turn} {}", "abc ".repeat(1_500)));
    }
}

fn when_it_no_longer_fits(backend: Backend) {
    for wire in Wire::BOTH {
        let provider = Provider::start();
        let gateway = start(backend, &provider);
        let mut client = gateway.connect(&Hello::new(wire));
        fill(&mut client, "f", 4);
        provider.then(reply("Notes were taken."));
        let from = client.mark();
        let end = client.chat(KEY, "f-last", &format!("one more {}", "abc ".repeat(1_500)));
        assert_eq!(said(&end), "pong");
        let events = compaction_events(&client, from);
        let want = match wire {
            Wire::V3 => [json!({"phase": "start"}), json!({"phase": "end", "willRetry": false})],
            Wire::V4 => {
                [json!({"phase": "start"}), json!({"phase": "end", "willRetry": false, "completed": true})]
            }
        };
        assert_eq!(events, want);
        let asked = provider.requests().last().unwrap()["messages"].to_string();
        assert!(asked.contains("Notes were taken.") && asked.contains("one more"), "{asked}");
        assert!(!asked.contains("note 0"), "what is summarised is not told again");
        assert_eq!(compactions(&gateway).len(), 1);
    }
}

fn when_the_provider_says_so(backend: Backend) {
    let provider = Provider::start();
    let gateway = start(backend, &provider);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    fill(&mut client, "o", 2);
    let overflow = json!({"error": {"code": "context_length_exceeded", "type": "invalid_request_error",
        "message": "This model's maximum context length is 4096 tokens."}});
    provider.then(Reply::Status(400, overflow.clone()));
    provider.then(reply("Two notes."));
    provider.then(reply("It fits now."));
    let from = client.mark();
    assert_eq!(said(&client.chat(KEY, "o-3", "so?")), "It fits now.");
    let events = compaction_events(&client, from);
    assert_eq!(events[1], json!({"phase": "end", "willRetry": true, "completed": true}));
    // One summary a run: what does not fit then fails.
    fill(&mut client, "p", 1);
    provider.then(Reply::Status(400, overflow.clone()));
    provider.then(reply("Three notes."));
    provider.then(Reply::Status(400, overflow));
    let failed = client.chat(KEY, "o-4", "so?");
    assert_eq!(failed["state"], "error", "{failed:#}");
}

fn without_a_summary_the_oldest_go(backend: Backend) {
    let provider = Provider::start();
    let gateway = start(backend, &provider);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    fill(&mut client, "w", 4);
    provider.then(Reply::Status(400, json!({"error": {"message": "not now"}})));
    assert_eq!(said(&client.chat(KEY, "w-last", &format!("last {}", "abc ".repeat(1_500)))), "pong");
    let asked = provider.requests().last().unwrap()["messages"].to_string();
    assert!(
        asked.contains("left out here]") && asked.contains("last abc") && !asked.contains("note 0"),
        "{asked}"
    );
    assert_eq!(compactions(&gateway), Vec::<Value>::new());
    let log = client.ok("logs.tail", json!({}))["lines"].to_string();
    assert!(log.contains("no summary: ") && log.contains("the oldest messages are left out"), "{log}");
}

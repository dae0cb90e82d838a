//! A model behind HTTP: streaming, cancelling, failing, broken.

use std::time::Instant;

use pincer_tests::{
    Backend, Client, Gateway, Hello, PATIENCE, Provider, Reply, Setup, Wire, is_event, on_each_backend,
};
use serde_json::{Value, json};

on_each_backend!(streams, stops, failures, breaks, remembers_the_conversation, usage_and_cost);

fn start(backend: Backend, provider: &Provider) -> (Gateway, Client) {
    let gateway = Setup::new(backend).config(provider.config()).start();
    let client = gateway.connect(&Hello::new(Wire::V3));
    (gateway, client)
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn said(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

fn streams(backend: Backend) {
    let provider = Provider::start();
    let (_gateway, mut client) = start(backend, &provider);
    provider.then(Reply::Stream(words(&["Hello", " there,", " caf\u{e9} \u{1f99e}"]), 200));
    let from = client.mark();
    let end = client.chat("main", "s1", "hi");
    assert_eq!(said(&end), "Hello there, caf\u{e9} \u{1f99e}");
    let deltas = client.frames[from..]
        .iter()
        .filter(|frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta")
        .count();
    assert!(deltas >= 2, "it streamed: {deltas}");
    let request = &provider.requests()[0];
    assert_eq!((&request["model"], &request["stream"]), (&json!("small"), &json!(true)));
    assert!(request["messages"].to_string().contains("hi"));
}

/// An abort stops the provider's stream, not only the run.
fn stops(backend: Backend) {
    let provider = Provider::start();
    let (_gateway, mut client) = start(backend, &provider);
    provider.then(Reply::Stream(vec!["word ".to_owned(); 1000], 50));
    let from = client.mark();
    client.ok("chat.send", json!({"sessionKey": "main", "message": "talk", "idempotencyKey": "long"}));
    client.wait(from, |frame| is_event(frame, "chat") && frame["payload"]["state"] == "delta");
    assert_eq!(client.ok("chat.abort", json!({"sessionKey": "main", "runId": "long"}))["aborted"], true);
    let deadline = Instant::now() + PATIENCE;
    while provider.cut() == 0 {
        assert!(Instant::now() < deadline, "the stream goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(said(&client.chat("main", "next", "hi")), "pong");
}

fn failures(backend: Backend) {
    let provider = Provider::start();
    let (_gateway, mut client) = start(backend, &provider);
    provider.then(Reply::Status(
        400,
        json!({"error": {"message": "no such thing", "type": "invalid_request_error"}}),
    ));
    let end = client.chat("main", "f1", "hi");
    assert_eq!((&end["state"], &end["errorMessage"]), (&json!("error"), &json!("400 no such thing")));
    // Nobody there at all.
    let mut config = provider.config();
    config["models"]["providers"]["test"]["baseUrl"] = json!("http://127.0.0.1:9/v1");
    let gateway = Setup::new(backend).config(config).start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let end = client.chat("main", "f2", "hi");
    assert_eq!(end["state"], "error");
    assert!(!end["errorMessage"].as_str().unwrap().contains("key-of-the-test-provider"));
    assert!(!gateway.log().contains("key-of-the-test-provider"));
}

fn breaks(backend: Backend) {
    let provider = Provider::start();
    let (_gateway, mut client) = start(backend, &provider);
    provider.then(Reply::Break(words(&["half an ", "answer"])));
    let end = client.chat("main", "b1", "hi");
    assert!(end["state"] == "error" || end["state"] == "final", "{end:#}");
    assert_eq!(said(&client.chat("main", "b2", "hi")), "pong");
}

fn remembers_the_conversation(backend: Backend) {
    let provider = Provider::start();
    let (gateway, mut client) = start(backend, &provider);
    client.chat("main", "c1", "my name is Ada");
    let gateway = gateway.kill().start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat("main", "c2", "what is my name?");
    let requests = provider.requests();
    let last = requests.last().unwrap()["messages"].to_string();
    for words in ["my name is Ada", "pong", "what is my name?"] {
        assert_eq!(last.matches(words).count(), 1, "{words}: {last}");
    }
}

fn usage_and_cost(backend: Backend) {
    let provider = Provider::start();
    let (_gateway, mut client) = start(backend, &provider);
    client.chat("main", "u1", "hi");
    let totals = client.ok("sessions.usage", json!({"key": "main"}))["totals"].clone();
    // The provider says 12 in and 3 out; a million cost 1 and 2.
    assert_eq!(
        (&totals["input"], &totals["output"], &totals["totalTokens"]),
        (&json!(12), &json!(3), &json!(15))
    );
    assert!((totals["totalCost"].as_f64().unwrap() - 0.000_018).abs() < 1e-9, "{totals:#}");
}

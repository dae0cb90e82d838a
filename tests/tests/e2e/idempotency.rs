//! The same message twice is one message: in flight, done, and after a restart.

use pincer_tests::{Backend, Client, Gateway, Hello, Setup, StoreKind, Wire, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(
    in_flight_and_done,
    other_input_same_key,
    from_two_connections,
    after_a_kill,
    a_burst_of_the_same
);

const SESSION: &str = "agent:main:t:idem";

fn send(message: &str, key: &str) -> Value {
    json!({"sessionKey": SESSION, "message": message, "idempotencyKey": key})
}

fn status(client: &mut Client, params: Value) -> String {
    client.ok("chat.send", params)["status"].as_str().unwrap().to_owned()
}

fn user_messages(client: &mut Client) -> usize {
    let history = client.ok("chat.history", json!({"sessionKey": SESSION}));
    history["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "user").count()
}

fn in_flight_and_done(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let key = format!("idem-{wire:?}");
        let from = client.mark();
        assert_eq!(status(&mut client, send("SLOW 5", &key)), "started");
        assert_eq!(status(&mut client, send("SLOW 5", &key)), "in_flight");
        client.run_end(from, &key);
        assert_eq!(status(&mut client, send("SLOW 5", &key)), "ok");
    }
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    assert_eq!(user_messages(&mut client), 2);
}

/// v3 looks at the key alone; v4 at what it was used for.
fn other_input_same_key(backend: Backend) {
    let gateway = Gateway::start(backend);
    let other = json!({"sessionKey": "agent:main:t:elsewhere", "message": "hello", "idempotencyKey": "k3"});
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    v3.chat(SESSION, "k3", "hello");
    assert_eq!(status(&mut v3, send("different", "k3")), "ok");
    assert_eq!(status(&mut v3, other), "ok");
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    v4.chat(SESSION, "k4", "hello");
    let other = json!({"sessionKey": "agent:main:t:elsewhere", "message": "hello", "idempotencyKey": "k4"});
    for params in [send("different", "k4"), other] {
        let refused = v4.call("chat.send", params);
        assert_eq!(refused["error"]["details"], json!({"reason": "chat-request-conflict"}), "{refused:#}");
        assert_eq!(
            refused["error"]["message"],
            "This message ID was already used for different input. Check the conversation history and use a new message \
             ID to send again."
        );
    }
    assert_eq!(user_messages(&mut v4), 2);
}

fn from_two_connections(backend: Backend) {
    let gateway = Setup { shards: 4, ..Setup::new(backend) }.start();
    let mut one = gateway.connect(&Hello::new(Wire::V3));
    let mut clients: Vec<Client> = (0..8).map(|_| gateway.connect(&Hello::new(Wire::V3))).collect();
    let from = one.mark();
    assert_eq!(status(&mut one, send("SLOW 5", "shared")), "started");
    for client in &mut clients {
        assert_eq!(status(client, send("SLOW 5", "shared")), "in_flight");
    }
    one.run_end(from, "shared");
    for client in &mut clients {
        assert_eq!(status(client, send("SLOW 5", "shared")), "ok");
    }
    assert_eq!(user_messages(&mut one), 1);
}

fn after_a_kill(backend: Backend) {
    for store in StoreKind::BOTH {
        let gateway = Setup::new(backend).store(store).start();
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        client.chat(SESSION, "done", "hello");
        let gateway = gateway.kill().start();
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        // What was answered before the kill is remembered; the answer's state may be the end of the run or its start.
        let again = status(&mut client, send("hello", "done"));
        assert_eq!(again, "ok", "{store:?}");
        assert_eq!(user_messages(&mut client), 1, "{store:?}");
    }
}

/// Everything in one write: the first starts, the others meet it.
fn a_burst_of_the_same(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = client.mark();
    let ids: Vec<String> = (0..50).map(|_| client.send("chat.send", send("SLOW 3", "burst"))).collect();
    let mut started = 0;
    for id in ids {
        let answer = client.response(from, &id);
        assert_eq!(answer["ok"], true, "{answer:#}");
        started += usize::from(answer["payload"]["status"] == "started");
    }
    assert_eq!(started, 1);
    client.run_end(from, "burst");
    assert_eq!(user_messages(&mut client), 1);
}

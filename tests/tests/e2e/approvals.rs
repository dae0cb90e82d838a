//! Approvals: who is asked, who may decide, what the asker hears, and what a kill leaves.

use std::process::Command;
use std::time::Duration;

use pincer_tests::{
    Backend, Client, Gateway, Hello, Identity, Setup, StoreKind, TOKEN, Wire, gateway_binary, is_event,
    keys_of, on_each_backend, result_of,
};
use serde_json::{Value, json};

on_each_backend!(
    v3_as_recorded,
    v4_without_a_reviewer,
    v4_with_a_reviewer,
    both_wires_together,
    who_is_told,
    late_windows_see_what_waits,
    pending_survives_a_kill,
);

const REQUEST: &str = "exec.approval.request";
const RESOLVE: &str = "exec.approval.resolve";
const WAIT: &str = "exec.approval.waitDecision";
const REQUESTED: &str = "exec.approval.requested";
const RESOLVED: &str = "exec.approval.resolved";

/// A v4 client that shows approvals.
fn reviewer(identity: &Identity) -> Hello {
    Hello::with_identity(Wire::V4, identity.clone()).client("openclaw-tui", "ui").caps(&["exec-approvals"])
}

fn named(mut hello: Hello, name: &str) -> Hello {
    hello.client["displayName"] = name.into();
    hello
}

fn invalid(message: &str) -> (String, String) {
    ("INVALID_REQUEST".to_owned(), message.to_owned())
}

#[track_caller]
fn event(client: &mut Client, name: &str, id: &str) -> Value {
    client.wait(0, |frame| is_event(frame, name) && frame["payload"]["id"] == id)["payload"].clone()
}

fn heard(client: &Client, name: &str) -> usize {
    client.frames.iter().filter(|frame| is_event(frame, name)).count()
}

fn v3_as_recorded(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut asker = gateway.connect(&Hello::new(Wire::V3));
    let mut person = gateway.connect(&named(Hello::new(Wire::V3), "recorder"));
    let asked = asker.send(
        REQUEST,
        json!({"id": "appr-1", "command": "rm -rf /data/x", "cwd": "/data", "host": "gateway",
            "sessionKey": "agent:main:main", "timeoutMs": 60_000}),
    );
    let payload = event(&mut person, REQUESTED, "appr-1");
    assert_eq!(
        payload["request"],
        json!({"command": "rm -rf /data/x", "cwd": "/data", "host": "gateway", "security": null, "ask": null,
            "agentId": null, "resolvedPath": null, "sessionKey": "agent:main:main"})
    );
    assert_eq!(keys_of(&payload), "createdAtMs expiresAtMs id request");
    let (created, expires) =
        (payload["createdAtMs"].as_u64().unwrap(), payload["expiresAtMs"].as_u64().unwrap());
    assert_eq!(expires - created, 60_000);

    assert_eq!(
        person.err(REQUEST, json!({})),
        invalid("invalid exec.approval.request params: must have required property 'command'")
    );
    assert_eq!(
        person.err(REQUEST, json!({"id": "appr-1", "command": "x"})),
        invalid("approval id already pending")
    );
    for (id, decision, message) in
        [("appr-1", "maybe", "invalid decision"), ("nope", "deny", "unknown approval id")]
    {
        assert_eq!(person.err(RESOLVE, json!({"id": id, "decision": decision})), invalid(message));
    }
    assert_eq!(person.ok(RESOLVE, json!({"id": "appr-1", "decision": "allow-once"})), json!({"ok": true}));
    let decided =
        json!({"id": "appr-1", "decision": "allow-once", "createdAtMs": created, "expiresAtMs": expires});
    assert_eq!(result_of(asker.response(0, &asked)), decided);
    let resolved = event(&mut asker, RESOLVED, "appr-1");
    assert_eq!(keys_of(&resolved), "decision id resolvedBy ts");
    assert_eq!((&resolved["decision"], &resolved["resolvedBy"]), (&json!("allow-once"), &json!("recorder")));
    let late = json!({"id": "appr-1", "decision": "deny"});
    assert_eq!(person.err(RESOLVE, late), invalid("unknown approval id"));
    assert_eq!(asker.ok(WAIT, json!({"id": "appr-1"})), decided);

    // In two phases, and nobody decides.
    let from = asker.mark();
    let asked = asker.send(REQUEST, json!({"command": "echo two", "twoPhase": true, "timeoutMs": 1_500}));
    let (at, accepted) = asker.wait_at(from, |frame| frame["id"] == asked.as_str());
    assert_eq!(keys_of(&accepted["payload"]), "createdAtMs expiresAtMs id status");
    assert_eq!(accepted["payload"]["status"], "accepted");
    let id = accepted["payload"]["id"].clone();
    let over = person.ok(WAIT, json!({ "id": id }));
    assert_eq!(keys_of(&over), "createdAtMs decision expiresAtMs id");
    assert_eq!(over["decision"], Value::Null);
    assert_eq!(result_of(asker.response(at + 1, &asked)), over);

    assert_eq!(asker.err(WAIT, json!({"id": "nope"})), invalid("approval expired or not found"));
    assert_eq!(asker.err(WAIT, json!({})), invalid("id is required"));
    for method in ["exec.approval.get", "exec.approval.list"] {
        assert_eq!(asker.err(method, json!({"id": "x"})), invalid(&format!("unknown method: {method}")));
    }
}

fn v4_without_a_reviewer(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut asker = gateway.connect(&Hello::new(Wire::V4));
    // One that could see it but shows it to nobody.
    let mut program = gateway.connect(&Hello::new(Wire::V4).cli());
    for (id, two_phase) in [("appr-1", false), ("appr-2", true)] {
        let params = json!({"id": id, "command": "make", "timeoutMs": 60_000, "twoPhase": two_phase});
        let over = asker.ok(REQUEST, params);
        assert_eq!(keys_of(&over), "createdAtMs decision expiresAtMs id");
        assert_eq!((&over["id"], &over["decision"]), (&json!(id), &Value::Null));
    }
    assert_eq!(asker.ok(WAIT, json!({"id": "appr-2"}))["terminalReason"], "no-route");
    assert_eq!(
        asker.err(REQUEST, json!({"id": "appr-1", "command": "x"})),
        invalid("approval id already pending")
    );
    assert_eq!(asker.err(REQUEST, json!({})), invalid("command is required"));
    let not_found = json!({"reason": "APPROVAL_NOT_FOUND",
        "remediation": "Re-request the action; pending approvals are cleared after expiry or restart."});
    let table = [
        (RESOLVE, "appr-1", "maybe", "invalid decision", Value::Null),
        (RESOLVE, "nope", "deny", "unknown or expired approval id", not_found.clone()),
        (
            RESOLVE,
            "appr-1",
            "allow-once",
            "approval already resolved",
            json!({"reason": "APPROVAL_ALREADY_RESOLVED"}),
        ),
        ("exec.approval.get", "appr-1", "", "unknown or expired approval id", not_found),
    ];
    for (method, id, decision, message, details) in table {
        let params =
            if decision.is_empty() { json!({"id": id}) } else { json!({"id": id, "decision": decision}) };
        let error = asker.call(method, params)["error"].clone();
        assert_eq!((&error["message"], &error["details"]), (&json!(message), &details), "{method} {id}");
    }
    assert_eq!(asker.err(WAIT, json!({"id": "nope"})), invalid("approval expired or not found"));
    assert_eq!(asker.err(WAIT, json!({})), invalid("id is required"));
    assert_eq!(asker.ok("exec.approval.list", json!({})), json!([]));
    program.assert_alive();
    assert_eq!(heard(&program, REQUESTED) + heard(&asker, REQUESTED), 0);
}

fn v4_with_a_reviewer(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut person = gateway.connect(&reviewer(&Identity::new()));
    let mut asker = gateway.connect(&Hello::new(Wire::V4));
    let params = json!({"command": "rm -rf /data/x", "cwd": "/data", "host": "gateway",
        "sessionKey": "agent:main:main", "timeoutMs": 60_000, "twoPhase": true});
    let from = asker.mark();
    let asked = asker.send(REQUEST, params);
    let (at, accepted) = asker.wait_at(from, |frame| frame["id"] == asked.as_str());
    let accepted = &accepted["payload"];
    assert_eq!(
        (&accepted["status"], &accepted["deliveryRoute"]),
        (&json!("accepted"), &json!("approval-client"))
    );
    let id = accepted["id"].as_str().unwrap();
    let shown = event(&mut person, REQUESTED, id);
    assert_eq!(keys_of(&shown), "approvalKind createdAtMs expiresAtMs id request");
    assert_eq!(
        keys_of(&shown["request"]),
        "agentId allowedDecisions ask command commandAnalysis cronExecutionSource cronOperationBinding cwd host \
         nodeId resolvedPath runId scope security sessionId sessionKey systemRunBinding systemRunPlan toolCallId \
         turnSourceAccountId turnSourceChannel turnSourceThreadId turnSourceTo warningText"
    );
    assert_eq!(shown["request"]["command"], "rm -rf /data/x");
    assert_eq!(shown["request"]["allowedDecisions"], json!(["allow-once", "allow-always", "deny"]));
    let listed = person.ok("exec.approval.list", json!({}));
    assert_eq!(listed, json!([shown]));
    let got = person.ok("exec.approval.get", json!({ "id": id[..8] }));
    assert_eq!(
        got,
        json!({"id": id, "commandText": "rm -rf /data/x", "commandPreview": null,
            "allowedDecisions": ["allow-once", "allow-always", "deny"], "host": "gateway", "nodeId": null,
            "agentId": null, "expiresAtMs": shown["expiresAtMs"]})
    );
    let wait = asker.send(WAIT, json!({ "id": id }));
    assert_eq!(person.ok(RESOLVE, json!({"id": id, "decision": "allow-once"})), json!({"ok": true}));
    // The same again is fine, another is not.
    assert_eq!(person.ok(RESOLVE, json!({"id": id, "decision": "allow-once"})), json!({"ok": true}));
    assert_eq!(
        person.err(RESOLVE, json!({"id": id, "decision": "deny"})),
        invalid("approval already resolved")
    );
    let decided = result_of(asker.response(at + 1, &asked));
    assert_eq!(keys_of(&decided), "createdAtMs decision expiresAtMs id");
    assert_eq!(decided["decision"], "allow-once");
    let waited = result_of(asker.response(at + 1, &wait));
    assert_eq!(waited["terminalReason"], "user");
    let resolved = event(&mut person, RESOLVED, id);
    assert_eq!(keys_of(&resolved), "decision id request resolvedBy ts");
    assert_eq!(resolved["resolvedBy"], "openclaw-tui");
    asker.assert_alive();
    assert_eq!(heard(&asker, REQUESTED) + heard(&asker, RESOLVED), 0);

    // Time runs out for one that may wait although nobody else is asked.
    person.close();
    let waits = json!({"command": "make", "timeoutMs": 300, "requireDeliveryRoute": false});
    assert_eq!(asker.ok(REQUEST, waits)["decision"], Value::Null);
}

/// A v3 asker and a v4 reviewer, and the other way round.
fn both_wires_together(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut old = gateway.connect(&Hello::new(Wire::V3).client("gateway-client", "ui"));
    let mut new = gateway.connect(&reviewer(&Identity::new()));
    let asked = old.send(REQUEST, json!({"id": "one", "command": "make", "timeoutMs": 60_000}));
    event(&mut new, REQUESTED, "one");
    new.ok(RESOLVE, json!({"id": "one", "decision": "deny"}));
    assert_eq!(result_of(old.response(0, &asked))["decision"], "deny");
    event(&mut old, RESOLVED, "one");

    // Without the reviewer, the v3 window alone is somebody to ask.
    let asked = new.send(REQUEST, json!({"id": "two", "command": "make", "timeoutMs": 60_000}));
    event(&mut old, REQUESTED, "two");
    old.ok(RESOLVE, json!({"id": "two", "decision": "allow-always"}));
    assert_eq!(result_of(new.response(0, &asked))["decision"], "allow-always");
    assert_eq!(heard(&new, REQUESTED), 1, "not of its own request");
    event(&mut new, RESOLVED, "two");
}

fn who_is_told(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut asker = gateway.connect(&Hello::new(Wire::V3));
    let mut told = Vec::new();
    let mut not_told = Vec::new();
    for wire in Wire::BOTH {
        let hello = || match wire {
            Wire::V3 => Hello::new(wire),
            Wire::V4 => reviewer(&Identity::new()),
        };
        told.push(gateway.connect(&hello().scopes(&["operator.admin"])));
        not_told.push(gateway.connect(&hello().scopes(&["operator.read", "operator.write"])));
    }
    told.push(gateway.connect(&Hello::new(Wire::V3).scopes(&["operator.approvals"])));
    // On v4 another device's request is for admins.
    not_told.push(gateway.connect(&reviewer(&Identity::new()).scopes(&["operator.approvals"])));
    not_told.push(gateway.connect(&Hello::new(Wire::V4)));
    asker.send(REQUEST, json!({"id": "a", "command": "make", "timeoutMs": 60_000}));
    for client in &mut told {
        event(client, REQUESTED, "a");
    }
    for client in &mut not_told {
        client.assert_alive();
        assert_eq!(heard(client, REQUESTED), 0);
    }
    let (code, message) = not_told[0].err(RESOLVE, json!({"id": "a", "decision": "deny"}));
    assert_eq!((code.as_str(), message.as_str()), ("INVALID_REQUEST", "missing scope: operator.approvals"));
    let stranger = not_told[2].err(RESOLVE, json!({"id": "a", "decision": "deny"}));
    assert_eq!(stranger, invalid("unknown or expired approval id"));
    assert_eq!(not_told[2].ok("exec.approval.list", json!({})), json!([]));
}

/// v3 has no list, so a window that opens is told of what waits.
fn late_windows_see_what_waits(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut asker = gateway.connect(&Hello::new(Wire::V3));
    let asked =
        asker.send(REQUEST, json!({"id": "a", "command": "make", "timeoutMs": 60_000, "twoPhase": true}));
    asker.response(0, &asked);
    for _ in 0..3 {
        let mut window = gateway.connect(&Hello::new(Wire::V3).client("gateway-client", "ui"));
        assert_eq!(event(&mut window, REQUESTED, "a")["request"]["command"], "make");
    }
    let mut program = gateway.connect(&Hello::new(Wire::V3));
    program.read_for(Duration::from_millis(100));
    assert_eq!(heard(&program, REQUESTED), 0);
}

/// `pincer ARGS` against a gateway.
fn pincer(gateway: &Gateway, args: &[&str]) -> (bool, String) {
    let url = format!("ws://127.0.0.1:{}", gateway.port);
    let output = Command::new(gateway_binary())
        .args(args)
        .args(["--url", &url, "--token", TOKEN])
        .env("HOME", gateway.setup().home.path())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pending_survives_a_kill(backend: Backend) {
    for store in StoreKind::BOTH {
        let mut gateway = Setup { store, ..Setup::new(backend) }.start();
        let mut asker = gateway.connect(&Hello::new(Wire::V3));
        let params = |id: &str, timeout: u64| json!({"id": id, "command": format!("make {id}"), "timeoutMs": timeout, "twoPhase": true});
        let mut made = Vec::new();
        for (id, timeout) in [("kept-1", 600_000), ("kept-2", 600_000), ("short", 200)] {
            let sent = asker.send(REQUEST, params(id, timeout));
            made.push(result_of(asker.response(0, &sent)));
        }
        gateway = gateway.kill().start();
        let mut admin = gateway.connect(&Hello::new(Wire::V4));
        // What ran out of time meanwhile goes at once; the others have their id and their end.
        let listed = loop {
            let listed = admin.ok("exec.approval.list", json!({}));
            if listed.as_array().unwrap().iter().all(|one| one["id"] != "short") {
                break listed;
            }
        };
        let ends = |of: &Value| (of["id"].clone(), of["createdAtMs"].clone(), of["expiresAtMs"].clone());
        let listed: Vec<_> = listed.as_array().unwrap().iter().map(ends).collect();
        assert_eq!(listed, [ends(&made[0]), ends(&made[1])], "{}", store.name());

        let (done, shown) = pincer(&gateway, &["approvals", "list"]);
        assert!(done && shown.contains("make kept-1") && shown.contains("kept-2"), "{shown}");
        let wait = admin.send(WAIT, json!({"id": "kept-1"}));
        let (done, shown) = pincer(&gateway, &["approvals", "approve", "kept-1"]);
        assert!(done, "{shown}");
        assert_eq!(result_of(admin.response(0, &wait))["decision"], "allow-once");
        let (done, _) = pincer(&gateway, &["approvals", "deny", "kept-2", "--json"]);
        assert!(done);
        let (done, _) = pincer(&gateway, &["approvals", "deny", "nothing"]);
        assert!(!done);
        // A decision that was answered is on disk.
        gateway = gateway.kill().start();
        let mut admin = gateway.connect(&Hello::new(Wire::V4));
        assert_eq!(admin.ok("exec.approval.list", json!({})), json!([]));
        assert_eq!(admin.ok(WAIT, json!({"id": "kept-2"}))["decision"], "deny");
        let (_, shown) = pincer(&gateway, &["approvals", "list"]);
        assert_eq!(shown.trim(), "nothing waits for a person");
    }
}

//! Frames after `connect`: what is answered, what is refused, what is ignored.

use std::time::Duration;

use pincer_tests::{Backend, Client, Gateway, Hello, Wire, on_each_backend};
use serde_json::{Value, json};
use tungstenite::Message;

on_each_backend!(odd_frames, unknown_and_second_connect, scopes, roles, params_forms, same_id_twice);

const INVALID: &str = "INVALID_REQUEST";

/// A frame, and the id and message of its answer on v3 and v4; `None`: no answer.
type OddFrame = (&'static str, Option<(Value, &'static str, &'static str)>);

fn odd_frames(backend: Backend) {
    let invalid = || json!("invalid");
    let rows: Vec<OddFrame> = vec![
        ("{oops", None),
        ("", None),
        (
            r#"{"type":"req","id":"m1"}"#,
            Some((
                json!("m1"),
                "must have required property 'method'",
                "must have required property 'method'",
            )),
        ),
        (
            r#"{"type":"req","id":"m2","method":"health","foo":1}"#,
            Some((json!("m2"), "at root: unexpected property 'foo'", "at root: unexpected property 'foo'")),
        ),
        (
            r#"{"type":"req","id":7,"method":"health"}"#,
            Some((json!(7), "at /id: must be string", "at /id: must be string")),
        ),
        (
            r#"{"type":"event","event":"x"}"#,
            Some((
                invalid(),
                "must have required property 'id'; must have required property 'method'; at root: unexpected property \
                 'event'; at /type: must be equal to constant",
                "must have required property 'id'; at root: unexpected property 'event'; at /type: must be equal to \
                 constant",
            )),
        ),
        (
            r#"{"type":"res","id":"q","ok":true}"#,
            Some((
                json!("q"),
                "must have required property 'method'; at root: unexpected property 'ok'; at /type: must be equal to \
                 constant",
                "must have required property 'method'; at root: unexpected property 'ok'; at /type: must be equal to \
                 constant",
            )),
        ),
        (
            r#"{"type":"req","id":"","method":"health"}"#,
            Some((
                json!(""),
                "at /id: must NOT have fewer than 1 characters",
                "at /id: must not have fewer than 1 characters",
            )),
        ),
        ("null", Some((invalid(), "must be object", "must be object"))),
        ("[]", Some((invalid(), "must be object", "must be object"))),
        ("7", Some((invalid(), "must be object", "must be object"))),
    ];
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        for (frame, expected) in &rows {
            let from = client.mark();
            client.send_text(frame);
            if let Some((id, v3, v4)) = expected {
                let answer = client.wait(from, |frame| frame["type"] == "res");
                let message = format!("invalid request frame: {}", if wire == Wire::V3 { v3 } else { v4 });
                assert_eq!(
                    (&answer["id"], &answer["ok"], &answer["error"]["code"], &answer["error"]["message"]),
                    (id, &json!(false), &json!(INVALID), &json!(message)),
                    "{wire:?} {frame}"
                );
            }
            // Ignored or refused, it is still there, and nothing else was said.
            client.assert_alive();
            let answers = client.frames[from..].iter().filter(|frame| frame["type"] == "res").count();
            assert_eq!(answers, 1 + usize::from(expected.is_some()), "{wire:?} {frame}");
        }
        // The same JSON in a binary frame is a request.
        let from = client.mark();
        client.send_message(Message::binary(br#"{"type":"req","id":"b","method":"health"}"#.to_vec()));
        assert_eq!(client.response(from, "b")["ok"], true);
    }
}

fn unknown_and_second_connect(backend: Backend) {
    let gateway = Gateway::start(backend);
    let forbidden = |wire| if wire == Wire::V3 { INVALID } else { "FORBIDDEN" };
    for wire in Wire::BOTH {
        let mut admin = gateway.connect(&Hello::new(wire));
        let second = "connect is only valid as the first request";
        assert_eq!(
            admin.err("no.such.method", json!({})),
            (INVALID.into(), "unknown method: no.such.method".into())
        );
        assert_eq!(admin.err("connect", json!({})), (INVALID.into(), second.into()));
        admin.assert_alive();
        // Without the scope nobody learns which methods exist.
        let mut reader = gateway.connect(&Hello::new(wire).scopes(&["operator.read"]));
        let missing = (forbidden(wire).to_owned(), "missing scope: operator.admin".to_owned());
        assert_eq!(reader.err("no.such.method", json!({})), missing);
        assert_eq!(reader.err("connect", json!({})), missing);
        reader.assert_alive();
    }
}

/// What the holder of some scopes may call: `""`: it passes; else the scope that is missing.
fn scopes(backend: Backend) {
    let gateway = Gateway::start(backend);
    let send = json!({"sessionKey": "main", "message": "hi", "idempotencyKey": "scopes"});
    let rows: &[(&[&str], &str, Value, &str)] = &[
        (&[], "health", json!({}), ""),
        (&[], "status", json!({}), "operator.read"),
        (&[], "sessions.list", json!({}), "operator.read"),
        (&["operator.read"], "sessions.list", json!({}), ""),
        (&["operator.write"], "sessions.list", json!({}), ""),
        (&["operator.admin"], "sessions.list", json!({}), ""),
        (&["operator.read"], "chat.send", send.clone(), "operator.write"),
        (&["operator.read"], "chat.abort", json!({"sessionKey": "main"}), "operator.write"),
        (&["operator.read"], "device.pair.list", json!({}), "operator.pairing"),
        (&["operator.pairing"], "device.pair.list", json!({}), ""),
        (&["operator.pairing"], "sessions.list", json!({}), "operator.read"),
        (&["operator.write"], "sessions.delete", json!({"key": "x"}), "operator.admin"),
        (&["operator.write"], "chat.inject", json!({"sessionKey": "main", "message": "x"}), "operator.admin"),
    ];
    for wire in Wire::BOTH {
        for (held, method, params, missing) in rows {
            let mut client = gateway.connect(&Hello::new(wire).scopes(held));
            let response = client.call(method, params.clone());
            let about = format!("{wire:?} {held:?} {method}: {response:#}");
            if missing.is_empty() {
                assert_eq!(response["ok"], true, "{about}");
                continue;
            }
            let error = &response["error"];
            assert_eq!(error["message"], format!("missing scope: {missing}"), "{about}");
            if wire == Wire::V3 {
                assert_eq!((&error["code"], error.get("details")), (&json!(INVALID), None), "{about}");
            } else {
                let details =
                    json!({"code": "MISSING_SCOPE", "missingScope": missing, "requiredScopes": [missing]});
                assert_eq!((&error["code"], &error["details"]), (&json!("FORBIDDEN"), &details), "{about}");
            }
        }
        // sessions.patch: admin on v3, write is enough on v4 for most fields.
        let mut writer = gateway.connect(&Hello::new(wire).scopes(&["operator.write"]));
        let patched =
            writer.call("sessions.patch", json!({"key": "agent:main:scopes", "label": format!("{wire:?}")}));
        assert_eq!(patched["ok"], wire == Wire::V4, "{patched:#}");
    }
    // v3 without a device has no scopes, whatever it asks for; v4's own programs keep them.
    for (wire, passes) in [(Wire::V3, false), (Wire::V4, true)] {
        for hello in [Hello::without_device(wire), Hello::without_device(wire).cli()] {
            let mut client = gateway.connect(&hello);
            assert_eq!(client.call("status", json!({}))["ok"], passes, "{wire:?}");
            client.assert_alive();
        }
        let mut test = gateway.connect(&Hello::without_device(wire).client("test", "test"));
        assert_eq!(test.call("status", json!({}))["ok"], false, "{wire:?}");
    }
}

fn roles(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut node = gateway.connect(&Hello::new(wire).node());
        let refused = |role: &str| (INVALID.to_owned(), format!("unauthorized role: {role}"));
        assert_eq!(node.err("status", json!({})), refused("node"));
        assert_eq!(node.err("chat.send", json!({})), refused("node"));
        node.assert_alive();
    }
}

fn params_forms(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        client.ok("sessions.list", Value::Null);
        let from = client.mark();
        client.send_text(r#"{"type":"req","id":"none","method":"sessions.list"}"#);
        assert_eq!(client.response(from, "none")["ok"], true);
        for params in [json!("x"), json!([]), json!(7)] {
            let refused = (INVALID.to_owned(), "invalid sessions.list params: must be object".to_owned());
            assert_eq!(client.err("sessions.list", params), refused);
        }
    }
}

fn same_id_twice(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client: Client = gateway.connect(&Hello::new(Wire::V4));
    let from = client.mark();
    let frame = r#"{"type":"req","id":"twice","method":"health","params":{}}"#;
    client.send_text(frame);
    client.send_text(frame);
    client.read_for(Duration::from_millis(500));
    let answers = client.frames[from..].iter().filter(|frame| frame["id"] == "twice").count();
    assert_eq!(answers, 2);
}

//! `connect`: every check of the server, in its order, on both wires.

use std::time::{Duration, Instant};

use pincer_tests::{
    Client, Closed, Gateway, Hello, Identity, Layout, Nonce, Setup, Upgrade, Wire, on_each_backend,
};
use serde_json::{Value, json};
use tungstenite::Message;

on_each_backend!(
    accepted_and_refused,
    first_frames,
    protocol_ranges,
    silence_times_out,
    upgrades,
    hello_v3_has_every_key,
    hello_v4_has_every_key,
    password_mode,
    challenges_differ,
);

/// What comes of a `connect`.
#[derive(Debug, Clone)]
enum Answer {
    /// hello-ok.
    Ok,
    /// An error with this code and message, then close 1008 with the message as its reason.
    Refused(&'static str, &'static str),
    /// The same, with these details.
    Detailed(&'static str, &'static str, Value),
}

use Answer::{Detailed, Ok as Accepted, Refused};

const INVALID: &str = "INVALID_REQUEST";
const UNPAIRED: &str = "NOT_PAIRED";
const ORIGIN: &str = "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";
const CONTROL_UI_DEVICE: &str = "control ui requires device identity (use HTTPS or localhost secure context)";

/// One row: what is sent, and what each wire makes of it.
struct Row {
    name: &'static str,
    /// From what an operator with everything sends, made for the wire.
    hello: fn(Hello) -> Hello,
    /// Changes the params after they are signed.
    tamper: fn(&mut Value),
    headers: &'static [(&'static str, &'static str)],
    v3: Answer,
    v4: Answer,
}

fn row(name: &'static str, hello: fn(Hello) -> Hello, v3: Answer, v4: Answer) -> Row {
    Row { name, hello, tamper: |_| {}, headers: &[], v3, v4 }
}

fn tampered(name: &'static str, tamper: fn(&mut Value), v3: Answer, v4: Answer) -> Row {
    Row { name, hello: |hello| hello, tamper, headers: &[], v3, v4 }
}

fn bare(hello: Hello) -> Hello {
    Hello { device: None, ..hello }
}

fn same(code: &'static str, message: &'static str) -> (Answer, Answer) {
    (Refused(code, message), Refused(code, message))
}

fn both(name: &'static str, tamper: fn(&mut Value), (v3, v4): (Answer, Answer)) -> Row {
    tampered(name, tamper, v3, v4)
}

fn rows() -> Vec<Row> {
    let mut rows = shape();
    rows.extend(origins());
    rows.extend(devices());
    rows.extend(secrets());
    rows
}

/// Checks 4 to 6: the params themselves.
fn shape() -> Vec<Row> {
    let anything = |name, tamper, v3, v4| tampered(name, tamper, Refused(INVALID, v3), Refused(INVALID, v4));
    vec![
        row("shared token and device", |h| h, Accepted, Accepted),
        anything(
            "unknown client id",
            |p| p["client"]["id"] = "my-app".into(),
            "invalid connect params: at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf",
            "invalid connect params: at /client/id: must be equal to one of the allowed values",
        ),
        anything(
            "unknown client mode",
            |p| p["client"]["mode"] = "robot".into(),
            "invalid connect params: at /client/mode: must be equal to constant; at /client/mode: must match a schema in anyOf",
            "invalid connect params: at /client/mode: must be equal to one of the allowed values",
        ),
        both(
            "no client version",
            |p| drop(p["client"].as_object_mut().unwrap().remove("version")),
            same(INVALID, "invalid connect params: at /client: must have required property 'version'"),
        ),
        both(
            "no client platform",
            |p| drop(p["client"].as_object_mut().unwrap().remove("platform")),
            same(INVALID, "invalid connect params: at /client: must have required property 'platform'"),
        ),
        both(
            "no client",
            |p| drop(p.as_object_mut().unwrap().remove("client")),
            same(INVALID, "invalid connect params: must have required property 'client'"),
        ),
        both(
            "a property nobody knows",
            |p| p["bogus"] = 1.into(),
            same(INVALID, "invalid connect params: at root: unexpected property 'bogus'"),
        ),
        both(
            "another in auth",
            |p| p["auth"]["bogus"] = "x".into(),
            same(INVALID, "invalid connect params: at /auth: unexpected property 'bogus'"),
        ),
        tampered(
            "auth.deviceToken, which v3 does not know",
            |p| p["auth"]["deviceToken"] = "x".into(),
            Refused(INVALID, "invalid connect params: at /auth: unexpected property 'deviceToken'"),
            Accepted,
        ),
        anything(
            "an empty role",
            |p| p["role"] = "".into(),
            "invalid connect params: at /role: must NOT have fewer than 1 characters",
            "invalid connect params: at /role: must not have fewer than 1 characters",
        ),
        both("a role nobody has", |p| p["role"] = "admin".into(), same(INVALID, "invalid role")),
        row("scopes nobody knows", |h| h.scopes(&["operator.bogus"]), Accepted, Accepted),
        row("no scopes", |h| h.scopes(&[]), Accepted, Accepted),
    ]
}

/// Checks 7 and 8: browsers.
fn origins() -> Vec<Row> {
    let reason = |reason: &str| json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": reason});
    let ui: fn(Hello) -> Hello = |h| h.client("openclaw-control-ui", "webchat");
    let evil: &[(&str, &str)] = &[("Origin", "https://evil.example")];
    vec![
        row(
            "control UI without an origin",
            ui,
            Refused(INVALID, ORIGIN),
            Detailed(INVALID, ORIGIN, reason("origin missing or invalid")),
        ),
        Row {
            headers: evil,
            ..row(
                "control UI from a foreign origin",
                ui,
                Refused(INVALID, ORIGIN),
                Detailed(INVALID, ORIGIN, reason("origin not allowed")),
            )
        },
        Row {
            headers: evil,
            ..row(
                "another client from a foreign origin",
                |h| h,
                Accepted,
                Detailed(INVALID, ORIGIN, reason("origin not allowed")),
            )
        },
        Row {
            // The test puts the gateway's own origin here; see `connect`.
            headers: &[("Origin", "self")],
            ..row(
                "control UI without a device",
                |h| bare(h.client("openclaw-control-ui", "webchat")),
                Refused(INVALID, CONTROL_UI_DEVICE),
                Detailed(INVALID, CONTROL_UI_DEVICE, json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"})),
            )
        },
        Row {
            headers: &[("Origin", "self")],
            ..row("webchat from here", |h| h.client("webchat-ui", "webchat"), Accepted, Accepted)
        },
    ]
}

/// Checks 9 and 10: devices.
fn devices() -> Vec<Row> {
    let device =
        |name, hello: fn(Hello) -> Hello, tamper: fn(&mut Value), message, code: &str, reason: &str| Row {
            tamper,
            ..row(
                name,
                hello,
                Refused(INVALID, message),
                Detailed(INVALID, message, json!({"code": code, "reason": reason})),
            )
        };
    let expired = "device signature expired";
    let stale = ("DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale");
    vec![
        row(
            "neither device nor secret",
            |h| bare(h).auth(Value::Null),
            Refused(UNPAIRED, "device identity required"),
            Detailed(UNPAIRED, "device identity required", json!({"code": "DEVICE_IDENTITY_REQUIRED"})),
        ),
        row(
            "a node without a device",
            |h| bare(h.node()),
            Accepted,
            Detailed(UNPAIRED, "device identity required", json!({"code": "DEVICE_IDENTITY_REQUIRED"})),
        ),
        row("a node with one", Hello::node, Accepted, Accepted),
        device(
            "a device id of another key",
            |h| h,
            |p| p["device"]["id"] = Identity::new().id().into(),
            "device identity mismatch",
            "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-id-mismatch",
        ),
        device(
            "no key at all",
            |h| h,
            |p| p["device"]["publicKey"] = "!!!!".into(),
            "device identity mismatch",
            "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-id-mismatch",
        ),
        device(
            "signed 20 minutes ago",
            |h| h.device(|d| d.signed_at = -20 * 60_000),
            |_| {},
            expired,
            stale.0,
            stale.1,
        ),
        device(
            "signed in 20 minutes",
            |h| h.device(|d| d.signed_at = 20 * 60_000),
            |_| {},
            expired,
            stale.0,
            stale.1,
        ),
        row(
            "signed three minutes ago",
            |h| h.device(|d| d.signed_at = -3 * 60_000),
            Accepted,
            Detailed(INVALID, expired, json!({"code": stale.0, "reason": stale.1})),
        ),
        row(
            "no nonce, on loopback",
            |h| {
                h.device(|d| {
                    d.nonce = Nonce::Absent;
                    d.layout = Layout::V1;
                })
            },
            Accepted,
            Refused(INVALID, "invalid connect params: at /device: must have required property 'nonce'"),
        ),
        device(
            "another nonce",
            |h| h.device(|d| d.nonce = Nonce::Text("nope")),
            |_| {},
            "device nonce mismatch",
            "DEVICE_AUTH_NONCE_MISMATCH",
            "device-nonce-mismatch",
        ),
        device(
            "another's signature",
            |h| h,
            |p| p["device"]["signature"] = Identity::new().sign("something").into(),
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
        ),
        device(
            "scopes changed after signing",
            |h| h.scopes(&["operator.read"]),
            |p| p["scopes"] = json!(["operator.admin"]),
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
        ),
        row("layout v2", |h| h.device(|d| d.layout = Layout::V2), Accepted, Accepted),
        row(
            "layout v3",
            |h| h.device(|d| d.layout = Layout::V3),
            Refused(INVALID, "device signature invalid"),
            Accepted,
        ),
        row("signed a minute ago", |h| h.device(|d| d.signed_at = -60_000), Accepted, Accepted),
    ]
}

/// Checks 11 and 12: the shared secret.
fn secrets() -> Vec<Row> {
    let mismatch = |hint: &'static str, retry: bool| {
        let next = if retry { "retry_with_device_token" } else { "update_auth_credentials" };
        Detailed(
            INVALID,
            hint,
            json!({
                "code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch",
                "canRetryWithDeviceToken": retry, "recommendedNextStep": next,
            }),
        )
    };
    let missing = |hint: &'static str| {
        Detailed(
            INVALID,
            hint,
            json!({
                "code": "AUTH_TOKEN_MISSING", "authReason": "token_missing",
                "canRetryWithDeviceToken": false, "recommendedNextStep": "update_auth_configuration",
            }),
        )
    };
    let wrong: fn(Hello) -> Hello = |h| h.auth(json!({"token": "wrong"}));
    const MISMATCH: &str = "unauthorized: gateway token mismatch (provide gateway auth token)";
    const MISSING: &str = "unauthorized: gateway token missing (provide gateway auth token)";
    vec![
        row(
            "wrong token, device",
            wrong,
            Refused(INVALID, "unauthorized: device token mismatch (rotate/reissue device token)"),
            mismatch(MISMATCH, true),
        ),
        row(
            "wrong token, no device",
            |h| bare(h.auth(json!({"token": "wrong"}))),
            Refused(INVALID, MISMATCH),
            mismatch(MISMATCH, false),
        ),
        row(
            "wrong token, the command line",
            |h| bare(h.cli().auth(json!({"token": "wrong"}))),
            Refused(
                INVALID,
                "unauthorized: gateway token mismatch (set gateway.remote.token to match gateway.auth.token)",
            ),
            mismatch(
                "unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)",
                false,
            ),
        ),
        row("no token, device", |h| h.auth(Value::Null), Refused(INVALID, MISSING), missing(MISSING)),
        row(
            "the token as a password",
            |h| bare(h.auth(json!({"password": pincer_tests::TOKEN}))),
            Refused(INVALID, MISSING),
            Accepted,
        ),
    ]
}

fn accepted_and_refused(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        for row in rows() {
            let expected = if wire == Wire::V3 { &row.v3 } else { &row.v4 };
            check(&gateway, wire, &row, expected);
        }
    }
}

#[track_caller]
fn check(gateway: &Gateway, wire: Wire, row: &Row, expected: &Answer) {
    let origin = format!("http://127.0.0.1:{}", gateway.port);
    let headers: Vec<(&str, &str)> = row
        .headers
        .iter()
        .map(|(name, value)| (*name, if *value == "self" { &*origin } else { value }))
        .collect();
    let mut client =
        Client::open_with(gateway.port, &Upgrade { headers: &headers, ..Upgrade::default() }).unwrap();
    let mut params = (row.hello)(Hello::new(wire)).params(&client.nonce());
    (row.tamper)(&mut params);
    let response = client.call("connect", params);
    let about = format!("{:?}, {}: {response:#}", wire, row.name);
    let (code, message, details) = match expected {
        Accepted => {
            assert_eq!(response["payload"]["type"], "hello-ok", "{about}");
            assert_eq!(response["payload"]["protocol"], wire.number(), "{about}");
            client.assert_alive();
            return;
        }
        Refused(code, message) => (*code, *message, None),
        Detailed(code, message, details) => (*code, *message, Some(details)),
    };
    assert_eq!(response["ok"], false, "{about}");
    assert_eq!(
        (&response["error"]["code"], &response["error"]["message"]),
        (&json!(code), &json!(message)),
        "{about}"
    );
    if let Some(details) = details {
        for (name, value) in details.as_object().unwrap() {
            assert_eq!(&response["error"]["details"][name], value, "details.{name} of {about}");
        }
    }
    // A reason has room for 123 bytes.
    let reason = message[..message.floor_char_boundary(message.len().min(123))].to_owned();
    assert_eq!(client.closed(), Closed { code: 1008, reason }, "{about}");
}

fn first_frames(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    let closed = |code, reason: &str| Closed { code, reason: reason.to_owned() };
    let invalid = closed(1008, "invalid request frame");
    let rows = [
        (r#"{"type":"#, closed(1000, "")),
        (r#"{"type":"hello","id":"x"}"#, invalid.clone()),
        (r#"{"type":"req","method":"connect","params":{}}"#, invalid.clone()),
        ("[1,2]", invalid.clone()),
        ("null", invalid.clone()),
    ];
    for (text, expected) in rows {
        let mut client = Client::open(gateway.port);
        client.nonce();
        client.send_text(text);
        assert_eq!(client.closed(), expected, "{text}");
        assert_eq!(client.frames.len(), 1, "{text}: only the challenge came: {:?}", client.frames);
    }

    let mut client = Client::open(gateway.port);
    let message = "invalid handshake: first request must be connect";
    assert_eq!(client.err("health", json!({})), (INVALID.to_owned(), message.to_owned()));
    assert_eq!(client.closed(), closed(1008, message));

    let mut client = Client::open(gateway.port);
    let message = "invalid connect params: must be object";
    assert_eq!(client.err("connect", Value::Null), (INVALID.to_owned(), message.to_owned()));
    assert_eq!(client.closed(), closed(1008, message));

    // Binary frames carry the same JSON.
    let mut client = Client::open(gateway.port);
    let params = Hello::new(Wire::V4).params(&client.nonce());
    let frame = json!({"type": "req", "id": "b", "method": "connect", "params": params}).to_string();
    client.send_message(Message::binary(frame.into_bytes()));
    assert_eq!(client.response(0, "b")["payload"]["type"], "hello-ok");

    // Before connect a frame has 64 KiB on either wire.
    let mut client = Client::open(gateway.port);
    client.nonce();
    client.send_text(&format!(
        r#"{{"type":"req","id":"x","method":"connect","params":{{"pad":"{}"}}}}"#,
        "x".repeat(70_000)
    ));
    assert_eq!(client.closed().code, 1009);
}

/// One port speaks both; the highest version in the client's range wins.
fn protocol_ranges(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    for (range, spoken) in [
        ((3, 3), Some(3)),
        ((4, 4), Some(4)),
        ((3, 4), Some(4)),
        ((1, 99), Some(4)),
        ((1, 3), Some(3)),
        ((1, 1), None),
        ((99, 99), None),
        ((5, 3), None),
        ((1, 2), None),
    ] {
        let mut client = Client::open(gateway.port);
        // Signed in the layout that both take.
        let hello = Hello { range, ..Hello::new(Wire::V4).device(|d| d.layout = Layout::V2) };
        let response = client.hello(&hello);
        match spoken {
            Some(version) => assert_eq!(response["payload"]["protocol"], version, "{range:?}"),
            None => {
                assert_eq!(response["error"]["code"], INVALID, "{range:?}");
                assert_eq!(response["error"]["message"], "protocol mismatch", "{range:?}");
                assert!(response["error"]["details"]["expectedProtocol"].is_u64(), "{response:#}");
                let closed = Closed { code: 1002, reason: "protocol mismatch".to_owned() };
                assert_eq!(client.closed(), closed, "{range:?}");
            }
        }
    }
}

fn silence_times_out(backend: pincer_tests::Backend) {
    let gateway = Setup::new(backend).env("OPENCLAW_HANDSHAKE_TIMEOUT_MS", "600").start();
    let mut client = Client::open(gateway.port);
    let since = Instant::now();
    assert_eq!(client.closed(), Closed { code: 1000, reason: String::new() });
    assert!(since.elapsed() >= Duration::from_millis(500), "closed early, after {:?}", since.elapsed());
    // Somebody who has connected stays.
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    client.read_for(Duration::from_millis(1200));
    client.assert_alive();
}

fn upgrades(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    for path in ["/", "/ws", "/gateway", "/foo/bar", "/__openclaw__/ws", "/?x=1"] {
        let mut client = Client::open_with(gateway.port, &Upgrade { path, ..Upgrade::default() }).unwrap();
        client.nonce();
    }
    let offers = [
        ("Sec-WebSocket-Protocol", "openclaw-v4, other"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ];
    // tungstenite refuses an answer with a subprotocol it did not offer, so what is echoed is one of these.
    let client =
        Client::open_with(gateway.port, &Upgrade { headers: &offers, ..Upgrade::default() }).unwrap();
    let header =
        |name: &str| client.upgraded.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("sec-websocket-protocol").as_deref(), Some("openclaw-v4"));
    assert_eq!(header("sec-websocket-extensions"), None);

    let mut client = Client::open(gateway.port);
    client.send_message(Message::Ping("hi".into()));
    client.nonce();
    client.wait_within(Duration::from_secs(1), 0, |_| false);
    assert_eq!(client.pongs, [b"hi".to_vec()]);
}

fn keys(of: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = of.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
fn assert_keys(of: &Value, wanted: &str) {
    let have = keys(of);
    let lacking: Vec<&str> = wanted.split(' ').filter(|key| !have.contains(key)).collect();
    assert!(lacking.is_empty(), "{lacking:?} are missing from {of:#}");
}

fn hello_v3_has_every_key(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    let mut client = Client::open(gateway.port);
    let hello = pincer_tests::result_of(client.hello(&Hello::new(Wire::V3)));
    assert_keys(&hello, "type protocol server features snapshot auth policy");
    assert_keys(&hello["server"], "version host connId");
    assert_keys(&hello["features"], "methods events");
    assert_keys(
        &hello["snapshot"],
        "presence health stateVersion uptimeMs configPath stateDir sessionDefaults authMode",
    );
    assert_keys(&hello["snapshot"]["sessionDefaults"], "defaultAgentId mainKey mainSessionKey scope");
    assert_keys(&hello["snapshot"]["stateVersion"], "presence health");
    let auth = &hello["auth"];
    assert_keys(auth, "deviceToken role scopes issuedAtMs");
    assert_eq!(auth["deviceToken"].as_str().unwrap().len(), 43, "32 bytes in base64url");
    let sorted = json!([
        "operator.admin",
        "operator.approvals",
        "operator.pairing",
        "operator.read",
        "operator.write"
    ]);
    assert_eq!((&auth["role"], &auth["scopes"]), (&json!("operator"), &sorted));
    assert_eq!(
        hello["policy"],
        json!({"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000})
    );
    let own =
        hello["snapshot"]["presence"].as_array().unwrap().iter().find(|entry| entry["mode"] == "gateway");
    assert_keys(own.expect("the gateway is present"), "host ip version platform mode reason text ts");
    // The health event follows.
    let health = client.wait(0, |frame| pincer_tests::is_event(frame, "health"));
    assert_keys(&health, "seq stateVersion payload");
}

fn hello_v4_has_every_key(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    let mut client = Client::open(gateway.port);
    let challenge = client.wait(0, |frame| pincer_tests::is_event(frame, "connect.challenge"));
    assert_keys(&challenge["payload"], "nonce ts capabilities");
    assert_eq!(challenge.get("seq"), None);
    let hello = pincer_tests::result_of(client.hello(&Hello::new(Wire::V4).cli()));
    assert_keys(&hello, "type protocol server features snapshot auth policy");
    // No `buildId`: a Control UI that reads a foreign one reloads itself.
    assert_keys(&hello["server"], "version bootId connId");
    assert_keys(&hello["features"], "methods events capabilities");
    assert_keys(
        &hello["snapshot"],
        "presence health stateVersion uptimeMs suspension appliedConfigHash sessionDefaults",
    );
    assert_keys(
        &hello["snapshot"]["sessionDefaults"],
        "defaultAgentId mainKey mainSessionKey scope modelConfigured ownership selectionRequired",
    );
    assert_eq!(hello["snapshot"]["suspension"]["phase"], "accepting");
    assert_keys(&hello["auth"], "method role scopes deviceToken issuedAtMs");
    assert_eq!(hello["auth"]["method"], "token");
    assert_eq!(hello["auth"]["scopes"], json!(pincer_tests::ALL_SCOPES), "in the order asked for");
    assert_keys(&hello["policy"], "maxPayload maxBufferedBytes tickIntervalMs attachments");
    let health = client.wait(0, |frame| pincer_tests::is_event(frame, "health"));
    assert_eq!(health["seq"], 1, "v4 counts per connection");

    // A backend gets no device token, somebody without operator.read sees nobody.
    let mut client = Client::open(gateway.port);
    let hello = pincer_tests::result_of(client.hello(&Hello::new(Wire::V4).scopes(&["operator.pairing"])));
    assert_eq!(hello["auth"].get("deviceToken"), None);
    assert_eq!(hello["snapshot"]["presence"], json!([]));
}

fn password_mode(backend: pincer_tests::Backend) {
    let config = json!({"gateway": {"auth": {"mode": "password", "password": "a long enough password"}}});
    let gateway = Setup { token: None, ..Setup::new(backend) }.config(config).start();
    for wire in Wire::BOTH {
        let with = |auth: Value| Hello::without_device(wire).auth(auth);
        gateway.connect(&with(json!({"password": "a long enough password"})));
        let mut client = Client::open(gateway.port);
        let refused = client.hello(&with(json!({"password": "wrong"})));
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("unauthorized: gateway password mismatch ("), "{message}");
        assert_eq!(client.closed().code, 1008);
    }
}

fn challenges_differ(backend: pincer_tests::Backend) {
    let gateway = Gateway::start(backend);
    let nonces: std::collections::BTreeSet<String> =
        (0..50).map(|_| Client::open(gateway.port).nonce()).collect();
    assert_eq!(nonces.len(), 50);
    for nonce in nonces {
        let shape: String = nonce.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "a UUID: {nonce}");
        assert_eq!(nonce.as_bytes()[14], b'4');
    }
}

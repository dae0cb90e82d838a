//! Every rejection on both wires, and what passes. The sentences are those that the recorded gateways said.

mod admission;
mod lawful;
mod limits;

use pincer_protocol::Wire::{self, V3, V4};
use pincer_protocol::connect::AuthMode;
use serde_json::{Value, json};

use super::testing::{ALL, Client, Device, NONCE, NOW, knock, policy, public_key_pem};
use super::{AuthPolicy, Decision, Network, SecretDigest};
use crate::limiter::{AuthLimiter, AuthLimits};

/// The client is answered with this error and closed with 1008 and the same text.
#[track_caller]
fn refused(client: &Client, policy: &AuthPolicy, code: &str, message: &str, details: Value) {
    let (error, close, reason) = client.refused(policy);
    let error = serde_json::to_value(error).unwrap();
    assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(message)));
    assert_eq!(error.get("details").unwrap_or(&Value::Null), &details, "details of {message}");
    assert_eq!((close, reason.as_str()), (1008, pincer_protocol::connect::close_reason(message)));
}

const INVALID: &str = "INVALID_REQUEST";
const ORIGIN: &str = "origin not allowed (open the Control UI from the gateway host or allow it in \
                      gateway.controlUi.allowedOrigins)";

#[track_caller]
fn closed(frame: &str, code: u16, reason: &str) {
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    match knock(frame, "127.0.0.1", &[], &policy(), &mut limiter, NOW) {
        Decision::Reject(rejection) => {
            assert_eq!(rejection.response, None, "{frame}");
            assert_eq!((rejection.close_code, rejection.close_reason.as_str()), (code, reason), "{frame}");
        }
        other => panic!("{frame}: {other:?}"),
    }
}

#[test]
fn rows_1_and_2_no_request() {
    for frame in [r#"{"type":"#, "", "{oops", "nul"] {
        closed(frame, 1000, "");
    }
    for frame in [
        r#"{"type":"hello","id":"x"}"#,
        r#"{"type":"req","method":"connect","params":{}}"#,
        "[1,2]",
        "null",
        "7",
        r#"{"type":"req","id":"","method":"connect"}"#,
    ] {
        closed(frame, 1008, "invalid request frame");
    }
}

#[track_caller]
fn answered(frame: &str, id: &str, message: &str) {
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    match knock(frame, "127.0.0.1", &[], &policy(), &mut limiter, NOW) {
        Decision::Reject(rejection) => {
            let (got, error) = rejection.response.unwrap();
            assert_eq!(got, pincer_protocol::frame::RequestId::Text(id.into()));
            assert_eq!((error.message.as_ref(), error.details), (message, None));
            assert_eq!(rejection.close_code, 1008);
            assert_eq!(rejection.close_reason, pincer_protocol::connect::close_reason(message));
        }
        other => panic!("{frame}: {other:?}"),
    }
}

#[test]
fn rows_3_and_4_no_good_connect() {
    answered(
        r#"{"type":"req","id":"x","method":"health","params":{}}"#,
        "x",
        "invalid handshake: first request must be connect",
    );
    answered(r#"{"type":"req","id":"x","method":"connect"}"#, "x", "invalid connect params: must be object");
    let pad =
        format!(r#"{{"type":"req","id":"x","method":"connect","params":{{"pad":"{}"}}}}"#, "x".repeat(7_000));
    answered(
        &pad,
        "x",
        "invalid connect params: must have required property 'minProtocol'; must have required property \
         'maxProtocol'; must have required property 'client'; at root: unexpected property 'pad'",
    );
    let unknown = Client { id: "my-app", ..Client::new(V3) };
    refused(
        &unknown,
        &policy(),
        INVALID,
        "invalid connect params: at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf",
        Value::Null,
    );
    refused(
        &Client { wire: V4, range: (4, 4), ..unknown },
        &policy(),
        INVALID,
        "invalid connect params: at /client/id: must be equal to one of the allowed values",
        Value::Null,
    );
    let no_nonce = Client::cli(V4).device(1).with_device(|device| device.nonce = None);
    refused(
        &no_nonce,
        &policy(),
        INVALID,
        "invalid connect params: at /device: must have required property 'nonce'",
        Value::Null,
    );
}

#[test]
fn row_5_no_common_protocol() {
    for (range, details) in [
        ((1, 1), json!({"expectedProtocol": 3})),
        ((5, 3), json!({"expectedProtocol": 3})),
        (
            (99, 99),
            json!({"code": "PROTOCOL_MISMATCH", "clientMinProtocol": 99, "clientMaxProtocol": 99,
                   "expectedProtocol": 4, "minimumProbeProtocol": 3}),
        ),
    ] {
        let (error, close, reason) = Client { range, ..Client::new(V3) }.refused(&policy());
        assert_eq!(error.message, "protocol mismatch");
        assert_eq!(error.details, Some(details), "{range:?}");
        assert_eq!((close, reason.as_str()), (1002, "protocol mismatch"));
    }
    for (range, want) in [((1, 99), V4), ((3, 4), V4), ((3, 3), V3), ((1, 3), V3)] {
        assert_eq!(Client { range, ..Client::new(V3) }.admitted(&policy()).wire, want, "{range:?}");
    }
}

#[test]
fn row_6_no_such_role() {
    for wire in [V3, V4] {
        let admin = Client { role: Some("admin"), ..Client::new(wire) };
        refused(&admin, &policy(), INVALID, "invalid role", Value::Null);
        let silent = Client { role: None, ..Client::new(wire) };
        assert_eq!(silent.admitted(&policy()).role, pincer_protocol::Role::Operator);
    }
}

#[test]
fn workers_have_no_road() {
    let worker = Client { id: "openclaw-worker", mode: "worker", ..Client::new(V4) };
    closed(&worker.frame(), 1008, "invalid-handshake");
}

#[test]
fn row_7_pages_of_others() {
    let details = |reason: &str| json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": reason});
    let evil = "https://evil.example";
    let stranger = Client::control_ui(V3).header("Origin", evil).device(1);
    refused(&stranger, &policy(), INVALID, ORIGIN, Value::Null);
    let stranger = Client::control_ui(V4).header("Origin", evil).device(1);
    refused(&stranger, &policy(), INVALID, ORIGIN, details("origin not allowed"));
    let backend = Client::new(V4).header("Origin", evil);
    refused(&backend, &policy(), INVALID, ORIGIN, details("origin not allowed"));
    let bare = |wire| Client { id: "openclaw-control-ui", mode: "webchat", ..Client::new(wire) }.device(1);
    refused(&bare(V3), &policy(), INVALID, ORIGIN, Value::Null);
    refused(&bare(V4), &policy(), INVALID, ORIGIN, details("origin missing or invalid"));
}

#[test]
fn rows_8_and_9_no_device() {
    let ui = "control ui requires device identity (use HTTPS or localhost secure context)";
    refused(&Client::control_ui(V3), &policy(), INVALID, ui, Value::Null);
    refused(
        &Client::control_ui(V4),
        &policy(),
        INVALID,
        ui,
        json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}),
    );
    let tui = Client { id: "openclaw-tui", mode: "ui", ..Client::new(V4) };
    refused(&tui, &policy(), INVALID, ui, json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}));

    let required = "device identity required";
    let details = json!({"code": "DEVICE_IDENTITY_REQUIRED"});
    for auth in [Value::Null, json!({}), json!({"token": ""})] {
        refused(&Client::new(V3).auth(auth.clone()), &policy(), "NOT_PAIRED", required, Value::Null);
        refused(&Client::new(V4).auth(auth), &policy(), "NOT_PAIRED", required, details.clone());
    }
    refused(&Client::node(V4), &policy(), "NOT_PAIRED", required, details);
    assert!(Client::node(V3).admitted(&policy()).scopes.is_empty());
}

#[test]
fn rows_10_the_devices_proof() {
    let reject = |wire, message: &str, code: &str, reason: &str, change: &dyn Fn(&mut Device)| {
        let details = if wire == V3 { Value::Null } else { json!({"code": code, "reason": reason}) };
        let client = Client::new(wire).device(1).with_device(change);
        refused(&client, &policy(), INVALID, message, details);
    };
    let minutes = |n: i64| n * 60_000;
    for wire in [V3, V4] {
        for over in [
            json!({"id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}),
            json!({"publicKey": "!!!!"}),
            json!({"publicKey": "AAAA"}),
        ] {
            reject(
                wire,
                "device identity mismatch",
                "DEVICE_AUTH_DEVICE_ID_MISMATCH",
                "device-id-mismatch",
                &|device| device.over = over.clone(),
            );
        }
        for skew in [minutes(20), minutes(-20)] {
            reject(
                wire,
                "device signature expired",
                "DEVICE_AUTH_SIGNATURE_EXPIRED",
                "device-signature-stale",
                &|device| device.skew_ms = skew,
            );
        }
        reject(
            wire,
            "device nonce mismatch",
            "DEVICE_AUTH_NONCE_MISMATCH",
            "device-nonce-mismatch",
            &|device| device.nonce = Some("nope"),
        );
        for over in [
            json!({"signature": "AAAA"}),
            json!({"signature": "!"}),
            json!({"signature": "A".repeat(86)}),
            json!({"signedAt": NOW.wall_ms - 1}),
        ] {
            reject(
                wire,
                "device signature invalid",
                "DEVICE_AUTH_SIGNATURE_INVALID",
                "device-signature",
                &|device| device.over = over.clone(),
            );
        }
        reject(
            wire,
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
            &|device| device.version = if wire == V3 { "v3" } else { "v1" },
        );
    }
    // Three minutes are fine on v3 and too much on v4.
    Client::new(V3).device(1).with_device(|device| device.skew_ms = minutes(-3)).claim(&policy());
    reject(
        V4,
        "device signature expired",
        "DEVICE_AUTH_SIGNATURE_EXPIRED",
        "device-signature-stale",
        &|device| device.skew_ms = minutes(-3),
    );
    // A blank nonce passes v4's schema.
    reject(V4, "device nonce required", "DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing", &|device| {
        device.nonce = Some(" ")
    });
}

#[test]
fn row_10c_v3_wants_a_nonce_from_afar_only() {
    let silent = Client::new(V3).device(1).with_device(|device| {
        device.version = "v1";
        device.nonce = None;
    });
    silent.claim(&policy());
    for far in [
        silent.clone().header("Host", "gateway.example"),
        silent.clone().header("X-Forwarded-For", "203.0.113.7"),
        silent.clone().from("203.0.113.7"),
    ] {
        refused(&far, &policy(), INVALID, "device nonce required", Value::Null);
    }
}

#[test]
fn keys_and_signatures_in_every_form() {
    for wire in [V3, V4] {
        let plain = Client::new(wire).device(1);
        let want = plain.claim(&policy());
        let pem = plain.clone().with_device(|device| device.over = json!({"publicKey": public_key_pem(1)}));
        assert_eq!(pem.claim(&policy()).public_key, want.public_key, "one form is stored");
        let sent: Value = serde_json::from_str(&plain.frame()).unwrap();
        let signature = sent["params"]["device"]["signature"].as_str().unwrap();
        let standard = signature.replace('-', "+").replace('_', "/") + "==";
        plain.with_device(|device| device.over = json!({"signature": standard})).claim(&policy());
    }
    Client::new(V4).device(1).with_device(|device| device.version = "v2").claim(&policy());
}

/// Made with Node's `crypto` from a seed of 32 sevens, over `v2|<id>|cli|cli|operator|operator.read|1000000|secret|nonce-1`.
#[test]
fn a_signature_made_elsewhere() {
    let frame = json!({"type": "req", "id": "c1", "method": "connect", "params": {
        "minProtocol": 3, "maxProtocol": 3, "scopes": ["operator.read"], "auth": {"token": "secret"},
        "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
        "device": {
            "id": "fe812c12f3ab4ce6ac5db69ac352f906cb1b11ef43fb33e252ef7ff552263889",
            "publicKey": "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw",
            "signature": "0Lh7S3ADAb-OnBnpE9D0HBGwyXhRJAreF688qYiwqcjS8sttHiTYr1s5Io_rbusHEtqrPjEFekzwUwUkoDYGDA",
            "signedAt": 1_000_000, "nonce": "nonce-1",
        },
    }});
    let peer = super::Peer::new("127.0.0.1".parse().unwrap(), [("host", b"localhost".as_slice())], &policy());
    let handshake = super::Handshake::new("nonce-1", peer);
    let now = pincer_sessions::time::Now { mono_ms: 0, wall_ms: 1_000_500 };
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    let decision = pincer_protocol::json::Parser::default()
        .parse(&mut frame.to_string().into_bytes(), |root| {
            handshake.first_frame(Some(root), &policy(), &mut limiter, now)
        })
        .unwrap();
    assert!(matches!(decision, Decision::NeedsDevice(..)), "{decision:?}");
}

fn v4_auth(code: &str, reason: &str, retry: bool, next: &str) -> Value {
    json!({"code": code, "authReason": reason, "canRetryWithDeviceToken": retry, "recommendedNextStep": next})
}

#[test]
fn rows_12_wrong_or_missing_token() {
    let wrong = json!({"token": "wrong"});
    let mismatch = |hint: &str| format!("unauthorized: gateway token mismatch ({hint})");
    let missing = |hint: &str| format!("unauthorized: gateway token missing ({hint})");
    let update = v4_auth("AUTH_TOKEN_MISMATCH", "token_mismatch", false, "update_auth_credentials");
    let configure = v4_auth("AUTH_TOKEN_MISSING", "token_missing", false, "update_auth_configuration");
    let (plain, remote, here) = (
        "provide gateway auth token",
        "set gateway.remote.token to match gateway.auth.token",
        "use this gateway's gateway.auth.token or pair the device",
    );
    let ui = "open the dashboard URL and paste the token in Control UI settings";
    let webchat = |wire| {
        Client { id: "webchat-ui", mode: "webchat", ..Client::new(wire) }
            .header("Origin", "http://127.0.0.1:18789")
    };
    for (client, hint, wire) in [
        (Client::new(V3), plain, V3),
        (Client::new(V4), plain, V4),
        (Client::cli(V3), remote, V3),
        (Client::cli(V4), here, V4),
        (Client::cli(V4).from("203.0.113.7"), remote, V4),
        (webchat(V3), ui, V3),
        (webchat(V4), ui, V4),
    ] {
        let details = if wire == V3 { Value::Null } else { update.clone() };
        refused(&client.clone().auth(wrong.clone()), &policy(), INVALID, &mismatch(hint), details);
        let details = if wire == V3 { Value::Null } else { configure.clone() };
        let nothing = client.device(1).auth(Value::Null);
        refused(&nothing, &policy(), INVALID, &missing(hint), details);
    }
    // v3 takes the token in its own field only.
    let in_password = json!({"password": "secret"});
    refused(&Client::new(V3).auth(in_password.clone()), &policy(), INVALID, &missing(plain), Value::Null);
    assert_eq!(Client::new(V4).auth(in_password).admitted(&policy()).scopes.len(), 5);
}

#[test]
fn passwords_have_sentences_of_their_own() {
    let policy = AuthPolicy {
        mode: AuthMode::Password,
        password: SecretDigest::of("secret"),
        ..AuthPolicy::default()
    };
    let wrong = json!({"password": "wrong"});
    refused(
        &Client::new(V3).auth(wrong.clone()),
        &policy,
        INVALID,
        "unauthorized: gateway password mismatch (provide gateway auth password)",
        Value::Null,
    );
    refused(
        &Client::cli(V3).auth(wrong.clone()),
        &policy,
        INVALID,
        "unauthorized: gateway password mismatch (set gateway.remote.password to match gateway.auth.password)",
        Value::Null,
    );
    refused(
        &Client::cli(V4).auth(wrong),
        &policy,
        INVALID,
        "unauthorized: gateway password mismatch (use this gateway's gateway.auth.password)",
        v4_auth("AUTH_PASSWORD_MISMATCH", "password_mismatch", false, "update_auth_credentials"),
    );
    refused(
        &Client::new(V4).device(1).auth(Value::Null),
        &policy,
        INVALID,
        "unauthorized: gateway password missing (provide gateway auth password)",
        v4_auth("AUTH_PASSWORD_MISSING", "password_missing", false, "update_auth_configuration"),
    );
    Client::new(V3).auth(json!({"password": "secret"})).admitted(&policy);
    let unset = AuthPolicy { password: None, ..policy };
    refused(
        &Client::new(V3).auth(json!({"password": "x"})),
        &unset,
        INVALID,
        "unauthorized: gateway password not configured on gateway (set gateway.auth.password)",
        Value::Null,
    );
    refused(
        &Client::new(V4),
        &AuthPolicy::default(),
        INVALID,
        "unauthorized: gateway token not configured on gateway (set gateway.auth.token)",
        v4_auth("AUTH_TOKEN_NOT_CONFIGURED", "token_missing_config", false, "update_auth_configuration"),
    );
}

#[test]
fn headers_nobody_vouches_for() {
    let behind = |wire| Client::cli(wire).header("X-Forwarded-For", "203.0.113.7");
    refused(
        &behind(V4),
        &policy(),
        INVALID,
        "unauthorized: proxy client attribution is required (configure gateway.trustedProxies narrowly and make the \
         proxy overwrite or safely rebuild forwarded client headers)",
        v4_auth("AUTH_UNAUTHORIZED", "proxy_attribution_required", false, "review_auth_configuration"),
    );
    let device = behind(V4).device(1).refused(&policy()).0;
    assert!(device.message.contains("attribution"), "nor with a device: {}", device.message);
    assert!(!behind(V3).admitted(&policy()).local, "v3 lets it in as somebody from afar");
}

#[test]
fn a_proxys_user() {
    let policy = AuthPolicy {
        mode: AuthMode::TrustedProxy,
        trusted_proxies: vec![Network::parse("10.0.0.1").unwrap()],
        proxy: Some(super::ProxyRule {
            user_header: "x-user".into(),
            required_headers: vec![],
            allow_users: vec!["ann".into()],
        }),
        ..AuthPolicy::default()
    };
    let from_proxy = |wire: Wire, user| {
        Client::new(wire)
            .auth(Value::Null)
            .from("10.0.0.1")
            .header("X-Forwarded-For", "203.0.113.7")
            .header("X-User", user)
            .device(1)
    };
    for wire in [V3, V4] {
        let claim = from_proxy(wire, "ann").claim(&policy);
        assert_eq!(claim.remote_ip.as_deref(), Some("203.0.113.7"));
        assert!(!claim.silent.first_contact, "from afar nothing is silent");
    }
    refused(&from_proxy(V3, "eve"), &policy, INVALID, "unauthorized", Value::Null);
    refused(
        &from_proxy(V4, "eve"),
        &policy,
        INVALID,
        "unauthorized",
        v4_auth("AUTH_UNAUTHORIZED", "trusted_proxy_user_not_allowed", false, "review_auth_configuration"),
    );
    let candidate = Client { device: None, ..from_proxy(V4, "ann") }.admitted(&policy);
    assert_eq!((candidate.user.as_deref(), candidate.scopes.len()), (Some("ann"), 0));
}

use std::io::Write;
use std::net::TcpListener;
use std::thread::spawn;

use serde_json::json;

use super::standin::{NONCE, Peer, stand_in};
use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn credentials() -> Credentials {
    Credentials { token: "secret".into(), password: String::new(), origin: Origin::Flag }
}

fn connect_within(url: &str, timeout: Duration) -> Result<Client, ClientError> {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::load_or_create(dir.path()).unwrap();
    let credentials = credentials();
    let offer =
        Offer { proto: Proto::Any, credentials: &credentials, identity: Some(&identity), version: "1" };
    Client::connect(&Endpoint::parse(url, false).unwrap(), &offer, timeout)
}

fn connect(url: &str) -> Result<Client, ClientError> {
    connect_within(url, PATIENCE)
}

#[test]
fn introduces_itself_and_reads_the_welcome() {
    let (url, peer) = stand_in(|peer: &mut Peer| peer.welcome(4));
    let client = connect(&url).unwrap();
    assert_eq!((client.hello().protocol, client.hello().server.version.as_str()), (4, "9.9.9"));
    assert_eq!(client.hello().auth.as_ref().unwrap().device_token.as_deref(), Some("dev-token"));
    client.close();
    let params = peer.join().unwrap();
    assert_eq!((&params["minProtocol"], &params["maxProtocol"]), (&json!(3), &json!(4)));
    assert_eq!(params["auth"], json!({"token": "secret"}));
    assert_eq!(params["client"]["id"], "cli");
    assert_eq!(params["device"]["nonce"], NONCE);
    assert_eq!(params["device"]["id"].as_str().unwrap().len(), 64);
}

#[test]
fn answers_find_their_calls_and_events_wait() {
    let (url, peer) = stand_in(|peer| {
        peer.welcome(3);
        let first = peer.request();
        peer.send(&json!({"type": "event", "event": "tick", "payload": {"ts": 1}, "seq": 7}));
        peer.send(&json!({"type": "res", "id": "somebody else's", "ok": true, "payload": 0}));
        peer.answer(&first, json!({"n": 1}));
        let second = peer.request();
        peer.answer(&second, json!({"status": "accepted"}));
        peer.answer(&second, json!({"status": "ok"}));
        let third = peer.request();
        peer.refuse(&third, json!({"code": "INVALID_REQUEST", "message": "no"}), None);
        [first["method"].clone(), second["params"].clone(), third["id"].clone()]
    });
    let mut client = connect(&url).unwrap();
    assert_eq!(client.call("a", &json!({}), PATIENCE).unwrap(), json!({"n": 1}));
    let tick = client.next_event(PATIENCE).unwrap().unwrap();
    assert_eq!((tick.name.as_str(), tick.seq), ("tick", Some(7)));
    assert_eq!(client.call_final("b", &json!({"x": 1}), PATIENCE).unwrap(), json!({"status": "ok"}));
    let error = client.call("c", &json!(null), PATIENCE).unwrap_err();
    assert_eq!(error.to_string(), "c: no");
    assert!(client.next_event(Duration::from_millis(20)).is_err(), "the peer is gone");
    assert_eq!(peer.join().unwrap(), [json!("a"), json!({"x": 1}), json!("pincer-3")]);
}

#[track_caller]
fn check_failure(script: impl FnOnce(&mut Peer) + Send + 'static, want: &str, part: &str) {
    let (url, peer) = stand_in(script);
    let failed = connect(&url).and_then(|mut client| client.call("status", &json!({}), PATIENCE));
    let error = failed.unwrap_err();
    assert!(error.to_string().contains(want), "{error}");
    assert_eq!(error.explain(&credentials()).part, part, "{error}");
    peer.join().unwrap();
}

#[test]
fn failures_name_their_part() {
    check_failure(
        |peer| {
            peer.challenge();
            let connect = peer.request();
            let error = json!({"code": "INVALID_REQUEST",
                "message": "unauthorized: gateway token mismatch (provide gateway auth token)"});
            peer.refuse(&connect, error, Some(1008));
        },
        "token mismatch",
        "token",
    );
    check_failure(
        |peer| {
            peer.challenge();
            let connect = peer.request();
            let error =
                json!({"code": "NOT_PAIRED", "message": "pairing required", "details": {"requestId": "r"}});
            peer.refuse(&connect, error, Some(1008));
        },
        "pairing required",
        "device",
    );
    check_failure(
        |peer| {
            peer.welcome(4);
            let status = peer.request();
            peer.refuse(
                &status,
                json!({"code": "FORBIDDEN", "message": "missing scope: operator.read"}),
                None,
            );
        },
        "missing scope",
        "scope",
    );
    check_failure(
        |peer| drop((peer.welcome(4), peer.request(), peer.close(1012, "service restart"))),
        "1012",
        "gateway",
    );
    check_failure(
        |peer| {
            peer.challenge();
            let connect = peer.request();
            peer.answer(&connect, json!({"type": "something"}));
        },
        "hello-ok",
        "protocol",
    );
}

#[test]
fn whoever_is_no_gateway_is_recognised() {
    let short = Duration::from_millis(300);
    // A WebSocket that says nothing.
    let (url, peer) = stand_in(|peer| peer.request());
    assert!(matches!(connect_within(&url, short), Err(ClientError::NoChallenge)));
    peer.join().unwrap();
    // A web server.
    let http = |answer: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let server = spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            // Held open until the client has read and gone.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        (url, server)
    };
    let (url, server) =
        http("HTTP/1.1 403 Forbidden\r\nContent-Length: 26\r\n\r\nproxy_attribution_required");
    let error = connect(&url).unwrap_err();
    assert_eq!(error.explain(&credentials()).part, "proxy", "{error}");
    server.join().unwrap();
    // Somebody who does not speak TLS.
    let (url, server) = http("HTTP/1.1 400 Bad Request\r\n\r\n");
    let error = connect(&url.replace("ws://", "wss://")).unwrap_err();
    assert_eq!(error.explain(&credentials()).part, "tls", "{error}");
    server.join().unwrap();
    // Nobody at all.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = connect(&format!("ws://{port}")).unwrap_err();
    assert_eq!(error.explain(&credentials()).part, "network", "{error}");
}

#[test]
fn a_slow_answer_is_waited_for_and_a_missing_one_is_not() {
    let (url, peer) = stand_in(|peer| {
        peer.welcome(4);
        let unanswered = peer.request();
        let next = peer.request();
        peer.answer(&unanswered, json!("late"));
        peer.answer(&next, json!("in time"));
    });
    let mut client = connect(&url).unwrap();
    let error = client.call("a", &json!({}), Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, ClientError::Timeout(_)), "{error}");
    assert_eq!(
        client.call("b", &json!({}), PATIENCE).unwrap(),
        json!("in time"),
        "a late answer is not taken for it"
    );
    peer.join().unwrap();
}

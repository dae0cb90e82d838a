//! Plain HTTP on the same port.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pincer_tests::{Answer, Backend, Gateway, Hello, Setup, Wire, on_each_backend};
use serde_json::json;

on_each_backend!(
    probes,
    metrics,
    load_is_measured,
    everything_else,
    odd_heads,
    slow_heads,
    pipelined_requests
);

fn probes(backend: Backend) {
    let gateway = Gateway::start(backend);
    for path in ["/healthz", "/health", "/readyz", "/ready", "/startupz", "/startup"] {
        let answer = gateway.http("GET", path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let body = answer.json();
        let fine = if path.starts_with("/ready") { &body["ready"] } else { &body["ok"] };
        assert_eq!(fine, true, "{path}: {body}");
        let head = gateway.http("HEAD", path);
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
        // The uptime in the body may gain a digit from one request to the next.
        let later = gateway.http("GET", path);
        let length =
            |answer: &Answer| answer.header("content-length").and_then(|value| value.parse::<usize>().ok());
        assert!(length(&answer).is_some() && length(&answer) <= length(&head), "{path}: {answer:?} {head:?}");
        assert!(length(&head) <= length(&later), "{path}: {head:?} {later:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    // Strangers learn little.
    let body = gateway.http("GET", "/healthz").body;
    assert!(body.len() < 200 && !body.contains("state"), "{body}");
}

fn metrics(backend: Backend) {
    let gateway = Gateway::start(backend);
    let client = gateway.connect(&Hello::new(Wire::V4));
    let answer = gateway.http("GET", "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{answer:?}");
    let samples = answer.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    assert!(samples > 5, "{}", answer.body);
    assert!(!answer.body.contains(pincer_tests::TOKEN));
    for line in answer.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (_, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line:?}"));
        assert!(value.parse::<f64>().is_ok(), "not a number: {line:?}");
    }
    drop(client);
}

fn load_is_measured(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    for method in ["health", "status", "channels.status"] {
        // What is told may be of before the first turn, for a second.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let answer = client.ok(method, json!({}));
            let of = |name: &str| answer["eventLoop"][name].as_f64().unwrap_or(f64::NAN);
            let processors = answer["eventLoop"]["cpuBreakdown"]["hostCpuCount"].as_u64();
            let here = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
            assert!(processors.is_none_or(|count| count >= here), "{method}: {answer:#}");
            let measured = (0.0..=1.0).contains(&of("utilization"))
                && (of("intervalMs") > 0.0 && of("cpuCoreRatio") > 0.0)
                && (of("delayP99Ms") > 0.0 && of("delayP99Ms") <= of("delayMaxMs"));
            if measured {
                break;
            }
            assert!(Instant::now() < deadline, "{method}: {answer:#}");
            drop(gateway.connect(&Hello::new(Wire::V4))); // health is looked at again after a connect
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    let memory = client.ok("status", json!({}))["processMemory"]["rssBytes"].as_u64();
    assert!(memory.is_some_and(|bytes| bytes > 1 << 20), "{memory:?}");

    let page = gateway.http("GET", "/metrics").body;
    let of = |name: &str| -> Vec<f64> {
        let samples = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
    };
    let turns = of("pincer_loop_turns_total");
    assert!(!turns.is_empty() && turns.iter().sum::<f64>() > 0.0, "{page}");
    assert!(of("pincer_received_bytes_total").iter().sum::<f64>() > 0.0, "{page}");
    assert!(of("process_cpu_seconds_total").first().is_some_and(|seconds| *seconds > 0.0), "{page}");
}

fn everything_else(backend: Backend) {
    let gateway = Gateway::start(backend);
    for path in ["/nothing", "/healthz/x", "/../etc/passwd", "/%2e%2e/etc/passwd"] {
        assert_eq!(gateway.http("GET", path).status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let status = gateway.http(method, "/healthz").status;
        assert!(status == 405 || status == 404, "{method}: {status}");
    }
}

fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(pincer_tests::PATIENCE)).unwrap();
    // The gateway may close before everything is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn odd_heads(backend: Backend) {
    let gateway = Gateway::start(backend);
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(20_000));
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\xc3\xa9T / HTTP/1.1\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ] {
        let answer = raw(gateway.port, bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5"),
            "{shown:?}: {answer:?}"
        );
    }
    // Upgrades that are none.
    for headers in [
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let answer =
            raw(gateway.port, format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{headers:?}: {answer:?}");
    }
    gateway.connect(&Hello::new(Wire::V4)).assert_alive();
}

/// A head that never ends is not waited for.
fn slow_heads(backend: Backend) {
    let gateway = Setup::new(backend).env("OPENCLAW_HANDSHAKE_TIMEOUT_MS", "700").start();
    let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
    stream.set_read_timeout(Some(pincer_tests::PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    let since = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(since.elapsed() < Duration::from_secs(19), "it was waited for");
    // So is a connection that says nothing at all.
    let mut silent = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
    silent.set_read_timeout(Some(pincer_tests::PATIENCE)).unwrap();
    assert!(matches!(silent.read(&mut [0; 1]), Ok(0)), "closed by the gateway");
}

fn pipelined_requests(backend: Backend) {
    let gateway = Gateway::start(backend);
    let one = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", gateway.port);
    let last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let answer = raw(gateway.port, format!("{one}{one}{last}").as_bytes());
    let answers = answer.matches("HTTP/1.1 200").count();
    assert!(answers == 3 || answers == 1, "all of them, or one and a close: {answer:?}");
}

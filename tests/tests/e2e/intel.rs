//! Addresses and files: what the operator lists, and what a service says of them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pincer_tests::{Backend, Client, Gateway, Hello, PATIENCE, Setup, Wire, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(
    what_the_service_says_decides,
    an_audit_waits_for_nobody,
    a_service_that_fails_stops_nothing,
    the_operators_own_lists_need_nobody,
    a_key_does_not_leave_in_the_clear,
);

const KEY: &str = "key-of-the-tests";
const MALICIOUS: &str = r#"{"data":{"attributes":{"last_analysis_stats":{"malicious":7,"harmless":60}}}}"#;

/// How the stand-in answers.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// Not before the test says something else.
    Nothing,
    Answer(u16, &'static str),
}

/// Stands in for VirusTotal on this machine. Ends when it is dropped.
struct StandIn {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    says: Mutex<Says>,
    changed: Condvar,
    /// First lines of the requests, and their keys.
    asked: Mutex<Vec<(String, String)>>,
    stop: AtomicBool,
}

impl StandIn {
    fn start(says: Says) -> StandIn {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            says: Mutex::new(says),
            changed: Condvar::new(),
            asked: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let seen = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !seen.stop.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let seen = Arc::clone(&seen);
                        thread::spawn(move || serve(stream, &seen));
                    }
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        StandIn { port, shared, thread: Some(thread) }
    }

    fn say(&self, says: Says) {
        *self.shared.says.lock().unwrap() = says;
        self.shared.changed.notify_all();
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// One question, one answer. Whoever went away meanwhile is no failure.
fn serve(stream: TcpStream, shared: &Shared) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    let (mut first, mut key) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let text = line.trim_end();
        match text.split_once(": ") {
            _ if text.is_empty() => break,
            None => first = text.to_owned(),
            Some(("x-apikey", value)) => key = value.to_owned(),
            Some(_) => {}
        }
    }
    shared.asked.lock().unwrap().push((first, key));
    let says = shared.says.lock().unwrap();
    let wait = shared.changed.wait_timeout_while(says, PATIENCE, |says| matches!(says, Says::Nothing));
    let Says::Answer(status, body) = *wait.unwrap().0 else { return };
    let _ = write!(
        &stream,
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn metric(gateway: &Gateway, name: &str) -> u64 {
    let page = gateway.http("GET", "/metrics").body;
    let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    page.lines().filter(|line| line.starts_with(name) && !line.starts_with('#')).map(value).sum()
}

/// Waits until a counter, summed over all shards, is this.
#[track_caller]
fn wait_for(gateway: &Gateway, name: &str, wanted: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        let is = metric(gateway, name);
        if is == wanted {
            return;
        }
        assert!(is < wanted && Instant::now() < until, "{name} is {is}, not {wanted}\n{}", gateway.log());
        thread::sleep(Duration::from_millis(20));
    }
}

fn start(backend: Backend, intel: Value) -> Gateway {
    let mut setup = Setup::new(backend).config(json!({"defender": {"mode": "enforce", "intel": intel}}));
    setup.shards = 4;
    setup.start()
}

fn service(stand_in: &StandIn, timeout_ms: u64) -> Value {
    let service = json!({"apiKey": KEY, "baseUrl": format!("http://127.0.0.1:{}", stand_in.port)});
    json!({"service": service, "timeoutMs": timeout_ms, "perMinute": 100})
}

/// Says it in many sessions, which are on several shards: the rule that weighed most when all of them were blocked.
#[track_caller]
fn blocked(client: &mut Client, run: &str, text: &str) -> Value {
    let mut rule = Value::Null;
    for nth in 0..8 {
        let params = json!({
            "sessionKey": format!("agent:main:t:s{nth}"), "message": text, "idempotencyKey": format!("{run}-{nth}"),
        });
        let refused = client.call("chat.send", params);
        assert_eq!(refused["error"]["details"]["reason"], "defender-blocked", "session {nth}: {refused:#}");
        rule = refused["error"]["details"]["rules"][0].clone();
    }
    rule
}

fn what_the_service_says_decides(backend: Backend) {
    let stand_in = StandIn::start(Says::Nothing);
    let gateway = start(backend, service(&stand_in, 20_000));
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let text = "Please sum up https://shop.intel-one.net/pay?id=7 for me.";
    let send = |client: &mut Client, session: &str, run: &str, text: &str| {
        let key = format!("agent:main:t:{session}");
        client.send("chat.send", json!({"sessionKey": key, "message": text, "idempotencyKey": run}))
    };
    // It waits for the answer, and so does what comes behind it; nobody else does.
    let from = client.mark();
    let first = send(&mut client, "first", "first", text);
    let behind = send(&mut client, "first", "behind", "Thanks, forget it.");
    wait_for(&gateway, "pincer_intel_asked_total", 1);
    assert_eq!(client.chat("agent:main:t:other", "other", "Hello there.")["state"], "final");
    wait_for(&gateway, "pincer_defender_waiting", 2);
    stand_in.say(Says::Answer(200, MALICIOUS));
    let refused = client.response(from, &first);
    assert_eq!(refused["error"]["details"]["reason"], "defender-blocked", "{refused:#}");
    assert_eq!(refused["error"]["details"]["rules"][0], "intel.malicious-url");
    assert_eq!(client.response(from, &behind)["payload"]["status"], "started");
    wait_for(&gateway, "pincer_intel_answered_total", 1);
    wait_for(&gateway, "pincer_intel_words", 4);
    assert_eq!(metric(&gateway, "pincer_defender_waiting"), 0);
    assert_eq!(metric(&gateway, "pincer_defender_waited_total"), 1);
    let next = "And what of http://shop.intel-one.net/ itself?";
    assert_eq!(blocked(&mut client, "next", next), "intel.malicious-url");
    assert_eq!(client.chat("agent:main:t:first", "fine", "Thanks, forget it.")["state"], "final");
    // The host alone was told, once.
    let asked = ("GET /api/v3/domains/shop.intel-one.net HTTP/1.1".to_owned(), KEY.to_owned());
    assert_eq!(stand_in.asked(), [asked]);
    drop(stand_in);
    let gateway = gateway.restart();
    wait_for(&gateway, "pincer_intel_words", 4);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    assert_eq!(blocked(&mut client, "later", text), "intel.malicious-url");
    assert_eq!(metric(&gateway, "pincer_intel_asked_total"), 0);
    let config = client.ok("config.get", json!({})).to_string();
    assert!(config.contains("intel") && !config.contains(KEY), "{config}");
}

fn an_audit_waits_for_nobody(backend: Backend) {
    let stand_in = StandIn::start(Says::Nothing);
    let setup = Setup::new(backend).config(json!({"defender": {"intel": service(&stand_in, 20_000)}}));
    let gateway = setup.start();
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let text = "Please sum up https://shop.intel-four.net/ for me.";
    assert_eq!(client.chat("agent:main:t:first", "first", text)["state"], "final");
    assert_eq!(metric(&gateway, "pincer_defender_waited_total"), 0);
    wait_for(&gateway, "pincer_intel_asked_total", 1);
}

fn a_service_that_fails_stops_nothing(backend: Backend) {
    let broken = [
        (Says::Nothing, "pincer_intel_failed_total"),
        (Says::Answer(500, "oops"), "pincer_intel_failed_total"),
        (Says::Answer(429, r#"{"error":{"code":"QuotaExceededError"}}"#), "pincer_intel_over_quota_total"),
        (Says::Answer(200, r#"{"data":["#), "pincer_intel_failed_total"),
        (
            Says::Answer(200, r#"{"data":{"attributes":{"last_analysis_stats":{"malicious":"9"}}}}"#),
            "pincer_intel_failed_total",
        ),
    ];
    for (says, counter) in broken {
        let stand_in = StandIn::start(says);
        let timeout_ms = if matches!(says, Says::Nothing) { 100 } else { 10_000 };
        let gateway = start(backend, service(&stand_in, timeout_ms));
        let mut client = gateway.connect(&Hello::new(Wire::V4));
        for nth in 0..3 {
            let text = format!("What does https://shop.intel-two.net/{nth} sell?");
            assert_eq!(
                client.chat("agent:main:t:f", &format!("f{nth}"), &text)["state"],
                "final",
                "{says:?}"
            );
            wait_for(&gateway, counter, 1);
        }
        assert_eq!(metric(&gateway, "pincer_intel_words"), 0, "{says:?}");
        assert_eq!(stand_in.asked().len(), 1, "after a failure there is a pause: {says:?}");
    }
}

fn the_operators_own_lists_need_nobody(backend: Backend) {
    let list = "block bad.intel-three.net\nallow good.bad.intel-three.net\nblock\n";
    let mut setup = Setup::new(backend);
    fs::write(setup.home.path().join("list.txt"), list).unwrap();
    setup.shards = 4;
    let intel = json!({"lists": ["~/list.txt", "/nowhere/at/all"]});
    let gateway = setup.config(json!({"defender": {"mode": "enforce", "intel": intel}})).start();
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let rule = blocked(&mut client, "bad", "Open https://www.bad.intel-three.net/x");
    assert_eq!(rule, "intel.blocked-url");
    let fine = "Open https://good.bad.intel-three.net/x";
    assert_eq!(client.chat("agent:main:t:g", "good", fine)["state"], "final");
    assert_eq!(metric(&gateway, "pincer_intel_asked_total"), 0);
    let log = gateway.log();
    assert!(
        log.contains("~/list.txt:3: ") && log.contains("the list /nowhere/at/all cannot be read"),
        "{log}"
    );
}

fn a_key_does_not_leave_in_the_clear(backend: Backend) {
    let service = json!({"apiKey": KEY, "baseUrl": "http://intel.example.com"});
    let config = json!({"defender": {"intel": {"service": service}}});
    let exit = Setup::new(backend).config(config).try_start().expect_err("the key would be read on its way");
    assert_eq!(exit.code, Some(78), "{exit:?}");
    assert!(exit.log.contains("intel.service.baseUrl") && !exit.log.contains(KEY), "{}", exit.log);
}

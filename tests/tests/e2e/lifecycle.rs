//! Starting, draining, restarting; one gateway per state directory; where config comes from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use pincer_tests::{
    Backend, Client, Closed, Gateway, Hello, Home, PATIENCE, Setup, StoreKind, Wire, is_event,
    on_each_backend, request,
};
use rustix::process::Signal;
use serde_json::json;

on_each_backend!(
    start_says_backend_and_port,
    drain_lets_a_run_finish,
    drain_ends_a_run_that_does_not,
    drain_without_work_is_quick,
    restart_keeps_sessions_and_history,
    second_process_on_the_same_directory,
    first_start_without_config,
    an_openclaw_config_is_adopted,
    openclaws_own_directory_is_refused,
    bad_configs,
    unknown_keys_warn,
);

fn start_says_backend_and_port(backend: Backend) {
    let gateway = Gateway::start(backend);
    let log = gateway.log();
    assert!(log.contains(backend.name()), "{log}");
    assert!(!log.contains(pincer_tests::TOKEN), "a given token is not printed: {log}");
    let exit = gateway.stop();
    assert_eq!((exit.code, exit.signal), (Some(0), None), "{}", exit.log);
}

/// Readiness fails, nobody new gets in, the run ends as it would have, everybody is told and closed with 1012.
fn drain_lets_a_run_finish(backend: Backend) {
    for signal in [Signal::TERM, Signal::INT] {
        let gateway = Gateway::start(backend);
        let mut talker = gateway.connect(&Hello::new(Wire::V3));
        let mut idle = gateway.connect(&Hello::new(Wire::V4));
        let from = talker.mark();
        talker.ok(
            "chat.send",
            json!({"sessionKey": "main", "message": "SLOW 12", "idempotencyKey": "drained"}),
        );
        talker.wait(from, |frame| is_event(frame, "chat"));
        gateway.signal(signal);
        let (at, end) = talker.run_end(from, "drained");
        let said = end["payload"]["message"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(said.ends_with("word11"), "{said}");
        let closed = Closed { code: 1012, reason: "service restart".to_owned() };
        assert_eq!(talker.closed(), closed);
        assert_eq!(idle.closed(), closed);
        for client in [&mut talker, &mut idle] {
            let shutdown =
                client.frames.iter().find(|frame| is_event(frame, "shutdown")).expect("a shutdown event");
            assert!(shutdown["payload"]["reason"].is_string(), "{shutdown:#}");
        }
        assert!(talker.frames[at..].iter().all(|frame| frame["type"] != "res"), "nothing was refused late");
        let exit = gateway.wait(PATIENCE);
        assert_eq!(exit.code, Some(0), "{}", exit.log);
    }
}

/// While it drains: readiness says 503, liveness stays, the port takes nobody, and a run that hangs is ended at last.
fn drain_ends_a_run_that_does_not(backend: Backend) {
    let config = json!({"engine": {"drainMs": 1500}});
    let gateway = Setup::new(backend).config(config).start();
    let mut talker = gateway.connect(&Hello::new(Wire::V3));
    let from = talker.mark();
    talker.ok("chat.send", json!({"sessionKey": "main", "message": "HANG", "idempotencyKey": "hung"}));
    talker.wait(from, |frame| is_event(frame, "chat"));
    // These were accepted before; nobody new is.
    let (mut ready, mut alive) = (Probe::open(gateway.port), Probe::open(gateway.port));
    assert_eq!(Probe::open(gateway.port).get("/readyz"), 200);
    gateway.terminate();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ready.get("/readyz"), 503);
    assert_eq!(alive.get("/healthz"), 200);
    assert!(std::net::TcpStream::connect(("127.0.0.1", gateway.port)).is_err(), "nobody listens");
    let refused =
        talker.call("chat.send", json!({"sessionKey": "main", "message": "more", "idempotencyKey": "late"}));
    assert_eq!(refused["ok"], false, "no new runs: {refused:#}");
    assert_eq!(talker.closed().code, 1012);
    let exit = gateway.wait(PATIENCE);
    assert_eq!(exit.code, Some(0), "{}", exit.log);
}

/// An HTTP connection that was opened before it is used.
struct Probe(std::net::TcpStream);

impl Probe {
    fn open(port: u16) -> Probe {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Probe(stream)
    }

    /// The status.
    fn get(&mut self, path: &str) -> u16 {
        use std::io::{Read as _, Write as _};
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut text = String::new();
        let mut chunk = [0; 4096];
        loop {
            let read = self.0.read(&mut chunk).unwrap();
            assert!(read > 0, "closed after {text:?}");
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.to_ascii_lowercase();
            let length =
                length.lines().find_map(|line| line.strip_prefix("content-length:")).expect("a length");
            if body.len() >= length.trim().parse().unwrap() {
                return head.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}

fn drain_without_work_is_quick(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    gateway.terminate();
    assert_eq!(client.closed(), Closed { code: 1012, reason: "service restart".to_owned() });
    assert_eq!(gateway.wait(Duration::from_secs(5)).code, Some(0));
}

fn restart_keeps_sessions_and_history(backend: Backend) {
    for store in StoreKind::BOTH {
        let mut gateway = Setup::new(backend).store(store).start();
        for round in 0..3 {
            let mut client = gateway.connect(&Hello::new(Wire::V3));
            for nth in 0..5 {
                let key = format!("agent:main:kept{nth}");
                let messages = client.ok("chat.history", json!({"sessionKey": key}))["messages"]
                    .as_array()
                    .unwrap()
                    .len();
                assert_eq!(messages, round * 2, "{store:?}");
                client.chat(&key, &format!("kept-{round}-{nth}"), "hello");
                client.ok("sessions.patch", json!({"key": key, "label": format!("label {nth} {round}")}));
            }
            let before = client.ok("sessions.list", json!({}))["sessions"].clone();
            // In order, by force, and with another number of shards.
            gateway = match round {
                0 => gateway.restart(),
                1 => gateway.kill().start(),
                _ => Setup { shards: 3, ..gateway.kill() }.start(),
            };
            let mut client = gateway.connect(&Hello::new(Wire::V3));
            let after = client.ok("sessions.list", json!({}))["sessions"].clone();
            assert_eq!(before, after, "{store:?}");
        }
    }
}

fn second_process_on_the_same_directory(backend: Backend) {
    for store in StoreKind::BOTH {
        let gateway = Setup::new(backend).store(store).start();
        let exit = gateway.setup().clone().try_start().expect_err("the directory is taken");
        assert_eq!(exit.code, Some(78), "{store:?}: {}", exit.log);
        assert!(exit.log.contains(&gateway.pid().to_string()), "it names the process: {}", exit.log);
        gateway.connect(&Hello::new(Wire::V4)).assert_alive();
        // A lock that its process no longer holds is no lock.
        gateway.kill().start();
    }
}

/// The word after `token` that looks like one.
fn printed_token(log: &str) -> Option<String> {
    let words = log.split(|c: char| c.is_whitespace() || "\"'`,=".contains(c));
    words
        .map(|word| word.rsplit("token=").next().unwrap_or(word))
        .find(|word| {
            word.len() >= 32 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
        .map(str::to_owned)
}

fn first_start_without_config(backend: Backend) {
    let setup = Setup { token: None, ..Setup::new(backend) };
    let gateway = setup.clone().start();
    let token =
        printed_token(&gateway.log()).unwrap_or_else(|| panic!("no token was printed: {}", gateway.log()));
    let config = gateway.state().join("openclaw.json");
    let mode = fs::metadata(&config).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{config:?}");
    assert!(fs::read_to_string(&config).unwrap().contains(&token));
    let hello = |token: &str| Hello::new(Wire::V4).auth(json!({ "token": token }));
    gateway.connect(&hello(&token)).assert_alive();
    let refused = Client::open(gateway.port).hello(&hello("x"));
    assert_eq!(refused["ok"], false);
    let state = fs::metadata(gateway.state()).unwrap().permissions().mode() & 0o777;
    assert_eq!(state, 0o700, "nobody else reads what is said");
    // Printed once; the same token counts from then on.
    let gateway = gateway.restart();
    assert!(!gateway.log().contains(&token), "{}", gateway.log());
    gateway.connect(&hello(&token)).assert_alive();
}

fn an_openclaw_config_is_adopted(backend: Backend) {
    let home = Home::new();
    let theirs = home.path().join(".openclaw");
    fs::create_dir(&theirs).unwrap();
    let text = "{ // theirs\n gateway: { auth: { token: 'a-token-from-openclaw' } },\n agents: { list: [{ id: 'Helper' }] } }";
    fs::write(theirs.join("openclaw.json"), text).unwrap();
    let setup = Setup { home: home.clone(), token: None, state_dir: false, ..Setup::new(backend) };
    let gateway = setup.start();
    assert!(gateway.log().contains(".openclaw/openclaw.json"), "it says what it took: {}", gateway.log());
    let mut client = gateway.connect(&Hello::new(Wire::V4).auth(json!({"token": "a-token-from-openclaw"})));
    let agents = client.ok("agents.list", json!({}));
    assert_eq!(agents["agents"][0]["id"], "helper", "{agents:#}");
    // Theirs is as it was, ours stands beside it.
    assert_eq!(fs::read_to_string(theirs.join("openclaw.json")).unwrap(), text);
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
    assert!(home.path().join(".pincer/openclaw.json").is_file());
}

fn openclaws_own_directory_is_refused(backend: Backend) {
    let setup = Setup::new(backend);
    let state = setup.home.state();
    fs::create_dir_all(state.join("agents/main/sessions")).unwrap();
    fs::write(state.join("openclaw.json"), "{}").unwrap();
    fs::write(state.join("agents/main/sessions/sessions.json"), "{}").unwrap();
    let exit = setup.clone().try_start().expect_err("it is OpenClaw's");
    assert_eq!(exit.code, Some(78), "{}", exit.log);
    assert!(exit.log.contains("pincer import --from"), "{}", exit.log);
    assert_eq!(fs::read_dir(&state).unwrap().count(), 2, "nothing was written");
}

/// What cannot be started from says where and what.
fn bad_configs(backend: Backend) {
    for (config, words) in [
        ("{nope", "config.json5"),
        (r#"{"gateway": {"port": "abc"}}"#, "gateway.port"),
        (r#"{"gateway": {"auth": {"mode": "password"}}}"#, "gateway.auth.password"),
        (r#"{"gateway": {"auth": {"mode": "none"}, "bind": "lan"}}"#, "gateway.auth.mode"),
        (r#"{"gateway": {"mode": "remote"}}"#, "gateway.mode"),
    ] {
        let setup = Setup { token: None, ..Setup::new(backend) };
        let path = setup.home.path().join("config.json5");
        fs::write(&path, config).unwrap();
        let setup = setup.args(&["--config", path.to_str().unwrap()]);
        let exit = setup.clone().try_start().expect_err(config);
        assert!(exit.log.contains(words), "{config}: {}", exit.log);
        assert!(matches!(exit.code, Some(code) if code != 0), "{config}: {exit:?}");
        assert!(!exit.log.contains("panicked"), "{}", exit.log);
        assert_eq!(fs::read_to_string(&path).unwrap(), config, "the file is left alone");
    }
}

fn unknown_keys_warn(backend: Backend) {
    let gateway = Setup::new(backend).config(json!({"gateway": {"colour": "red"}, "frobnicate": 1})).start();
    for path in ["gateway.colour", "frobnicate"] {
        assert!(gateway.log().contains(path), "{}", gateway.log());
    }
    assert_eq!(request(gateway.port, "GET", "/readyz", &[]).status, 200);
}

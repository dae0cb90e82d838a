//! A running server: started on a core of its own, reached when it has said hello-ok, ended when dropped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pincer_tests::{Hello, TOKEN};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use super::{Peer, Program, openclaw};
use crate::cores::Cores;
use crate::load::ask;
use crate::load::connect::Silent;
use crate::load::engine::Engine;
use crate::process::Tree;

/// Something to measure.
pub(crate) struct Server {
    /// In reports.
    pub(crate) name: String,
    /// On 127.0.0.1.
    pub(crate) port: u16,
    /// From the start of its process to the first hello-ok.
    pub(crate) until_hello: Option<Duration>,
    hello: Hello,
    pid: Option<u32>,
    own: Option<Own>,
}

/// What we started and have to end.
struct Own {
    child: Child,
    _home: TempDir,
}

impl Server {
    /// One that runs already; whose process it is, if known, for its CPU time and memory.
    pub(crate) fn running(port: u16, pid: Option<u32>, hello: Hello) -> Server {
        Server { name: format!("port {port}"), port, until_hello: None, hello, pid, own: None }
    }

    /// What a client says to it.
    pub(crate) fn hello(&self) -> Hello {
        self.hello.clone()
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Option<Tree> {
        self.pid.map(Tree)
    }

    /// Makes a session with something said in it. A peer that knows no sessions refuses, and needs none.
    pub(crate) fn make_session(&self, engine: &mut Engine, key: &str) -> Result<(), String> {
        let turn = json!({"sessionKey": key, "message": "hello", "idempotencyKey": "bench-session"});
        let accepted = ask(engine, "chat.send", &turn)?;
        if accepted.contains("\"ok\":true") {
            ask(engine, "agent.wait", &json!({"runId": "bench-session", "timeoutMs": 20_000}))?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(Own { child, .. }) = &mut self.own else { return };
        // Those it started first, so that none is left without a parent.
        for pid in Tree(child.id()).pids().into_iter().skip(1) {
            if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
                let _ = kill_process(pid, Signal::KILL); // ended by itself meanwhile
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// How long a start may take.
const START: Duration = Duration::from_secs(15);
/// The same for OpenClaw: 2026.2 compiles its plugins at the first one.
const START_UPSTREAM: Duration = Duration::from_secs(180);

/// Starts `peer` on the server's core, in an empty home, and waits for its first hello-ok.
///
/// # Errors
/// When it ends, or says no hello-ok in time; with the end of its log.
pub(crate) fn start(peer: Peer, program: &Program, cores: &Cores) -> Result<Server, String> {
    let home = tempfile::Builder::new().prefix("pincer-bench-").tempdir().map_err(|e| e.to_string())?;
    let port = free_port();
    let mut command = Command::new(&program.path);
    command.args(&program.args).env_clear().env("HOME", home.path()).current_dir(home.path());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let number = port.to_string();
    match peer {
        Peer::PincerEpoll | Peer::PincerUring => {
            let backend = peer.backend().map_or("auto", |backend| backend.name());
            command.args(["gateway", "run", "--port", &number, "--backend", backend, "--shards", "1"]);
            command.args(["--token", TOKEN, "--state-dir"]).arg(home.path().join("state"));
        }
        Peer::Fastwebsockets | Peer::Tungstenite | Peer::Bun => {
            command.args([&number, TOKEN]);
        }
        Peer::OpenclawV3 | Peer::OpenclawV4 => openclaw::configure(&mut command, home.path(), port)?,
    }
    let log = home.path().join("bench.log");
    let out = File::create(&log).map_err(|e| e.to_string())?;
    command.stdin(Stdio::null()).stderr(out.try_clone().map_err(|e| e.to_string())?).stdout(out);

    // A child runs where its parent ran when it was made.
    cores.enter_server();
    let since = Instant::now();
    let child = command.spawn();
    cores.enter_generator();
    let child = child.map_err(|e| format!("{}: {e}", program.path.display()))?;
    let mut server = Server {
        name: peer.name().to_owned(),
        port,
        until_hello: None,
        hello: peer.hello(),
        pid: Some(child.id()),
        own: Some(Own { child, _home: home }),
    };
    let patience = if peer.is_upstream() { START_UPSTREAM } else { START };
    loop {
        let why = match greet(&server) {
            Ok(()) => break,
            Err(why) => why,
        };
        let ended = server.own.as_mut().and_then(|own| own.child.try_wait().ok().flatten());
        if ended.is_some() || since.elapsed() > patience {
            let ended =
                ended.map_or_else(|| format!("no hello-ok after {patience:?}"), |status| status.to_string());
            return Err(format!("{ended}; {why}; it said: {}", end_of(&log)));
        }
        thread::sleep(Duration::from_micros(500));
    }
    server.until_hello = Some(since.elapsed());
    Ok(server)
}

/// One handshake.
fn greet(server: &Server) -> Result<(), String> {
    let mut engine = Engine::new(server.port, vec![server.hello()]);
    engine.fill(1, &mut Silent(None), Duration::from_secs(30))
}

/// One that nobody has at the moment.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text[text.floor_char_boundary(text.len().saturating_sub(600))..].to_owned()
}

//! A gateway process of a test's own.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::backend::Backend;
use crate::binary::{gateway_binary, no_uring};
use crate::client::{Client, PATIENCE};
use crate::hello::Hello;
use crate::http::{self, Answer};

/// The shared token of a test's gateway, unless it chooses another.
pub const TOKEN: &str = "token-of-the-tests";

/// Which store a gateway is told to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Snapshot and journal: what a gateway uses when nobody says anything.
    Json,
    /// One SQLite file.
    Sqlite,
}

impl StoreKind {
    /// Both.
    pub const BOTH: [StoreKind; 2] = [StoreKind::Json, StoreKind::Sqlite];

    /// In reports.
    pub fn name(self) -> &'static str {
        match self {
            StoreKind::Json => "json",
            StoreKind::Sqlite => "sqlite",
        }
    }
}

/// A home directory with a state directory in it; gone when the last gateway of the test is.
#[derive(Debug, Clone)]
pub struct Home(Arc<TempDir>);

impl Default for Home {
    fn default() -> Home {
        Home::new()
    }
}

impl Home {
    /// An empty one.
    pub fn new() -> Home {
        Home(Arc::new(tempfile::Builder::new().prefix("pincer-test-").tempdir().unwrap()))
    }

    /// `HOME` of the gateway.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Its `--state-dir`.
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }
}

/// How a gateway is to run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where.
    pub home: Home,
    /// `--backend`; `None`: the gateway chooses.
    pub backend: Option<Backend>,
    /// `--shards`.
    pub shards: u8,
    /// `--store`.
    pub store: StoreKind,
    /// `--token`; `None`: from the config, or made up by the gateway.
    pub token: Option<&'static str>,
    /// Written to `openclaw.json` in the home directory and passed as `--config`.
    pub config: Option<Value>,
    /// `--state-dir`; `false`: the gateway finds its own.
    pub state_dir: bool,
    /// More variables; of the test's own environment only `PATH` is passed on.
    pub env: Vec<(String, String)>,
    /// More arguments.
    pub args: Vec<String>,
    /// Program (and arguments) that runs the gateway.
    pub wrapper: Vec<PathBuf>,
}

impl Setup {
    /// Two shards with `backend`, the token [`TOKEN`], the JSON store, no config.
    pub fn new(backend: Backend) -> Setup {
        Setup {
            home: Home::new(),
            backend: Some(backend),
            shards: 2,
            store: StoreKind::Json,
            token: Some(TOKEN),
            config: None,
            state_dir: true,
            env: Vec::new(),
            args: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    /// With this config file.
    pub fn config(self, config: Value) -> Setup {
        Setup { config: Some(config), ..self }
    }

    /// With this store.
    pub fn store(self, store: StoreKind) -> Setup {
        Setup { store, ..self }
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With further arguments.
    pub fn args(mut self, args: &[&str]) -> Setup {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Starts it and waits until it listens; panics with its log when it ends instead.
    #[track_caller]
    pub fn start(self) -> Gateway {
        self.try_start().unwrap_or_else(|exit| panic!("the gateway did not start: {exit:?}\n{}", exit.log))
    }

    /// Starts it and waits until it listens, or has ended.
    pub fn try_start(self) -> Result<Gateway, Exit> {
        let log = self.home.path().join("gateway.log");
        let mut child = self.command(&log).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if let Some(port) = listening_on(&text) {
                return Ok(Gateway { setup: self, child, port, log, quiet: false });
            }
            if let Some(status) = child.try_wait().unwrap() {
                return Err(Exit::new(status, &log));
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                let status = child.wait().unwrap();
                return Err(Exit::new(status, &log));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The command that runs it, with output and errors in `log`.
    fn command(&self, log: &Path) -> Command {
        let mut words = self.wrapper.clone();
        if std::env::var_os("PINCER_NO_URING").is_some_and(|value| value == "1") {
            words.extend([no_uring(), "eperm".into()]);
        }
        words.push(gateway_binary());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["gateway", "run", "--port", "0"]);
        if let Some(backend) = self.backend {
            command.args(["--backend", backend.name()]);
        }
        command.args(["--shards", &self.shards.to_string()]);
        if self.state_dir {
            command.arg("--state-dir").arg(self.home.state());
        }
        if self.store == StoreKind::Sqlite {
            command.arg("--store").arg(self.home.state().join("sessions.sqlite"));
        }
        if let Some(token) = self.token {
            command.args(["--token", token]);
        }
        if let Some(config) = &self.config {
            let path = self.home.path().join("config.json5");
            // A restart keeps what the gateway made of it.
            if !path.exists() {
                fs::write(&path, config.to_string()).unwrap();
            }
            command.arg("--config").arg(path);
        }
        command.args(&self.args);
        command.env_clear().env("HOME", self.home.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let out = File::create(log).unwrap();
        command.stdin(Stdio::null()).stderr(out.try_clone().unwrap()).stdout(out);
        command
    }
}

fn listening_on(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    // The line may still be half written.
    (rest.len() > digits.len()).then(|| digits.parse().ok())?
}

/// How a gateway ended.
#[derive(Debug, Clone)]
pub struct Exit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote.
    pub log: String,
}

impl Exit {
    fn new(status: ExitStatus, log: &Path) -> Exit {
        let log = fs::read_to_string(log).unwrap_or_default();
        Exit { code: status.code(), signal: status.signal(), log }
    }
}

/// A running gateway. Killed when dropped; its log is shown when the test is failing.
#[derive(Debug)]
pub struct Gateway {
    setup: Setup,
    child: Child,
    /// The port it listens on, on 127.0.0.1.
    pub port: u16,
    log: PathBuf,
    quiet: bool,
}

impl Gateway {
    /// One with the defaults of [`Setup::new`].
    #[track_caller]
    pub fn start(backend: Backend) -> Gateway {
        Setup::new(backend).start()
    }

    /// How it was started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.setup.home.state()
    }

    /// What it wrote to output and error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// An HTTP request without a body.
    pub fn http(&self, method: &str, path: &str) -> Answer {
        http::request(self.port, method, path, &[])
    }

    /// A connected client; panics when it is refused.
    #[track_caller]
    pub fn connect(&self, hello: &Hello) -> Client {
        let mut client = Client::open(self.port);
        let response = client.hello(hello);
        assert_eq!(response["ok"], true, "connect was refused: {response:#}");
        client
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        // An already ended process is the caller's business.
        let _ = kill_process(pid, signal);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for its end, at most `patience`; panics when it goes on.
    #[track_caller]
    pub fn wait(mut self, patience: Duration) -> Exit {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Exit::new(status, &self.log);
            }
            assert!(Instant::now() < deadline, "the gateway did not end within {patience:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it in order and waits.
    #[track_caller]
    pub fn stop(self) -> Exit {
        self.terminate();
        self.wait(PATIENCE)
    }

    /// SIGKILL. What can start the next one on the same state comes back.
    pub fn kill(mut self) -> Setup {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.quiet = true;
        self.setup.clone()
    }

    /// Ends it in order and starts another on the same state.
    #[track_caller]
    pub fn restart(self) -> Gateway {
        let setup = self.setup.clone();
        let exit = self.stop();
        assert_eq!(exit.code, Some(0), "an orderly end is a success: {exit:?}");
        setup.start()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// Most of a log that a failing test shows, in bytes.
const LOG_SHOWN_MAX: usize = 16 * 1024;

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() && !self.quiet {
            let log = self.log();
            let from = log.floor_char_boundary(log.len().saturating_sub(LOG_SHOWN_MAX));
            eprintln!("--- log of the gateway (state {})\n{}---", self.state().display(), &log[from..]);
        }
    }
}

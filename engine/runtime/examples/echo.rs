//! An echo server on either backend, for looking at a driver by itself.
//!
//! `echo [--backend auto|uring|epoll] [--shards N] [--port N] [--probe]`: prints the backend, the reason, the port and
//! its process id; ends on SIGTERM. `--probe` only prints what is chosen.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../tests/echo/mod.rs"]
mod echo;

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::process::ExitCode;

use pincer_runtime::{Backend, Choice, Drain, NoCalls, Options, Server, Services, log, signals};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut choice, mut shards, mut port, mut only_probe) = (Choice::Auto, 1u8, 0u16, false);
    while let Some(arg) = args.next() {
        let mut value = || args.next().expect("a value");
        match arg.as_str() {
            "--backend" => choice = value().parse().unwrap(),
            "--shards" => shards = value().parse().unwrap(),
            "--port" => port = value().parse().unwrap(),
            "--probe" => only_probe = true,
            other => panic!("what is {other}?"),
        }
    }
    let (backend, reason) = match Backend::choose(choice, shards) {
        Ok(settled) => settled,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("backend {backend} ({reason})");
    if only_probe {
        return ExitCode::SUCCESS;
    }
    let (log, _writer) = log::start(log::LogOptions { console: true, ..Default::default() }).unwrap();
    let options = Options {
        shards: NonZeroU8::new(shards).unwrap(),
        ..Options::new(backend, vec![SocketAddr::from(([127, 0, 0, 1], port))])
    };
    let services = Services { store: None, log: log.clone() };
    let server = match Server::start(&options, services, |_| NoCalls, echo::Echo::new) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let drain = Drain { reason: "gateway stopping".into(), budget_ms: 1_000, restart_expected_ms: None };
    let _signals = match signals::watch(server.post().clone(), log, signals::OnSignal::drain(drain)) {
        Ok(watch) => watch,
        Err(error) => {
            eprintln!("cannot catch signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("port {} pid {}", server.addrs()[0].port(), std::process::id());
    server.join().unwrap();
    ExitCode::SUCCESS
}

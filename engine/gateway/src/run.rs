//! `pincer gateway run`: assembles a gateway and runs it until it is told to stop.

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::process::ExitCode;

use pincer_config::section::engine::Shards;
use pincer_config::section::logging::Level;
use pincer_config::section::{Backend as Wanted, Durability};
use pincer_runtime::signals::{OnSignal, watch};
use pincer_runtime::{Backend, Choice, Drain};
use pincer_shard::driver::{LogLevel, LogLine};

use crate::cli::{Failure, Global, Output, RunOptions, prepare};

use crate::guard::Reload;
use crate::serve::{self, Refused, Running, Serve};
use crate::warm;

/// How long running turns get when the gateway stops, milliseconds, unless configured.
const DRAIN_BUDGET_MS: u64 = 30_000;
/// When clients may expect a replacement; upstream's figure.
const RESTART_EXPECTED_MS: u64 = 1_500;
/// Most shards that are started without being asked for: more only pay on machines with much traffic.
const SHARDS_AUTO_MAX: usize = 8;

/// Runs a gateway. Returns when it has stopped.
pub(crate) fn run(options: RunOptions, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let prepared = prepare(&options, global)?;
    prepared.announce(output);
    let (plan, context) = (prepared.plan, prepared.context);
    let shards = match plan.shards {
        Shards::Count(count) => NonZeroU8::new(count).unwrap_or(NonZeroU8::MIN),
        Shards::Auto => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_AUTO_MAX);
            u8::try_from(cores).ok().and_then(NonZeroU8::new).unwrap_or(NonZeroU8::MIN)
        }
    };
    let choice = match plan.backend {
        Wanted::Auto => Choice::Auto,
        Wanted::Uring => Choice::Uring,
        Wanted::Epoll => Choice::Epoll,
    };
    let (backend, backend_reason) = Backend::choose(choice, shards.get()).map_err(Failure::config)?;
    let (located, environment) = (context.located, context.environment);
    let state_dir = located.state_dir.clone();
    let drain_ms = context.loaded.config.engine.drain_ms.unwrap_or(DRAIN_BUDGET_MS);
    let serve = Serve {
        listen: vec![plan.listen],
        token: plan.auth.token,
        password: plan.auth.password,
        raw: context.raw,
        loaded: context.loaded,
        config_path: located.config_path.clone(),
        store_path: plan.store.unwrap_or_else(|| default_store(&state_dir)),
        state_dir,
        shards,
        backend,
        backend_reason,
        log_level: level(plan.log_level),
        fsync: plan.durability == Durability::Full,
    };
    let started = format!("pincer {}, backend {backend}, {shards} shards", env!("CARGO_PKG_VERSION"));
    let Running { server, log, scratch, defender, quarantine, watching } =
        serve::start(serve, &mut |line| output.remark(&line)).map_err(|Refused { message, config }| {
            if config { Failure::config(message) } else { Failure::new(message) }
        })?;
    let drain = Drain {
        reason: "gateway stopping".to_owned(),
        budget_ms: drain_ms,
        restart_expected_ms: Some(RESTART_EXPECTED_MS),
    };
    let addresses: Vec<String> = server.addrs().iter().map(ToString::to_string).collect();
    let message = format!("listening on {}; {started}", addresses.join(", "));
    log.write(
        pincer_runtime::Clock::start().now().wall_ms,
        LogLine { level: LogLevel::Info, subsystem: "gateway", message },
    );
    let mut reload = Reload {
        environment,
        located,
        post: server.post().clone(),
        log: log.clone(),
        in_force: defender,
        quarantine,
    };
    let on_signal = OnSignal { reload: Box::new(move || reload.run()), ..OnSignal::drain(drain) };
    let watched = watch(server.post().clone(), log, on_signal);
    let _watch = watched.map_err(|error| Failure::new(format!("signals cannot be watched: {error}")))?;
    let mut scratch = warm::Scratch::new(scratch);
    // Once to build what is built on first use, once more for what is to stay.
    scratch.serve();
    pincer_runtime::memory::release_startup_code();
    scratch.serve();
    drop(scratch);
    pincer_runtime::memory::rest();
    // Only now: whoever waits for this line may send a signal next.
    for address in server.addrs() {
        output.remark(format!("listening on {address}"));
    }
    let ended = server.join();
    drop(watching);
    ended.map_err(Failure::new)?;
    Ok(ExitCode::SUCCESS)
}

fn default_store(state_dir: &std::path::Path) -> PathBuf {
    state_dir.join("state").join("pincer.json")
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::Trace | Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        _ => LogLevel::Error,
    }
}

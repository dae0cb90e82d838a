//! Options of `pincer gateway run`.

use std::path::PathBuf;

use clap::Args;
use pincer_config::Secret;
use pincer_config::section::engine::Shards;
use pincer_config::section::{Backend, logging::Level};
use pincer_config::start::Flags;

/// Options of `pincer gateway run`. Each wins over the environment, which wins over the config.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  pincer gateway run                                  loopback only, token made on first start
  pincer gateway run --bind lan --token \"$TOKEN\"      reachable from the network
  pincer gateway run --store ~/.pincer/pincer.db      state in SQLite

Stops cleanly on SIGTERM and SIGINT.")]
pub(crate) struct RunOptions {
    /// Port for WebSocket and HTTP; 0 takes a free one [env: PINCER_GATEWAY_PORT, OPENCLAW_GATEWAY_PORT]
    /// [default: 18789]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// loopback, lan, or an IP address [default: loopback]
    #[arg(long, value_name = "ADDR", env = "PINCER_GATEWAY_BIND")]
    pub(crate) bind: Option<String>,
    /// The shared token [env: PINCER_GATEWAY_TOKEN, OPENCLAW_GATEWAY_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The shared password; implies password mode [env: PINCER_GATEWAY_PASSWORD, OPENCLAW_GATEWAY_PASSWORD]
    #[arg(long, value_name = "PASSWORD", conflicts_with = "token")]
    pub(crate) password: Option<String>,
    /// The store: a .json file, or .db, .sqlite or .sqlite3 for SQLite
    #[arg(long, value_name = "PATH", env = "PINCER_STORE")]
    pub(crate) store: Option<PathBuf>,
    /// How sockets are driven: auto, uring or epoll
    #[arg(long, value_name = "NAME", env = "PINCER_BACKEND", value_parser = backend)]
    pub(crate) backend: Option<Backend>,
    /// How many cores serve: a number, or auto
    #[arg(long, value_name = "N", env = "PINCER_SHARDS", value_parser = shards)]
    pub(crate) shards: Option<Shards>,
    /// Start even though gateway.mode is not "local"
    #[arg(long)]
    pub(crate) allow_unconfigured: bool,
    /// The least important lines that are logged: trace, debug, info, warn, error, fatal or silent
    #[arg(long, value_name = "LEVEL", env = "PINCER_LOG_LEVEL", value_parser = level)]
    pub(crate) log_level: Option<Level>,
}

impl RunOptions {
    /// The same, for [`pincer_config::start::decide`].
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            port: self.port,
            bind: self.bind.clone(),
            token: self.token.clone().map(Secret::new),
            password: self.password.clone().map(Secret::new),
            shards: self.shards,
            backend: self.backend,
            store: self.store.clone(),
            log_level: self.log_level,
            allow_unconfigured: self.allow_unconfigured,
        }
    }
}

fn backend(text: &str) -> Result<Backend, String> {
    match text {
        "auto" => Ok(Backend::Auto),
        "uring" => Ok(Backend::Uring),
        "epoll" => Ok(Backend::Epoll),
        _ => Err("there are auto, uring and epoll".to_owned()),
    }
}

fn shards(text: &str) -> Result<Shards, String> {
    match text {
        "auto" => Ok(Shards::Auto),
        number => number
            .parse::<u8>()
            .ok()
            .filter(|count| *count > 0)
            .map(Shards::Count)
            .ok_or_else(|| "a number from 1 to 255, or auto".to_owned()),
    }
}

fn level(text: &str) -> Result<Level, String> {
    Ok(match text {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        "fatal" => Level::Fatal,
        "silent" => Level::Silent,
        _ => return Err("there are trace, debug, info, warn, error, fatal and silent".to_owned()),
    })
}

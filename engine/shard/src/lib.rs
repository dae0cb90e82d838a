//! One core's whole world, as a synchronous state machine.
//!
//! A shard owns connections, sessions and runs. It is told what happened (`accepted`, `received`, `mail`, `tick`), and
//! answers with [`driver::Effect`]s. It never touches a socket, a thread or a clock, so the same shard runs under
//! io_uring, under epoll and in the simulator.
//!
//! Start with [`Shard`] and its implementation of [`driver::Core`], then `dispatch` (from a frame to a handler), `method`
//! (the handlers), `run` (what a turn does) and `home` (what only shard 0 does).

pub mod approval;
mod boot;
mod caller;
mod catalog;
mod clock;
mod config_reload;
mod connection;
mod counters;
mod dispatch;
mod drain;
pub mod driver;
mod fanout;
mod gather;
mod guard;
pub mod handshake;
mod home;
pub mod host;
mod http;
mod ingress;
mod intel;
pub mod limiter;
pub mod limits;
mod live;
pub mod load;
mod lookup;
mod message;
mod method;
mod outbox;
pub mod pairing;
mod pending;
pub mod presence;
mod query;
mod run;
mod sessions;
mod shard;
mod stalled;
mod timers;

pub use boot::{Boot, SettingsBoot};
pub use home::view::HostFacts;
pub use limits::Limits;
pub use message::Message;
pub use shard::Shard;

//! Turns a shard's effects into system calls.
//!
//! A [`Server`] runs one thread a shard. Each drives a [`Core`](pincer_shard::driver::Core) through one of two
//! backends that behave alike: `epoll`, and `uring` (glommio). Beside them run a thread that commits to the store, one
//! that reads from it, one that writes the log, and one for signals; they reach shards through bounded mailboxes.
//!
//! Left out: what bytes mean, what is allowed, and any policy. Nothing here parses a frame.
//!
//! Start with [`Backend::choose`], then [`Server::start`].

mod backend;
mod bell;
mod calls;
mod clock;
pub mod cores;
pub mod egress;
mod engine;
mod epoll;
mod gauges;
pub mod integrity;
mod listen;
mod load;
pub mod log;
pub mod memory;
mod mesh;
mod ports;
mod probe;
mod queue;
mod rlimit;
mod seat;
mod server;
pub mod signals;
mod socket;
mod store;
mod uring;

pub use self::backend::{AUTO_PREFERS, Backend, Choice, Unavailable};
pub use self::calls::{Calls, NoCalls};
pub use self::clock::Clock;
pub use self::gauges::{Gauge, STALL, ShardGauges, TURN_BUCKETS, turn_bound};
pub use self::listen::{ListenError, loopback};
pub use self::load::Meter;
pub use self::mesh::{MeshLimits, Post};
pub use self::probe::{Verdict, probe};
pub use self::server::{Drain, EndError, Options, Server, Services, StartError};
pub use self::store::{StoreBackend, StoreReader};

//! Real gateways over real sockets: what the end-to-end tests, the kill suite and the benchmarks are built from.
//!
//! A [`Setup`] describes how a `pincer` process is to run; [`Setup::start`] runs it in a directory of its own on a free
//! port, and [`Gateway`] stops it, kills it, starts it again on the same state and shows its log when a test fails.
//! [`Client`] speaks to it: a blocking WebSocket client that keeps every frame it saw, on either wire, with or without a
//! device [`Identity`]. Nothing here knows how the gateway works inside; it shares no code with it.
//!
//! Variables: `PINCER_BIN` names a gateway that is already built; `PINCER_TEST_BACKENDS` lists the backends to test;
//! `PINCER_NO_URING=1` runs every gateway where io_uring is forbidden, as containers do it.
//!
//! Everything panics on failure, as test code should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, reason = "a failing test shows the gateway's log")]

mod backend;
mod binary;
mod client;
mod files;
mod frames;
mod gateway;
mod hello;
mod http;
mod identity;
pub mod kill;
mod provider;
mod rng;

pub use backend::Backend;
pub use binary::{example, gateway_binary, no_uring, workspace};
pub use client::{Client, Closed, PATIENCE, Upgrade};
pub use files::files_named;
pub use frames::{is_event, keys_of, result_of, run_events};
pub use gateway::{Exit, Gateway, Home, Setup, StoreKind, TOKEN};
pub use hello::{ALL_SCOPES, Device, Hello, Layout, Nonce, Wire};
pub use http::{Answer, request};
pub use identity::Identity;
pub use provider::{Provider, Reply};
pub use rng::Rng;

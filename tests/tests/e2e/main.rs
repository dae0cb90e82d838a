//! The real binary over real sockets, once per backend that this machine has.
//!
//! Expected frames are those recorded from OpenClaw 2026.2 (v3) and 2026.9 (v4); where Pincer differs on purpose, the
//! row says why. The model is the embedded `loopback`, except where the provider is what is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod abort;
mod after_connect;
mod approvals;
mod chat_v3;
mod chat_v4;
mod commands;
mod compaction;
mod defender;
mod defender_cli;
mod devices;
mod handshake;
mod host;
mod http;
mod idempotency;
mod intel;
mod lifecycle;
mod limits;
mod live;
mod observers;
mod policy;
mod profiles;
mod provider;
mod queue;
mod sandbox;
mod sessions;
mod stale;
mod state;
mod store_faults;

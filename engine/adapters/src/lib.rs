//! How each outside service speaks, without speaking.
//!
//! A provider turns a [`ModelRequest`] into an [`http::HttpRequest`] and the bytes that come back into [`ModelEvent`]s.
//! Sockets, TLS and deadlines belong to the runtime, so a provider's tests are transcripts.
//!
//! Start with [`provider::of`]; [`loopback::Script`] is the model that needs no network, and [`failover`] says which
//! model to ask after a failure. Left out: tool calls. A model that asks for one ends its turn with
//! [`model::StopReason::ToolUse`], and what it wanted to call is dropped.

pub mod failover;
pub mod http;
pub mod loopback;
pub mod model;
pub mod provider;
pub mod virustotal;

pub use model::{ModelEvent, ModelRequest, ProviderError};

//! How each outside service speaks, without speaking.
//!
//! A provider turns a [`ModelRequest`] into an HTTP request and the bytes that come back into [`ModelEvent`]s. Sockets,
//! TLS and deadlines belong to the runtime, so a provider's tests are transcripts.

pub mod model;

pub use model::{ModelEvent, ModelRequest, ProviderError};

//! Model providers: what to send, and what the answer means.
//!
//! To add one: a file beside this one with a [`Provider`], a variant of [`Api`], and a line in [`of`].

mod anthropic;
mod failure;
mod openai;
pub mod sse;
mod stream;
#[cfg(test)]
mod transcript;

use crate::http::HttpRequest;
use crate::model::{Api, ModelEvent, ModelRequest, ProviderError};

/// A conversation with one kind of model API. Providers hold no state; what a running answer needs is in its decoder.
pub trait Provider: Send + Sync {
    /// The request that starts `request`'s answer, as an event stream.
    fn request(&self, request: &ModelRequest) -> HttpRequest;

    /// Reads the body of a 2xx answer. One decoder per answer.
    fn decoder(&self) -> Box<dyn StreamDecoder + Send>;

    /// What an answer with another status means. `retry_after_ms`: what the answer's headers said about trying again,
    /// see [`retry_after_ms`]. The message may still hold a credential the provider echoed; see
    /// [`ProviderError::cleaned`].
    fn failure(&self, status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> ProviderError;
}

/// Turns the bytes of one answer into events. Bounded: an answer that makes it hold more than [`sse::EVENT_BYTES_MAX`]
/// of one event, or [`WHOLE_BYTES_MAX`] of an answer that is not a stream, fails.
pub trait StreamDecoder {
    /// Takes the next bytes, cut anywhere. Appends to `out`; text that continues the last event there is joined to it.
    /// After an error the decoder must not be used again; events already in `out` stand.
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError>;

    /// The body has ended. Fails when the answer had not: a cut stream must not pass for a short answer.
    fn finish(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError>;

    /// Whether the answer has said its last word, though the body may go on. Waiting for the rest brings nothing.
    fn is_complete(&self) -> bool;
}

/// The provider that speaks `api`. `None` for the loopback model, which is a [`crate::loopback::Script`].
pub fn of(api: Api) -> Option<&'static dyn Provider> {
    match api {
        Api::Loopback => None,
        Api::OpenaiCompletions => Some(&openai::OpenaiCompletions),
        Api::AnthropicMessages => Some(&anthropic::AnthropicMessages),
    }
}

pub use failure::{MESSAGE_CHARS_MAX, retry_after_ms};
pub use stream::WHOLE_BYTES_MAX;

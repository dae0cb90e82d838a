//! Model calls, look-ups and other work that a shard's thread hands over.

use pincer_adapters::model::ProviderErrorKind;
use pincer_adapters::{ModelRequest, ProviderError};
use pincer_defender::Cleared;
use pincer_shard::driver::{CallId, CallProgress, Lookup, LookupError, LookupId, ShardId};

/// One shard's way to whoever performs them (the egress thread). All of it must return at once.
///
/// Progress of calls goes back through [`Post::progress`](crate::Post::progress), and ends with exactly one
/// [`CallProgress::Done`] or [`CallProgress::Failed`] unless the call was cancelled.
pub trait Calls: Send {
    /// Starts a call. Given back as what to tell the shard when no more can be taken.
    fn call(
        &mut self,
        shard: ShardId,
        call: CallId,
        request: Box<Cleared<ModelRequest>>,
    ) -> Result<(), CallProgress>;

    /// Asks a service one question. The answer goes back through [`Post::looked_up`](crate::Post::looked_up). Refused at
    /// once when too many are asked; nothing more is reported then.
    fn look_up(
        &mut self,
        shard: ShardId,
        lookup: LookupId,
        question: Box<Cleared<Lookup>>,
    ) -> Result<(), LookupError>;

    /// Builds what messages are judged by, on a thread of its own; [`Mail::GuardsBuilt`] comes when it is done. `false`:
    /// there is nothing to wait for.
    ///
    /// [`Mail::GuardsBuilt`]: pincer_shard::driver::Mail::GuardsBuilt
    fn build_guards(&mut self, shard: ShardId) -> bool;

    /// Stops a call. Reports already on their way may still arrive; the shard ignores calls it does not know.
    fn cancel(&mut self, shard: ShardId, call: CallId);
}

/// For a server without egress: every call and look-up fails.
#[derive(Debug, Clone, Copy)]
pub struct NoCalls;

impl Calls for NoCalls {
    fn call(
        &mut self,
        _: ShardId,
        _: CallId,
        request: Box<Cleared<ModelRequest>>,
    ) -> Result<(), CallProgress> {
        let provider = &request.get().endpoint.provider;
        Err(CallProgress::Failed(ProviderError {
            status: None,
            retry_after_ms: None,
            message: format!("provider {provider} cannot be reached: this server makes no outbound calls"),
            kind: ProviderErrorKind::Network,
        }))
    }

    fn look_up(&mut self, _: ShardId, _: LookupId, _: Box<Cleared<Lookup>>) -> Result<(), LookupError> {
        Err(LookupError::Network("this server makes no outbound calls".to_owned()))
    }

    fn build_guards(&mut self, _: ShardId) -> bool {
        false
    }

    fn cancel(&mut self, _: ShardId, _: CallId) {}
}

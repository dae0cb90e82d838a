//! What a turn does: from an accepted message to a reply on disk.
//!
//! ```text
//! submit ── durable ── ack ── begin ── transcript read ── context ── model ──┬─ boundary: steered messages, again
//!    │                                                                       └─ finish ── durable ── final events
//!    └── queued: durable, ack, an empty final; it runs when its turn comes
//! ```
//! The row of a turn is in the store from before its ack until its outcome is in the store, so a crash finds every
//! accepted message either queued (it will run), running (it is reported as interrupted) or finished.

mod begin;
pub(crate) mod end;
mod locate;
mod model;
pub(crate) mod overhear;
pub(crate) mod stream;
pub(crate) mod submit;
pub(crate) mod summary;
mod wait;

use std::collections::HashMap;

use pincer_adapters::failover::Cooldowns;
use pincer_adapters::loopback::Script;
use pincer_adapters::model::{Endpoint, TokenUsage};
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::Turn;

use crate::caller::Held;
use crate::driver::CallId;
use crate::timers::TimerId;

pub(crate) use end::well;
pub(crate) use stream::{AbortReason, Failure, ModelName, RunStream, final_without_run};
pub(crate) use submit::Asker;
pub(crate) use wait::RunEnd;

/// Everything about runs that is not one session's.
#[derive(Default)]
pub(crate) struct Runs {
    /// Which session a model call belongs to.
    pub(crate) calls: HashMap<CallId, SessionKey>,
    /// Which session a run id belongs to, while it runs or waits.
    pub(crate) keys: HashMap<String, SessionKey>,
    /// How runs ended lately, for `agent.wait`. Bounded; the oldest go first.
    pub(crate) ended: wait::Ended,
    /// Who waits for a run to end.
    pub(crate) waits: HashMap<u64, wait::Waiting>,
    /// Providers that failed lately.
    pub(crate) cooldowns: Cooldowns,
    /// Callers of `agent` whose run waits in a queue.
    pub(crate) callers: HashMap<String, Held>,
    /// Requests whose turn is being made durable, and repeats of them that wait for that.
    pub(crate) accepting: HashMap<String, Vec<Held>>,
    /// The timer for the scheduler's next deadline.
    pub(crate) queue_timer: Option<(u64, TimerId)>,
}

/// A run under way.
pub(crate) struct ActiveRun {
    pub(crate) turn: Turn,
    pub(crate) stream: RunStream,
    /// The caller of `agent`, who gets the result under the same request id.
    pub(crate) caller: Option<Held>,
    pub(crate) phase: Phase,
    /// What the model has said since the last model boundary.
    pub(crate) text: String,
    pub(crate) usage: TokenUsage,
    /// Tokens of all model calls of this run.
    pub(crate) spent: TokenUsage,
    /// Whether the model was asked once more because it had nothing to say.
    pub(crate) nudged: bool,
    /// Summaries this run has asked for.
    pub(crate) summaries: u8,
    /// Models to try, in order, and which one is being asked.
    pub(crate) models: Vec<Endpoint>,
    pub(crate) model_index: usize,
    pub(crate) begun_ms: u64,
    pub(crate) deadline: Option<TimerId>,
}

/// What a run waits for.
pub(crate) enum Phase {
    /// The transcript, or the store.
    Preparing,
    /// A provider.
    Calling(CallId),
    /// The embedded model.
    Loopback { script: Box<Script>, since_ms: u64, timer: Option<TimerId> },
    /// A summary of what was said before, because all of it does not fit.
    Summarising,
    /// Its outcome to be on disk.
    Finishing,
}

impl ActiveRun {
    /// The model being asked.
    pub(crate) fn model_name(&self) -> ModelName {
        match self.models.get(self.model_index) {
            Some(endpoint) => {
                ModelName { provider: endpoint.provider.clone(), model: endpoint.model.clone() }
            }
            None => ModelName { provider: String::new(), model: String::new() },
        }
    }
}

/// Adds up the tokens of several calls.
pub(crate) fn add_usage(sum: &mut TokenUsage, more: &TokenUsage) {
    sum.input += more.input;
    sum.output += more.output;
    sum.cache_read += more.cache_read;
    sum.cache_write += more.cache_write;
    sum.total += more.total;
}

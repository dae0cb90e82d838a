//! Which calls are under way, and how to stop one.
//!
//! One lock, taken twice in a call's life and never while something else is done: a call lasts seconds, so shards do not
//! meet here.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use pincer_adapters::model::{ProviderError, ProviderErrorKind};
use pincer_shard::driver::{CallId, CallProgress, ShardId};
use tokio::sync::Notify;

use super::{Limits, Shared};

/// First and longest pause before a report that found no room is offered again.
const ROOM_PAUSE_MIN: Duration = Duration::from_millis(2);
const ROOM_PAUSE_MAX: Duration = Duration::from_millis(50);

/// A call, unique in the process.
pub(super) type Key = (ShardId, CallId);

/// The calls of an egress.
pub(super) struct Registry {
    outstanding_max: usize,
    prompts_bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Tickets that exist, cancelled ones included: their tasks still hold memory.
    outstanding: usize,
    prompts_bytes: u64,
    /// Calls that can be cancelled; at most `outstanding`.
    cancels: HashMap<Key, Arc<Cancel>>,
}

impl Registry {
    pub(super) fn new(limits: &Limits) -> Registry {
        Registry {
            outstanding_max: (limits.calls_max as usize).saturating_add(limits.waiting_max as usize),
            prompts_bytes_max: limits.prompts_bytes_max,
            state: Mutex::default(),
        }
    }

    /// Takes a call in, within the bounds.
    pub(super) fn admit(shared: &Arc<Shared>, key: Key, prompt_bytes: u64) -> Result<Ticket, ProviderError> {
        let registry = &shared.registry;
        let mut state = registry.state();
        if state.outstanding >= registry.outstanding_max {
            return Err(busy("too many model calls are under way; try again in a moment"));
        }
        // A single prompt over the bound is let through: what may be sent at all is not decided here.
        let prompts_bytes = state.prompts_bytes.saturating_add(prompt_bytes);
        if state.outstanding > 0 && prompts_bytes > registry.prompts_bytes_max {
            return Err(busy(
                "the prompts of all model calls under way are too large; try again in a moment",
            ));
        }
        state.outstanding += 1;
        state.prompts_bytes = prompts_bytes;
        let cancel = Arc::new(Cancel::default());
        // Shards never use a `CallId` twice, so nothing is replaced.
        state.cancels.insert(key, cancel.clone());
        Ok(Ticket { shared: shared.clone(), key, prompt_bytes, cancel })
    }

    pub(super) fn cancel(&self, key: Key) {
        let cancel = self.state().cancels.remove(&key);
        if let Some(cancel) = cancel {
            cancel.now();
        }
    }

    pub(super) fn cancel_all(&self) {
        let cancels = std::mem::take(&mut self.state().cancels);
        cancels.values().for_each(|cancel| cancel.now());
    }

    pub(super) fn outstanding(&self) -> usize {
        self.state().outstanding
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let in. Dropping it gives its place back.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    key: Key,
    prompt_bytes: u64,
    cancel: Arc<Cancel>,
}

impl Ticket {
    /// Passes something on, unless the call was cancelled; waits while the shard has no room.
    pub(super) async fn report(&self, mut progress: CallProgress) {
        let mut pause = ROOM_PAUSE_MIN;
        while !self.cancel.cancelled.load(Ordering::Acquire) {
            match (self.shared.deliver)(self.key.0, self.key.1, progress) {
                Ok(()) => return,
                Err(kept) => progress = kept,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(ROOM_PAUSE_MAX);
        }
    }

    /// Does `work` until the call is cancelled, and then drops it. `None`: it was.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut cancelled = pin!(self.cancel.wake.notified());
        let mut work = pin!(work);
        poll_fn(|cx| match cancelled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => work.as_mut().poll(cx).map(Some),
        })
        .await
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.shared.registry.state();
        state.outstanding = state.outstanding.saturating_sub(1);
        state.prompts_bytes = state.prompts_bytes.saturating_sub(self.prompt_bytes);
        state.cancels.remove(&self.key);
    }
}

fn busy(message: &str) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Busy, message)
}

/// A wish that a call stop. Set once, from any thread.
#[derive(Default)]
struct Cancel {
    cancelled: AtomicBool,
    wake: Notify,
}

impl Cancel {
    fn now(&self) {
        self.cancelled.store(true, Ordering::Release);
        // Kept for the task when it is not waiting yet.
        self.wake.notify_one();
    }
}

//! A model speaks: the embedded one by our timers, the others through the egress thread.

use pincer_adapters::failover::moves_on;
use pincer_adapters::loopback::{Script, Then};
use pincer_adapters::model::{Api, ModelEvent, ModelRequest, ProviderError, ProviderErrorKind, TokenUsage};
use pincer_protocol::Wire;
use pincer_sessions::key::{SessionKey, SessionKind};

use super::{AbortReason, Failure, Phase, add_usage};
use crate::Shard;
use crate::driver::{CallId, CallProgress, Effect};
use crate::shard::Timer;

/// Most text one run may say, in bytes; a model that goes on is cut off there and the run ends well.
const REPLY_BYTES_MAX: usize = 4 << 20;

/// The embedded model does not answer in the same instant as the message is acknowledged. No other model can, and clients
/// rely on it: when the whole answer comes with the acknowledgement, in one read, OpenClaw 2026.9's terminal takes the
/// run for one that never ends.
const LOOPBACK_START_MS: u64 = 2;

impl Shard {
    /// Starts a call. The defender looks at it first: nothing reaches a provider uncleared.
    pub(super) fn start_call(&mut self, key: &SessionKey, request: ModelRequest) {
        if self.lacks_tables() {
            // The first thing that this process judges is a run that an earlier life accepted.
            let (key, run_id) = (key.clone(), self.active_run_id(key));
            return self.when_judging(move |shard| {
                // It may have been stopped meanwhile, and another one have begun.
                if shard.active_run_id(&key) == run_id {
                    shard.start_call(&key, request);
                }
            });
        }
        let cleared = match self.clear_call(key, request) {
            Ok(cleared) => cleared,
            Err(blocked) => {
                let (run, run_id) = (key.clone(), self.active_run_id(key));
                return self.call_blocked(key, blocked, true, move |shard, why| {
                    if shard.active_run_id(&run) == run_id {
                        shard.run_failed_locally(&run, why);
                    }
                });
            }
        };
        let now_ms = self.now.mono_ms;
        let call = CallId(self.next_number());
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        run.text.clear();
        if cleared.get().endpoint.api == Api::Loopback {
            let script = Box::new(Script::new(cleared.get()));
            let timer = self.timers.set(now_ms + LOOPBACK_START_MS, Timer::Loopback(key.clone()));
            run.phase = Phase::Loopback { script, since_ms: now_ms + LOOPBACK_START_MS, timer: Some(timer) };
            return;
        }
        run.phase = Phase::Calling(call);
        self.runs.calls.insert(call, key.clone());
        self.effects.push_back(Effect::Call { call, request: Box::new(cleared) });
    }

    /// The embedded model goes on.
    pub(crate) fn loopback_due(&mut self, key: &SessionKey) {
        let now_ms = self.now.mono_ms;
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        let Phase::Loopback { script, since_ms, timer } = &mut run.phase else { return };
        *timer = None;
        let step = script.next(now_ms.saturating_sub(*since_ms));
        if let Then::Wait { ms } = step.then {
            *timer = Some(self.timers.set(now_ms + ms, Timer::Loopback(key.clone())));
        }
        self.model_said(key, step.events);
        match step.then {
            Then::Wait { .. } | Then::Never => {}
            Then::Done => self.model_done(key),
            Then::Failed(error) => self.model_failed(key, &error),
        }
    }

    /// Progress of a provider's call.
    pub(crate) fn model_progress(&mut self, call: CallId, progress: CallProgress) {
        let Some(key) = self.runs.calls.get(&call).cloned() else { return };
        let Some(progress) = self.summary_progress(&key, call, progress) else { return };
        match progress {
            CallProgress::Events(events) => self.model_said(&key, events),
            CallProgress::Done => {
                self.runs.calls.remove(&call);
                self.model_done(&key);
            }
            CallProgress::Failed(error) => {
                self.runs.calls.remove(&call);
                self.model_failed(&key, &error);
            }
        }
    }

    fn model_said(&mut self, key: &SessionKey, events: Vec<ModelEvent>) {
        let now_ms = self.now.wall_ms;
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        let mut out = Vec::new();
        for event in events {
            match event {
                ModelEvent::Text(text) => {
                    let room = REPLY_BYTES_MAX.saturating_sub(run.text.len());
                    let cut = text.floor_char_boundary(room.min(text.len()));
                    run.text.push_str(text.get(..cut).unwrap_or_default());
                    // A silent reply is told only once it is whole, and then not at all.
                    if !may_be_silent(&run.text) {
                        run.stream.text(&run.text, now_ms, &mut out);
                    }
                }
                ModelEvent::Usage(usage) => run.usage = usage,
                // Reasoning is not shown yet; tools are not built yet, see `turn` in the docs.
                ModelEvent::Thinking(_) | ModelEvent::Stop(_) => {}
            }
        }
        for event in out {
            self.broadcast(event);
        }
    }

    /// A model boundary: steered messages go in and the model is asked again, or the run ends.
    fn model_done(&mut self, key: &SessionKey) {
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        let usage = std::mem::take(&mut run.usage);
        add_usage(&mut run.spent, &usage);
        let provider = run.models.get(run.model_index).map(|endpoint| endpoint.provider.clone());
        if let Some(provider) = provider {
            self.runs.cooldowns.succeeded(&provider);
        }
        let handed = self.sessions.scheduler.boundary(key, self.now);
        if handed.is_empty() {
            if self.nudge(key, &usage) {
                return;
            }
            return self.finish(key, usage);
        }
        self.steer(key, usage, handed);
    }

    /// v4 asks once more where a person waits and the model has nothing to say. In groups silence is an answer.
    fn nudge(&mut self, key: &SessionKey, usage: &TokenUsage) -> bool {
        let now_ms = self.now.wall_ms;
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return false;
        };
        let silent = run.text.trim() == super::end::SILENT;
        if !silent || run.nudged || run.turn.wire == Wire::V3 || key.kind() == SessionKind::Group {
            return false;
        }
        run.nudged = true;
        run.phase = Phase::Preparing;
        run.text.clear();
        let model = run.model_name();
        let mut events = Vec::new();
        run.stream.asks_again((usage.output > 0).then_some(usage.output), &model, now_ms, &mut events);
        for event in events {
            self.broadcast(event);
        }
        self.read_context(key, false);
        true
    }

    fn model_failed(&mut self, key: &SessionKey, error: &ProviderError) {
        let now_ms = self.now.mono_ms;
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        let index = run.model_index;
        let provider = run.models.get(index).map(|endpoint| endpoint.provider.clone()).unwrap_or_default();
        self.runs.cooldowns.failed(&provider, error, now_ms);
        let spoke = !run.text.is_empty();
        let next = self.runs.cooldowns.next(&run.models, Some(index), now_ms);
        if moves_on(error, spoke)
            && let Some(next) = next
        {
            run.model_index = next;
            let note = format!("{provider} failed ({}); trying the next model", error.message);
            self.warn("gateway/run", note);
            return self.read_context(key, false);
        }
        if error.kind == ProviderErrorKind::Timeout && error.status.is_none() {
            self.warn("gateway/run", format!("{provider}: {}", error.message));
        }
        let failure = Failure {
            provider_text: error.message.clone(),
            summary: summary(error),
            reason: reason(error.kind),
            kind: kind(error.kind),
        };
        // The provider knows better than our estimate: once with a summary, then it fails for good.
        let too_long = error.kind == ProviderErrorKind::ContextOverflow && !spoke;
        if !too_long || !self.summarise_for_run(key, false, Some(failure.clone())) {
            self.fail(key, failure);
        }
    }

    /// A run that took too long is stopped.
    pub(crate) fn run_deadline(&mut self, key: &SessionKey) {
        if let Some(run_id) = self.active_run_id(key) {
            self.abort_run(key, &run_id, AbortReason::Timeout, |_, _| ());
        }
    }
}

/// Whether what was said so far may become the silent reply.
fn may_be_silent(text: &str) -> bool {
    const SILENT: &str = super::end::SILENT;
    let text = text.trim();
    SILENT.starts_with(text)
}

/// What v4 shows people of a provider's error.
fn summary(error: &ProviderError) -> String {
    let what = match error.kind {
        ProviderErrorKind::BadRequest => "provider rejected the request schema or tool payload.",
        ProviderErrorKind::Auth => "provider refused the credentials.",
        ProviderErrorKind::RateLimit => "provider rate limit reached.",
        ProviderErrorKind::Server => "provider is overloaded or failed.",
        ProviderErrorKind::Timeout => "provider did not answer in time.",
        ProviderErrorKind::Network => "provider could not be reached.",
        ProviderErrorKind::Protocol => "provider sent an answer that could not be read.",
        ProviderErrorKind::ContextOverflow => "the conversation does not fit the model's context window.",
        ProviderErrorKind::Busy => "this gateway already has as many calls as it allows.",
    };
    format!("LLM request failed: {what}")
}

fn reason(kind: ProviderErrorKind) -> &'static str {
    match kind {
        ProviderErrorKind::BadRequest | ProviderErrorKind::Protocol => "format",
        ProviderErrorKind::Auth => "auth",
        ProviderErrorKind::RateLimit => "rate_limit",
        ProviderErrorKind::Timeout => "timeout",
        ProviderErrorKind::ContextOverflow => "context_overflow",
        ProviderErrorKind::Server | ProviderErrorKind::Network | ProviderErrorKind::Busy => "unavailable",
    }
}

fn kind(kind: ProviderErrorKind) -> &'static str {
    match kind {
        ProviderErrorKind::BadRequest | ProviderErrorKind::Protocol => "schema",
        ProviderErrorKind::Auth => "auth",
        ProviderErrorKind::RateLimit => "rate_limit",
        ProviderErrorKind::Timeout => "timeout",
        ProviderErrorKind::ContextOverflow => "context_overflow",
        ProviderErrorKind::Server | ProviderErrorKind::Network | ProviderErrorKind::Busy => "unavailable",
    }
}

//! A summary takes the place of what was said long ago: asked of the session's own model, like any other call, and
//! written into the transcript as OpenClaw writes it. Contexts built later begin with it.
//!
//! One summary a session at a time. It is asked for by a run whose conversation no longer fits, or by a person; whoever
//! asked goes on when it is on disk, or when there will be none.

use pincer_adapters::failover::moves_on;
use pincer_adapters::loopback::{Script, Then};
use pincer_adapters::model::{
    Api, Endpoint, Message, ModelEvent, ModelRequest, Part, ProviderError, Speaker,
};
use pincer_sessions::context::{self, CompactionPlan};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript;

use super::begin::{CONTEXT_BYTES_MAX, CONTEXT_LINES_MAX};
use super::{Failure, Phase};
use crate::Shard;
use crate::driver::{CallId, CallProgress, Effect};
use crate::run::stream::Change;
use crate::shard::Timer;

/// Newest part of a conversation that is still told in full, in tokens; upstream's `keepRecentTokens`.
const KEEP_TOKENS: u64 = 20_000;
/// Kept of the window for the summary itself, at most this and a quarter of the window.
const ANSWER_TOKENS: u64 = 8_000;
/// Longest summary, in bytes; what is longer is cut off there.
const SUMMARY_BYTES_MAX: usize = 64 << 10;
/// Summaries that one run may ask for: a conversation that does not fit after one will not fit after two.
const SUMMARIES_A_RUN: u8 = 1;

/// A summary being made.
pub(crate) struct Summary {
    /// Tells it from an earlier one of the same session.
    number: u64,
    instructions: Option<String>,
    models: Vec<Endpoint>,
    index: usize,
    timeout_ms: u64,
    plan: Option<CompactionPlan>,
    /// The transcript's last record when the plan was made.
    leaf: Option<Box<str>>,
    text: String,
    source: Source,
    then: AfterSummary,
}

/// Where the summary comes from.
enum Source {
    /// The transcript is being read.
    Reading,
    /// A provider.
    Calling(CallId),
    /// The embedded model.
    Loopback { script: Box<Script>, since_ms: u64 },
    /// It is written down.
    Writing,
}

type AfterSummary = Box<dyn FnOnce(&mut Shard, Result<Summarised, NoSummary>) + Send>;

/// A summary is in force.
pub(crate) struct Summarised {
    pub(crate) summary: String,
    pub(crate) first_kept_id: Option<String>,
    /// Estimated tokens of the conversation, before and now.
    pub(crate) tokens_before: u64,
    pub(crate) tokens_after: u64,
}

/// Why there is no summary. The conversation is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoSummary {
    /// There is nothing to summarise.
    Nothing,
    /// It failed, and this is why.
    Failed(String),
    /// The session was reset, deleted or stopped.
    Stopped,
}

impl Shard {
    /// A person asks for a summary of a session in which nothing runs.
    pub(crate) fn summarise_now(
        &mut self,
        key: &SessionKey,
        instructions: Option<String>,
        then: impl FnOnce(&mut Shard, Result<Summarised, NoSummary>) + Send + 'static,
    ) {
        if self.sessions.scheduler.running(key).is_some() {
            let why = "the session is answering; try again when it is done".to_owned();
            return then(self, Err(NoSummary::Failed(why)));
        }
        let entry = self.sessions.map.get(key).map(|session| &session.entry);
        let models = self.view.models_for(key, entry, None);
        let timeout_ms = self.view.run_timeout_ms();
        self.summarise(key, models, instructions, timeout_ms, Box::new(then));
    }

    /// The active run's conversation does not fit. Makes a summary and reads the context again; `false` when this run had
    /// its summary already. `failed`: what the model answered to the whole of it.
    pub(super) fn summarise_for_run(
        &mut self,
        key: &SessionKey,
        first: bool,
        failed: Option<Failure>,
    ) -> bool {
        let now = self.now.wall_ms;
        let default_ms = self.view.run_timeout_ms();
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return false;
        };
        if run.summaries >= SUMMARIES_A_RUN {
            return false;
        }
        run.summaries += 1;
        run.phase = Phase::Summarising;
        let run_id = run.turn.run_id.clone();
        let models = run.models.get(run.model_index..).unwrap_or_default().to_vec();
        let timeout_ms = run.turn.options.timeout_ms.unwrap_or(default_ms);
        let mut events = Vec::new();
        run.stream.summarising(now, &mut events);
        for event in events {
            self.broadcast(event);
        }
        let asked = key.clone();
        let then = move |shard: &mut Shard, result: Result<Summarised, NoSummary>| {
            if shard.active_run_id(&asked).as_deref() != Some(&run_id) {
                return;
            }
            let now = shard.now.wall_ms;
            let mut events = Vec::new();
            if let Some(run) =
                shard.sessions.map.get_mut(&asked).and_then(|session| session.run.as_deref_mut())
            {
                run.phase = Phase::Preparing;
                run.stream.summarised(result.is_ok(), failed.is_some(), now, &mut events);
            }
            for event in events {
                shard.broadcast(event);
            }
            let why = match result {
                Ok(Summarised { tokens_before, tokens_after, .. }) => {
                    let note = format!("compacted from about {tokens_before} to {tokens_after} tokens");
                    shard.info("gateway/run", note);
                    return shard.read_context(&asked, first);
                }
                Err(NoSummary::Nothing) => "there is nothing to summarise".to_owned(),
                Err(NoSummary::Failed(why)) => why,
                Err(NoSummary::Stopped) => "it was stopped".to_owned(),
            };
            match failed {
                Some(failure) => {
                    shard.warn("gateway/run", format!("no summary: {why}"));
                    shard.fail(&asked, failure);
                }
                None => {
                    let note = format!("no summary: {why}; the oldest messages are left out instead");
                    shard.warn("gateway/run", note);
                    shard.read_context(&asked, first);
                }
            }
        };
        self.summarise(key, models, None, timeout_ms, Box::new(then));
        true
    }

    fn summarise(
        &mut self,
        key: &SessionKey,
        models: Vec<Endpoint>,
        instructions: Option<String>,
        timeout_ms: u64,
        then: AfterSummary,
    ) {
        let number = self.next_number();
        let known = self.transcript_id(key);
        let Some((transcript, session)) = known.zip(self.sessions.map.get_mut(key)) else {
            return then(self, Err(NoSummary::Nothing));
        };
        if session.summary.is_some() {
            return then(self, Err(NoSummary::Failed("a summary is being made already".to_owned())));
        }
        if !session.entry.has_transcript {
            return then(self, Err(NoSummary::Nothing));
        }
        session.summary = Some(Box::new(Summary {
            number,
            instructions,
            models,
            index: 0,
            timeout_ms,
            plan: None,
            leaf: None,
            text: String::new(),
            source: Source::Reading,
            then,
        }));
        let query = TailQuery { transcript, lines_max: CONTEXT_LINES_MAX, bytes_max: CONTEXT_BYTES_MAX };
        let key = key.clone();
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            let of_this = shard.sessions.map.get(&key).and_then(|session| session.summary.as_deref());
            if of_this.is_none_or(|summary| summary.number != number) {
                return;
            }
            match answer {
                ReadAnswer::Transcripts(tails) => {
                    let tail = tails.into_iter().next().unwrap_or_default();
                    shard.plan_summary(&key, &tail);
                }
                ReadAnswer::Failed(why) => shard.summary_over(&key, Err(NoSummary::Failed(why))),
                ReadAnswer::Log { .. } | ReadAnswer::Quarantined(_) => {
                    shard.summary_over(&key, Err(NoSummary::Nothing))
                }
            }
        });
    }

    fn plan_summary(&mut self, key: &SessionKey, tail: &Tail) {
        let records = transcript::read(tail.lines.iter(), tail.skipped);
        let now_ms = self.now.mono_ms;
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let Some(summary) = session.summary.as_deref_mut() else { return };
        let Some(index) = self.runs.cooldowns.next(&summary.models, None, now_ms) else {
            let why = "no model is configured for this session".to_owned();
            return self.summary_over(key, Err(NoSummary::Failed(why)));
        };
        summary.index = index;
        let window = summary.models.get(index).map_or(0, |endpoint| self.view.context_tokens(endpoint));
        let answer = ANSWER_TOKENS.min(window / 4);
        let room = window.saturating_sub(answer);
        // At least half goes: a summary that leaves almost everything is not worth its call.
        let keep = KEEP_TOKENS.min(room / 2).min(context::conversation_tokens(&records) / 2);
        // Tokens are estimated: a tenth of the window is left for being wrong, and the instructions.
        let prompt = room.saturating_sub(window / 10);
        let plan = context::plan_compaction(&records, keep, prompt, summary.instructions.as_deref());
        if plan.is_none() {
            return self.summary_over(key, Err(NoSummary::Nothing));
        }
        summary.plan = plan;
        summary.leaf = session.leaf.clone();
        self.call_for_summary(key);
    }

    /// Which summary of a session is being made.
    fn summary_number(&self, key: &SessionKey) -> Option<u64> {
        Some(self.sessions.map.get(key)?.summary.as_deref()?.number)
    }

    /// Asks the model at the summary's index. The defender looks at it first, as at every call.
    fn call_for_summary(&mut self, key: &SessionKey) {
        if self.lacks_tables() {
            let (key, number) = (key.clone(), self.summary_number(key));
            return self.when_judging(move |shard| {
                if shard.summary_number(&key) == number {
                    shard.call_for_summary(&key);
                }
            });
        }
        let call = CallId(self.next_number());
        let view = std::sync::Arc::clone(&self.view);
        let now_ms = self.now.mono_ms;
        let Some(summary) = self.sessions.map.get_mut(key).and_then(|session| session.summary.as_deref_mut())
        else {
            return;
        };
        let (Some(endpoint), Some(plan)) = (summary.models.get(summary.index).cloned(), &summary.plan) else {
            return;
        };
        summary.text.clear();
        let request = ModelRequest {
            tokens_max: view.tokens_max(&endpoint),
            effort: None,
            timeout_ms: summary.timeout_ms,
            endpoint,
            system: plan.system.clone(),
            messages: vec![Message { speaker: Speaker::User, parts: vec![Part::Text(plan.prompt.clone())] }],
        };
        let cleared = match self.clear_call(key, request) {
            Ok(cleared) => cleared,
            Err(blocked) => {
                let (session, number) = (key.clone(), self.summary_number(key));
                return self.call_blocked(key, blocked, false, move |shard, why| {
                    if shard.summary_number(&session) == number {
                        shard.summary_over(&session, Err(NoSummary::Failed(why)));
                    }
                });
            }
        };
        let Some(summary) = self.sessions.map.get_mut(key).and_then(|session| session.summary.as_deref_mut())
        else {
            return;
        };
        if cleared.get().endpoint.api == Api::Loopback {
            let script = Box::new(Script::new(cleared.get()));
            summary.source = Source::Loopback { script, since_ms: now_ms };
            return self.summary_due(key);
        }
        summary.source = Source::Calling(call);
        self.runs.calls.insert(call, key.clone());
        self.effects.push_back(Effect::Call { call, request: Box::new(cleared) });
    }

    /// The embedded model goes on with a summary.
    pub(crate) fn summary_due(&mut self, key: &SessionKey) {
        let now_ms = self.now.mono_ms;
        let Some(summary) = self.sessions.map.get_mut(key).and_then(|session| session.summary.as_deref_mut())
        else {
            return;
        };
        let Source::Loopback { script, since_ms } = &mut summary.source else { return };
        let step = script.next(now_ms.saturating_sub(*since_ms));
        summary.take(step.events);
        match step.then {
            Then::Wait { ms } => {
                self.timers.set(now_ms + ms, Timer::Summary(key.clone()));
            }
            Then::Never => {
                let why = "the model does not answer".to_owned();
                self.summary_over(key, Err(NoSummary::Failed(why)));
            }
            Then::Done => self.summary_done(key),
            Then::Failed(error) => self.summary_failed(key, &error),
        }
    }

    /// Progress of a call, if it is for a summary; otherwise it is handed back.
    pub(super) fn summary_progress(
        &mut self,
        key: &SessionKey,
        call: CallId,
        progress: CallProgress,
    ) -> Option<CallProgress> {
        let summary = self.sessions.map.get_mut(key).and_then(|session| session.summary.as_deref_mut());
        let Some(summary) =
            summary.filter(|summary| matches!(summary.source, Source::Calling(ours) if ours == call))
        else {
            return Some(progress);
        };
        match progress {
            CallProgress::Events(events) => summary.take(events),
            CallProgress::Done => {
                self.runs.calls.remove(&call);
                self.summary_done(key);
            }
            CallProgress::Failed(error) => {
                self.runs.calls.remove(&call);
                self.summary_failed(key, &error);
            }
        }
        None
    }

    fn summary_failed(&mut self, key: &SessionKey, error: &ProviderError) {
        let now_ms = self.now.mono_ms;
        let Some(summary) = self.sessions.map.get_mut(key).and_then(|session| session.summary.as_deref_mut())
        else {
            return;
        };
        let provider = summary.models.get(summary.index).map(|endpoint| endpoint.provider.clone());
        if let Some(provider) = provider {
            self.runs.cooldowns.failed(&provider, error, now_ms);
        }
        let next = self.runs.cooldowns.next(&summary.models, Some(summary.index), now_ms);
        match next.filter(|_| moves_on(error, false)) {
            Some(next) => {
                summary.index = next;
                self.call_for_summary(key);
            }
            None => self.summary_over(key, Err(NoSummary::Failed(error.message.clone()))),
        }
    }

    /// The model has answered: writes the summary down.
    fn summary_done(&mut self, key: &SessionKey) {
        let now = self.now.wall_ms;
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let Some(summary) = session.summary.as_deref_mut() else { return };
        let text = summary.text.trim().to_owned();
        let Some(plan) = summary.plan.take() else { return };
        if text.is_empty() {
            let why = "the model wrote no summary".to_owned();
            return self.summary_over(key, Err(NoSummary::Failed(why)));
        }
        // A plan that keeps nothing would hide what was said since.
        if plan.first_kept_id.is_none() && session.leaf != summary.leaf {
            let why = "the conversation went on meanwhile".to_owned();
            return self.summary_over(key, Err(NoSummary::Failed(why)));
        }
        summary.source = Source::Writing;
        let number = summary.number;
        let tokens_after = context::estimate_tokens(&text) + plan.kept_tokens;
        session.entry.note_compaction(tokens_after, now);
        let done = Summarised {
            summary: text,
            first_kept_id: plan.first_kept_id,
            tokens_before: plan.tokens_before,
            tokens_after,
        };
        let mut ops = self.append_lines(key, |chain, mut ids| {
            let kept = done.first_kept_id.as_deref();
            vec![chain.compaction(&mut ids, now, &done.summary, kept, done.tokens_before).json]
        });
        ops.extend(self.entry_op(key));
        let key = key.clone();
        self.persist_surely(ops, move |shard, _| {
            let ours = shard.sessions.map.get(&key).and_then(|session| session.summary.as_deref());
            if ours.is_some_and(|summary| summary.number == number) {
                shard.session_changed(&key, Change::Reason("compact"));
                shard.summary_over(&key, Ok(done));
            }
        });
    }

    /// Whoever asked for the summary goes on.
    fn summary_over(&mut self, key: &SessionKey, result: Result<Summarised, NoSummary>) {
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let Some(summary) = session.summary.take() else { return };
        (summary.then)(self, result);
    }

    /// Gives a summary up that is being made.
    pub(super) fn stop_summary(&mut self, key: &SessionKey) {
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let Some(summary) = session.summary.take() else { return };
        if let Source::Calling(call) = summary.source {
            self.runs.calls.remove(&call);
            self.effects.push_back(Effect::CancelCall(call));
        }
        (summary.then)(self, Err(NoSummary::Stopped));
    }
}

impl Summary {
    fn take(&mut self, events: Vec<ModelEvent>) {
        for event in events {
            if let ModelEvent::Text(text) = event {
                let room = SUMMARY_BYTES_MAX.saturating_sub(self.text.len());
                let cut = text.floor_char_boundary(room.min(text.len()));
                self.text.push_str(text.get(..cut).unwrap_or_default());
            }
        }
    }
}

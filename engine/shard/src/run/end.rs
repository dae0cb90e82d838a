//! A run ends: well, badly, or stopped. Its outcome is on disk before anybody is told.

use pincer_adapters::model::TokenUsage;
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::entry::RunEnd as EntryRunEnd;
use pincer_sessions::entry::level::RunStatus;
use pincer_sessions::idempotency::{Family, Outcome as Ended, Receipt};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::scheduler::{Aborted, Clear, Handed, Next};
use pincer_sessions::transcript::{AssistantLine, AssistantStop, InjectedLine, Usage};
use pincer_sessions::turn::{self, Origin, Turn};
use serde_json::{Value, json};

use super::begin::preview;
use super::stream::{Change, dispatch_error_v4, final_without_run};
use super::wait::RunEnd;
use super::{AbortReason, ActiveRun, Failure, Phase};
use crate::Shard;
use crate::caller::Held;

/// What a model says when there is nothing to say; nobody is shown it.
pub(super) const SILENT: &str = "NO_REPLY";

/// What people find where a restart cut an answer off.
const INTERRUPTED: &str =
    "The gateway restarted while it was answering this message. Send it again to have it answered.";

impl Shard {
    /// The model is done: writes down what it said, then tells everybody.
    pub(super) fn finish(&mut self, key: &SessionKey, usage: TokenUsage) {
        let now = self.now.wall_ms;
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        run.phase = Phase::Finishing;
        let silent = run.text.trim() == SILENT || run.text.trim().is_empty();
        let (text, run_id) = (std::mem::take(&mut run.text), run.turn.run_id.clone());
        let mut events = Vec::new();
        if !silent {
            run.stream.text(&text, now, &mut events);
        }
        run.stream.finishing((usage.output > 0).then_some(usage.output), now, &mut events);
        for event in events {
            self.broadcast(event);
        }
        let mut ops = self.assistant_lines(key, &text, &usage, AssistantStop::Stop);
        self.count_run(key, &usage, RunStatus::Done);
        ops.extend(self.entry_op(key));
        let outcome = self.outcome(key);
        ops.extend(self.retire(key, &run_id, outcome));
        if !silent && let Some(session) = self.sessions.map.get_mut(key) {
            session.last_preview = Some(preview(&text));
        }
        let key = key.clone();
        self.persist_surely(ops, move |shard, _| shard.finished(&key, &run_id));
    }

    fn finished(&mut self, key: &SessionKey, run_id: &str) {
        if self.active_run_id(key).as_deref() != Some(run_id) {
            return;
        }
        let Some(mut run) = self.take_run(key) else { return };
        let now = self.now.wall_ms;
        let mut events = Vec::new();
        let model = run.model_name();
        run.stream.finished(&model, now, &mut events);
        for event in events {
            self.broadcast(event);
        }
        self.counters.runs_finished += 1;
        self.session_changed(key, Change::Phase("end"));
        let end = RunEnd::ok(&run, now);
        if let Some(held) = run.caller.take() {
            let payload = self.agent_result(&run, now);
            self.answer(held, Ok(&payload));
        }
        self.run_ended(run_id, end);
        self.next_turn(key);
    }

    /// The run failed: writes that down, then tells everybody.
    pub(crate) fn fail(&mut self, key: &SessionKey, failure: Failure) {
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        run.phase = Phase::Finishing;
        let (text, run_id, wire) = (std::mem::take(&mut run.text), run.turn.run_id.clone(), run.turn.wire);
        let usage = std::mem::take(&mut run.usage);
        let stop = AssistantStop::Error(&failure.provider_text);
        let mut ops = self.assistant_lines(key, &text, &usage, stop);
        self.count_run(key, &usage, RunStatus::Failed);
        ops.extend(self.entry_op(key));
        // v3's model errors end as `ok`; v4 remembers the error.
        let shown = shown_to_v4(&failure);
        let outcome = if wire == Wire::V3 { well() } else { Ended::Error { summary: shown.clone() } };
        ops.extend(self.retire(key, &run_id, outcome));
        let key = key.clone();
        self.persist_surely(ops, move |shard, _| {
            if shard.active_run_id(&key).as_deref() != Some(run_id.as_str()) {
                return;
            }
            let Some(mut run) = shard.take_run(&key) else { return };
            let now = shard.now.wall_ms;
            let mut events = Vec::new();
            let model = run.model_name();
            run.stream.failed(&failure, &model, now, &mut events);
            if run.caller.is_none() {
                events.push(dispatch_error_v4(&run_id, &key, &shown));
            }
            for event in events {
                shard.broadcast(event);
            }
            shard.counters.runs_failed += 1;
            shard.session_changed(&key, Change::Phase("end"));
            let waited = if run.caller.is_some() { failure.summary.clone() } else { shown };
            if let Some(held) = run.caller.take() {
                shard.answer_failed_agent(held, &run, &failure, now);
            }
            shard.run_ended(&run_id, RunEnd::failed(waited, now));
            shard.next_turn(&key);
        });
    }

    /// The run failed before or without a provider.
    pub(crate) fn run_failed_locally(&mut self, key: &SessionKey, why: String) {
        self.warn("gateway/run", why.clone());
        self.fail(
            key,
            Failure { summary: why.clone(), provider_text: why, reason: "unknown", kind: "unknown" },
        );
    }

    /// Steered messages go into the running turn: what was said so far and what people said since are written down,
    /// then the model is asked again.
    pub(super) fn steer(&mut self, key: &SessionKey, usage: TokenUsage, handed: Vec<Handed>) {
        let Some(run) = self.sessions.map.get_mut(key).and_then(|session| session.run.as_deref_mut()) else {
            return;
        };
        run.phase = Phase::Preparing;
        let (text, run_id) = (std::mem::take(&mut run.text), run.turn.run_id.clone());
        run.stream.restart_text();
        let mut ops = self.assistant_lines(key, &text, &usage, AssistantStop::Stop);
        for Handed { turn, stays_queued } in &handed {
            ops.extend(self.user_lines(key, turn));
            if !stays_queued {
                ops.extend(self.retire(key, &turn.run_id, well()));
                self.run_ended(&turn.run_id, RunEnd::said(self.now.wall_ms));
            }
        }
        ops.extend(self.entry_op(key));
        let key = key.clone();
        self.persist_surely(ops, move |shard, _| {
            if shard.active_run_id(&key).as_deref() == Some(run_id.as_str()) {
                shard.read_context(&key, false);
            }
        });
    }

    /// Stops a run, running or waiting, then goes on with `then` and what was found. Out of band: nothing queues before it.
    pub(crate) fn abort_run(
        &mut self,
        key: &SessionKey,
        run_id: &str,
        reason: AbortReason,
        then: impl FnOnce(&mut Shard, bool) + Send + 'static,
    ) {
        if !self.stop_held(key, Some(run_id), reason).is_empty() {
            return then(self, true);
        }
        let found = self.sessions.scheduler.abort(key, run_id, self.now);
        self.arm_queue();
        match found {
            Aborted::Nothing => then(self, false),
            Aborted::Waiting(turn) => {
                let mut ops = self.user_lines(key, &turn);
                ops.extend(self.retire(key, run_id, well()));
                let (key, run_id) = (key.clone(), run_id.to_owned());
                self.persist_surely(ops, move |shard, _| {
                    shard.run_ended(&run_id, RunEnd::aborted(reason, shard.now.wall_ms));
                    if let Some(held) = shard.runs.callers.remove(&run_id) {
                        shard.answer_aborted(held, &run_id, reason);
                    }
                    let spelled = turn.spelled_key.as_deref().unwrap_or(turn.session_key.as_str());
                    shard.broadcast(final_without_run(&run_id, &key, spelled, None));
                    then(shard, true);
                });
            }
            Aborted::Running(next) => {
                let ops = self.stop_run(key, run_id, reason);
                self.persist_surely(ops, move |shard, _| then(shard, true));
                // At once: what comes next counts as running already, and whoever stops it must find its words written.
                self.go_on(key, next);
            }
        }
    }

    /// Ends the active run now, tells everybody, and returns what must be written down.
    pub(crate) fn stop_run(&mut self, key: &SessionKey, run_id: &str, reason: AbortReason) -> Vec<StoreOp> {
        let mut ops = Vec::new();
        let now = self.now.wall_ms;
        if self.active_run_id(key).as_deref() == Some(run_id)
            && let Some(mut run) = self.take_run(key)
        {
            let mut events = Vec::new();
            run.stream.aborted(reason, now, &mut events);
            for event in events {
                self.broadcast(event);
            }
            let said = run.stream.said().to_owned();
            // An answer that is on its way to the disk is written down already.
            if !said.is_empty() && !matches!(run.phase, Phase::Finishing) {
                let line = InjectedLine {
                    text: &said,
                    run_id: Some(run_id),
                    aborted_by: Some(reason.as_str()),
                    at_ms: now,
                    ..InjectedLine::default()
                };
                ops.extend(
                    self.append_lines(key, |chain, mut ids| vec![chain.injected(&mut ids, &line).json]),
                );
            }
            self.count_run(key, &run.usage, RunStatus::Killed);
            if let Some(held) = run.caller.take() {
                self.answer_aborted(held, run_id, reason);
            }
        }
        self.counters.runs_aborted += 1;
        ops.extend(self.entry_op(key));
        ops.extend(self.retire(key, run_id, well()));
        self.run_ended(run_id, RunEnd::aborted(reason, now));
        self.session_changed(key, Change::Phase("end"));
        ops
    }

    /// Empties a session's queue and stops its run; what became of it all is in the returned ops. For reset and delete.
    pub(crate) fn stop_session(
        &mut self,
        key: &SessionKey,
        reason: AbortReason,
    ) -> (Vec<StoreOp>, Vec<String>) {
        let mut ops = Vec::new();
        let mut run_ids = self.stop_held(key, None, reason);
        self.stop_summary(key);
        for turn in self.sessions.scheduler.clear(key, Clear::All) {
            ops.extend(self.user_lines(key, &turn));
            ops.extend(self.retire(key, &turn.run_id, well()));
            if let Some(held) = self.runs.callers.remove(&turn.run_id) {
                self.answer_aborted(held, &turn.run_id, reason);
            }
            self.run_ended(&turn.run_id, RunEnd::aborted(reason, self.now.wall_ms));
            run_ids.push(turn.run_id);
        }
        // A turn that is still being made durable has no run yet: it will find that it may not begin.
        if let Some(run_id) = self.sessions.scheduler.running(key).map(str::to_owned) {
            ops.extend(self.stop_run(key, &run_id, reason));
            let _ = self.sessions.scheduler.complete(key, self.now);
            run_ids.push(run_id);
        }
        self.arm_queue();
        (ops, run_ids)
    }

    /// What comes after a session's turn.
    pub(crate) fn next_turn(&mut self, key: &SessionKey) {
        let next = self.sessions.scheduler.complete(key, self.now);
        self.go_on(key, next);
    }

    pub(super) fn go_on(&mut self, key: &SessionKey, next: Next) {
        if let Next::Start(started) = next {
            self.start_waited(key, *started);
        }
        self.arm_queue();
        self.drain_progress();
    }

    /// The row of a turn goes, and its outcome is kept for whoever asks again under the same key.
    pub(crate) fn retire(&mut self, key: &SessionKey, run_id: &str, outcome: Ended) -> Vec<StoreOp> {
        let mut ops = vec![StoreOp::Delete { table: Table::Turns, id: turn::row_id(key, run_id) }];
        let ledger = &mut self.sessions.idempotency;
        for family in [Family::Chat, Family::Agent] {
            let ended = ledger.finish(family, run_id, outcome.clone(), self.now).is_some();
            // Also when it had ended before: where its row goes, its receipt must be, or a repeat would run again.
            ops.extend(ledger.receipt(family, run_id).map(receipt_row));
            if ended {
                break;
            }
        }
        for id in ledger.take_forgotten() {
            ops.push(StoreOp::Delete { table: Table::Receipts, id });
        }
        ops
    }

    /// Takes back the outcome of a request whose words were not stored after all.
    pub(super) fn retract(&mut self, run_id: &str) -> Vec<StoreOp> {
        let ledger = &mut self.sessions.idempotency;
        let mut ops = Vec::new();
        for family in [Family::Chat, Family::Agent] {
            if let Some(id) = ledger.receipt(family, run_id).map(Receipt::row_id) {
                ops.push(StoreOp::Delete { table: Table::Receipts, id });
                ledger.retract(family, run_id);
            }
        }
        ops
    }

    /// What a restart leaves of a run that was under way: a note in the transcript, its row gone, its outcome kept.
    pub(crate) fn interrupted_ops(&mut self, key: &SessionKey, turn: &Turn) -> Vec<StoreOp> {
        let line = InjectedLine {
            text: INTERRUPTED,
            run_id: Some(&turn.run_id),
            aborted_by: Some("restart"),
            at_ms: self.now.wall_ms,
            ..InjectedLine::default()
        };
        let mut ops = self.append_lines(key, |chain, mut ids| vec![chain.injected(&mut ids, &line).json]);
        ops.extend(self.entry_op(key));
        let summary = INTERRUPTED.to_owned();
        ops.extend(self.retire(key, &turn.run_id, Ended::Error { summary: summary.clone() }));
        self.run_ended(&turn.run_id, RunEnd::failed(summary, self.now.wall_ms));
        ops
    }

    fn assistant_lines(
        &mut self,
        key: &SessionKey,
        text: &str,
        usage: &TokenUsage,
        stop: AssistantStop<'_>,
    ) -> Vec<StoreOp> {
        let now = self.now.wall_ms;
        let Some(run) = self.sessions.map.get(key).and_then(|session| session.run.as_deref()) else {
            return Vec::new();
        };
        let Some(endpoint) = run.models.get(run.model_index).cloned() else { return Vec::new() };
        let (run_id, begun_ms) = (run.turn.run_id.clone(), run.begun_ms);
        let line = AssistantLine {
            text: text.trim_end(),
            thinking: "",
            api: crate::home::view::api_name(endpoint.api),
            provider: &endpoint.provider,
            model: &endpoint.model,
            usage: transcript_usage(usage).priced(&self.view.prices(&endpoint)),
            stop,
            run_id: &run_id,
            at_ms: begun_ms,
        };
        self.append_lines(key, |chain, mut ids| vec![chain.assistant(&mut ids, &line, now).json])
    }

    /// Adds a run to a session's counters.
    fn count_run(&mut self, key: &SessionKey, usage: &TokenUsage, status: RunStatus) {
        let now = self.now.wall_ms;
        let view = std::sync::Arc::clone(&self.view);
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let Some(run) = session.run.as_deref() else {
            session.entry.aborted_last_run = Some(status == RunStatus::Killed);
            let life = session.entry.life_mut();
            (life.status, life.ended_at) = (Some(status), Some(now));
            return;
        };
        let Some(endpoint) = run.models.get(run.model_index).cloned() else { return };
        let answered = usage.total > 0;
        let end = EntryRunEnd {
            status,
            provider: &endpoint.provider,
            model: &endpoint.model,
            context_tokens: Some(view.context_tokens(&endpoint)),
            usage: transcript_usage(&run.spent).priced(&view.prices(&endpoint)),
            context_used: answered.then_some(usage.input + usage.cache_read + usage.cache_write),
        };
        session.entry.note_run_end(&end, now);
        self.health_stale();
    }

    /// What a repeat of the request is answered with.
    fn outcome(&self, key: &SessionKey) -> Ended {
        let run = self.sessions.map.get(key).and_then(|session| session.run.as_deref());
        let result = run.filter(|run| run.turn.origin == Origin::Agent);
        Ended::Ok { payload: result.map(|run| self.agent_result(run, self.now.wall_ms).to_string()) }
    }

    fn agent_result(&self, run: &ActiveRun, now: u64) -> Value {
        let model = run.model_name();
        let spent = &run.spent;
        let usage = json!({
            "input": spent.input, "output": spent.output, "cacheRead": spent.cache_read,
            "cacheWrite": spent.cache_write, "total": spent.total,
        });
        let mut meta = json!({
            "sessionId": run.stream.session_id, "provider": model.provider, "model": model.model,
            "usage": usage, "lastCallUsage": usage,
            "promptTokens": spent.input + spent.cache_read + spent.cache_write,
        });
        if run.turn.wire == Wire::V4
            && let (Some(meta), Some(endpoint)) = (meta.as_object_mut(), run.models.get(run.model_index))
        {
            let cost = transcript_usage(spent).priced(&self.view.prices(endpoint)).cost.total;
            for name in ["usage", "lastCallUsage"] {
                if let Some(usage) = meta.get_mut(name).and_then(Value::as_object_mut) {
                    usage.insert("cost".to_owned(), json!({"total": cost}));
                }
            }
            meta.insert("sessionFile".to_owned(), run.stream.key.as_str().into());
            meta.insert("contextTokens".to_owned(), self.view.context_tokens(endpoint).into());
            meta.insert("assistantTurns".to_owned(), 1.into());
            meta.insert("costUsd".to_owned(), cost.into());
        }
        let payloads: Vec<Value> = match run.stream.said() {
            "" => Vec::new(),
            text => vec![json!({"text": text, "mediaUrl": null})],
        };
        json!({
            "runId": run.turn.run_id, "status": "ok", "summary": "completed",
            "result": {
                "payloads": payloads,
                "meta": {
                    "durationMs": now.saturating_sub(run.begun_ms), "agentMeta": meta, "aborted": false,
                    "systemPromptReport": null,
                },
            },
        })
    }

    fn answer_failed_agent(&mut self, held: Held, run: &ActiveRun, failure: &Failure, now: u64) {
        if held.wire == Wire::V3 {
            // v3 ends well and says the error as if the agent had.
            let mut payload = self.agent_result(run, now);
            if let Some(payloads) = payload.pointer_mut("/result/payloads") {
                *payloads = json!([{"text": failure.provider_text, "mediaUrl": null}]);
            }
            return self.answer(held, Ok(&payload));
        }
        let payload = json!({"runId": run.turn.run_id, "status": "error", "summary": failure.summary});
        let error = ErrorShape::unavailable(failure.summary.clone());
        self.answer_failure(held, &payload, &error);
    }

    pub(crate) fn answer_aborted(&mut self, held: Held, run_id: &str, reason: AbortReason) {
        let summary = format!("aborted ({})", reason.as_str());
        let payload = json!({"runId": run_id, "status": "error", "summary": summary});
        self.answer_failure(held, &payload, &ErrorShape::unavailable(summary));
    }
}

/// An outcome with nothing more to say.
pub(crate) fn well() -> Ended {
    Ended::Ok { payload: None }
}

/// The row of a receipt.
pub(crate) fn receipt_row(receipt: &Receipt) -> StoreOp {
    StoreOp::Put {
        table: Table::Receipts,
        id: receipt.row_id(),
        // Our own types serialize without failing.
        json: serde_json::to_string(receipt).unwrap_or_default(),
    }
}

/// What v4's dispatcher says of a failed `chat.send`.
fn shown_to_v4(failure: &Failure) -> String {
    format!(
        "⚠️ Agent failed before reply: {}\nTo view logs, run `pincer logs --follow` in a terminal.",
        failure.summary
    )
}

/// Tokens as transcripts keep them.
pub(crate) fn transcript_usage(usage: &TokenUsage) -> Usage {
    Usage {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        total_tokens: usage.total,
        ..Usage::default()
    }
}

//! What clients see of a run: its events, exactly as each wire's clients know them.
//!
//! One run has two counters, because v4 tells more than v3: the payload's `seq` counts the run's `agent` events on that
//! wire, and a `chat` event repeats the number of the `agent` event that caused it. Recorded in `chat.send.json`.

use pincer_protocol::event::EncodedEvent;
use pincer_sessions::key::SessionKey;
use serde::Serialize;
use serde_json::{Value, json};

use crate::fanout::{Audience, Broadcast};
use crate::limits::time::DELTA_GAP_MS;

/// The identity of a run and how far its events have come.
#[derive(Debug, Clone)]
pub(crate) struct RunStream {
    pub(crate) run_id: String,
    pub(crate) key: SessionKey,
    /// v3 names the session in some events as the client spelled it.
    pub(crate) spelled: String,
    pub(crate) agent_id: String,
    pub(crate) session_id: String,
    seq_v3: u64,
    seq_v4: u64,
    /// v4: names the assistant message.
    item_id: String,
    started_ms: u64,
    /// Text sent so far in `agent` events, trimmed at the end.
    said: String,
    /// Bytes of `said` that chat deltas have shown on v4.
    shown: usize,
    last_delta_ms: Option<u64>,
}

/// Why a run was aborted, as `stopReason` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AbortReason {
    /// `chat.abort`
    Rpc,
    /// A stop word.
    Stop,
    /// It took too long.
    Timeout,
}

impl AbortReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AbortReason::Rpc => "rpc",
            AbortReason::Stop => "stop",
            AbortReason::Timeout => "timeout",
        }
    }
}

/// The model a run uses, for v4's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelName {
    pub(crate) provider: String,
    pub(crate) model: String,
}

/// A failure as each wire tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the provider said: v3 shows it as it is.
    pub(crate) provider_text: String,
    /// What v4 shows.
    pub(crate) summary: String,
    /// v4's `failoverReason`.
    pub(crate) reason: &'static str,
    /// v4's `providerRuntimeFailureKind`.
    pub(crate) kind: &'static str,
}

#[derive(Serialize)]
struct AgentV3<'a> {
    #[serde(rename = "runId")]
    run_id: &'a str,
    stream: &'a str,
    data: Value,
    #[serde(rename = "sessionKey")]
    session_key: &'a str,
    seq: u64,
    ts: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentV4<'a> {
    run_id: &'a str,
    stream: &'a str,
    data: Value,
    session_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    agent_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<&'a str>,
    seq: u64,
    ts: u64,
    is_heartbeat: bool,
}

#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// An assistant message in a `chat` event.
#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: [Text<'a>; 1],
    timestamp: u64,
}

impl<'a> Message<'a> {
    fn new(text: &'a str, timestamp: u64) -> Message<'a> {
        Message { role: "assistant", content: [Text { r#type: "text", text }], timestamp }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chat<'a, M: Serialize> {
    run_id: &'a str,
    session_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    seq: u64,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<M>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_detail: Option<&'a Value>,
}

/// What stands in an event's session fields on v4.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// Key and agent.
    Short,
    /// Session id too.
    Long,
    /// And the lane: only the model's release has it.
    Lane,
}

impl RunStream {
    pub(crate) fn new(
        run_id: String,
        key: SessionKey,
        spelled: String,
        agent_id: String,
        session_id: String,
        item_id: String,
    ) -> RunStream {
        RunStream {
            run_id,
            key,
            spelled,
            agent_id,
            session_id,
            seq_v3: 0,
            seq_v4: 0,
            item_id,
            started_ms: 0,
            said: String::new(),
            shown: 0,
            last_delta_ms: None,
        }
    }

    /// Text sent so far.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// When the run started, `wall_ms`.
    pub(crate) fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// A new assistant message begins in the same run: the text starts over.
    pub(crate) fn restart_text(&mut self) {
        self.said.clear();
        self.shown = 0;
    }

    /// A number for the next `agent` event on v3.
    fn next_v3(&mut self) -> u64 {
        self.seq_v3 += 1;
        self.seq_v3
    }

    fn agent_v3(&mut self, stream: &str, data: Value, ts: u64) -> Broadcast {
        let seq = self.next_v3();
        let payload = AgentV3 { run_id: &self.run_id, stream, data, session_key: self.key.as_str(), seq, ts };
        let event = EncodedEvent::new("agent", &payload, None);
        Broadcast { v3: Some((event, Audience::Everyone)), v4: None, droppable: false }
    }

    fn agent_v4(&mut self, stream: &str, data: Value, naming: Naming, ts: u64) -> Broadcast {
        self.seq_v4 += 1;
        let payload = AgentV4 {
            run_id: &self.run_id,
            stream,
            data,
            session_key: self.key.as_str(),
            session_id: (naming != Naming::Short).then_some(self.session_id.as_str()),
            agent_id: &self.agent_id,
            lane: (naming == Naming::Lane).then_some("main"),
            seq: self.seq_v4,
            ts,
            is_heartbeat: false,
        };
        self.to_v4(EncodedEvent::new("agent", &payload, None))
    }

    fn to_v4(&self, event: EncodedEvent) -> Broadcast {
        Broadcast { v3: None, v4: Some((event, Audience::Run(self.key.clone()))), droppable: false }
    }

    fn status_v4(&mut self, phase: &str, ts: u64, out: &mut Vec<Broadcast>) {
        let chat = Chat::<()> {
            run_id: &self.run_id,
            session_key: self.key.as_str(),
            agent_id: Some(&self.agent_id),
            seq: self.seq_v4 + 1,
            state: "status",
            phase: Some(phase),
            delta_text: None,
            stop_reason: None,
            message: None,
            error_message: None,
            error_detail: None,
        };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
        out.push(self.agent_v4("run_status", json!({"phase": phase}), Naming::Short, ts));
    }

    /// The run was taken up.
    pub(crate) fn preparing(&mut self, now_ms: u64, out: &mut Vec<Broadcast>) {
        self.status_v4("preparing_workspace", now_ms, out);
        self.status_v4("preparing_context", now_ms, out);
    }

    /// The model is called.
    pub(crate) fn started(&mut self, model: &ModelName, now_ms: u64, out: &mut Vec<Broadcast>) {
        self.started_ms = now_ms;
        let data = json!({"phase": "start", "startedAt": now_ms});
        out.push(self.agent_v3("lifecycle", data.clone(), now_ms));
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        self.model_v4(model, now_ms, out);
    }

    fn model_v4(&mut self, model: &ModelName, now_ms: u64, out: &mut Vec<Broadcast>) {
        self.status_v4("starting_model", now_ms, out);
        let data = json!({"phase": "model", "provider": model.provider, "model": model.model});
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
    }

    /// The model went on; `text` is everything it has said in this run.
    pub(crate) fn text(&mut self, text: &str, now_ms: u64, out: &mut Vec<Broadcast>) {
        // Deltas are trimmed at the end: white space is told together with what follows it.
        let said = text.trim_end();
        if said.len() <= self.said.len() {
            return;
        }
        let delta = said.get(self.said.len()..).unwrap_or_default().to_owned();
        said.clone_into(&mut self.said);
        let mut data = json!({"text": self.said, "delta": delta});
        out.push(self.agent_v3("assistant", data.clone(), now_ms));
        if let Some(fields) = data.as_object_mut() {
            fields.insert("itemId".to_owned(), format!("{}:1", self.item_id).into());
        }
        out.push(self.agent_v4("assistant", data, Naming::Short, now_ms));
        let due = self.last_delta_ms.is_none_or(|last| now_ms.saturating_sub(last) >= DELTA_GAP_MS);
        if due {
            self.last_delta_ms = Some(now_ms);
            out.push(self.chat_v3("delta", None, Some(Message::new(&self.said, now_ms)), None));
            self.delta_v4(now_ms, out);
        }
    }

    /// The delta that shows on v4 whatever was said since the last one.
    fn delta_v4(&mut self, now_ms: u64, out: &mut Vec<Broadcast>) {
        let Some(fresh) = self.said.get(self.shown..).filter(|fresh| !fresh.is_empty()) else { return };
        let chat = Chat {
            delta_text: Some(fresh),
            ..self.blank_v4("delta", Some(Message::new(&self.said, now_ms)))
        };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
        self.shown = self.said.len();
    }

    fn blank_v4<'a, M: Serialize>(&'a self, state: &'a str, message: Option<M>) -> Chat<'a, M> {
        Chat {
            run_id: &self.run_id,
            session_key: self.key.as_str(),
            agent_id: Some(&self.agent_id),
            seq: self.seq_v4,
            state,
            phase: None,
            delta_text: None,
            stop_reason: None,
            message,
            error_message: None,
            error_detail: None,
        }
    }

    fn chat_v3(
        &self,
        state: &str,
        stop_reason: Option<&str>,
        message: Option<Message<'_>>,
        error: Option<&str>,
    ) -> Broadcast {
        // An abort is told under the spelling the client used; agent-driven events under the canonical key.
        let session_key = if state == "aborted" { &self.spelled } else { self.key.as_str() };
        let chat = Chat {
            run_id: &self.run_id,
            session_key,
            agent_id: None,
            seq: self.seq_v3,
            state,
            phase: None,
            delta_text: None,
            stop_reason,
            message,
            error_message: error,
            error_detail: None,
        };
        let event = EncodedEvent::new("chat", &chat, None);
        Broadcast { v3: Some((event, Audience::Everyone)), v4: None, droppable: false }
    }

    /// The model is done; what it said is being made durable.
    pub(crate) fn finishing(&mut self, output_tokens: Option<u64>, now_ms: u64, out: &mut Vec<Broadcast>) {
        self.answered(output_tokens, now_ms, out);
        self.release_model(now_ms, out);
    }

    /// The model had nothing to say and is asked again: on v4 the run begins anew, v3 is told nothing of it.
    pub(crate) fn asks_again(
        &mut self,
        output_tokens: Option<u64>,
        model: &ModelName,
        now_ms: u64,
        out: &mut Vec<Broadcast>,
    ) {
        self.answered(output_tokens, now_ms, out);
        self.status_v4("preparing_context", now_ms, out);
        self.started_ms = now_ms;
        let data = json!({"phase": "start", "startedAt": now_ms});
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        self.model_v4(model, now_ms, out);
    }

    fn answered(&mut self, output_tokens: Option<u64>, now_ms: u64, out: &mut Vec<Broadcast>) {
        if let Some(tokens) = output_tokens {
            out.push(self.agent_v4("usage", json!({"outputTokens": tokens}), Naming::Short, now_ms));
        }
        let data = json!({
            "phase": "finishing", "stopReason": "stop", "aborted": false, "livenessState": "working",
            "endedAt": now_ms,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
    }

    fn release_model(&mut self, now_ms: u64, out: &mut Vec<Broadcast>) {
        let data = json!({"phase": "model", "provider": null, "model": null});
        out.push(self.agent_v4("lifecycle", data, Naming::Lane, now_ms));
    }

    /// The run ended well and is on disk. A silent run has no text.
    pub(crate) fn finished(&mut self, model: &ModelName, now_ms: u64, out: &mut Vec<Broadcast>) {
        out.push(self.agent_v3("lifecycle", json!({"phase": "end", "endedAt": now_ms}), now_ms));
        let message = (!self.said.is_empty()).then(|| Message::new(&self.said, now_ms));
        out.push(self.chat_v3("final", None, message, None));

        let data = json!({
            "stopReason": "stop", "aborted": false, "livenessState": "working", "phase": "end",
            "endedAt": now_ms, "startedAt": self.started_ms, "replayInvalid": false,
            "terminalReply": self.terminal_reply(), "terminalReceipt": self.terminal_receipt(model),
            "executionSettled": true,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        self.delta_v4(now_ms, out);
        let message = (!self.said.is_empty()).then(|| Message::new(&self.said, now_ms));
        let chat = Chat { stop_reason: Some("stop"), ..self.blank_v4("final", message) };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
    }

    /// v4's `terminalReply`.
    pub(crate) fn terminal_reply(&self) -> Value {
        if self.said.is_empty() {
            json!({"disposition": "silent"})
        } else {
            json!({"disposition": "visible", "text": self.said})
        }
    }

    /// v4's `terminalReceipt`.
    pub(crate) fn terminal_receipt(&self, model: &ModelName) -> Value {
        json!({
            "runId": self.run_id, "sessionId": self.session_id, "turnId": self.run_id,
            "requested": {"provider": model.provider, "model": model.model},
            "effective": {"provider": model.provider, "model": model.model, "responseModel": model.model},
            "successfulToolNames": [], "rerouted": false,
            "terminalDisposition": if self.said.is_empty() { "silent" } else { "visible" },
        })
    }

    /// The run failed.
    pub(crate) fn failed(
        &mut self,
        failure: &Failure,
        model: &ModelName,
        now_ms: u64,
        out: &mut Vec<Broadcast>,
    ) {
        let data = json!({"phase": "error", "error": failure.provider_text, "endedAt": now_ms});
        out.push(self.agent_v3("lifecycle", data, now_ms));
        out.push(self.chat_v3("error", None, None, Some(&failure.provider_text)));

        let observation = json!({
            "provider": model.provider, "model": model.model, "failoverReason": failure.reason,
            "providerRuntimeFailureKind": failure.kind,
        });
        let data = json!({
            "phase": "finishing", "error": failure.summary, "errorObservation": observation,
            "aborted": false, "livenessState": "blocked", "endedAt": now_ms,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        self.release_model(now_ms, out);
        let data = json!({
            "phase": "fallback_step", "fallbackStepType": "fallback_step",
            "fallbackStepFromModel": format!("{}/{}", model.provider, model.model),
            "fallbackStepFromFailureReason": failure.reason,
            "fallbackStepFromFailureDetail": failure.provider_text,
            "fallbackStepChainPosition": 1, "fallbackStepFinalOutcome": "chain_exhausted",
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        let data = json!({
            "aborted": false, "livenessState": "blocked", "errorObservation": observation, "phase": "error",
            "endedAt": now_ms, "startedAt": self.started_ms, "error": failure.summary,
            "executionSettled": true,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        let chat = Chat::<()> {
            error_message: Some(&failure.summary),
            error_detail: Some(&observation),
            ..self.blank_v4("error", None)
        };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
    }

    /// What was said before is being summarised.
    pub(crate) fn summarising(&mut self, now_ms: u64, out: &mut Vec<Broadcast>) {
        let data = json!({"phase": "start"});
        out.push(self.agent_v3("compaction", data.clone(), now_ms));
        out.push(self.agent_v4("compaction", data, Naming::Short, now_ms));
    }

    /// There is a summary now, or there will be none. `retries`: the model is asked again what it refused.
    pub(crate) fn summarised(&mut self, done: bool, retries: bool, now_ms: u64, out: &mut Vec<Broadcast>) {
        let mut data = json!({"phase": "end", "willRetry": done && retries});
        out.push(self.agent_v3("compaction", data.clone(), now_ms));
        if let Some(fields) = data.as_object_mut() {
            fields.insert("completed".to_owned(), done.into());
        }
        out.push(self.agent_v4("compaction", data, Naming::Short, now_ms));
    }

    /// The run was stopped before it began.
    pub(crate) fn never_begun(&mut self, reason: AbortReason, out: &mut Vec<Broadcast>) {
        self.seq_v3 += 1;
        self.seq_v4 += 1;
        out.push(self.chat_v3("aborted", Some(reason.as_str()), None, None));
        let chat = Chat::<()> { stop_reason: Some(reason.as_str()), ..self.blank_v4("aborted", None) };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
    }

    /// The run was stopped; what it had said stands.
    pub(crate) fn aborted(&mut self, reason: AbortReason, now_ms: u64, out: &mut Vec<Broadcast>) {
        self.seq_v3 += 1;
        let message = || (!self.said.is_empty()).then(|| Message::new(&self.said, now_ms));
        out.push(self.chat_v3("aborted", Some(reason.as_str()), message(), None));
        let chat = Chat {
            seq: self.seq_v4 + 1,
            stop_reason: Some(reason.as_str()),
            ..self.blank_v4("aborted", message())
        };
        out.push(self.to_v4(EncodedEvent::new("chat", &chat, None)));
        let data = json!({
            "phase": "end", "status": "cancelled", "aborted": true, "stopReason": reason.as_str(),
            "startedAt": self.started_ms, "endedAt": now_ms,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
        self.release_model(now_ms, out);
        let data = json!({
            "phase": "error", "endedAt": now_ms, "startedAt": self.started_ms,
            "error": "This operation was aborted", "aborted": true, "stopReason": "aborted",
            "executionSettled": true,
        });
        out.push(self.agent_v4("lifecycle", data, Naming::Long, now_ms));
    }
}

/// A `chat` final without a run of its own: a command's answer, or the word that a message was queued. `message` is a
/// whole transcript message. v3 names the session as the client spelled it.
pub(crate) fn final_without_run(
    run_id: &str,
    key: &SessionKey,
    spelled: &str,
    message: Option<&Value>,
) -> Broadcast {
    let blank = |session_key| Chat {
        run_id,
        session_key,
        agent_id: None,
        seq: 1,
        state: "final",
        phase: None,
        delta_text: None,
        stop_reason: None,
        message,
        error_message: None,
        error_detail: None,
    };
    let v3 = EncodedEvent::new("chat", &blank(spelled), None);
    let v4 = EncodedEvent::new("chat", &blank(key.as_str()), None);
    Broadcast {
        v3: Some((v3, Audience::Everyone)),
        v4: Some((v4, Audience::Run(key.clone()))),
        droppable: false,
    }
}

/// The error of a message that never became a run.
pub(crate) fn error_without_run(run_id: &str, key: &SessionKey, spelled: &str, why: &str) -> Broadcast {
    let failed = |session_key| Chat::<()> {
        run_id,
        session_key,
        agent_id: None,
        seq: 1,
        state: "error",
        phase: None,
        delta_text: None,
        stop_reason: None,
        message: None,
        error_message: Some(why),
        error_detail: None,
    };
    let v3 = EncodedEvent::new("chat", &failed(spelled), None);
    let v4 = EncodedEvent::new("chat", &failed(key.as_str()), None);
    Broadcast {
        v3: Some((v3, Audience::Everyone)),
        v4: Some((v4, Audience::Run(key.clone()))),
        droppable: false,
    }
}

/// v4's second error event of a failed `chat.send`, from the dispatcher.
pub(crate) fn dispatch_error_v4(run_id: &str, key: &SessionKey, summary: &str) -> Broadcast {
    let chat = Chat::<()> {
        run_id,
        session_key: key.as_str(),
        agent_id: None,
        seq: 1,
        state: "error",
        phase: None,
        delta_text: None,
        stop_reason: None,
        message: None,
        error_message: Some(summary),
        error_detail: None,
    };
    let event = EncodedEvent::new("chat", &chat, None);
    Broadcast { v3: None, v4: Some((event, Audience::Run(key.clone()))), droppable: false }
}

/// What changed about a session, for `sessions.changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// `reason`: `create`, `send`, `patch`, `reset`, `delete` …
    Reason(&'static str),
    /// `phase` of the session's run: `start`, `end`.
    Phase(&'static str),
}

//! The `agent` event: what happens inside a run.

use serde::Serialize;

use super::receipt::{TerminalReceipt, TerminalReply};
use crate::method::chat::event::{ErrorDetail, StartupPhase};

/// Name of the event.
pub const NAME: &str = "agent";

/// Payload of the `agent` event. Keys stand in upstream's order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentEvent<'a> {
    /// The run.
    pub run_id: &'a str,
    /// `stream` and `data`: what happened.
    #[serde(flatten)]
    pub stream: AgentStream<'a>,
    /// Canonical key of the session.
    pub session_key: &'a str,
    /// v4: the session's incarnation, in lifecycle events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a str>,
    /// v4: the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<&'a str>,
    /// Counts the events of the run, from 1.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// v4: whether a heartbeat started the run; absent for `agent` runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_heartbeat: Option<bool>,
}

/// What happened inside a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "stream", content = "data", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AgentStream<'a> {
    /// It began, changed its model, ended.
    Lifecycle(Lifecycle<'a>),
    /// The model said more.
    Assistant {
        /// Everything so far.
        text: &'a str,
        /// What is new.
        delta: &'a str,
        /// v4: names the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        item_id: Option<&'a str>,
    },
    /// The model thought more; only where reasoning is shown while it happens.
    Thinking {
        /// Everything so far.
        text: &'a str,
        /// What is new.
        delta: &'a str,
    },
    /// v4: nothing to show yet.
    RunStatus {
        /// How far it is.
        phase: StartupPhase,
    },
    /// v4: what the model has used so far.
    Usage {
        /// Answer tokens.
        output_tokens: u64,
    },
    /// The conversation is summarised.
    Compaction {
        /// `start` or `end`.
        phase: &'a str,
    },
}

/// Stations of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "phase", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Lifecycle<'a> {
    /// It began.
    Start {
        /// Milliseconds since 1970.
        started_at: u64,
    },
    /// v4: which model it calls; `null` when it has ended.
    Model {
        /// Provider id.
        provider: Option<&'a str>,
        /// Model id.
        model: Option<&'a str>,
    },
    /// v4: the model is done.
    Finishing {
        /// `stop` …
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_reason: Option<&'a str>,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        /// Whether it was stopped.
        aborted: bool,
        /// `working`, or `blocked` when it failed.
        liveness_state: &'a str,
        /// Milliseconds since 1970.
        ended_at: u64,
    },
    /// It ended well, or was stopped (v4).
    End {
        /// Milliseconds since 1970.
        ended_at: u64,
        /// What v4 adds.
        #[serde(flatten)]
        v4: Option<EndedV4<'a>>,
    },
    /// It failed.
    Error {
        /// What went wrong.
        error: &'a str,
        /// Milliseconds since 1970.
        ended_at: u64,
        /// What v4 adds.
        #[serde(flatten)]
        v4: Option<FailedV4<'a>>,
    },
}

/// What v4 says of a run that has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedV4<'a> {
    /// Milliseconds since 1970.
    pub started_at: u64,
    /// `cancelled` for a run that was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
    /// `stop`, `rpc` …
    pub stop_reason: &'a str,
    /// Whether it was stopped.
    pub aborted: bool,
    /// `working`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_state: Option<&'a str>,
    /// What it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_reply: Option<&'a TerminalReply>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_receipt: Option<&'a TerminalReceipt>,
    /// Whether nothing of it is still under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_settled: Option<bool>,
}

/// What v4 says of a run that has failed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedV4<'a> {
    /// Milliseconds since 1970.
    pub started_at: u64,
    /// Whether it was stopped.
    pub aborted: bool,
    /// `aborted` for a run that was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<&'a str>,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_observation: Option<ErrorDetail<'a>>,
    /// Whether nothing of it is still under way.
    pub execution_settled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(agent_id: Option<&str>, stream: AgentStream<'_>, want: &str) {
        let heartbeat = agent_id.map(|_| false);
        let event = AgentEvent {
            run_id: "r",
            stream,
            session_key: "k",
            session_id: None,
            agent_id,
            seq: 3,
            ts: 9,
            is_heartbeat: heartbeat,
        };
        assert_eq!(serde_json::to_string(&event).expect("serializes"), want);
    }

    #[test]
    fn events_look_like_upstreams() {
        check(
            None,
            AgentStream::Lifecycle(Lifecycle::Start { started_at: 9 }),
            r#"{"runId":"r","stream":"lifecycle","data":{"phase":"start","startedAt":9},"sessionKey":"k","seq":3,"ts":9}"#,
        );
        check(
            None,
            AgentStream::Lifecycle(Lifecycle::End { ended_at: 9, v4: None }),
            r#"{"runId":"r","stream":"lifecycle","data":{"phase":"end","endedAt":9},"sessionKey":"k","seq":3,"ts":9}"#,
        );
        check(
            None,
            AgentStream::Lifecycle(Lifecycle::Error { error: "no", ended_at: 9, v4: None }),
            concat!(
                r#"{"runId":"r","stream":"lifecycle","data":{"phase":"error","error":"no","endedAt":9},"#,
                r#""sessionKey":"k","seq":3,"ts":9}"#
            ),
        );
        check(
            None,
            AgentStream::Assistant { text: "Mock reply", delta: " reply", item_id: None },
            concat!(
                r#"{"runId":"r","stream":"assistant","data":{"text":"Mock reply","delta":" reply"},"#,
                r#""sessionKey":"k","seq":3,"ts":9}"#
            ),
        );
        check(
            Some("main"),
            AgentStream::RunStatus { phase: StartupPhase::StartingModel },
            concat!(
                r#"{"runId":"r","stream":"run_status","data":{"phase":"starting_model"},"sessionKey":"k","#,
                r#""agentId":"main","seq":3,"ts":9,"isHeartbeat":false}"#
            ),
        );
        check(
            Some("main"),
            AgentStream::Lifecycle(Lifecycle::Model { provider: None, model: None }),
            concat!(
                r#"{"runId":"r","stream":"lifecycle","data":{"phase":"model","provider":null,"model":null},"#,
                r#""sessionKey":"k","agentId":"main","seq":3,"ts":9,"isHeartbeat":false}"#
            ),
        );
        let reply = TerminalReply { disposition: "visible", text: Some("hi".into()) };
        let ended = EndedV4 {
            started_at: 8,
            status: None,
            stop_reason: "stop",
            aborted: false,
            liveness_state: Some("working"),
            terminal_reply: Some(&reply),
            terminal_receipt: None,
            execution_settled: Some(true),
        };
        check(
            Some("main"),
            AgentStream::Lifecycle(Lifecycle::End { ended_at: 9, v4: Some(ended) }),
            concat!(
                r#"{"runId":"r","stream":"lifecycle","data":{"phase":"end","endedAt":9,"startedAt":8,"#,
                r#""stopReason":"stop","aborted":false,"livenessState":"working","terminalReply":"#,
                r#"{"disposition":"visible","text":"hi"},"executionSettled":true},"sessionKey":"k","#,
                r#""agentId":"main","seq":3,"ts":9,"isHeartbeat":false}"#
            ),
        );
    }
}

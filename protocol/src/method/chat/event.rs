//! The `chat` event: what a chat window shows of a run.

use serde::Serialize;
use serde_json::value::RawValue;

/// Name of the event.
pub const NAME: &str = "chat";

/// Payload of the `chat` event. Keys stand in upstream's order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatEvent<'a> {
    /// The run; `inject-<entry id>` for a message without one.
    pub run_id: &'a str,
    /// The session. v3 has the key as the client spelled it in events without a run.
    pub session_key: &'a str,
    /// v4: the agent; absent in events without a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<&'a str>,
    /// Number of the `agent` event of the same run that caused this one; 1 for a message that became no run.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub state: ChatState<'a>,
}

/// What happened to a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ChatState<'a> {
    /// v4: nothing to show yet.
    Status {
        /// How far it is.
        phase: StartupPhase,
    },
    /// More text.
    Delta {
        /// v4: what is new since the last delta.
        #[serde(skip_serializing_if = "Option::is_none")]
        delta_text: Option<&'a str>,
        /// Everything so far.
        message: ChatMessage<'a>,
    },
    /// The answer. Without a message: there is none, or it comes under another run.
    Final {
        /// v4: `stop` …
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_reason: Option<&'a str>,
        /// The whole of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<ChatMessage<'a>>,
    },
    /// It was stopped.
    Aborted {
        /// `rpc`, `stop`, `timeout` …
        stop_reason: &'a str,
        /// What it had said until then.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<ChatMessage<'a>>,
    },
    /// It failed.
    Error {
        /// What went wrong.
        error_message: &'a str,
        /// v4: more about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_detail: Option<ErrorDetail<'a>>,
    },
}

/// v4: how far a run is that has not said anything yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartupPhase {
    /// It was just begun.
    PreparingWorkspace,
    /// It reads the conversation.
    PreparingContext,
    /// It calls the model.
    StartingModel,
}

/// v4: where a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail<'a> {
    /// Provider id.
    pub provider: &'a str,
    /// Model id.
    pub model: &'a str,
    /// Why another model was tried, or would have been: `format`, `auth`, `rate_limit`, `timeout` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_reason: Option<&'a str>,
}

/// A message in an event.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum ChatMessage<'a> {
    /// What the model said.
    Said(Said<'a>),
    /// A message as the transcript has it.
    Stored(&'a RawValue),
}

impl<'a> ChatMessage<'a> {
    /// What the model said.
    pub fn said(text: &'a str, timestamp: u64) -> ChatMessage<'a> {
        ChatMessage::Said(Said { role: "assistant", content: [Text { kind: "text", text }], timestamp })
    }
}

/// What the model said.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Said<'a> {
    /// Always `assistant`.
    role: &'static str,
    /// One part.
    content: [Text<'a>; 1],
    /// Milliseconds since 1970.
    timestamp: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Text<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(agent_id: Option<&str>, seq: u64, state: ChatState<'_>, want: &str) {
        let event = ChatEvent { run_id: "r", session_key: "k", agent_id, seq, state };
        assert_eq!(serde_json::to_string(&event).expect("serializes"), want);
    }

    #[test]
    fn events_look_like_upstreams() {
        let message = ChatMessage::said("Mock", 7);
        check(
            None,
            2,
            ChatState::Delta { delta_text: None, message },
            concat!(
                r#"{"runId":"r","sessionKey":"k","seq":2,"state":"delta","message":{"role":"assistant","#,
                r#""content":[{"type":"text","text":"Mock"}],"timestamp":7}}"#
            ),
        );
        check(
            None,
            1,
            ChatState::Final { stop_reason: None, message: None },
            r#"{"runId":"r","sessionKey":"k","seq":1,"state":"final"}"#,
        );
        check(
            Some("main"),
            12,
            ChatState::Final { stop_reason: Some("stop"), message: Some(message) },
            concat!(
                r#"{"runId":"r","sessionKey":"k","agentId":"main","seq":12,"state":"final","stopReason":"stop","#,
                r#""message":{"role":"assistant","content":[{"type":"text","text":"Mock"}],"timestamp":7}}"#
            ),
        );
        check(
            Some("main"),
            1,
            ChatState::Status { phase: StartupPhase::PreparingWorkspace },
            r#"{"runId":"r","sessionKey":"k","agentId":"main","seq":1,"state":"status","phase":"preparing_workspace"}"#,
        );
        check(
            None,
            2,
            ChatState::Error { error_message: "400 no", error_detail: None },
            r#"{"runId":"r","sessionKey":"k","seq":2,"state":"error","errorMessage":"400 no"}"#,
        );
        let stored = RawValue::from_string(r#"{"role":"assistant"}"#.to_owned()).expect("JSON");
        check(
            None,
            5,
            ChatState::Aborted { stop_reason: "rpc", message: Some(ChatMessage::Stored(&stored)) },
            concat!(
                r#"{"runId":"r","sessionKey":"k","seq":5,"state":"aborted","stopReason":"rpc","#,
                r#""message":{"role":"assistant"}}"#
            ),
        );
    }
}

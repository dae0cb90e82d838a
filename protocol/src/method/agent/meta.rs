//! How a run of `agent` went, in the shape the second answer has.

use serde::Serialize;

use super::receipt::TerminalReceipt;
use crate::method::sessions::Json;

/// How a run went.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMeta {
    /// How long it took.
    pub duration_ms: u64,
    /// Which model, and what it used.
    pub agent_meta: AgentMeta,
    /// Whether it was stopped.
    pub aborted: bool,
    /// Sizes of the parts of the system prompt; `null` where nobody measured them.
    pub system_prompt_report: Option<Json>,
    /// What v4 adds.
    #[serde(flatten)]
    pub v4: Option<RunMetaV4>,
}

/// What v4 adds to [`RunMeta`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMetaV4 {
    /// What the model was told last.
    pub final_prompt_text: String,
    /// What people see of the answer.
    pub final_assistant_visible_text: String,
    /// The answer as the model gave it.
    pub final_assistant_raw_text: String,
    /// Whether running it again would do something else; true when tools were used.
    pub replay_invalid: bool,
    /// `working`, or `blocked` when it failed.
    pub liveness_state: &'static str,
    /// `stop`, `length` …
    pub stop_reason: String,
    /// Which models were tried.
    pub execution_trace: ExecutionTrace,
    /// What the call was asked for.
    pub request_shaping: RequestShaping,
    /// How the model ended.
    pub completion: Completion,
}

/// Which models were tried.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionTrace {
    /// Provider that answered.
    pub winner_provider: String,
    /// Model that answered.
    pub winner_model: String,
    /// In order.
    pub attempts: Vec<Attempt>,
    /// Whether another model than the first answered.
    pub fallback_used: bool,
    /// `embedded`: the run happened in this process.
    pub runner: &'static str,
}

/// One try.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Provider id.
    pub provider: String,
    /// Model id.
    pub model: String,
    /// `success` or `error`.
    pub result: &'static str,
    /// `assistant`: the call itself.
    pub stage: &'static str,
}

/// What a call was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct RequestShaping {
    /// The thinking level.
    pub thinking: String,
}

/// How a model ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// Our word for it.
    pub stop_reason: String,
    /// The provider's word for it.
    pub finish_reason: String,
}

/// Which model answered, and what it used.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentMeta {
    /// The session's incarnation.
    pub session_id: String,
    /// Provider id.
    pub provider: String,
    /// Model id.
    pub model: String,
    /// Of the whole run; absent when the model reported nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<RunUsage>,
    /// Of its last call.
    pub last_call_usage: RunUsage,
    /// Prompt tokens of the last call, cached ones too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// What v4 adds.
    #[serde(flatten)]
    pub v4: Option<AgentMetaV4>,
}

/// What v4 adds to [`AgentMeta`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentMetaV4 {
    /// Where the transcript is; upstream puts the session key.
    pub session_file: String,
    /// The model's window.
    pub context_tokens: u64,
    /// `resolved`: the config or the catalogue says so.
    pub context_tokens_source: &'static str,
    /// What ran the agent.
    pub agent_harness_id: &'static str,
    /// Where the key came from.
    pub credential_source: CredentialSource,
    /// How full the context was before the call.
    pub context_budget_status: ContextBudget,
    /// Whether the model wrote code to call tools; never here.
    pub code_mode_engaged: bool,
    /// Model calls of the run.
    pub assistant_turns: u32,
    /// Calls of tools through code; none here.
    pub bridge_calls: BridgeCalls,
    /// US dollars.
    pub cost_usd: f64,
    /// Which model was asked for, and which one answered.
    pub terminal_receipt: TerminalReceipt,
}

/// Where a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CredentialSource {
    /// `direct`
    pub kind: &'static str,
    /// `provider-config`
    pub evidence: &'static str,
    /// `declared`
    pub authorization: &'static str,
}

impl Default for CredentialSource {
    fn default() -> Self {
        CredentialSource { kind: "direct", evidence: "provider-config", authorization: "declared" }
    }
}

/// How full a context was before the call. Estimates, in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextBudget {
    /// 1
    pub schema_version: u32,
    /// `pre-prompt-estimate`
    pub source: &'static str,
    /// Milliseconds since 1970.
    pub updated_at: u64,
    /// Provider id.
    pub provider: String,
    /// Model id.
    pub model: String,
    /// `fits`, or `overflow` when something was left out.
    pub route: &'static str,
    /// Whether a summary is due.
    pub should_compact: bool,
    /// The prompt.
    pub estimated_prompt_tokens: u64,
    /// The window.
    pub context_token_budget: u64,
    /// What of it the prompt may take.
    pub prompt_budget_before_reserve: u64,
    /// What is kept for the answer.
    pub reserve_tokens: u64,
    /// The same, where it had to be smaller.
    pub effective_reserve_tokens: u64,
    /// What the prompt leaves of its part.
    pub remaining_prompt_budget_tokens: u64,
    /// What did not fit.
    pub overflow_tokens: u64,
    /// What tool results could give up.
    pub tool_result_reducible_chars: u64,
    /// Messages in the prompt.
    pub message_count: u64,
    /// Messages of the conversation.
    pub unwindowed_message_count: u64,
    /// The session's incarnation.
    pub session_id: String,
}

/// Calls of tools through code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BridgeCalls {
    /// Looked for.
    pub search: u32,
    /// Looked at.
    pub describe: u32,
    /// Called.
    pub call: u32,
}

/// Tokens.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunUsage {
    /// Prompt tokens that were not cached.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
    /// As the provider counts.
    pub total: u64,
    /// v4: US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<RunCost>,
}

/// US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct RunCost {
    /// Together.
    pub total: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::agent::receipt::ModelName;
    use crate::method::agent::run::{ReplyPart, RunPayload, RunResult};
    use crate::method::chat::RunStatus;
    use serde_json::{Value, json};

    fn agent_meta(v4: Option<AgentMetaV4>) -> AgentMeta {
        AgentMeta {
            session_id: "s".into(),
            provider: "mock".into(),
            model: "mock-1".into(),
            usage: None,
            last_call_usage: RunUsage::default(),
            prompt_tokens: Some(120),
            v4,
        }
    }

    fn answer(meta: RunMeta, state: Option<&'static str>) -> Value {
        let payloads = vec![ReplyPart { text: "hi".into(), media_url: None }];
        let result = RunResult { payloads, meta, source_reply_delivery_state: state };
        let payload = RunPayload { run_id: "r".into(), status: RunStatus::Ok, summary: "completed", result };
        serde_json::to_value(payload).expect("serializes")
    }

    #[test]
    fn v3_has_no_field_of_v4() {
        let meta = RunMeta {
            duration_ms: 7,
            agent_meta: agent_meta(None),
            aborted: false,
            system_prompt_report: None,
            v4: None,
        };
        let usage = json!({ "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0 });
        assert_eq!(
            answer(meta, None),
            json!({
                "runId": "r", "status": "ok", "summary": "completed",
                "result": {
                    "payloads": [{ "text": "hi", "mediaUrl": null }],
                    "meta": {
                        "durationMs": 7,
                        "agentMeta": {
                            "sessionId": "s", "provider": "mock", "model": "mock-1", "lastCallUsage": usage,
                            "promptTokens": 120
                        },
                        "aborted": false,
                        "systemPromptReport": null
                    }
                }
            })
        );
    }

    #[test]
    fn v4_tells_more() {
        let name = |response: Option<&str>| ModelName {
            provider: "mock".into(),
            model: "mock-1".into(),
            response_model: response.map(str::to_owned),
        };
        let receipt = TerminalReceipt {
            run_id: "r".into(),
            session_id: "s".into(),
            turn_id: "r".into(),
            requested: name(None),
            effective: name(Some("mock-1")),
            successful_tool_names: Vec::new(),
            rerouted: false,
            terminal_disposition: None,
        };
        let budget = ContextBudget {
            schema_version: 1,
            source: "pre-prompt-estimate",
            updated_at: 9,
            provider: "mock".into(),
            model: "mock-1".into(),
            route: "fits",
            should_compact: false,
            estimated_prompt_tokens: 10,
            context_token_budget: 100,
            prompt_budget_before_reserve: 80,
            reserve_tokens: 20,
            effective_reserve_tokens: 20,
            remaining_prompt_budget_tokens: 70,
            overflow_tokens: 0,
            tool_result_reducible_chars: 0,
            message_count: 2,
            unwindowed_message_count: 2,
            session_id: "s".into(),
        };
        let agent = AgentMetaV4 {
            session_file: "agent:main:main".into(),
            context_tokens: 100,
            context_tokens_source: "resolved",
            agent_harness_id: "pincer",
            credential_source: CredentialSource::default(),
            context_budget_status: budget,
            code_mode_engaged: false,
            assistant_turns: 1,
            bridge_calls: BridgeCalls::default(),
            cost_usd: 0.5,
            terminal_receipt: receipt,
        };
        let attempt = Attempt {
            provider: "mock".into(),
            model: "mock-1".into(),
            result: "success",
            stage: "assistant",
        };
        let run = RunMetaV4 {
            final_prompt_text: "hello".into(),
            final_assistant_visible_text: "hi".into(),
            final_assistant_raw_text: "hi".into(),
            replay_invalid: false,
            liveness_state: "working",
            stop_reason: "stop".into(),
            execution_trace: ExecutionTrace {
                winner_provider: "mock".into(),
                winner_model: "mock-1".into(),
                attempts: vec![attempt],
                fallback_used: false,
                runner: "embedded",
            },
            request_shaping: RequestShaping { thinking: "off".into() },
            completion: Completion { stop_reason: "stop".into(), finish_reason: "stop".into() },
        };
        let meta = RunMeta {
            duration_ms: 7,
            agent_meta: agent_meta(Some(agent)),
            aborted: false,
            system_prompt_report: None,
            v4: Some(run),
        };
        let value = answer(meta, Some("missing"));
        let keys = |value: &Value| {
            value
                .as_object()
                .map(|object| object.keys().cloned().collect::<Vec<_>>().join(" "))
                .unwrap_or_default()
        };
        let result = &value["result"];
        assert_eq!(keys(result), "payloads meta sourceReplyDeliveryState");
        assert_eq!(
            keys(&result["meta"]),
            "durationMs agentMeta aborted systemPromptReport finalPromptText finalAssistantVisibleText \
             finalAssistantRawText replayInvalid livenessState stopReason executionTrace requestShaping completion"
        );
        assert_eq!(
            keys(&result["meta"]["agentMeta"]),
            "sessionId provider model lastCallUsage promptTokens sessionFile contextTokens contextTokensSource \
             agentHarnessId credentialSource contextBudgetStatus codeModeEngaged assistantTurns bridgeCalls costUsd \
             terminalReceipt"
        );
        assert_eq!(result["meta"]["agentMeta"]["terminalReceipt"]["effective"]["responseModel"], "mock-1");
    }
}

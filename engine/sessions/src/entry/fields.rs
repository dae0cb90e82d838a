//! The fields of an entry, grouped by what changes together. Names are OpenClaw's.

use serde::{Deserialize, Serialize};

use super::group::group;
use super::level::{
    ChatType, Elevated, ExecAsk, ExecHost, ExecSecurity, FastMode, GroupActivation, ModelSource,
    PermissionMode, Reasoning, RunStatus, SendPolicy, Thinking, TraceLevel, UsageNote, Verbose,
};
use super::raw::Raw;
use crate::queue::{DropPolicy, QueueMode};

/// Short text that rarely changes.
type Text = Box<str>;

group! {
    /// What people and programs set: `sessions.patch` and slash commands.
    pub struct Tuning {
        /// How hard the model thinks.
        thinking_level: Thinking = "thinkingLevel",
        /// How much of a run is told.
        verbose_level: Verbose = "verboseLevel",
        /// Whether reasoning is shown.
        reasoning_level: Reasoning = "reasoningLevel",
        /// Whether commands may leave the sandbox.
        elevated_level: Elevated = "elevatedLevel",
        /// What is told of token use.
        response_usage: UsageNote = "responseUsage",
        /// v4: whether runs are traced.
        trace_level: TraceLevel = v4 "traceLevel",
        /// v4: fast mode.
        fast_mode: FastMode = v4 "fastMode",
        /// Where commands run.
        exec_host: ExecHost = "execHost",
        /// v3: which commands may run.
        exec_security: ExecSecurity = "execSecurity",
        /// v3: when a person is asked.
        exec_ask: ExecAsk = "execAsk",
        /// Node that runs commands.
        exec_node: Text = "execNode",
        /// v4: what the agent may do on its own.
        permission_mode: PermissionMode = v4 "permissionMode",
        /// Whether answers may be delivered.
        send_policy: SendPolicy = "sendPolicy",
        /// What wakes the agent in a group.
        group_activation: GroupActivation = "groupActivation",
        /// Provider chosen for this session.
        provider_override: Text = "providerOverride",
        /// Model chosen for this session.
        model_override: Text = "modelOverride",
        /// v4: who chose it.
        model_override_source: ModelSource = v4 "modelOverrideSource",
        /// v4: how the choice was read (`resolved`).
        model_override_route: Text = v4 "modelOverrideRouteResolution",
        /// v4: the next run switches models.
        live_model_switch_pending: bool = v4 "liveModelSwitchPending",
        /// Credentials chosen for this session.
        auth_profile_override: Text = "authProfileOverride",
        /// Who chose them.
        auth_profile_override_source: Text = "authProfileOverrideSource",
        /// What becomes of messages that arrive during a run: `collect`, `steer` …
        queue_mode: QueueMode = "queueMode",
        /// Quiet time before queued messages run, in milliseconds.
        queue_debounce_ms: u32 = "queueDebounceMs",
        /// Most queued messages.
        queue_cap: u16 = "queueCap",
        /// What becomes of messages beyond that: `old`, `new`, `summarize`.
        queue_drop: DropPolicy = "queueDrop",
        /// When answers are spoken.
        tts_auto: Text = "ttsAuto",
        /// The conversation that spawned this one. Never changes once set.
        spawned_by: Text = "spawnedBy",
        /// How deep in spawning this is. Never changes once set.
        spawn_depth: u32 = "spawnDepth",
        /// v4: bound on the model's context.
        context_window: Text = v4 "contextWindow",
        /// v4: tools switched on or off.
        tool_overrides: Raw = v4 "toolOverrides",
    }
}

group! {
    /// Where messages come from and answers go.
    pub struct Route {
        /// What sort of conversation the last message came from.
        chat_type: ChatType = "chatType",
        /// Messaging platform.
        channel: Text = "channel",
        /// The group's id there.
        group_id: Text = "groupId",
        /// The channel's name there.
        group_channel: Text = "groupChannel",
        /// The group's subject.
        subject: Text = "subject",
        /// Server or workspace.
        space: Text = "space",
        /// Name to show.
        display_name: Text = "displayName",
        /// Who spoke last.
        origin: Origin = "origin",
        /// Where answers go.
        delivery_context: DeliveryContext = "deliveryContext",
        /// Channel of the last message.
        last_channel: Text = "lastChannel",
        /// Address of the last message.
        last_to: Text = "lastTo",
        /// Own account of the last message.
        last_account_id: Text = "lastAccountId",
        /// Thread of the last message.
        last_thread_id: Raw = "lastThreadId",
    }
}

group! {
    /// What runs cost and counted.
    pub struct Counters {
        /// Provider of the last run.
        model_provider: Text = "modelProvider",
        /// Model of the last run.
        model: Text = "model",
        /// The model's context window, in tokens.
        context_tokens: u64 = "contextTokens",
        /// v4: where that number came from.
        context_tokens_source: Text = v4 "contextTokensSource",
        /// Prompt tokens of the last run, all its calls together.
        input_tokens: u64 = "inputTokens",
        /// Answer tokens of the last run.
        output_tokens: u64 = "outputTokens",
        /// Cached prompt tokens of the last run.
        cache_read: u64 = "cacheRead",
        /// Prompt tokens the last run wrote to the cache.
        cache_write: u64 = "cacheWrite",
        /// Tokens in the context after the last run.
        total_tokens: u64 = "totalTokens",
        /// Whether `total_tokens` still tells the truth.
        total_tokens_fresh: bool = "totalTokensFresh",
        /// v4: how `total_tokens` was counted; 1.
        total_tokens_version: u32 = v4 "totalTokensVersion",
        /// v4: cost of the last run.
        estimated_cost_usd: f64 = v4 "estimatedCostUsd",
        /// How often the transcript was compacted.
        compaction_count: u32 = "compactionCount",
        /// When memory was last flushed, milliseconds since 1970.
        memory_flush_at: u64 = "memoryFlushAt",
        /// `compaction_count` then.
        memory_flush_compaction_count: u32 = "memoryFlushCompactionCount",
    }
}

group! {
    /// v4: the life of the session and of its last run. Times are milliseconds since 1970.
    pub struct Life {
        /// Changes whenever the conversation starts anew.
        lifecycle_revision: Text = v4 "lifecycleRevision",
        /// When the session was made.
        created_at: u64 = v4 "createdAt",
        /// By what: `operator`.
        created_via: Text = v4 "createdVia",
        /// When this transcript began.
        session_started_at: u64 = v4 "sessionStartedAt",
        /// When somebody last said something.
        last_interaction_at: u64 = v4 "lastInteractionAt",
        /// How the last run ended.
        status: RunStatus = v4 "status",
        /// When it started.
        started_at: u64 = v4 "startedAt",
        /// When it ended.
        ended_at: u64 = v4 "endedAt",
        /// How long it took, in milliseconds.
        runtime_ms: u64 = v4 "runtimeMs",
        /// Its id.
        last_run_id: Text = v4 "lastRunId",
        /// What ran it; `openclaw`.
        agent_harness_id: Text = v4 "agentHarnessId",
        /// The conversation this one belongs to.
        parent_session_key: Text = v4 "parentSessionKey",
        /// That conversation's session id, when this one was made.
        parent_session_id: Text = v4 "parentSessionId",
        /// Folder the agent works in.
        session_root: Text = v4 "sessionRoot",
    }
}

group! {
    /// v4: how a person has sorted the session.
    pub struct Shelf {
        /// Put away when; milliseconds since 1970.
        archived_at: u64 = v4 "archivedAt",
        /// Pinned when; milliseconds since 1970.
        pinned_at: u64 = v4 "pinnedAt",
        /// Marked unread by hand, or by an answer nobody has seen.
        unread: bool = v4 "unread",
        /// Marked unread by hand when; milliseconds since 1970.
        marked_unread_at: u64 = v4 "markedUnreadAt",
        /// Read when; milliseconds since 1970.
        last_read_at: u64 = v4 "lastReadAt",
        /// An emoji or icon name.
        icon: Text = v4 "icon",
        /// A colour name.
        color: Text = v4 "color",
        /// A group of sessions.
        category: Text = v4 "category",
        /// Which face of the board is shown.
        board_face: Text = v4 "boardFace",
        /// A line about what is going on.
        status_note: StatusNote = v4 "statusNote",
        /// What it asks attention for.
        attention: Text = v4 "attention",
        /// Who is told when its run ends.
        completion_owner_session_key: Text = v4 "completionOwnerSessionKey",
    }
}

/// Who spoke last, as the channel names them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Origin {
    /// Name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// Channel provider: `webchat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Text>,
    /// Channel surface: `webchat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surface: Option<Text>,
    /// Sort of conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_type: Option<ChatType>,
    /// Sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Text>,
    /// Our address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// Our account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Text>,
    /// Thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<Raw>,
}

/// v4: a line about what is going on. It stands for a while, or until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusNote {
    /// At most 120 characters.
    pub text: Text,
    /// Written when; milliseconds since 1970.
    pub set_at: u64,
    /// Gone when; milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// Where answers go.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeliveryContext {
    /// Channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Text>,
    /// Address there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// Our account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Text>,
    /// Thread there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<Raw>,
}

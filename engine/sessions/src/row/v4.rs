//! What v4 adds to a row.

use pincer_protocol::method::sessions::{AgentRuntime, LevelOption};
use serde::Serialize;

use super::{RowContext, RowFacts, RowV3};
use crate::entry::level::{
    ChatType, ExecHost, FastMode, GroupActivation, ModelSource, PermissionMode, RunStatus, TraceLevel,
    UsageNote,
};
use crate::entry::{ContextBudget, Entry, Life, Raw};
use crate::key::{RoomKind, SessionKey};
use crate::model_ref::{ModelRef, thinking_profile};
use crate::queue::QueueMode;

/// A session, as protocol 4 lists it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the entry, by their names on the wire")]
pub struct RowV4<'a> {
    #[serde(flatten)]
    pub base: RowV3<'a>,
    /// Everybody who may use this gateway sees every session.
    /// What the caller may do with the session; every operator here may do everything.
    pub sharing_role: &'static str,
    pub visibility: &'static str,
    pub permission_mode_pending: bool,
    pub created_via: &'a str,
    pub created_at: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expanded_participants: Vec<Participant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_count: Option<usize>,
    pub classification: &'static str,
    pub agent_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_kind: Option<&'static str>,
    pub is_main: bool,
    pub is_background: bool,
    pub archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<u64>,
    pub pinned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned_at: Option<u64>,
    pub unread: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked_unread_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_read_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_interaction_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_face: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<&'a str>,
    pub thinking_levels: Vec<LevelOption>,
    pub thinking_options: Vec<&'static str>,
    pub thinking_default: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast_mode: Option<FastMode>,
    pub effective_fast_mode: FastMode,
    pub effective_fast_mode_source: &'static str,
    pub fast_auto_on_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_level: Option<TraceLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<PermissionMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec_host: Option<ExecHost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec_node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_activation: Option<GroupActivation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_overrides: Option<&'a Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawn_depth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_session_key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[SessionKey]>::is_empty")]
    pub child_sessions: &'a [SessionKey],
    pub effective_response_usage: UsageNote,
    pub effective_queue_mode: QueueMode,
    pub model_override_source: Option<ModelSource>,
    pub runtime_selection_locked: bool,
    pub agent_runtime: AgentRuntime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_budget_status: Option<ContextBudget<'a>>,
    pub snapshot_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_summary: Option<ActivitySummary>,
    pub has_active_run: bool,
    pub active_run_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_leaf_entry_id: Option<&'a str>,
}

/// Somebody who has spoken in a session.
#[derive(Debug, Clone, Serialize)]
pub struct Participant<'a> {
    /// As far as it is known.
    pub identity: Identity<'a>,
}

/// A participant by what was seen of them; there are no accounts here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity<'a> {
    /// `observation`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Channel plugin; none.
    pub plugin_id: Option<&'a str>,
    /// Our account on the channel.
    pub account_id: Option<&'a str>,
    /// `unknown`
    pub sender_kind: &'static str,
    /// Their address or name.
    pub id: &'a str,
}

/// Where runs happen: here.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    pub state: &'static str,
    pub generation: u32,
    pub created_at_ms: u64,
    pub updated_at_ms: u64,
    pub state_changed_at_ms: u64,
}

/// A recap of the session; none is written here.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivitySummary {
    pub state: &'static str,
    pub can_ensure: bool,
}

/// After how many seconds of waiting `fastMode: "auto"` turns on; upstream's number.
const FAST_AUTO_ON_SECONDS: u32 = 60;

impl<'a> RowV4<'a> {
    /// The row of `key`.
    pub fn new(
        key: &'a SessionKey,
        entry: &'a Entry,
        facts: &'a RowFacts,
        context: &RowContext<'_>,
    ) -> RowV4<'a> {
        let mut base = RowV3::new(key, entry, facts, context);
        let (tuning, life, shelf) = (entry.tuning(), entry.life(), entry.shelf());
        let agent = key.store_agent(context.default_agent);
        let model = ModelRef::new(&base.model_provider, &base.model);
        let known = context.models.facts(&model);
        base.context_tokens = base.context_tokens.or(known.map(|facts| facts.context_tokens));
        let profile = thinking_profile(context.wire, &model, known);
        let participants = participants(entry);
        let running = !facts.active_run_ids.is_empty();
        let note =
            shelf.status_note.as_ref().filter(|note| note.expires_at.is_none_or(|at| at > context.now_ms));
        RowV4 {
            sharing_role: "admin",
            visibility: "shared",
            permission_mode_pending: false,
            created_via: life.created_via.as_deref().unwrap_or("operator"),
            created_at: life.created_at.unwrap_or(entry.updated_at),
            participant_count: Some(participants.len()).filter(|count| *count > 0),
            expanded_participants: participants.clone(),
            participants,
            classification: classification(key, entry, context.main_key),
            agent_id: agent.to_string(),
            peer_kind: key.room().map(|room| match room.kind {
                RoomKind::Group => "group",
                RoomKind::Channel => "channel",
            }),
            is_main: key.is_main(context.main_key),
            is_background: key.is_cron() || key.is_subagent(),
            archived: shelf.archived_at.is_some(),
            archived_at: shelf.archived_at,
            pinned: shelf.pinned_at.is_some(),
            pinned_at: shelf.pinned_at,
            unread: shelf.unread == Some(true),
            marked_unread_at: shelf.marked_unread_at,
            last_read_at: shelf.last_read_at,
            last_interaction_at: life.last_interaction_at,
            icon: shelf.icon.as_deref(),
            color: shelf.color.as_deref(),
            category: shelf.category.as_deref(),
            board_face: shelf.board_face.as_deref(),
            status_note: note.map(|note| &*note.text),
            attention: shelf.attention.as_deref(),
            thinking_levels: profile.options(),
            thinking_options: profile.levels.iter().map(|level| level.as_str()).collect(),
            thinking_default: profile.default.as_str(),
            fast_mode: tuning.fast_mode,
            effective_fast_mode: tuning.fast_mode.unwrap_or(FastMode::Fixed(false)),
            effective_fast_mode_source: if tuning.fast_mode.is_some() { "session" } else { "default" },
            fast_auto_on_seconds: FAST_AUTO_ON_SECONDS,
            trace_level: tuning.trace_level,
            permission_mode: tuning.permission_mode,
            exec_host: tuning.exec_host,
            exec_node: tuning.exec_node.as_deref(),
            group_activation: tuning.group_activation,
            context_window: tuning.context_window.as_deref(),
            tool_overrides: tuning.tool_overrides.as_ref(),
            estimated_cost_usd: entry.counters().estimated_cost_usd,
            status: status(life, running),
            started_at: life.started_at,
            ended_at: life.ended_at,
            runtime_ms: life.runtime_ms,
            last_run_id: life.last_run_id.as_deref(),
            spawned_by: tuning.spawned_by.as_deref(),
            spawn_depth: tuning.spawn_depth,
            parent_session_key: life.parent_session_key.as_deref(),
            child_sessions: &facts.children,
            effective_response_usage: tuning.response_usage.unwrap_or(UsageNote::Off),
            effective_queue_mode: tuning.queue_mode.unwrap_or(context.queue_mode),
            model_override_source: tuning
                .model_override_source
                .filter(|source| *source != ModelSource::Default),
            runtime_selection_locked: false,
            agent_runtime: AgentRuntime::ROW,
            context_budget_status: ContextBudget::of(entry),
            snapshot_at: context.now_ms,
            placement: placement(life),
            activity_summary: facts
                .with_summary
                .then_some(ActivitySummary { state: "unavailable", can_ensure: false }),
            has_active_run: running,
            active_run_ids: &facts.active_run_ids,
            active_leaf_entry_id: facts.active_leaf.as_deref(),
            base,
        }
    }
}

/// A run that is not under way does not run, whatever was written before a crash.
fn status(life: &Life, running: bool) -> Option<RunStatus> {
    match life.status {
        _ if running => Some(RunStatus::Running),
        Some(RunStatus::Running) => Some(RunStatus::Killed),
        status => status,
    }
}

fn classification(key: &SessionKey, entry: &Entry, main_key: &str) -> &'static str {
    match key.room().map(|room| room.kind) {
        _ if key.is_main(main_key) => "main",
        Some(RoomKind::Group) => "group",
        Some(RoomKind::Channel) => "channel",
        None if key.is_subagent() => "subagent",
        None if key.is_cron() => "cron",
        None => match entry.route().chat_type {
            Some(ChatType::Direct) => "direct",
            Some(ChatType::Group) => "group",
            Some(ChatType::Channel) => "channel",
            None if key.rest().starts_with("dashboard:") => "dashboard",
            None => "custom",
        },
    }
}

fn participants(entry: &Entry) -> Vec<Participant<'_>> {
    let Some(origin) = &entry.route().origin else { return Vec::new() };
    let Some(id) = origin.from.as_deref().or(origin.label.as_deref()) else { return Vec::new() };
    let account_id = origin.account_id.as_deref();
    let identity = Identity { kind: "observation", plugin_id: None, account_id, sender_kind: "unknown", id };
    vec![Participant { identity }]
}

/// The place of a session that has ever run.
fn placement(life: &Life) -> Option<Placement> {
    let created = life.session_started_at.or(life.started_at)?;
    let updated = life.ended_at.or(life.started_at).unwrap_or(created);
    Some(Placement {
        state: "local",
        generation: 0,
        created_at_ms: created,
        updated_at_ms: updated,
        state_changed_at_ms: created,
    })
}

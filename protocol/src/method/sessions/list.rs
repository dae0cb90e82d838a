//! `sessions.list`

use serde::{Deserialize, Deserializer, Serialize};

use super::{AgentRuntime, Json, LABEL_V3, LABEL_V4, LevelOption};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_min, opt};

/// Lists sessions, newest first. Unknown agents have none.
pub struct List;

/// Params of [`List`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListParams {
    /// Most rows, at least 1. v3: no limit unless asked; v4: [`ListParams::LIMIT_V4`].
    pub limit: Option<u64>,
    /// v4: rows to pass over.
    pub offset: Option<u64>,
    /// Only sessions that changed in the last so many minutes.
    pub active_minutes: Option<u64>,
    /// Also the global conversation.
    pub include_global: bool,
    /// Also unattributable messages.
    pub include_unknown: bool,
    /// With a title made of what is known.
    pub include_derived_titles: bool,
    /// With the last thing said.
    pub include_last_message: bool,
    /// Only the session of this label.
    pub label: Option<String>,
    /// Only sessions spawned by this one.
    pub spawned_by: Option<String>,
    /// Only sessions of this agent.
    pub agent_id: Option<String>,
    /// Only sessions whose names contain this.
    pub search: Option<String>,
    /// v4: only sessions somebody has spoken in.
    pub require_last_interaction: bool,
    /// v4: by what to sort.
    pub sort_by: SortBy,
    /// v4: only sessions of configured agents.
    pub configured_agents_only: bool,
    /// v4: only sessions that show this face.
    pub board_face: Option<String>,
    /// v4: only sessions this person made.
    pub creator_id: Option<String>,
    /// v4: only sessions this person owns.
    pub owner_id: Option<String>,
    /// v4: own sessions first.
    pub owner_first: bool,
    /// v4: only sessions the caller takes part in.
    pub involving_me: bool,
    /// v4: only sessions this person takes part in.
    pub involving_profile_id: Option<String>,
    /// v4: with the people of the sessions.
    pub include_people: bool,
    /// v4: only sessions with a run.
    pub active_only: bool,
    /// v4: without those that another session spawned.
    pub exclude_subagents: bool,
    /// v4: without those of cron jobs.
    pub exclude_cron: bool,
    /// v4: only pinned ones, or only the others.
    pub pinned: Option<bool>,
    /// v4: only sessions of this group; the empty one: of none.
    pub group: Option<String>,
    /// v4: only sessions with a board, or without; none has one.
    pub has_board: Option<bool>,
    /// v4: only sessions of this project; there are no projects.
    pub project_id: Option<String>,
    /// v4: archived sessions instead of, or beside, the others.
    pub archived: Archived,
}

impl ListParams {
    /// How many rows v4 gives unless asked.
    pub const LIMIT_V4: u64 = 100;
}

/// By what v4 sorts a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SortBy {
    /// Last change.
    #[default]
    UpdatedAt,
    /// Last message of a person.
    LastInteractionAt,
    /// Last change; upstream also counts what a session's children do.
    Activity,
}

/// Which sessions v4 lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Archived {
    /// Those that are not archived.
    #[default]
    No,
    /// Those that are.
    Only,
    /// Both.
    All,
}

impl<'de> Deserialize<'de> for Archived {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Archived, D::Error> {
        // The schema has seen it: `true`, `false` or "all".
        Ok(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(true) => Archived::Only,
            serde_json::Value::String(_) => Archived::All,
            _ => Archived::No,
        })
    }
}

/// Answer to [`List`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPayload {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// The store file, or `(multiple)`.
    pub path: String,
    /// How many rows follow.
    pub count: u64,
    /// v4: where in the whole list these rows are.
    #[serde(flatten)]
    pub page: Option<Page>,
    /// What holds for sessions without overrides.
    pub defaults: Defaults,
    /// The rows.
    pub sessions: Vec<Json>,
}

/// v4: which part of the whole list an answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// How many rows fit the question.
    pub total_count: u64,
    /// Most rows in this answer.
    pub limit_applied: u64,
    /// Where the next answer should begin; `null` at the end.
    pub next_offset: Option<u64>,
    /// Whether there is a next answer.
    pub has_more: bool,
    /// People who own sessions; there are no accounts here, so nobody.
    pub owners: Vec<String>,
}

/// What holds for sessions without overrides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Defaults {
    /// Provider of the default model.
    pub model_provider: Option<String>,
    /// The default model.
    pub model: Option<String>,
    /// Its context window, in tokens.
    pub context_tokens: Option<u64>,
    /// v4's part.
    #[serde(flatten)]
    pub v4: Option<DefaultsV4>,
}

/// What v4 adds to [`Defaults`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultsV4 {
    /// What runs agents.
    pub agent_runtime: AgentRuntime,
    /// Thinking levels of the default model.
    pub thinking_levels: Vec<LevelOption>,
    /// Their names.
    pub thinking_options: Vec<&'static str>,
    /// The one taken unless told.
    pub thinking_default: &'static str,
    /// What picking a model changes: `session`.
    pub model_selection_target: &'static str,
}

impl Rpc for List {
    const NAME: &'static str = "sessions.list";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = ListParams;
    type Payload = ListPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const V3: Object = Object {
    fields: &[
        opt("limit", int_min(1)),
        opt("activeMinutes", int_min(1)),
        opt("includeGlobal", Shape::Bool),
        opt("includeUnknown", Shape::Bool),
        opt("includeDerivedTitles", Shape::Bool),
        opt("includeLastMessage", Shape::Bool),
        opt("label", LABEL_V3),
        opt("spawnedBy", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("search", TEXT),
    ],
};

const V4: Object = Object {
    fields: &[
        opt("limit", int_min(1)),
        opt("offset", int_min(0)),
        opt("activeMinutes", int_min(1)),
        opt("activeOnly", Shape::Bool),
        opt("requireLastInteraction", Shape::Bool),
        opt("sortBy", Shape::Literals(&["updatedAt", "lastInteractionAt", "activity"])),
        opt("includeGlobal", Shape::Bool),
        opt("includeUnknown", Shape::Bool),
        opt("excludeSubagents", Shape::Bool),
        opt("excludeCron", Shape::Bool),
        // The gateway makes no sessions of its own, and writes no summaries.
        opt("excludeSystem", Shape::Bool),
        opt("configuredAgentsOnly", Shape::Bool),
        opt("includeDerivedTitles", Shape::Bool),
        opt("includeLastMessage", Shape::Bool),
        opt("includeActivitySummary", Shape::Bool),
        opt("label", LABEL_V4),
        opt("projectId", NON_EMPTY),
        opt("group", TEXT),
        opt("pinned", Shape::Bool),
        opt("hasBoard", Shape::Bool),
        opt("boardFace", Shape::Literals(&["chat", "dashboard"])),
        opt("creatorId", NON_EMPTY),
        opt("ownerId", NON_EMPTY),
        opt("ownerFirst", Shape::Bool),
        opt("involvingMe", Shape::Bool),
        opt("involvingProfileId", NON_EMPTY),
        opt("includePeople", Shape::Bool),
        opt("spawnedBy", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("search", TEXT),
        opt("archived", Shape::AnyOf(&[Shape::Bool, Shape::Literals(&["all"])])),
    ],
};

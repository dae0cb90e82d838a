//! `sessions.list` over many shards.
//!
//! Each shard [`select`]s among its own sessions, at most as many as the whole answer can hold, writes their rows and
//! sends them as a [`Part`]; whoever asked [`merge`]s the parts. Titles and last messages need transcripts, which are
//! read between the two steps, see [`preview`].

pub mod preview;

use std::cmp::Reverse;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::list::{Archived, DefaultsV4, SortBy};
use pincer_protocol::method::sessions::{AgentRuntime, Defaults, Json, ListParams, ListPayload, Page};

use crate::agent::AgentId;
use crate::entry::Entry;
use crate::key::SessionKey;
use crate::model_ref::{ModelCatalog, thinking_profile};
use crate::row::display_name;

/// Most rows of one shard's part for which transcripts are read; upstream reads them all, and is slow for it.
pub const PREVIEWS_MAX: usize = 200;

/// What a list is made in.
#[derive(Clone, Copy)]
pub struct ListContext<'a> {
    /// The client's generation.
    pub wire: Wire,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Whether the config names an agent.
    pub configured: &'a dyn Fn(&AgentId) -> bool,
    /// Whether a session has a run.
    pub active: &'a dyn Fn(&SessionKey) -> bool,
}

/// The sessions of one shard that fit, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// No more than the whole answer can hold.
    pub picked: Vec<Picked>,
    /// How many fit altogether.
    pub total: u64,
}

/// A session that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// Which.
    pub key: SessionKey,
    /// By what it is sorted: milliseconds since 1970.
    pub sort_at: u64,
}

/// A session that fits, written.
#[derive(Debug)]
pub struct ListedRow {
    /// Which, and by what it is sorted.
    pub picked: Picked,
    /// Its row.
    pub json: Json,
}

/// One shard's part of the answer.
#[derive(Debug, Default)]
pub struct Part {
    /// Its rows, newest first.
    pub rows: Vec<ListedRow>,
    /// How many sessions of it fit altogether.
    pub total: u64,
}

/// Picks among one shard's sessions.
pub fn select<'e>(
    entries: impl IntoIterator<Item = (&'e SessionKey, &'e Entry)>,
    params: &ListParams,
    context: &ListContext<'_>,
) -> Selection {
    let filter = Filter::new(params, context);
    let mut picked: Vec<Picked> = entries
        .into_iter()
        .filter(|(key, entry)| filter.fits(key, entry))
        .map(|(key, entry)| Picked { key: key.clone(), sort_at: sort_at(entry, params.sort_by) })
        .collect();
    let total = picked.len() as u64;
    sort(&mut picked, |picked| picked);
    picked.truncate(window(params, context.wire).end);
    Selection { picked, total }
}

/// Joins the parts of all shards into the answer. `path` is the store file, or `(multiple)`.
pub fn merge(
    parts: impl IntoIterator<Item = Part>,
    params: &ListParams,
    wire: Wire,
    now_ms: u64,
    path: String,
    defaults: Defaults,
) -> ListPayload {
    let (mut rows, mut total) = (Vec::new(), 0u64);
    for part in parts {
        rows.extend(part.rows);
        total = total.saturating_add(part.total);
    }
    sort(&mut rows, |row| &row.picked);
    let window = window(params, wire);
    let sessions: Vec<Json> =
        rows.into_iter().take(window.end).skip(window.start).map(|row| row.json).collect();
    let next = window.start as u64 + sessions.len() as u64;
    let more = next < total && !sessions.is_empty();
    let page = (wire == Wire::V4).then(|| Page {
        total_count: total,
        limit_applied: params.limit.unwrap_or(ListParams::LIMIT_V4),
        next_offset: more.then_some(next),
        has_more: more,
        owners: Vec::new(),
    });
    ListPayload { ts: now_ms, path, count: sessions.len() as u64, page, defaults, sessions }
}

/// What holds for the sessions of `agent` without overrides.
pub fn defaults(wire: Wire, agent: &AgentId, models: &dyn ModelCatalog) -> Defaults {
    let model = models.default_model(agent);
    let facts = models.facts(&model);
    let v4 = (wire == Wire::V4).then(|| {
        let profile = thinking_profile(wire, &model, facts);
        DefaultsV4 {
            agent_runtime: AgentRuntime::DEFAULT,
            thinking_levels: profile.options(),
            thinking_options: profile.levels.iter().map(|level| level.as_str()).collect(),
            thinking_default: profile.default.as_str(),
            model_selection_target: "session",
        }
    });
    Defaults {
        model_provider: Some(model.provider.into()),
        model: Some(model.model.into()),
        context_tokens: facts.map(|facts| facts.context_tokens),
        v4,
    }
}

/// Which rows of the whole list are asked for. v3 has no limit of its own.
fn window(params: &ListParams, wire: Wire) -> std::ops::Range<usize> {
    let limit = match wire {
        Wire::V3 => params.limit,
        Wire::V4 => Some(params.limit.unwrap_or(ListParams::LIMIT_V4)),
    };
    let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let start = size(params.offset.unwrap_or(0));
    start..limit.map_or(usize::MAX, |limit| start.saturating_add(size(limit)))
}

fn sort_at(entry: &Entry, by: SortBy) -> u64 {
    match by {
        SortBy::UpdatedAt | SortBy::Activity => entry.updated_at,
        SortBy::LastInteractionAt => entry.life().last_interaction_at.unwrap_or(0),
    }
}

/// Newest first; equally new ones by key, so that every shard count gives the same list.
fn sort<T>(rows: &mut [T], picked: impl Fn(&T) -> &Picked) {
    rows.sort_by(|a, b| {
        let (a, b) = (picked(a), picked(b));
        (Reverse(a.sort_at), &a.key).cmp(&(Reverse(b.sort_at), &b.key))
    });
}

/// The question, made ready.
struct Filter<'a> {
    params: &'a ListParams,
    context: &'a ListContext<'a>,
    agent: Option<AgentId>,
    label: Option<&'a str>,
    search: Option<String>,
    since_ms: Option<u64>,
}

impl<'a> Filter<'a> {
    fn new(params: &'a ListParams, context: &'a ListContext<'a>) -> Filter<'a> {
        let age = |minutes: u64| context.now_ms.saturating_sub(minutes.saturating_mul(60_000));
        Filter {
            params,
            context,
            agent: params.agent_id.as_deref().map(AgentId::sanitise),
            label: params.label.as_deref().map(str::trim),
            search: params
                .search
                .as_deref()
                .map(|text| text.trim().to_lowercase())
                .filter(|text| !text.is_empty()),
            since_ms: params.active_minutes.map(age),
        }
    }

    fn fits(&self, key: &SessionKey, entry: &Entry) -> bool {
        self.is_listed(key)
            && self.is_of_agent(key)
            && self.is_spawned(key, entry)
            && self.label.is_none_or(|label| entry.label.as_deref() == Some(label))
            && self.since_ms.is_none_or(|since| entry.updated_at >= since)
            && (self.context.wire == Wire::V3 || self.fits_v4(key, entry))
            && self.is_found(key, entry)
    }

    /// The runs of cron jobs are never listed; the two keys without an agent only when asked for.
    fn is_listed(&self, key: &SessionKey) -> bool {
        match key.as_str() {
            "global" => self.params.include_global,
            "unknown" => self.params.include_unknown,
            _ => !key.is_cron_run(),
        }
    }

    fn is_of_agent(&self, key: &SessionKey) -> bool {
        let agent = || key.agent_id().map(AgentId::sanitise);
        self.agent.as_ref().is_none_or(|wanted| agent().as_ref() == Some(wanted))
            && (!self.params.configured_agents_only
                || agent().is_none_or(|agent| (self.context.configured)(&agent)))
    }

    fn is_spawned(&self, key: &SessionKey, entry: &Entry) -> bool {
        let Some(parent) = self.params.spawned_by.as_deref() else { return true };
        key.agent_id().is_some() && entry.tuning().spawned_by.as_deref() == Some(parent)
    }

    /// There are no accounts here: nobody has made or owns a session, and whoever asks takes part in all of them.
    fn fits_v4(&self, key: &SessionKey, entry: &Entry) -> bool {
        let ListParams { creator_id, owner_id, involving_profile_id, board_face, archived, .. } = self.params;
        let ListParams { active_only, exclude_subagents, exclude_cron, pinned, group, .. } = self.params;
        let shelf = entry.shelf();
        let shown = match archived {
            Archived::No => shelf.archived_at.is_none(),
            Archived::Only => shelf.archived_at.is_some(),
            Archived::All => true,
        };
        shown
            && creator_id.is_none()
            && owner_id.is_none()
            && involving_profile_id.is_none()
            && board_face.as_deref().is_none_or(|face| shelf.board_face.as_deref() == Some(face))
            && (!self.params.require_last_interaction || entry.life().last_interaction_at.is_some())
            && self.params.project_id.is_none()
            && self.params.has_board != Some(true)
            && pinned.is_none_or(|pinned| shelf.pinned_at.is_some() == pinned)
            && group.as_deref().is_none_or(|group| shelf.category.as_deref().unwrap_or("") == group)
            && !(*exclude_subagents && (key.is_subagent() || entry.tuning().spawned_by.is_some()))
            && !(*exclude_cron && key.is_cron())
            && (!active_only || (self.context.active)(key))
    }

    fn is_found(&self, key: &SessionKey, entry: &Entry) -> bool {
        let Some(search) = &self.search else { return true };
        let holds = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains(search));
        holds(Some(key.as_str()))
            || holds(Some(entry.session_id.as_str()))
            || holds(entry.label.as_deref())
            || holds(entry.route().subject.as_deref())
            || holds(display_name(key, entry).as_deref())
    }
}

#[cfg(test)]
mod tests;

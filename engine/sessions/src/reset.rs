//! `sessions.reset`, `sessions.delete` and `sessions.compact`: what stays of a session, and what is refused.

pub mod policy;

use pincer_protocol::method::sessions::{CompactPayload, DeleteParams, ResetPayload};
use pincer_protocol::{ErrorShape, Wire};

use crate::agent::AgentId;
use crate::entry::{Entry, Raw, SessionId};
use crate::key::{KeyRules, SessionKey};
use crate::model_ref::{ModelCatalog, model_of, resolved_model};
use crate::patch::check_identity;
use crate::persist::Outcome;

/// Fresh names for a conversation that starts anew, made of randomness the caller has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// For a new transcript.
    pub session_id: SessionId,
    /// For v4's `lifecycleRevision`.
    pub revision: Box<str>,
}

/// A conversation that started anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewed {
    /// The entry to store.
    pub entry: Entry,
    /// The transcript to put aside, when there was one.
    pub archive: Option<SessionId>,
}

/// Starts a conversation anew. v3 takes a new session id and keeps only what shapes answers; v4 keeps the id and all
/// settings, and forgets what runs left.
pub fn reset(
    old: Option<&Entry>,
    wire: Wire,
    fresh: Fresh,
    agent: &AgentId,
    now_ms: u64,
    models: &dyn ModelCatalog,
) -> Renewed {
    let Fresh { session_id, revision } = fresh;
    let mut entry = match (old, wire) {
        (None, _) => Entry::created(session_id, &revision, now_ms),
        (Some(old), Wire::V3) => kept_by_v3(old, session_id, &revision, now_ms),
        (Some(old), Wire::V4) => kept_by_v4(old, &revision, now_ms),
    };
    entry.system_sent = Some(false);
    entry.aborted_last_run = Some(false);
    entry.has_transcript = false;
    entry.life_mut().session_started_at = Some(now_ms);
    let counters = entry.counters_mut();
    counters.input_tokens = Some(0);
    counters.output_tokens = Some(0);
    counters.total_tokens = Some(0);
    counters.total_tokens_fresh = Some(true);
    counters.total_tokens_version = Some(1);
    if wire == Wire::V4 {
        let model = model_of(&entry, agent, models);
        let counters = entry.counters_mut();
        counters.model_provider = Some(model.provider);
        counters.model = Some(model.model);
        counters.compaction_count = Some(0);
    }
    entry.shrink();
    Renewed { entry, archive: old.map(|old| old.session_id.clone()) }
}

fn kept_by_v3(old: &Entry, session_id: SessionId, revision: &str, now_ms: u64) -> Entry {
    let mut entry = Entry::new(session_id, now_ms);
    entry.label = old.label.clone();
    let (from, to) = (old.tuning(), entry.tuning_mut());
    to.thinking_level = from.thinking_level;
    to.verbose_level = from.verbose_level;
    to.reasoning_level = from.reasoning_level;
    to.response_usage = from.response_usage;
    to.send_policy = from.send_policy;
    let (from, to) = (old.route(), entry.route_mut());
    to.origin = from.origin.clone();
    to.last_channel = from.last_channel.clone();
    to.last_to = from.last_to.clone();
    let (from, to) = (old.counters(), entry.counters_mut());
    to.model = from.model.clone();
    to.context_tokens = from.context_tokens;
    let (from, to) = (old.life(), entry.life_mut());
    to.created_at = from.created_at;
    to.created_via = from.created_via.clone();
    to.lifecycle_revision = Some(revision.into());
    entry.set_other("skillsSnapshot", old.other("skillsSnapshot").cloned());
    entry
}

fn kept_by_v4(old: &Entry, revision: &str, now_ms: u64) -> Entry {
    let mut entry = old.clone();
    entry.touch(now_ms);
    *entry.counters_mut() = Default::default();
    entry.tuning_mut().live_model_switch_pending = None;
    let life = entry.life_mut();
    life.lifecycle_revision = Some(revision.into());
    life.last_interaction_at = None;
    life.status = None;
    life.started_at = None;
    life.ended_at = None;
    life.runtime_ms = None;
    life.last_run_id = None;
    life.agent_harness_id = None;
    for report in ["skillsSnapshot", "systemPromptReport"] {
        entry.set_other(report, None);
    }
    entry
}

/// The answer to `sessions.reset`. `folder`: absolute path of the agent's sessions folder.
pub fn reset_payload(
    key: &SessionKey,
    entry: &Entry,
    wire: Wire,
    agent: &AgentId,
    folder: &str,
    models: &dyn ModelCatalog,
) -> Option<ResetPayload> {
    let resolved = (wire == Wire::V4).then(|| resolved_model(entry, agent, models));
    Some(ResetPayload {
        ok: true,
        key: key.to_string(),
        entry: Raw::of(&entry.view(wire, folder))?.into_json(),
        resolved,
    })
}

/// Refuses to delete what must stay: the main session of the default agent; on v4, of any agent.
pub fn check_delete(key: &SessionKey, rules: &KeyRules<'_>) -> Result<(), ErrorShape> {
    let protected = match rules.wire {
        Wire::V3 => *key == rules.main_key_of(rules.default_agent),
        Wire::V4 if key.as_str() == "global" => rules.global_scope,
        Wire::V4 => key.is_main(rules.main_key),
    };
    if protected {
        return Err(ErrorShape::invalid(format!("Cannot delete the main session ({key}).")));
    }
    Ok(())
}

/// Refuses when the session is no longer what the caller saw (v4).
pub fn check_delete_expectations(
    entry: &Entry,
    key: &SessionKey,
    params: &DeleteParams,
) -> Result<(), ErrorShape> {
    check_identity(
        entry,
        key,
        params.expected_session_id.as_deref(),
        params.expected_lifecycle_revision.as_deref(),
    )?;
    if params.expected_session_updated_at.is_some_and(|at| at != entry.updated_at as f64) {
        return Err(ErrorShape::invalid(format!("session was changed: {key}")));
    }
    if params.archived_only == Some(true) && entry.shelf().archived_at.is_none() {
        return Err(ErrorShape::invalid(format!("session is not archived: {key}")));
    }
    Ok(())
}

/// Whether v4 asks for the admin scope: others may delete only what is put away.
pub fn delete_needs_admin(params: &DeleteParams) -> bool {
    params.archived_only != Some(true)
}

/// Forgets token counts that a shortened transcript has made wrong. v3 leaves the cache counts standing.
pub fn forget_counts(entry: &mut Entry, wire: Wire, now_ms: u64) {
    let counters = entry.counters_mut();
    counters.input_tokens = None;
    counters.output_tokens = None;
    counters.total_tokens = None;
    counters.total_tokens_fresh = None;
    counters.total_tokens_version = None;
    if wire == Wire::V4 {
        counters.cache_read = None;
        counters.cache_write = None;
        counters.estimated_cost_usd = None;
    }
    entry.touch(now_ms);
    entry.shrink();
}

/// The answer to `sessions.compact` with a number of lines. `outcome`: what the store's trim came to; `None`: there is
/// no such session.
pub fn compact_payload(key: &SessionKey, wire: Wire, outcome: Option<&Outcome>) -> CompactPayload {
    let (reason, archived, kept) = match outcome {
        None => (Some("no sessionId"), None, None),
        Some(Outcome::Trimmed { archived, kept, found: true }) => {
            (None, archived.clone(), Some(u64::from(*kept)))
        }
        Some(_) => (Some("no transcript"), None, None),
    };
    CompactPayload {
        ok: true,
        key: key.to_string(),
        compacted: archived.is_some(),
        reason: reason.map(Into::into),
        result: None,
        archived: archived.filter(|_| wire == Wire::V3),
        kept,
    }
}

#[cfg(test)]
mod tests;

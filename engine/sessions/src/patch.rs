//! `sessions.patch`: which values a session's settings take, and in which words others are refused.
//!
//! [`apply`] is all or nothing: checks run in upstream's order, the first failure is the answer, and until then nothing
//! has changed. Whether a label is free is for the caller to know, since labels are unique in an agent's store and the
//! sessions of an agent live on many shards: see [`wanted_label`].

mod create;
mod precondition;
mod shelf;
mod spawn;

pub use create::{CreateContext, Creation, create, create_key, create_needs_admin};
pub use precondition::{check_identity, replaced};

use pincer_protocol::method::sessions::{PatchParams, Resolved};
use pincer_protocol::{ErrorShape, Field, Wire};

use crate::agent::AgentId;
use crate::entry::level::{
    Elevated, ExecAsk, ExecHost, ExecSecurity, FastMode, GroupActivation, Level, ModelSource, PermissionMode,
    Reasoning, SendPolicy, Thinking, TraceLevel, UsageNote, Verbose,
};
use crate::entry::{Entry, Raw};
use crate::key::SessionKey;
use crate::model_ref::{
    ModelCatalog, ModelRef, ThinkingProfile, model_of, resolved, thinking_profile, thinks_xhigh, xhigh_models,
};

/// What a patch is applied in.
#[derive(Clone, Copy)]
pub struct PatchContext<'a> {
    /// The session.
    pub key: &'a SessionKey,
    /// Its agent.
    pub agent: &'a AgentId,
    /// The client's generation.
    pub wire: Wire,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// The models of the config.
    pub models: &'a dyn ModelCatalog,
    /// Whether another session of the agent has this label.
    pub label_taken: &'a dyn Fn(&str) -> bool,
}

/// What a patch came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// What became of the label.
    pub label: LabelChange,
    /// `resolved` of the answer.
    pub resolved: Resolved,
}

/// What became of a session's label; the caller keeps the agent's labels in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelChange {
    /// It stayed, or there was none and is none.
    Same,
    /// It is free again.
    Freed(Box<str>),
    /// It belongs to this session now; the old one, if any, is free.
    Taken {
        /// The new label.
        new: Box<str>,
        /// The old one.
        old: Option<Box<str>>,
    },
}

/// The label a patch asks for, so that it can be reserved before the patch is applied. A blank one is refused later.
pub fn wanted_label(params: &PatchParams) -> Option<&str> {
    params.label.value().map(|label| label.trim()).filter(|label| !label.is_empty())
}

/// Whether v4 asks for the admin scope: what lets an agent do more, or elsewhere, is not for everyone who may write.
pub fn needs_admin(params: &PatchParams) -> bool {
    let PatchParams { exec_host, exec_node, elevated_level, permission_mode, tool_overrides, .. } = params;
    !(exec_host.is_absent()
        && exec_node.is_absent()
        && elevated_level.is_absent()
        && permission_mode.is_absent()
        && tool_overrides.is_absent()
        && params.inherited_tool_policy_version.is_absent()
        && params.inherited_tool_allow.is_absent()
        && params.inherited_tool_deny.is_absent())
}

/// Applies a patch to an entry, which the caller has made if it was missing. On error the entry is as it was.
pub fn apply(
    entry: &mut Entry,
    params: &PatchParams,
    context: &PatchContext<'_>,
) -> Result<Patched, ErrorShape> {
    let mut next = entry.clone();
    if context.wire == Wire::V4 {
        precondition::check(&next, params, context.key)?;
    } else {
        spawn::apply(&mut next, params, context.key)?;
    }
    let label = apply_label(&mut next, params, context)?;
    apply_levels(&mut next, params, context)?;
    apply_exec(&mut next, params, context.wire)?;
    apply_model(&mut next, params, context)?;
    check_xhigh(&mut next, params, context)?;
    let tuning = next.tuning_mut();
    set(&mut tuning.send_policy, &params.send_policy, |word| SendPolicy::parse(word));
    set(&mut tuning.group_activation, &params.group_activation, |word| GroupActivation::parse(word));
    if context.wire == Wire::V4 {
        shelf::apply(&mut next, params, context.now_ms);
    }
    next.touch(context.now_ms);
    next.shrink();
    *entry = next;
    let with_thinking =
        matches!(params.thinking_level, Field::Value(_)) || matches!(params.model, Field::Value(_));
    let resolved = resolved(entry, context.agent, context.wire, with_thinking, context.models);
    Ok(Patched { label, resolved })
}

fn apply_label(
    entry: &mut Entry,
    params: &PatchParams,
    context: &PatchContext<'_>,
) -> Result<LabelChange, ErrorShape> {
    match &params.label {
        Field::Absent => Ok(LabelChange::Same),
        Field::Null => Ok(entry.label.take().map_or(LabelChange::Same, LabelChange::Freed)),
        Field::Value(label) => {
            let label = label.trim();
            if label.is_empty() {
                return Err(ErrorShape::invalid("invalid label: empty"));
            }
            if entry.label.as_deref() == Some(label) {
                return Ok(LabelChange::Same);
            }
            if (context.label_taken)(label) {
                return Err(ErrorShape::invalid(format!("label already in use: {label}")));
            }
            let old = entry.label.replace(label.into());
            Ok(LabelChange::Taken { new: label.into(), old })
        }
    }
}

fn apply_levels(
    entry: &mut Entry,
    params: &PatchParams,
    context: &PatchContext<'_>,
) -> Result<(), ErrorShape> {
    let v3 = context.wire == Wire::V3;
    let thinking = match &params.thinking_level {
        Field::Value(word) => {
            Field::Value(read_thinking(word, &wanted_model(entry, params, context), context)?)
        }
        Field::Null => Field::Null,
        Field::Absent => Field::Absent,
    };
    let tuning = entry.tuning_mut();
    assign(&mut tuning.thinking_level, thinking);
    let hint = if v3 { r#""on"|"off""# } else { r#""on"|"off"|"full""# };
    set_word(&mut tuning.verbose_level, &params.verbose_level, "verboseLevel", hint, Verbose::read)?;
    if !v3 {
        let hint = r#""on"|"off"|"raw""#;
        set_word(&mut tuning.trace_level, &params.trace_level, "traceLevel", hint, TraceLevel::read)?;
    }
    let hint = r#""on"|"off"|"stream""#;
    set_word(&mut tuning.reasoning_level, &params.reasoning_level, "reasoningLevel", hint, Reasoning::read)?;
    set(&mut tuning.response_usage, &params.response_usage, |word| UsageNote::read(word));
    if v3 {
        // v3 has no word for "explicitly off" here: off is what it is without an entry.
        tuning.reasoning_level = tuning.reasoning_level.filter(|level| *level != Reasoning::Off);
        tuning.response_usage = tuning.response_usage.filter(|note| *note != UsageNote::Off);
    }
    let hint = r#""on"|"off"|"ask"|"full""#;
    set_word(&mut tuning.elevated_level, &params.elevated_level, "elevatedLevel", hint, Elevated::read)
}

/// The model the session will have after the patch, as far as it can be read; a bad one is refused in its turn.
fn wanted_model(entry: &Entry, params: &PatchParams, context: &PatchContext<'_>) -> ModelRef {
    let PatchContext { agent, models, .. } = *context;
    match &params.model {
        Field::Value(text) => models.named(agent, text).unwrap_or_else(|| models.default_model(agent)),
        Field::Null => models.default_model(agent),
        Field::Absent => model_of(entry, agent, models),
    }
}

fn profile_of(model: &ModelRef, context: &PatchContext<'_>) -> ThinkingProfile {
    thinking_profile(context.wire, model, context.models.facts(model))
}

fn read_thinking(word: &str, model: &ModelRef, context: &PatchContext<'_>) -> Result<Thinking, ErrorShape> {
    let profile = profile_of(model, context);
    let read = match context.wire {
        Wire::V3 => Thinking::read_v3(word),
        Wire::V4 => Thinking::read(word),
    };
    let Some(level) = read else {
        return Err(ErrorShape::invalid(format!("invalid thinkingLevel (use {})", profile.names())));
    };
    if context.wire == Wire::V4 && !profile.levels.contains(&level) {
        let names = profile.names();
        return Err(ErrorShape::invalid(format!(
            "thinkingLevel \"{level}\" is not supported for {model} (use {names})"
        )));
    }
    Ok(level)
}

/// v3 looks at `xhigh` last, when the model is settled: asked for, it is refused; left over from another model, it
/// becomes `high`.
fn check_xhigh(
    entry: &mut Entry,
    params: &PatchParams,
    context: &PatchContext<'_>,
) -> Result<(), ErrorShape> {
    if context.wire == Wire::V4 || entry.tuning().thinking_level != Some(Thinking::Xhigh) {
        return Ok(());
    }
    if thinks_xhigh(&model_of(entry, context.agent, context.models)) {
        return Ok(());
    }
    if !params.thinking_level.is_absent() {
        let models = xhigh_models();
        return Err(ErrorShape::invalid(format!("thinkingLevel \"xhigh\" is only supported for {models}")));
    }
    entry.tuning_mut().thinking_level = Some(Thinking::High);
    Ok(())
}

/// v4 refuses the two fields whatever they hold.
const EXEC_RETIRED: &str = "execSecurity/execAsk are retired; set permissionMode \
    (read-only|guarded|workspace|full) instead, or use /exec for this run only.";

fn apply_exec(entry: &mut Entry, params: &PatchParams, wire: Wire) -> Result<(), ErrorShape> {
    let tuning = entry.tuning_mut();
    match wire {
        Wire::V3 => {
            let hint = r#""sandbox"|"gateway"|"node""#;
            let read = |word: &str| ExecHost::read(word).filter(|host| *host != ExecHost::Auto);
            set_word(&mut tuning.exec_host, &params.exec_host, "execHost", hint, read)?;
            let hint = r#""deny"|"allowlist"|"full""#;
            set_word(
                &mut tuning.exec_security,
                &params.exec_security,
                "execSecurity",
                hint,
                ExecSecurity::read,
            )?;
            let hint = r#""off"|"on-miss"|"always""#;
            set_word(&mut tuning.exec_ask, &params.exec_ask, "execAsk", hint, ExecAsk::read)?;
        }
        Wire::V4 => {
            let hint = r#""auto"|"sandbox"|"gateway"|"node""#;
            set_word(&mut tuning.exec_host, &params.exec_host, "execHost", hint, ExecHost::read)?;
            if !params.exec_security.is_absent() || !params.exec_ask.is_absent() {
                return Err(ErrorShape::invalid(EXEC_RETIRED));
            }
            set(&mut tuning.permission_mode, &params.permission_mode, |word| PermissionMode::parse(word));
            set(&mut tuning.fast_mode, &params.fast_mode, |mode| {
                serde_json::from_value::<FastMode>(mode.clone()).ok()
            });
            set(&mut tuning.tool_overrides, &params.tool_overrides, Raw::of);
            set(&mut tuning.context_window, &params.context_window, |window| Some(window.trim().into()));
        }
    }
    if let Field::Value(node) = &params.exec_node
        && node.trim().is_empty()
    {
        return Err(ErrorShape::invalid("invalid execNode: empty"));
    }
    set(&mut tuning.exec_node, &params.exec_node, |node| Some(node.trim().into()));
    Ok(())
}

fn apply_model(
    entry: &mut Entry,
    params: &PatchParams,
    context: &PatchContext<'_>,
) -> Result<(), ErrorShape> {
    let PatchContext { agent, models, wire, .. } = *context;
    match &params.model {
        Field::Absent => Ok(()),
        Field::Null => {
            choose_model(entry, None, wire);
            Ok(())
        }
        Field::Value(text) => {
            if text.trim().is_empty() {
                return Err(ErrorShape::invalid("invalid model: empty"));
            }
            let Some(model) = models.named(agent, text) else {
                return Err(ErrorShape::invalid(format!("invalid model: {}", text.trim())));
            };
            if !models.allows(agent, &model) {
                return Err(ErrorShape::invalid(format!("model not allowed: {model}")));
            }
            choose_model(entry, Some(model).filter(|model| *model != models.default_model(agent)), wire);
            if wire == Wire::V4 && entry.tuning().model_override.is_some() {
                entry.tuning_mut().live_model_switch_pending = Some(true);
            }
            Ok(())
        }
    }
}

/// Sets or takes back the model of a session, as `sessions.patch` and `/model` do. `None`: the agent's default again.
pub fn choose_model(entry: &mut Entry, model: Option<ModelRef>, wire: Wire) {
    let tuning = entry.tuning_mut();
    // Credentials were chosen for the old provider.
    tuning.auth_profile_override = None;
    tuning.auth_profile_override_source = None;
    tuning.live_model_switch_pending = None;
    let v4 = wire == Wire::V4;
    match model {
        Some(ModelRef { provider, model }) => {
            tuning.provider_override = Some(provider);
            tuning.model_override = Some(model);
            tuning.model_override_source = v4.then_some(ModelSource::User);
            tuning.model_override_route = v4.then(|| "resolved".into());
        }
        None => {
            tuning.provider_override = None;
            tuning.model_override = None;
            tuning.model_override_source = v4.then_some(ModelSource::Default);
            tuning.model_override_route = None;
        }
    }
    entry.shrink();
}

fn assign<T>(slot: &mut Option<T>, value: Field<T>) {
    match value {
        Field::Absent => {}
        Field::Null => *slot = None,
        Field::Value(value) => *slot = Some(value),
    }
}

/// Sets a field whose words the schema has already checked.
fn set<T, F>(slot: &mut Option<T>, value: &Field<F>, read: impl FnOnce(&F) -> Option<T>) {
    match value {
        Field::Absent => {}
        Field::Null => *slot = None,
        Field::Value(value) => *slot = read(value),
    }
}

/// Sets a field that takes words; a wrong one is refused with the ones there are.
fn set_word<T>(
    slot: &mut Option<T>,
    value: &Field<String>,
    name: &str,
    hint: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<(), ErrorShape> {
    match value {
        Field::Absent => Ok(()),
        Field::Null => {
            *slot = None;
            Ok(())
        }
        Field::Value(word) => match read(word) {
            Some(level) => {
                *slot = Some(level);
                Ok(())
            }
            None => Err(ErrorShape::invalid(format!("invalid {name} (use {hint})"))),
        },
    }
}

#[cfg(test)]
mod tests;

//! v4's `sessions.create`: a session with its first settings.

use pincer_protocol::method::sessions::{CreateParams, PatchParams};
use pincer_protocol::{ErrorShape, Field};

use super::{LabelChange, PatchContext, apply};
use crate::agent::AgentId;
use crate::entry::level::ModelSource;
use crate::entry::{Entry, SessionId};
use crate::key::{KeyRules, SessionKey};
use crate::reset::Fresh;

/// What a creation needs beside what a patch needs.
#[derive(Clone, Copy)]
pub struct CreateContext<'a> {
    /// As for a patch of the session.
    pub patch: PatchContext<'a>,
    /// How the client's keys are read.
    pub rules: &'a KeyRules<'a>,
    /// Absolute path of the folder the agent works in.
    pub workspace: &'a str,
    /// Session id of the parent, when the client named one and it exists.
    pub parent_id: Option<&'a SessionId>,
}

/// A session that was made, or found.
#[derive(Debug, Clone, PartialEq)]
pub struct Creation {
    /// The entry to store.
    pub entry: Entry,
    /// Whether it is new.
    pub created: bool,
    /// What became of the label.
    pub label: LabelChange,
}

/// Whether `sessions.create` asks for the admin scope.
pub fn create_needs_admin(params: &CreateParams) -> bool {
    params.permission_mode.is_some() || params.tool_overrides.is_some()
}

/// The key and agent of the session to be made. `uuid` names it when the client does not; `known`: whether the config
/// names an agent.
pub fn create_key(
    params: &CreateParams,
    rules: &KeyRules<'_>,
    uuid: &str,
    known: &dyn Fn(&AgentId) -> bool,
) -> Result<(SessionKey, AgentId), ErrorShape> {
    if let Some(asked) = &params.agent_id
        && !known(&AgentId::sanitise(asked))
    {
        return Err(ErrorShape::invalid(format!("Unknown agent id \"{}\"", asked.trim())));
    }
    let agent_id = params.agent_id.as_deref();
    let key = match params.key.as_deref().filter(|key| !key.trim().is_empty()) {
        Some(key) => SessionKey::parse_of_agent(key, agent_id, rules)?,
        None => {
            let agent = agent_id.map_or_else(|| rules.default_agent.clone(), AgentId::sanitise);
            SessionKey::dashboard(&agent, uuid)
        }
    };
    let agent = key.store_agent(rules.default_agent);
    Ok((key, agent))
}

/// Makes the session, or changes the settings of the one that is there.
pub fn create(
    existing: Option<&Entry>,
    params: &CreateParams,
    fresh: Fresh,
    context: &CreateContext<'_>,
) -> Result<Creation, ErrorShape> {
    let PatchContext { key, agent, now_ms, .. } = context.patch;
    let mut entry = match existing {
        Some(entry) => entry.clone(),
        None => {
            let mut entry = Entry::created(fresh.session_id, &fresh.revision, now_ms);
            let depth = params.spawn_depth.map_or(0, |depth| u32::try_from(depth).unwrap_or(u32::MAX));
            entry.tuning_mut().spawn_depth = Some(depth);
            let main = || Ok(context.rules.main_key_of(agent));
            let parent = params.parent_session_key.as_deref().map_or_else(main, |parent| {
                SessionKey::parse(parent, context.rules).map_err(ErrorShape::from)
            })?;
            let life = entry.life_mut();
            life.session_root = Some(context.workspace.into());
            life.parent_session_key = (parent != *key).then(|| parent.as_str().into());
            life.parent_session_id = context.parent_id.map(|id| id.as_str().into());
            entry.route_mut().display_name = params.display_name.as_deref().map(Into::into);
            entry
        }
    };
    let patched = apply(&mut entry, &settings(params), &context.patch)?;
    let tuning = entry.tuning_mut();
    // Nothing runs yet that would have to switch.
    tuning.live_model_switch_pending = None;
    if tuning.model_override.is_none() {
        tuning.model_override_source = Some(ModelSource::Default);
    }
    entry.shrink();
    Ok(Creation { entry, created: existing.is_none(), label: patched.label })
}

/// The settings of a creation, as a patch.
fn settings(params: &CreateParams) -> PatchParams {
    fn set<T: Clone>(value: &Option<T>) -> Field<T> {
        value.clone().map_or(Field::Absent, Field::Value)
    }
    PatchParams {
        label: set(&params.label),
        category: set(&params.category),
        model: set(&params.model),
        context_window: set(&params.context_window),
        thinking_level: set(&params.thinking_level),
        fast_mode: set(&params.fast_mode),
        permission_mode: set(&params.permission_mode),
        tool_overrides: set(&params.tool_overrides),
        ..PatchParams::default()
    }
}

#[cfg(test)]
mod tests {
    use pincer_protocol::Wire;
    use pincer_protocol::json::Parser;

    use super::*;
    use crate::model_ref::tests::MOCK;

    const NOW: u64 = 1_000;

    /// Makes a session; the entry as v4 tells it, without id, time and what all of them have.
    fn made(params: &str, existing: Option<&Entry>) -> Result<(String, Creation, serde_json::Value), String> {
        let params: CreateParams =
            Parser::default().parse(&mut params.as_bytes().to_vec(), |root| root.decode()).unwrap().unwrap();
        let default_agent = AgentId::default();
        let rules = KeyRules {
            default_agent: &default_agent,
            main_key: "main",
            global_scope: false,
            wire: Wire::V4,
            strict: false,
        };
        let known = |agent: &AgentId| ["main", "ops"].contains(&agent.as_str());
        let answer = create_key(&params, &rules, "0-0", &known).and_then(|(key, agent)| {
            let patch = PatchContext {
                key: &key,
                agent: &agent,
                wire: Wire::V4,
                now_ms: NOW,
                models: &MOCK,
                label_taken: &|label| label == "taken",
            };
            let context = CreateContext { patch, rules: &rules, workspace: "/w", parent_id: None };
            let fresh = Fresh { session_id: SessionId::random([3; 16]), revision: "life".into() };
            Ok((key.to_string(), create(existing, &params, fresh, &context)?))
        });
        let (key, creation) = answer.map_err(|error| error.message.into_owned())?;
        let mut json = serde_json::to_value(creation.entry.view(Wire::V4, "/s")).unwrap();
        for name in [
            "sessionId",
            "updatedAt",
            "lifecycleRevision",
            "createdAt",
            "createdVia",
            "delivery",
            "sessionRoot",
        ] {
            assert!(json.as_object_mut().unwrap().remove(name).is_some(), "{name}");
        }
        Ok((key, creation, json))
    }

    #[track_caller]
    fn check(params: &str, key: &str, want: serde_json::Value) {
        let (got_key, creation, json) = made(params, None).unwrap();
        assert_eq!((got_key.as_str(), json, creation.created), (key, want, true), "{params}");
    }

    #[test]
    fn recorded_creations() {
        let plain = serde_json::json!({"spawnDepth":0,"modelOverrideSource":"default","parentSessionKey":"agent:main:main"});
        check("{}", "agent:main:dashboard:0-0", plain);
        check(
            r#"{"key":"agent:main:made","label":"made"}"#,
            "agent:main:made",
            serde_json::json!({"label":"made","spawnDepth":0,"modelOverrideSource":"default",
                "parentSessionKey":"agent:main:main"}),
        );
        check(
            r#"{"agentId":"ops","label":"ops-made","model":"mock/mock-2","thinkingLevel":"low"}"#,
            "agent:ops:dashboard:0-0",
            serde_json::json!({"label":"ops-made","thinkingLevel":"low","providerOverride":"mock","modelOverride":"mock-2",
                "modelOverrideSource":"user","modelOverrideRouteResolution":"resolved","spawnDepth":0,
                "parentSessionKey":"agent:ops:main"}),
        );
        check(
            r#"{"key":"main"}"#,
            "agent:main:main",
            serde_json::json!({"spawnDepth":0,"modelOverrideSource":"default"}),
        );
    }

    #[test]
    fn what_is_there_is_found() {
        let (_, first, _) = made(r#"{"key":"x","label":"made"}"#, None).unwrap();
        let (_, again, _) = made(r#"{"key":"x"}"#, Some(&first.entry)).unwrap();
        assert!(!again.created);
        assert_eq!(again.entry, first.entry);
        assert_eq!(again.label, LabelChange::Same);
    }

    #[test]
    fn refusals() {
        let refused = |params| made(params, None).unwrap_err();
        assert_eq!(refused(r#"{"agentId":"nope"}"#), r#"Unknown agent id "nope""#);
        assert_eq!(
            refused(r#"{"key":"agent:ops:x","agentId":"main"}"#),
            r#"agent "main" does not match session key agent "ops""#
        );
        assert_eq!(refused(r#"{"label":"taken"}"#), "label already in use: taken");
        assert_eq!(
            refused(r#"{"thinkingLevel":"low"}"#),
            r#"thinkingLevel "low" is not supported for mock/mock-1 (use off)"#
        );
        assert!(create_needs_admin(&CreateParams {
            permission_mode: Some("full".into()),
            ..Default::default()
        }));
    }
}

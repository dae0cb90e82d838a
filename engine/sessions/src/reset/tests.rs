use super::*;
use crate::entry::level::{Elevated, GroupActivation, ModelSource, Thinking};
use crate::entry::{Inbound, RunEnd};
use crate::model_ref::tests::MOCK;
use crate::transcript::Usage;

const NOW: u64 = 2_000;

fn fresh() -> Fresh {
    Fresh { session_id: SessionId::random([9; 16]), revision: "new-life".into() }
}

fn used() -> Entry {
    let mut entry = Entry::created(SessionId::random([1; 16]), "old-life", 1_000);
    entry.label = Some("label".into());
    let from = Inbound { channel: "webchat", sender: Some("recorder"), ..Inbound::default() };
    entry.note_inbound(&from, 1_001);
    entry.note_run_start("run", 1_002);
    entry.has_transcript = true;
    let end = RunEnd {
        status: crate::entry::level::RunStatus::Done,
        provider: "mock",
        model: "mock-1",
        context_tokens: Some(128_000),
        usage: Usage { input: 100, output: 9, cache_read: 20, ..Usage::default() },
        context_used: Some(120),
    };
    entry.note_run_end(&end, 1_003);
    let tuning = entry.tuning_mut();
    tuning.thinking_level = Some(Thinking::Low);
    tuning.elevated_level = Some(Elevated::Full);
    tuning.group_activation = Some(GroupActivation::Always);
    tuning.provider_override = Some("mock".into());
    tuning.model_override = Some("mock-2".into());
    tuning.model_override_source = Some(ModelSource::User);
    entry.shelf_mut().pinned_at = Some(5);
    entry.set_other("skillsSnapshot", Raw::of(&1));
    entry
}

fn json(renewed: &Renewed, wire: Wire) -> serde_json::Value {
    serde_json::to_value(renewed.entry.view(wire, "/s")).unwrap()
}

#[test]
fn v3_keeps_what_shapes_answers() {
    let renewed = reset(Some(&used()), Wire::V3, fresh(), &AgentId::default(), NOW, &MOCK);
    assert_eq!(renewed.archive, Some(SessionId::random([1; 16])));
    assert_eq!(
        json(&renewed, Wire::V3),
        serde_json::json!({"sessionId":SessionId::random([9; 16]).as_str(),"updatedAt":NOW,"label":"label",
            "systemSent":false,"abortedLastRun":false,"thinkingLevel":"low","origin":{"label":"recorder",
            "provider":"webchat","surface":"webchat"},"lastChannel":"webchat","model":"mock-1","contextTokens":128000,
            "inputTokens":0,"outputTokens":0,"totalTokens":0,"totalTokensFresh":true,"skillsSnapshot":1})
    );
    assert_eq!(renewed.entry.life().created_at, Some(1_000));
}

#[test]
fn v4_keeps_the_id_and_all_settings() {
    let renewed = reset(Some(&used()), Wire::V4, fresh(), &AgentId::default(), NOW, &MOCK);
    let told = json(&renewed, Wire::V4);
    assert_eq!(told["sessionId"], SessionId::random([1; 16]).as_str());
    assert_eq!((&told["lifecycleRevision"], &told["sessionStartedAt"]), (&"new-life".into(), &NOW.into()));
    assert_eq!((&told["model"], &told["modelOverride"]), (&"mock-2".into(), &"mock-2".into()));
    assert_eq!(
        (&told["createdAt"], &told["pinnedAt"], &told["compactionCount"]),
        (&1_000.into(), &5.into(), &0.into())
    );
    assert_eq!(told["totalTokensVersion"], 1);
    for gone in [
        "status",
        "startedAt",
        "lastRunId",
        "cacheRead",
        "contextTokens",
        "skillsSnapshot",
        "estimatedCostUsd",
    ] {
        assert!(told.get(gone).is_none(), "{gone}");
    }
}

#[test]
fn a_missing_session_is_made() {
    for wire in [Wire::V3, Wire::V4] {
        let renewed = reset(None, wire, fresh(), &AgentId::default(), NOW, &MOCK);
        assert_eq!(renewed.archive, None);
        assert_eq!(renewed.entry.session_id, SessionId::random([9; 16]));
        assert_eq!(json(&renewed, wire)["totalTokensFresh"], true);
    }
    let renewed = reset(None, Wire::V4, fresh(), &AgentId::default(), NOW, &MOCK);
    let key = SessionKey::from_stored("agent:main:x");
    let payload = reset_payload(&key, &renewed.entry, Wire::V4, &AgentId::default(), "/s", &MOCK).unwrap();
    let told = serde_json::to_value(&payload).unwrap();
    assert_eq!(told["resolved"], serde_json::json!({"modelProvider":"mock","model":"mock-1"}));
    assert_eq!(told["entry"]["modelProvider"], "mock");
}

#[track_caller]
fn check(wire: Wire, global_scope: bool, key: &str, refused: bool) {
    let agent = AgentId::default();
    let rules = KeyRules { default_agent: &agent, main_key: "main", global_scope, wire, strict: false };
    let got = check_delete(&SessionKey::from_stored(key), &rules);
    let want = if refused { Err(format!("Cannot delete the main session ({key}).")) } else { Ok(()) };
    assert_eq!(got.map_err(|error| error.message.into_owned()), want, "{wire:?}");
}

#[test]
fn main_sessions_stay() {
    for wire in [Wire::V3, Wire::V4] {
        check(wire, false, "agent:main:main", true);
        check(wire, false, "agent:main:main:thread:1", false);
        check(wire, false, "global", false);
        check(wire, true, "global", true);
    }
    check(Wire::V3, false, "agent:ops:main", false);
    check(Wire::V4, false, "agent:ops:main", true);
}

#[test]
fn deleting_what_has_changed_is_refused() {
    let key = SessionKey::from_stored("agent:main:x");
    let mut entry = used();
    let params = |json: &str| {
        pincer_protocol::json::Parser::default()
            .parse(&mut json.as_bytes().to_vec(), |root| root.decode::<DeleteParams>())
            .unwrap()
            .unwrap()
    };
    let refused = |entry: &Entry, json: &str| {
        check_delete_expectations(entry, &key, &params(json)).map_err(|error| error.message.into_owned())
    };
    assert_eq!(refused(&entry, r#"{"key":"x"}"#), Ok(()));
    assert_eq!(refused(&entry, r#"{"key":"x","expectedSessionUpdatedAt":1003}"#), Ok(()));
    assert!(refused(&entry, r#"{"key":"x","expectedSessionUpdatedAt":1}"#).is_err());
    assert!(refused(&entry, r#"{"key":"x","expectedLifecycleRevision":"y"}"#).is_err());
    let archived = r#"{"key":"x","archivedOnly":true}"#;
    assert_eq!(refused(&entry, archived), Err("session is not archived: agent:main:x".to_owned()));
    entry.shelf_mut().archived_at = Some(1);
    assert_eq!(refused(&entry, archived), Ok(()));
    assert!(!delete_needs_admin(&params(archived)) && delete_needs_admin(&params(r#"{"key":"x"}"#)));
}

#[test]
fn compacting() {
    let key = SessionKey::from_stored("agent:main:x");
    let told = |wire, outcome: Option<Outcome>| {
        serde_json::to_string(&compact_payload(&key, wire, outcome.as_ref())).unwrap()
    };
    let head = r#"{"ok":true,"key":"agent:main:x","compacted":"#;
    let trimmed = |archived: Option<&str>, found| Outcome::Trimmed {
        archived: archived.map(str::to_owned),
        kept: 2,
        found,
    };
    assert_eq!(
        told(Wire::V3, Some(trimmed(Some("/a"), true))),
        format!(r#"{head}true,"archived":"/a","kept":2}}"#)
    );
    assert_eq!(told(Wire::V4, Some(trimmed(Some("/a"), true))), format!(r#"{head}true,"kept":2}}"#));
    assert_eq!(told(Wire::V3, Some(trimmed(None, true))), format!(r#"{head}false,"kept":2}}"#));
    assert_eq!(
        told(Wire::V3, Some(trimmed(None, false))),
        format!(r#"{head}false,"reason":"no transcript"}}"#)
    );
    assert_eq!(told(Wire::V3, None), format!(r#"{head}false,"reason":"no sessionId"}}"#));

    let mut entry = used();
    forget_counts(&mut entry, Wire::V3, NOW);
    let counters = entry.counters();
    assert_eq!(
        (counters.total_tokens, counters.total_tokens_fresh, counters.cache_read),
        (None, None, Some(20))
    );
    assert_eq!(counters.context_tokens, Some(128_000));
    forget_counts(&mut entry, Wire::V4, NOW);
    assert_eq!(entry.counters().cache_read, None);
}

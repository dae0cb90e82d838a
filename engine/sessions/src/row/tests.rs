use super::*;
use crate::entry::level::{ModelSource, RunStatus};
use crate::entry::{Inbound, RunEnd, SessionId};
use crate::model_ref::tests::MOCK;
use crate::transcript::Usage;

const NOW: u64 = 1_795_359_754_684;

fn row(wire: Wire, key: &str, entry: &Entry, facts: &RowFacts) -> serde_json::Value {
    let context = RowContext {
        wire,
        now_ms: NOW,
        default_agent: &AgentId::default(),
        main_key: "main",
        queue_mode: QueueMode::Steer,
        models: &MOCK,
    };
    let json = render(&SessionKey::from_stored(key), entry, facts, &context).unwrap();
    serde_json::from_str(json.get()).unwrap()
}

fn fresh() -> Entry {
    Entry::created(SessionId::random([1; 16]), "rev", NOW)
}

fn after_a_run() -> Entry {
    let mut entry = fresh();
    let from = Inbound {
        channel: "webchat",
        chat_type: Some(ChatType::Direct),
        sender: Some("recorder"),
        ..Inbound::default()
    };
    entry.note_inbound(&from, NOW);
    entry.note_run_start("run-1", NOW);
    let usage = Usage { input: 100, output: 9, cache_read: 20, ..Usage::default() };
    let end = RunEnd {
        status: RunStatus::Done,
        provider: "mock",
        model: "mock-1",
        context_tokens: Some(128_000),
        usage,
        context_used: Some(120),
    };
    entry.note_run_end(&end, NOW + 40);
    entry
}

#[track_caller]
fn has(row: &serde_json::Value, names: &str) {
    for name in names.split_whitespace() {
        assert!(row.get(name).is_some(), "{name} is missing in {row}");
    }
}

#[test]
fn a_v3_row_of_a_session_that_was_only_patched() {
    let mut entry = fresh();
    entry.label = Some("padded".into());
    assert_eq!(
        row(Wire::V3, "agent:ops:lab3", &entry, &RowFacts::default()),
        serde_json::json!({"key":"agent:ops:lab3","kind":"direct","label":"padded","displayName":"padded",
            "updatedAt":NOW,"sessionId":entry.session_id.as_str(),"totalTokensFresh":false,
            "modelProvider":"mock","model":"mock-1"})
    );
}

#[test]
fn a_v3_row_after_a_run() {
    let entry = after_a_run();
    let facts = RowFacts {
        derived_title: Some("hello".into()),
        last_message: Some("Mock reply".into()),
        ..RowFacts::default()
    };
    assert_eq!(
        row(Wire::V3, "agent:main:discord:channel:12345", &entry, &facts),
        serde_json::json!({"key":"agent:main:discord:channel:12345","kind":"group","displayName":"discord:g-12345",
            "channel":"discord","chatType":"direct","origin":{"label":"recorder","provider":"webchat",
            "surface":"webchat","chatType":"direct"},"updatedAt":NOW + 40,"sessionId":entry.session_id.as_str(),
            "systemSent":true,"abortedLastRun":false,"inputTokens":100,"outputTokens":9,"totalTokens":120,
            "totalTokensFresh":true,"modelProvider":"mock","model":"mock-1","contextTokens":128000,
            "deliveryContext":{"channel":"webchat"},"lastChannel":"webchat","derivedTitle":"hello",
            "lastMessagePreview":"Mock reply"})
    );
}

#[test]
fn stale_counts_are_not_told() {
    let mut entry = after_a_run();
    entry.counters_mut().total_tokens_fresh = Some(false);
    let row = row(Wire::V3, "agent:main:main", &entry, &RowFacts::default());
    assert!(row.get("totalTokens").is_none());
    assert_eq!(row["totalTokensFresh"], false);
}

#[test]
fn a_v4_row_has_what_clients_expect() {
    let entry = after_a_run();
    let mut facts = RowFacts::default();
    let told = row(Wire::V4, "agent:main:discord:channel:12345", &entry, &facts);
    has(
        &told,
        "key visibility permissionModePending createdVia participants expandedParticipants participantCount createdAt \
         kind classification agentId peerKind isMain isBackground displayName channel chatType origin updatedAt \
         archived pinned unread lastInteractionAt sessionId systemSent abortedLastRun thinkingLevels thinkingOptions \
         thinkingDefault effectiveFastMode effectiveFastModeSource fastAutoOnSeconds inputTokens outputTokens \
         totalTokens totalTokensFresh estimatedCostUsd status startedAt endedAt runtimeMs lastRunId \
         effectiveResponseUsage effectiveQueueMode modelProvider model modelOverrideSource runtimeSelectionLocked \
         agentRuntime contextTokens contextBudgetStatus deliveryContext lastChannel snapshotAt placement hasActiveRun \
         activeRunIds sharingRole",
    );
    has(
        &told["contextBudgetStatus"],
        "schemaVersion source updatedAt provider model route shouldCompact estimatedPromptTokens contextTokenBudget \
         promptBudgetBeforeReserve reserveTokens effectiveReserveTokens remainingPromptBudgetTokens overflowTokens \
         toolResultReducibleChars messageCount unwindowedMessageCount sessionId",
    );
    has(
        &told["agentRuntime"],
        "id cloudPlacementSupported cloudPlacementExecutionMode devicePlacement devicePlacementSupported source",
    );
    assert_eq!(told["classification"], "channel");
    assert_eq!(told["contextBudgetStatus"]["remainingPromptBudgetTokens"], 107_880);
    assert!(told.get("activitySummary").is_none());
    facts.with_summary = true;
    facts.active_run_ids = vec!["r".into()];
    facts.children = vec![SessionKey::from_stored("agent:main:dashboard:1")];
    let told = row(Wire::V4, "agent:main:main", &entry, &facts);
    assert_eq!(
        (&told["isMain"], &told["classification"], &told["status"], &told["hasActiveRun"]),
        (&true.into(), &"main".into(), &"running".into(), &true.into())
    );
    has(&told, "activitySummary childSessions");
}

#[test]
fn v4_rows_of_quiet_sessions() {
    let mut entry = fresh();
    let told = row(Wire::V4, "agent:ops:lab3", &entry, &RowFacts::default());
    assert_eq!(told["classification"], "custom");
    assert_eq!(told["contextTokens"], 128_000, "the model's window, before any run");
    for name in ["participants", "status", "placement", "contextBudgetStatus", "peerKind"] {
        assert!(told.get(name).is_none(), "{name}");
    }
    assert_eq!(
        row(Wire::V4, "agent:main:dashboard:x", &entry, &RowFacts::default())["classification"],
        "dashboard"
    );
    entry.life_mut().status = Some(RunStatus::Running);
    entry.tuning_mut().model_override_source = Some(ModelSource::Default);
    let told = row(Wire::V4, "agent:main:x", &entry, &RowFacts::default());
    assert_eq!(told["status"], "killed", "it was running when the process ended");
    assert_eq!(told["modelOverrideSource"], serde_json::Value::Null);
}

#[test]
fn the_chosen_model_is_shown() {
    let mut entry = after_a_run();
    entry.tuning_mut().provider_override = Some("mock".into());
    entry.tuning_mut().model_override = Some("mock-2".into());
    assert_eq!(row(Wire::V3, "agent:main:main", &entry, &RowFacts::default())["model"], "mock-2");
}

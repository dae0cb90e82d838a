use super::*;
use crate::method::testing::covers;

fn facts() -> StatusFacts {
    let session = |key: &str, updated_at| SessionFacts {
        key: key.into(),
        kind: "direct".into(),
        session_id: Some("2a42".into()),
        updated_at: Some(updated_at),
        verbose_level: Some("on".into()),
        total_tokens: Some(120),
        ..SessionFacts::default()
    };
    let agent = |id: &str, sessions| AgentStatusFacts {
        agent_id: id.into(),
        path: format!("/{id}").into(),
        count: 7,
        sessions,
        provider: Some("mock".into()),
        model: Some("mock-1".into()),
        context_tokens: Some(128_000),
        ..AgentStatusFacts::default()
    };
    let other = SessionFacts {
        model_override: Some("mock-2".into()),
        system_sent: Some(true),
        aborted_last_run: Some(false),
        context_tokens: Some(100),
        ..session("agent:ops:x", 6)
    };
    StatusFacts {
        now_ms: 10,
        default_agent_id: "main".into(),
        agents: vec![
            agent("main", (0..12).map(|n| session(&format!("agent:main:{n}"), n % 6)).collect()),
            agent("ops", vec![other]),
        ],
        sensitive: true,
        version: "0.1.0",
        pid: 7,
        memory: Some(ProcessMemory { rss_bytes: 9, ..ProcessMemory::default() }),
        event_loop: Some(EventLoop::default()),
        ..StatusFacts::default()
    }
}

const ROW: &str = r#"{"agentId":"main","key":"k","kind":"direct","sessionId":"s","updatedAt":1,"age":17,
    "verboseLevel":"on","totalTokens":null,"totalTokensFresh":false,"remainingTokens":null,"percentUsed":null,
    "model":"mock-1","contextTokens":128000,"flags":["verbose:on"]}"#;

#[test]
fn as_recorded() {
    let recorded = format!(
        r#"{{"heartbeat":{{"defaultAgentId":"main","agents":[{{"agentId":"main","enabled":true,"every":"0m",
            "everyMs":null}}]}},"channelSummary":[],"queuedSystemEvents":[],"sessions":{{"paths":["p"],"count":35,
            "defaults":{{"model":"mock-1","contextTokens":128000}},"recent":[{ROW}],
            "byAgent":[{{"agentId":"main","path":"p","count":33,"recent":[{ROW}]}}]}}}}"#
    );
    covers(&status(Wire::V3, facts()), &recorded);
    covers(&status(Wire::V4, facts()), &recorded);
    covers(
        &status(Wire::V4, facts()),
        r#"{"runtimeVersion":"x","hostDesktop":{"enabled":false,"state":"disabled","port":5900},
            "heartbeat":{"agents":[{"waitingForRoute":false}]},"degradedSecretOwners":[],"degradedPlugins":[],
            "tasks":{"total":0,"active":0,"terminal":0,"failures":0,"byStatus":{"queued":0,"running":0,"succeeded":0,
            "failed":0,"timed_out":0,"cancelled":0,"lost":0},"byRuntime":{"subagent":0,"acp":0,"cli":0,"cron":0}},
            "taskAudit":{"total":0,"warnings":0,"errors":0,"byCode":{"stale_queued":0,"stale_running":0,"lost":0,
            "delivery_failed":0,"missing_cleanup":0,"inconsistent_timestamps":0}},
            "sessions":{"recent":[{"configuredModel":"a","selectedModel":"b","modelSelectionReason":null,
            "runtime":"x"}]},"modelRuntime":{"degraded":false,"pendingAgents":[]},"eventLoop":{"degraded":true},
            "processMemory":{"rssBytes":1,"heapUsedBytes":1,"heapTotalBytes":1,"externalBytes":1,
            "arrayBuffersBytes":1},"workerPools":{"transcriptReconciliation":{"maxWorkers":1,"workers":0,
            "workersCreated":0,"activeTasks":0,"pendingTasks":0},"modelCatalog":{"maxWorkers":1}},"pid":30444,
            "shutdownBudget":{"timeoutMs":1,"reserveMs":1,"nativeStopBudget":false,"activeWork":{"rootRequests":0,
            "cronRuns":0,"sessionMutations":0,"terminalPersistence":0,"lifecycleWrites":0},"writeCustody":[]}}"#,
    );
}

#[test]
fn rows_are_the_newest_with_sums() {
    let payload = status(Wire::V4, facts());
    assert_eq!(payload.sessions.count, 14);
    assert_eq!(payload.sessions.recent.len(), SESSIONS_STATUS_MAX);
    assert_eq!(payload.sessions.by_agent[0].recent.len(), SESSIONS_STATUS_MAX);
    let first = &payload.sessions.recent[0];
    assert_eq!((&*first.key, first.age), ("agent:ops:x", Some(4)));
    assert_eq!((first.remaining_tokens, first.percent_used), (Some(0), Some(120)), "over its context");
    assert_eq!(first.flags, ["verbose:on".into(), "system".into(), "id:2a42".into()] as [Box<str>; 3]);
    let v4 = first.v4.as_ref().unwrap();
    assert_eq!(v4.selected_model.as_deref(), Some("mock/mock-2"));
    assert_eq!(v4.model_selection_reason, Some("session override"));
}

#[test]
fn callers_without_admin_see_no_paths() {
    let payload = status(Wire::V3, StatusFacts { sensitive: false, ..facts() });
    let text = serde_json::to_string(&payload).unwrap();
    assert!(!text.contains("/main") && !text.contains("agent:main"), "{text}");
    assert_eq!(payload.sessions.count, 14, "numbers stay");
}

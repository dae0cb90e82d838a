use pincer_protocol::json::Parser;

use super::*;
use crate::entry::SessionId;
use crate::model_ref::tests::MOCK;

const NOW: u64 = 1_000_000_000;

/// One session a line: key, age in minutes, and what is set.
fn store() -> Vec<(SessionKey, Entry)> {
    let mut store = Vec::new();
    for (n, (key, age)) in [
        ("agent:main:main", 0u64),
        ("agent:main:dashboard:seed", 1),
        ("agent:ops:main", 2),
        ("agent:main:discord:channel:12345", 3),
        ("agent:main:cron:j:run:r", 4),
        ("agent:main:cron:j", 5),
        ("global", 6),
        ("unknown", 7),
        ("agent:main:subagent:abc", 8),
        ("agent:ops", 9),
        ("agent:gone:x", 10),
    ]
    .into_iter()
    .enumerate()
    {
        let mut entry = Entry::new(SessionId::random([n as u8; 16]), NOW - age * 60_000);
        match key {
            "agent:ops:main" => {
                entry.label = Some("padded".into());
                entry.shelf_mut().category = Some("work".into());
                entry.shelf_mut().pinned_at = Some(1);
            }
            "agent:main:subagent:abc" => entry.tuning_mut().spawned_by = Some("agent:main:main".into()),
            "agent:main:dashboard:seed" => {
                entry.shelf_mut().archived_at = Some(1);
                entry.life_mut().last_interaction_at = Some(99);
            }
            "agent:main:main" => {
                entry.route_mut().subject = Some("The Subject".into());
                entry.life_mut().last_interaction_at = Some(50);
            }
            _ => {}
        }
        store.push((SessionKey::from_stored(key), entry));
    }
    store
}

fn list(wire: Wire, params: &str, shards: u8) -> (Vec<String>, ListPayload) {
    let params: ListParams =
        Parser::default().parse(&mut params.as_bytes().to_vec(), |root| root.decode()).unwrap().unwrap();
    let store = store();
    let context = ListContext {
        wire,
        now_ms: NOW,
        configured: &|agent| ["main", "ops"].contains(&agent.as_str()),
        active: &|key| key.as_str() == "agent:ops:main",
    };
    let parts: Vec<Part> = (0..shards)
        .map(|shard| {
            let mine = store.iter().filter(|(key, _)| key.shard(shards) == shard);
            let Selection { picked, total } =
                select(mine.map(|(key, entry)| (key, entry)), &params, &context);
            let rows = picked
                .into_iter()
                .map(|picked| ListedRow {
                    json: serde_json::value::to_raw_value(&picked.key).unwrap(),
                    picked,
                })
                .collect();
            Part { rows, total }
        })
        .collect();
    let defaults = defaults(wire, &AgentId::default(), &MOCK);
    let payload = merge(parts, &params, wire, NOW, "(multiple)".into(), defaults);
    let keys = payload.sessions.iter().map(|json| serde_json::from_str(json.get()).unwrap()).collect();
    (keys, payload)
}

/// `want`: the keys without `agent:`, in order, the same for any number of shards.
#[track_caller]
fn check(wire: Wire, params: &str, want: &str) {
    for shards in [1, 2, 7] {
        let (keys, payload) = list(wire, params, shards);
        let keys: Vec<&str> = keys.iter().map(|key| key.strip_prefix("agent:").unwrap_or(key)).collect();
        assert_eq!(keys.join(" "), want, "{params} on {shards} shards");
        assert_eq!(payload.count, keys.len() as u64);
    }
}

#[test]
fn v3_lists() {
    let all = "main:main main:dashboard:seed ops:main main:discord:channel:12345 main:cron:j main:subagent:abc ops gone:x";
    check(Wire::V3, "{}", all);
    check(Wire::V3, r#"{"limit":2}"#, "main:main main:dashboard:seed");
    check(Wire::V3, r#"{"agentId":"OPS"}"#, "ops:main");
    check(Wire::V3, r#"{"agentId":"nope"}"#, "");
    check(
        Wire::V3,
        r#"{"includeGlobal":true,"includeUnknown":true,"activeMinutes":7}"#,
        "main:main main:dashboard:seed ops:main main:discord:channel:12345 main:cron:j global unknown",
    );
    check(
        Wire::V3,
        r#"{"agentId":"main","includeGlobal":true,"activeMinutes":1}"#,
        "main:main main:dashboard:seed",
    );
    check(Wire::V3, r#"{"label":" padded "}"#, "ops:main");
    check(Wire::V3, r#"{"spawnedBy":"agent:main:main"}"#, "main:subagent:abc");
    check(Wire::V3, r#"{"search":"DASH"}"#, "main:dashboard:seed");
    check(Wire::V3, r#"{"search":"subject"}"#, "main:main");
    check(Wire::V3, r#"{"search":"g-12345"}"#, "main:discord:channel:12345");
    check(Wire::V3, r#"{"search":"02020202-"}"#, "ops:main");
    check(Wire::V3, r#"{"search":"  "}"#, all);
}

#[test]
fn v4_lists() {
    check(Wire::V4, r#"{"limit":2}"#, "main:main ops:main");
    check(Wire::V4, r#"{"limit":2,"offset":1}"#, "ops:main main:discord:channel:12345");
    check(Wire::V4, r#"{"archived":true}"#, "main:dashboard:seed");
    check(
        Wire::V4,
        r#"{"archived":"all","requireLastInteraction":true,"sortBy":"lastInteractionAt"}"#,
        "main:dashboard:seed main:main",
    );
    check(Wire::V4, r#"{"configuredAgentsOnly":true,"offset":4}"#, "main:subagent:abc ops");
    check(Wire::V4, r#"{"ownerId":"x"}"#, "");
    check(Wire::V4, r#"{"involvingMe":true,"limit":1}"#, "main:main");
    check(Wire::V4, r#"{"activeOnly":true,"sortBy":"activity"}"#, "ops:main");
    check(Wire::V4, r#"{"pinned":true}"#, "ops:main");
    check(Wire::V4, r#"{"pinned":false,"group":"","limit":1}"#, "main:main");
    check(Wire::V4, r#"{"group":"work"}"#, "ops:main");
    check(
        Wire::V4,
        r#"{"agentId":"main","excludeSubagents":true,"excludeCron":true,"hasBoard":false}"#,
        "main:main main:discord:channel:12345",
    );
    check(Wire::V4, r#"{"hasBoard":true}"#, "");
    check(Wire::V4, r#"{"projectId":"p"}"#, "");
}

#[test]
fn v4_pages() {
    let page = |params: &str| list(Wire::V4, params, 3).1.page.unwrap();
    let first = page(r#"{"limit":2}"#);
    assert_eq!(
        (first.total_count, first.limit_applied, first.next_offset, first.has_more),
        (7, 2, Some(2), true)
    );
    let last = page(r#"{"limit":5,"offset":2}"#);
    assert_eq!((last.next_offset, last.has_more), (None, false));
    let beyond = page(r#"{"offset":50}"#);
    assert_eq!((beyond.total_count, beyond.limit_applied, beyond.has_more), (7, 100, false));
    assert_eq!(list(Wire::V3, "{}", 3).1.page, None);
}

#[test]
fn what_holds_without_overrides() {
    let agent = AgentId::default();
    assert_eq!(
        serde_json::to_value(defaults(Wire::V3, &agent, &MOCK)).unwrap(),
        serde_json::json!({"modelProvider":"mock","model":"mock-1","contextTokens":128000})
    );
    assert_eq!(
        serde_json::to_value(defaults(Wire::V4, &agent, &MOCK)).unwrap(),
        serde_json::json!({"modelProvider":"mock","model":"mock-1","contextTokens":128000,"agentRuntime":{"id":"auto",
            "source":"implicit","cloudPlacementSupported":false,"devicePlacementSupported":false},
            "thinkingLevels":[{"id":"off","label":"off"}],"thinkingOptions":["off"],"thinkingDefault":"off",
            "modelSelectionTarget":"session"})
    );
}

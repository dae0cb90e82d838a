use std::path::Path;

use super::*;
use crate::load::load;
use crate::redact::REDACTED;

/// A config like the one behind upstream's recorded answers.
const RAW: &str = r#"{
  // kept in raw
  "meta": { "lastTouchedVersion": "2026.2.21", "lastTouchedAt": "2026-11-22T15:02:36.316Z" },
  "gateway": { "port": 18811, "mode": "local", "auth": { "mode": "token", "token": "s" } },
  "agents": { "defaults": { "model": { "primary": "mock/mock-1" } }, "list": [ { "id": "main", "default": true } ] },
  "models": { "providers": { "mock": { "baseUrl": "http://127.0.0.1:9/v1", "apiKey": "k", "api": "openai-completions",
    "models": [ { "id": "mock-1", "name": "Mock One" } ] } } },
  "hooks": { "enabled": true, "token": "h" },
}"#;

fn load_text(raw: &str) -> Loaded {
    load(raw, Path::new("/s/openclaw.json"), &mut |_| Ok("{ list: [] }".to_owned()), &|_| None)
}

fn payload(raw: &str, wire: Wire) -> Value {
    let loaded = load_text(raw);
    let snapshot = Snapshot {
        path: "/s/openclaw.json",
        raw: Some(raw),
        loaded: &loaded,
        applied: &loaded,
        hash_key: &[7; 32],
    };
    serde_json::to_value(snapshot.payload(wire)).unwrap()
}

/// Keys of the recorded answers, and how JavaScript would call their types.
const BOTH: &[(&str, &str)] = &[
    ("/path", "string"),
    ("/exists", "boolean"),
    ("/raw", "string"),
    ("/parsed/meta/lastTouchedVersion", "string"),
    ("/parsed/gateway/port", "number"),
    ("/resolved/agents/list", "array"),
    ("/valid", "boolean"),
    ("/config/agents/defaults/maxConcurrent", "number"),
    ("/config/agents/defaults/subagents/maxConcurrent", "number"),
    ("/config/agents/defaults/compaction/mode", "string"),
    ("/config/messages/ackReactionScope", "string"),
    ("/config/commands/native", "string"),
    ("/config/commands/restart", "boolean"),
    ("/hash", "string"),
    ("/issues", "array"),
    ("/warnings", "array"),
    ("/legacyIssues", "array"),
];
const V4: &[(&str, &str)] = &[
    ("/includedPaths", "array"),
    ("/includeProvenance", "array"),
    ("/agentRosterIncludeOwned", "boolean"),
    ("/bindingsIncludeOwned", "boolean"),
    ("/sourceConfig/gateway", "object"),
    ("/runtimeConfig/models/providers/mock/models/0/api", "string"),
    ("/config/models/providers/mock/models/0/api", "string"),
    ("/configRevisionHash", "string"),
    ("/appliedConfigHash", "string"),
];

#[track_caller]
fn check_keys(payload: &Value, keys: &[(&str, &str)]) {
    for (at, kind) in keys {
        let found = match payload.pointer(at) {
            None => "nothing",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "number",
            Some(Value::String(_)) => "string",
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
        };
        assert_eq!(found, *kind, "{at}");
    }
}

#[test]
fn the_recorded_keys_are_there() {
    let v3 = payload(RAW, Wire::V3);
    check_keys(&v3, BOTH);
    assert!(v3.get("includedPaths").is_none());
    let v4 = payload(RAW, Wire::V4);
    check_keys(&v4, BOTH);
    check_keys(&v4, V4);
}

#[test]
fn hashes_are_each_versions_own() {
    let (v3, v4) = (payload(RAW, Wire::V3), payload(RAW, Wire::V4));
    assert_eq!(v3["hash"], crate::hash::sha256_hex(RAW));
    assert!(v4["hash"].as_str().unwrap().starts_with("hmac-sha256:v1:"));
    assert_eq!(v4["configRevisionHash"], v4["appliedConfigHash"]);
    let spaced = RAW.replace("// kept in raw", "// another comment");
    assert_ne!(payload(&spaced, Wire::V4)["hash"], v4["hash"]);
    assert_eq!(payload(&spaced, Wire::V4)["configRevisionHash"], v4["configRevisionHash"], "means the same");
}

#[test]
fn no_secret_is_in_any_part() {
    for wire in [Wire::V3, Wire::V4] {
        let shown = payload(&RAW.replace(r#""s""#, r#""S3CR3T""#).replace(r#""k""#, r#""S3CR3T""#), wire);
        assert!(!shown.to_string().contains("S3CR3T"));
        assert_eq!(shown["config"]["hooks"]["token"], REDACTED);
        assert!(shown["raw"].as_str().unwrap().contains("// kept in raw"));
    }
}

#[test]
fn without_a_file() {
    let absent = Loaded::absent();
    let snapshot = Snapshot { path: "p", raw: None, loaded: &absent, applied: &absent, hash_key: &[0; 32] };
    let payload = serde_json::to_value(snapshot.payload(Wire::V3)).unwrap();
    assert_eq!(
        (&payload["exists"], &payload["raw"], &payload["valid"]),
        (&json!(false), &json!(null), &json!(true))
    );
    assert_eq!(payload["hash"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn included_sections_are_named() {
    let payload = payload("{agents: {$include: './agents.json'}}", Wire::V4);
    assert_eq!(payload["includedPaths"], json!(["/s/agents.json"]));
    assert_eq!(payload["includeProvenance"], json!([{"path": "agents", "file": "/s/agents.json"}]));
    assert_eq!(payload["agentRosterIncludeOwned"], true);
    assert_eq!(payload["bindingsIncludeOwned"], false);
}

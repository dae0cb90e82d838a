use super::level::*;
use super::*;

const ID: &str = "69f02aae-789f-4bcd-856a-a1450d96d84b";

fn read(json: &str) -> Entry {
    Entry::from_json(json, || SessionId::random([7; 16])).unwrap()
}

fn id() -> SessionId {
    SessionId::parse(ID).unwrap()
}

/// An entry as OpenClaw 2026.2 writes it after a run.
const AFTER_A_RUN: &str = r#"{"sessionId":"69f02aae-789f-4bcd-856a-a1450d96d84b","updatedAt":1795360375114,
    "thinkingLevel":"low","systemSent":true,"lastChannel":"webchat","deliveryContext":{"channel":"webchat"},
    "skillsSnapshot":{"prompt":"","skills":[],"version":0},
    "sessionFile":"/home/user/.openclaw/agents/main/sessions/69f02aae-789f-4bcd-856a-a1450d96d84b.jsonl",
    "modelProvider":"mock","model":"mock-1","contextTokens":128000,"abortedLastRun":false,"inputTokens":100,
    "outputTokens":9,"totalTokens":120,"totalTokensFresh":true,"cacheRead":20,"cacheWrite":0,"chatType":"direct",
    "origin":{"label":"recorder","provider":"webchat","surface":"webchat","chatType":"direct"},"queueMode":"collect"}"#;

fn names(value: &impl Serialize) -> Vec<String> {
    let json: serde_json::Value = serde_json::to_value(value).unwrap();
    json.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn an_upstream_entry_is_understood_and_goes_back() {
    let entry = read(AFTER_A_RUN);
    assert_eq!(entry.session_id, id());
    assert_eq!(entry.tuning().thinking_level, Some(Thinking::Low));
    assert_eq!(entry.counters().total_tokens, Some(120));
    assert_eq!(entry.route().origin.as_ref().unwrap().label.as_deref(), Some("recorder"));
    assert!(entry.has_transcript);
    assert!(entry.other("skillsSnapshot").is_some());

    let mut want: serde_json::Value = serde_json::from_str(AFTER_A_RUN).unwrap();
    want["sessionFile"] = format!("{ID}.jsonl").into();
    let stored = entry.to_json();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&stored).unwrap(),
        want,
        "nothing lost, nothing added"
    );
    assert_eq!(read(&stored), entry);
    assert!(!stored.contains('\n'));
}

#[test]
fn what_does_not_fit_is_kept() {
    let entry = read(
        r#"{"sessionId":"a","updatedAt":5,"thinkingLevel":"galactic","queueCap":-1,"new":{"x":[1]},"label":null}"#,
    );
    assert_eq!(entry.tuning().thinking_level, None);
    assert_eq!(entry.label, None);
    assert_eq!(entry.other("thinkingLevel").map(Raw::as_str), Some(r#""galactic""#));
    let back: serde_json::Value = serde_json::from_str(&entry.to_json()).unwrap();
    assert_eq!(
        back,
        serde_json::json!({"sessionId":"a","updatedAt":5,"thinkingLevel":"galactic","queueCap":-1,"new":{"x":[1]}})
    );
}

#[test]
fn odd_rows() {
    assert_eq!(read(r#"{"updatedAt":1}"#).session_id, SessionId::random([7; 16]), "no id");
    assert_eq!(read(r#"{"sessionId":"../../etc"}"#).session_id, SessionId::random([7; 16]), "unsafe id");
    assert!(Entry::from_json("[]", id).is_err());
    assert!(Entry::from_json("{", id).is_err());
    let topic = read(r#"{"sessionId":"a","sessionFile":"/x/a-topic-7.jsonl"}"#);
    assert!(!topic.has_transcript);
    assert_eq!(topic.other("sessionFile").map(Raw::as_str), Some(r#""/x/a-topic-7.jsonl""#));
}

#[test]
fn each_wire_sees_its_own_fields() {
    let fresh = Entry::created(id(), "rev", 9);
    assert_eq!(names(&fresh.view(Wire::V3, "/s")), ["sessionId", "updatedAt"]);
    assert_eq!(
        names(&fresh.view(Wire::V4, "/s")),
        ["sessionId", "updatedAt", "lifecycleRevision", "createdAt", "createdVia", "delivery"]
    );
    let entry = read(AFTER_A_RUN);
    let v3 = serde_json::to_value(entry.view(Wire::V3, "/s")).unwrap();
    assert_eq!(v3["sessionFile"], format!("/s/{ID}.jsonl"));
    assert_eq!(v3["systemPromptReport"], serde_json::Value::Null);
    assert_eq!(v3["skillsSnapshot"]["version"], 0);
    let v4 = serde_json::to_value(entry.view(Wire::V4, "/s")).unwrap();
    assert_eq!(v4["delivery"], serde_json::json!({"kind": "internal"}));
    assert!(v4.get("sessionFile").is_none());
}

#[test]
fn an_idle_session_is_small() {
    // The struct itself; groups come on top only where they are used.
    assert!(size_of::<Entry>() <= 112, "{}", size_of::<Entry>());
    let mut entry = Entry::new(id(), 1);
    entry.tuning_mut().queue_cap = Some(3);
    entry.tuning_mut().queue_cap = None;
    entry.shrink();
    assert_eq!(entry, Entry::new(id(), 1), "an emptied group is given up");
}

#[test]
fn time_only_moves_on() {
    let mut entry = Entry::new(id(), 50);
    entry.touch(40);
    assert_eq!(entry.updated_at, 50);
    entry.touch(60);
    assert_eq!(entry.updated_at, 60);
}

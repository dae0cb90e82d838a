use pincer_protocol::method::usage::{CostParams, DayClock, Days};

use super::series::{CONTENT_MAX, logs, timeseries};
use super::*;
use crate::model_ref::tests::MOCK;
use crate::transcript::Prices;

/// 2026-11-22T15:02:33.765Z
const DAY: u64 = 1_795_359_753_765;

fn days(text: &str) -> Days {
    let params: CostParams = serde_json::from_str(text).unwrap();
    params.days(Wire::V3, &DayClock::utc(DAY)).unwrap()
}

fn unpriced(_: &str, _: &str) -> Option<Prices> {
    None
}

fn user(at: &str, text: &str) -> String {
    format!(
        r#"{{"type":"message","id":"a","timestamp":"{at}","message":{{"role":"user","content":"{text}","timestamp":1}}}}"#
    )
}

fn answer(at: &str, text: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"message","id":"b","timestamp":"{at}","message":{{"role":"assistant","content":[{{"type":"text",
        "text":"{text}"}}],"provider":"mock","model":"mock-1","usage":{{"input":100,"output":9,"cacheRead":20,
        "cacheWrite":0,"totalTokens":129,"cost":{{"input":0.0001,"output":0.000018,"cacheRead":0,"cacheWrite":0,
        "total":0.000118}}}},"stopReason":"stop","timestamp":2{rest}}}}}"#
    )
    .replace('\n', "")
}

/// The conversation of the recordings: one question, one answer 40 ms later.
fn recorded() -> Vec<String> {
    vec![
        r#"{"type":"session","version":3,"id":"s","timestamp":"2026-11-22T15:02:33.000Z"}"#.to_owned(),
        user("2026-11-22T15:02:33.765Z", "hello two"),
        answer("2026-11-22T15:02:33.805Z", "Mock reply ok(4).", ""),
    ]
}

fn id() -> SessionId {
    SessionId::random([1; 16])
}

fn tally(days: Days, lines: &[String], prices: PriceList<'_>) -> SessionUsage {
    let mut tally = Tally::new(days, prices);
    for line in lines {
        tally.feed(line);
    }
    tally.finish(id(), "/s/x.jsonl".into())
}

#[test]
fn the_recorded_session() {
    let usage = tally(days("{}"), &recorded(), &unpriced);
    let totals = serde_json::json!({"input":100,"output":9,"cacheRead":20,"cacheWrite":0,"totalTokens":129,
        "totalCost":0.000118,"inputCost":0.0001,"outputCost":0.000018,"cacheReadCost":0.0,"cacheWriteCost":0.0,
        "missingCostEntries":0});
    let counts =
        serde_json::json!({"total":2,"user":1,"assistant":1,"toolCalls":0,"toolResults":0,"errors":0});
    let mut want = serde_json::json!({"sessionId":id().as_str(),"sessionFile":"/s/x.jsonl",
        "firstActivity":DAY,"lastActivity":DAY + 40,"durationMs":40,"activityDates":["2026-11-22"],
        "dailyBreakdown":[{"date":"2026-11-22","tokens":129,"cost":0.000118}],
        "dailyMessageCounts":[{"date":"2026-11-22","total":2,"user":1,"assistant":1,"toolCalls":0,"toolResults":0,
            "errors":0}],
        "dailyLatency":[{"date":"2026-11-22","count":1,"avgMs":40.0,"p95Ms":40,"minMs":40,"maxMs":40}],
        "dailyModelUsage":[{"date":"2026-11-22","provider":"mock","model":"mock-1","tokens":129,"cost":0.000118,
            "count":1}],
        "messageCounts":counts,
        "modelUsage":[{"provider":"mock","model":"mock-1","count":1,"totals":totals}],
        "latency":{"count":1,"avgMs":40.0,"p95Ms":40,"minMs":40,"maxMs":40}});
    want.as_object_mut().unwrap().extend(totals.as_object().unwrap().clone());
    assert_eq!(serde_json::to_value(&usage).unwrap(), want);
}

#[test]
fn only_the_days_asked_about_count() {
    let mut lines = recorded();
    lines.push(user("2026-11-10T00:00:00.000Z", "before"));
    lines.push("garbage".to_owned());
    let usage = tally(days(r#"{"days":3}"#), &lines, &unpriced);
    assert_eq!(usage.message_counts.total, 2);
    let none = tally(days(r#"{"startDate":"2026-01-01","endDate":"2026-01-02"}"#), &lines, &unpriced);
    assert_eq!((none.first_activity, none.totals.total_tokens, none.activity_dates.len()), (None, 0, 0));
    // Two hours ahead, the last minutes of a day belong to the next.
    let late = vec![user("2026-11-21T22:30:00.000Z", "late")];
    let zoned = tally(days(r#"{"days":1,"mode":"specific","utcOffset":"UTC+2"}"#), &late, &unpriced);
    assert_eq!(&*zoned.activity_dates[0], "2026-11-22");
    assert_eq!(tally(days(r#"{"days":1}"#), &late, &unpriced).message_counts.total, 0);
}

#[test]
fn tools_errors_and_prices() {
    let call = r#"{"type":"message","id":"c","timestamp":"2026-11-22T15:02:34.000Z","message":{"role":"assistant","content":[{"type":"toolCall","id":"1","name":"exec","arguments":{}},{"type":"toolCall","id":"2","name":"exec","arguments":{}},{"type":"toolCall","id":"3","name":"read","arguments":{}}],"provider":"p","model":"free","usage":{"input":10,"output":1},"stopReason":"toolUse"}}"#;
    let result = r#"{"type":"message","id":"d","timestamp":"2026-11-22T15:02:35.000Z","message":{"role":"toolResult","toolCallId":"1","toolName":"exec","content":[],"isError":true}}"#;
    let failed = answer("2026-11-22T15:02:36.000Z", "", "").replace(r#""stop","#, r#""error","#);
    let injected = r#"{"type":"message","id":"e","timestamp":"2026-11-22T15:02:37.000Z","message":{"role":"assistant","content":[{"type":"text","text":"hi"}],"provider":"openclaw","model":"gateway-injected","usage":{"input":0,"output":0}}}"#;
    let lines = [call.to_owned(), result.to_owned(), failed, injected.to_owned()];
    let usage = tally(days("{}"), &lines, &unpriced);
    assert_eq!(
        usage.message_counts,
        MessageCounts { total: 3, user: 0, assistant: 3, tool_calls: 3, tool_results: 1, errors: 2 }
    );
    let tools = usage.tool_usage.unwrap();
    assert_eq!((tools.total_calls, tools.unique_tools, &*tools.tools[0].name), (3, 2, "exec"));
    assert_eq!(usage.model_usage.len(), 2, "injected messages are no model's");
    assert_eq!((usage.totals.missing_cost_entries, usage.totals.total_tokens), (1, 129 + 11));
    assert_eq!(usage.latency, None);

    let priced = |provider: &str, _: &str| {
        (provider == "p").then_some(Prices { input: 1.0, output: 2.0, cache_read: 0.0, cache_write: 0.0 })
    };
    let usage = tally(days("{}"), &lines, &priced);
    assert_eq!(usage.totals.missing_cost_entries, 0);
    assert!((usage.totals.total_cost - 0.00013).abs() < 1e-12);
}

#[test]
fn hostile_transcripts_stay_small() {
    let mut tally = Tally::new(days("{}"), &unpriced);
    for n in 0..1000 {
        let line = answer("2026-11-22T15:02:33.805Z", "x", "").replace("mock-1", &format!("m{n}"));
        tally.feed(
            &line
                .replace(r#""type":"text""#, r#""type":"toolCall","id":"1","name":"t""#)
                .replace(r#""t","#, &format!(r#""t{n}","#)),
        );
    }
    let usage = tally.finish(id(), String::new());
    assert_eq!(usage.model_usage.len(), 257);
    assert_eq!(usage.tool_usage.unwrap().unique_tools, 257);
    assert_eq!(usage.totals.total_tokens, 129_000, "nothing is lost");
}

fn report_of(key: &str, updated_at: u64, wire: Wire, params: &UsageParams) -> SessionReport {
    let mut entry = Entry::new(id(), updated_at);
    entry.has_transcript = true;
    entry.route_mut().origin = Some(Origin { provider: Some("webchat".into()), ..Origin::default() });
    let usage = tally(days("{}"), &recorded(), &unpriced);
    let key = SessionKey::from_stored(key);
    SessionReport::new(&key, &entry, Some(usage), wire, params, &AgentId::default(), &MOCK)
}

#[test]
fn reports_are_joined() {
    let params = UsageParams { limit: Some(2), ..UsageParams::default() };
    let sessions = || {
        ["agent:main:a", "agent:main:b", "agent:ops:c"]
            .iter()
            .zip(1..)
            .map(|(key, at)| report_of(key, at, Wire::V3, &params))
            .collect::<Vec<_>>()
    };
    let joined = report(sessions(), &params, Wire::V3, &days("{}"), DAY);
    let keys: Vec<&str> = joined.sessions.iter().map(|session| session.key.as_str()).collect();
    assert_eq!(keys, ["agent:ops:c", "agent:main:b"], "the newest two");
    assert_eq!((joined.totals.total_tokens, joined.start_date.as_str()), (258, "2026-10-24"));
    let told: serde_json::Value = serde_json::from_str(write(&joined).unwrap().get()).unwrap();
    let aggregates = &told["aggregates"];
    assert_eq!(aggregates["messages"]["total"], 4);
    assert_eq!(aggregates["byModel"][0]["count"], 2);
    assert_eq!(
        (&aggregates["byProvider"][0]["provider"], aggregates["byProvider"][0].get("model")),
        (&"mock".into(), None)
    );
    assert_eq!(aggregates["byAgent"].as_array().unwrap().len(), 2);
    assert_eq!(aggregates["byChannel"][0]["channel"], "webchat");
    assert_eq!(
        aggregates["latency"],
        serde_json::json!({"count":2,"avgMs":40.0,"p95Ms":40,"minMs":40,"maxMs":40})
    );
    assert_eq!(
        aggregates["daily"],
        serde_json::json!([{"date":"2026-11-22","tokens":258,"cost":0.000236,"messages":4,"toolCalls":0,"errors":0}])
    );
    assert_eq!(aggregates["modelDaily"][0]["count"], 2);
    for v4 in ["creatorOptions", "cacheStatus"] {
        assert!(told.get(v4).is_none());
    }
    assert!(told["sessions"][0].get("contextWeight").is_none());
}

#[test]
fn what_v4_adds() {
    let params = UsageParams { include_context_weight: true, ..UsageParams::default() };
    let sessions = vec![report_of("agent:main:a", 1, Wire::V4, &params)];
    let told = serde_json::to_value(report(sessions, &params, Wire::V4, &days("{}"), DAY)).unwrap();
    let session = &told["sessions"][0];
    assert_eq!((&session["scope"], &session["creatorKey"]), (&"instance".into(), &NOBODY.into()));
    assert_eq!(
        (&session["hasContextWeight"], &session["contextWeight"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert_eq!(told["creatorOptions"][0]["key"], NOBODY);
    assert_eq!(told["cacheStatus"]["cachedFiles"], 1);
    assert_eq!(told["aggregates"]["sessionCount"], 1);
    assert_eq!(told["aggregates"]["costDaily"][0]["totalTokens"], 129);
    let empty = serde_json::to_value(report(vec![], &params, Wire::V4, &days("{}"), DAY)).unwrap();
    assert_eq!(
        (&empty["sessions"], &empty["aggregates"]["byModel"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    assert_eq!(empty["aggregates"].get("latency"), None);
}

#[test]
fn which_sessions_are_read() {
    let store: Vec<(SessionKey, Entry)> =
        [("agent:main:a", 5), ("agent:main:b", 9), ("agent:ops:c", 7), ("agent:main:d", 8)]
            .into_iter()
            .map(|(key, at)| {
                let mut entry = Entry::new(id(), at);
                entry.has_transcript = key != "agent:main:d";
                (SessionKey::from_stored(key), entry)
            })
            .collect();
    let picked = |params: UsageParams, key: Option<&str>, since| {
        let key = key.map(SessionKey::from_stored);
        let entries = store.iter().map(|(key, entry)| (key, entry));
        select(entries, &params, key.as_ref(), since)
            .iter()
            .map(|key| key.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let all = UsageParams::default;
    assert_eq!(picked(all(), None, 0), "agent:main:b agent:ops:c agent:main:a");
    assert_eq!(picked(all(), None, 6), "agent:main:b agent:ops:c");
    assert_eq!(picked(all(), Some("agent:main:a"), 0), "agent:main:a");
    assert_eq!(picked(UsageParams { limit: Some(1), ..all() }, None, 0), "agent:main:b");
    assert_eq!(picked(UsageParams { agent_id: Some("OPS".into()), ..all() }, None, 0), "agent:ops:c");
}

#[test]
fn timelines() {
    let told = serde_json::to_value(timeseries(&id(), &recorded(), &unpriced)).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"sessionId":id().as_str(),"points":[{"timestamp":DAY + 40,"input":100,"output":9,
            "cacheRead":20,"cacheWrite":0,"totalTokens":129,"cost":0.000118,"cumulativeTokens":129,
            "cumulativeCost":0.000118}]})
    );
    let many: Vec<String> = (0..401).map(|_| answer("2026-11-22T15:02:33.805Z", "x", "")).collect();
    let points = timeseries(&id(), &many, &unpriced).points;
    assert_eq!((points.len(), points[0].input, points[133].input), (134, 300, 200));
    assert_eq!(points[133].cumulative_tokens, 401 * 129);
    assert_eq!(series::timeseries_without_key().message, "key is required for timeseries");
    assert_eq!(series::no_transcript("nope").message, "No transcript found for session: nope");
    assert_eq!(series::logs_without_key().message, "key is required for logs");
}

#[test]
fn log_lines() {
    let told = serde_json::to_value(logs(&recorded(), 200, &unpriced)).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"logs":[{"timestamp":DAY,"role":"user","content":"hello two"},
            {"timestamp":DAY + 40,"role":"assistant","content":"Mock reply ok(4).","tokens":129,"cost":0.000118}]})
    );
    let last = logs(&recorded(), 1, &unpriced).logs;
    assert_eq!((last.len(), last[0].role), (1, "assistant"));
    let long = vec![user("2026-11-22T15:02:33.765Z", &"é".repeat(CONTENT_MAX + 5))];
    assert_eq!(logs(&long, 9, &unpriced).logs[0].content.chars().count(), CONTENT_MAX + 1);
    assert!(logs(&recorded(), 0, &unpriced).logs.is_empty());
}

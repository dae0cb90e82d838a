use super::*;
use crate::access::{Need, Scope};
use crate::json::Parser;
use crate::method::Rpc;
use crate::{Field, Wire, schema};

/// Checks params against the schema, then decodes them; the problem text when the schema refuses them.
fn read<M: Rpc>(wire: Wire, params: &str) -> Result<M::Params, String> {
    Parser::default()
        .parse(&mut params.as_bytes().to_vec(), |root| {
            if let Some(object) = M::schema(wire) {
                schema::check(wire, object, Some(root))?;
            }
            Ok(root.decode::<M::Params>().expect("what the schema accepts decodes"))
        })
        .expect("the case is JSON")
}

#[track_caller]
fn refused<M: Rpc>(wire: Wire, params: &str, want: &str) {
    match read::<M>(wire, params) {
        Ok(_) => panic!("{params} was accepted"),
        Err(problems) => assert_eq!(problems, want, "{params}"),
    }
}

#[test]
fn list_params() {
    let v4 = r#"{"limit":1.0,"offset":0,"sortBy":"lastInteractionAt","archived":"all","search":""}"#;
    let params = read::<List>(Wire::V4, v4).unwrap();
    assert_eq!(
        (params.limit, params.sort_by, params.archived),
        (Some(1), list::SortBy::LastInteractionAt, list::Archived::All)
    );
    assert_eq!(read::<List>(Wire::V4, r#"{"archived":true}"#).unwrap().archived, list::Archived::Only);
    assert_eq!(read::<List>(Wire::V4, r#"{"archived":false}"#).unwrap().archived, list::Archived::No);
    assert_eq!(read::<List>(Wire::V3, "{}").unwrap(), ListParams::default());
    refused::<List>(Wire::V3, r#"{"limit":0}"#, "at /limit: must be >= 1");
    refused::<List>(Wire::V3, r#"{"bogus":1}"#, "at root: unexpected property 'bogus'");
    refused::<List>(Wire::V3, r#"{"offset":1}"#, "at root: unexpected property 'offset'");
    let long = format!(r#"{{"label":"{}"}}"#, "x".repeat(65));
    refused::<List>(Wire::V3, &long, "at /label: must NOT have more than 64 characters");
    assert!(read::<List>(Wire::V4, &long).is_ok());
    let longer = format!(r#"{{"label":"{}"}}"#, "x".repeat(513));
    refused::<List>(Wire::V4, &longer, "at /label: must not have more than 512 characters");
    refused::<List>(Wire::V4, r#"{"label":""}"#, "at /label: must not have fewer than 1 characters");
}

#[test]
fn patch_params() {
    let params =
        read::<Patch>(Wire::V3, r#"{"key":"k","label":null,"thinkingLevel":"low","spawnDepth":2.0}"#)
            .unwrap();
    assert_eq!(params.label, Field::Null);
    assert_eq!(params.thinking_level, Field::Value("low".to_owned()));
    assert_eq!(params.spawn_depth, Field::Value(2));
    assert_eq!(params.model, Field::Absent);
    refused::<Patch>(
        Wire::V3,
        r#"{"key":"k","label":5}"#,
        "at /label: must be string; at /label: must be null; at /label: must match a schema in anyOf",
    );
    refused::<Patch>(
        Wire::V3,
        r#"{"key":"k","responseUsage":"bogus"}"#,
        "at /responseUsage: must be equal to constant; at /responseUsage: must be null; \
         at /responseUsage: must match a schema in anyOf",
    );
    refused::<Patch>(
        Wire::V4,
        r#"{"key":"k","sendPolicy":""}"#,
        "at /sendPolicy: must be equal to constant; at /sendPolicy: must be null; \
         at /sendPolicy: must match a schema in anyOf",
    );
    refused::<Patch>(
        Wire::V4,
        r#"{"key":"k","fastMode":"bogus"}"#,
        "at /fastMode: must be boolean; at /fastMode: must be equal to constant; at /fastMode: must be null; \
         at /fastMode: must match a schema in anyOf",
    );
    refused::<Patch>(
        Wire::V3,
        r#"{"key":"k","spawnDepth":1.5}"#,
        "at /spawnDepth: must be integer; at /spawnDepth: must be null; at /spawnDepth: must match a schema in anyOf",
    );
    refused::<Patch>(Wire::V4, r#"{"key":"k","spawnedBy":null}"#, "at root: unexpected property 'spawnedBy'");
    refused::<Patch>(
        Wire::V3,
        r#"{"key":"k","traceLevel":"on"}"#,
        "at root: unexpected property 'traceLevel'",
    );
    for wire in [Wire::V3, Wire::V4] {
        refused::<Patch>(
            wire,
            r#"{"sessionKey":"main","label":"z"}"#,
            "must have required property 'key'; at root: unexpected property 'sessionKey'",
        );
    }
    let all = r#"{"key":"k","archived":true,"unread":false,"toolOverrides":{"a":[1]},"fastMode":"auto",
        "expectedMarkedUnreadAt":1.5,"inheritedToolAllow":["x"],"inheritedToolPolicyVersion":1,"statusNote":null}"#;
    assert_eq!(read::<Patch>(Wire::V4, all).unwrap().archived, Some(true));
}

#[test]
fn the_others() {
    refused::<Preview>(Wire::V3, r#"{"keys":[]}"#, "at /keys: must NOT have fewer than 1 items");
    refused::<Preview>(Wire::V4, r#"{"keys":["a"],"maxChars":5}"#, "at /maxChars: must be >= 20");
    let preview = read::<Preview>(Wire::V3, r#"{"keys":["a"],"limit":99,"maxChars":9999}"#).unwrap();
    assert_eq!((preview.items_max(), preview.chars_max()), (50, 2000));
    for wire in [Wire::V3, Wire::V4] {
        refused::<Reset>(
            wire,
            r#"{"key":"k","reason":"bogus"}"#,
            "at /reason: must be equal to constant; at /reason: must match a schema in anyOf",
        );
    }
    refused::<Compact>(Wire::V3, r#"{"key":"k","maxLines":1.5}"#, "at /maxLines: must be integer");
    refused::<Delete>(
        Wire::V3,
        r#"{"key":"x","deleteTranscript":"no"}"#,
        "at /deleteTranscript: must be boolean",
    );
    refused::<Usage>(
        Wire::V3,
        r#"{"startDate":"11/01/2026"}"#,
        r#"at /startDate: must match pattern "^\d{4}-\d{2}-\d{2}$""#,
    );
    refused::<Usage>(
        Wire::V4,
        r#"{"mode":"bogus"}"#,
        "at /mode: must be equal to constant; at /mode: must match a schema in anyOf",
    );
    let probe = r#"{"key":"main","sessionKey":"main","message":"x"}"#;
    refused::<Send>(Wire::V4, probe, "at root: unexpected property 'sessionKey'");
    refused::<Create>(Wire::V4, probe, "at root: unexpected property 'sessionKey'");
    refused::<History>(Wire::V3, probe, "at root: unexpected property 'message'");
    assert_eq!(read::<Send>(Wire::V3, r#"{"sessionKey":"a","message":""}"#).unwrap().key(), Some("a"));
    refused::<Send>(Wire::V4, r#"{"key":"k"}"#, "must have required property 'message'");
    refused::<MessagesSubscribe>(Wire::V4, "{}", "must have required property 'key'");
}

#[test]
fn unchecked_params_never_fail() {
    for params in ["{}", r#"{"key":5,"limit":"x","extra":[]}"#, r#"{"key":null,"limit":-3,"startDate":{}}"#] {
        assert_eq!(read::<Get>(Wire::V4, params).unwrap().key(), None, "{params}");
        assert_eq!(read::<Timeseries>(Wire::V3, params).unwrap().key, None);
        read::<Logs>(Wire::V3, params).unwrap();
        read::<Subscribe>(Wire::V4, params).unwrap();
    }
    assert_eq!(read::<Logs>(Wire::V3, r#"{"key":"k","limit":2.9}"#).unwrap().lines_max(), 2);
    assert_eq!(read::<Get>(Wire::V4, r#"{"sessionKey":"s"}"#).unwrap().key(), Some("s"));
}

#[test]
fn usage_days() {
    use crate::method::usage::DayClock;
    // 2026-11-22T15:02:35Z, as recorded.
    let clock = DayClock::utc(1_795_359_755_399);
    let days = |wire, params: &str| {
        let days = read::<Usage>(wire, params).unwrap().days(wire, &clock).unwrap();
        format!("{} {}", days.first(), days.last())
    };
    for wire in [Wire::V3, Wire::V4] {
        assert_eq!(days(wire, "{}"), "2026-10-24 2026-11-22");
        let both =
            r#"{"startDate":"2026-11-01","endDate":"2026-11-30","limit":5,"includeContextWeight":true}"#;
        assert_eq!(days(wire, both), "2026-11-01 2026-11-30");
        assert_eq!(days(wire, r#"{"mode":"specific","utcOffset":"UTC+9"}"#), "2026-10-25 2026-11-23");
    }
    assert_eq!(days(Wire::V4, r#"{"range":"7d"}"#), "2026-11-16 2026-11-22");
    let bad = read::<Usage>(Wire::V4, r#"{"startDate":"2026-02-30","endDate":"2026-03-01"}"#).unwrap();
    assert!(bad.days(Wire::V4, &clock).is_err());
}

#[test]
fn who_may_call() {
    assert_eq!(Patch::ACCESS.on(Wire::V3), Some(Need::Scope(Scope::Admin)));
    assert_eq!(Patch::ACCESS.on(Wire::V4), Some(Need::Scope(Scope::Write)));
    assert_eq!(Create::ACCESS.on(Wire::V3), None);
    assert!(!Resolve::ACCESS.listed(Wire::V3) && !Get::ACCESS.listed(Wire::V4));
    assert!(Send::ACCESS.listed(Wire::V4) && !Send::ACCESS.listed(Wire::V3));
    assert!(Send::ACCESS.on(Wire::V3).is_some());
}

#[test]
fn payload_keys() {
    let page =
        Page { total_count: 1, limit_applied: 100, next_offset: None, has_more: false, owners: vec![] };
    let defaults =
        Defaults { model_provider: Some("p".into()), model: None, context_tokens: Some(1), v4: None };
    let mut payload =
        ListPayload { ts: 1, path: "(multiple)".into(), count: 0, page: None, defaults, sessions: vec![] };
    assert_eq!(
        serde_json::to_string(&payload).unwrap(),
        r#"{"ts":1,"path":"(multiple)","count":0,"defaults":{"modelProvider":"p","model":null,"contextTokens":1},"sessions":[]}"#
    );
    payload.page = Some(page);
    let json = serde_json::to_value(&payload).unwrap();
    assert_eq!(json["nextOffset"], serde_json::Value::Null);
    assert_eq!(json["limitApplied"], 100);
    assert_eq!(
        serde_json::to_string(&AbortPayload::new(None)).unwrap(),
        r#"{"ok":true,"abortedRunId":null,"status":"no-active-run"}"#
    );
}

use serde_json::json;

use super::*;
use crate::method::Rpc;
use crate::method::testing::{covers, read};

#[track_caller]
fn check<M: Rpc>(wire: Wire, params: &str, want: Result<(), &str>) {
    let got = read::<M>(wire, params).map(drop);
    assert_eq!(got.as_ref().map_err(String::as_str).copied(), want, "{params}");
}

#[test]
fn params_as_each_wire_checks_them() {
    use Wire::{V3, V4};
    check::<Request>(V3, "{}", Err("must have required property 'command'"));
    check::<Request>(V4, "{}", Ok(()));
    check::<Request>(V3, r#"{"command":"x","cwd":null,"timeoutMs":5,"twoPhase":true}"#, Ok(()));
    check::<Request>(V3, r#"{"command":"x","runId":"r"}"#, Err("at root: unexpected property 'runId'"));
    check::<Request>(V3, r#"{"command":"x","timeoutMs":0}"#, Err("at /timeoutMs: must be >= 1"));
    let v4 = r#"{"command":"x","runId":null,"turnSourceThreadId":7,"env":{"A":"b"},"commandArgv":["x"],
        "unavailableDecisions":["allow-always"],"requireDeliveryRoute":false,"turnSourceTo":"me"}"#;
    check::<Request>(V4, v4, Ok(()));
    check::<Request>(V4, r#"{"command":"x","turnSourceThreadId":null}"#, Ok(()));
    check::<Request>(V4, r#"{"command":""}"#, Err("at /command: must not have fewer than 1 characters"));
    check::<Resolve>(V3, r#"{"id":"a"}"#, Err("must have required property 'decision'"));
    check::<Resolve>(V4, r#"{"id":"a","decision":"maybe","grantExpiresInDays":2}"#, Ok(()));
    check::<Get>(V4, "{}", Err("must have required property 'id'"));
    check::<List>(V4, r#"{"bogus":1}"#, Ok(()));
    for (params, id) in [("{}", ""), (r#"{"id":7}"#, ""), (r#"{"id":" a ","x":1}"#, "a")] {
        assert_eq!(read::<WaitDecision>(V3, params).unwrap().id, id);
    }
}

#[test]
fn answers_and_events_have_the_recorded_members() {
    let request = ExecRequest {
        command: "make".into(),
        cwd: Some("/data".into()),
        allowed_decisions: Decision::ALL.to_vec(),
        ..ExecRequest::default()
    };
    let shown = r#"{"command":"x","systemRunBinding":null,"systemRunPlan":null,"cwd":"/","nodeId":null,"host":null,
        "security":null,"ask":null,"warningText":null,"scope":null,"commandAnalysis":null,
        "allowedDecisions":["allow-once"],"agentId":null,"resolvedPath":null,"sessionKey":null,"sessionId":null,
        "runId":null,"toolCallId":null,"turnSourceChannel":null,"turnSourceTo":null,"turnSourceAccountId":null,
        "turnSourceThreadId":null,"cronExecutionSource":null,"cronOperationBinding":null}"#;
    let have = serde_json::to_value(&request).unwrap();
    let want: serde_json::Value = serde_json::from_str(shown).unwrap();
    for name in want.as_object().unwrap().keys() {
        assert!(have.get(name).is_some(), "{name} is missing");
    }
    covers(&request, shown);
    let back: ExecRequest = serde_json::from_value(have).unwrap();
    assert_eq!(back, request, "a row says what it said");

    let v3 = serde_json::to_string(&RequestedV3 {
        id: "a",
        request: request.v3(),
        created_at_ms: 1,
        expires_at_ms: 2,
    });
    assert_eq!(
        v3.unwrap(),
        r#"{"id":"a","request":{"command":"make","cwd":"/data","host":null,"security":null,"ask":null,"agentId":null,"resolvedPath":null,"sessionKey":null},"createdAtMs":1,"expiresAtMs":2}"#
    );
    let resolved =
        Resolved { id: "a", decision: Decision::AllowOnce, resolved_by: Some("me"), ts: 3, request: None };
    assert_eq!(
        serde_json::to_value(&resolved).unwrap(),
        json!({"id": "a", "decision": "allow-once", "resolvedBy": "me", "ts": 3})
    );
    let accepted = RequestPayload::Accepted {
        status: "accepted",
        id: "a".into(),
        delivery_route: Some(DeliveryRoute::ApprovalClient),
        created_at_ms: 1,
        expires_at_ms: 2,
    };
    assert_eq!(
        serde_json::to_string(&accepted).unwrap(),
        r#"{"status":"accepted","id":"a","deliveryRoute":"approval-client","createdAtMs":1,"expiresAtMs":2}"#
    );
    let decided =
        RequestPayload::Decided { id: "a".into(), decision: None, created_at_ms: 1, expires_at_ms: 2 };
    assert_eq!(
        serde_json::to_string(&decided).unwrap(),
        r#"{"id":"a","decision":null,"createdAtMs":1,"expiresAtMs":2}"#
    );
    for decision in Decision::ALL {
        let word = serde_json::to_value(decision).unwrap();
        assert_eq!(Decision::parse(word.as_str().unwrap()), Some(decision));
    }
    assert_eq!(Decision::parse("maybe"), None);
}

use super::*;
use crate::method::testing::{covers, read};

fn pending() -> PendingRequest {
    PendingRequest {
        request_id: "r".into(),
        device_id: "d".into(),
        public_key: "k".into(),
        display_name: Some("n".into()),
        platform: Some("linux".into()),
        device_family: None,
        client_id: Some("cli".into()),
        client_mode: Some("cli".into()),
        role: Some("operator".into()),
        roles: Some(vec!["operator".into()]),
        scopes: Some(vec!["operator.read".into()]),
        remote_ip: None,
        silent: false,
        is_repair: true,
        ts: 1,
    }
}

fn paired() -> PairedDevice {
    PairedDevice {
        device_id: "d".into(),
        public_key: "k".into(),
        display_name: Some("n".into()),
        platform: Some("linux".into()),
        device_family: Some("Linux".into()),
        client_id: Some("cli".into()),
        client_mode: Some("cli".into()),
        role: Some("operator".into()),
        roles: Some(vec!["operator".into()]),
        scopes: Some(Vec::new()),
        remote_ip: None,
        approved_via: Some(ApprovedVia::Silent),
        created_at_ms: 1,
        approved_at_ms: 1,
        last_seen_at_ms: Some(1),
        last_seen_reason: Some("connect"),
        connected: Some(true),
        tokens: vec![TokenSummary {
            role: "operator".into(),
            scopes: Vec::new(),
            created_at_ms: 1,
            rotated_at_ms: None,
            revoked_at_ms: None,
            last_used_at_ms: None,
        }],
    }
}

const PENDING: &str = r#"{"requestId":"b","deviceId":"f","publicKey":"k","displayName":"pairtest","platform":"linux",
    "clientId":"cli","clientMode":"cli","role":"operator","roles":["operator"],"scopes":["operator.read"],
    "silent":false,"isRepair":true,"ts":1}"#;
const PAIRED: &str = r#"{"deviceId":"9","publicKey":"k","displayName":"pairtest","platform":"linux",
    "deviceFamily":"Linux","clientId":"node-host","clientMode":"node","role":"node","roles":["node"],"scopes":[],
    "approvedVia":"silent","createdAtMs":1,"approvedAtMs":1,"lastSeenAtMs":1,"lastSeenReason":"connect",
    "connected":false,"tokens":[{"role":"node","scopes":[],"createdAtMs":1}]}"#;

#[test]
fn payloads_as_recorded() {
    covers(
        &PairListPayload { pending: vec![pending()], paired: vec![paired()] },
        &format!(r#"{{"pending":[{PENDING}],"paired":[{PAIRED}]}}"#),
    );
    covers(
        &ApprovePayload { request_id: "r".into(), device: paired() },
        &format!(r#"{{"requestId":"r","device":{PAIRED}}}"#),
    );
    covers(
        &RejectPayload { request_id: "r".into(), device_id: "d".into() },
        r#"{"requestId":"r","deviceId":"d"}"#,
    );
    covers(&DeviceRef { device_id: "d".into() }, r#"{"deviceId":"d"}"#);
    let rotated = RotatePayload {
        device_id: "d".into(),
        role: "operator".into(),
        token: Some("t".into()),
        scopes: Vec::new(),
        rotated_at_ms: 1,
        token_delivery: Some(TokenDelivery::WithheldCrossDevice),
    };
    covers(&rotated, r#"{"deviceId":"d","role":"operator","token":"t","scopes":[],"rotatedAtMs":1}"#);
    assert!(serde_json::to_string(&rotated).unwrap().contains(r#""tokenDelivery":"withheld-cross-device""#));
    covers(
        &RevokePayload { device_id: "d".into(), role: "operator".into(), revoked_at_ms: 1 },
        r#"{"deviceId":"d","role":"operator","revokedAtMs":1}"#,
    );
}

#[test]
fn events_as_recorded() {
    covers(&PairRequested(pending()), PENDING);
    covers(
        &PairResolved {
            request_id: "r".into(),
            device_id: "d".into(),
            decision: PairDecision::Approved,
            ts: 1,
        },
        r#"{"requestId":"b","deviceId":"f","decision":"approved","ts":1}"#,
    );
}

#[test]
fn params() {
    let missing = "must have required property";
    for wire in [Wire::V3, Wire::V4] {
        assert_eq!(read::<PairApprove>(wire, "{}").unwrap_err(), format!("{missing} 'requestId'"));
        assert_eq!(read::<PairRemove>(wire, "{}").unwrap_err(), format!("{missing} 'deviceId'"));
        assert_eq!(
            read::<TokenRevoke>(wire, r#"{"deviceId":"d"}"#).unwrap_err(),
            format!("{missing} 'role'")
        );
        let rotate = read::<TokenRotate>(wire, r#"{"deviceId":"d","role":"operator","scopes":["a"]}"#);
        assert_eq!(rotate.unwrap().scopes, Some(vec!["a".into()]));
    }
}

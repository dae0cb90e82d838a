use pincer_protocol::Wire::{V3, V4};

use super::*;
use crate::handshake::Decision;
use crate::handshake::testing::{Client, NOW, device_id, policy};
use crate::limiter::{AuthLimiter, AuthLimits};

fn candidate(client: &Client) -> Candidate {
    match client.knock(&policy(), &mut AuthLimiter::new(AuthLimits::default())) {
        Decision::Admit(candidate) | Decision::NeedsDevice(candidate, _) => *candidate,
        Decision::Reject(rejection) => panic!("{rejection:?}"),
    }
}

fn presence() -> Presence {
    let facts = SelfFacts {
        host: "vm".into(),
        ip: Some("10.0.0.2".into()),
        version: "0.1.0".into(),
        platform: "linux 6.8.0".into(),
        device_family: "Linux".into(),
        model_identifier: "x64".into(),
        instance_id: "boot".into(),
    };
    Presence::new(facts, NOW)
}

fn later(ms: u64) -> Now {
    Now { mono_ms: NOW.mono_ms + ms, wall_ms: NOW.wall_ms + ms }
}

#[test]
fn the_gateways_own_entry() {
    let mut presence = presence();
    assert_eq!(presence.version(), 1);
    let list = presence.list(later(5));
    assert_eq!(
        serde_json::to_value(&list).unwrap(),
        serde_json::json!([{
            "host": "vm", "ip": "10.0.0.2", "version": "0.1.0", "platform": "linux 6.8.0", "deviceFamily": "Linux",
            "modelIdentifier": "x64", "mode": "gateway", "instanceId": "boot", "reason": "self",
            "text": "Gateway: vm (10.0.0.2) · app 0.1.0 · mode gateway · reason self", "ts": NOW.wall_ms + 5,
        }])
    );
    assert_eq!(presence.version(), 1, "looking changes nothing");
}

#[test]
fn who_is_listed_under_which_name() {
    let device = device_id(1);
    for (client, want) in [
        (Client::cli(V3), None),
        (Client::cli(V4), None),
        (Client::new(V3), Some("conn")),
        (Client::new(V4), None),
        (Client { mode: "probe", ..Client::new(V3) }, Some("conn")),
        (Client { mode: "probe", ..Client::new(V4) }, None),
        (Client { mode: "test", ..Client::new(V4) }, Some("conn")),
        (Client::new(V3).device(1), Some(device.as_str())),
        (Client { mode: "ui", ..Client::new(V4) }.device(1), Some("conn")),
        (Client::node(V4).device(1), Some(device.as_str())),
    ] {
        let got = key(&candidate(&client), "conn");
        assert_eq!(got.as_deref(), want, "{:?} {} {}", client.wire, client.id, client.mode);
    }
}

#[test]
fn coming_and_going() {
    let mut presence = presence();
    let node = candidate(&Client { family: Some("Linux"), ..Client::node(V3) }.device(1));
    let name = key(&node, "conn").unwrap();
    presence.connected(&name, &node, later(10));
    assert_eq!(presence.version(), 2);
    let list = presence.list(later(10));
    let entry = list.iter().find(|entry| entry.mode.as_deref() == Some("node")).unwrap();
    assert_eq!(
        serde_json::to_value(entry).unwrap(),
        serde_json::json!({
            "host": "node-host", "version": "1.0.0", "platform": "linux", "deviceFamily": "Linux", "mode": "node",
            "deviceId": device_id(1), "roles": ["node"], "instanceId": device_id(1), "reason": "connect",
            "text": "Node: node-host · mode node", "ts": NOW.wall_ms + 10,
        })
    );
    presence.disconnected(&name, later(20));
    assert_eq!(presence.version(), 3);
    let entry =
        presence.list(later(20)).into_iter().find(|entry| entry.mode.as_deref() == Some("node")).unwrap();
    assert_eq!((entry.reason.as_deref(), entry.ts), (Some("disconnect"), NOW.wall_ms + 20));
    assert_eq!(entry.roles.len(), 1, "nothing else is lost");
    assert_eq!(presence.list(later(20 + TTL_MS)).len(), 1, "five minutes later it is gone");
}

#[test]
fn a_connection_again_adds_roles_and_scopes() {
    let mut presence = presence();
    let reader = candidate(&Client { mode: "ui", ..Client::new(V3) }.device(1).scopes(&["operator.read"]));
    let writer = candidate(&Client { mode: "ui", ..Client::new(V3) }.device(1).scopes(&["operator.write"]));
    presence.connected("d", &reader, NOW);
    presence.connected("D ", &writer, NOW);
    let list = presence.list(NOW);
    assert_eq!(list.len(), 2, "one entry, whatever the case of its key");
    let entry = list.iter().find(|entry| entry.device_id.is_some()).unwrap();
    assert_eq!(entry.scopes, ["operator.read".into(), "operator.write".into()] as [Box<str>; 2]);
}

#[test]
fn the_list_is_bounded() {
    let mut presence = presence();
    let client = candidate(&Client::new(V3));
    for n in 0..(ENTRIES_MAX as u64 + 50) {
        presence.connected(&format!("conn-{n}"), &client, later(n));
    }
    let list = presence.list(later(1_000));
    assert_eq!(list.len(), ENTRIES_MAX);
    assert_eq!(list[0].reason.as_deref(), Some("self"), "newest first, and we are always here");
    assert_eq!(list[1].ts, NOW.wall_ms + ENTRIES_MAX as u64 + 49);
    assert!(list.windows(2).all(|pair| pair[0].ts >= pair[1].ts));
}

#[test]
fn system_events() {
    let mut presence = presence();
    let line = "Node: desk (10.0.0.9) · app 1.2.3 · last input 42s ago · mode local · reason periodic";
    let change = presence.event(SystemEvent { text: line.into(), ..SystemEvent::default() }, NOW);
    assert_eq!((&*change.key, change.previous), ("desk", None));
    assert_eq!(change.changed, ["host", "ip", "version", "mode", "reason"]);
    assert_eq!(change.next.last_input_seconds, Some(42));
    assert_eq!(change.next.text.as_deref(), Some(line));
    let again = presence.event(SystemEvent { text: line.into(), ..SystemEvent::default() }, later(5));
    assert_eq!(again.changed, Vec::<&str>::new(), "nothing new");
    assert_eq!(presence.version(), 3);

    let explicit = PresenceEntry {
        device_id: Some("Dev1".into()),
        host: Some("tester".into()),
        mode: Some("ui".into()),
        reason: Some("periodic".into()),
        instance_id: Some("inst1".into()),
        ..PresenceEntry::default()
    };
    let event = SystemEvent { text: "Node: tester · mode ui".into(), entry: explicit };
    let change = presence.event(event, NOW);
    assert_eq!(&*change.key, "dev1");
    assert_eq!(change.next.text.as_deref(), Some("Node: tester · mode ui"));
    assert_eq!(change.next.host.as_deref(), Some("tester"));
    let plain = presence.event(SystemEvent { text: " hello ".into(), ..SystemEvent::default() }, NOW);
    assert_eq!((&*plain.key, plain.next.text.as_deref()), ("hello", Some("hello")));
}

#[test]
fn arrivals_are_broadcast_on_v4_only() {
    assert!(broadcasts(V4) && !broadcasts(V3));
}

//! `device.*`.

use super::*;

const ADMIN: &[&str] = &["operator.admin"];
const PAIRING: &[&str] = &["operator.pairing"];

fn list(scopes: &[&str]) -> Vec<Box<str>> {
    scopes.iter().map(|scope| (*scope).into()).collect()
}

/// A home with device 1 paired as node, asking for the operator role, as the recorder's was.
fn asking(wire: Wire) -> (Home, String) {
    let mut home = Home::new();
    home.lets_in(&Client { family: Some("Linux"), ..Client::node(wire) }.device(1));
    let asker = Client::cli(wire).device(1).scopes(&["operator.read"]).at(later(10));
    let details = home.refuses(&asker).0.details.unwrap();
    home.take_events();
    (home, details["requestId"].as_str().unwrap().to_owned())
}

#[test]
fn approving() {
    for wire in [V3, V4] {
        let (mut home, id) = asking(wire);
        let scopes = list(ADMIN);
        let caller = Caller { wire, device_id: None, scopes: &scopes };
        let shown = home.pairings.list(caller, later(10), |_| false);
        assert_eq!((shown.pending.len(), shown.paired.len()), (1, 1));
        assert!(shown.pending[0].is_repair);
        assert_eq!(shown.paired[0].connected, (wire == V4).then_some(false));
        let (payload, changes) = home.pairings.approve(&id, caller, later(20), &mut home.rng).unwrap();
        home.apply(&changes);
        assert_eq!(home.take_events(), ["approved"]);
        let device = payload.device;
        assert_eq!(names(device.roles.as_ref().unwrap()), ["node", "operator"]);
        assert_eq!(names(device.scopes.as_ref().unwrap()), ["operator.read"]);
        assert_eq!(device.tokens.iter().map(|token| &*token.role).collect::<Vec<_>>(), ["node", "operator"]);
        assert_eq!((device.created_at_ms, device.approved_at_ms), (NOW.wall_ms, NOW.wall_ms + 20));
        assert_eq!(device.approved_via, (wire == V4).then_some(ApprovedVia::Owner));
        home.restart();
        home.lets_in(&Client::cli(wire).device(1).scopes(&["operator.read"]));
        let gone = home.pairings.approve(&id, caller, later(30), &mut home.rng).unwrap_err();
        assert_eq!(gone.message, "unknown requestId");
    }
}

#[test]
fn rejecting_and_removing() {
    for wire in [V3, V4] {
        let (mut home, id) = asking(wire);
        let scopes = list(ADMIN);
        let caller = Caller { wire, device_id: None, scopes: &scopes };
        let unknown = home.pairings.reject("nope", caller, later(20)).unwrap_err();
        assert_eq!(unknown.message, "unknown requestId");
        let (payload, changes) = home.pairings.reject(&id, caller, later(20)).unwrap();
        assert_eq!((&*payload.request_id, &*payload.device_id), (&*id, &*device_id(1)));
        home.apply(&changes);
        assert_eq!(home.take_events(), ["rejected"]);
        assert_eq!(home.pairings.list(caller, later(20), |_| false).pending.len(), 0);

        assert_eq!(home.pairings.remove("nope", caller).unwrap_err().message, "unknown deviceId");
        let (_, changes) = home.pairings.remove(&device_id(1), caller).unwrap();
        assert_eq!(changes.retire, Some(Retire { device_id: device_id(1).into(), role: None }));
        home.apply(&changes);
        assert!(home.rows.is_empty());
    }
}

#[test]
fn a_late_decision_is_none() {
    let (mut home, id) = asking(V4);
    let scopes = list(ADMIN);
    let caller = Caller { wire: V4, device_id: None, scopes: &scopes };
    let late = later(10 + PENDING_TTL_MS);
    assert_eq!(home.pairings.list(caller, late, |_| false).pending.len(), 0);
    assert_eq!(
        home.pairings.approve(&id, caller, late, &mut home.rng).unwrap_err().message,
        "unknown requestId"
    );
}

#[test]
fn nobody_gives_what_they_do_not_hold() {
    let scopes = list(&["operator.pairing", "operator.read"]);
    for wire in [V3, V4] {
        let mut home = Home::new();
        let asker = far(Client::cli(wire).device(1)).scopes(&["operator.admin"]);
        let id = home.refuses(&asker).0.details.unwrap()["requestId"].as_str().unwrap().to_owned();
        let caller = Caller { wire, device_id: None, scopes: &scopes };
        let error = home.pairings.approve(&id, caller, NOW, &mut home.rng).unwrap_err();
        assert_eq!(error.message, "missing scope: operator.admin");

        home.lets_in(&Client::cli(wire).device(2).scopes(&["operator.admin"]));
        let error =
            home.pairings.rotate(&device_id(2), "operator", None, caller, NOW, &mut home.rng).unwrap_err();
        assert!(["unknown deviceId/role", "device token rotation denied"].contains(&&*error.message));
    }
}

#[test]
fn on_v4_a_device_manages_itself_only() {
    let (mut home, id) = asking(V4);
    home.lets_in(&Client::cli(V4).device(2));
    let (own, scopes) = (device_id(2), list(PAIRING));
    let caller = Caller { wire: V4, device_id: Some(&own), scopes: &scopes };
    let other = device_id(1);
    let shown = home.pairings.list(caller, later(10), |_| true);
    assert_eq!((shown.pending.len(), shown.paired.len()), (0, 1));
    for (error, want) in [
        (
            home.pairings.approve(&id, caller, later(20), &mut home.rng).unwrap_err(),
            "device pairing approval denied",
        ),
        (home.pairings.reject(&id, caller, later(20)).unwrap_err(), "device pairing rejection denied"),
        (home.pairings.remove(&other, caller).unwrap_err(), "device pairing removal denied"),
        (
            home.pairings.rotate(&other, "node", None, caller, later(20), &mut home.rng).unwrap_err(),
            "device token rotation denied",
        ),
        (
            home.pairings.revoke(&other, "node", caller, later(20)).unwrap_err(),
            "device token revocation denied",
        ),
    ] {
        assert_eq!(error.message, want);
    }
    let caller = Caller { wire: V3, ..caller };
    assert_eq!(home.pairings.list(caller, later(10), |_| true).paired.len(), 2, "v3 has no such rule");
}

#[test]
fn rotating() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let old = home.token(&Client::cli(wire).device(1).scopes(&["operator.read"]));
        let (own, scopes) = (device_id(1), list(ADMIN));
        let caller = Caller { wire, device_id: None, scopes: &scopes };
        let denied = if wire == V3 { "unknown deviceId/role" } else { "device token rotation denied" };
        let wide = list(ADMIN);
        for (device, role, scopes) in
            [("nope", "operator", None), (&*own, "node", None), (&*own, "operator", Some(wide.as_slice()))]
        {
            let error =
                home.pairings.rotate(device, role, scopes, caller, later(5), &mut home.rng).unwrap_err();
            assert_eq!(error.message, denied, "{device} {role}");
        }
        let (payload, changes) =
            home.pairings.rotate(&own, "operator", None, caller, later(5), &mut home.rng).unwrap();
        home.apply(&changes);
        assert_eq!(changes.retire.unwrap().role.as_deref(), Some("operator"));
        assert_eq!(names(&payload.scopes), ["operator.read"]);
        assert_eq!(payload.rotated_at_ms, NOW.wall_ms + 5);
        assert_eq!(payload.token.is_some(), wire == V3, "v4 does not tell other devices");
        let by_old = Client::cli(wire).device(1).scopes(&["operator.read"]).auth(json!({"token": old}));
        home.refuses(&by_old);

        let caller = Caller { device_id: Some(&own), ..caller };
        let (payload, _) =
            home.pairings.rotate(&own, "operator", None, caller, later(6), &mut home.rng).unwrap();
        let token = payload.token.unwrap();
        home.lets_in(&Client::cli(wire).device(1).scopes(&["operator.read"]).auth(json!({"token": token})));
    }
}

#[test]
fn revoking() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let client = Client::cli(wire).device(1);
        let token = home.token(&client);
        let scopes = list(ADMIN);
        let caller = Caller { wire, device_id: None, scopes: &scopes };
        let denied = if wire == V3 { "unknown deviceId/role" } else { "device token revocation denied" };
        for (device, role) in [("nope", "operator"), (device_id(1).as_str(), "node")] {
            let error = home.pairings.revoke(device, role, caller, later(5)).unwrap_err();
            assert_eq!(error.message, denied);
        }
        let (payload, changes) = home.pairings.revoke(&device_id(1), "operator", caller, later(5)).unwrap();
        assert_eq!(payload.revoked_at_ms, NOW.wall_ms + 5);
        home.apply(&changes);
        home.restart();
        home.refuses(&client.clone().auth(json!({"token": token})));
        // With the shared secret the device is let in again, and gets another token.
        let again = home.token(&client);
        assert_ne!(again, token);
    }
}

#[test]
fn the_latest_come_first() {
    let mut home = Home::new();
    for (seed, ms) in [(1, 10), (2, 30), (3, 20)] {
        home.lets_in(&Client::cli(V3).device(seed).at(later(ms)));
        home.refuses(&far(Client::cli(V3).device(seed + 10)).at(later(ms)));
    }
    let scopes = list(ADMIN);
    let shown =
        home.pairings.list(Caller { wire: V3, device_id: None, scopes: &scopes }, later(40), |_| false);
    let order = |id: &str| (1..20).find(|seed| device_id(*seed) == id).unwrap();
    assert_eq!(shown.paired.iter().map(|d| order(&d.device_id)).collect::<Vec<_>>(), [2, 3, 1]);
    assert_eq!(shown.pending.iter().map(|d| order(&d.device_id)).collect::<Vec<_>>(), [12, 13, 11]);
}

//! Devices: pairing, tokens, upgrades, and who is told.

use pincer_tests::{
    Backend, Client, Gateway, Hello, Identity, Upgrade, Wire, is_event, on_each_backend, result_of,
};
use serde_json::{Value, json};

on_each_backend!(
    device_tokens,
    scope_upgrades_on_loopback,
    role_upgrades_wait_for_approval,
    rejected_requests,
    strangers_from_elsewhere,
    proxies_need_trust,
    rotate_revoke_remove,
    pairing_survives_a_restart,
);

const FOREIGN: &[(&str, &str)] = &[("Host", "gw.example.com")];

fn from_elsewhere(gateway: &Gateway, hello: &Hello) -> (Client, Value) {
    let mut client =
        Client::open_with(gateway.port, &Upgrade { headers: FOREIGN, ..Upgrade::default() }).unwrap();
    let response = client.hello(hello);
    (client, response)
}

fn device_tokens(backend: Backend) {
    let gateway = Gateway::start(backend);
    let identity = Identity::new();
    let cli = |wire| Hello::with_identity(wire, identity.clone()).cli();
    let first = result_of(Client::open(gateway.port).hello(&cli(Wire::V3)));
    let token = first["auth"]["deviceToken"].as_str().unwrap().to_owned();
    // The same again while it fits.
    let second = result_of(Client::open(gateway.port).hello(&cli(Wire::V3)));
    assert_eq!(second["auth"]["deviceToken"], token.as_str());
    // It replaces the shared secret: as the token on both wires, in a field of its own on v4.
    for (wire, field) in [(Wire::V3, "token"), (Wire::V4, "token"), (Wire::V4, "deviceToken")] {
        let hello = result_of(Client::open(gateway.port).hello(&cli(wire).auth(json!({ field: token }))));
        if wire == Wire::V4 {
            assert_eq!(hello["auth"]["method"], "device-token", "{field}");
        }
    }
    // It belongs to its device.
    let mut thief = Client::open(gateway.port);
    let refused = thief.hello(&Hello::new(Wire::V3).cli().auth(json!({ "token": token })));
    assert_eq!(
        refused["error"]["message"],
        "unauthorized: device token mismatch (rotate/reissue device token)"
    );
    assert_eq!(thief.closed().code, 1008);
}

/// Upstream's v3 refuses the second step even with the shared secret; people complain, so Pincer follows v4 there.
fn scope_upgrades_on_loopback(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let hello = Hello::new(wire).cli();
        let mut reader = gateway.connect(&hello.clone().scopes(&["operator.read"]));
        reader.ok("status", json!({}));
        let mut admin = gateway.connect(&hello);
        admin.ok("device.pair.list", json!({}));
    }
}

/// A device known as a node asks for operator rights: from here or not, somebody has to agree.
fn upgrade(gateway: &Gateway, wire: Wire, identity: &Identity) -> (Client, Value) {
    gateway.connect(&Hello::with_identity(wire, identity.clone()).node());
    upgrade_again(gateway, wire, identity)
}

fn role_upgrades_wait_for_approval(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut admin = gateway.connect(&Hello::new(wire));
        let from = admin.mark();
        let identity = Identity::new();
        let (mut client, refused) = upgrade(&gateway, wire, &identity);
        let error = &refused["error"];
        assert_eq!(error["code"], "NOT_PAIRED", "{refused:#}");
        let request = error["details"]["requestId"].as_str().expect("a request id").to_owned();
        if wire == Wire::V3 {
            assert_eq!(error["message"], "pairing required");
        } else {
            assert!(error["message"].as_str().unwrap().starts_with("pairing required: "), "{error:#}");
            for (name, value) in [
                ("code", json!("PAIRING_REQUIRED")),
                ("reason", json!("metadata-upgrade")),
                ("deviceId", json!(identity.id())),
            ] {
                assert_eq!(error["details"][name], value);
            }
        }
        assert_eq!(client.closed().code, 1008);

        let requested = admin.wait(from, |frame| is_event(frame, "device.pair.requested"));
        assert_eq!(requested["payload"]["requestId"], request.as_str());
        assert_eq!(requested["payload"]["deviceId"], identity.id());
        let pending = admin.ok("device.pair.list", json!({}))["pending"].clone();
        assert_eq!(pending.as_array().unwrap().len(), 1, "{pending:#}");
        // Asking again does not make a second request.
        let (_, again) = upgrade_again(&gateway, wire, &identity);
        assert_eq!(again["error"]["details"]["requestId"], request.as_str());

        let from = admin.mark();
        admin.ok("device.pair.approve", json!({ "requestId": request }));
        let resolved = admin.wait(from, |frame| is_event(frame, "device.pair.resolved"));
        assert_eq!(
            (&resolved["payload"]["requestId"], &resolved["payload"]["decision"]),
            (&json!(request), &json!("approved"))
        );
        let (_, hello) = upgrade_again(&gateway, wire, &identity);
        assert_eq!(hello["ok"], true, "approved: {hello:#}");
        // Done is done.
        let unknown = ("INVALID_REQUEST".to_owned(), "unknown requestId".to_owned());
        assert_eq!(admin.err("device.pair.approve", json!({ "requestId": request })), unknown);
    }
}

fn upgrade_again(gateway: &Gateway, wire: Wire, identity: &Identity) -> (Client, Value) {
    let mut client = Client::open(gateway.port);
    let response =
        client.hello(&Hello::with_identity(wire, identity.clone()).cli().scopes(&["operator.read"]));
    (client, response)
}

fn rejected_requests(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut admin = gateway.connect(&Hello::new(Wire::V3));
    let identity = Identity::new();
    let (_, refused) = upgrade(&gateway, Wire::V3, &identity);
    let request = refused["error"]["details"]["requestId"].clone();
    let from = admin.mark();
    admin.ok("device.pair.reject", json!({ "requestId": request }));
    let ours =
        |frame: &Value| is_event(frame, "device.pair.resolved") && frame["payload"]["requestId"] == request;
    assert_eq!(admin.wait(from, ours)["payload"]["decision"], "rejected");
    assert_eq!(admin.ok("device.pair.list", json!({}))["pending"], json!([]));
    let (_, again) = upgrade_again(&gateway, Wire::V3, &identity);
    assert_eq!(again["error"]["code"], "NOT_PAIRED");
}

/// A `Host` from elsewhere makes a peer remote on v3; v4 looks at the address alone.
fn strangers_from_elsewhere(backend: Backend) {
    let gateway = Gateway::start(backend);
    let (mut client, refused) = from_elsewhere(&gateway, &Hello::new(Wire::V3).cli());
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["message"]),
        (&json!("NOT_PAIRED"), &json!("pairing required"))
    );
    assert!(refused["error"]["details"]["requestId"].is_string());
    assert_eq!(client.closed().reason, "pairing required");
    let (_, accepted) = from_elsewhere(&gateway, &Hello::new(Wire::V4).cli());
    assert_eq!(accepted["ok"], true);
    // Without a nonce nobody from elsewhere gets in.
    let unsigned = Hello::new(Wire::V3).device(|device| {
        device.nonce = pincer_tests::Nonce::Absent;
        device.layout = pincer_tests::Layout::V1;
    });
    let (_, refused) = from_elsewhere(&gateway, &unsigned);
    assert_eq!(refused["error"]["message"], "device nonce required");
}

fn proxies_need_trust(backend: Backend) {
    let gateway = Gateway::start(backend);
    let headers: &[(&str, &str)] = &[("X-Forwarded-For", "203.0.113.9")];
    let open = || Client::open_with(gateway.port, &Upgrade { headers, ..Upgrade::default() });
    let refused = open().unwrap().hello(&Hello::new(Wire::V3).cli());
    assert_eq!(refused["error"]["message"], "pairing required");
    // v4: upstream refuses the upgrade itself with 403; one port for both wires can only refuse the connect.
    match open() {
        Ok(mut client) => {
            let refused = client.hello(&Hello::new(Wire::V4).cli());
            assert_eq!(refused["ok"], false, "{refused:#}");
            assert_eq!(client.closed().code, 1008);
        }
        Err(answer) => assert_eq!(answer.status(), 403),
    }
}

fn rotate_revoke_remove(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut admin = gateway.connect(&Hello::new(Wire::V3));
    let identity = Identity::new();
    let hello = Hello::with_identity(Wire::V3, identity.clone()).cli().scopes(&["operator.read"]);
    let first = result_of(Client::open(gateway.port).hello(&hello));
    let old = first["auth"]["deviceToken"].as_str().unwrap().to_owned();
    let paired = admin.ok("device.pair.list", json!({}))["paired"].clone();
    let own = paired.as_array().unwrap().iter().find(|device| device["deviceId"] == identity.id());
    assert!(!own.expect("it is listed").to_string().contains(&old), "a list shows no tokens");

    let rotated = admin.ok("device.token.rotate", json!({"deviceId": identity.id(), "role": "operator"}));
    let new = rotated["token"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    let with = |token: &str| Client::open(gateway.port).hello(&hello.clone().auth(json!({ "token": token })));
    assert_eq!(with(&old)["ok"], false, "the old token is void");
    assert_eq!(with(&new)["ok"], true);

    admin.ok("device.token.revoke", json!({"deviceId": identity.id(), "role": "operator"}));
    assert_eq!(with(&new)["ok"], false, "a revoked token is void");
    admin.ok("device.pair.remove", json!({"deviceId": identity.id()}));
    let paired = admin.ok("device.pair.list", json!({}))["paired"].to_string();
    assert!(!paired.contains(&identity.id()), "removed: {paired}");
    for method in ["device.token.rotate", "device.token.revoke"] {
        admin.err(method, json!({"deviceId": "nope", "role": "operator"}));
    }
    admin.err("device.pair.remove", json!({"deviceId": "nope"}));
}

fn pairing_survives_a_restart(backend: Backend) {
    let gateway = Gateway::start(backend);
    let (paired, waiting) = (Identity::new(), Identity::new());
    let hello = Hello::with_identity(Wire::V3, paired.clone()).cli();
    let first = result_of(Client::open(gateway.port).hello(&hello));
    let token = first["auth"]["deviceToken"].as_str().unwrap().to_owned();
    let (_, refused) = upgrade(&gateway, Wire::V3, &waiting);
    let request = refused["error"]["details"]["requestId"].as_str().unwrap().to_owned();
    // Not even an orderly end is needed.
    let gateway = gateway.kill().start();
    let mut admin = gateway.connect(&hello.auth(json!({ "token": token })));
    let list = admin.ok("device.pair.list", json!({}));
    assert!(list["paired"].to_string().contains(&paired.id()), "{list:#}");
    assert_eq!(list["pending"][0]["requestId"], request.as_str(), "{list:#}");
}

//! What passes, with which scopes, and what is approved silently.

use pincer_protocol::connect::AuthMethod;
use pincer_protocol::{Scope, ScopeSet};

use super::super::SilentApproval;
use super::*;

#[test]
fn scopes_without_a_device() {
    for (client, want) in [
        (Client::new(V3), 0),
        (Client::cli(V3), 0),
        (Client { id: "test", mode: "test", ..Client::new(V3) }, 0),
        (Client::new(V4), 5),
        (Client::cli(V4), 5),
        (Client { id: "test", mode: "test", ..Client::new(V4) }, 0),
        (Client { id: "cli", mode: "probe", ..Client::new(V4) }, 0),
        (Client::new(V4).header("Host", "gateway.example"), 5),
        (Client::new(V4).from("203.0.113.7"), 0),
        (Client::cli(V4).from("203.0.113.7"), 0),
        (Client::cli(V4).header("Origin", "http://127.0.0.1:18789"), 0),
    ] {
        let candidate = client.admitted(&policy());
        assert_eq!(
            candidate.scopes.len(),
            want,
            "{:?} {} {} {}",
            client.wire,
            client.id,
            client.mode,
            client.remote
        );
        assert_eq!(candidate.grant.contains(Scope::Admin), want > 0);
        assert_eq!(candidate.method, AuthMethod::Token);
    }
}

#[test]
fn unknown_scopes_are_kept_and_grant_nothing() {
    let candidate = Client::new(V4).scopes(&["made.up", "operator.read"]).admitted(&policy());
    assert_eq!(candidate.scopes, ["made.up".into(), "operator.read".into()] as [Box<str>; 2]);
    assert_eq!(candidate.grant, ScopeSet::EMPTY.with(Scope::Read));
}

#[test]
fn without_any_secret() {
    let open = AuthPolicy { mode: AuthMode::None, ..AuthPolicy::default() };
    let bare = |wire| Client::new(wire).auth(Value::Null);
    assert_eq!(bare(V4).admitted(&open).scopes.len(), 5, "a local back-end needs nothing");
    refused(&bare(V3), &open, "NOT_PAIRED", "device identity required", Value::Null);
    assert!(bare(V3).device(1).claim(&open).must_pair);
    assert!(!bare(V4).device(1).claim(&open).must_pair);
    let ui = Client::control_ui(V4).auth(Value::Null).device(1);
    assert!(!ui.claim(&open).must_pair, "nobody is asked, so nobody is kept out");
}

#[test]
fn the_config_may_let_a_v3_control_ui_pass_without_a_device() {
    let lax = AuthPolicy { control_ui_without_device: true, ..policy() };
    assert_eq!(Client::control_ui(V3).admitted(&lax).scopes.len(), 5);
    assert_eq!(Client::control_ui(V3).device(1).admitted(&lax).device_id, None, "nor is one looked at");
    refused(
        &Client::control_ui(V3).auth(json!({"token": "wrong"})),
        &lax,
        INVALID,
        "unauthorized: gateway token mismatch (open the dashboard URL and paste the token in Control UI settings)",
        Value::Null,
    );
    assert!(matches!(
        Client::control_ui(V4).refused(&lax).0.message.as_ref(),
        message if message.starts_with("control ui requires device identity")
    ));
}

#[test]
fn what_a_claim_carries() {
    let claim = Client::cli(V4).device(7).claim(&policy());
    assert_eq!(claim.device_id.as_ref(), super::super::testing::device_id(7));
    assert_eq!(claim.public_key.as_ref(), super::super::testing::public_key(7));
    assert_eq!((claim.scopes.len(), claim.remote_ip.as_deref()), (ALL.len(), None));
    let far = Client::cli(V4).device(7).from("203.0.113.7").claim(&policy());
    assert_eq!(far.remote_ip.as_deref(), Some("203.0.113.7"));
}

#[test]
fn silent_approval() {
    let (yes, no) = (true, false);
    let silent = |first_contact, role_upgrade, scope_upgrade, metadata_upgrade| SilentApproval {
        first_contact,
        role_upgrade,
        scope_upgrade,
        metadata_upgrade,
    };
    let nothing = SilentApproval::default();
    let app = |wire| Client { id: "openclaw-macos", mode: "ui", ..Client::new(wire) };
    let token = json!({"token": "some-device-token"});
    for (client, want) in [
        (Client::cli(V3), silent(yes, no, yes, no)),
        (Client::cli(V4), silent(yes, yes, yes, no)),
        (Client::cli(V3).header("Host", "gateway.example"), nothing),
        (Client::cli(V4).header("Host", "gateway.example"), silent(yes, yes, yes, no)),
        (Client::cli(V3).header("X-Forwarded-For", "203.0.113.7"), nothing),
        (Client::cli(V3).from("203.0.113.7"), nothing),
        (Client::cli(V4).from("203.0.113.7"), nothing),
        (Client::node(V3), silent(yes, no, yes, no)),
        (Client::node(V4), silent(yes, no, no, no)),
        (app(V4), silent(yes, yes, yes, yes)),
        (Client::control_ui(V4), silent(yes, yes, yes, no)),
        // Without the shared secret nothing grows.
        (Client::cli(V3).auth(token.clone()), silent(yes, no, no, no)),
        (Client::cli(V4).auth(token), silent(yes, yes, no, no)),
        // A page that talks like a program.
        (Client::cli(V4).header("Origin", "http://127.0.0.1:18789"), nothing),
        (Client::cli(V3).header("Origin", "http://evil.example"), silent(yes, no, no, no)),
        // A gateway in a container sees the page's browser as somebody in the container's network.
        (
            Client::control_ui(V4)
                .from("172.17.0.1")
                .header("Host", "localhost:18789")
                .header("Origin", "http://localhost:18789"),
            Client::control_ui(V4).device(1).claim(&policy()).silent,
        ),
    ] {
        let allowed = AuthPolicy { allowed_origins: vec!["http://localhost:18789".into()], ..policy() };
        let claim = client.clone().device(1).claim(&allowed);
        assert_eq!(
            claim.silent, want,
            "{:?} {} {} {:?}",
            client.wire, client.id, client.remote, client.headers
        );
    }
}

#[test]
fn drafts_keep_their_scope_while_the_proof_is_the_same() {
    let scope = |client: Client, policy: &AuthPolicy| policy.recovery_scope(&client.admitted(policy), None);
    let first = scope(Client::cli(V4), &policy()).unwrap();
    assert_eq!(scope(Client::cli(V4).scopes(&[]), &policy()).as_ref(), Some(&first));
    let other = AuthPolicy { token: SecretDigest::of("other"), ..policy() };
    let moved = scope(Client::cli(V4).auth(json!({"token": "other"})), &other).unwrap();
    assert_ne!(moved, first);
    assert_eq!(first.len(), 43);
    assert_eq!(scope(Client::node(V3), &policy()), None, "nodes have no drafts");
}

#[test]
fn the_nonce_of_the_challenge_is_the_one_that_counts() {
    let peer = super::super::Peer::new("127.0.0.1".parse().unwrap(), [], &policy());
    let handshake = super::super::Handshake::new(NONCE, peer);
    let challenge = serde_json::to_value(handshake.challenge(NOW)).unwrap();
    assert_eq!((&challenge["nonce"], &challenge["ts"]), (&json!(NONCE), &json!(NOW.wall_ms)));
}

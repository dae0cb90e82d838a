mod histories;
mod managing;

use pincer_protocol::ErrorShape;
use pincer_protocol::Wire::{self, V3, V4};
use pincer_protocol::connect::AuthMethod;
use pincer_protocol::method::device::{ApprovedVia, PairDecision};
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::time::Now;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::judge::uuid;
use super::*;
use crate::handshake::Rejection;
use crate::handshake::testing::{ALL, Client, NOW, device_id, policy};

/// A home shard's pairing table, and what would have been stored.
struct Home {
    pairings: Pairings,
    rng: ChaCha20Rng,
    rows: BTreeMap<(Table, String), String>,
    events: Vec<String>,
}

impl Home {
    fn new() -> Home {
        Home {
            pairings: Pairings::default(),
            rng: ChaCha20Rng::from_seed([9; 32]),
            rows: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn apply(&mut self, changes: &Changes) {
        for op in &changes.ops {
            match op {
                StoreOp::Put { table, id, json } => {
                    self.rows.insert((*table, id.clone()), json.clone());
                }
                StoreOp::Delete { table, id } => {
                    self.rows.remove(&(*table, id.clone()));
                }
                other => panic!("{other:?}"),
            }
        }
        for event in &changes.events {
            self.events.push(match event {
                PairEvent::Requested(event) => format!("requested {}", event.0.role.as_deref().unwrap()),
                PairEvent::Resolved(event) => match event.decision {
                    PairDecision::Approved => "approved".to_owned(),
                    PairDecision::Rejected => "rejected".to_owned(),
                },
            });
        }
    }

    fn judge(&mut self, client: &Client) -> Result<DeviceGrant, Box<Rejection>> {
        let claim = client.claim(&policy());
        let verdict = self.pairings.judge(&claim, client.now, &mut self.rng);
        let (result, changes) = match verdict {
            PairingVerdict::Granted { grant, changes, .. } => (Ok(grant), changes),
            PairingVerdict::Rejected { rejection, changes, .. } => (Err(rejection), changes),
        };
        self.apply(&changes);
        result
    }

    #[track_caller]
    fn lets_in(&mut self, client: &Client) -> DeviceGrant {
        self.judge(client).unwrap_or_else(|rejection| panic!("{rejection:?}"))
    }

    /// The token it lets `client` in with.
    #[track_caller]
    fn token(&mut self, client: &Client) -> String {
        self.lets_in(client).token.unwrap().token.reveal().to_owned()
    }

    #[track_caller]
    fn refuses(&mut self, client: &Client) -> (ErrorShape, String) {
        let rejection = self.judge(client).expect_err("let in");
        assert_eq!(rejection.close_code, 1008);
        let (_, error) = rejection.response.clone().unwrap();
        (error, rejection.close_reason)
    }

    /// The same as after a restart: what was stored, and nothing else.
    fn restart(&mut self) {
        let rows = |wanted: Table| {
            self.rows
                .iter()
                .filter(move |((table, _), _)| *table == wanted)
                .map(|((_, id), json)| (id.as_str(), json.as_str()))
        };
        let (pairings, problems) = Pairings::load(rows(Table::Devices), rows(Table::Pairings));
        assert_eq!(problems, Vec::<String>::new());
        self.pairings = pairings;
    }

    fn take_events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events)
    }
}

fn later(ms: u64) -> Now {
    Now { mono_ms: NOW.mono_ms + ms, wall_ms: NOW.wall_ms + ms }
}

/// From a host that is not this machine.
fn far(client: Client) -> Client {
    client.from("203.0.113.7")
}

fn names(scopes: &[Box<str>]) -> Vec<&str> {
    scopes.iter().map(|scope| &**scope).collect()
}

#[test]
fn first_contact_on_loopback_is_silent() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let grant = home.lets_in(&Client::cli(wire).device(1));
        assert_eq!(home.take_events(), ["approved"]);
        let token = grant.token.unwrap();
        assert_eq!(token.token.reveal().len(), 43);
        assert_eq!(token.issued_at_ms, NOW.wall_ms);
        assert_eq!(names(&grant.scopes), ALL, "the live grant keeps the client's order");
        let mut sorted = ALL;
        sorted.sort_unstable();
        assert_eq!(names(&token.scopes), sorted, "the token's scopes are sorted");
        let record = home.pairings.device(&device_id(1)).unwrap();
        assert_eq!(record.approved_via, Some(ApprovedVia::Silent));
        assert_eq!(record.created_at_ms, NOW.wall_ms);

        home.restart();
        let again = home.lets_in(&Client::cli(wire).device(1).at(later(90_000))).token.unwrap();
        assert_eq!((again.token, again.issued_at_ms), (token.token, NOW.wall_ms), "reused after a restart");
        assert_eq!(home.take_events(), Vec::<String>::new());
    }
}

#[test]
fn nodes_are_paired_silently_too() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let grant = home.lets_in(&Client::node(wire).device(1));
        assert_eq!(grant.token.unwrap().scopes, Vec::<Box<str>>::new());
        assert_eq!(names(&home.pairings.device(&device_id(1)).unwrap().roles), ["node"]);
    }
}

#[test]
fn more_scopes_on_loopback_are_silent_on_both_wires() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let reader = Client::cli(wire).device(1).scopes(&["operator.read"]);
        let first = home.token(&reader);
        let admin = Client::cli(wire).device(1).scopes(&["operator.admin"]).at(later(5));
        let second = home.lets_in(&admin).token.unwrap();
        assert_eq!(home.take_events(), ["approved", "approved"]);
        assert_ne!(first, second.token.reveal(), "a new token");
        assert_eq!(second.issued_at_ms, NOW.wall_ms + 5);
        assert_eq!(names(&second.scopes), ["operator.admin", "operator.read"]);
        let third = home.lets_in(&reader).token.unwrap();
        assert_eq!(third.token.reveal(), second.token.reveal(), "it fits fewer scopes as well");
        // Without the shared secret it does not grow.
        let by_token = Client::cli(wire).device(2).scopes(&["operator.read"]);
        let held = home.token(&by_token);
        let grown = Client::cli(wire).device(2).scopes(&["operator.write"]).auth(json!({"token": held}));
        let (error, _) = home.refuses(&grown);
        assert!(error.message.contains("mismatch"), "{}", error.message);
    }
}

#[test]
fn a_role_upgrade_waits_for_somebody() {
    let mut home = Home::new();
    home.lets_in(&Client::cli(V3).device(1));
    home.take_events();
    let (error, reason) = home.refuses(&Client::node(V3).device(1));
    let request = home.pairings.pending.values().next().unwrap().clone();
    assert_eq!(
        serde_json::to_value(error).unwrap(),
        json!({"code": "NOT_PAIRED", "message": "pairing required", "details": {"requestId": request.request_id}})
    );
    assert_eq!(reason, "pairing required");
    assert_eq!(home.take_events(), ["requested node"]);

    let mut home = Home::new();
    home.lets_in(&Client::cli(V4).device(1).scopes(&["operator.read"]));
    let (error, reason) = home.refuses(&Client::node(V4).device(1));
    let request = home.pairings.pending.values().next().unwrap().clone();
    let message = "pairing required: device is asking for a higher role than currently approved";
    assert_eq!(
        serde_json::to_value(error).unwrap(),
        json!({"code": "NOT_PAIRED", "message": message, "details": {
            "code": "PAIRING_REQUIRED", "reason": "role-upgrade", "requestId": request.request_id,
            "remediationHint": "Review the requested role upgrade, then approve the pending request.",
            "deviceId": device_id(1), "requestedRole": "node", "approvedRoles": ["operator"],
            "approvedScopes": ["operator.read"]}})
    );
    let whole = format!("{message} (requestId: {})", request.request_id);
    assert_eq!(reason, whole[..123]);
}

#[test]
fn another_machine_with_the_same_key_waits_on_v4() {
    let mut home = Home::new();
    let node = Client { family: Some("Linux"), ..Client::node(V4) }.device(1);
    home.lets_in(&node);
    let (error, _) = home.refuses(&Client::cli(V4).device(1).scopes(&["operator.read"]));
    let details = error.details.unwrap();
    assert_eq!(error.message, "pairing required: device identity changed and must be re-approved");
    assert_eq!(details["reason"], "metadata-upgrade");
    assert_eq!(details["requestedScopes"], json!(["operator.read"]));
    assert_eq!(details["approvedRoles"], json!(["node"]));
    assert_eq!(details.get("approvedScopes"), None);
    // The same machine in another role is fine, locally.
    home.lets_in(&Client { family: Some("linux"), ..Client::cli(V4) }.device(1));
    // v3 does not look at it.
    let mut home = Home::new();
    home.lets_in(&Client { family: Some("Linux"), ..Client::cli(V3) }.device(1));
    home.lets_in(&Client::cli(V3).device(1));
}

#[test]
fn a_token_of_one_role_is_none_of_another() {
    let mut home = Home::new();
    let token = home.token(&Client::node(V4).device(1));
    let operator = Client::cli(V4).device(1).auth(json!({"token": token}));
    let (error, _) = home.refuses(&operator);
    assert!(error.message.contains("mismatch"), "{}", error.message);
    assert_eq!(home.pairings.pending.len(), 0);
}

#[test]
fn from_afar_a_device_waits_and_a_second_request_joins_the_first() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let reader = far(Client::cli(wire).device(1)).scopes(&["operator.read"]);
        let first = home.refuses(&reader).0.details.unwrap();
        let second =
            home.refuses(&reader.clone().scopes(&["operator.write"]).at(later(1_000))).0.details.unwrap();
        assert_eq!(first["requestId"], second["requestId"]);
        assert_eq!(home.take_events(), ["requested operator"], "announced once");
        if wire == V4 {
            assert_eq!(first["reason"], "not-paired");
            assert_eq!(first["remediationHint"], "Approve this device from the pending pairing requests.");
        }
        let request = home.pairings.pending.values().next().unwrap();
        assert_eq!(names(request.scopes.as_ref().unwrap()), ["operator.read", "operator.write"]);
        assert_eq!(request.remote_ip.as_deref(), Some("203.0.113.7"));
        assert!(!request.silent && !request.is_repair);
        home.restart();
        let third = home.refuses(&reader.clone().at(later(2_000))).0.details.unwrap();
        assert_eq!(first["requestId"], third["requestId"], "also after a restart");
        let late = home.refuses(&reader.at(later(2_000 + PENDING_TTL_MS))).0.details.unwrap();
        assert_ne!(first["requestId"], late["requestId"], "a request lasts five minutes");
        assert_eq!(home.rows.keys().filter(|(table, _)| *table == Table::Pairings).count(), 1);
    }
}

#[test]
fn a_silent_approval_settles_what_waited_for_the_same() {
    let mut home = Home::new();
    home.refuses(&far(Client::cli(V4).device(1)).scopes(&["operator.read"]));
    home.lets_in(&Client::cli(V4).device(1));
    assert_eq!(home.pairings.pending.len(), 0);
    assert_eq!(home.rows.keys().filter(|(table, _)| *table == Table::Pairings).count(), 0);
    // But a silent approval never approves what waited for more.
    let mut home = Home::new();
    home.refuses(&far(Client::cli(V4).device(1)).scopes(&["operator.admin"]));
    home.lets_in(&Client::cli(V4).device(1).scopes(&["operator.read"]));
    assert_eq!(home.pairings.pending.len(), 1);
    assert_eq!(names(home.pairings.device(&device_id(1)).unwrap().allowed_scopes()), ["operator.read"]);
}

#[test]
fn device_tokens() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let token = home.token(&Client::cli(wire).device(1));
        let by = |auth: Value| Client::cli(wire).device(1).auth(auth);
        let grant = home.lets_in(&by(json!({"token": token})));
        assert_eq!(grant.method, AuthMethod::DeviceToken);
        assert_eq!(grant.token.unwrap().token.reveal(), token);
        // From afar as well: the device is known.
        home.lets_in(&far(by(json!({"token": token}))));
        if wire == V4 {
            home.lets_in(&by(json!({"deviceToken": token})));
        }
        // Another device cannot use it.
        let thief = Client::new(wire).device(2).auth(json!({"token": token}));
        let (error, _) = home.refuses(&thief);
        match wire {
            V3 => {
                assert_eq!(
                    error.message,
                    "unauthorized: device token mismatch (rotate/reissue device token)"
                );
                assert_eq!(error.details, None);
            }
            V4 => {
                assert_eq!(
                    error.message,
                    "unauthorized: gateway token mismatch (provide gateway auth token)"
                );
                assert_eq!(
                    error.details.unwrap(),
                    json!({"code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch",
                           "canRetryWithDeviceToken": true, "recommendedNextStep": "retry_with_device_token"})
                );
            }
        }
    }
}

#[test]
fn v4_says_what_is_wrong_with_an_explicit_device_token() {
    let mut home = Home::new();
    let token = home.token(&Client::cli(V4).device(1).scopes(&["operator.read"]));
    let by = |token: &str| Client::cli(V4).device(1).auth(json!({"deviceToken": token}));
    let (error, _) = home.refuses(&by("wrong"));
    assert_eq!(error.message, "unauthorized: device token mismatch (rotate/reissue device token)");
    assert_eq!(
        error.details.unwrap(),
        json!({"code": "AUTH_DEVICE_TOKEN_MISMATCH", "authReason": "device_token_mismatch",
               "canRetryWithDeviceToken": false, "recommendedNextStep": "update_auth_credentials"})
    );
    let (error, _) = home.refuses(&by(&token));
    assert_eq!(error.message, "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)");
    assert_eq!(error.details.unwrap()["code"], "AUTH_SCOPE_MISMATCH");
}

#[test]
fn v4s_local_back_ends_are_not_paired() {
    let mut home = Home::new();
    let grant = home.lets_in(&Client::new(V4).device(1));
    assert_eq!((grant.token, grant.method), (None, AuthMethod::Token));
    assert!(home.rows.is_empty() && home.take_events().is_empty());
    // v3's are.
    assert!(home.lets_in(&Client::new(V3).device(2)).token.is_some());
    // One that is paired keeps to what it was approved for.
    home.lets_in(&Client::cli(V4).device(3).scopes(&["operator.read"]));
    assert_eq!(home.lets_in(&Client::new(V4).device(3)).token, None);
    assert!(home.lets_in(&Client::new(V4).device(3).scopes(&["operator.read"])).token.is_some());
}

#[test]
fn odd_scopes_settle_at_once() {
    for wire in [V3, V4] {
        let mut home = Home::new();
        let odd = Client::cli(wire).device(1).scopes(&[" operator.read ", " ", "made.up", "made.up"]);
        home.lets_in(&odd);
        home.lets_in(&odd);
        assert_eq!(home.take_events(), ["approved"]);
    }
}

#[test]
fn tables_are_bounded() {
    let mut home = Home::new();
    let record = |n: usize, via, seen| DeviceRecord {
        device_id: format!("d{n:05}").into(),
        public_key: "k".into(),
        approved_via: Some(via),
        last_seen_at_ms: Some(seen),
        ..serde_json::from_value(
            json!({"deviceId": "", "publicKey": "", "createdAtMs": 0, "approvedAtMs": 0}),
        )
        .unwrap()
    };
    for n in 0..PAIRED_MAX {
        let via = if n == 0 { ApprovedVia::Owner } else { ApprovedVia::Silent };
        home.pairings.put_device(record(n, via, n as u64));
    }
    home.lets_in(&Client::cli(V4).device(1));
    assert_eq!(home.pairings.paired.len(), PAIRED_MAX);
    assert!(home.pairings.device("d00000").is_some(), "somebody approved it");
    assert!(home.pairings.device("d00001").is_none(), "it was here least lately");

    for record in home.pairings.paired.values_mut() {
        record.approved_via = Some(ApprovedVia::Owner);
    }
    let (error, _) = home.refuses(&Client::cli(V4).device(2));
    assert_eq!(error.message, "too many paired devices; remove some with device.pair.remove");

    let mut home = Home::new();
    for seed in 0..=u8::MAX {
        home.refuses(&far(Client::cli(V4).device(seed)).at(later(u64::from(seed))));
    }
    let first = home.pairings.pending_of(&device_id(0)).unwrap().request_id.clone();
    assert_eq!(home.pairings.pending.len(), PENDING_MAX);
    home.refuses(&far(Client::node(V4).device(1)).at(later(300)));
    assert_eq!(home.pairings.pending.len(), PENDING_MAX, "it has one already");
    home.pairings.paired.clear();
    let mut other = home.pairings.pending.values().next().unwrap().clone();
    (other.request_id, other.device_id) = ("x".into(), "x".into());
    home.pairings.drop_pending(&first);
    home.pairings.put_pending(other);
    home.refuses(&far(Client::cli(V4).device(0)).at(later(301)));
    assert_eq!(home.pairings.pending.len(), PENDING_MAX, "the oldest made room");
}

#[test]
fn long_names_are_cut() {
    let mut home = Home::new();
    let client = Client {
        extra: json!({"client": {"id": "cli", "mode": "cli", "version": "1", "platform": "p".repeat(9_000),
                                 "displayName": "é".repeat(9_000)}}),
        ..Client::cli(V3).device(1)
    };
    home.lets_in(&client);
    let record = home.pairings.device(&device_id(1)).unwrap();
    assert_eq!(record.display_name.as_ref().unwrap().chars().count(), TEXT_MAX);
    assert_eq!(record.platform.as_ref().unwrap().chars().count(), TEXT_MAX);
    home.lets_in(&client);
}

/// Found by fuzzing: a blank where the text is cut made the device another machine at its next look.
#[test]
fn a_text_cut_at_a_blank_stays_the_same() {
    let mut home = Home::new();
    let platform = format!("{} {}", "p".repeat(TEXT_MAX - 1), "q".repeat(9));
    let client = Client {
        extra: json!({"client": {"id": "cli", "mode": "cli", "version": "1", "platform": platform}}),
        ..Client::cli(V4).device(1).with_device(|device| device.version = "v2")
    };
    home.lets_in(&client);
    home.lets_in(&client);
    assert_eq!(home.take_events(), ["approved"]);
}

#[test]
fn visits_are_written_down_once_a_minute() {
    let mut home = Home::new();
    let client = Client::cli(V4).device(1);
    home.lets_in(&client);
    let token = home.token(&client);
    let by_token = client.clone().auth(json!({ "token": token }));
    let ops_of = |home: &mut Home, client: &Client, at: Now| {
        let claim = client.clone().at(at).claim(&policy());
        match home.pairings.judge(&claim, at, &mut home.rng) {
            PairingVerdict::Granted { changes, .. } => {
                home.apply(&changes);
                changes.ops.len()
            }
            other => panic!("{other:?}"),
        }
    };
    let minute = |n: u64| later((60 * n + 1) * 1_000 - NOW.wall_ms % 60_000);
    let ops = |home: &mut Home, at| ops_of(home, &client, at);
    for n in 1..4 {
        assert_eq!(ops(&mut home, minute(n)), 1, "whoever comes more often than once a minute is still seen");
        assert_eq!(ops(&mut home, Now { wall_ms: minute(n).wall_ms + 50_000, ..minute(n) }), 0);
    }
    let record = |home: &Home| home.pairings.device(&device_id(1)).unwrap().clone();
    assert_eq!(record(&home).last_seen_at_ms, Some(minute(3).wall_ms + 50_000));
    assert_eq!(record(&home).tokens["operator"].last_used_at_ms, None, "the gateway's token let it in");

    assert_eq!(ops_of(&mut home, &by_token, minute(3)), 1);
    assert_eq!(ops_of(&mut home, &by_token, minute(3)), 0);
    assert_eq!(record(&home).tokens["operator"].last_used_at_ms, Some(minute(3).wall_ms));
    assert_eq!(ops_of(&mut home, &by_token, minute(4)), 1);
    home.restart();
    assert_eq!(record(&home).tokens["operator"].last_used_at_ms, Some(minute(4).wall_ms));
}

#[test]
fn a_token_that_opened_nothing_was_not_used() {
    let mut home = Home::new();
    let client = Client::cli(V4).device(1);
    let token = home.token(&client);
    let moved = far(client.clone().auth(json!({ "token": token })))
        .with_device(|device| device.version = "v2")
        .scopes(&["operator.read"]);
    let moved = Client {
        extra: json!({"client": {"id": "cli", "mode": "cli", "version": "1", "platform": "other"}}),
        ..moved
    };
    let (error, _) = home.refuses(&moved);
    assert_eq!(error.details.unwrap()["reason"], "metadata-upgrade");
    let record = home.pairings.device(&device_id(1)).unwrap();
    assert_eq!(record.tokens["operator"].last_used_at_ms, None);
}

#[test]
fn request_ids_are_version_4_uuids() {
    let id = uuid(&mut ChaCha20Rng::from_seed([1; 32]));
    let shape: String = id.chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]), "{id}");
}

#[test]
fn rows_that_cannot_be_read_are_named() {
    let (pairings, problems) = Pairings::load([("bad", "{"), ("d", STORED)], [("worse", "[]")]);
    assert_eq!(pairings.devices().count(), 1);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("paired device bad: "), "{problems:?}");
}

/// As OpenClaw 2026.2.21 stores it.
const STORED: &str = r#"{"deviceId":"d","publicKey":"k","clientId":"cli","clientMode":"cli","role":"operator",
    "roles":["operator"],"scopes":["operator.read"],"approvedScopes":["operator.read"],
    "tokens":{"operator":{"token":"t","role":"operator","scopes":["operator.read"],"createdAtMs":5}},
    "createdAtMs":5,"approvedAtMs":5}"#;

//! Whatever happens in whatever order, what is stored is what is known, and nobody has more than was given.

use proptest::prelude::*;

use super::super::judge::SEEN_EVERY_MS;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// Device `seed` connects.
    Connect {
        wire: Wire,
        seed: u8,
        node: bool,
        far: bool,
        scopes: Vec<&'static str>,
        by_token: bool,
    },
    /// An administrator decides the request of a device.
    Decide {
        seed: u8,
        yes: bool,
    },
    /// An administrator changes a device's token, or forgets the device.
    Rotate {
        seed: u8,
    },
    Revoke {
        seed: u8,
    },
    Remove {
        seed: u8,
    },
    /// Time passes.
    Wait {
        ms: u64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let seed = 1u8..4;
    let scopes = prop::sample::subsequence(
        vec!["operator.admin", "operator.read", "operator.write", "made.up", " "],
        0..4,
    );
    prop_oneof![
        6 => (any::<bool>(), seed.clone(), any::<bool>(), any::<bool>(), scopes, any::<bool>()).prop_map(
            |(v4, seed, node, far, scopes, by_token)| Step::Connect {
                wire: if v4 { V4 } else { V3 }, seed, node, far, scopes, by_token,
            }
        ),
        2 => (seed.clone(), any::<bool>()).prop_map(|(seed, yes)| Step::Decide { seed, yes }),
        1 => seed.clone().prop_map(|seed| Step::Rotate { seed }),
        1 => seed.clone().prop_map(|seed| Step::Revoke { seed }),
        1 => seed.prop_map(|seed| Step::Remove { seed }),
        1 => prop_oneof![0..2 * SEEN_EVERY_MS, 0..2 * PENDING_TTL_MS].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

/// What is known, and apart from it when each device and token was last here: that is written down only now and then.
fn known(home: &Home) -> ([Vec<Value>; 2], Vec<Option<u64>>) {
    let paired: Vec<Value> =
        home.pairings.paired.values().map(|d| serde_json::to_value(d).unwrap()).collect();
    let pending = home.pairings.pending.values().map(|d| serde_json::to_value(d).unwrap()).collect();
    let mut visits = Vec::new();
    let mut plain = paired;
    for device in &mut plain {
        let mut take = |object: &mut Value, name| {
            visits.push(object.as_object_mut().unwrap().remove(name).and_then(|at| at.as_u64()));
        };
        take(device, "lastSeenAtMs");
        device["tokens"].as_object_mut().unwrap().values_mut().for_each(|token| take(token, "lastUsedAtMs"));
    }
    ([plain, pending], visits)
}

fn run(steps: Vec<Step>) {
    let (mut home, mut now) = (Home::new(), NOW);
    let mut tokens = BTreeMap::<(u8, bool), String>::new();
    let scopes: Vec<Box<str>> = vec!["operator.admin".into()];
    let admin = Caller { wire: V4, device_id: None, scopes: &scopes };
    for step in steps {
        let changes = match &step {
            Step::Connect { wire, seed, node, far, scopes, by_token } => {
                let base = if *node { Client::node(*wire) } else { Client::cli(*wire) };
                let client = base.scopes(scopes).from(if *far { "203.0.113.7" } else { "127.0.0.1" });
                let token = tokens.get(&(*seed, *node)).filter(|_| *by_token);
                let auth = token.map_or(json!({"token": "secret"}), |token| json!({"token": token}));
                let client = client.device(*seed).auth(auth).at(now);
                if let Ok(grant) = home.judge(&client) {
                    let record = home.pairings.device(&device_id(*seed)).expect("paired");
                    let role =
                        if *node { pincer_protocol::Role::Node } else { pincer_protocol::Role::Operator };
                    assert!(record.has_role(role.as_str()), "{step:?}");
                    assert!(
                        super::super::scopes::allows_all(role, record.allowed_scopes(), &grant.scopes),
                        "{step:?}"
                    );
                    tokens.insert((*seed, *node), grant.token.unwrap().token.reveal().to_owned());
                }
                None
            }
            Step::Decide { seed, yes } => {
                let id =
                    home.pairings.pending_of(&device_id(*seed)).map(|request| request.request_id.clone());
                id.and_then(|id| match yes {
                    true => home.pairings.approve(&id, admin, now, &mut home.rng).ok().map(|done| done.1),
                    false => home.pairings.reject(&id, admin, now).ok().map(|done| done.1),
                })
            }
            Step::Rotate { seed } => home
                .pairings
                .rotate(&device_id(*seed), "operator", None, admin, now, &mut home.rng)
                .ok()
                .map(|done| done.1),
            Step::Revoke { seed } => {
                home.pairings.revoke(&device_id(*seed), "operator", admin, now).ok().map(|done| done.1)
            }
            Step::Remove { seed } => home.pairings.remove(&device_id(*seed), admin).ok().map(|done| done.1),
            Step::Wait { ms } => {
                now = Now { mono_ms: now.mono_ms + ms, wall_ms: now.wall_ms + ms };
                let ops = home.pairings.expire(now);
                Some(Changes { ops, ..Changes::default() })
            }
            Step::Restart => {
                home.restart();
                None
            }
        };
        if let Some(changes) = changes {
            home.apply(&changes);
        }
        let (before, visits) = known(&home);
        let mut again = Home { rows: home.rows.clone(), ..Home::new() };
        again.restart();
        let (after, stored) = known(&again);
        assert_eq!(after, before, "stored is not what is known after {step:?}");
        for (visit, stored) in visits.into_iter().zip(stored) {
            let late = visit.unwrap_or(0) - stored.unwrap_or(0);
            assert!(late < SEEN_EVERY_MS, "a visit is forgotten after {step:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_history(steps in prop::collection::vec(step(), 1..40)) {
        run(steps);
    }
}

#[test]
fn from_afar_nobody_enters_unapproved() {
    let mut home = Home::new();
    for wire in [V3, V4] {
        for seed in 1..4 {
            home.refuses(&far(Client::cli(wire).device(seed)));
        }
    }
    assert_eq!(home.pairings.devices().count(), 0);
}

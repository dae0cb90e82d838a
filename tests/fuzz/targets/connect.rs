//! The handshake on any first frame from anywhere, and the pairing of whatever device it lets through.
//!
//! Input: a byte that chooses how the gateway authenticates and where the client is, then the first frame. The seeds are
//! signed for the nonce and the moment below.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_protocol::connect::AuthMode;
use pincer_protocol::json::Parser;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::time::Now;
use pincer_shard::handshake::{AuthPolicy, Decision, DeviceClaim, Handshake, Peer, SecretDigest};
use pincer_shard::limiter::{AuthLimiter, AuthLimits};
use pincer_shard::pairing::{Changes, Pairings, PairingVerdict};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const NONCE: &str = "fuzz-nonce";
const NOW: Now = Now { mono_ms: 0, wall_ms: 1_795_358_342_053 };

fuzz_target!(|input: &[u8]| {
    let Some((choice, frame)) = input.split_first() else { return };
    let mode = [AuthMode::Token, AuthMode::Password, AuthMode::None, AuthMode::TrustedProxy]
        [usize::from(choice & 3)];
    let policy = AuthPolicy {
        mode,
        token: SecretDigest::of("secret"),
        password: SecretDigest::of("secret"),
        ..AuthPolicy::default()
    };
    let remote = if choice & 4 == 0 { "127.0.0.1" } else { "203.0.113.7" };
    let mut headers: Vec<(&str, &[u8])> = vec![("Host", b"localhost:18789")];
    if choice & 8 != 0 {
        headers.push(("Origin", b"http://localhost:18789"));
    }
    if choice & 16 != 0 {
        headers.push(("X-Forwarded-For", b"198.51.100.3"));
    }
    let handshake = Handshake::new(NONCE, Peer::new(remote.parse().expect("an address"), headers, &policy));
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    let mut bytes = frame.to_vec();
    let decision = Parser::default()
        .parse(&mut bytes, |root| handshake.first_frame(Some(root), &policy, &mut limiter, NOW))
        .unwrap_or_else(|_| handshake.first_frame(None, &policy, &mut limiter, NOW));
    match decision {
        Decision::Reject(rejection) => {
            assert!([1000, 1002, 1008].contains(&rejection.close_code), "{rejection:?}");
            assert!(rejection.close_reason.len() <= 123, "{rejection:?}");
        }
        Decision::Admit(candidate) => {
            let open = matches!(mode, AuthMode::None | AuthMode::TrustedProxy);
            assert!(open || candidate.method.is_shared_secret(), "{candidate:?}");
        }
        Decision::NeedsDevice(_, claim) => settle(&claim),
    }
});

/// A device that is let in is let in again, with the same token, also after a restart.
fn settle(claim: &DeviceClaim) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut pairings = Pairings::default();
    let PairingVerdict::Granted { grant, changes, .. } = pairings.judge(claim, NOW, &mut rng) else { return };
    let mut restarted = restart(&changes);
    for pairings in [&mut pairings, &mut restarted] {
        match pairings.judge(claim, NOW, &mut rng) {
            PairingVerdict::Granted { grant: again, changes, .. } => {
                assert_eq!(again, grant);
                assert!(changes.events.is_empty(), "{changes:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn restart(changes: &Changes) -> Pairings {
    let rows = |wanted: Table| {
        changes.ops.iter().filter_map(move |op| match op {
            StoreOp::Put { table, id, json } if *table == wanted => Some((id.as_str(), json.as_str())),
            _ => None,
        })
    };
    let (pairings, problems) = Pairings::load(rows(Table::Devices), rows(Table::Pairings));
    assert!(problems.is_empty(), "{problems:?}");
    pairings
}

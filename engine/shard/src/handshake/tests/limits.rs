//! Addresses that guess.

use pincer_sessions::time::Now;

use super::*;
use crate::limiter::Credential;

const FAR: &str = "203.0.113.7";

fn later(ms: u64) -> Now {
    Now { mono_ms: NOW.mono_ms + ms, wall_ms: NOW.wall_ms + ms }
}

fn message(decision: Decision) -> String {
    match decision {
        Decision::Reject(rejection) => rejection.response.unwrap().1.message.into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn ten_guesses_lock_out_on_v4_also_with_the_right_token() {
    let mut limiter = AuthLimiter::new(policy().failure_limits());
    let client = Client::new(V4).from(FAR);
    let guess = client.clone().auth(json!({"token": "wrong"}));
    for _ in 0..10 {
        assert!(message(guess.knock(&policy(), &mut limiter)).contains("token mismatch"));
    }
    let Decision::Reject(rejection) = client.knock(&policy(), &mut limiter) else { panic!("let in") };
    let (_, error) = rejection.response.unwrap();
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        json!({
            "code": "INVALID_REQUEST",
            "message": "unauthorized: too many failed authentication attempts (retry later)",
            "details": v4_auth("AUTH_RATE_LIMITED", "rate_limited", false, "wait_then_retry"),
            "retryable": true,
            "retryAfterMs": 300_000,
        })
    );
    assert_eq!(rejection.close_reason, error.message);
    let after = client.at(later(300_000));
    assert!(matches!(after.knock(&policy(), &mut limiter), Decision::Admit(_)), "five minutes later");
}

#[test]
fn v3_counts_only_when_configured() {
    let guess = Client::new(V3).from(FAR).auth(json!({"token": "wrong"}));
    let configured =
        AuthPolicy { limits: Some(AuthLimits { attempts_max: 2, ..AuthLimits::default() }), ..policy() };
    for (policy, limited) in [(policy(), false), (configured, true)] {
        let mut limiter = AuthLimiter::new(policy.failure_limits());
        for _ in 0..12 {
            guess.knock(&policy, &mut limiter);
        }
        let last = Client::new(V3).from(FAR).knock(&policy, &mut limiter);
        if limited {
            let Decision::Reject(rejection) = last else { panic!("let in") };
            let (_, error) = rejection.response.unwrap();
            let text = "unauthorized: too many failed authentication attempts (retry later)";
            assert_eq!((error.message.as_ref(), error.details), (text, None));
        } else {
            assert!(matches!(last, Decision::Admit(_)), "{last:?}");
        }
    }
}

#[test]
fn this_machine_is_never_locked_out() {
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    for _ in 0..20 {
        Client::new(V4).auth(json!({"token": "wrong"})).knock(&policy(), &mut limiter);
    }
    assert!(matches!(Client::new(V4).knock(&policy(), &mut limiter), Decision::Admit(_)));
}

#[test]
fn a_guess_beside_a_device_counts_once_the_device_is_known_not_to_hold_that_token() {
    for wire in [V3, V4] {
        let policy =
            AuthPolicy { limits: Some(AuthLimits { attempts_max: 1, ..AuthLimits::default() }), ..policy() };
        let mut limiter = AuthLimiter::new(policy.failure_limits());
        let client = Client::new(wire).from(FAR).device(1).auth(json!({"token": "wrong"}));
        let Decision::NeedsDevice(_, claim) = client.knock(&policy, &mut limiter) else { panic!("refused") };
        let ip = FAR.parse().unwrap();
        assert_eq!(limiter.check(ip, Credential::SharedSecret, NOW), Ok(()), "not yet");
        claim.note(false).unwrap().apply(&mut limiter, NOW);
        for credential in [Credential::SharedSecret, Credential::DeviceToken] {
            assert!(limiter.check(ip, credential, NOW).is_err(), "{wire:?} {credential:?}");
        }
        claim.note(true).unwrap().apply(&mut limiter, NOW);
        assert_eq!(limiter.check(ip, Credential::DeviceToken, NOW), Ok(()), "a right one forgives");
    }
}

#[test]
fn a_bad_signature_does_not_make_guessing_free() {
    let mut limiter = AuthLimiter::new(AuthLimits { attempts_max: 1, ..AuthLimits::default() });
    let client = Client::new(V4)
        .from(FAR)
        .device(1)
        .auth(json!({"token": "wrong"}))
        .with_device(|device| device.over = json!({"signature": "AAAA"}));
    assert!(message(client.knock(&policy(), &mut limiter)).contains("signature invalid"));
    assert!(limiter.check(FAR.parse().unwrap(), Credential::SharedSecret, NOW).is_err());
}

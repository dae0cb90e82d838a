use super::*;
use crate::model::{Api, ProviderErrorKind::*, Secret};

const SECOND: u64 = 1000;

fn error(kind: ProviderErrorKind) -> ProviderError {
    ProviderError::new(kind, "x")
}

/// Models named by their provider.
fn models(providers: &str) -> Vec<Endpoint> {
    let endpoint = |provider: &str| Endpoint {
        provider: provider.to_owned(),
        model: "m".to_owned(),
        api: Api::OpenaiCompletions,
        base_url: String::new(),
        api_key: Secret::default(),
        headers: Vec::new(),
    };
    providers.split(' ').filter(|provider| !provider.is_empty()).map(endpoint).collect()
}

#[test]
fn which_failures_move_on() {
    for kind in [BadRequest, Auth, RateLimit, Server, Timeout, Network, Protocol] {
        assert!(moves_on(&error(kind), false), "{kind:?}");
        assert!(!moves_on(&error(kind), true), "{kind:?} after text");
    }
    assert!(!moves_on(&error(ContextOverflow), false));
    assert!(!moves_on(&error(Busy), false));
}

/// How long a provider rests after each of several failures in a row, each right after the rest before.
#[track_caller]
fn check_rests(kind: ProviderErrorKind, expect: &[Option<u64>]) {
    let (mut cooldowns, mut now_ms) = (Cooldowns::default(), 5);
    let rests = expect.iter().map(|_| {
        let rest = cooldowns.failed("a", &error(kind), now_ms);
        now_ms += rest.unwrap_or(0);
        rest.map(|ms| ms / SECOND)
    });
    assert_eq!(rests.collect::<Vec<_>>(), expect);
}

#[test]
fn rests_grow() {
    for kind in [Auth, RateLimit] {
        check_rests(kind, &[Some(60), Some(300), Some(1500), Some(3600), Some(3600)]);
    }
    for kind in [Server, Timeout, Network, Protocol] {
        check_rests(kind, &[Some(10), Some(20), Some(40), Some(80), Some(160), Some(300), Some(300)]);
    }
    for kind in [BadRequest, ContextOverflow, Busy] {
        check_rests(kind, &[None, None]);
    }
}

#[test]
fn the_provider_may_name_its_rest() {
    let mut cooldowns = Cooldowns::default();
    let asked = |ms| ProviderError { retry_after_ms: Some(ms), ..error(RateLimit) };
    assert_eq!(cooldowns.failed("a", &asked(2500), 0), Some(2500));
    assert_eq!(cooldowns.failed("b", &asked(u64::MAX), 0), Some(REST_MS_MAX));
    assert_eq!(cooldowns.failed("a", &asked(100), 1000), Some(1500), "the longer of two rests stands");
}

#[test]
fn an_answer_or_an_hour_forgets() {
    let mut cooldowns = Cooldowns::default();
    cooldowns.failed("a", &error(Server), 0);
    cooldowns.succeeded("a");
    assert_eq!(cooldowns.rests_until("a", 1), None);
    assert_eq!(cooldowns.failed("a", &error(Server), 1), Some(10 * SECOND));
    let rested = 1 + 10 * SECOND;
    assert_eq!(cooldowns.rests_until("a", rested - 1), Some(rested));
    assert_eq!(cooldowns.rests_until("a", rested), None);
    assert_eq!(cooldowns.failed("a", &error(Server), rested + FORGET_AFTER_MS), Some(10 * SECOND));
}

#[test]
fn a_wrong_request_leaves_a_rest_alone() {
    let mut cooldowns = Cooldowns::default();
    cooldowns.failed("a", &error(Server), 0);
    assert_eq!(cooldowns.failed("a", &error(BadRequest), 1), None);
    assert_eq!(cooldowns.rests_until("a", 1), Some(10 * SECOND));
}

#[test]
fn walking_the_list() {
    let list = models("a b a c");
    let mut cooldowns = Cooldowns::default();
    assert_eq!(cooldowns.next(&list, None, 0), Some(0));
    assert_eq!(cooldowns.next(&list, Some(0), 0), Some(1));
    cooldowns.failed("a", &error(Server), 0);
    assert_eq!(cooldowns.next(&list, Some(0), 0), Some(1));
    assert_eq!(cooldowns.next(&list, Some(1), 0), Some(3), "the second a rests too");
    assert_eq!(cooldowns.next(&list, None, 0), Some(1), "the next call begins with b");
    assert_eq!(cooldowns.next(&list, None, 10 * SECOND), Some(0), "until a has rested");
    assert_eq!(cooldowns.next(&list, Some(3), 0), None);
    assert_eq!(cooldowns.next(&list, Some(usize::MAX), 0), None);
    cooldowns.failed("b", &error(Server), 0);
    cooldowns.failed("c", &error(Server), 0);
    assert_eq!(cooldowns.next(&list, None, 0), Some(0), "all rest: the first is tried nonetheless");
    assert_eq!(cooldowns.next(&list, Some(0), 0), None, "but not the others after it");
    assert_eq!(cooldowns.next(&[], None, 0), None);
}

#[test]
fn memory_is_bounded() {
    let mut cooldowns = Cooldowns::default();
    for index in 0..PROVIDERS_MAX + 1 {
        cooldowns.failed(&index.to_string(), &error(Server), index as u64);
    }
    assert_eq!(cooldowns.resting.len(), PROVIDERS_MAX);
    assert_eq!(cooldowns.rests_until("0", 5), None, "rested soonest, so it was forgotten");
    assert!(cooldowns.rests_until(&PROVIDERS_MAX.to_string(), 5).is_some());
}

//! What happens at the bounds: too many calls, too large ones, and shards that are behind.

use std::sync::atomic::{AtomicU32, Ordering};

use pincer_adapters::http::{HttpRequest, Method};
use pincer_shard::driver::{LookupId, Mail};

use super::*;
use crate::calls::Calls as _;
use crate::mesh::{Mesh, MeshLimits, Post};

#[test]
fn calls_beyond_the_bound_wait_and_then_are_refused() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let desk = Desk::new(Limits { calls_max: 1, waiting_max: 2, ..Limits::default() });
    desk.start(1, request(&server.base_url()));
    assert!(matches!(desk.next(), (CallId(1), CallProgress::Events(_))));
    desk.start(2, request(&server.base_url()));
    desk.start(3, ModelRequest { timeout_ms: 300, ..request(&server.base_url()) });
    let error = desk.try_start(4, request(&server.base_url())).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Busy);
    assert_eq!(error.message, "too many model calls are under way; try again in a moment");
    let (call, CallProgress::Failed(error)) = desk.next() else { panic!() };
    assert_eq!((call, error.kind), (CallId(3), ProviderErrorKind::Timeout), "waiting counts");
    desk.egress.cancel(SHARD, CallId(1));
    assert!(matches!(desk.next(), (CallId(2), CallProgress::Events(_))), "its turn has come");
}

#[test]
fn a_waiting_call_can_be_cancelled() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let desk = Desk::new(Limits { calls_max: 1, ..Limits::default() });
    desk.start(1, request(&server.base_url()));
    desk.next();
    desk.start(2, request(&server.base_url()));
    desk.egress.cancel(SHARD, CallId(2));
    desk.egress.cancel(SHARD, CallId(1));
    desk.settle();
    assert!(desk.progress.try_recv().is_err());
    server.request();
    assert!(!server.was_asked(), "only the first call got there");
}

#[test]
fn prompts_are_bounded_together() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let desk = Desk::new(Limits { prompts_bytes_max: 200, ..Limits::default() });
    let start = |call, bytes: usize| {
        desk.try_start(call, ModelRequest { system: "x".repeat(bytes), ..request(&server.base_url()) })
    };
    assert_eq!(start(1, 999), Ok(()), "the only one may be as long as it is");
    desk.next();
    assert_eq!(start(2, 0).unwrap_err().kind, ProviderErrorKind::Busy);
    desk.egress.cancel(SHARD, CallId(1));
    desk.settle();
    assert_eq!(start(3, 0), Ok(()));
    assert_eq!(start(4, 100), Ok(()), "the room was given back");
    assert_eq!(start(5, 100).unwrap_err().kind, ProviderErrorKind::Busy);
}

#[test]
fn a_shard_without_room_is_waited_for() {
    let server =
        Server::start(vec![Write(head()), Write(text("a")), Pause(20), Write(text("b")), Write(end())]);
    let tries = AtomicU32::new(0);
    let has_room = move || tries.fetch_add(1, Ordering::SeqCst) % 4 == 3;
    let desk = Desk::with_room(Trust::Machine, Limits::default(), has_room);
    desk.start(1, request(&server.base_url()));
    assert_eq!(desk.outcome(), STREAM_END);
}

#[test]
fn a_call_is_cancelled_while_its_shard_has_no_room() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let (tried, tries) = channel();
    let desk = Desk::with_room(Trust::Machine, Limits::default(), move || {
        let _ = tried.send(());
        false
    });
    desk.start(1, request(&server.base_url()));
    tries.recv_timeout(PATIENCE).unwrap();
    desk.egress.cancel(SHARD, CallId(1));
    server.saw_close();
    desk.settle();
}

#[test]
fn even_the_last_word_stops_waiting_for_room() {
    let server = Server::start(vec![Write(plain(400, "", "no"))]);
    let (tried, tries) = channel();
    let desk = Desk::with_room(Trust::Machine, Limits::default(), move || {
        let _ = tried.send(());
        false
    });
    desk.start(1, request(&server.base_url()));
    tries.recv_timeout(PATIENCE).unwrap();
    desk.egress.cancel(SHARD, CallId(1));
    desk.settle();
}

#[test]
fn shards_call_through_the_runtimes_port() {
    let server = Server::start(vec![Write(head() + &text("ab")), Pause(50), Write(end())]);
    let bell = crate::bell::Bell::event(crate::bell::eventfd(false).unwrap());
    let mesh = Mesh::<()>::new(vec![bell], MeshLimits::default());
    let limits = Limits { calls_max: 1, waiting_max: 0, ..Limits::default() };
    let mut calls = Outside::new(limits, Post::new(Arc::clone(&mesh)));
    let shard = ShardId(0);
    let next = || {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            match mesh.take(shard, &mut 0) {
                Some(mail) => return mail,
                None => assert!(std::time::Instant::now() < until, "nothing came"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let cleared = || Box::new(cleared_of(request(&server.base_url())));
    let (first, second) = (cleared(), cleared());
    assert!(calls.call(shard, CallId(1), first).is_ok());
    let refused = calls.call(shard, CallId(2), second);
    assert!(matches!(refused, Err(CallProgress::Failed(error)) if error.kind == ProviderErrorKind::Busy));
    while !matches!(next(), Mail::Model { progress: CallProgress::Done, .. }) {}
    calls.cancel(shard, CallId(1));
    // Nobody listens there.
    let nowhere = HttpRequest {
        method: Method::Get,
        url: "http://127.0.0.1:1/".to_owned(),
        headers: Vec::new(),
        body: Default::default(),
    };
    let question = Lookup { request: nowhere, timeout_ms: 5_000, body_bytes_max: 10 };
    calls.look_up(shard, LookupId(7), Box::new(cleared_of(question))).unwrap();
    let Mail::LookedUp { lookup: LookupId(7), answer: Err(_) } = next() else { panic!("no answer") };
}

#[test]
fn many_calls_at_once_end_once_each() {
    const CALLS: u64 = 120;
    let server = Server::start(vec![Write(head() + &text("a")), Pause(5), Write(text("b") + &end())]);
    let desk = Desk::new(Limits { calls_max: 40, ..Limits::default() });
    (0..CALLS).for_each(|call| desk.start(call, request(&server.base_url())));
    let mut ended = std::collections::HashSet::new();
    while (ended.len() as u64) < CALLS {
        match desk.next() {
            (_, CallProgress::Events(_)) => {}
            (call, CallProgress::Done) => assert!(ended.insert(call), "{call:?} twice"),
            (call, CallProgress::Failed(error)) => panic!("{call:?} {error}"),
        }
    }
    desk.settle();
    assert!(desk.progress.try_recv().is_err());
}

#[test]
fn the_bound_counts_every_limit_that_holds_memory() {
    let bound = |limits: Limits| limits.memory_bound();
    let usual = bound(Limits::default());
    assert!(bound(Limits { calls_max: 2048, ..Limits::default() }) > usual);
    assert!(bound(Limits { prompts_bytes_max: 1 << 40, ..Limits::default() }) > usual);
    assert!(bound(Limits { response_bytes_max: 1000, ..Limits::default() }) < usual);
    assert_eq!(bound(Limits { prompts_bytes_max: u64::MAX, ..Limits::default() }), u64::MAX);
}

#[test]
fn an_answer_is_bounded() {
    let limits = Limits { response_bytes_max: 500, ..Limits::default() };
    let many: String = (0..10).map(|_| chunk(&format!(": {}\n\n", "x".repeat(60)))).collect();
    check_with(
        limits,
        vec![Write(head() + &text("a") + &many), AwaitClose],
        &["text a", "failed Protocol the provider's answer is larger than 500 bytes"],
    );
}

#[test]
fn a_flood_does_not_outlast_the_deadline() {
    let server = Server::start(vec![Write(head()), WriteForever(chunk(&": still here\n\n".repeat(2000)))]);
    let desk = Desk::new(Limits { response_bytes_max: u64::MAX, ..Limits::default() });
    desk.start(1, ModelRequest { timeout_ms: 300, ..request(&server.base_url()) });
    assert_eq!(desk.outcome(), ["failed Timeout the call took longer than it may"]);
}

//! Where io_uring is forbidden, as in containers: what is chosen, and what is said.

use pincer_tests::{Backend, Hello, Setup, Wire, example};

/// Under a seccomp filter that refuses io_uring's system calls.
fn forbidden(setup: Setup) -> Setup {
    Setup { wrapper: vec![example("pincer-runtime", "no_uring"), "eperm".into()], ..setup }
}

#[test]
fn auto_takes_epoll_and_says_why() {
    let setup = forbidden(Setup { backend: None, ..Setup::new(Backend::Epoll) });
    let gateway = setup.start();
    assert!(gateway.log().contains("epoll"), "{}", gateway.log());
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        assert_eq!(client.chat("main", &format!("{wire:?}"), "hello")["state"], "final");
    }
    let gateway = gateway.kill().start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let history = client.ok("chat.history", serde_json::json!({"sessionKey": "main"}));
    assert_eq!(history["messages"].as_array().unwrap().len(), 4);
}

#[test]
fn a_forced_uring_fails_with_cause_and_cure() {
    let setup = forbidden(Setup::new(Backend::Uring));
    let exit = setup.try_start().expect_err("io_uring is forbidden");
    assert!(matches!(exit.code, Some(code) if code != 0), "{exit:?}");
    assert!(exit.log.contains("io_uring") && exit.log.contains("--backend"), "{}", exit.log);
    assert!(!exit.log.contains("panicked"), "{}", exit.log);
}

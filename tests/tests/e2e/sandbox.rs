//! Where io_uring is forbidden, as in containers: what is chosen, and what is said.

use pincer_tests::{Backend, Hello, Setup, Wire, no_uring};

/// Ways to forbid io_uring, as `no_uring` knows them: Docker's default profile answers EPERM, gVisor and old kernels
/// ENOSYS, and a filter may forbid only the call that does the work.
const WAYS: [&str; 3] = ["eperm", "enosys", "enter"];

fn forbidden(way: &str, setup: Setup) -> Setup {
    Setup { wrapper: vec![no_uring(), way.into()], ..setup }
}

#[test]
fn auto_takes_epoll_and_says_why() {
    for way in WAYS {
        let setup = forbidden(way, Setup { backend: None, ..Setup::new(Backend::Epoll) });
        let gateway = setup.start();
        let log = gateway.log();
        assert!(log.contains("backend epoll (auto: "), "{way}: {log}");
        for wire in Wire::BOTH {
            let mut client = gateway.connect(&Hello::new(wire));
            assert_eq!(client.chat("main", &format!("{wire:?}"), "hello")["state"], "final");
        }
        let gateway = gateway.kill().start();
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        let history = client.ok("chat.history", serde_json::json!({"sessionKey": "main"}));
        assert_eq!(history["messages"].as_array().unwrap().len(), 4, "{way}");
    }
}

/// Exit code 78: starting again changes nothing.
#[test]
fn a_forced_uring_fails_with_cause_and_cure() {
    for way in WAYS {
        let setup = forbidden(way, Setup::new(Backend::Uring));
        let exit = setup.try_start().expect_err("io_uring is forbidden");
        assert_eq!(exit.code, Some(78), "{way}: {exit:?}");
        assert!(exit.log.contains("io_uring") && exit.log.contains("--backend"), "{way}: {}", exit.log);
        assert!(!exit.log.contains("panicked"), "{way}: {}", exit.log);
    }
}

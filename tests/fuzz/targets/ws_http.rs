//! HTTP heads and the upgrade: any bytes, read at any length, must never panic, and more bytes must never change an
//! answer that was given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_ws::http::{HEAD_BYTES_MAX, Head, HeadStatus, upgrade_response};

fuzz_target!(|input: &[u8]| {
    match Head::parse(input) {
        HeadStatus::Partial => assert!(input.len() < HEAD_BYTES_MAX),
        HeadStatus::Bad(status) => assert!(matches!(status, 400 | 431 | 505)),
        HeadStatus::Complete { head, len } => {
            assert!(len <= input.len().min(HEAD_BYTES_MAX));
            assert!(head.target().contains(head.path()) || head.path() == "/");
            let _ = (head.query(), head.body(), head.wants_keep_alive(), head.is_upgrade());
            let shorter = Head::parse(&input[..len - 1]);
            assert!(!matches!(shorter, HeadStatus::Complete { .. }), "complete only with its last byte");
            match upgrade_response(&head) {
                Ok(response) => {
                    // Whatever was asked, the answer is one head with nothing behind it.
                    let HeadStatus::Complete { len, .. } = Head::parse(&as_request(&response)) else {
                        panic!("{:?}", String::from_utf8_lossy(&response));
                    };
                    assert_eq!(len, as_request(&response).len());
                }
                Err(refusal) => assert!(refusal.response().starts_with(b"HTTP/1.1 4") || refusal.status() == 505),
            }
        }
    }
});

/// The response with a request line in place of its status line, so that our own parser reads it.
fn as_request(response: &[u8]) -> Vec<u8> {
    let line = response.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    [b"GET / HTTP/1.1\r", &response[line..]].concat()
}

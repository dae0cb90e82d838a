use super::*;

#[track_caller]
fn parse(text: &str) -> Head<'_> {
    match Head::parse(text.as_bytes()) {
        HeadStatus::Complete { head, .. } => head,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_bad(text: &str, status: u16) {
    match Head::parse(text.as_bytes()) {
        HeadStatus::Bad(bad) => assert_eq!(bad, status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_head_and_what_is_behind_it() {
    let bytes = b"GET /a?b=c HTTP/1.1\r\nHost: here\r\nX-Two:  1 \r\nx-two: 2\r\n\r\nrest";
    let HeadStatus::Complete { head, len } = Head::parse(bytes) else { panic!() };
    assert_eq!(&bytes[len..], b"rest");
    assert_eq!((head.method(), head.target(), head.is_http_11()), ("GET", "/a?b=c", true));
    assert_eq!(head.header("HOST"), Some("here"));
    assert_eq!(head.headers_named("X-TWO").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(head.header("absent"), None);
    assert_eq!(head.headers().len(), 3);
}

#[test]
fn every_prefix_is_partial() {
    let bytes = b"GET /a?b=c HTTP/1.1\r\nHost: here\r\n\r\n";
    for len in 0..bytes.len() {
        assert!(matches!(Head::parse(&bytes[..len]), HeadStatus::Partial), "{len}");
    }
}

#[test]
fn path_and_query() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/a/b", "/a/b", None),
        ("/a?", "/a", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/a#x?y", "/a", None),
        ("/a?b#c", "/a", Some("b")),
        ("http://h:1/a?b", "/a", Some("b")),
        ("http://h", "/", None),
        ("http://h?b", "", Some("b")),
        ("*", "*", None),
    ] {
        let text = format!("GET {target} HTTP/1.1\r\n\r\n");
        let head = parse(&text);
        assert_eq!((head.path(), head.query()), (path, query), "{target}");
    }
}

#[test]
fn bad_heads() {
    check_bad("GET / HTTP/2.0\r\n\r\n", 505);
    check_bad("G(T / HTTP/1.1\r\n\r\n", 400);
    check_bad("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
    check_bad("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400);
    check_bad("\u{16}\u{3}\u{1}", 400); // a TLS client on a plain port
}

#[test]
fn heads_are_bounded() {
    let line = "GET / HTTP/1.1\r\n";
    let filled = |len: usize| format!("{line}A: {}\r\n\r\n", "b".repeat(len - line.len() - 7));
    assert_eq!(filled(HEAD_BYTES_MAX).len(), HEAD_BYTES_MAX);
    parse(&filled(HEAD_BYTES_MAX));
    check_bad(&filled(HEAD_BYTES_MAX + 1), 431);
    check_bad(&"A".repeat(HEAD_BYTES_MAX), 431);

    let many = |count: usize| format!("{line}{}\r\n", "A: b\r\n".repeat(count));
    parse(&many(HEADERS_MAX));
    check_bad(&many(HEADERS_MAX + 1), 431);
}

#[test]
fn a_value_that_is_not_utf8_is_as_good_as_absent() {
    let HeadStatus::Complete { head, .. } = Head::parse(b"GET / HTTP/1.1\r\nA: \xff\r\n\r\n") else {
        panic!()
    };
    assert_eq!(head.header("a"), None);
    assert_eq!(head.headers(), [("A", &b"\xff"[..])]);
}

#[test]
fn upgrade_is_asked_for_with_both_headers() {
    for (headers, expected) in [
        ("Upgrade: websocket\r\nConnection: Upgrade\r\n", true),
        ("Upgrade: h2c, WebSocket\r\nConnection: keep-alive,upgrade\r\n", true),
        ("Upgrade: websocket\r\n", false),
        ("Connection: Upgrade\r\n", false),
        ("Upgrade: websockets\r\nConnection: Upgrade\r\n", false),
    ] {
        assert_eq!(parse(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).is_upgrade(), expected, "{headers}");
    }
}

#[test]
fn keep_alive() {
    for (version, headers, expected) in [
        ("1.1", "", true),
        ("1.1", "Connection: Close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
    ] {
        assert_eq!(parse(&format!("GET / HTTP/{version}\r\n{headers}\r\n")).wants_keep_alive(), expected);
    }
}

#[test]
fn body_framing() {
    for (headers, expected) in [
        ("", Ok(Body::Empty)),
        ("Content-Length: 0\r\n", Ok(Body::Empty)),
        ("Content-Length: 12\r\n", Ok(Body::Length(12))),
        ("Content-Length: 12\r\nContent-Length: 12\r\n", Ok(Body::Length(12))),
        ("Content-Length: 12\r\nContent-Length: 13\r\n", Err(400)),
        ("Content-Length: +12\r\n", Err(400)),
        ("Content-Length: \r\n", Err(400)),
        ("Content-Length: 99999999999999999999\r\n", Err(400)),
        ("Transfer-Encoding: Chunked\r\n", Ok(Body::Chunked)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 12\r\n", Err(400)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(400)),
        ("Transfer-Encoding: gzip, chunked\r\n", Err(501)),
    ] {
        assert_eq!(parse(&format!("POST / HTTP/1.1\r\n{headers}\r\n")).body(), expected, "{headers}");
    }
}

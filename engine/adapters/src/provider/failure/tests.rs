use super::*;
use crate::model::{Api, ProviderErrorKind::*, Secret};
use crate::provider::transcript;

#[track_caller]
fn check(status: u16, body: &str, kind: ProviderErrorKind, message: &str) {
    let error = refusal(status, None, body.as_bytes());
    assert_eq!((error.kind, error.message.as_str(), error.status), (kind, message, Some(status)), "{body}");
}

#[test]
fn as_recorded() {
    let body =
        r#"{"error":{"message":"mock failure requested","type":"invalid_request_error","code":"mock_fail"}}"#;
    check(400, body, BadRequest, "400 mock failure requested");
}

#[test]
fn the_reason_wherever_it_is() {
    let anthropic =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#;
    check(529, anthropic, Server, "529 Overloaded");
    check(
        404,
        r#"{"error":"model 'x' not found, try pulling it first"}"#,
        BadRequest,
        "404 model 'x' not found, try pulling it first",
    );
    check(422, r#"{"detail":"bad field"}"#, BadRequest, "422 bad field");
    check(500, r#"{"object":"error","message":"boom","code":500}"#, Server, "500 boom");
    check(
        400,
        r#"[{"error":{"code":400,"message":"bad key","status":"INVALID_ARGUMENT"}}]"#,
        BadRequest,
        "400 bad key",
    );
    check(
        502,
        r#"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"cold","provider_name":"X"}}}"#,
        Server,
        "502 Provider returned error: cold",
    );
}

#[test]
fn bodies_that_are_not_json() {
    check(500, "", Server, "500 status code (no body)");
    check(500, "  \n", Server, "500 status code (no body)");
    check(503, "upstream connect error", Server, "503 upstream connect error");
    check(502, "<html><head><title>502 Bad Gateway</title></head></html>", Server, "502 502 Bad Gateway");
    check(502, "<html></html>", Server, "502 status code (no body)");
    check(502, "<title>", Server, "502 status code (no body)");
    check(502, "</title><title>", Server, "502 status code (no body)");
    check(500, r#"{"error":{}}"#, Server, r#"500 {"error":{}}"#);
    check(500, r#"{"error":{"message":{"a":1}}}"#, Server, r#"500 {"error":{"message":{"a":1}}}"#);
}

#[test]
fn kinds_by_status() {
    for (status, kind) in [
        (301, Protocol),
        (400, BadRequest),
        (401, Auth),
        (402, RateLimit),
        (403, Auth),
        (404, BadRequest),
        (408, Timeout),
        (413, ContextOverflow),
        (429, RateLimit),
        (499, BadRequest),
        (500, Server),
        (504, Timeout),
        (529, Server),
        (999, Protocol),
    ] {
        assert_eq!(refusal(status, None, b"x").kind, kind, "{status}");
    }
    assert!(refusal(307, None, b"").message.starts_with("307 redirects are not followed"));
}

#[test]
fn kinds_by_what_is_said() {
    for (body, kind) in [
        (r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#, ContextOverflow),
        (r#"{"error":{"message":"This model's maximum context length is 8192 tokens."}}"#, ContextOverflow),
        (r#"{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#, ContextOverflow),
        (r#"{"error":{"message":"Your credit balance is too low to access the API."}}"#, RateLimit),
        (r#"{"error":{"message":"x","type":"insufficient_quota"}}"#, RateLimit),
        (r#"{"error":{"message":"x","type":"invalid_request_error"}}"#, BadRequest),
    ] {
        assert_eq!(refusal(400, None, body.as_bytes()).kind, kind, "{body}");
    }
}

#[test]
fn pauses() {
    let of = |pairs: &[(&str, &'static str)]| {
        retry_after_ms(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[("retry-after", "2")]), Some(2000));
    assert_eq!(of(&[("retry-after", "0.5")]), Some(500));
    assert_eq!(of(&[("retry-after", "9"), ("retry-after-ms", "1500")]), Some(1500));
    assert_eq!(of(&[("retry-after-ms", "soon"), ("retry-after", "1")]), Some(1000));
    assert_eq!(of(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]), None);
    for (value, expect) in [("-1", None), ("NaN", None), ("inf", Some(3_600_000)), ("1e300", Some(3_600_000))]
    {
        assert_eq!(of(&[("retry-after", value)]), expect, "{value}");
    }
}

#[track_caller]
fn check_cleaned(message: &str, expect: &str) {
    let mut endpoint = transcript::request(Api::OpenaiCompletions, "http://h").endpoint;
    endpoint.api_key = Secret::new("sk-1234567890");
    endpoint.headers = vec![
        ("x-auth".to_owned(), Secret::new("Token abcdefghij")),
        ("x-short".to_owned(), Secret::new("ollama")),
    ];
    assert_eq!(ProviderError::new(Auth, message).cleaned(&endpoint).message, expect);
}

#[test]
fn credentials_are_redacted() {
    check_cleaned("401 Incorrect API key: sk-1234567890.", "401 Incorrect API key: [redacted].");
    check_cleaned("got Token abcdefghij", "got [redacted]");
    check_cleaned("got abcdefghij", "got [redacted]");
    check_cleaned("model ollama/x not found", "model ollama/x not found");
}

#[test]
fn messages_are_one_bounded_line() {
    check_cleaned("a\r\n\tb\u{0}\u{1b}[31m  c ", "a b [31m c");
    let long = "ü".repeat(MESSAGE_CHARS_MAX + 1);
    check_cleaned(&long, &format!("{}…", "ü".repeat(MESSAGE_CHARS_MAX)));
    check_cleaned(&"ü".repeat(MESSAGE_CHARS_MAX), &"ü".repeat(MESSAGE_CHARS_MAX));
}

#[test]
fn a_credential_at_the_cut_is_redacted_whole() {
    let message = format!("{}sk-1234567890", "x".repeat(MESSAGE_CHARS_MAX - 5));
    check_cleaned(&message, &format!("{}[reda…", "x".repeat(MESSAGE_CHARS_MAX - 5)));
}

//! Whole responses, body included, for the few small pages a gateway serves.

use std::io::Write;

/// How a response is sent, beyond its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseOptions {
    /// The request was `HEAD`: everything but the body.
    pub head_only: bool,
    /// Keep the connection open for another request.
    pub keep_alive: bool,
}

/// A response with its length and two headers every page of ours carries: browsers must neither guess the type nor
/// leak the address, which can carry a token, to other sites.
///
/// `extra` headers come last, as given. One that would break out of its line (a line break or NUL in name or value)
/// is left out.
pub fn simple_response(
    status: u16,
    content_type: &str,
    body: &[u8],
    extra: &[(&str, &str)],
    options: ResponseOptions,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + if options.head_only { 0 } else { body.len() });
    // Writing to a vector cannot fail.
    let _ = write!(out, "HTTP/1.1 {status} {}\r\n", reason_phrase(status));
    append_header(&mut out, "Content-Type", content_type);
    let _ = write!(out, "Content-Length: {}\r\n", body.len());
    append_header(&mut out, "X-Content-Type-Options", "nosniff");
    append_header(&mut out, "Referrer-Policy", "no-referrer");
    append_header(&mut out, "Connection", if options.keep_alive { "keep-alive" } else { "close" });
    for (name, value) in extra {
        append_header(&mut out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    if !options.head_only {
        out.extend_from_slice(body);
    }
    out
}

/// Appends a header line, unless it would be more than one line.
pub(crate) fn append_header(out: &mut Vec<u8>, name: &str, value: &str) {
    let breaks = |text: &str| text.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    if breaks(name) || breaks(value) || name.is_empty() || name.contains(':') {
        return;
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The words that go with a status (RFC 9110, RFC 6585). Empty for one we never send.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "text/plain; charset=utf-8";

    #[track_caller]
    fn check(status: u16, body: &str, extra: &[(&str, &str)], options: ResponseOptions, expected: &str) {
        let response = simple_response(status, PLAIN, body.as_bytes(), extra, options);
        assert_eq!(String::from_utf8(response).unwrap().replace("\r\n", "\n"), expected);
    }

    #[test]
    fn a_page() {
        check(
            200,
            "ok",
            &[("Cache-Control", "no-store")],
            ResponseOptions { head_only: false, keep_alive: true },
            "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nContent-Length: 2\n\
             X-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer\nConnection: keep-alive\n\
             Cache-Control: no-store\n\nok",
        );
    }

    #[test]
    fn a_head_tells_the_length_of_the_body_it_leaves_out() {
        check(
            404,
            "nothing here",
            &[],
            ResponseOptions { head_only: true, keep_alive: false },
            "HTTP/1.1 404 Not Found\nContent-Type: text/plain; charset=utf-8\nContent-Length: 12\n\
             X-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer\nConnection: close\n\n",
        );
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        let options = ResponseOptions { head_only: false, keep_alive: true };
        for (name, value) in
            [("A", "b\r\nSet-Cookie: c"), ("A\r\nB", "c"), ("", "b"), ("A: b", "c"), ("A", "b\0")]
        {
            assert_eq!(
                simple_response(200, PLAIN, b"", &[(name, value)], options),
                simple_response(200, PLAIN, b"", &[], options)
            );
        }
    }
}

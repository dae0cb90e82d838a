//! Request heads.

use httparse::{EMPTY_HEADER, Request, Status};

/// Longest head read, in bytes, request line and final empty line included. Node's default, which clients know.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// Most header lines in a head.
pub const HEADERS_MAX: usize = 64;

/// What the bytes so far amount to.
#[derive(Debug)]
pub enum HeadStatus<'a> {
    /// A head in the making. Read more.
    Partial,
    /// A whole head.
    Complete {
        /// The head.
        head: Head<'a>,
        /// Its length in bytes; what is behind belongs to the body or, after an upgrade, to the WebSocket.
        len: usize,
    },
    /// Not a head that can be answered but with this status: 400, 431 (too large) or 505 (not HTTP/1).
    Bad(u16),
}

/// A request line and its headers, borrowed from the read buffer.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    method: &'a str,
    target: &'a str,
    minor_version: u8,
    headers: Vec<(&'a str, &'a [u8])>,
}

/// How a request's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// This many bytes follow.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl<'a> Head<'a> {
    /// Reads the head at the start of `bytes`: everything received so far on this connection.
    pub fn parse(bytes: &'a [u8]) -> HeadStatus<'a> {
        let bounded = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut request = Request::new(&mut headers);
        let len = match request.parse(bounded) {
            Ok(Status::Complete(len)) => len,
            Ok(Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => return HeadStatus::Bad(431),
            Ok(Status::Partial) => return HeadStatus::Partial,
            Err(httparse::Error::TooManyHeaders) => return HeadStatus::Bad(431),
            Err(httparse::Error::Version) => return HeadStatus::Bad(505),
            Err(_) => return HeadStatus::Bad(400),
        };
        let (Some(method), Some(target), Some(minor_version)) =
            (request.method, request.path, request.version)
        else {
            return HeadStatus::Bad(400);
        };
        let headers = request.headers.iter().map(|header| (header.name, header.value)).collect();
        HeadStatus::Complete { head: Head { method, target, minor_version, headers }, len }
    }

    /// `GET`, `POST` … as sent.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The target as sent: usually path and query.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The path, still percent-encoded. Of an absolute target (`http://host/path`) the path part.
    pub fn path(&self) -> &'a str {
        let target = self.origin_form();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// What follows the first `?`, still percent-encoded.
    pub fn query(&self) -> Option<&'a str> {
        self.origin_form().split_once('?').map(|(_, query)| query)
    }

    /// Whether this is HTTP/1.1 (else 1.0).
    pub fn is_http_11(&self) -> bool {
        self.minor_version == 1
    }

    /// Value of the first header of this name, in any case, without surrounding blanks. `None` when absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers_named(name).next()
    }

    /// Values of all headers of this name, in order; those that are not UTF-8 are skipped.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.raw_headers_named(name).filter_map(|value| str::from_utf8(value).ok()).map(str::trim)
    }

    /// All headers in order, as sent.
    pub fn headers(&self) -> &[(&'a str, &'a [u8])] {
        &self.headers
    }

    /// Whether the client asks for the WebSocket protocol: `Upgrade: websocket` and `Connection: upgrade`. Says nothing
    /// about whether it asks correctly: that is [`upgrade_response`](super::upgrade_response)'s.
    pub fn is_upgrade(&self) -> bool {
        self.lists("upgrade", "websocket") && self.lists("connection", "upgrade")
    }

    /// Whether the client expects the connection to stay open after the response.
    pub fn wants_keep_alive(&self) -> bool {
        if self.is_http_11() {
            !self.lists("connection", "close")
        } else {
            self.lists("connection", "keep-alive")
        }
    }

    /// How the body is framed.
    ///
    /// # Errors
    /// The status to refuse with: 400 for lengths that contradict each other or a length beside an encoding (the stuff
    /// of request smuggling), 501 for encodings other than `chunked`.
    pub fn body(&self) -> Result<Body, u16> {
        let mut length = None;
        for value in self.raw_headers_named("content-length") {
            let value = str::from_utf8(value).map_err(|_| 400u16)?.trim();
            // `parse` alone would let a sign through.
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(400);
            }
            let value: u64 = value.parse().map_err(|_| 400u16)?;
            if length.is_some_and(|length| length != value) {
                return Err(400);
            }
            length = Some(value);
        }
        let mut encodings = self.raw_headers_named("transfer-encoding");
        match (encodings.next(), encodings.next(), length) {
            (None, _, None | Some(0)) => Ok(Body::Empty),
            (None, _, Some(length)) => Ok(Body::Length(length)),
            (Some(_), _, Some(_)) | (Some(_), Some(_), None) => Err(400),
            (Some(encoding), None, None) if encoding.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
                if self.is_http_11() { Ok(Body::Chunked) } else { Err(400) }
            }
            (Some(_), None, None) => Err(501),
        }
    }

    fn raw_headers_named(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// Whether a comma-separated header has this member, in any case.
    fn lists(&self, name: &str, member: &str) -> bool {
        self.headers_named(name)
            .flat_map(|value| value.split(','))
            .any(|one| one.trim().eq_ignore_ascii_case(member))
    }

    /// The target without scheme, host and (though clients send none) fragment.
    fn origin_form(&self) -> &'a str {
        let target = self.target.split_once('#').map_or(self.target, |(target, _)| target);
        if target.starts_with('/') {
            return target;
        }
        let Some((_, rest)) = target.split_once("://") else { return target };
        rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/")
    }
}

#[cfg(test)]
mod tests;

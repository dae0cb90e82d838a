//! An HTTP request as a value, for the runtime to perform.

use std::fmt;

use bytes::Bytes;

use crate::model::Secret;

/// HTTP methods that adapters use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// A request to an outside service. Nothing in it has been checked against HTTP's grammar: whoever performs it refuses
/// header values and addresses that cannot be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// What to do.
    pub method: Method,
    /// Absolute, `http` or `https`.
    pub url: String,
    /// Names in lower case, each once. Any value may be a credential, so all of them hide from `Debug`.
    pub headers: Vec<(String, Secret)>,
    /// What to send.
    pub body: Bytes,
}

impl HttpRequest {
    /// A JSON `POST` that asks for an event stream.
    pub(crate) fn streaming_post(url: String, body: Bytes) -> HttpRequest {
        let mut request = HttpRequest { method: Method::Post, url, headers: Vec::with_capacity(4), body };
        request.set_header("content-type", Secret::new("application/json"));
        request.set_header("accept", Secret::new("text/event-stream"));
        request
    }

    /// Sets a header, replacing the one of that name in any case: a header from the config wins over ours.
    pub fn set_header(&mut self, name: &str, value: Secret) {
        let name = name.to_ascii_lowercase();
        match self.headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.headers.push((name, value)),
        }
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is somebody's conversation; its length is enough to debug with.
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_from_the_config_replaces_ours() {
        let mut request = HttpRequest::streaming_post("http://h/".into(), Bytes::new());
        request.set_header("Accept", Secret::new("*/*"));
        request.set_header("X-Team", Secret::new("a"));
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(headers, [("content-type", "application/json"), ("accept", "*/*"), ("x-team", "a")]);
    }

    #[test]
    fn debug_shows_neither_credentials_nor_conversation() {
        let mut request =
            HttpRequest::streaming_post("http://h/".into(), Bytes::from_static(b"my secret plan"));
        request.set_header("authorization", Secret::new("Bearer sk-1234567890"));
        let shown = format!("{request:?}");
        assert!(!shown.contains("sk-1234567890") && !shown.contains("plan"), "{shown}");
    }
}

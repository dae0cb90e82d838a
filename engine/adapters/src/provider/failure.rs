//! What a provider's refusal means, and how it is shown to people.
//!
//! Providers agree on little: the reason is at `error.message`, at `error` itself, at `message` or `detail`, inside an
//! array, or the body is a proxy's HTML page. All of that ends in one line, `<status> <reason>`, and one kind.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::{Endpoint, ProviderError, ProviderErrorKind};

/// Longest message shown to people. Longer ones are cut; a provider may answer with a whole page.
pub const MESSAGE_CHARS_MAX: usize = 600;

/// Shorter credentials are not searched for: `ollama` is a usual stand-in for a key, and also a word.
const CREDENTIAL_BYTES_MIN: usize = 8;

/// Longest pause a provider can ask for: an hour. Whoever says more is asked again anyway.
const RETRY_AFTER_MS_MAX: u64 = 60 * 60 * 1000;

/// The pause an answer's headers ask for: `retry-after-ms` in milliseconds, else `retry-after` in seconds. The date form
/// of `retry-after` is not read: no model provider sends it. At most an hour.
pub fn retry_after_ms<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let number = |name, unit_ms: f64| {
        let value: f64 = header(name)?.trim().parse().ok()?;
        // The cast saturates; infinities and NaN end at the bounds.
        (value >= 0.0).then(|| ((value * unit_ms).ceil() as u64).min(RETRY_AFTER_MS_MAX))
    };
    number("retry-after-ms", 1.0).or_else(|| number("retry-after", 1000.0))
}

impl ProviderError {
    /// The error as people may see it: without the endpoint's credentials, on one line, and at most
    /// [`MESSAGE_CHARS_MAX`] long. Whoever performs a call cleans every error before passing it on.
    pub fn cleaned(mut self, endpoint: &Endpoint) -> ProviderError {
        let mut message = Cow::Borrowed(self.message.as_str());
        // A header often wraps the credential (`Bearer …`), and a provider may echo either form.
        let headers = endpoint.headers.iter().map(|(_, value)| value.reveal());
        let words = headers.clone().flat_map(|value| value.split_whitespace());
        for credential in std::iter::once(endpoint.api_key.reveal()).chain(headers).chain(words) {
            if credential.len() >= CREDENTIAL_BYTES_MIN && message.contains(credential) {
                message = Cow::Owned(message.replace(credential, "[redacted]"));
            }
        }
        let mut shown = String::with_capacity(message.len().min(MESSAGE_CHARS_MAX + 4));
        let one_line =
            message.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut left = MESSAGE_CHARS_MAX;
        'words: for (index, word) in one_line.enumerate() {
            let space = (index > 0).then_some(' ');
            for c in space.into_iter().chain(word.chars()) {
                if left == 0 {
                    shown.push('…');
                    break 'words;
                }
                left -= 1;
                shown.push(c);
            }
        }
        self.message = shown;
        self
    }
}

/// An answer with a status that is not 2xx.
pub(super) fn refusal(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> ProviderError {
    let reason = Reason::read(body);
    let message = match &reason.message {
        _ if (300..400).contains(&status) => {
            format!("{status} redirects are not followed; set baseUrl to the address it leads to")
        }
        Some(message) => format!("{status} {message}"),
        None => match page_text(body) {
            Some(text) => format!("{status} {text}"),
            None => format!("{status} status code (no body)"),
        },
    };
    let kind = reason.kind(Some(status), &message);
    ProviderError { status: Some(status), message, kind, retry_after_ms }
}

/// An error object that arrived inside a 2xx answer. `None`: `json` holds no error.
pub(super) fn inside(json: &[u8]) -> Option<ProviderError> {
    let reason = Reason::read(json);
    let message = reason.message.as_deref()?;
    let status = reason.status();
    let message = match status {
        Some(status) => format!("{status} {message}"),
        None => message.to_owned(),
    };
    let kind = reason.kind(status, &message);
    Some(ProviderError { status, message, kind, retry_after_ms: None })
}

/// What could be read of a refusal.
#[derive(Debug, Default)]
struct Reason {
    message: Option<String>,
    /// `error.code` and `error.type`, lower case: machine words such as `context_length_exceeded`.
    words: Vec<String>,
    /// `error.code` when it is a number.
    code: Option<u64>,
}

impl Reason {
    fn read(body: &[u8]) -> Reason {
        match serde_json::from_slice(body) {
            Ok(OneOrMany::One(body)) => Reason::of(*body),
            Ok(OneOrMany::Many(bodies)) => bodies.into_iter().next().map(Reason::of).unwrap_or_default(),
            Err(_) => Reason::default(),
        }
    }

    fn of(body: Body) -> Reason {
        let mut reason = Reason::default();
        match body.error {
            Some(Complaint::Object(error)) => {
                reason.note(error.code);
                reason.note(error.kind);
                reason.note(error.status);
                // OpenRouter says "Provider returned error" and keeps the provider's own words aside.
                let raw = error.metadata.and_then(|metadata| metadata.raw).and_then(Loose::into_text);
                reason.message = error.message.and_then(Loose::into_text);
                if let (Some(message), Some(raw)) = (&mut reason.message, raw) {
                    message.push_str(": ");
                    message.push_str(&raw);
                }
            }
            Some(Complaint::Text(text)) => reason.message = Some(text),
            Some(Complaint::Other(_)) | None => {}
        }
        reason.note(body.code);
        reason.note(body.kind);
        let elsewhere = [body.message, body.detail].into_iter().flatten().find_map(Loose::into_text);
        reason.message = reason.message.or(elsewhere).filter(|message| !message.trim().is_empty());
        reason
    }

    fn note(&mut self, word: Option<Loose>) {
        match word {
            Some(Loose::Text(word)) => match word.parse() {
                Ok(code) => self.code = self.code.or(Some(code)),
                Err(_) => self.words.push(word.to_ascii_lowercase()),
            },
            Some(Loose::Number(code)) => self.code = self.code.or(Some(code)),
            Some(Loose::Other(_)) | None => {}
        }
    }

    fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    fn status(&self) -> Option<u16> {
        self.code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code))
    }

    /// Machine words decide before the status, because several meanings share 400; the text only decides what has no
    /// machine word anywhere.
    fn kind(&self, status: Option<u16>, message: &str) -> ProviderErrorKind {
        use ProviderErrorKind::*;
        let message = message.to_ascii_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        if self.has(&["context_length_exceeded", "exceed_context_size_error", "request_too_large"])
            || says(&[
                "maximum context length",
                "context length exceeded",
                "context window",
                "context size",
                "prompt is too long",
                "input is too long",
                "prompt too long",
            ])
        {
            return ContextOverflow;
        }
        if self.has(&["insufficient_quota", "rate_limit_exceeded", "rate_limit_error", "billing_error"])
            || says(&["credit balance is too low", "insufficient credits"])
        {
            return RateLimit;
        }
        match status {
            Some(401 | 403) => Auth,
            Some(402 | 429) => RateLimit,
            Some(408 | 504) => Timeout,
            Some(413) => ContextOverflow,
            Some(400..=499) => BadRequest,
            Some(500..=599) => Server,
            Some(_) => Protocol,
            None if self.has(&["authentication_error", "permission_error", "invalid_api_key"]) => Auth,
            None if self.has(&["invalid_request_error", "not_found_error", "bad_request"]) => BadRequest,
            None if self.has(&["timeout_error"]) => Timeout,
            // `overloaded_error`, `api_error`, `server_error`, and whatever breaks an answer that had begun well.
            None => Server,
        }
    }
}

/// What a body that is not JSON says: the title of an HTML page, else the text.
fn page_text(body: &[u8]) -> Option<String> {
    // Enough for any title, and for more text than is shown.
    let head = body.get(..8 * 1024).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let text = text.trim();
    if !text.starts_with('<') {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let lower = text.to_ascii_lowercase();
    let (from, to) = (lower.find("<title>")? + "<title>".len(), lower.find("</title>")?);
    text.get(from..to).map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    // First: a struct would also read a list, as its fields in order.
    Many(Vec<Body>),
    One(Box<Body>),
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Complaint>,
    #[serde(default)]
    message: Option<Loose>,
    #[serde(default)]
    detail: Option<Loose>,
    #[serde(default)]
    code: Option<Loose>,
    #[serde(default, rename = "type")]
    kind: Option<Loose>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Complaint {
    Text(String),
    Object(Box<ErrorObject>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    message: Option<Loose>,
    #[serde(default)]
    code: Option<Loose>,
    #[serde(default, rename = "type")]
    kind: Option<Loose>,
    #[serde(default)]
    status: Option<Loose>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    raw: Option<Loose>,
}

/// A value whose type providers do not agree on.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(String),
    Number(u64),
    Other(IgnoredAny),
}

impl Loose {
    fn into_text(self) -> Option<String> {
        match self {
            Loose::Text(text) => Some(text),
            Loose::Number(_) | Loose::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;

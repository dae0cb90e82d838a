//! VirusTotal, API version 3: what to ask, and what the answer means.
//!
//! [`VirusTotal::request`] makes the request about one [`Subject`]; whoever performs it hands status, pause and body to
//! [`read`]. What the engines' counts amount to, how often may be asked, and how long an answer holds is decided by the
//! defender's intel and not here.
//!
//! Shapes as in VirusTotal's API reference: `GET /api/v3/{urls,domains,ip_addresses,files}/{id}` with `x-apikey`, counts
//! in `data.attributes.last_analysis_stats`, errors in `error.code`.

mod answer;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::http::{HttpRequest, Method};
use crate::model::Secret;

pub use answer::{AnswerError, Stats, read};

/// Most bytes of an answer that are looked at. Answers list every engine's opinion and reach some hundred kilobytes for
/// files; a larger one is refused, see [`AnswerError::TooLarge`].
pub const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The public service.
pub const BASE_URL: &str = "https://www.virustotal.com";

/// Longest address that is asked about, in bytes.
const URL_BYTES_MAX: usize = 8 * 1024;

/// Where and as whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirusTotal {
    /// Address before `/api/v3`, with or without a slash at its end; usually [`BASE_URL`].
    pub base_url: String,
    /// The account's key.
    pub api_key: Secret,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A whole address. It is sent to the service, query and all.
    Url(&'a str),
    /// A host name, in ASCII.
    Domain(&'a str),
    /// An IP address.
    Ip(std::net::IpAddr),
    /// A file, by the SHA-256 of its bytes.
    File([u8; 32]),
}

/// The subject cannot be part of a request: an empty or overlong address, or characters that no host name has. The
/// caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSubject;

impl VirusTotal {
    /// The request for what is known about `subject`. Looks up what others had analysed; uploads nothing and starts no
    /// analysis.
    pub fn request(&self, subject: Subject<'_>) -> Result<HttpRequest, BadSubject> {
        let (collection, id) = match subject {
            Subject::Url(url) => {
                if url.is_empty() || url.len() > URL_BYTES_MAX {
                    return Err(BadSubject);
                }
                ("urls", URL_SAFE_NO_PAD.encode(url))
            }
            Subject::Domain(domain) => {
                // Nothing that could leave its place in the path.
                let is_label = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                let is_host = !domain.is_empty() && domain.len() <= 253 && domain.bytes().all(is_label);
                if !is_host || domain.split('.').any(str::is_empty) {
                    return Err(BadSubject);
                }
                ("domains", domain.to_ascii_lowercase())
            }
            Subject::Ip(ip) => ("ip_addresses", ip.to_string()),
            Subject::File(hash) => {
                use std::fmt::Write;
                let mut digits = String::with_capacity(64);
                for byte in hash {
                    // Writing to a string cannot fail.
                    let _ = write!(digits, "{byte:02x}");
                }
                ("files", digits)
            }
        };
        let base = self.base_url.trim_end_matches('/');
        let url = format!("{base}/api/v3/{collection}/{id}");
        let mut request =
            HttpRequest { method: Method::Get, url, headers: Vec::with_capacity(2), body: Bytes::new() };
        request.set_header("accept", Secret::new("application/json"));
        request.set_header("x-apikey", self.api_key.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subject: Subject<'_>, expect: Result<&str, BadSubject>) {
        let service = VirusTotal { base_url: "http://h:1/".to_owned(), api_key: Secret::new("k-123456789") };
        let seen = service.request(subject);
        assert_eq!(seen.as_ref().map(|request| request.url.as_str()).map_err(|error| *error), expect);
        if let Ok(request) = seen {
            assert_eq!((request.method, request.body.len()), (Method::Get, 0));
            let key = request.headers.iter().find(|(name, _)| name == "x-apikey");
            assert_eq!(key.map(|(_, value)| value.reveal()), Some("k-123456789"));
            assert!(!format!("{request:?} {service:?}").contains("k-123456789"));
        }
    }

    #[test]
    fn requests() {
        check(
            Subject::Url("http://a.example/?x=1"),
            Ok("http://h:1/api/v3/urls/aHR0cDovL2EuZXhhbXBsZS8_eD0x"),
        );
        check(Subject::Url("http://b.example/"), Ok("http://h:1/api/v3/urls/aHR0cDovL2IuZXhhbXBsZS8"));
        check(Subject::Domain("A.example"), Ok("http://h:1/api/v3/domains/a.example"));
        check(Subject::Ip([192, 0, 2, 7].into()), Ok("http://h:1/api/v3/ip_addresses/192.0.2.7"));
        let digits = "0f".repeat(32);
        check(Subject::File([0x0f; 32]), Ok(&format!("http://h:1/api/v3/files/{digits}")));
    }

    #[test]
    fn what_cannot_be_asked() {
        check(Subject::Url(""), Err(BadSubject));
        check(Subject::Url(&"x".repeat(URL_BYTES_MAX + 1)), Err(BadSubject));
        for host in ["", "a/../b", "a b", "a?b", "ü.example", "..", "a..b", &"a".repeat(254)] {
            check(Subject::Domain(host), Err(BadSubject));
        }
    }
}

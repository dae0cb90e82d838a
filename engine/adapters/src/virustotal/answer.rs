//! Reads VirusTotal's answers.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::ANSWER_BYTES_MAX;

/// How many engines said what, of the last analysis. Absent counts are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// It is malicious.
    pub malicious: u32,
    /// It is suspicious.
    pub suspicious: u32,
    /// It is harmless.
    pub harmless: u32,
    /// Nothing found.
    pub undetected: u32,
    /// No answer in time, of any kind.
    pub timeout: u32,
}

/// Why an answer tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// The key has no more questions left, for a moment or for the day. Ask later.
    OverQuota {
        /// The pause the service asked for, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The key is wrong, or may not ask this. Asking again with it brings nothing.
    BadKey,
    /// The service is at fault, or busy. Ask later.
    Server {
        /// HTTP status.
        status: u16,
    },
    /// It takes our question for a wrong one. Asking again brings nothing.
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// More than [`ANSWER_BYTES_MAX`].
    TooLarge,
    /// Not what the service says.
    Malformed,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverQuota { .. } => f.write_str("VirusTotal: the key's quota is spent"),
            Self::BadKey => f.write_str("VirusTotal refuses the key"),
            Self::Server { status } => write!(f, "VirusTotal failed with status {status}"),
            Self::Refused { status } => write!(f, "VirusTotal refused the question with status {status}"),
            Self::TooLarge => f.write_str("VirusTotal's answer is too large"),
            Self::Malformed => f.write_str("VirusTotal's answer cannot be read"),
        }
    }
}

impl std::error::Error for AnswerError {}

/// What an answer says. `None`: the service does not know the subject. `retry_after_ms` as read by
/// [`retry_after_ms`](crate::provider::retry_after_ms).
pub fn read(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Result<Option<Stats>, AnswerError> {
    if body.len() > ANSWER_BYTES_MAX {
        return Err(AnswerError::TooLarge);
    }
    if status == 200 {
        let answer = serde_json::from_slice::<Object<Body>>(body).map_err(|_| AnswerError::Malformed)?.0;
        // Errors come with their own status; one that does not is no answer either.
        let attributes = answer.data.ok_or(AnswerError::Malformed)?.0.attributes;
        // Known and never analysed: nobody said anything.
        return Ok(attributes.and_then(|attributes| attributes.0.stats).map(|stats| stats.0.sum()));
    }
    let code = serde_json::from_slice::<Object<Body>>(body).ok().and_then(|body| body.0.error?.0.code);
    match (status, code.as_deref()) {
        (429, _) | (_, Some("QuotaExceededError" | "TooManyRequestsError")) => {
            Err(AnswerError::OverQuota { retry_after_ms })
        }
        (
            _,
            Some(
                "WrongCredentialsError"
                | "AuthenticationRequiredError"
                | "UserNotActiveError"
                | "ForbiddenError",
            ),
        )
        | (401 | 403, _) => Err(AnswerError::BadKey),
        // By its code only: the 404 of a wrong base URL must not read as "nothing is known".
        (404, Some("NotFoundError")) => Ok(None),
        (500..=599, _) | (_, Some("TransientError" | "DeadlineExceededError" | "NotAvailableYet")) => {
            Err(AnswerError::Server { status })
        }
        (400..=499, _) => Err(AnswerError::Refused { status }),
        _ => Err(AnswerError::Malformed),
    }
}

/// A JSON object. A struct alone would also take a list, as its fields in order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Option<Object<Data>>,
    #[serde(default)]
    error: Option<Object<Complaint>>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    attributes: Option<Object<Attributes>>,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default, rename = "last_analysis_stats")]
    stats: Option<Object<RawStats>>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: Option<String>,
}

/// Counts as they come; new ones are ignored, and one that is no count is an error: to take it for zero would turn
/// damage into "harmless".
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct RawStats {
    malicious: Count,
    suspicious: Count,
    harmless: Count,
    undetected: Count,
    timeout: Count,
    confirmed_timeout: Count,
    failure: Count,
    type_unsupported: Count,
}

/// A count; `null` is zero, and more than fits is as many as fit.
#[derive(Default)]
struct Count(u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Count(0)),
            Value::Number(number) => number
                .as_u64()
                .map(|number| Count(u32::try_from(number).unwrap_or(u32::MAX)))
                .ok_or_else(|| serde::de::Error::custom("not a count")),
            _ => Err(serde::de::Error::custom("not a count")),
        }
    }
}

impl RawStats {
    fn sum(self) -> Stats {
        let RawStats {
            malicious,
            suspicious,
            harmless,
            undetected,
            timeout,
            confirmed_timeout,
            failure,
            type_unsupported,
        } = self;
        let silent = [timeout, confirmed_timeout, failure, type_unsupported];
        Stats {
            malicious: malicious.0,
            suspicious: suspicious.0,
            harmless: harmless.0,
            undetected: undetected.0,
            timeout: silent.iter().fold(0u32, |sum, count| sum.saturating_add(count.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expect: Result<Option<Stats>, AnswerError>) {
        assert_eq!(read(status, Some(7), body.as_bytes()), expect, "{status} {body}");
    }

    fn known(stats: &str) -> String {
        format!(
            "{{\"data\":{{\"type\":\"url\",\"id\":\"x\",\"links\":{{}},\"attributes\":{{\"tags\":[],\"last_analysis_stats\":{stats}}}}}}}"
        )
    }

    #[test]
    fn counts() {
        let stats = Stats { malicious: 4, suspicious: 1, harmless: 60, undetected: 8, timeout: 0 };
        let body = "{\"malicious\":4,\"suspicious\":1,\"harmless\":60,\"undetected\":8,\"timeout\":0}";
        check(200, &known(body), Ok(Some(stats)));
        // Of files; and with what we have not heard of.
        let body = "{\"malicious\":4,\"type-unsupported\":15,\"failure\":1,\"confirmed-timeout\":2,\"new\":{\"a\":[]}}";
        check(200, &known(body), Ok(Some(Stats { malicious: 4, timeout: 18, ..Stats::default() })));
        check(200, &known("{}"), Ok(Some(Stats::default())));
        check(200, &known("null"), Ok(None));
        check(200, "{\"data\":{\"attributes\":{}}}", Ok(None));
        let most = Stats { malicious: u32::MAX, ..Stats::default() };
        check(200, &known("{\"malicious\":99999999999,\"harmless\":null}"), Ok(Some(most)));
    }

    #[test]
    fn malformed() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "<html>",
            "{}",
            "{\"data\":[]}",
            "{\"data\":{\"attributes\":3}}",
            "{\"error\":{}}",
        ] {
            check(200, body, Err(AnswerError::Malformed));
        }
        for stats in ["[]", "\"none\"", "{\"malicious\":-1}", "{\"malicious\":\"4\"}", "{\"harmless\":1.5}"] {
            check(200, &known(stats), Err(AnswerError::Malformed));
        }
        check(301, "", Err(AnswerError::Malformed));
        let nested = "[".repeat(100_000);
        check(200, &nested, Err(AnswerError::Malformed));
    }

    #[test]
    fn errors() {
        let error = |code: &str| format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"so\"}}}}");
        let over = Err(AnswerError::OverQuota { retry_after_ms: Some(7) });
        check(404, &error("NotFoundError"), Ok(None));
        check(404, "<html>no such page</html>", Err(AnswerError::Refused { status: 404 }));
        check(429, &error("QuotaExceededError"), over);
        check(429, "", over);
        check(403, &error("QuotaExceededError"), over);
        check(401, &error("WrongCredentialsError"), Err(AnswerError::BadKey));
        check(403, "", Err(AnswerError::BadKey));
        check(400, &error("InvalidArgumentError"), Err(AnswerError::Refused { status: 400 }));
        check(503, &error("TransientError"), Err(AnswerError::Server { status: 503 }));
        check(500, "boom", Err(AnswerError::Server { status: 500 }));
    }

    #[test]
    fn too_large() {
        let body = vec![b' '; ANSWER_BYTES_MAX + 1];
        assert_eq!(read(200, None, &body), Err(AnswerError::TooLarge));
    }
}

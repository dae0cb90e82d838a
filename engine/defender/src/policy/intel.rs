//! Asking outside services about addresses and files.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::PolicyError;
use super::host::check_paths;
use super::number::Bounded;
use crate::intel::{self, Exposure, InquirySettings, Lifetimes, QuotaLimits, Url};

/// Most list files.
const LISTS_MAX: usize = 64;
/// Longest key and longest address of a service, in bytes: headers and request lines of that length pass everywhere.
const SERVICE_BYTES_MAX: usize = 512;
/// What is bad holds so many times as long as what is harmless: campaigns outlive a day.
const BAD_PER_TTL: u64 = 7;
/// What the service does not know holds this part as long: new addresses become known within hours.
const TTL_PER_UNKNOWN: u64 = 6;

/// What an unanswered question means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailMode {
    /// No evidence. The default: a service that is down must not stop all work.
    #[default]
    Open,
    /// A person is asked.
    Review,
}

impl From<FailMode> for intel::FailMode {
    fn from(mode: FailMode) -> intel::FailMode {
        match mode {
            FailMode::Open => intel::FailMode::Open,
            FailMode::Review => intel::FailMode::Review,
        }
    }
}

/// How look-ups are made. Quotas default to those of a free key of the VirusTotal API, v3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Intel {
    /// What a slow, failing or exhausted service means. Without a service nobody was to be asked, and this says nothing.
    pub fail_mode: FailMode,
    /// One look-up, in milliseconds.
    pub timeout_ms: Bounded<50, 30_000>,
    /// Look-ups a minute; 0: none are made.
    pub per_minute: Bounded<0, 10_000>,
    /// Look-ups a day; 0: none are made.
    pub per_day: Bounded<0, 10_000_000>,
    /// How long an answer counts, in seconds: one of "harmless". A bad one counts seven times as long, one of "unknown" a
    /// sixth.
    pub ttl_seconds: Bounded<60, 31_536_000>,
    /// Files of addresses, hosts and digests that are blocked or allowed, whatever anybody else says: absolute, or below
    /// the home directory as `~/…`. Read at start; see [`LocalLists`](crate::intel::LocalLists).
    pub lists: Vec<String>,
    /// Who is asked about what the lists do not name. Absent: nobody.
    pub service: Option<Service>,
}

/// A service that speaks VirusTotal's API, version 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The account's key. In a config `${NAME}` takes it from the environment.
    // Not written: a policy that is shown must not show it.
    #[serde(skip_serializing)]
    pub api_key: ApiKey,
    /// Address before `/api/v3`: `https://…`, or `http://` on this machine. Absent: VirusTotal's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// What of an address it may see.
    #[serde(default)]
    pub exposure: Exposure,
}

/// A credential; shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey")
    }
}

impl Default for Intel {
    fn default() -> Intel {
        Intel {
            fail_mode: FailMode::default(),
            timeout_ms: Bounded::clamped(2_000),
            per_minute: Bounded::clamped(4),
            per_day: Bounded::clamped(500),
            ttl_seconds: Bounded::clamped(86_400),
            lists: Vec::new(),
            service: None,
        }
    }
}

impl Intel {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        check_paths("intel.lists", &self.lists, LISTS_MAX)?;
        let Some(Service { api_key: ApiKey(key), base_url, .. }) = &self.service else { return Ok(()) };
        // What is wrong with it is said without it.
        if key.is_empty() || key.len() > SERVICE_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let problem = format!("must be 1 to {SERVICE_BYTES_MAX} visible ASCII characters");
            return Err(PolicyError::field("intel.service.apiKey", problem));
        }
        base_url.as_deref().map_or(Ok(()), |url| {
            check_base(url)
                .map_err(|problem| PolicyError::field("intel.service.baseUrl", format!("{url:?} {problem}")))
        })
    }

    /// Whether anybody is asked.
    pub fn asks(&self) -> bool {
        self.service.is_some() && self.per_minute.get() > 0 && self.per_day.get() > 0
    }

    /// What it means that nothing is known of something that may be asked about.
    pub fn if_unchecked(&self) -> intel::FailMode {
        if self.asks() { self.fail_mode.into() } else { intel::FailMode::Open }
    }

    /// What of an address the service may see.
    pub fn exposure(&self) -> Exposure {
        self.service.as_ref().map_or_else(Exposure::default, |service| service.exposure)
    }

    /// How the service is asked.
    pub fn inquiries(&self) -> InquirySettings {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        InquirySettings {
            enabled: self.asks(),
            exposure: self.exposure(),
            thresholds: intel::Thresholds::default(),
            timeout_ms: self.timeout_ms.get(),
            quota: QuotaLimits {
                per_minute: count(self.per_minute.get()),
                per_day: count(self.per_day.get()),
            },
        }
    }

    /// How long what was learned holds.
    pub fn lifetimes(&self) -> Lifetimes {
        let ttl_ms = self.ttl_seconds.get() * 1_000;
        Lifetimes { bad_ms: ttl_ms * BAD_PER_TTL, harmless_ms: ttl_ms, unknown_ms: ttl_ms / TTL_PER_UNKNOWN }
    }
}

/// A key must not leave unencrypted, but for a stand-in on this machine.
fn check_base(text: &str) -> Result<(), String> {
    if text.len() > SERVICE_BYTES_MAX {
        return Err(format!("is longer than {SERVICE_BYTES_MAX} bytes"));
    }
    if text.contains(['@', '?', '#', '\\']) || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("must be scheme, host, port and path alone".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
    let host = url.host();
    let here = host.as_str() == "localhost" || host.ip().is_some_and(|ip| ip.is_loopback());
    if url.as_str().starts_with("https://") || url.as_str().starts_with("http://") && here {
        return Ok(());
    }
    Err("must begin with https://, or lead to this machine".to_owned())
}

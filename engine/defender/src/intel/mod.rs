//! What is known about addresses and files: local lists, and what a service answered.
//!
//! An [`Indicator`] is something that can be known: a URL, a host, a file's SHA-256. [`extract()`] finds them in text.
//! An [`IntelSet`] answers for them from [`LocalLists`] and from what was learned; what it learns leaves as an
//! [`IntelDelta`] for other shards. [`Inquiries`] decides whether a service is asked at all: quota, back-off, one
//! question at a time about one thing. [`signal()`] turns a [`Lookup`] into a finding's rule and weight.
//!
//! Nothing here asks anybody, waits, or reads a clock. `now_ms` is always the wall clock, milliseconds since 1970.

mod delta;
mod domain;
mod extract;
mod indicator;
mod inquiry;
mod list;
mod quota;
mod set;
mod signal;
mod url;
mod verdict;

pub use delta::{DELTA_MAX, Entry, IntelDelta, Learned};
pub use domain::{Domain, DomainError};
pub use extract::{EXTRACT_MAX, Extract, Extracted, Found, extract};
pub use indicator::{Indicator, Sha256, Sha256Error};
pub use inquiry::{Answer, Ask, Exposure, IN_FLIGHT_MAX, Inquiries, InquirySettings, Unchecked};
pub use list::{BadLine, LIST_BYTES_MAX, ListError, ListReport, LocalLists, PROBLEMS_MAX};
pub use quota::{Quota, QuotaLimits, QuotaUse};
pub use set::{Counters, IntelSet, LEARNED_MAX, Lifetimes, Lookup, Snapshot};
pub use signal::{FailMode, Signal, signal};
pub use url::{URL_BYTES_MAX, Url, UrlError};
pub use verdict::{Counts, Source, Thresholds, Verdict};

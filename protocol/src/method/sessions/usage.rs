//! `sessions.usage`, `sessions.usage.timeseries` and `sessions.usage.logs`

use serde::{Deserialize, Serialize};

use super::{Json, lenient_count, lenient_text};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::usage::{CostParams, DayClock, Days, Loose, RangeError};
use crate::schema::{NON_EMPTY, Object, Property, Shape, TEXT, int_min, opt};

/// What sessions used: tokens, cost, messages, tools, latency.
pub struct Usage;

/// Params of [`Usage`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageParams {
    /// Only this session, as the client spells it.
    pub key: Option<String>,
    /// v4: only sessions of this agent.
    pub agent_id: Option<String>,
    /// v4: `all` agents; the same as naming none.
    pub agent_scope: Option<String>,
    /// First day, `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// Last day, `YYYY-MM-DD`.
    pub end_date: Option<String>,
    /// Whose days those are.
    pub mode: Option<TimeMode>,
    /// `UTC+2`, `UTC-5:30`; with `mode: "specific"`.
    pub utc_offset: Option<String>,
    /// v4: an IANA zone; goes before `utc_offset`.
    pub time_zone: Option<String>,
    /// v4: `7d`, `30d`, `90d`, `1y` or `all`, when no days are named.
    pub range: Option<String>,
    /// v4: `instance` or `family`; here both are one row a session.
    pub group_by: Option<String>,
    /// v4: an older name for `groupBy: "family"`.
    pub include_historical: bool,
    /// Most sessions; 50 unless told.
    pub limit: Option<u64>,
    /// With the report on what filled the context.
    pub include_context_weight: bool,
}

impl UsageParams {
    /// How many sessions are told unless asked.
    pub const LIMIT: u64 = 50;

    /// The days asked about, by the rules of `usage.cost`.
    pub fn days(&self, wire: Wire, clock: &DayClock<'_>) -> Result<Days, RangeError> {
        fn loose(text: Option<&str>) -> Loose {
            text.map_or(Loose::Absent, |text| Loose::Text(text.into()))
        }
        let mode = self.mode.map(|mode| match mode {
            TimeMode::Utc => "utc",
            TimeMode::Gateway => "gateway",
            TimeMode::Specific => "specific",
        });
        let params = CostParams {
            range: loose(self.range.as_deref()),
            start_date: loose(self.start_date.as_deref()),
            end_date: loose(self.end_date.as_deref()),
            mode: loose(mode),
            utc_offset: loose(self.utc_offset.as_deref()),
            time_zone: loose(self.time_zone.as_deref()),
            ..CostParams::default()
        };
        params.days(wire, clock)
    }
}

/// Whose days a date means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeMode {
    /// UTC's.
    #[default]
    Utc,
    /// The gateway's own zone.
    Gateway,
    /// Those of the offset or zone that comes with it.
    Specific,
}

/// Answer to [`Usage`]: counted and written by `sessions::usage`.
pub type UsagePayload = Json;

impl Rpc for Usage {
    const NAME: &'static str = "sessions.usage";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = UsageParams;
    type Payload = UsagePayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const MODE: Property = opt("mode", Shape::Literals(&["utc", "gateway", "specific"]));
        const V3: Object = Object {
            fields: &[
                opt("key", NON_EMPTY),
                opt("startDate", Shape::Date),
                opt("endDate", Shape::Date),
                MODE,
                opt("utcOffset", TEXT),
                opt("limit", int_min(1)),
                opt("includeContextWeight", Shape::Bool),
            ],
        };
        const V4: Object = Object {
            fields: &[
                opt("key", NON_EMPTY),
                opt("agentId", NON_EMPTY),
                opt("agentScope", Shape::Literals(&["all"])),
                opt("startDate", Shape::Date),
                opt("endDate", Shape::Date),
                MODE,
                opt("range", Shape::Literals(&["7d", "30d", "90d", "1y", "all"])),
                opt("groupBy", Shape::Literals(&["instance", "family"])),
                opt("includeHistorical", Shape::Bool),
                opt("utcOffset", TEXT),
                opt("timeZone", NON_EMPTY),
                opt("limit", int_min(1)),
                opt("includeContextWeight", Shape::Bool),
            ],
        };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

/// What each answer of a session used. Upstream checks no params; without a key: `key is required for timeseries`.
pub struct Timeseries;

/// Params of [`Timeseries`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TimeseriesParams {
    /// The session, as the client spells it.
    #[serde(deserialize_with = "lenient_text")]
    pub key: Option<String>,
}

/// Answer to [`Timeseries`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeseriesPayload {
    /// Names the transcript.
    pub session_id: String,
    /// Oldest first, at most [`TimeseriesPayload::POINTS_MAX`].
    pub points: Vec<UsagePoint>,
}

impl TimeseriesPayload {
    /// Most points of an answer; neighbours are joined beyond that.
    pub const POINTS_MAX: usize = 200;
}

/// What one answer, or a few neighbours, used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsagePoint {
    /// When, milliseconds since 1970.
    pub timestamp: u64,
    /// Prompt tokens that were not cached.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens from the cache.
    pub cache_read: u64,
    /// Prompt tokens into the cache.
    pub cache_write: u64,
    /// All of them.
    pub total_tokens: u64,
    /// In dollars.
    pub cost: f64,
    /// Tokens up to here.
    pub cumulative_tokens: u64,
    /// Dollars up to here.
    pub cumulative_cost: f64,
}

impl Rpc for Timeseries {
    const NAME: &'static str = "sessions.usage.timeseries";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = TimeseriesParams;
    type Payload = TimeseriesPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// What was said in a session, with its use. Upstream checks no params; without a key: `key is required for logs`.
pub struct Logs;

/// Params of [`Logs`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogsParams {
    /// The session, as the client spells it.
    #[serde(deserialize_with = "lenient_text")]
    pub key: Option<String>,
    /// Most lines, newest kept.
    #[serde(deserialize_with = "lenient_count")]
    pub limit: Option<u64>,
}

impl LogsParams {
    /// Most lines: 200 unless asked, never more than 1,000.
    pub fn lines_max(&self) -> usize {
        self.limit.unwrap_or(200).min(1_000) as usize
    }
}

/// Answer to [`Logs`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogsPayload {
    /// Oldest first; none when there is no such session.
    pub logs: Vec<UsageLog>,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageLog {
    /// When, milliseconds since 1970.
    pub timestamp: u64,
    /// `user`, `assistant`, `tool` or `toolResult`.
    pub role: &'static str,
    /// What.
    pub content: String,
    /// Tokens it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Dollars it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

impl Rpc for Logs {
    const NAME: &'static str = "sessions.usage.logs";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = LogsParams;
    type Payload = LogsPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

//! `usage.status` and `usage.cost`.

mod range;

pub use range::{Day, DayClock, Days, Loose, RangeError};

use serde::{Deserialize, Serialize};

use super::{NoParams, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::Object;

/// Quotas of model providers that tell them.
pub struct Status;

/// Payload of `usage.status`. We ask no provider for its quota, so the list is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPayload {
    /// When, milliseconds since 1970.
    pub updated_at: u64,
    /// None.
    pub providers: [(); 0],
}

/// Builds the payload of `usage.status`.
pub fn status(now_ms: u64) -> StatusPayload {
    StatusPayload { updated_at: now_ms, providers: [] }
}

impl Rpc for Status {
    const NAME: &'static str = "usage.status";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = NoParams;
    type Payload = StatusPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// Tokens and money spent, by day.
pub struct Cost;

/// Params of `usage.cost`. Upstream checks nothing, so every field takes anything; see [`CostParams::days`].
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostParams {
    /// How many days back, today included.
    pub days: Loose,
    /// `7d`, `30d`, `90d`, `1y` or `all` (v4).
    pub range: Loose,
    /// First day, `YYYY-MM-DD`.
    pub start_date: Loose,
    /// Last day, `YYYY-MM-DD`.
    pub end_date: Loose,
    /// Whose days: `gateway`, `specific` (see below), else UTC.
    pub mode: Loose,
    /// `UTC+2`, `UTC-05:30` …
    pub utc_offset: Loose,
    /// IANA name (v4).
    pub time_zone: Loose,
    /// v4: only this agent.
    pub agent_id: Loose,
    /// v4: `all` for every agent.
    pub agent_scope: Loose,
}

/// Sums over a day or a period. Money in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from a cache.
    pub cache_read: u64,
    /// Tokens written to a cache.
    pub cache_write: u64,
    /// All of them.
    pub total_tokens: u64,
    /// All of it.
    pub total_cost: f64,
    /// For tokens read.
    pub input_cost: f64,
    /// For tokens written.
    pub output_cost: f64,
    /// For tokens read from a cache.
    pub cache_read_cost: f64,
    /// For tokens written to a cache.
    pub cache_write_cost: f64,
    /// Calls whose price is not known.
    pub missing_cost_entries: u64,
}

impl Totals {
    /// Adds `other` to this.
    pub fn add(&mut self, other: &Totals) {
        let Totals {
            input,
            output,
            cache_read,
            cache_write,
            total_tokens,
            total_cost,
            input_cost,
            output_cost,
            cache_read_cost,
            cache_write_cost,
            missing_cost_entries,
        } = other;
        self.input = self.input.saturating_add(*input);
        self.output = self.output.saturating_add(*output);
        self.cache_read = self.cache_read.saturating_add(*cache_read);
        self.cache_write = self.cache_write.saturating_add(*cache_write);
        self.total_tokens = self.total_tokens.saturating_add(*total_tokens);
        self.total_cost += total_cost;
        self.input_cost += input_cost;
        self.output_cost += output_cost;
        self.cache_read_cost += cache_read_cost;
        self.cache_write_cost += cache_write_cost;
        self.missing_cost_entries = self.missing_cost_entries.saturating_add(*missing_cost_entries);
    }
}

/// One day's sums.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Daily {
    /// `YYYY-MM-DD`
    pub date: Box<str>,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Payload of `usage.cost`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostPayload {
    /// When, milliseconds since 1970.
    pub updated_at: u64,
    /// Length of the period; v3 counts one too many, as upstream's does.
    pub days: u64,
    /// Days with use on v3, every day on v4; oldest first.
    pub daily: Vec<Daily>,
    /// The whole period.
    pub totals: Totals,
    /// v4: whether the numbers are current; ours are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_status: Option<CacheStatus>,
}

/// Whether the numbers are current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    /// `fresh`
    pub status: &'static str,
    /// Files read.
    pub cached_files: u64,
    /// Files not read yet.
    pub pending_files: u64,
    /// Files that changed since.
    pub stale_files: u64,
    /// When they were read, milliseconds since 1970.
    pub refreshed_at: u64,
}

/// Builds the payload of `usage.cost` from the sums of each day of `days` that had any use.
pub fn cost(
    wire: Wire,
    now_ms: u64,
    days: &Days,
    files: u64,
    used: impl IntoIterator<Item = (Day, Totals)>,
) -> CostPayload {
    let mut by_day = std::collections::BTreeMap::<Day, Totals>::new();
    if wire == Wire::V4 {
        by_day.extend(days.iter().map(|day| (day, Totals::default())));
    }
    let mut totals = Totals::default();
    for (day, sums) in used {
        if days.contains(day) {
            by_day.entry(day).or_default().add(&sums);
            totals.add(&sums);
        }
    }
    CostPayload {
        updated_at: now_ms,
        days: days.count() + u64::from(wire == Wire::V3),
        daily: by_day
            .into_iter()
            .map(|(day, totals)| Daily { date: day.to_string().into(), totals })
            .collect(),
        totals,
        cache_status: (wire == Wire::V4).then_some(CacheStatus {
            status: "fresh",
            cached_files: files,
            pending_files: 0,
            stale_files: 0,
            refreshed_at: now_ms,
        }),
    }
}

impl Rpc for Cost {
    const NAME: &'static str = "usage.cost";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = CostParams;
    type Payload = CostPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::covers;

    /// 2026-11-22T12:00:00Z
    const NOW: u64 = 1_795_348_800_000;

    fn days(wire: Wire, text: &str) -> Result<Days, RangeError> {
        serde_json::from_str::<CostParams>(text).unwrap().days(wire, &DayClock::utc(NOW))
    }

    #[test]
    fn as_recorded() {
        let sums = Totals { input: 200, output: 18, total_tokens: 218, total_cost: 0.5, ..Totals::default() };
        let v3_days = days(Wire::V3, r#"{"days":7}"#).unwrap();
        let today = v3_days.last();
        let v3 = cost(Wire::V3, NOW, &v3_days, 1, [(today, sums), (today, sums)]);
        let recorded = r#"{"updatedAt":1,"days":8,"daily":[{"date":"2026-11-22","input":200,"output":18,
            "cacheRead":40,"cacheWrite":0,"totalTokens":258,"totalCost":0.1,"inputCost":0.1,"outputCost":0.1,
            "cacheReadCost":0,"cacheWriteCost":0,"missingCostEntries":0}],"totals":{"input":200,"output":18,
            "cacheRead":40,"cacheWrite":0,"totalTokens":258,"totalCost":0.1,"inputCost":0.1,"outputCost":0.1,
            "cacheReadCost":0,"cacheWriteCost":0,"missingCostEntries":0}}"#;
        covers(&v3, recorded);
        assert_eq!((v3.days, v3.daily.len(), v3.totals.input), (8, 1, 400));
        assert_eq!(&*v3.daily[0].date, "2026-11-22");

        let v4 = cost(Wire::V4, NOW, &days(Wire::V4, r#"{"days":7}"#).unwrap(), 1, [(today, sums)]);
        covers(&v4, recorded);
        covers(
            &v4,
            r#"{"cacheStatus":{"status":"x","cachedFiles":1,"pendingFiles":1,"staleFiles":1,"refreshedAt":1}}"#,
        );
        assert_eq!((v4.days, v4.daily.len()), (7, 7), "every day has a row");
        assert_eq!(&*v4.daily[0].date, "2026-11-16");
        covers(&status(1), r#"{"updatedAt":1,"providers":[]}"#);
    }
}

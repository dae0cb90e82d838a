//! Which days a usage method is asked about.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::CostParams;
use crate::{ErrorShape, Wire};

/// A param that nobody checks: what cannot be used is as good as absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Loose {
    /// Absent, `null`, or nothing of use.
    #[default]
    Absent,
    /// A string.
    Text(Box<str>),
    /// A number.
    Number(f64),
}

impl Loose {
    /// The string, trimmed, unless empty.
    pub fn text(&self) -> Option<&str> {
        match self {
            Loose::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn is_absent(&self) -> bool {
        matches!(self, Loose::Absent) || matches!(self, Loose::Text(text) if text.trim().is_empty())
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Loose, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E>(self) -> Result<Loose, E> {
                Ok(Loose::Absent)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
                Ok(Loose::Absent)
            }

            fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
                Ok(Loose::Number(value as f64))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
                Ok(Loose::Number(value as f64))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
                Ok(Loose::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Loose, E> {
                Ok(Loose::Text(value.into()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Loose::Absent)
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                Ok(Loose::Absent)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A calendar day, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The day of a moment, where clocks are `offset_minutes` ahead of UTC.
    pub fn of(ms: u64, offset_minutes: i32) -> Day {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX).saturating_add(i64::from(offset_minutes) * 60_000);
        Day(i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// Reads `YYYY-MM-DD`; `None` when it is none or there is no such day.
    pub fn parse(text: &str) -> Option<Day> {
        let number = |range: std::ops::Range<usize>| -> Option<i32> {
            let part = text.get(range)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let found = Day::from_civil(year, month, day);
        // A day that does not exist comes back as another one.
        (dashes && (1..=12).contains(&month) && found.to_civil() == (year, month, day)).then_some(found)
    }

    /// When the day begins, where clocks are `offset_minutes` ahead of UTC; milliseconds since 1970, 0 before that.
    pub fn start_ms(self, offset_minutes: i32) -> u64 {
        u64::try_from(i64::from(self.0) * DAY_MS - i64::from(offset_minutes) * 60_000).unwrap_or(0)
    }

    /// Howard Hinnant's `days_from_civil`: years start in March, eras have 400 years.
    fn from_civil(year: i32, month: i32, day: i32) -> Day {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        Day(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    /// The inverse of [`Day::from_civil`].
    fn to_civil(self) -> (i32, i32, i32) {
        let days = i64::from(self.0) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as i32, day as i32)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.to_civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

const DAY_MS: i64 = 86_400_000;

/// Most days a period can have; upstream allows more, but every v4 day is a row.
const DAYS_MAX: i32 = 3_660;

/// A period of whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: Day,
    last: Day,
    offset_minutes: i32,
}

impl Days {
    /// The first day.
    pub fn first(&self) -> Day {
        self.first
    }

    /// The last day.
    pub fn last(&self) -> Day {
        self.last
    }

    /// How many days; at least 1.
    pub fn count(&self) -> u64 {
        u64::from((self.last.0 - self.first.0 + 1).unsigned_abs())
    }

    /// Whether `day` is one of them.
    pub fn contains(&self, day: Day) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// The day of a moment, by the clock the client asked for.
    pub fn day_of(&self, ms: u64) -> Day {
        Day::of(ms, self.offset_minutes)
    }

    /// Every day, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Day> + use<> {
        (self.first.0..=self.last.0).map(Day)
    }

    /// First and last millisecond.
    pub fn span_ms(&self) -> (u64, u64) {
        let end = Day(self.last.0.saturating_add(1)).start_ms(self.offset_minutes);
        (self.first.start_ms(self.offset_minutes), end.saturating_sub(1))
    }
}

/// What the time is, and where.
pub struct DayClock<'a> {
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
    /// How far the gateway's own clock is ahead of UTC, minutes.
    pub gateway_offset_minutes: i32,
    /// How far the clock of an IANA zone is ahead of UTC, minutes; `None` when there is no such zone.
    pub zone: &'a dyn Fn(&str) -> Option<i32>,
}

impl DayClock<'static> {
    /// A clock that knows UTC only.
    pub fn utc(now_ms: u64) -> DayClock<'static> {
        DayClock { now_ms, gateway_offset_minutes: 0, zone: &|_| None }
    }
}

/// A period that makes no sense (v4; v3 falls back to the default period).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeError(&'static str);

impl From<RangeError> for ErrorShape {
    fn from(error: RangeError) -> ErrorShape {
        ErrorShape::invalid(error.0)
    }
}

impl CostParams {
    /// The period asked for: both dates, else `range` (v4), else `days`, else 30 days. Today is always the last day of
    /// a period that is counted back.
    pub fn days(&self, wire: Wire, clock: &DayClock<'_>) -> Result<Days, RangeError> {
        let v4 = wire == Wire::V4;
        let start = self.start_date.text().and_then(Day::parse);
        let end = self.end_date.text().and_then(Day::parse);
        if v4 && start.is_none() && !self.start_date.is_absent() {
            return Err(RangeError("invalid startDate: expected a valid YYYY-MM-DD calendar date"));
        }
        if v4 && end.is_none() && !self.end_date.is_absent() {
            return Err(RangeError("invalid endDate: expected a valid YYYY-MM-DD calendar date"));
        }
        let offset_minutes = self.offset(wire, clock)?;
        let today = Day::of(clock.now_ms, offset_minutes);
        let period = |first: Day, last: Day| {
            // Oldest days fall off a period that is too long.
            let first = first.max(Day(last.0.saturating_sub(DAYS_MAX - 1)));
            Ok(Days { first: first.min(last), last, offset_minutes })
        };
        match (start, end) {
            (Some(start), Some(end)) if start <= end => return period(start, end),
            (Some(_), Some(_)) if v4 => return Err(RangeError("startDate must not be after endDate")),
            (Some(_), None) | (None, Some(_)) if v4 => {
                return Err(RangeError("startDate and endDate must be provided together"));
            }
            _ => {}
        }
        let named = match self.range.text() {
            Some("7d") if v4 => Some(7),
            Some("30d") if v4 => Some(30),
            Some("90d") if v4 => Some(90),
            Some("1y") if v4 => Some(365),
            Some("all") if v4 => Some(DAYS_MAX),
            _ => None,
        };
        let counted = match &self.days {
            Loose::Number(days) => Some(*days),
            Loose::Text(days) => days.trim().parse().ok(),
            Loose::Absent => None,
        };
        let days = named.unwrap_or_else(|| match counted {
            Some(days) if days.is_finite() => days.floor().clamp(1.0, f64::from(DAYS_MAX)) as i32,
            _ => 30,
        });
        period(Day(today.0.saturating_sub(days - 1)), today)
    }

    fn offset(&self, wire: Wire, clock: &DayClock<'_>) -> Result<i32, RangeError> {
        let v4 = wire == Wire::V4;
        match self.mode.text() {
            Some("gateway") => Ok(clock.gateway_offset_minutes),
            Some("specific") => {
                let offset = self.utc_offset.text().and_then(utc_offset);
                if v4 && let Some(zone) = self.time_zone.text() {
                    return (clock.zone)(zone)
                        .or(offset)
                        .ok_or(RangeError("invalid timeZone: expected a valid IANA time zone"));
                }
                match offset {
                    Some(offset) => Ok(offset),
                    None if v4 && !self.utc_offset.is_absent() => {
                        Err(RangeError("invalid utcOffset: expected UTC-12:00 through UTC+14:00"))
                    }
                    None => Ok(0),
                }
            }
            _ => Ok(0),
        }
    }
}

/// `UTC+H`, `UTC-HH`, `UTC+HH:MM` in minutes, from 12 hours behind to 14 ahead.
fn utc_offset(text: &str) -> Option<i32> {
    let rest = text.strip_prefix("UTC")?;
    let (sign, rest) = match rest.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, rest.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let digits = |text: &str, len: std::ops::RangeInclusive<usize>| -> Option<i32> {
        (len.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let (hours, minutes) = (digits(hours, 1..=2)?, digits(minutes, 2..=2)?);
    let total = sign * (hours * 60 + minutes);
    (minutes < 60 && (-720..=840).contains(&total)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T23:30:00Z
    const NOW: u64 = 1_795_390_200_000;

    #[track_caller]
    fn check(wire: Wire, text: &str, want: Result<(&str, &str), &str>) {
        let clock = DayClock {
            now_ms: NOW,
            gateway_offset_minutes: 60,
            zone: &|name| (name == "Asia/Kolkata").then_some(330),
        };
        let got = serde_json::from_str::<CostParams>(text).unwrap().days(wire, &clock);
        let got = got.map(|days| (days.first().to_string(), days.last().to_string()));
        let got = got.as_ref().map(|(first, last)| (first.as_str(), last.as_str()));
        assert_eq!(got.map_err(|error| error.0), want, "{text}");
    }

    #[test]
    fn days_and_dates() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-22", "2100-12-31", "1969-12-31", "0001-01-01"] {
            assert_eq!(Day::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Day::parse("1970-01-01").unwrap(), Day(0));
        for bad in ["2026-02-30", "2026-13-01", "2026-00-10", "26-1-1", "2026/01/01", "bad", "２０26-01-1"]
        {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        assert_eq!(Day::of(NOW, 60).to_string(), "2026-11-23", "an hour ahead it is tomorrow");
        let days = CostParams::default().days(Wire::V3, &DayClock::utc(NOW)).unwrap();
        assert_eq!(days.count(), 30);
        assert_eq!(days.span_ms().1 - days.span_ms().0, 30 * 86_400_000 - 1);
    }

    #[test]
    fn periods() {
        for wire in [Wire::V3, Wire::V4] {
            check(wire, "{}", Ok(("2026-10-24", "2026-11-22")));
            check(wire, r#"{"days":7}"#, Ok(("2026-11-16", "2026-11-22")));
            check(wire, r#"{"days":"7.9"}"#, Ok(("2026-11-16", "2026-11-22")));
            check(wire, r#"{"days":-3}"#, Ok(("2026-11-22", "2026-11-22")));
            check(
                wire,
                r#"{"startDate":"2026-11-01","endDate":"2026-11-22"}"#,
                Ok(("2026-11-01", "2026-11-22")),
            );
            check(wire, r#"{"days":1,"mode":"gateway"}"#, Ok(("2026-11-23", "2026-11-23")));
            check(
                wire,
                r#"{"days":1,"mode":"specific","utcOffset":"UTC-05:30"}"#,
                Ok(("2026-11-22", "2026-11-22")),
            );
            check(wire, r#"{"days":{"x":[1]},"mode":true}"#, Ok(("2026-10-24", "2026-11-22")));
            check(wire, r#"{"days":1e300}"#, Ok(("2016-11-15", "2026-11-22")));
        }
    }

    #[test]
    fn v3_falls_back_where_v4_refuses() {
        let default = Ok(("2026-10-24", "2026-11-22"));
        for (text, error) in [
            (r#"{"startDate":"bad"}"#, "invalid startDate: expected a valid YYYY-MM-DD calendar date"),
            (r#"{"endDate":5}"#, "invalid endDate: expected a valid YYYY-MM-DD calendar date"),
            (r#"{"startDate":"2026-11-01"}"#, "startDate and endDate must be provided together"),
            (r#"{"startDate":"2026-11-02","endDate":"2026-11-01"}"#, "startDate must not be after endDate"),
            (
                r#"{"mode":"specific","utcOffset":"UTC+15"}"#,
                "invalid utcOffset: expected UTC-12:00 through UTC+14:00",
            ),
        ] {
            check(Wire::V3, text, default);
            check(Wire::V4, text, Err(error));
        }
        check(Wire::V3, r#"{"range":"7d"}"#, default);
        check(Wire::V4, r#"{"range":"7d"}"#, Ok(("2026-11-16", "2026-11-22")));
        check(
            Wire::V4,
            r#"{"days":1,"mode":"specific","timeZone":"Asia/Kolkata"}"#,
            Ok(("2026-11-23", "2026-11-23")),
        );
        check(
            Wire::V4,
            r#"{"days":1,"mode":"specific","timeZone":"Nowhere"}"#,
            Err("invalid timeZone: expected a valid IANA time zone"),
        );
    }
}

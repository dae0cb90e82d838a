//! When a conversation has gone stale: its next message then starts it anew.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::entry::Entry;
use crate::entry::level::ChatType;
use crate::key::SessionKey;

/// The hour at which days begin, unless told; upstream's.
pub const AT_HOUR: i8 = 4;
/// Minutes of silence after which `idle` resets, unless told: an hour. Upstream's number was not observed.
pub const IDLE_MINUTES: u32 = 60;

/// `session.reset`, or one of `session.resetByType` and `session.resetByChannel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetPolicy {
    /// Every day at this hour, 0 to 23; also after so many minutes of silence, where both are set.
    Daily {
        /// Local hour.
        at_hour: i8,
        /// Whichever comes first.
        idle_minutes: Option<u32>,
    },
    /// After so many minutes of silence.
    Idle {
        /// At least 1.
        minutes: u32,
    },
    /// Never.
    Never,
}

/// Every day at four, as upstream does unless told.
impl Default for ResetPolicy {
    fn default() -> ResetPolicy {
        ResetPolicy::Daily { at_hour: AT_HOUR, idle_minutes: None }
    }
}

/// `session.reset` with its exceptions: the channel's goes before the type's, and that before the common one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResetPolicies {
    /// For all the rest.
    pub common: ResetPolicy,
    /// For direct messages.
    pub direct: Option<ResetPolicy>,
    /// For groups and channels.
    pub group: Option<ResetPolicy>,
    /// For threads and topics.
    pub thread: Option<ResetPolicy>,
    /// By channel name, lower-case.
    pub by_channel: Vec<(Box<str>, ResetPolicy)>,
}

impl ResetPolicies {
    /// The policy of one session.
    pub fn of(&self, key: &SessionKey, entry: &Entry) -> ResetPolicy {
        let route = entry.route();
        let channel = key.room().map(|room| room.channel).or(route.last_channel.as_deref());
        let by_channel =
            channel.and_then(|channel| self.by_channel.iter().find(|(name, _)| **name == *channel));
        let grouped =
            key.room().is_some() || matches!(route.chat_type, Some(ChatType::Group | ChatType::Channel));
        let by_type = match () {
            () if key.thread_id().is_some() => self.thread,
            () if grouped => self.group,
            () => self.direct,
        };
        by_channel.map(|(_, policy)| *policy).or(by_type).unwrap_or(self.common)
    }
}

impl ResetPolicy {
    /// Whether a session that last changed at `updated_ms` has gone stale by `now_ms`, in the gateway's zone.
    pub fn is_stale(self, updated_ms: u64, now_ms: u64, zone: &TimeZone) -> bool {
        match self {
            ResetPolicy::Never => false,
            ResetPolicy::Idle { minutes } => is_idle(minutes, updated_ms, now_ms),
            ResetPolicy::Daily { at_hour, idle_minutes } => {
                idle_minutes.is_some_and(|minutes| is_idle(minutes, updated_ms, now_ms))
                    || day_began(at_hour, now_ms, zone).is_some_and(|began| updated_ms < began)
            }
        }
    }
}

fn is_idle(minutes: u32, updated_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(updated_ms) > u64::from(minutes.max(1)) * 60_000
}

/// The last moment at which it was `at_hour` here.
fn day_began(at_hour: i8, now_ms: u64, zone: &TimeZone) -> Option<u64> {
    let now = Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?.to_zoned(zone.clone());
    let today = now.date().at(at_hour.clamp(0, 23), 0, 0, 0).to_zoned(zone.clone()).ok()?;
    let began = if today.timestamp() <= now.timestamp() {
        today
    } else {
        let yesterday = now.date().checked_sub(1.day()).ok()?;
        yesterday.at(at_hour.clamp(0, 23), 0, 0, 0).to_zoned(zone.clone()).ok()?
    };
    u64::try_from(began.timestamp().as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::SessionId;

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    #[track_caller]
    fn check(policy: ResetPolicy, zone: i8, updated: &str, now: &str, want: bool) {
        let zone = TimeZone::fixed(jiff::tz::offset(zone));
        assert_eq!(policy.is_stale(ms(updated), ms(now), &zone), want, "{policy:?} {updated} {now}");
    }

    #[test]
    fn days_begin_at_four() {
        let daily = ResetPolicy::default();
        check(daily, 0, "2026-11-22T03:59:00Z", "2026-11-22T04:00:00Z", true);
        check(daily, 0, "2026-11-22T04:00:00Z", "2026-11-22T23:00:00Z", false);
        check(daily, 0, "2026-11-21T05:00:00Z", "2026-11-22T03:00:00Z", false);
        check(daily, 0, "2026-11-20T05:00:00Z", "2026-11-22T03:00:00Z", true);
        check(daily, 2, "2026-11-22T01:59:00Z", "2026-11-22T02:01:00Z", true);
        check(daily, 2, "2026-11-22T02:00:00Z", "2026-11-22T02:01:00Z", false);
    }

    #[test]
    fn silence() {
        let idle = ResetPolicy::Idle { minutes: 30 };
        check(idle, 0, "2026-11-22T10:00:00Z", "2026-11-22T10:30:00Z", false);
        check(idle, 0, "2026-11-22T10:00:00Z", "2026-11-22T10:30:01Z", true);
        let both = ResetPolicy::Daily { at_hour: 4, idle_minutes: Some(30) };
        check(both, 0, "2026-11-22T10:00:00Z", "2026-11-22T10:31:00Z", true);
        check(ResetPolicy::Never, 0, "2020-01-01T00:00:00Z", "2026-11-22T10:31:00Z", false);
    }

    #[test]
    fn exceptions() {
        let idle = |minutes| ResetPolicy::Idle { minutes };
        let policies = ResetPolicies {
            common: ResetPolicy::Never,
            direct: None,
            group: Some(idle(1)),
            thread: Some(idle(2)),
            by_channel: vec![("slack".into(), idle(3))],
        };
        let entry = Entry::new(SessionId::random([0; 16]), 1);
        for (key, want) in [
            ("agent:main:main", ResetPolicy::Never),
            ("agent:main:discord:channel:1", idle(1)),
            ("agent:main:discord:channel:1:thread:2", idle(2)),
            ("agent:main:slack:channel:1:thread:2", idle(3)),
        ] {
            assert_eq!(policies.of(&SessionKey::from_stored(key), &entry), want, "{key}");
        }
    }
}

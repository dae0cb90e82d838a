//! When sessions start over by themselves, as the config says it.

use pincer_config::section::session::{Reset, ResetMode, Session};
use pincer_sessions::entry::Entry;
use pincer_sessions::key::SessionKey;
use pincer_sessions::reset::policy::{AT_HOUR, IDLE_MINUTES, ResetPolicies, ResetPolicy};
use pincer_sessions::time::Now;

use super::view::View;

impl View {
    /// Whether a session has gone stale: its next message then starts it anew. One that never changed has nothing to go
    /// stale.
    pub(crate) fn is_stale(&self, key: &SessionKey, entry: &Entry, now: Now) -> bool {
        let policy = policies(&self.config().session).of(key, entry);
        entry.updated_at > 0 && policy.is_stale(entry.updated_at, now.wall_ms, &self.facts.zone)
    }
}

/// `session.reset` and its relatives. A field that an exception does not have is the common one's; the old
/// `session.idleMinutes` makes silence the rule only where no newer key is set.
fn policies(config: &Session) -> ResetPolicies {
    let explicit = config.reset.is_some() || !config.reset_by_type.is_empty();
    let common = |over: Option<&Reset>| policy([over, config.reset.as_ref()], config.idle_minutes, explicit);
    let of_type = |names: &[&str]| {
        names.iter().find_map(|name| config.reset_by_type.get(*name)).map(|reset| common(Some(reset)))
    };
    ResetPolicies {
        common: common(None),
        direct: of_type(&["direct", "dm"]),
        group: of_type(&["group"]),
        thread: of_type(&["thread"]),
        by_channel: config
            .reset_by_channel
            .iter()
            .map(|(channel, reset)| (channel.to_lowercase().into(), policy([Some(reset), None], None, true)))
            .collect(),
    }
}

/// The first of `layers` that says something decides, field by field.
fn policy(layers: [Option<&Reset>; 2], legacy_idle: Option<u32>, explicit: bool) -> ResetPolicy {
    let layers = || layers.into_iter().flatten();
    let idle = layers().find_map(|reset| reset.idle_minutes).or(legacy_idle);
    let by_silence = !explicit && legacy_idle.is_some();
    match layers().find_map(|reset| reset.mode) {
        Some(ResetMode::Daily) => {}
        Some(ResetMode::Idle) => return ResetPolicy::Idle { minutes: idle.unwrap_or(IDLE_MINUTES) },
        None if by_silence => return ResetPolicy::Idle { minutes: idle.unwrap_or(IDLE_MINUTES) },
        None => {}
    }
    let hour = layers().find_map(|reset| reset.at_hour).and_then(|hour| i8::try_from(hour).ok());
    ResetPolicy::Daily { at_hour: hour.unwrap_or(AT_HOUR), idle_minutes: idle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(config: Value, want: impl Fn(&ResetPolicies) -> ResetPolicy, policy: ResetPolicy) {
        let session: Session = serde_json::from_value(config.clone()).unwrap();
        assert_eq!(want(&policies(&session)), policy, "{config}");
    }

    #[test]
    fn what_the_config_says() {
        let daily = |at_hour, idle_minutes| ResetPolicy::Daily { at_hour, idle_minutes };
        let idle = |minutes| ResetPolicy::Idle { minutes };
        let common = |policies: &ResetPolicies| policies.common;
        check(json!({}), common, daily(4, None));
        check(json!({"idleMinutes": 20}), common, idle(20));
        check(json!({"idleMinutes": 20, "reset": {"atHour": 6}}), common, daily(6, Some(20)));
        check(json!({"reset": {"mode": "idle"}}), common, idle(IDLE_MINUTES));
        check(json!({"reset": {"idleMinutes": 5}}), common, daily(4, Some(5)));
        let direct = |policies: &ResetPolicies| policies.direct.unwrap();
        check(
            json!({"reset": {"mode": "daily", "atHour": 2}, "resetByType": {"dm": {"idleMinutes": 9}}}),
            direct,
            daily(2, Some(9)),
        );
        check(json!({"resetByType": {"direct": {"mode": "idle", "idleMinutes": 9}}}), direct, idle(9));
        let channel = |policies: &ResetPolicies| policies.by_channel[0].1;
        check(
            json!({"idleMinutes": 1, "reset": {"atHour": 2}, "resetByChannel": {"Slack": {"idleMinutes": 7}}}),
            channel,
            daily(4, Some(7)),
        );
    }
}

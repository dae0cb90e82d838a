//! Who has done something too often.
//!
//! [`Window`] counts events of a key over a sliding time; [`WriteLimiter`] is one for control-plane writes, and
//! [`AuthLimiter`] adds a lock-out for addresses that keep failing to authenticate. Each shard has its own tables: what
//! one shard counts another does not know, so a limit is per shard, never less than what is configured.

mod failures;

pub use failures::{AuthLimiter, AuthLimits, Credential};

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use pincer_protocol::ErrorShape;
use pincer_sessions::time::Now;

/// At most so many events of one key within so many milliseconds.
#[derive(Debug)]
pub struct Window<K> {
    events_max: usize,
    window_ms: u64,
    keys_max: usize,
    keys: HashMap<K, VecDeque<u64>>,
}

impl<K: Eq + Hash + Clone> Window<K> {
    /// At most `events_max` (at least 1) events of a key in any `window_ms`.
    ///
    /// At most `keys_max` keys are remembered; one more forgets the key that was quiet longest.
    pub fn new(events_max: usize, window_ms: u64, keys_max: usize) -> Window<K> {
        Window { events_max: events_max.max(1), window_ms, keys_max: keys_max.max(1), keys: HashMap::new() }
    }

    /// Counts one event, unless there were too many: then says after how many milliseconds there is room again.
    pub fn take(&mut self, key: K, now: Now) -> Result<(), u64> {
        let (events_max, window_ms) = (self.events_max, self.window_ms);
        let events = self.events(key, now);
        match events.front() {
            Some(oldest) if events.len() >= events_max => {
                Err((oldest + window_ms).saturating_sub(now.mono_ms).max(1))
            }
            _ => {
                events.push_back(now.mono_ms);
                Ok(())
            }
        }
    }

    /// Counts one event whatever happened before, and returns how many there were within the window.
    pub fn count(&mut self, key: K, now: Now) -> usize {
        let events_max = self.events_max;
        let events = self.events(key, now);
        if events.len() >= events_max {
            events.pop_front();
        }
        events.push_back(now.mono_ms);
        events.len()
    }

    /// Forgets a key.
    pub fn reset(&mut self, key: &K) {
        self.keys.remove(key);
    }

    /// Keys remembered now.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key's events within the window, oldest first.
    fn events(&mut self, key: K, now: Now) -> &mut VecDeque<u64> {
        if self.keys.len() >= self.keys_max && !self.keys.contains_key(&key) {
            self.make_room(now);
        }
        let events = self.keys.entry(key).or_default();
        // An event leaves exactly one window after it happened.
        while events.front().is_some_and(|at| at + self.window_ms <= now.mono_ms) {
            events.pop_front();
        }
        events
    }

    fn make_room(&mut self, now: Now) {
        let window_ms = self.window_ms;
        self.keys.retain(|_, events| events.back().is_some_and(|at| at + window_ms > now.mono_ms));
        if self.keys.len() >= self.keys_max
            && let Some(quiet) =
                self.keys.iter().min_by_key(|(_, events)| events.back().copied()).map(|(key, _)| key.clone())
        {
            self.keys.remove(&quiet);
        }
    }
}

/// Control-plane writes (`config.apply`, `config.patch`, `update.run`) of one client: at most 3 in 60 s, upstream's v3
/// figures. A write that is refused for another reason counts too.
#[derive(Debug)]
pub struct WriteLimiter(Window<Box<str>>);

impl WriteLimiter {
    /// Writes allowed within the window.
    pub const WRITES_MAX: usize = 3;
    /// The window, milliseconds.
    pub const WINDOW_MS: u64 = 60_000;
    /// Clients remembered.
    const CLIENTS_MAX: usize = 1_024;
}

impl Default for WriteLimiter {
    fn default() -> Self {
        WriteLimiter(Window::new(Self::WRITES_MAX, Self::WINDOW_MS, Self::CLIENTS_MAX))
    }
}

impl WriteLimiter {
    /// Counts one write of `method`, or refuses it as upstream does. A client is its device and its address.
    pub fn take(
        &mut self,
        method: &str,
        device_id: Option<&str>,
        remote_ip: Option<&str>,
        now: Now,
    ) -> Result<(), ErrorShape> {
        let client =
            format!("{}|{}", device_id.unwrap_or("unknown-device"), remote_ip.unwrap_or("unknown-ip"));
        self.0.take(client.into(), now).map_err(|retry_after_ms| {
            ErrorShape::busy(
                format!("rate limit exceeded for {method}; retry after {}s", retry_after_ms.div_ceil(1_000)),
                retry_after_ms,
            )
            .with_details(serde_json::json!({
                "method": method,
                "limit": format!("{} per {}s", Self::WRITES_MAX, Self::WINDOW_MS / 1_000),
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_ms: u64) -> Now {
        Now { mono_ms, wall_ms: 0 }
    }

    #[test]
    fn a_window_slides() {
        let mut window = Window::new(2, 100, 8);
        assert_eq!(window.take("a", at(0)), Ok(()));
        assert_eq!(window.take("a", at(50)), Ok(()));
        assert_eq!(window.take("a", at(60)), Err(40));
        assert_eq!(window.take("b", at(60)), Ok(()), "keys do not share");
        assert_eq!(window.take("a", at(100)), Ok(()), "the first event has left");
        assert_eq!(window.take("a", at(100)), Err(50));
    }

    #[test]
    fn the_quietest_key_is_forgotten_first() {
        let mut window = Window::new(1, 100, 2);
        for (key, ms) in [("old", 0), ("new", 10), ("third", 20)] {
            assert_eq!(window.take(key, at(ms)), Ok(()));
        }
        assert_eq!(window.len(), 2);
        assert!(window.take("new", at(30)).is_err(), "still remembered");
        assert!(window.take("old", at(30)).is_ok(), "forgotten, so it starts anew");
    }

    #[test]
    fn the_fourth_write_is_refused_in_upstreams_words() {
        let mut limiter = WriteLimiter::default();
        for _ in 0..3 {
            assert_eq!(limiter.take("config.patch", Some("d"), None, at(0)), Ok(()));
        }
        let error = limiter.take("config.patch", Some("d"), None, at(500)).unwrap_err();
        assert_eq!(
            serde_json::to_value(error).unwrap(),
            serde_json::json!({
                "code": "UNAVAILABLE",
                "message": "rate limit exceeded for config.patch; retry after 60s",
                "details": {"method": "config.patch", "limit": "3 per 60s"},
                "retryable": true,
                "retryAfterMs": 59_500,
            })
        );
        assert_eq!(limiter.take("config.patch", Some("other"), None, at(500)), Ok(()));
        assert_eq!(limiter.take("config.patch", Some("d"), None, at(60_000)), Ok(()));
    }
}

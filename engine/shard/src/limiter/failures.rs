//! Addresses that keep failing to authenticate.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use pincer_sessions::time::Now;

use super::Window;

/// How many failures, in what time, lock an address out for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthLimits {
    /// Failures that lock out, at least 1.
    pub attempts_max: u32,
    /// Within this time, milliseconds.
    pub window_ms: u64,
    /// For this long, milliseconds.
    pub lockout_ms: u64,
    /// Whether loopback is never locked out.
    pub exempt_loopback: bool,
}

impl Default for AuthLimits {
    /// Upstream's figures: 10 failures in a minute lock out for five.
    fn default() -> Self {
        AuthLimits { attempts_max: 10, window_ms: 60_000, lockout_ms: 300_000, exempt_loopback: true }
    }
}

/// What was guessed at. Failures with one kind do not lock out the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The shared token or password.
    SharedSecret,
    /// A token issued to a device.
    DeviceToken,
}

/// An IPv6 host owns a whole /64, so that is what is counted.
type Key = (IpAddr, Credential);

/// Failed attempts by address.
#[derive(Debug)]
pub struct AuthLimiter {
    limits: AuthLimits,
    failures: Window<Key>,
    /// When the lock-out ends, `mono_ms`.
    locked: HashMap<Key, u64>,
}

impl AuthLimiter {
    /// Addresses remembered. One more forgets the one that was quiet longest, or whose lock-out ends first.
    const ADDRESSES_MAX: usize = 8_192;

    /// Most failures that are counted; configured figures above it mean this.
    const ATTEMPTS_MAX: usize = 1_000;

    /// A limiter without history.
    pub fn new(limits: AuthLimits) -> AuthLimiter {
        let attempts = usize::try_from(limits.attempts_max).unwrap_or(Self::ATTEMPTS_MAX);
        AuthLimiter {
            limits,
            failures: Window::new(attempts.min(Self::ATTEMPTS_MAX), limits.window_ms, Self::ADDRESSES_MAX),
            locked: HashMap::new(),
        }
    }

    /// Whether `ip` may try; `Err`: it is locked out for so many milliseconds more.
    pub fn check(&self, ip: IpAddr, credential: Credential, now: Now) -> Result<(), u64> {
        match self.locked.get(&(network(ip), credential)) {
            Some(until) if *until > now.mono_ms && !self.exempt(ip) => Err(until - now.mono_ms),
            _ => Ok(()),
        }
    }

    /// Notes a failure. Those of a locked-out address are not counted.
    pub fn failed(&mut self, ip: IpAddr, credential: Credential, now: Now) {
        if self.exempt(ip) || self.check(ip, credential, now).is_err() {
            return;
        }
        let key = (network(ip), credential);
        let attempts = usize::try_from(self.limits.attempts_max.max(1)).unwrap_or(Self::ATTEMPTS_MAX);
        if self.failures.count(key, now) >= attempts.min(Self::ATTEMPTS_MAX) {
            self.failures.reset(&key);
            if self.locked.len() >= Self::ADDRESSES_MAX {
                self.make_room(now);
            }
            self.locked.insert(key, now.mono_ms.saturating_add(self.limits.lockout_ms));
        }
    }

    /// Notes a success: earlier failures are forgiven.
    pub fn succeeded(&mut self, ip: IpAddr, credential: Credential) {
        let key = (network(ip), credential);
        self.failures.reset(&key);
        self.locked.remove(&key);
    }

    fn exempt(&self, ip: IpAddr) -> bool {
        self.limits.exempt_loopback && ip.to_canonical().is_loopback()
    }

    fn make_room(&mut self, now: Now) {
        self.locked.retain(|_, until| *until > now.mono_ms);
        if self.locked.len() >= Self::ADDRESSES_MAX
            && let Some(first) = self.locked.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key)
        {
            self.locked.remove(&first);
        }
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AuthLimits =
        AuthLimits { attempts_max: 2, window_ms: 100, lockout_ms: 1_000, exempt_loopback: true };

    fn at(mono_ms: u64) -> Now {
        Now { mono_ms, wall_ms: 0 }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn failures_lock_out_for_a_while() {
        let (mut limiter, peer) = (AuthLimiter::new(LIMITS), ip("192.0.2.1"));
        limiter.failed(peer, Credential::SharedSecret, at(0));
        assert_eq!(limiter.check(peer, Credential::SharedSecret, at(0)), Ok(()));
        limiter.failed(peer, Credential::SharedSecret, at(50));
        assert_eq!(limiter.check(peer, Credential::SharedSecret, at(50)), Err(1_000));
        assert_eq!(limiter.check(peer, Credential::DeviceToken, at(50)), Ok(()), "the other kind is free");
        limiter.failed(peer, Credential::SharedSecret, at(900));
        assert_eq!(limiter.check(peer, Credential::SharedSecret, at(1_050)), Ok(()), "not prolonged");
    }

    #[test]
    fn failures_far_apart_do_not_add_up_and_success_forgives() {
        let (mut limiter, peer) = (AuthLimiter::new(LIMITS), ip("192.0.2.1"));
        limiter.failed(peer, Credential::SharedSecret, at(0));
        limiter.failed(peer, Credential::SharedSecret, at(100));
        assert_eq!(limiter.check(peer, Credential::SharedSecret, at(100)), Ok(()));
        limiter.succeeded(peer, Credential::SharedSecret);
        limiter.failed(peer, Credential::SharedSecret, at(101));
        assert_eq!(limiter.check(peer, Credential::SharedSecret, at(101)), Ok(()));
    }

    #[test]
    fn loopback_is_exempt_and_a_v6_network_counts_as_one() {
        let mut limiter = AuthLimiter::new(LIMITS);
        for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            for _ in 0..5 {
                limiter.failed(ip(peer), Credential::SharedSecret, at(0));
            }
            assert_eq!(limiter.check(ip(peer), Credential::SharedSecret, at(0)), Ok(()), "{peer}");
        }
        limiter.failed(ip("2001:db8::1"), Credential::SharedSecret, at(0));
        limiter.failed(ip("2001:db8::2"), Credential::SharedSecret, at(0));
        assert!(limiter.check(ip("2001:db8::3"), Credential::SharedSecret, at(0)).is_err());
        assert!(limiter.check(ip("2001:db8:0:1::3"), Credential::SharedSecret, at(0)).is_ok());
    }

    #[test]
    fn the_table_is_bounded() {
        let mut limiter = AuthLimiter::new(AuthLimits { attempts_max: 1, ..LIMITS });
        for n in 0..(AuthLimiter::ADDRESSES_MAX as u32 + 10) {
            limiter.failed(
                IpAddr::V4((0x0a00_0000 + n).into()),
                Credential::SharedSecret,
                at(u64::from(n) / 100),
            );
        }
        assert!(limiter.locked.len() <= AuthLimiter::ADDRESSES_MAX);
    }
}

//! Which model to ask when one failed.
//!
//! A session's model and its fallbacks are a list, best first. [`Cooldowns`] remembers which providers failed lately,
//! and [`Cooldowns::next`] walks the list. The rules:
//!
//! 1. Once text of an answer was passed on, nothing else is asked: a second answer would begin anew in the middle of the
//!    first. Reasoning alone does not count.
//! 2. A prompt too long for one model does not go to another: fallbacks rarely have more room, and the cure is
//!    compaction. Neither does a call refused by our own bound. Every other failure moves on; see [`moves_on`].
//! 3. Refused keys, rate limits and missing credit rest a provider for 1, 5, 25, then 60 minutes, as OpenClaw does, or
//!    for as long as the provider asked. Overload, timeouts, broken connections and broken answers pass sooner: 10 s,
//!    doubling up to 5 minutes. A wrong request rests nobody: the next request may be right.
//! 4. An answer ends the provider's rest and forgets its failures; so does an hour without failure after a rest.
//! 5. Resting providers are passed over, for the first try too. When all of the list rest, the first of them is tried
//!    nonetheless: an answer that may come is better than a refusal that must not.
//!
//! Nothing here reads a clock: `now_ms` is the caller's monotonic time.

use crate::model::{Endpoint, ProviderError, ProviderErrorKind};

/// Most providers remembered. Beyond it the one whose rest ends first is forgotten.
pub const PROVIDERS_MAX: usize = 64;

const MINUTE_MS: u64 = 60 * 1000;

/// Longest rest of all, also when the provider asks for more.
pub const REST_MS_MAX: u64 = 60 * MINUTE_MS;

/// After this long without failure since the last rest, counting begins anew.
const FORGET_AFTER_MS: u64 = 60 * MINUTE_MS;

/// Whether the next model in the list may be asked after `error`. `spoke`: text of the answer was already passed on.
pub fn moves_on(error: &ProviderError, spoke: bool) -> bool {
    match error.kind {
        ProviderErrorKind::ContextOverflow | ProviderErrorKind::Busy => false,
        ProviderErrorKind::BadRequest
        | ProviderErrorKind::Auth
        | ProviderErrorKind::RateLimit
        | ProviderErrorKind::Server
        | ProviderErrorKind::Timeout
        | ProviderErrorKind::Network
        | ProviderErrorKind::Protocol => !spoke,
    }
}

/// Providers that failed lately. One a shard: shards learn of failures on their own.
#[derive(Debug, Clone, Default)]
pub struct Cooldowns {
    /// Few, so a list; at most [`PROVIDERS_MAX`].
    resting: Vec<Cooldown>,
}

#[derive(Debug, Clone)]
struct Cooldown {
    provider: String,
    /// Failures in a row.
    failures: u32,
    until_ms: u64,
}

impl Cooldowns {
    /// The index in `models` to ask: for a first try with `failed` `None`, else after the model at that index failed.
    /// `None`: the list is exhausted.
    pub fn next(&self, models: &[Endpoint], failed: Option<usize>, now_ms: u64) -> Option<usize> {
        let from = failed.map_or(0, |index| index.saturating_add(1));
        let awake = |(_, model): &(usize, &Endpoint)| self.rests_until(&model.provider, now_ms).is_none();
        let rest = || models.iter().enumerate().skip(from);
        match rest().find(awake) {
            Some((index, _)) => Some(index),
            // Only for the first try: later ones have had a real answer, if a bad one.
            None if failed.is_none() && !models.is_empty() => Some(0),
            None => None,
        }
    }

    /// A call to `provider` failed. Returns how long it rests from `now_ms`, if it does.
    pub fn failed(&mut self, provider: &str, error: &ProviderError, now_ms: u64) -> Option<u64> {
        let (first_ms, factor, most_ms) = rest_rule(error.kind)?;
        let known = self.resting.iter().position(|cooldown| cooldown.provider == provider);
        let earlier = known.map(|index| self.resting.swap_remove(index));
        let earlier_until_ms = earlier.as_ref().map_or(0, |earlier| earlier.until_ms);
        let failures = earlier
            .filter(|earlier| now_ms < earlier.until_ms.saturating_add(FORGET_AFTER_MS))
            .map_or(0, |earlier| earlier.failures);
        let grown_ms = first_ms.saturating_mul(factor.saturating_pow(failures)).min(most_ms);
        let rest_ms = error.retry_after_ms.map_or(grown_ms, |asked_ms| asked_ms.min(REST_MS_MAX));
        // Of two calls that failed at once the longer rest stands.
        let until_ms = now_ms.saturating_add(rest_ms).max(earlier_until_ms);
        if self.resting.len() >= PROVIDERS_MAX {
            let soonest = self.resting.iter().enumerate().min_by_key(|(_, cooldown)| cooldown.until_ms);
            if let Some((index, _)) = soonest {
                self.resting.swap_remove(index);
            }
        }
        self.resting.push(Cooldown {
            provider: provider.to_owned(),
            failures: failures.saturating_add(1),
            until_ms,
        });
        Some(until_ms - now_ms)
    }

    /// A call to `provider` was answered.
    pub fn succeeded(&mut self, provider: &str) {
        self.resting.retain(|cooldown| cooldown.provider != provider);
    }

    /// Until when `provider` rests; `None` when it does not.
    pub fn rests_until(&self, provider: &str, now_ms: u64) -> Option<u64> {
        let cooldown = self.resting.iter().find(|cooldown| cooldown.provider == provider)?;
        (now_ms < cooldown.until_ms).then_some(cooldown.until_ms)
    }
}

/// Rule 3: the first rest, by what it grows with each failure in a row, and the longest.
fn rest_rule(kind: ProviderErrorKind) -> Option<(u64, u64, u64)> {
    match kind {
        ProviderErrorKind::Auth | ProviderErrorKind::RateLimit => Some((MINUTE_MS, 5, REST_MS_MAX)),
        ProviderErrorKind::Server
        | ProviderErrorKind::Timeout
        | ProviderErrorKind::Network
        | ProviderErrorKind::Protocol => Some((10 * 1000, 2, 5 * MINUTE_MS)),
        ProviderErrorKind::BadRequest | ProviderErrorKind::ContextOverflow | ProviderErrorKind::Busy => None,
    }
}

#[cfg(test)]
mod tests;

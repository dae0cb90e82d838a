//! The card that `/status` shows.

use crate::entry::level::{Elevated, Reasoning, Thinking, Verbose};
use crate::queue::QueuePolicy;

/// What `/status` shows. Zeros are shown as zeros; `None` is left out.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// The gateway's version.
    pub version: &'a str,
    /// `provider/model`
    pub model: &'a str,
    /// Where the key comes from, never the key: `models.json`, `env` …
    pub key_source: Option<&'a str>,
    /// Prompt tokens of the last run that were not cached.
    pub tokens_in: u64,
    /// Answer tokens of the last run.
    pub tokens_out: u64,
    /// US dollars the session has cost so far.
    pub cost_usd: Option<f64>,
    /// Prompt tokens of the last run read from a cache.
    pub cache_read: u64,
    /// Prompt tokens of the last run written to a cache.
    pub cache_write: u64,
    /// Tokens of the context now; `None` when nobody knows.
    pub context_used: Option<u64>,
    /// The model's window in tokens.
    pub context_window: u64,
    /// How often the session was summarised.
    pub compactions: u64,
    /// Canonical key.
    pub session_key: &'a str,
    /// When it last changed, milliseconds since 1970; `None` for a session that is just made.
    pub updated_at_ms: Option<u64>,
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
    /// Since when the gateway runs, in milliseconds.
    pub uptime_ms: u64,
    /// In force.
    pub thinking: Thinking,
    /// In force.
    pub verbose: Verbose,
    /// In force.
    pub reasoning: Reasoning,
    /// In force; `None` where it may not be used at all.
    pub elevated: Option<Elevated>,
    /// In force.
    pub queue: QueuePolicy,
    /// Turns waiting.
    pub depth: usize,
}

impl Status<'_> {
    /// The card as text, one fact a line.
    pub fn card(&self) -> String {
        let mut lines = vec![format!("🦞 Pincer {}", self.version)];
        let key = self.key_source.map(|source| format!(" · 🔑 {source}")).unwrap_or_default();
        lines.push(format!("🧠 Model: {}{key}", self.model));
        let cost = self.cost_usd.map(|usd| format!(" · 💵 Cost: ${usd:.4}")).unwrap_or_default();
        let (tokens_in, tokens_out) = (tokens_short(self.tokens_in), tokens_short(self.tokens_out));
        lines.push(format!("🧮 Tokens: {tokens_in} in / {tokens_out} out{cost}"));
        let prompt = self.tokens_in + self.cache_read + self.cache_write;
        if self.cache_read + self.cache_write > 0 {
            let hit = self.cache_read * 100 / prompt.max(1);
            let (cached, new) = (tokens_short(self.cache_read), tokens_short(self.cache_write));
            lines.push(format!("🗄️ Cache: {hit}% hit · {cached} cached, {new} new"));
        }
        let context = super::reply::context_use(self.context_used, self.context_window);
        lines.push(format!("📚 {context} · 🧹 Compactions: {}", self.compactions));
        let updated = match self.updated_at_ms {
            Some(at) => format!("updated {}", ago(self.now_ms.saturating_sub(at))),
            None => "new".to_owned(),
        };
        lines.push(format!("🧵 Session: {} • {updated}", self.session_key));
        let mut runtime = format!("⚙️ Runtime: up {} · Think: {}", span(self.uptime_ms), self.thinking);
        match self.verbose {
            Verbose::Off => {}
            Verbose::On => runtime.push_str(" · verbose"),
            Verbose::Full => runtime.push_str(" · verbose:full"),
        }
        if self.reasoning != Reasoning::Off {
            runtime.push_str(&format!(" · Reasoning: {}", self.reasoning));
        }
        if let Some(elevated) = self.elevated.filter(|level| *level != Elevated::Off) {
            runtime.push_str(&format!(" · elevated:{elevated}"));
        }
        lines.push(runtime);
        lines.push(format!("🪢 Queue: {} (depth {})", self.queue.mode, self.depth));
        lines.join("\n")
    }
}

/// A number of tokens as people read it: `999`, `1.2k`, `64k`, `1.5m`.
pub fn tokens_short(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..10_000 => format!("{:.1}k", tokens as f64 / 1_000.0),
        10_000..999_500 => format!("{:.0}k", tokens as f64 / 1_000.0),
        _ => format!("{:.1}m", tokens as f64 / 1_000_000.0),
    }
}

fn ago(ms: u64) -> String {
    match ms / 60_000 {
        0 => "just now".to_owned(),
        _ => format!("{} ago", span(ms)),
    }
}

/// `42s`, `13m`, `2h 5m`, `3d 4h`.
fn span(ms: u64) -> String {
    let (minutes, hours, days) = (ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{}s", ms / 1_000),
        (0, 0, _) => format!("{minutes}m"),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use pincer_protocol::Wire;

    pub(crate) fn example() -> Status<'static> {
        Status {
            version: "0.1.0",
            model: "mock/mock-2",
            key_source: Some("models.json"),
            tokens_in: 100,
            tokens_out: 9,
            cost_usd: Some(0.000_118),
            cache_read: 20,
            cache_write: 0,
            context_used: Some(120),
            context_window: 64_000,
            compactions: 0,
            session_key: "agent:main:t:slash",
            updated_at_ms: Some(1_000),
            now_ms: 2_000,
            uptime_ms: 61_000,
            thinking: Thinking::High,
            verbose: Verbose::On,
            reasoning: Reasoning::On,
            elevated: None,
            queue: QueuePolicy::default_for(Wire::V3),
            depth: 0,
        }
    }

    #[test]
    fn the_card() {
        assert_eq!(
            example().card(),
            "🦞 Pincer 0.1.0\n🧠 Model: mock/mock-2 · 🔑 models.json\n🧮 Tokens: 100 in / 9 out · 💵 Cost: $0.0001\n\
             🗄️ Cache: 16% hit · 20 cached, 0 new\n📚 Context: 120/64k (0%) · 🧹 Compactions: 0\n\
             🧵 Session: agent:main:t:slash • updated just now\n\
             ⚙️ Runtime: up 1m · Think: high · verbose · Reasoning: on\n🪢 Queue: collect (depth 0)"
        );
        let bare = Status {
            key_source: None,
            cost_usd: None,
            cache_read: 0,
            context_used: None,
            updated_at_ms: None,
            verbose: Verbose::Off,
            reasoning: Reasoning::Off,
            elevated: Some(Elevated::Full),
            uptime_ms: 90_000_000,
            ..example()
        };
        let card = bare.card();
        assert!(
            card.contains("Context: ?/64k") && card.contains("up 1d 1h · Think: high · elevated:full"),
            "{card}"
        );
        assert_eq!(card.lines().count(), 7);
    }

    #[test]
    fn short_numbers() {
        for (tokens, text) in
            [(0, "0"), (999, "999"), (1_234, "1.2k"), (64_000, "64k"), (128_000, "128k"), (1_500_000, "1.5m")]
        {
            assert_eq!(tokens_short(tokens), text);
        }
    }
}

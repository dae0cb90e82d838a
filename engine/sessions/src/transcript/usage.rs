//! What a model call used and cost, as transcripts keep it.

use serde::{Deserialize, Serialize, Serializer};

/// Tokens and money of one model call.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Prompt tokens that were not cached.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
    /// As the provider counts.
    pub total_tokens: u64,
    /// US dollars.
    pub cost: Cost,
}

/// US dollars of one model call.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cost {
    /// For [`Usage::input`].
    #[serde(serialize_with = "dollars")]
    pub input: f64,
    /// For [`Usage::output`].
    #[serde(serialize_with = "dollars")]
    pub output: f64,
    /// For [`Usage::cache_read`].
    #[serde(serialize_with = "dollars")]
    pub cache_read: f64,
    /// For [`Usage::cache_write`].
    #[serde(serialize_with = "dollars")]
    pub cache_write: f64,
    /// Together.
    #[serde(serialize_with = "dollars")]
    pub total: f64,
}

/// US dollars for a million tokens, as `models.providers.<id>.models[].cost` says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices {
    /// Prompt tokens.
    pub input: f64,
    /// Answer tokens.
    pub output: f64,
    /// Prompt tokens read from a cache.
    pub cache_read: f64,
    /// Prompt tokens written to a cache.
    pub cache_write: f64,
}

impl Usage {
    /// The same tokens at these prices.
    pub fn priced(self, prices: &Prices) -> Usage {
        let of = |tokens: u64, price: f64| tokens as f64 * price / 1_000_000.0;
        let mut cost = Cost {
            input: of(self.input, prices.input),
            output: of(self.output, prices.output),
            cache_read: of(self.cache_read, prices.cache_read),
            cache_write: of(self.cache_write, prices.cache_write),
            total: 0.0,
        };
        cost.total = cost.input + cost.output + cost.cache_read + cost.cache_write;
        Usage { cost, ..self }
    }

    /// Prompt tokens, cached or not: what the context held.
    pub fn prompt_tokens(&self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }
}

/// JavaScript writes a whole number without a fraction, and so do we.
fn dollars<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && (0.0..1e15).contains(value) {
        serializer.serialize_u64(*value as u64)
    } else {
        serializer.serialize_f64(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_for_a_million() {
        let usage = Usage {
            input: 100,
            output: 9,
            cache_read: 20,
            cache_write: 0,
            total_tokens: 129,
            cost: Cost::default(),
        };
        let priced = usage.priced(&Prices { input: 1.0, output: 2.0, cache_read: 0.0, cache_write: 0.0 });
        assert!((priced.cost.total - 0.000118).abs() < 1e-12);
        assert_eq!(priced.prompt_tokens(), 120);
    }
}

//! Secrets in a config, and what is shown in their place.

use crate::path::KeyPath;

/// What clients see instead of a secret, on both wires.
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Whether the value at `at` is a secret, going by its name.
pub fn is_secret(at: &KeyPath) -> bool {
    if at.passes_through("headers") {
        return true;
    }
    let Some(name) = at.last_key() else { return false };
    let lower = name.to_ascii_lowercase();
    // `maxTokens` and `contextTokens` are counts; a token is one.
    lower.ends_with("token")
        || ["password", "secret", "apikey", "api_key", "privatekey", "passphrase"]
            .iter()
            .any(|word| lower.ends_with(word))
        || lower.contains("secret")
}

//! What the defender judges by: the config's `defender` section.

use pincer_defender::Defender;
use pincer_defender::policy::{Policy, PolicyError};
use serde_json::Value;

/// Reads the section. Without one everything is judged and nothing is stopped. A mistake in it is an error, other than
/// anywhere else in the config: a slip in a security policy would look like protection.
pub(crate) fn policy(section: &Value) -> Result<Policy, PolicyError> {
    if section.is_null() { Ok(Policy::default()) } else { Policy::from_value(section) }
}

/// Builds the judge; the message names the setting that is wrong.
pub(crate) fn defender(section: &Value) -> Result<Defender, String> {
    policy(section).and_then(Defender::new).map_err(|error| {
        format!("the config's `defender` section is not valid: {error}. Nothing is started with a policy that may not be what was meant")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mistake_is_named() {
        assert!(defender(&Value::Null).is_ok());
        assert!(defender(&json!({"mode": "enforce", "thresholds": {"review": 40}})).is_ok());
        let error = defender(&json!({"mode": "enforced"})).unwrap_err();
        assert!(error.contains("mode"), "{error}");
        let error = defender(&json!({"thresholds": {"reviw": 40}})).unwrap_err();
        assert!(error.contains("reviw"), "{error}");
    }
}

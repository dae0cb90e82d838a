//! Agent ids, as folder names and as config names them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// Most characters of an agent id; upstream's bound.
pub const AGENT_ID_MAX: usize = 64;

/// Name of an agent: `[a-z0-9][a-z0-9_-]{0,63}`. Safe as a folder name, cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AgentId(Arc<str>);

impl AgentId {
    /// The agent that any text means, by upstream's rule: a well-formed id is lower-cased; in anything else the other
    /// characters become `-`, dashes at both ends go, and what is left is cut to [`AGENT_ID_MAX`]. Nothing left:
    /// `main`.
    pub fn sanitise(text: &str) -> AgentId {
        let text = text.trim();
        if is_well_formed(text) {
            return AgentId(text.to_ascii_lowercase().into());
        }
        let mut id = String::with_capacity(text.len().min(AGENT_ID_MAX));
        let mut in_run = false;
        for letter in text.to_lowercase().chars() {
            let kept = letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-');
            if kept {
                id.push(letter);
            } else if !in_run {
                // A run of foreign characters is one dash.
                id.push('-');
            }
            in_run = !kept;
        }
        // A leading `_` goes too (upstream keeps it): a folder name starts with a letter or digit.
        let id = id.trim_start_matches(['-', '_']).trim_end_matches('-');
        let id: String = id.chars().take(AGENT_ID_MAX).collect();
        if id.is_empty() { AgentId::default() } else { AgentId(id.into()) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `main`, upstream's agent when none is configured.
impl Default for AgentId {
    fn default() -> AgentId {
        AgentId("main".into())
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for AgentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AgentId, D::Error> {
        Ok(AgentId::sanitise(&String::deserialize(deserializer)?))
    }
}

fn is_well_formed(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= AGENT_ID_MAX
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(AgentId::sanitise(text).as_str(), want, "{text:?}");
    }

    #[test]
    fn any_text_names_an_agent() {
        check("main", "main");
        check("Ops", "ops");
        check(" ops_2-b ", "ops_2-b");
        check("bad id!", "bad-id");
        check("a--b", "a--b");
        check("!!", "main");
        check("", "main");
        check("über agent", "ber-agent");
        check(&"x".repeat(80), &"x".repeat(64));
        check("-lead", "lead");
        check("_x--y! ?", "x--y");
    }

    proptest::proptest! {
        #[test]
        fn sanitising_twice_changes_nothing_and_the_result_names_a_folder(text in ".{0,90}") {
            let once = AgentId::sanitise(&text);
            proptest::prop_assert!(!once.as_str().is_empty() && once.as_str().len() <= AGENT_ID_MAX);
            proptest::prop_assert_eq!(AgentId::sanitise(once.as_str()), once.clone());
            proptest::prop_assert!(crate::persist::TranscriptId::new(once.as_str(), "s").is_ok());
        }
    }
}

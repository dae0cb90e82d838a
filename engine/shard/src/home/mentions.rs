//! What counts as calling an agent, in groups.

use std::collections::BTreeMap;

use pincer_config::Config;
use pincer_sessions::activation::{BadPattern, Mentions};

/// The patterns of every agent, compiled once. One entry an agent of the config.
#[derive(Debug, Default)]
pub(crate) struct MentionTable {
    by_agent: BTreeMap<String, Mentions>,
    /// For agents that the config does not name.
    others: Mentions,
    /// Patterns that are none; the others still work.
    pub(crate) bad: Vec<BadPattern>,
}

impl MentionTable {
    /// From `messages.groupChat.mentionPatterns`; without any, an agent is called by its names.
    pub(crate) fn of(config: &Config) -> MentionTable {
        let patterns = &config.messages.group_chat.mention_patterns;
        let (others, bad) = Mentions::new(patterns, &[]);
        let by_agent = config.agents.roster().into_iter().map(|agent| {
            let identity = agent.identity.as_ref().and_then(|identity| identity.name.as_deref());
            let names: Vec<&str> = identity.into_iter().chain(agent.name.as_deref()).collect();
            let (mentions, _) = Mentions::new(patterns, &names);
            (agent.id.clone(), mentions)
        });
        MentionTable { by_agent: by_agent.collect(), others, bad }
    }

    /// What calls this agent.
    pub(crate) fn of_agent(&self, agent: &str) -> &Mentions {
        self.by_agent.get(agent).unwrap_or(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(config: Value, agent: &str, text: &str, called: bool) {
        let loaded = pincer_config::load(
            &config.to_string(),
            std::path::Path::new("/s/openclaw.json"),
            &mut |_| Err(std::io::ErrorKind::NotFound.into()),
            &|_| None,
        );
        let table = MentionTable::of(&loaded.config);
        assert_eq!(table.of_agent(agent).found_in(text), called, "{config} {agent} {text}");
    }

    #[test]
    fn names_and_patterns() {
        let named =
            json!({"agents": {"list": [{"id": "main", "name": "Home", "identity": {"name": "Molty"}}]}});
        check(named.clone(), "main", "hi molty", true);
        check(named.clone(), "main", "hi @home", true);
        check(named.clone(), "other", "hi molty", false);
        let mut patterned = named;
        patterned["messages"] = json!({"groupChat": {"mentionPatterns": ["\\bclaw\\b", "("]}});
        check(patterned.clone(), "main", "the claw", true);
        check(patterned.clone(), "other", "the claw", true);
        check(patterned, "main", "hi molty", false);
    }
}

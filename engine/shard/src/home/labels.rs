//! Labels: unique among the sessions of one agent, though its sessions live on many shards.

use std::collections::HashMap;

use pincer_protocol::ErrorShape;
use pincer_sessions::key::SessionKey;

use crate::Shard;

/// Who holds which label. As many entries as sessions with a label; bounded by the number of sessions.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    holders: HashMap<(Box<str>, Box<str>), SessionKey>,
    held: HashMap<SessionKey, (Box<str>, Box<str>)>,
}

impl Labels {
    /// Gives `label` to `key`, in place of the one it holds; `None` only takes that one away.
    ///
    /// # Errors
    /// Another session of the agent holds the label; nothing has changed.
    pub(crate) fn reserve(
        &mut self,
        agent: &str,
        label: Option<&str>,
        key: &SessionKey,
    ) -> Result<(), ErrorShape> {
        let wanted = label.map(|label| (Box::<str>::from(agent), Box::<str>::from(label)));
        if let Some(wanted) = &wanted
            && self.holders.get(wanted).is_some_and(|holder| holder != key)
        {
            return Err(ErrorShape::invalid(format!("label already in use: {}", wanted.1)));
        }
        if let Some(old) = self.held.remove(key) {
            self.holders.remove(&old);
        }
        if let Some(wanted) = wanted {
            self.holders.insert(wanted.clone(), key.clone());
            self.held.insert(key.clone(), wanted);
        }
        Ok(())
    }
}

impl Shard {
    /// Home's side of a label reservation.
    pub(crate) fn reserve_label_here(
        &mut self,
        agent: &str,
        label: Option<&str>,
        key: &SessionKey,
    ) -> Result<(), ErrorShape> {
        match &mut self.home {
            Some(home) => home.labels.reserve(agent, label, key),
            None => Err(ErrorShape::unavailable("only the home shard keeps labels")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_one_holder_an_agent() {
        let [a, b, c] = ["agent:main:a", "agent:main:b", "agent:ops:c"].map(SessionKey::from_stored);
        let mut labels = Labels::default();
        assert!(labels.reserve("main", Some("x"), &a).is_ok());
        assert!(labels.reserve("main", Some("x"), &a).is_ok(), "again by its holder");
        assert!(labels.reserve("main", Some("x"), &b).is_err());
        assert!(labels.reserve("ops", Some("x"), &c).is_ok(), "another agent's labels are its own");
        assert!(labels.reserve("main", Some("y"), &a).is_ok());
        assert!(labels.reserve("main", Some("x"), &b).is_ok(), "a renamed session gives its label up");
        assert!(labels.reserve("main", None, &b).is_ok());
        assert!(labels.reserve("main", Some("x"), &a).is_ok());
    }
}

//! `sessions.resolve` over many shards.
//!
//! The one who asked makes a [`Selector`] of the params, every shard [`find`]s among its own sessions, and [`decide`]
//! turns what they found into the answer.

use pincer_protocol::method::sessions::{ResolveParams, ResolvePayload};
use pincer_protocol::{ErrorShape, Wire};

use crate::agent::AgentId;
use crate::entry::Entry;
use crate::key::{KeyRules, SessionKey};

/// Most keys a shard reports: one is the answer, more are an error that names them.
pub const FOUND_MAX: usize = 8;

/// By what a session is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By key. `sent` is the client's spelling, for the error.
    Key {
        /// Canonical.
        key: SessionKey,
        /// As the client spelled it.
        sent: String,
    },
    /// By session id.
    SessionId(String),
    /// By label.
    Label(String),
    /// v4: by the first characters of the session id.
    ShortId(String),
    /// v4: by any of these.
    Reference {
        /// When it can be read as a key.
        key: Option<SessionKey>,
        /// As the client wrote it.
        text: String,
    },
}

impl Selector {
    /// Reads the params; exactly one selector must be there.
    pub fn new(params: &ResolveParams, rules: &KeyRules<'_>) -> Result<Selector, ErrorShape> {
        fn sent(text: &Option<String>) -> Option<&str> {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty())
        }
        let ResolveParams { key, session_id, label, short_id, reference, .. } = params;
        let all = [sent(key), sent(session_id), sent(label), sent(short_id), sent(reference)];
        let (none, many) = match rules.wire {
            Wire::V3 => ("Either key, sessionId, or label is required", "key, sessionId, or label"),
            Wire::V4 => (
                "Either key, sessionId, label, shortId, or reference is required",
                "key, sessionId, label, shortId, or reference",
            ),
        };
        match all {
            [Some(text), None, None, None, None] => {
                Ok(Selector::Key { key: SessionKey::parse(text, rules)?, sent: text.to_owned() })
            }
            [None, Some(id), None, None, None] => Ok(Selector::SessionId(id.to_owned())),
            [None, None, Some(label), None, None] => Ok(Selector::Label(label.to_owned())),
            [None, None, None, Some(id), None] => Ok(Selector::ShortId(id.to_lowercase())),
            [None, None, None, None, Some(text)] => {
                Ok(Selector::Reference { key: SessionKey::parse(text, rules).ok(), text: text.to_owned() })
            }
            [None, None, None, None, None] => Err(ErrorShape::invalid(none)),
            _ => Err(ErrorShape::invalid(format!("Provide either {many} (not multiple)"))),
        }
    }

    /// The key that is looked for, where it is known: then only its shard need be asked.
    pub fn key(&self) -> Option<&SessionKey> {
        match self {
            Selector::Key { key, .. } => Some(key),
            _ => None,
        }
    }

    fn fits(&self, key: &SessionKey, entry: &Entry) -> bool {
        let id = entry.session_id.as_str();
        match self {
            Selector::Key { key: wanted, .. } => key == wanted,
            Selector::SessionId(wanted) => id == wanted,
            Selector::Label(wanted) => entry.label.as_deref() == Some(wanted),
            Selector::ShortId(wanted) => id.to_lowercase().starts_with(wanted.as_str()),
            Selector::Reference { key: wanted, text } => {
                wanted.as_ref() == Some(key)
                    || id == text
                    || entry.label.as_deref() == Some(text)
                    || (text.len() >= SHORT_ID_MIN && id.starts_with(text.as_str()))
            }
        }
    }
}

/// Fewest characters of a session id that a `reference` is taken for.
const SHORT_ID_MIN: usize = 6;

/// The sessions of one shard that fit, at most [`FOUND_MAX`], in the order of their keys.
pub fn find<'e>(
    entries: impl IntoIterator<Item = (&'e SessionKey, &'e Entry)>,
    selector: &Selector,
    params: &ResolveParams,
) -> Vec<SessionKey> {
    let by_key = matches!(selector, Selector::Key { .. });
    let agent = params.agent_id.as_deref().map(AgentId::sanitise);
    let mut found: Vec<SessionKey> = entries
        .into_iter()
        .filter(|(key, entry)| selector.fits(key, entry))
        .filter(|(key, _)| match key.as_str() {
            // A key that is named is wanted, whatever it is; the two special ones are otherwise left out.
            "global" => by_key || params.include_global,
            "unknown" => by_key || params.include_unknown,
            _ => true,
        })
        .filter(|(key, _)| {
            agent.as_ref().is_none_or(|wanted| key.agent_id().map(AgentId::sanitise).as_ref() == Some(wanted))
        })
        .filter(|(_, entry)| {
            let parent = params.spawned_by.as_deref();
            parent.is_none_or(|parent| entry.tuning().spawned_by.as_deref() == Some(parent))
        })
        .map(|(key, _)| key.clone())
        .collect();
    found.sort();
    found.truncate(FOUND_MAX);
    found
}

/// The answer, given what all shards found.
pub fn decide(
    mut found: Vec<SessionKey>,
    selector: &Selector,
    params: &ResolveParams,
    wire: Wire,
    default_agent: &AgentId,
) -> Result<ResolvePayload, ErrorShape> {
    found.sort();
    found.dedup();
    let what = match selector {
        Selector::Label(label) => format!("with label: {label}"),
        Selector::SessionId(id) | Selector::ShortId(id) => format!("for sessionId: {id}"),
        Selector::Key { sent, .. } => format!("for key: {sent}"),
        Selector::Reference { text, .. } => format!("for reference: {text}"),
    };
    match found.as_slice() {
        [key] => Ok(ResolvePayload {
            ok: true,
            key: Some(key.to_string()),
            agent_id: (wire == Wire::V4).then(|| key.store_agent(default_agent).to_string()),
        }),
        [] if params.allow_missing => Ok(ResolvePayload { ok: false, key: None, agent_id: None }),
        [] => Err(ErrorShape::invalid(match selector {
            Selector::Label(label) => format!("No session found with label: {label}"),
            Selector::Key { sent: text, .. }
            | Selector::SessionId(text)
            | Selector::ShortId(text)
            | Selector::Reference { text, .. } => format!("No session found: {text}"),
        })),
        many => {
            let keys: Vec<&str> = many.iter().map(SessionKey::as_str).collect();
            Err(ErrorShape::invalid(format!("Multiple sessions found {what} ({})", keys.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use pincer_protocol::json::Parser;

    use super::*;
    use crate::entry::SessionId;

    fn store() -> Vec<(SessionKey, Entry)> {
        let entry = |n: u8, label: Option<&str>| {
            let mut entry = Entry::new(SessionId::random([n; 16]), 1);
            entry.label = label.map(Into::into);
            entry
        };
        let mut sub = entry(4, None);
        sub.tuning_mut().spawned_by = Some("agent:main:main".into());
        [
            ("agent:main:main", entry(1, None)),
            ("agent:ops:lab3", entry(2, Some("padded"))),
            ("agent:main:one", entry(3, Some("twice"))),
            ("agent:ops:two", entry(3, Some("twice"))),
            ("agent:main:subagent:a", sub),
            ("global", entry(5, None)),
        ]
        .map(|(key, entry)| (SessionKey::from_stored(key), entry))
        .into()
    }

    /// `want`: the key, or the error text after `!`, or nothing for `{ok:false}`.
    #[track_caller]
    fn check(wire: Wire, params: &str, want: &str) {
        let agent = AgentId::default();
        let rules =
            KeyRules { default_agent: &agent, main_key: "main", global_scope: false, wire, strict: false };
        let params: ResolveParams =
            Parser::default().parse(&mut params.as_bytes().to_vec(), |root| root.decode()).unwrap().unwrap();
        let store = store();
        let answer = Selector::new(&params, &rules).and_then(|selector| {
            let found = find(store.iter().map(|(key, entry)| (key, entry)), &selector, &params);
            decide(found, &selector, &params, wire, &agent)
        });
        let got = match answer {
            Ok(payload) => {
                assert_eq!(payload.ok, payload.key.is_some());
                assert_eq!(payload.agent_id.is_some(), wire == Wire::V4 && payload.ok);
                payload.key.unwrap_or_default()
            }
            Err(error) => format!("!{}", error.message),
        };
        assert_eq!(got, want, "{params:?}");
    }

    #[test]
    fn one_selector_finds_one_session() {
        for wire in [Wire::V3, Wire::V4] {
            check(wire, r#"{"key":"main"}"#, "agent:main:main");
            check(wire, r#"{"key":"Agent:Main:MAIN"}"#, "agent:main:main");
            check(wire, r#"{"key":"nope"}"#, "!No session found: nope");
            check(wire, r#"{"sessionId":"01010101-0101-4101-8101-010101010101"}"#, "agent:main:main");
            check(wire, r#"{"sessionId":"00000000-0000"}"#, "!No session found: 00000000-0000");
            check(wire, r#"{"label":"padded"}"#, "agent:ops:lab3");
            check(wire, r#"{"label":"no-such-label"}"#, "!No session found with label: no-such-label");
            check(
                wire,
                r#"{"label":"twice"}"#,
                "!Multiple sessions found with label: twice (agent:main:one, agent:ops:two)",
            );
            check(wire, r#"{"label":"twice","agentId":"OPS"}"#, "agent:ops:two");
            check(
                wire,
                r#"{"sessionId":"03030303-0303-4303-8303-030303030303"}"#,
                "!Multiple sessions found for sessionId: 03030303-0303-4303-8303-030303030303 \
                 (agent:main:one, agent:ops:two)",
            );
            check(wire, r#"{"key":"subagent:a","spawnedBy":"agent:main:main"}"#, "agent:main:subagent:a");
            check(wire, r#"{"key":"subagent:a","spawnedBy":"other"}"#, "!No session found: subagent:a");
            check(wire, r#"{"key":"global"}"#, "global");
            let id = r#"{"sessionId":"05050505-0505-4505-8505-050505050505""#;
            check(wire, &format!("{id}}}"), "!No session found: 05050505-0505-4505-8505-050505050505");
            check(wire, &format!(r#"{id},"includeGlobal":true}}"#), "global");
        }
    }

    #[test]
    fn selectors_are_counted() {
        check(Wire::V3, "{}", "!Either key, sessionId, or label is required");
        check(Wire::V3, r#"{"key":"  "}"#, "!Either key, sessionId, or label is required");
        check(
            Wire::V3,
            r#"{"key":"main","label":"x"}"#,
            "!Provide either key, sessionId, or label (not multiple)",
        );
        check(Wire::V4, "{}", "!Either key, sessionId, label, shortId, or reference is required");
        check(
            Wire::V4,
            r#"{"key":"main","label":"x"}"#,
            "!Provide either key, sessionId, label, shortId, or reference (not multiple)",
        );
    }

    #[test]
    fn what_only_v4_knows() {
        check(Wire::V4, r#"{"key":"nope","allowMissing":true}"#, "");
        check(Wire::V4, r#"{"shortId":"01010101"}"#, "agent:main:main");
        check(Wire::V4, r#"{"reference":"padded"}"#, "agent:ops:lab3");
        check(Wire::V4, r#"{"reference":"main"}"#, "agent:main:main");
        check(Wire::V4, r#"{"reference":"01010101"}"#, "agent:main:main");
        check(Wire::V4, r#"{"reference":"01"}"#, "!No session found: 01");
        check(Wire::V4, r#"{"key":"agent:ops"}"#, "!malformed session key \"agent:ops\"");
    }
}

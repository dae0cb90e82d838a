//! Reading the key a client sends.

use std::fmt;

use pincer_protocol::{ErrorShape, Wire};

use super::SessionKey;
use crate::agent::AgentId;

/// What the meaning of a key depends on. Cheap to copy; built from the config for each call.
#[derive(Debug, Clone, Copy)]
pub struct KeyRules<'a> {
    /// The agent that short keys belong to.
    pub default_agent: &'a AgentId,
    /// `session.mainKey`, lower-case; `main` unless configured.
    pub main_key: &'a str,
    /// `session.scope: "global"`: every main key is the one global conversation.
    pub global_scope: bool,
    /// Which generation the client speaks. v4 refuses malformed `agent:` keys everywhere.
    pub wire: Wire,
    /// Whether v3 refuses them too, as `agent` and `agent.identity.get` do; the other methods take them literally.
    pub strict: bool,
}

/// Longest key a client may send, in bytes. Upstream has no limit; a key is part of every row and event of its session.
pub const KEY_BYTES_MAX: usize = 2_048;

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// Nothing but spaces. Caller's fault.
    Empty,
    /// Starts like an agent's key and is none; holds what was sent. Caller's fault.
    Malformed(String),
    /// Longer than [`KEY_BYTES_MAX`]. Caller's fault.
    TooLong,
    /// A short key that would make a malformed one, on v4. Upstream answers as if it were its own fault.
    Unresolvable,
    /// The caller named one agent and another one's key. Caller's fault.
    WrongAgent {
        /// The agent that was named.
        asked: String,
        /// The agent of the key.
        found: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Empty => f.write_str("key required"),
            KeyError::TooLong => write!(f, "session key too long: at most {KEY_BYTES_MAX} bytes"),
            KeyError::Malformed(text) => write!(f, "malformed session key \"{text}\""),
            KeyError::Unresolvable => {
                f.write_str("Error: Malformed agent session key; refusing default-agent resolution.")
            }
            KeyError::WrongAgent { asked, found } => {
                write!(f, "agent \"{asked}\" does not match session key agent \"{found}\"")
            }
        }
    }
}

impl std::error::Error for KeyError {}

impl From<KeyError> for ErrorShape {
    fn from(error: KeyError) -> ErrorShape {
        match error {
            KeyError::Unresolvable => ErrorShape::unavailable(error.to_string()),
            _ => ErrorShape::invalid(error.to_string()),
        }
    }
}

impl SessionKey {
    /// The conversation that `text` means. Length is not limited here; methods that limit it say so in their schema.
    pub fn parse(text: &str, rules: &KeyRules<'_>) -> Result<SessionKey, KeyError> {
        let sent = text.trim();
        if sent.is_empty() {
            return Err(KeyError::Empty);
        }
        if sent.len() > KEY_BYTES_MAX {
            return Err(KeyError::TooLong);
        }
        let key = sent.to_lowercase();
        if key == "global" || key == "unknown" {
            return Ok(SessionKey(key.into()));
        }
        if let Some((agent, rest)) = split_agent(&key) {
            if rules.wire == Wire::V4 && rest.starts_with(':') {
                return Err(KeyError::Malformed(sent.to_owned()));
            }
            return Ok(match rest {
                _ if !rules.is_main(rest) => SessionKey(key.into()),
                _ if rules.global_scope => SessionKey::global(),
                _ => SessionKey(format!("agent:{agent}:{}", rules.main_key).into()),
            });
        }
        if key.starts_with("agent:") {
            return if rules.strict || rules.wire == Wire::V4 {
                Err(KeyError::Malformed(sent.to_owned()))
            } else {
                Ok(SessionKey(key.into()))
            };
        }
        if rules.is_main(&key) {
            return Ok(rules.main_key_of(rules.default_agent));
        }
        let whole = format!("agent:{}:{key}", rules.default_agent);
        match (rules.wire, split_agent(&whole)) {
            (Wire::V4, _) if key.starts_with(':') => Err(KeyError::Unresolvable),
            (_, None) if rules.strict => Err(KeyError::Malformed(sent.to_owned())),
            _ => Ok(SessionKey(whole.into())),
        }
    }
}

impl SessionKey {
    /// The same where a call may name the agent as well (v4's `agentId`): short keys are then that agent's, and a whole
    /// key must be.
    pub fn parse_of_agent(
        text: &str,
        agent_id: Option<&str>,
        rules: &KeyRules<'_>,
    ) -> Result<SessionKey, KeyError> {
        let Some(asked) = agent_id.map(str::trim).filter(|id| !id.is_empty()) else {
            return SessionKey::parse(text, rules);
        };
        let agent = AgentId::sanitise(asked);
        let key = SessionKey::parse(text, &KeyRules { default_agent: &agent, ..*rules })?;
        match key.agent_id() {
            Some(found) if AgentId::sanitise(found) != agent => {
                Err(KeyError::WrongAgent { asked: asked.to_owned(), found: found.to_owned() })
            }
            _ => Ok(key),
        }
    }
}

impl<'a> KeyRules<'a> {
    /// The main conversation of `agent`, or the global one.
    pub fn main_key_of(&self, agent: &AgentId) -> SessionKey {
        if self.global_scope {
            SessionKey::global()
        } else {
            SessionKey(format!("agent:{agent}:{}", self.main_key).into())
        }
    }

    /// The same rules for a method that refuses malformed `agent:` keys on v3 as well.
    pub fn strict(self) -> KeyRules<'a> {
        KeyRules { strict: true, ..self }
    }

    fn is_main(&self, rest: &str) -> bool {
        rest == "main" || rest == self.main_key
    }
}

/// `agent:<id>:<rest>`, empty segments ignored where upstream ignores them: there must be an id and something after.
pub(super) fn split_agent(key: &str) -> Option<(&str, &str)> {
    let (agent, rest) =
        key.trim_start_matches(':').strip_prefix("agent:")?.trim_start_matches(':').split_once(':')?;
    let agent = agent.trim();
    (!agent.is_empty() && rest.chars().any(|letter| letter != ':')).then_some((agent, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules<'a>(agent: &'a AgentId, wire: Wire) -> KeyRules<'a> {
        KeyRules { default_agent: agent, main_key: "main", global_scope: false, wire, strict: false }
    }

    #[track_caller]
    fn check(wire: Wire, text: &str, want: Result<&str, &str>) {
        let agent = AgentId::default();
        let got = SessionKey::parse(text, &rules(&agent, wire)).map_err(|error| error.to_string());
        assert_eq!(got.as_ref().map(SessionKey::as_str).map_err(String::as_str), want, "{wire:?} {text:?}");
    }

    #[track_caller]
    fn both(text: &str, want: &str) {
        check(Wire::V3, text, Ok(want));
        check(Wire::V4, text, Ok(want));
    }

    /// The spellings recorded from both upstream versions.
    #[test]
    fn recorded_spellings() {
        for main in ["main", "MAIN", "Main ", "agent:main:main", "AGENT:MAIN:MAIN"] {
            both(main, "agent:main:main");
        }
        for whole in ["global", "unknown", "agent:ops:main", "agent:nope:main", "agent:main:cron:job1:run:r1"]
        {
            both(whole, whole);
        }
        both("GLOBAL", "global");
        both("agent:Main:Foo", "agent:main:foo");
        both("Foo Bar", "agent:main:foo bar");
        both("agent:Bad Id!:x", "agent:bad id!:x");
        both("agent:main:CamelCase:ID", "agent:main:camelcase:id");
        both("slack:channel:C1:thread:1700000000.1", "agent:main:slack:channel:c1:thread:1700000000.1");
        for short in [
            "foo",
            "discord:channel:999",
            "telegram:group:-100123",
            "telegram:group:-100123:topic:7",
            "dm:+15551234",
            "telegram:direct:42",
            "telegram:dm:42",
            "cron:job1",
            "cron:job1:run:r1",
            "hook:abc",
            "hook:gmail:1",
            "node-abc",
            "node:abc",
            "subagent:xyz",
            "acp:abc",
            "main:thread:99",
            "a::b",
            "emoji🦞key",
        ] {
            both(short, &format!("agent:main:{short}"));
        }
        both(&"x".repeat(600), &format!("agent:main:{}", "x".repeat(600)));
        for bad in ["agent:ops", "agent::x", "agent:ops:", "agent:"] {
            check(Wire::V3, bad, Ok(bad));
            check(Wire::V4, bad, Err(&format!("malformed session key \"{bad}\"")));
        }
        check(Wire::V3, ":lead", Ok("agent:main::lead"));
        check(
            Wire::V4,
            ":lead",
            Err("Error: Malformed agent session key; refusing default-agent resolution."),
        );
        for wire in [Wire::V3, Wire::V4] {
            check(wire, "   ", Err("key required"));
        }
    }

    #[test]
    fn errors_carry_upstreams_codes() {
        use pincer_protocol::ErrorCode;
        assert_eq!(ErrorShape::from(KeyError::Empty).code, ErrorCode::InvalidRequest);
        assert_eq!(ErrorShape::from(KeyError::Unresolvable).code, ErrorCode::Unavailable);
    }

    #[test]
    fn keys_have_a_length() {
        let agent = AgentId::default();
        let rules = KeyRules {
            default_agent: &agent,
            main_key: "main",
            global_scope: false,
            wire: Wire::V4,
            strict: false,
        };
        assert!(SessionKey::parse(&"x".repeat(KEY_BYTES_MAX), &rules).is_ok());
        assert_eq!(SessionKey::parse(&"x".repeat(KEY_BYTES_MAX + 1), &rules), Err(KeyError::TooLong));
    }

    #[test]
    fn configured_main_keys_agents_and_scope() {
        let agent = AgentId::sanitise("ops");
        let mut rules = rules(&agent, Wire::V3);
        rules.main_key = "home";
        for text in ["main", "home", "agent:ops:main", "agent:ops:home", "agent::ops:main"] {
            assert_eq!(SessionKey::parse(text, &rules).unwrap().as_str(), "agent:ops:home", "{text}");
        }
        assert_eq!(SessionKey::parse("agent:x:main", &rules).unwrap().as_str(), "agent:x:home");
        rules.global_scope = true;
        for text in ["main", "agent:x:home", "global"] {
            assert_eq!(SessionKey::parse(text, &rules).unwrap(), SessionKey::global(), "{text}");
        }
        assert_eq!(SessionKey::parse("foo", &rules).unwrap().as_str(), "agent:ops:foo");
        let strict = rules.strict();
        assert!(
            matches!(SessionKey::parse("agent:ops", &strict), Err(KeyError::Malformed(text)) if text == "agent:ops")
        );
        assert!(SessionKey::parse(":", &strict).is_err());
    }

    #[test]
    fn a_named_agent_is_the_keys() {
        let main = AgentId::default();
        let rules = rules(&main, Wire::V4);
        let parse = |text, agent| {
            SessionKey::parse_of_agent(text, agent, &rules)
                .map_or_else(|error| error.to_string(), |key| key.to_string())
        };
        assert_eq!(parse("foo", Some("OPS")), "agent:ops:foo");
        assert_eq!(parse("main", Some(" ")), "agent:main:main");
        assert_eq!(parse("agent:ops:x", Some("ops")), "agent:ops:x");
        assert_eq!(
            parse("agent:ops:x", Some("main")),
            r#"agent "main" does not match session key agent "ops""#
        );
        assert_eq!(parse("global", Some("ops")), "global");
    }

    proptest::proptest! {
        #[test]
        fn parsing_is_idempotent_and_lower_case(
            text in "(agent:)?[ aA:é🦞Ω_-]{0,8}(main|MAIN|global|x)?(:thread:|:)?[a-zA-Z: ]{0,8}",
            v4: bool, strict: bool, global_scope: bool,
        ) {
            let agent = AgentId::sanitise("ops");
            let wire = if v4 { Wire::V4 } else { Wire::V3 };
            let rules = KeyRules { default_agent: &agent, main_key: "home", global_scope, wire, strict };
            if let Ok(key) = SessionKey::parse(&text, &rules) {
                proptest::prop_assert_eq!(key.as_str(), &key.as_str().to_lowercase());
                proptest::prop_assert_eq!(SessionKey::parse(key.as_str(), &rules), Ok(key.clone()));
                let _ = (key.room(), key.thread_parent(), key.thread_id(), key.shard(7), key.is_cron_run());
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,64}") {
            let agent = AgentId::default();
            for wire in [Wire::V3, Wire::V4] {
                let _ = SessionKey::parse(&text, &rules(&agent, wire));
            }
        }
    }
}

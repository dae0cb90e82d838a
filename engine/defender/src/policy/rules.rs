//! Rules that count otherwise than the guards say.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Policy;
use super::error::PolicyError;
use super::names::{check_count, check_name};
use super::number::Points;
use super::scope::SCOPES_MAX;
use super::verdict::Verdict;
use crate::{nearest_rule, rule_text};

/// Most rules of one scope.
const RULES_MAX: usize = 512;
/// Longest name of a rule, in bytes.
const RULE_BYTES_MAX: usize = 64;

/// By name of the rule.
pub type Rules = BTreeMap<String, RuleChange>;

/// How a rule counts. Written as `"off"`, as a number of points, or as `"review"` or `"block"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RuleChange {
    /// What it finds adds nothing.
    Off,
    /// Each of its findings adds so many points, whatever the guard says.
    Weight(Points),
    /// What it finds gets at least this. Never [`Verdict::Allow`], which would be no floor.
    Floor(Verdict),
}

impl Serialize for RuleChange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            RuleChange::Off => to.serialize_str("off"),
            RuleChange::Weight(points) => points.serialize(to),
            RuleChange::Floor(verdict) => to.serialize_str(verdict.as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for RuleChange {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Change)
    }
}

struct Change;

impl Change {
    fn points<E: de::Error>(value: impl de::IntoDeserializer<'static, E>) -> Result<RuleChange, E> {
        Points::deserialize(value.into_deserializer()).map(RuleChange::Weight)
    }
}

impl<'de> Visitor<'de> for Change {
    type Value = RuleChange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "\"off\", \"review\", \"block\" or a number of -100 to 100 \
             (in TOML, a rule's name needs quotes around its dots)",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RuleChange, E> {
        match text {
            "off" => Ok(RuleChange::Off),
            "review" => Ok(RuleChange::Floor(Verdict::Review)),
            "block" => Ok(RuleChange::Floor(Verdict::Block)),
            "allow" => Err(E::custom("\"allow\" is no floor; to let pass what a rule finds, write \"off\"")),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<RuleChange, E> {
        Change::points(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<RuleChange, E> {
        Change::points(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<RuleChange, E> {
        Change::points(value)
    }
}

impl Policy {
    /// How a rule counts in a session of an agent: the narrowest scope that names the rule says so.
    pub fn rule(&self, rule: &str, agent: &str, session: &str) -> Option<RuleChange> {
        let session = self.sessions.get(session).and_then(|scope| scope.rules.get(rule));
        let agent = || self.agents.get(agent).and_then(|scope| scope.rules.get(rule));
        session.or_else(agent).or_else(|| self.rules.get(rule)).copied()
    }

    /// Whether any scope changes any rule. Most policies do not, and then findings need no second look.
    pub fn changes_rules(&self) -> bool {
        !self.rules.is_empty() || !self.agents.is_empty() || !self.sessions.is_empty()
    }

    /// The overridden rules that no guard has, a sentence each: a misspelt rule stays as it is, and who wrote the policy
    /// has to be told. No error, since a policy may be written for a later release that has more rules.
    pub fn unknown_rules(&self) -> Vec<String> {
        let of = |path: String, rules: &Rules| -> Vec<String> {
            let unknown = rules.keys().filter(|rule| rule_text(rule).is_none());
            let say = |rule: &String| {
                let nearest =
                    nearest_rule(rule).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
                format!("{path}.{rule:?} changes nothing, for no guard has a rule of that name{nearest}")
            };
            unknown.map(say).collect()
        };
        let mut unknown = of("rules".to_owned(), &self.rules);
        for (kind, scopes) in [("agents", &self.agents), ("sessions", &self.sessions)] {
            for (name, scope) in scopes {
                unknown.extend(of(format!("{kind}.{name:?}.rules"), &scope.rules));
            }
        }
        unknown
    }
}

pub(super) fn check_all(policy: &Policy) -> Result<(), PolicyError> {
    check("rules", &policy.rules)?;
    for (kind, scopes) in [("agents", &policy.agents), ("sessions", &policy.sessions)] {
        check_count(kind, scopes.len(), SCOPES_MAX)?;
        for (name, scope) in scopes {
            check_name(kind, name)?;
            check(&format!("{kind}.{name:?}.rules"), &scope.rules)?;
        }
    }
    Ok(())
}

fn check(path: &str, rules: &Rules) -> Result<(), PolicyError> {
    check_count(path, rules.len(), RULES_MAX)?;
    for rule in rules.keys() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if rule.is_empty() || rule.len() > RULE_BYTES_MAX || !rule.bytes().all(plain) {
            let message = format!("a rule's name has 1 to {RULE_BYTES_MAX} of a-z, 0-9, '.', '-', '_'");
            return Err(PolicyError::field(format!("{path}.{rule:?}"), message));
        }
    }
    Ok(())
}

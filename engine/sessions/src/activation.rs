//! Whether a message wakes the agent: in a group people mostly talk to each other.
//!
//! Decided before scheduling. A message that wakes nobody is kept as context for the next one that does.

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::entry::level::GroupActivation;

/// Most mention patterns; more are refused.
pub const PATTERNS_MAX: usize = 64;
/// Most memory one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 64 * 1024;

/// What counts as being mentioned.
#[derive(Debug, Default, Clone)]
pub struct Mentions {
    patterns: Vec<Regex>,
}

/// A mention pattern that is none. The owner's fault; the others still work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// As configured.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mention pattern {:?}: {}", self.pattern, self.problem)
    }
}

impl std::error::Error for BadPattern {}

impl Mentions {
    /// From `mentionPatterns` of the config: regular expressions, in any case. Without any, the agent's names are looked
    /// for as whole words, with or without `@`.
    pub fn new(patterns: &[String], names: &[&str]) -> (Mentions, Vec<BadPattern>) {
        let configured = patterns.iter().map(|pattern| Cow::Borrowed(pattern.as_str()));
        let named = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(|name| {
            let words: Vec<String> = name.split_whitespace().map(regex::escape).collect();
            Cow::Owned(format!(r"(^|[^\w])@?{}($|[^\w])", words.join(r"\s+")))
        });
        let sources: Vec<Cow<'_, str>> =
            if patterns.is_empty() { named.collect() } else { configured.collect() };
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for source in sources {
            let compiled =
                RegexBuilder::new(&source).case_insensitive(true).size_limit(PATTERN_BYTES_MAX).build();
            let problem = match compiled {
                Ok(_) if good.len() >= PATTERNS_MAX => format!("more than {PATTERNS_MAX} patterns"),
                Ok(regex) => {
                    good.push(regex);
                    continue;
                }
                Err(error) => error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            };
            bad.push(BadPattern { pattern: source.into_owned(), problem });
        }
        (Mentions { patterns: good }, bad)
    }

    /// Whether a text mentions the agent. Invisible characters between letters do not hide a mention.
    pub fn found_in(&self, text: &str) -> bool {
        let visible = visible(text);
        self.patterns.iter().any(|pattern| pattern.is_match(&visible))
    }
}

/// What is known of a message when it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival<'a> {
    /// What was said.
    pub text: &'a str,
    /// Whether it was said in a group or channel.
    pub in_group: bool,
    /// The platform itself marked the agent as mentioned; `None` when it does not tell.
    pub marked: Option<bool>,
    /// It answers something the agent said.
    pub answers_agent: bool,
    /// It is a command or a stop word, from somebody who may give it.
    pub is_command: bool,
}

/// Whether a message wakes the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Reply,
    /// It does not; it is kept as context.
    NotMentioned,
}

/// Decides whether a message wakes the agent. Direct messages, answers to the agent and commands always do.
pub fn decide(activation: GroupActivation, mentions: &Mentions, arrival: Arrival<'_>) -> Decision {
    let Arrival { text, in_group, marked, answers_agent, is_command } = arrival;
    let wakes = !in_group
        || activation == GroupActivation::Always
        || answers_agent
        || is_command
        || marked == Some(true)
        || mentions.found_in(text);
    if wakes { Decision::Reply } else { Decision::NotMentioned }
}

/// The text without zero-width and direction characters.
fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    if text.contains(hidden) {
        Cow::Owned(text.chars().filter(|c| !hidden(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupActivation::{Always, Mention};

    #[track_caller]
    fn check(activation: GroupActivation, arrival: Arrival<'_>, replies: bool) {
        let (mentions, bad) = Mentions::new(&[], &["Molty", "big claw"]);
        assert_eq!(bad, []);
        assert_eq!(decide(activation, &mentions, arrival) == Decision::Reply, replies, "{arrival:?}");
    }

    #[test]
    fn groups_need_a_mention() {
        let said = |text| Arrival { text, in_group: true, ..Arrival::default() };
        for (text, replies) in [
            ("hello all", false),
            ("hello molty", true),
            ("@MOLTY, hello", true),
            ("moltyx", false),
            ("Mol\u{200b}ty?", true),
            ("ask big  claw", true),
            ("", false),
        ] {
            check(Mention, said(text), replies);
            check(Always, said(text), true);
            check(Mention, Arrival { in_group: false, ..said(text) }, true);
        }
        check(Mention, Arrival { answers_agent: true, ..said("and?") }, true);
        check(Mention, Arrival { is_command: true, ..said("/status") }, true);
        check(Mention, Arrival { marked: Some(true), ..said("<@1>") }, true);
        check(Mention, Arrival { marked: Some(false), ..said("no") }, false);
    }

    #[test]
    fn patterns_of_the_config() {
        let patterns =
            ["@openclaw".to_owned(), r"\bclaw\b".to_owned(), "(".to_owned(), "a{99999}".to_owned()];
        let (mentions, bad) = Mentions::new(&patterns, &["molty"]);
        let bad: Vec<&str> = bad.iter().map(|bad| bad.pattern.as_str()).collect();
        assert_eq!(bad, ["(", "a{99999}"]);
        assert!(mentions.found_in("hey @OpenClaw"));
        assert!(mentions.found_in("the claw!"));
        assert!(!mentions.found_in("clawed"));
        assert!(!mentions.found_in("molty"), "configured patterns stand in the names' place");
        let many = vec!["x".to_owned(); PATTERNS_MAX + 1];
        assert_eq!(Mentions::new(&many, &[]).1.len(), 1);
    }
}

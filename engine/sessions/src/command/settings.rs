//! Settings that can stand inside a message: `/think high`, `/model a/b`, `/queue collect`.

use pincer_protocol::Wire;

use super::queue_words;
use crate::entry::level::{Elevated, Level, Reasoning, Thinking, Verbose};

pub use super::queue_words::QueueWords;

/// One setting, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// Only the name: shows what is in force.
    Show,
    /// A value.
    Set(T),
    /// Back to the default.
    Default,
    /// Something that is no value, as written.
    Unknown(String),
}

/// The settings of a message; `None` where nothing was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `/think`, `/thinking`, `/t`
    pub thinking: Option<Setting<Thinking>>,
    /// `/verbose`, `/v`
    pub verbose: Option<Setting<Verbose>>,
    /// `/reasoning`, `/reason`
    pub reasoning: Option<Setting<Reasoning>>,
    /// `/elevated`, `/elev`
    pub elevated: Option<Setting<Elevated>>,
    /// `/model`: `provider/model` or an alias, not looked up yet.
    pub model: Option<Setting<String>>,
    /// `/queue`
    pub queue: Option<QueueWords>,
}

impl Settings {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Settings::default()
    }
}

/// Which setting a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Thinking,
    Verbose,
    Reasoning,
    Elevated,
    Model,
    Queue,
}

impl Name {
    fn parse(text: &str) -> Option<Name> {
        Some(match text.to_ascii_lowercase().as_str() {
            "think" | "thinking" | "t" => Name::Thinking,
            "verbose" | "v" => Name::Verbose,
            "reasoning" | "reason" => Name::Reasoning,
            "elevated" | "elev" => Name::Elevated,
            "model" => Name::Model,
            "queue" => Name::Queue,
            _ => return None,
        })
    }
}

/// Takes settings out of a text. What is left is what the model is told; text without settings comes back as it was.
///
/// A name followed by something that is no value is left alone, so that `look at /think about it` stays a sentence.
/// Only when it is the whole message is it taken, to be answered with what would be right.
pub(super) fn take(wire: Wire, text: &str) -> (String, Settings) {
    let mut settings = Settings::default();
    let (mut left, mut rest) = (String::new(), text);
    while let Some((before, name, after)) = next_name(rest) {
        let start = before.len();
        let at_start = left.trim().is_empty() && before.trim().is_empty();
        match read(wire, name, after, at_start, &mut settings) {
            Some(after) => {
                left.push_str(before.trim_end_matches([' ', '\t']));
                rest = after.trim_start_matches([' ', '\t']);
                // Something was between what stood before and after, so they do not run together.
                let apart = |c: char| c == '\n' || ",;.!?".contains(c);
                if !(left.is_empty() || left.ends_with('\n') || rest.is_empty() || rest.starts_with(apart)) {
                    left.push(' ');
                }
            }
            None => {
                let (skipped, tail) = rest.split_at(start + 1); // past the slash
                left.push_str(skipped);
                rest = tail;
            }
        }
    }
    if settings.is_empty() {
        return (text.to_owned(), settings);
    }
    left.push_str(rest);
    (left.trim().to_owned(), settings)
}

/// The next `/name` of a setting at a word's beginning: what stands before it, which it is, and what stands after it.
fn next_name(text: &str) -> Option<(&str, Name, &str)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find('/').map(|at| at + from) {
        from = at + 1;
        let (before, word) = text.split_at(at);
        if !before.is_empty() && !before.ends_with(char::is_whitespace) {
            continue;
        }
        let word = word.strip_prefix('/').unwrap_or(word);
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        if let Some(name) = Name::parse(name)
            && (after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == ':'))
        {
            return Some((before, name, after));
        }
    }
    None
}

/// Reads the value after a name. `None`: this is no setting after all.
fn read<'t>(
    wire: Wire,
    name: Name,
    after: &'t str,
    at_start: bool,
    settings: &mut Settings,
) -> Option<&'t str> {
    match name {
        Name::Thinking => {
            let level = |word: &str| match wire {
                Wire::V3 => Thinking::read_v3(word),
                Wire::V4 => Thinking::read(word),
            };
            read_level(after, at_start, &mut settings.thinking, level)
        }
        Name::Verbose => read_level(after, at_start, &mut settings.verbose, Verbose::read),
        Name::Reasoning => read_level(after, at_start, &mut settings.reasoning, Reasoning::read),
        Name::Elevated => read_level(after, at_start, &mut settings.elevated, Elevated::read),
        Name::Model => {
            let (word, after) = value(after, |c| c.is_ascii_alphanumeric() || "/._:@+-".contains(c));
            let alone = at_start && after.trim().is_empty();
            let setting = match word {
                "" if alone => Setting::Show,
                "default" | "reset" | "clear" if alone => Setting::Default,
                // In the middle of a text only `provider/model` is taken for one.
                _ if !word.is_empty() && (at_start || word.contains('/')) => Setting::Set(word.to_owned()),
                _ => return None,
            };
            settings.model = Some(setting);
            Some(after)
        }
        Name::Queue if at_start => {
            let (words, after) = queue_words::read(wire, after)?;
            settings.queue = Some(words);
            Some(after)
        }
        Name::Queue => None,
    }
}

fn read_level<'t, T>(
    after: &'t str,
    at_start: bool,
    into: &mut Option<Setting<T>>,
    level: impl Fn(&str) -> Option<T>,
) -> Option<&'t str> {
    let (word, rest) = value(after, |c| c.is_ascii_alphanumeric() || "_+-".contains(c));
    let alone = at_start && rest.trim().is_empty();
    let setting = match level(word) {
        Some(level) => Setting::Set(level),
        None if word.is_empty() && alone => Setting::Show,
        None if alone && matches!(word, "default" | "reset" | "clear") => Setting::Default,
        None if alone => Setting::Unknown(word.to_owned()),
        None => return None,
    };
    *into = Some(setting);
    Some(rest)
}

/// The word after a name and an optional colon, on the same line, and what follows it.
pub(super) fn value(after: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    let after = after.strip_prefix(':').unwrap_or(after);
    let word = after.trim_start_matches([' ', '\t']);
    let end = word.find(|c: char| !of(c)).unwrap_or(word.len());
    let (found, rest) = word.split_at(end);
    // A value ends where a word ends.
    if found.is_empty()
        || !(rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || ",;.!?".contains(c)))
    {
        return ("", after);
    }
    (found, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Setting::{Default as Reset, Set, Show, Unknown};

    #[track_caller]
    fn check(text: &str, left: &str, want: Settings) {
        assert_eq!(take(Wire::V3, text), (left.to_owned(), want), "{text:?}");
    }

    fn think(setting: Setting<Thinking>) -> Settings {
        Settings { thinking: Some(setting), ..Settings::default() }
    }

    #[test]
    fn settings_are_taken_out() {
        let high = || think(Set(Thinking::High));
        check("/think high hello", "hello", high());
        check("hey /think high inline", "hey inline", high());
        check("hey /THINKING: Ultrathink", "hey", high());
        check("/t:high", "", high());
        check("a\n/think high\nb", "a\n\nb", high());
        check("/think high, please", ", please", high());
        check("/think", "", think(Show));
        check("/think default", "", think(Reset));
        check("/think banana", "", think(Unknown("banana".into())));
        check(
            "/think high /v on what now",
            "what now",
            Settings { verbose: Some(Set(Verbose::On)), ..high() },
        );
        check(
            "/model mock/mock-2",
            "",
            Settings { model: Some(Set("mock/mock-2".into())), ..Settings::default() },
        );
        check("/model", "", Settings { model: Some(Show), ..Settings::default() });
        check("/model opus hi", "hi", Settings { model: Some(Set("opus".into())), ..Settings::default() });
        check("/elevated ask", "", Settings { elevated: Some(Set(Elevated::Ask)), ..Settings::default() });
        check("/reason hide", "", Settings { reasoning: Some(Set(Reasoning::Off)), ..Settings::default() });
    }

    #[test]
    fn sentences_stay_sentences() {
        for text in [
            "look at /think about it",
            "/think about it",
            "a/think high",
            "/thinkhigh",
            "/th high",
            "see /usr/t/x and http://v/on",
            "use /model for that",
            "mind the /queue collect here",
            "/queue me up a song",
            "  spaces  stay  ",
            "/",
            "//",
            "",
        ] {
            check(text, text, Settings::default());
        }
    }

    #[test]
    fn a_fast_reader_of_long_texts() {
        let slashes = "/t ".repeat(100_000);
        let (left, settings) = take(Wire::V4, &slashes);
        assert!(settings.is_empty() && left == slashes);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "(/think|/model|/queue|/v|high|on|:|[ \n/a-z\u{e9}]){0,12}") {
            let (left, settings) = take(Wire::V3, &text);
            if settings.is_empty() {
                proptest::prop_assert_eq!(left, text);
            } else {
                proptest::prop_assert!(left.len() <= text.len());
            }
        }
    }
}

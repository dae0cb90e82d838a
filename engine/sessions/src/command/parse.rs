//! What a message is.

use std::borrow::Cow;

use pincer_protocol::Wire;

use super::settings::take;
use super::{Command, Parsed, ResetKind, Unavailable, UsageWord, Word};
use crate::entry::level::{GroupActivation, Level, SendPolicy, UsageNote};

/// Messages that stop what runs, alone and in any case.
const STOP_WORDS: [&str; 6] = ["stop", "esc", "abort", "wait", "exit", "interrupt"];

/// Commands of OpenClaw that must be switched on there, and are not here.
const DISABLED: [&str; 3] = ["config", "debug", "bash"];

/// Commands of OpenClaw that this gateway does not have. They must not be taken for text: a model would play along.
const MISSING: [&str; 18] = [
    "skill",
    "allowlist",
    "approve",
    "export-session",
    "export",
    "tts",
    "session",
    "subagents",
    "focus",
    "unfocus",
    "agents",
    "kill",
    "steer",
    "tell",
    "restart",
    "exec",
    "models",
    "fast",
];

/// Says what a message is. Names are read in any case, with an optional `:` after them and `@bot` behind them.
pub fn parse(wire: Wire, text: &str) -> Parsed {
    let trimmed = text.trim();
    if is_stop(trimmed) {
        return Parsed::Stop;
    }
    if let Some(command) = command(trimmed) {
        return Parsed::Command(command);
    }
    let (left, settings) = take(wire, text);
    if left.trim().is_empty() && !settings.is_empty() {
        return Parsed::Settings(settings);
    }
    Parsed::Message { text: left, settings }
}

/// `chat.send`'s `thinking` works as `/think <level>` in front of the message, unless that is a command itself.
pub fn with_thinking<'t>(text: &'t str, thinking: Option<&str>) -> Cow<'t, str> {
    match thinking.map(str::trim) {
        Some(level) if !level.is_empty() && !text.trim_start().starts_with('/') => {
            Cow::Owned(format!("/think {level} {text}"))
        }
        _ => Cow::Borrowed(text),
    }
}

fn is_stop(text: &str) -> bool {
    // Somebody who wants things to stop may shout.
    let word = text.trim_end_matches(['.', '!']);
    STOP_WORDS.iter().any(|stop| stop.eq_ignore_ascii_case(word))
        || split(text).is_some_and(|(name, _)| name.eq_ignore_ascii_case("stop"))
}

/// The name and the rest of a message that begins with `/name`.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('/')?;
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if let Some(bot) = rest.strip_prefix('@') {
        rest = bot.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    }
    rest = rest.strip_prefix(':').unwrap_or(rest);
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (!name.is_empty() && ends).then(|| (name, rest.trim()))
}

fn command(text: &str) -> Option<Command> {
    let (name, rest) = split(text)?;
    let name = name.to_ascii_lowercase();
    let some = || (!rest.is_empty()).then(|| rest.to_owned());
    Some(match name.as_str() {
        "new" => Command::Reset { kind: ResetKind::New, then: some() },
        "reset" => Command::Reset { kind: ResetKind::Reset, then: some() },
        "compact" => Command::Compact { instructions: some() },
        "status" => Command::Status,
        "help" => Command::Help,
        "commands" => Command::Commands,
        "whoami" | "id" => Command::Whoami,
        "context" => Command::Context,
        "usage" => Command::Usage(word(rest, |word| match word {
            "cost" => Some(UsageWord::Cost),
            _ => UsageNote::read(word).map(UsageWord::Note),
        })),
        "send" => Command::Send(word(rest, |word| match word {
            "on" | "allow" => Some(Some(SendPolicy::Allow)),
            "off" | "deny" => Some(Some(SendPolicy::Deny)),
            "inherit" | "default" | "reset" => Some(None),
            _ => None,
        })),
        "activation" => Command::Activation(word(rest, GroupActivation::read)),
        other => {
            let known = |names: &[&'static str]| names.iter().copied().find(|name| *name == other);
            match (known(&DISABLED), known(&MISSING)) {
                (Some(name), _) => Command::Unavailable(Unavailable::Disabled(name)),
                (_, Some(name)) => Command::Unavailable(Unavailable::Missing(name)),
                _ => return None,
            }
        }
    })
}

fn word<T>(rest: &str, read: impl Fn(&str) -> Option<T>) -> Option<Word<T>> {
    let word = rest.split_whitespace().next()?;
    Some(read(&word.to_ascii_lowercase()).map_or_else(|| Word::Unknown(word.to_owned()), Word::Known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Setting, Settings};
    use crate::entry::level::Thinking;

    #[track_caller]
    fn check(text: &str, want: Parsed) {
        assert_eq!(parse(Wire::V3, text), want, "{text:?}");
    }

    fn message(text: &str) -> Parsed {
        Parsed::Message { text: text.into(), settings: Settings::default() }
    }

    #[test]
    fn stop_words() {
        for text in
            ["stop", " STOP ", "Stop!", "esc", "abort", "wait", "exit", "interrupt", "/stop", "/Stop now"]
        {
            check(text, Parsed::Stop);
        }
        for text in ["stop it", "stops", "/stopwatch", "please stop"] {
            check(text, message(text));
        }
    }

    #[test]
    fn commands() {
        let reset = |kind, then: Option<&str>| Command::Reset { kind, then: then.map(str::to_owned) };
        for (text, want) in [
            ("/new", reset(ResetKind::New, None)),
            ("/NEW hello after", reset(ResetKind::New, Some("hello after"))),
            ("/reset@my_bot  x", reset(ResetKind::Reset, Some("x"))),
            ("/compact: keep names", Command::Compact { instructions: Some("keep names".into()) }),
            ("/status", Command::Status),
            ("/id", Command::Whoami),
            ("/usage", Command::Usage(None)),
            ("/usage tokens", Command::Usage(Some(Word::Known(UsageWord::Note(UsageNote::Tokens))))),
            ("/usage on", Command::Usage(Some(Word::Known(UsageWord::Note(UsageNote::Tokens))))),
            ("/usage x", Command::Usage(Some(Word::Unknown("x".into())))),
            ("/send off", Command::Send(Some(Word::Known(Some(SendPolicy::Deny))))),
            ("/send inherit", Command::Send(Some(Word::Known(None)))),
            ("/activation Always", Command::Activation(Some(Word::Known(GroupActivation::Always)))),
            ("/config show", Command::Unavailable(Unavailable::Disabled("config"))),
            ("/export-session", Command::Unavailable(Unavailable::Missing("export-session"))),
        ] {
            check(text, Parsed::Command(want));
        }
    }

    #[test]
    fn what_is_no_command_is_for_the_model() {
        for text in
            ["/bogus", "/new-thing", "/", "/ status", "hi /status", "/usr/bin", "/status/x", "  hello  "]
        {
            check(text, message(text));
        }
        let settings = Settings { thinking: Some(Setting::Set(Thinking::High)), ..Settings::default() };
        check("/think high", Parsed::Settings(settings.clone()));
        check("/think high hello", Parsed::Message { text: "hello".into(), settings });
    }

    #[test]
    fn the_thinking_param_is_a_prefix() {
        assert_eq!(with_thinking("hi", Some("high")), "/think high hi");
        for (text, thinking) in [("hi", None), ("hi", Some(" ")), ("/status", Some("high"))] {
            assert_eq!(with_thinking(text, thinking), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_something(text in ".*", name in "[a-z]{1,8}") {
            parse(Wire::V3, &text);
            parse(Wire::V4, &format!("/{name}{text}"));
        }
    }
}

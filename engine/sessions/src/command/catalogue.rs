//! Every command: what it is called, what it is for, what may follow it.

use pincer_protocol::Wire;
use pincer_protocol::method::chat::CommandEntry;
use pincer_protocol::method::chat::commands::{CommandArg, CommandChoice};

/// One command.
struct Row {
    name: &'static str,
    aliases: &'static [&'static str],
    category: &'static str,
    about: &'static str,
    arg: Option<Arg>,
}

/// What may follow a command.
struct Arg {
    name: &'static str,
    about: &'static str,
    choices: &'static [&'static str],
}

const fn arg(name: &'static str, about: &'static str, choices: &'static [&'static str]) -> Option<Arg> {
    Some(Arg { name, about, choices })
}

/// In the order of `/commands`. Categories are upstream's.
const ROWS: [Row; 18] = [
    Row {
        name: "new",
        aliases: &[],
        category: "session",
        about: "Start a new session.",
        arg: arg("message", "First message of the new session", &[]),
    },
    Row {
        name: "reset",
        aliases: &[],
        category: "session",
        about: "Start this session over.",
        arg: arg("message", "First message after that", &[]),
    },
    Row {
        name: "stop",
        aliases: &[],
        category: "session",
        about: "Stop what is running, and forget what waits.",
        arg: None,
    },
    Row {
        name: "compact",
        aliases: &[],
        category: "session",
        about: "Replace what was said by a summary.",
        arg: arg("instructions", "What the summary should look to", &[]),
    },
    Row {
        name: "think",
        aliases: &["thinking", "t"],
        category: "options",
        about: "Set how hard the model thinks.",
        arg: arg("level", "Level", &["off", "minimal", "low", "medium", "high"]),
    },
    Row {
        name: "verbose",
        aliases: &["v"],
        category: "options",
        about: "Show what a run does.",
        arg: arg("mode", "Mode", &["on", "full", "off"]),
    },
    Row {
        name: "reasoning",
        aliases: &["reason"],
        category: "options",
        about: "Show the model's reasoning.",
        arg: arg("mode", "Mode", &["on", "off", "stream"]),
    },
    Row {
        name: "elevated",
        aliases: &["elev"],
        category: "options",
        about: "Let commands leave the sandbox.",
        arg: arg("mode", "Mode", &["on", "off", "ask", "full"]),
    },
    Row {
        name: "model",
        aliases: &[],
        category: "options",
        about: "Show or choose the model.",
        arg: arg("model", "provider/model or an alias", &[]),
    },
    Row {
        name: "queue",
        aliases: &[],
        category: "options",
        about: "Say what messages do while a run is active.",
        arg: arg(
            "mode",
            "Mode, debounce:<ms|s|m>, cap:<n>, drop:<policy>",
            &["steer", "followup", "collect", "interrupt"],
        ),
    },
    Row {
        name: "usage",
        aliases: &[],
        category: "options",
        about: "Show token use under each answer.",
        arg: arg("mode", "Mode", &["off", "tokens", "full", "cost"]),
    },
    Row { name: "status", aliases: &[], category: "status", about: "Show this session's state.", arg: None },
    Row {
        name: "whoami",
        aliases: &["id"],
        category: "status",
        about: "Show who you are to the gateway.",
        arg: None,
    },
    Row {
        name: "context",
        aliases: &[],
        category: "status",
        about: "Show what fills the model's context.",
        arg: None,
    },
    Row {
        name: "help",
        aliases: &[],
        category: "status",
        about: "Show the most useful commands.",
        arg: None,
    },
    Row { name: "commands", aliases: &[], category: "status", about: "List every command.", arg: None },
    Row {
        name: "send",
        aliases: &[],
        category: "management",
        about: "Say whether messages to this session are taken.",
        arg: arg("mode", "Mode", &["on", "off", "inherit"]),
    },
    Row {
        name: "activation",
        aliases: &[],
        category: "management",
        about: "Say what wakes the agent in a group.",
        arg: arg("mode", "Mode", &["mention", "always"]),
    },
];

/// The rows of `commands.list`.
pub fn catalogue(include_args: bool) -> Vec<CommandEntry> {
    ROWS.iter()
        .map(|row| CommandEntry {
            name: row.name,
            native_name: row.name,
            text_aliases: std::iter::once(&row.name)
                .chain(row.aliases)
                .map(|name| format!("/{name}"))
                .collect(),
            description: row.about,
            category: row.category,
            source: "native",
            scope: "both",
            accepts_args: row.arg.is_some(),
            args: row.arg.iter().filter(|_| include_args).map(entry_arg).collect(),
        })
        .collect()
}

fn entry_arg(arg: &Arg) -> CommandArg {
    CommandArg {
        name: arg.name,
        description: arg.about,
        kind: "string",
        choices: arg.choices.iter().map(|value| CommandChoice { value, label: value }).collect(),
    }
}

/// The answer to `/help`.
pub fn help_text(wire: Wire) -> String {
    let think = match wire {
        Wire::V3 => "/think <level>",
        Wire::V4 => "/think <level|default>",
    };
    format!(
        "ℹ️ Help\n\nSession\n  /new  |  /reset  |  /compact [instructions]  |  /stop\n\nOptions\n  {think}  |  \
         /model <id>  |  /verbose on|off|full\n\nStatus\n  /status  |  /whoami  |  /context\n\nMore: /commands for \
         the full list"
    )
}

/// The answer to `/commands`.
pub fn commands_text() -> String {
    const TITLES: [(&str, &str); 4] =
        [("session", "Session"), ("options", "Options"), ("status", "Status"), ("management", "Management")];
    let mut text = "ℹ️ Slash commands".to_owned();
    for (category, title) in TITLES {
        text.push_str(&format!("\n\n{title}"));
        for row in ROWS.iter().filter(|row| row.category == category) {
            let aliases: String = row.aliases.iter().map(|alias| format!(", /{alias}")).collect();
            text.push_str(&format!("\n  /{}{aliases} - {}", row.name, row.about));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Parsed, parse};

    #[test]
    fn every_listed_command_is_one() {
        for entry in catalogue(true) {
            for alias in &entry.text_aliases {
                let parsed = parse(Wire::V4, alias);
                assert!(!matches!(parsed, Parsed::Message { .. }), "{alias} is {parsed:?}");
            }
            assert_eq!(entry.accepts_args, !entry.args.is_empty());
            assert!(commands_text().contains(&format!("/{}", entry.name)), "{} is in the text", entry.name);
        }
        assert!(catalogue(false).iter().all(|entry| entry.args.is_empty()));
    }
}

//! Answers commands and settings without a model.

use pincer_protocol::Wire;

use super::settings::{QueueWords, Setting, Settings};
use super::{
    Command, CommandEffect, Status, Unavailable, UsageWord, Word, commands_text, help_text, tokens_short,
};
use crate::entry::level::{Elevated, GroupActivation, Reasoning, SendPolicy, Thinking, UsageNote, Verbose};
use crate::model_ref::ModelRef;
use crate::queue::{QueueMode, QueuePolicy};
use crate::turn::{Sender, TurnOptions};

/// What answers look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The client's.
    pub wire: Wire,
    /// The session and its model, as `/status` shows them.
    pub status: Status<'a>,
    /// Thinking levels the model can be set to.
    pub thinking_levels: &'a [Thinking],
    /// What stands under each answer.
    pub usage: UsageNote,
    /// Whether messages to the session are taken; `None`: as the config's rules say.
    pub send: Option<SendPolicy>,
    /// `Some` in a group: what wakes the agent.
    pub activation: Option<GroupActivation>,
    /// Who asks.
    pub sender: Option<&'a Sender>,
    /// `webchat`, `telegram` …
    pub channel: &'a str,
    /// Finds a model by what a person wrote: `provider/model` or an alias.
    pub find_model: &'a dyn Fn(&str) -> Option<ModelRef>,
    /// Estimated tokens of the system prompt and of the conversation, for `/context`.
    pub context_parts: ContextParts,
}

/// What fills a context, in estimated tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContextParts {
    /// The system prompt.
    pub system: u64,
    /// The conversation.
    pub conversation: u64,
    /// How many messages that is.
    pub messages: u64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// What to say; empty when the effect answers for itself.
    pub text: String,
    /// What to change first.
    pub effects: Vec<CommandEffect>,
}

impl Answer {
    fn says(text: impl Into<String>) -> Answer {
        Answer { text: text.into(), effects: Vec::new() }
    }

    fn does(text: impl Into<String>, effect: CommandEffect) -> Answer {
        Answer { text: text.into(), effects: vec![effect] }
    }
}

/// Answers a command.
pub fn answer(command: &Command, view: &View<'_>) -> Answer {
    match command {
        Command::Reset { kind, then } => {
            Answer::does("", CommandEffect::Reset { kind: *kind, then: then.clone() })
        }
        Command::Compact { instructions } => {
            Answer::does("", CommandEffect::Compact { instructions: instructions.clone() })
        }
        Command::Status => Answer::says(view.status.card()),
        Command::Help => Answer::says(help_text(view.wire)),
        Command::Commands => Answer::says(commands_text()),
        Command::Whoami => Answer::says(whoami(view)),
        Command::Context => Answer::says(context(view)),
        Command::Usage(word) => usage(word.as_ref(), view),
        Command::Send(word) => send(word.as_ref(), view),
        Command::Activation(word) => activation(word.as_ref(), view),
        Command::Unavailable(Unavailable::Disabled(name)) => {
            Answer::says(format!("⚠️ /{name} is disabled. Set commands.{name}=true to enable."))
        }
        Command::Unavailable(Unavailable::Missing(name)) => {
            Answer::says(format!("⚠️ /{name} is not available on this gateway."))
        }
    }
}

impl Settings {
    /// Answers a message of nothing but settings: they stay. When one of them cannot be, none is changed.
    pub fn answer(&self, view: &View<'_>) -> Answer {
        let parts = [
            self.thinking.as_ref().map(|setting| thinking(setting, view)),
            self.verbose.as_ref().map(|setting| verbose(setting, view)),
            self.reasoning.as_ref().map(|setting| reasoning(setting, view)),
            self.elevated.as_ref().map(|setting| elevated(setting, view)),
            self.model.as_ref().map(|setting| model(setting, view)),
            self.queue.as_ref().map(|words| queue(words, view)),
        ];
        let mut texts = Vec::new();
        let mut effects = Vec::new();
        for part in parts.into_iter().flatten() {
            match part {
                Ok(part) => {
                    texts.push(part.text);
                    effects.extend(part.effects);
                }
                Err(wrong) => return Answer::says(wrong),
            }
        }
        Answer { text: texts.join(" "), effects }
    }
}

/// What a message's settings come to for that message. `Err`: what to answer instead of running it.
pub fn options_for(settings: &Settings, view: &View<'_>) -> Result<TurnOptions, String> {
    let set = |answer: Result<Answer, String>| answer.map(drop);
    let mut options = TurnOptions::default();
    if let Some(setting) = &settings.thinking {
        set(thinking(setting, view))?;
        options.thinking = value(setting);
    }
    if let Some(setting) = &settings.elevated {
        set(elevated(setting, view))?;
        options.elevated = value(setting);
    }
    options.verbose = settings.verbose.as_ref().and_then(value);
    options.reasoning = settings.reasoning.as_ref().and_then(value);
    if let Some(Setting::Set(wanted)) = &settings.model {
        let model = (view.find_model)(wanted).ok_or_else(|| unknown_model(wanted))?;
        options.model = Some(model.to_string());
    }
    Ok(options)
}

fn value<T: Copy>(setting: &Setting<T>) -> Option<T> {
    match setting {
        Setting::Set(value) => Some(*value),
        _ => None,
    }
}

fn thinking(setting: &Setting<Thinking>, view: &View<'_>) -> Result<Answer, String> {
    let names: Vec<&str> = view.thinking_levels.iter().map(|level| level.as_str()).collect();
    let names = names.join(", ");
    Ok(match setting {
        Setting::Show => {
            let default = if view.wire == Wire::V4 { "default, " } else { "" };
            Answer::says(format!(
                "Current thinking level: {}.\nOptions: {default}{names}.",
                view.status.thinking
            ))
        }
        Setting::Set(level) if view.thinking_levels.contains(level) => {
            let text = match level {
                Thinking::Off => "Thinking disabled.".to_owned(),
                level => format!("Thinking level set to {level}."),
            };
            Answer::does(text, CommandEffect::SetThinking(Some(*level)))
        }
        Setting::Set(level) => {
            let model = view.status.model;
            return Err(format!(
                "Thinking level \"{level}\" is not supported for {model}. Use one of: {names}."
            ));
        }
        Setting::Default => {
            Answer::does("Thinking level reset to the default.", CommandEffect::SetThinking(None))
        }
        Setting::Unknown(word) => {
            return Err(format!("Unrecognized thinking level \"{word}\". Valid levels: {names}."));
        }
    })
}

fn verbose(setting: &Setting<Verbose>, view: &View<'_>) -> Result<Answer, String> {
    level(setting, "verbose level", view.status.verbose.as_str(), "on, full, off", Verbose::Off, |level| {
        let text = match level {
            Verbose::Off => "⚙️ Verbose logging disabled.",
            Verbose::On => "⚙️ Verbose logging enabled.",
            Verbose::Full => "⚙️ Verbose logging set to full.",
        };
        Answer::does(text, CommandEffect::SetVerbose(level))
    })
}

fn reasoning(setting: &Setting<Reasoning>, view: &View<'_>) -> Result<Answer, String> {
    level(
        setting,
        "reasoning level",
        view.status.reasoning.as_str(),
        "on, off, stream",
        Reasoning::Off,
        |level| {
            let text = match level {
                Reasoning::Off => "⚙️ Reasoning visibility disabled.",
                Reasoning::On => "⚙️ Reasoning visibility enabled.",
                Reasoning::Stream => "⚙️ Reasoning is shown while it happens, where the channel can.",
            };
            Answer::does(text, CommandEffect::SetReasoning(level))
        },
    )
}

fn elevated(setting: &Setting<Elevated>, view: &View<'_>) -> Result<Answer, String> {
    let Some(current) = view.status.elevated else {
        let channel = view.channel;
        return Err(format!(
            "elevated is not available right now.\nFailing gates: allowFrom (tools.elevated.allowFrom.{channel})\n\
             Fix-it keys:\n- tools.elevated.enabled\n- tools.elevated.allowFrom.<provider>"
        ));
    };
    level(setting, "elevated level", current.as_str(), "on, off, ask, full", Elevated::Off, |level| {
        let text = match level {
            Elevated::Off => "⚙️ Elevated mode disabled.",
            Elevated::On => "⚙️ Elevated mode enabled; approvals stay as configured.",
            Elevated::Ask => "⚙️ Elevated mode set to ask: every command waits for approval.",
            Elevated::Full => "⚙️ Elevated mode set to full: commands run without asking.",
        };
        Answer::does(text, CommandEffect::SetElevated(level))
    })
}

fn level<T: Copy>(
    setting: &Setting<T>,
    what: &str,
    current: &str,
    options: &str,
    off: T,
    set: impl Fn(T) -> Answer,
) -> Result<Answer, String> {
    match setting {
        Setting::Show => Ok(Answer::says(format!("Current {what}: {current}.\nOptions: {options}."))),
        Setting::Set(level) => Ok(set(*level)),
        Setting::Default => Ok(set(off)),
        Setting::Unknown(word) => Err(format!("Unrecognized {what} \"{word}\". Valid levels: {options}.")),
    }
}

fn model(setting: &Setting<String>, view: &View<'_>) -> Result<Answer, String> {
    Ok(match setting {
        Setting::Show => {
            let current = view.status.model;
            Answer::says(format!("Current: {current}\nSwitch: /model <provider/model>\nBack: /model default"))
        }
        Setting::Default => {
            Answer::does("Model reset to the configured default.", CommandEffect::SetModel(None))
        }
        Setting::Set(wanted) | Setting::Unknown(wanted) => {
            let model = (view.find_model)(wanted).ok_or_else(|| unknown_model(wanted))?;
            let text = match view.wire {
                Wire::V3 => format!("Model set to {model}."),
                Wire::V4 => {
                    format!("Model set to {model} for this session only; configured default unchanged.")
                }
            };
            Answer::does(text, CommandEffect::SetModel(Some(model)))
        }
    })
}

fn unknown_model(wanted: &str) -> String {
    format!("Unknown model \"{wanted}\". Use provider/model as in the config, or an alias.")
}

fn queue(words: &QueueWords, view: &View<'_>) -> Result<Answer, String> {
    let settings = match words {
        QueueWords::Show => return Ok(Answer::says(queue_text(&view.status.queue, view.wire))),
        QueueWords::Clear => {
            return Ok(Answer::does("⚙️ Queue mode reset to default.", CommandEffect::ClearQueue));
        }
        QueueWords::Wrong(text) => return Err(text.clone()),
        QueueWords::Set(settings) => settings,
    };
    let texts = [
        settings.mode.map(|mode| format!("⚙️ Queue mode set to {mode}.")),
        settings.debounce_ms.map(|ms| format!("⚙️ Queue debounce set to {ms}ms.")),
        settings.cap.map(|cap| format!("⚙️ Queue cap set to {cap}.")),
        settings.drop.map(|drop| format!("⚙️ Queue drop set to {drop}.")),
    ];
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    Ok(Answer::does(texts.join(" "), CommandEffect::SetQueue(*settings)))
}

fn queue_text(policy: &QueuePolicy, wire: Wire) -> String {
    let QueuePolicy { mode, debounce_ms, cap, drop } = policy;
    format!(
        "Current queue settings: mode={mode}, debounce={debounce_ms}ms, cap={cap}, drop={drop}.\nOptions: modes {}; \
         debounce:<ms|s|m>, cap:<n>, drop:old|new|summarize.",
        QueueMode::offered(wire)
    )
}

fn usage(word: Option<&Word<UsageWord>>, view: &View<'_>) -> Answer {
    match word {
        Some(Word::Known(UsageWord::Note(note))) => {
            Answer::does(format!("⚙️ Usage footer: {note}."), CommandEffect::SetUsage(*note))
        }
        Some(Word::Known(UsageWord::Cost)) => Answer::says(match view.status.cost_usd {
            Some(usd) => format!("💵 Session cost so far: ${usd:.4}"),
            None => "💵 The model's prices are not configured, so the cost is not known.".to_owned(),
        }),
        Some(Word::Unknown(word)) => {
            Answer::says(format!("Unrecognized usage mode \"{word}\". Use /usage off|tokens|full|cost."))
        }
        None => Answer::says(format!("⚙️ Usage footer: {}.\nOptions: off, tokens, full, cost.", view.usage)),
    }
}

fn send(word: Option<&Word<Option<SendPolicy>>>, view: &View<'_>) -> Answer {
    let name = |policy: Option<SendPolicy>| match policy {
        Some(SendPolicy::Allow) => "on",
        Some(SendPolicy::Deny) => "off",
        None => "inherit",
    };
    match word {
        Some(Word::Known(policy)) => {
            Answer::does(format!("⚙️ Send policy set to {}.", name(*policy)), CommandEffect::SetSend(*policy))
        }
        Some(Word::Unknown(_)) => Answer::says("⚙️ Usage: /send on|off|inherit"),
        None => Answer::says(format!("⚙️ Send policy: {}.\nOptions: on, off, inherit.", name(view.send))),
    }
}

fn activation(word: Option<&Word<GroupActivation>>, view: &View<'_>) -> Answer {
    let Some(current) = view.activation else {
        return Answer::says("⚙️ Group activation only applies to group chats.");
    };
    match word {
        Some(Word::Known(activation)) => Answer::does(
            format!("⚙️ Group activation set to {activation}."),
            CommandEffect::SetActivation(*activation),
        ),
        Some(Word::Unknown(_)) => Answer::says("⚙️ Usage: /activation mention|always"),
        None => Answer::says(format!("⚙️ Group activation: {current}.\nOptions: mention, always.")),
    }
}

fn whoami(view: &View<'_>) -> String {
    let mut lines = vec!["🧭 Identity".to_owned(), format!("Channel: {}", view.channel)];
    if let Some(sender) = view.sender {
        lines.push(format!("User id: {}", sender.id));
        if let Some(name) = &sender.name {
            lines.push(format!("Username: @{name}"));
        }
        lines.push(format!("AllowFrom: {}", sender.id));
    }
    lines.join("\n")
}

fn context(view: &View<'_>) -> String {
    let ContextParts { system, conversation, messages } = view.context_parts;
    let window = tokens_short(view.status.context_window);
    format!(
        "🧠 /context\n\nWhat the model is told with every message, estimated:\n- System prompt: {} tokens\n- \
         Conversation: {} tokens in {messages} messages\n- Window: {window} tokens\n\nWhat does not fit is left out \
         from the oldest on; /compact puts a summary in its place.",
        tokens_short(system),
        tokens_short(conversation),
    )
}

#[cfg(test)]
mod tests;

//! Slash commands, settings inside messages, and stop words.
//!
//! [`parse`] says what a message is. A [`Command`] or a message of nothing but [`Settings`] is answered by
//! [`answer`] without a model: a text, and [`CommandEffect`]s that the caller applies to the session. Everything else
//! is for the model, with its settings taken out.

mod answer;
mod catalogue;
mod parse;
mod queue_words;
pub mod reply;
mod settings;
mod status;

use crate::entry::level::{Elevated, GroupActivation, Reasoning, SendPolicy, Thinking, UsageNote, Verbose};
use crate::model_ref::ModelRef;
use crate::queue::QueueSettings;

pub use answer::{Answer, ContextParts, View, answer, options_for};
pub use catalogue::{catalogue, commands_text, help_text};
pub use parse::{parse, with_thinking};
pub use settings::{QueueWords, Setting, Settings};
pub use status::{Status, tokens_short};

/// What the model is told when a session was started over and nothing else was said (v3): people see that it worked.
pub const GREETING: &str = "A new conversation has just been started at the user's request. Greet them in one or two \
                            sentences, in your own voice, and ask what they would like to do. Do not mention these \
                            instructions.";

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A stop word or `/stop`: answered at once, out of band.
    Stop,
    /// A command.
    Command(Command),
    /// Nothing but settings: they stay.
    Settings(Settings),
    /// Something for the model.
    Message {
        /// What was said, settings taken out.
        text: String,
        /// They hold for this message.
        settings: Settings,
    },
}

/// A command that takes a whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `/new`, `/reset`: starts the session over.
    Reset {
        /// Which of the two.
        kind: ResetKind,
        /// What follows, said in the new session.
        then: Option<String>,
    },
    /// `/compact`: replaces what was said by a summary.
    Compact {
        /// What the summary should look to.
        instructions: Option<String>,
    },
    /// `/status`
    Status,
    /// `/help`
    Help,
    /// `/commands`
    Commands,
    /// `/whoami`, `/id`
    Whoami,
    /// `/context`
    Context,
    /// `/usage`: `None` shows.
    Usage(Option<Word<UsageWord>>),
    /// `/send`: `None` shows. The inner `None` goes back to the config's rule.
    Send(Option<Word<Option<SendPolicy>>>),
    /// `/activation`: `None` shows.
    Activation(Option<Word<GroupActivation>>),
    /// A command of OpenClaw that is off here, or not built.
    Unavailable(Unavailable),
}

/// Which command started a session over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetKind {
    /// `/new`
    New,
    /// `/reset`
    Reset,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<T> {
    /// One we know.
    Known(T),
    /// Anything else, as written.
    Unknown(String),
}

/// What `/usage` can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageWord {
    /// What stands under each answer.
    Note(UsageNote),
    /// `cost`: what the session has cost so far.
    Cost,
}

/// Why a command of OpenClaw does nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// `commands.<name>` is off, as it is by default.
    Disabled(&'static str),
    /// This gateway does not have it.
    Missing(&'static str),
}

/// A change that a command makes. The caller applies it, and makes it durable before the answer is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandEffect {
    /// Starts the session over; `then` is said in it, or [`GREETING`] on v3 when there is none.
    Reset {
        /// Which command.
        kind: ResetKind,
        /// What to say in the new session.
        then: Option<String>,
    },
    /// Summarises. The caller answers with [`reply::compacted`] when it is done.
    Compact {
        /// What the summary should look to.
        instructions: Option<String>,
    },
    /// `None` goes back to the default.
    SetThinking(Option<Thinking>),
    /// The session's verbose level.
    SetVerbose(Verbose),
    /// The session's reasoning level.
    SetReasoning(Reasoning),
    /// The session's elevated level.
    SetElevated(Elevated),
    /// `None` goes back to the default model.
    SetModel(Option<ModelRef>),
    /// Fields that are `Some` are set, the others stay.
    SetQueue(QueueSettings),
    /// The queue goes by the config again.
    ClearQueue,
    /// What stands under each answer.
    SetUsage(UsageNote),
    /// `None` goes back to the config's rule.
    SetSend(Option<SendPolicy>),
    /// What wakes the agent in this group.
    SetActivation(GroupActivation),
}

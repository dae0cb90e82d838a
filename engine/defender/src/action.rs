//! What is about to be done, and who asked for it.

/// Who wrote the text that is judged. The same sentence is an order in one place and an attack in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// A paired operator's own words: the command line, a Control UI.
    Operator,
    /// A person in a direct chat of a channel.
    ChannelUser,
    /// Somebody in a group.
    GroupMember,
    /// What a tool printed.
    ToolOutput,
    /// A page, an e-mail, a search result.
    WebContent,
    /// What a file holds.
    FileContent,
    /// The body of a webhook.
    Hook,
}

impl Provenance {
    /// Whether the text is data that an agent reads, rather than a person's request to it: instructions in it are
    /// nobody's.
    pub fn is_data(self) -> bool {
        match self {
            Self::Operator | Self::ChannelUser | Self::GroupMember => false,
            Self::ToolOutput | Self::WebContent | Self::FileContent | Self::Hook => true,
        }
    }
}

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// A model is about to read this.
    Prompt {
        /// The text.
        text: &'a str,
        /// Who wrote it.
        from: Provenance,
    },
    /// A shell is about to run this.
    Command(&'a str),
    /// This address is about to be opened.
    Url(&'a str),
    /// This file is about to be used: its SHA-256.
    File([u8; 32]),
    /// A tool is about to be called.
    ToolCall {
        /// Its name: policies give tools floors and bonuses.
        name: &'a str,
        /// What it is called with, as JSON.
        arguments: &'a str,
    },
}

impl Action<'_> {
    /// The kind, as records and events name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Prompt { .. } => "prompt",
            Action::Command(_) => "command",
            Action::Url(_) => "url",
            Action::File(_) => "file",
            Action::ToolCall { .. } => "tool",
        }
    }
}

/// An action and who it is about, as far as policies can tell actions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is about to be done.
    pub action: Action<'a>,
    /// The agent's id.
    pub agent: &'a str,
    /// The session's key.
    pub session: &'a str,
    /// The channel that it came through, when it came through one.
    pub channel: Option<&'a str>,
    /// Who sent it, as the channel names them.
    pub sender: Option<&'a str>,
}

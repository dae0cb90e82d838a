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

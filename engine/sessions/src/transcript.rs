//! Transcripts as text: JSON lines that an OpenClaw 2026.2 can read, and its lines (and later ones) read back.
//!
//! [`Chain`] builds lines, each naming the one before as its parent. [`read`] turns lines into [`Record`]s and passes
//! over what it does not know. Files belong to the store; see [`crate::persist::StoreOp::Append`].

mod chain;
pub mod envelope;
mod message;
mod record;
mod stamp;
mod usage;

pub use chain::{Chain, IdSource, Line};
pub use message::{
    AbortMark, AssistantLine, AssistantStop, Content, InjectedLine, KnownPart, Message, Meta, Part, Role,
    UserLine, is_injected,
};
pub(crate) use record::WITHHELD;
pub use record::{Body, Compaction, Header, Record, read};
pub use stamp::iso_ms;
pub use usage::{Cost, Prices, Usage};

/// Header version of OpenClaw 2026.2's transcripts.
pub const VERSION: u32 = 3;

/// Whether the message with this id was written already: after a crash it must not be written twice.
pub fn holds_message(records: &[Record], message_id: &str) -> bool {
    records.iter().filter_map(Record::message).any(|message| match message.role {
        Role::User => message.message_id().as_deref() == Some(message_id),
        _ => false,
    })
}

/// Whether an answer of this run was written already.
pub fn holds_answer(records: &[Record], run_id: &str) -> bool {
    records
        .iter()
        .filter_map(Record::message)
        .any(|message| message.role == Role::Assistant && message.run_id() == Some(run_id))
}

#[cfg(test)]
mod tests;

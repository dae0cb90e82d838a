//! What the model is told: the conversation as far as it fits, and the instructions before it.
//!
//! [`build`] turns a transcript's lines, read as [`Piece`]s, into messages within a [`Budget`]; [`plan_compaction`] says what a summary should stand for;
//! [`SystemPrompt`] makes the instructions. Token counts are estimates: nobody but the provider knows its tokens.

mod build;
mod compact;
mod piece;
mod system;

pub use build::{Budget, Context, Image, Said, Speaker, build};
pub use compact::{CompactionPlan, conversation_tokens, plan_compaction};
pub use piece::Piece;
pub use system::{SILENT_REPLY, SystemPrompt};

/// Characters of a token, on average; a common rule of thumb, upstream's as well.
const CHARS_PER_TOKEN: u64 = 4;
/// Tokens that a message costs besides its text.
const MESSAGE_TOKENS: u64 = 4;
/// Tokens of an image at most: about what providers count for the largest one they do not scale down.
const IMAGE_TOKENS: u64 = 1_600;

/// Estimated tokens of a text.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARS_PER_TOKEN)
}

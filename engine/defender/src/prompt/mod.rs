//! Is this text trying to take over the agent that reads it?
//!
//! A [`PromptGuard`] holds the matchers, built once and shared by all who judge; a [`Scratch`] holds the buffers of one
//! of them, so that a clean prompt costs no allocation. Start with [`PromptGuard::assess`].

use crate::{Assessment, Provenance};

/// The matchers, built once. Pure: same text and provenance, same assessment.
#[derive(Debug, Default)]
pub struct PromptGuard {}

/// Buffers of one judge, reused from text to text.
#[derive(Debug, Default)]
pub struct Scratch {}

impl PromptGuard {
    /// Builds the matchers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges `text` by who wrote it.
    pub fn assess(&self, _text: &str, _from: Provenance, _scratch: &mut Scratch) -> Assessment {
        Assessment::default()
    }
}

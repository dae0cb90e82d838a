//! Is this text trying to take over the agent that reads it?
//!
//! A [`PromptGuard`] holds the matchers, built once and shared by all who judge; a [`Scratch`] holds the buffers of one
//! of them, so that a clean prompt costs no allocation. Start with [`PromptGuard::assess`].
//!
//! A text is read in windows. Each is folded to what it means itself ([`view`]), searched for the words and rules of all
//! families in one pass ([`signal`], [`lexicon`], [`matcher`]), measured for its shape, and summed up by a linear model
//! ([`model`]).
//! What is encoded in it is decoded and judged in the same way ([`decode`]). The worst of all parts is the verdict. A text
//! that makes too much work is not read to its end ([`effort`]).

mod assess;
mod decode;
mod effort;
mod found;
mod lexicon;
mod matcher;
mod model;
mod ngram;
mod opening;
mod passage;
mod recent;
mod repeated;
mod rule;
mod sample;
mod shape;
mod signal;
mod view;

pub(crate) use effort::add_unread;

pub use assess::{CERTAIN, Progress, PromptGuard, Scratch, WINDOW_BYTES};
pub use model::{BUCKETS, Model};
pub use sample::Sample;

/// What the findings of each family are called.
#[cfg(test)]
pub(crate) fn families() -> impl Iterator<Item = crate::RuleId> {
    signal::FAMILIES.iter().map(|family| family.id)
}

#[cfg(test)]
pub(crate) mod tests;

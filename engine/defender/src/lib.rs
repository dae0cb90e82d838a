//! Is this action safe?
//!
//! Today a seam: [`Policy::AllowAll`] lets everything pass and says so. What matters already is the type: only this
//! crate can make a [`Cleared`], and nothing reaches a provider without one.

pub mod command;
pub mod host;
pub mod intel;
pub mod ledger;
pub mod policy;
pub mod prompt;

mod action;
mod finding;

pub use action::Provenance;
pub use finding::{Assessment, BLOCK_AT, FINDINGS_MAX, Finding, REVIEW_AT, RuleId, Span};

/// Proof that the defender has looked at a value. Only [`Policy::clear`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes the value out; the proof is gone with it.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What the defender decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Everything passes. The only policy until the defender proper lands.
    #[default]
    AllowAll,
}

impl Policy {
    /// Looks at `action` and clears it.
    pub fn clear<T>(&self, action: T) -> Cleared<T> {
        match self {
            Policy::AllowAll => Cleared(action),
        }
    }

    /// What `status` says of the defender: the mode, and in words what that means.
    pub fn describe(&self) -> (&'static str, &'static str) {
        match self {
            Policy::AllowAll => ("allow-all", "no checks are built yet: everything passes"),
        }
    }
}

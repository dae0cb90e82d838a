//! What may act: a value, and the proof that it was looked at.

use crate::judge::Judgement;
use crate::policy::Verdict;

/// Proof that the defender has looked at a value and lets it pass. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    /// Clears `value` if `judgement` lets it pass; gives it back otherwise.
    pub fn by(judgement: &Judgement, value: T) -> Result<Cleared<T>, T> {
        if judgement.decision.effect() == Verdict::Allow { Ok(Cleared(value)) } else { Err(value) }
    }

    /// Clears `value` since a person looked at it, after a review, and let it pass. What is blocked is not asked about,
    /// so nobody can release it so: that takes the quarantine.
    pub fn released(_: &Release, value: T) -> Cleared<T> {
        Cleared(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes the value out; the proof is gone with it.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A person's word that something under review may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who, for the record.
    pub by: Box<str>,
}

//! Is this action safe?
//!
//! A [`Defender`] judges a [`Request`] by a [`policy`] and says allow, review or block, with the reasons
//! ([`Defender::judge`]). Only this crate makes a [`Cleared`], and nothing reaches a provider without one.
//!
//! Two guards look at text: [`prompt`] (is it trying to take over the agent that reads it?) and [`command`] (what would
//! it do to the machine?). [`intel`] is what is known of addresses and files, [`host`] what is watched on this machine,
//! [`ledger`] what is kept of what was decided.
//!
//! Nothing here does IO or reads a clock.

pub mod command;
pub mod host;
pub mod intel;
pub mod ledger;
pub mod policy;
pub mod prompt;

mod action;
mod catalogue;
mod cleared;
mod finding;
mod judge;

pub use action::{Action, Provenance, Request};
pub use catalogue::{RULES, RuleText, nearest_rule, rule_text};
pub use cleared::{Cleared, Release};
pub use finding::{Assessment, BLOCK_AT, FINDINGS_MAX, Finding, REVIEW_AT, RuleId, Span};
pub use judge::{
    Defender, Judgement, Known, Reading, SLICE_BYTES, Scratch, UNKNOWN_MAX, build_guards, guards_built,
};

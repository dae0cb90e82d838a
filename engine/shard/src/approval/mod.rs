//! Approvals: a person is asked before something happens.
//!
//! Home keeps them all ([`table`]). They come from two sides: clients request them (`exec.approval.request`, see `flow`),
//! and any shard opens them for a message that a person should look at ([`crate::Shard::open_approval`], see `ask`).
//! Reviewers see no difference. An approval is on disk before anybody hears of it, and its end is on disk before it is
//! told; what nobody decides in time is not allowed.

mod ask;
mod decided;
mod flow;
mod record;
mod reviewers;
pub(crate) mod table;
pub(crate) mod text;

pub use ask::Ask;
pub use record::{Holder, Ruling, Why};

pub(crate) use ask::Notice;
pub(crate) use flow::{Manner, Waiter, Wanted, allowed};
pub(crate) use record::{Record, Requester};
pub(crate) use reviewers::{Reviewers, can_review};

/// How long people have when nobody says, milliseconds; upstream's figure.
pub const TIMEOUT_MS: u64 = 120_000;

/// The longest that people may have: a day (ours, so that a row cannot stay for ever).
pub const TIMEOUT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

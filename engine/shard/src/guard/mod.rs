//! The defender at work on a shard: nothing that was said reaches the scheduler before it was judged.
//!
//! [`Shard::submit`](crate::Shard) asks [`Shard::gate`]. What passes goes on as if nobody had looked; what is blocked is
//! kept in the quarantine and refused ([`block`]); what a person has to look at is accepted, made durable and held until
//! an approval is decided ([`hold`]); silence means no. In audit mode all of it passes and is recorded.
//!
//! A model call looks once more ([`Shard::clear_call`]): only that makes the [`Cleared`](pincer_defender::Cleared) without
//! which no request leaves.

mod block;
mod hold;
mod judge;
mod long;
mod policy;
mod record;

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};

use pincer_defender::intel::IntelSet;
use pincer_defender::{Judgement, Scratch};
use pincer_sessions::turn::Turn;

use crate::caller::Held;

pub(crate) use hold::approval_id;
pub(crate) use record::Words;

/// Messages that may wait for a person at once, on one shard; more are refused, to be tried again.
pub(crate) const HELD_MAX: usize = 256;
/// How long a person has to decide, milliseconds: what nobody looked at for a day is not said any more.
const REVIEW_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a shard's judge needs, and what waits for a person.
pub(crate) struct Guard {
    scratch: Scratch,
    intel: IntelSet,
    /// By approval id.
    held: HashMap<Box<str>, HeldTurn>,
    /// Long texts that are being read, oldest first, and what came behind them.
    reading: VecDeque<long::Long>,
    /// Long texts that passed lately, by hash.
    passed: VecDeque<(u64, Judgement)>,
    /// Keys the hashes.
    hasher: RandomState,
}

impl Guard {
    pub(crate) fn new() -> Guard {
        let learned_max = pincer_defender::intel::LEARNED_MAX;
        Guard {
            scratch: Scratch::default(),
            intel: IntelSet::new(Default::default(), Default::default(), learned_max),
            held: HashMap::new(),
            reading: VecDeque::new(),
            passed: VecDeque::new(),
            hasher: RandomState::new(),
        }
    }
}

/// An accepted message that a person has to look at.
struct HeldTurn {
    turn: Turn,
    /// The caller of `agent`, who gets the result under the same request id.
    caller: Option<Held>,
}

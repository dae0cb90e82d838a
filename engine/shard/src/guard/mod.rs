//! The defender at work on a shard: nothing that was said reaches the scheduler before it was judged.
//!
//! [`Shard::submit`](crate::Shard) has a message judged, at once or in its turn ([`waiting`]), and asks [`Shard::gate`]. What passes goes on as if nobody had looked; what is blocked is
//! kept in the quarantine and refused ([`block`]), and said after all when a person lets it through ([`release`]); what a person has to look at is accepted, made durable and held until
//! an approval is decided ([`hold`]); silence means no. In audit mode all of it passes and is recorded.
//!
//! A model call looks once more ([`Shard::clear_call`]): only that makes the [`Cleared`](pincer_defender::Cleared) without
//! which no request leaves.

mod block;
mod hold;
mod judge;
mod kept;
mod policy;
mod record;
mod release;
mod tables;
mod waiting;

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use pincer_defender::intel::{FailMode, Indicator, IntelSet, LEARNED_MAX};
use pincer_defender::{Cleared, Defender, Judgement, Known, Request, Scratch};
use pincer_sessions::turn::Turn;

use crate::boot::SettingsBoot;
use crate::caller::Held;

pub(crate) use hold::approval_id;
pub(crate) use record::Words;
pub(crate) use release::Order as ReleaseOrder;

/// Messages that may wait for a person at once, on one shard; more are refused, to be tried again.
pub(crate) const HELD_MAX: usize = 256;
/// How long a person has to decide, milliseconds: what nobody looked at for a day is not said any more.
const REVIEW_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a shard's judge needs, and what waits for a person.
pub(crate) struct Guard {
    scratch: Scratch,
    /// What is known of addresses and files.
    pub(crate) intel: IntelSet,
    /// By approval id.
    held: HashMap<Box<str>, HeldTurn>,
    /// Messages that wait for their verdict.
    queue: waiting::Queue,
    /// What of the quarantine is being released; only at home.
    releasing: release::Releasing,
    /// What the guards need to judge.
    tables: tables::Tables,
    /// Long texts that passed lately, by hash.
    passed: VecDeque<(u64, Judgement)>,
    /// Keys the hashes.
    hasher: RandomState,
}

impl Guard {
    pub(crate) fn new(settings: &SettingsBoot) -> Guard {
        let lifetimes = settings.defender.policy().intel.lifetimes();
        Guard {
            scratch: Scratch::default(),
            intel: IntelSet::new(Arc::clone(&settings.lists), lifetimes, LEARNED_MAX),
            held: HashMap::new(),
            queue: waiting::Queue::default(),
            releasing: release::Releasing::default(),
            tables: tables::Tables::default(),
            passed: VecDeque::new(),
            hasher: RandomState::new(),
        }
    }

    /// Messages that wait for their verdict.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What the last judgement met and nothing is known of.
    pub(crate) fn unknown(&self) -> &[Indicator] {
        self.scratch.unknown()
    }

    /// Clears what is no text of a session: by its own judgement, for which nobody is asked.
    pub(crate) fn clear<T>(
        &mut self,
        defender: &Defender,
        request: &Request<'_>,
        now_ms: u64,
        value: T,
    ) -> Option<Cleared<T>> {
        let known = Known { set: &self.intel, if_unchecked: FailMode::Open, now_ms };
        let judgement = defender.judge(request, known, &mut self.scratch);
        Cleared::by(&judgement, value).ok()
    }
}

/// An accepted message that a person has to look at.
struct HeldTurn {
    turn: Turn,
    /// The caller of `agent`, who gets the result under the same request id.
    caller: Option<Held>,
}

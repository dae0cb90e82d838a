//! What is known of addresses and files outside, shared by all shards.
//!
//! A shard judges by what it knows (`guard`) and waits for nobody. What nobody here knows goes to home, once for a while
//! ([`Shard::wonder`]); home asks the service for all ([`inquire`]), since the quota is one. An answer is learned, sent to
//! every shard and written down ([`keep`]): the next text that names the address is judged by it. What was judged before
//! the answer came stays judged; a model call looks once more.

mod inquire;
mod keep;

use std::collections::VecDeque;
use std::sync::Arc;

use pincer_defender::intel::{Indicator, IntelDelta};

use self::inquire::Inquirer;
use crate::Shard;
use crate::driver::ShardId;
use crate::message::ShardMsg;

/// How long home is not told again of the same, milliseconds: an answer takes seconds at most, and while a quota is spent
/// every message would tell.
const TOLD_MS: u64 = 10_000;
/// What is remembered as told; beyond it the oldest is forgotten, and told again.
const TOLD_MAX: usize = 256;

/// What a shard remembers of its questions.
#[derive(Default)]
pub(crate) struct Intel {
    /// What home was told of lately, and until when that will do (`mono_ms`); oldest first.
    told: VecDeque<(Indicator, u64)>,
    /// Only at home, once something is asked.
    inquirer: Option<Box<Inquirer>>,
    /// What of the quota an earlier life had spent; only at home.
    spent: pincer_defender::intel::QuotaUse,
}

impl Shard {
    /// Tells home what the last judgement met and nothing is known of.
    pub(crate) fn wonder(&mut self) {
        if self.guard.unknown().is_empty() {
            return;
        }
        let now = self.now.mono_ms;
        let told = &mut self.intel.told;
        told.retain(|(_, until)| *until > now);
        let mut unknown = Vec::new();
        for indicator in self.guard.unknown() {
            if told.iter().any(|(known, _)| known == indicator) {
                continue;
            }
            if told.len() >= TOLD_MAX {
                told.pop_front();
            }
            told.push_back((indicator.clone(), now + TOLD_MS));
            unknown.push(indicator.clone());
        }
        if unknown.is_empty() {
            return;
        }
        match self.is_home() {
            true => self.inquire(self.id, &unknown),
            false => self.send(ShardId::HOME, ShardMsg::Wonder(unknown.into())),
        }
    }

    /// Another shard learned something.
    pub(crate) fn take_intel(&mut self, delta: &IntelDelta) {
        self.guard.intel.merge(delta, self.now.wall_ms);
    }

    /// Tells every other shard.
    fn spread(&mut self, delta: IntelDelta) {
        let delta = Arc::new(delta);
        self.send_others(|| ShardMsg::Intel(Arc::clone(&delta)));
    }
}

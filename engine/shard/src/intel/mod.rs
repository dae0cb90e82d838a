//! What is known of addresses and files outside, shared by all shards.
//!
//! A shard judges by what it knows (`guard`). What nobody here knows goes to home, once for a while ([`Shard::wonder`]);
//! home asks the service for all ([`inquire`]), since the quota is one. An answer is learned, sent to every shard and
//! written down ([`keep`]). Messages that named the address wait for it in enforce mode (`guard::waiting`), within the
//! policy's time; when nobody is asked, or in vain, home says so ([`Shard::unanswered`]) and they go on. What was judged
//! before an answer came stays judged; a model call looks once more.

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
    /// What home was told of lately, oldest first.
    told: VecDeque<Told>,
    /// Only at home, once something is asked.
    inquirer: Option<Box<Inquirer>>,
    /// What of the quota an earlier life had spent; only at home.
    spent: pincer_defender::intel::QuotaUse,
}

/// Something that home was told of.
struct Told {
    indicator: Indicator,
    /// Until when that will do, `mono_ms`.
    until_ms: u64,
    /// Whether there may yet come word of it.
    open: bool,
}

impl Shard {
    /// Tells home what the last judgement met and nothing is known of. What of it may be answered soon is returned.
    pub(crate) fn wonder(&mut self) -> Vec<Indicator> {
        if self.guard.unknown().is_empty() {
            return Vec::new();
        }
        let mut met = self.guard.unknown().to_vec();
        let now = self.now.mono_ms;
        let told = &mut self.intel.told;
        told.retain(|told| told.until_ms > now);
        let mut unknown = Vec::new();
        for indicator in &met {
            if told.iter().any(|told| told.indicator == *indicator) {
                continue;
            }
            if told.len() >= TOLD_MAX {
                told.pop_front();
            }
            told.push_back(Told { indicator: indicator.clone(), until_ms: now + TOLD_MS, open: true });
            unknown.push(indicator.clone());
        }
        if !unknown.is_empty() {
            match self.is_home() {
                true => self.inquire(self.id, &unknown),
                false => self.send(ShardId::HOME, ShardMsg::Wonder(unknown.into())),
            }
        }
        let told = &self.intel.told;
        met.retain(|indicator| told.iter().any(|told| told.open && told.indicator == *indicator));
        met
    }

    /// Another shard learned something.
    pub(crate) fn take_intel(&mut self, delta: &IntelDelta) {
        self.guard.intel.merge(delta, self.now.wall_ms);
        self.settle(|indicator| delta.entries().any(|(known, _)| known == indicator));
    }

    /// Home says that there will be no word of these for now.
    pub(crate) fn unanswered(&mut self, about: &[Indicator]) {
        self.settle(|indicator| about.contains(indicator));
    }

    /// Nothing more is to be expected about these: nobody waits for it.
    fn settle(&mut self, settled: impl Fn(&Indicator) -> bool) {
        for told in self.intel.told.iter_mut().filter(|told| told.open) {
            told.open = !settled(&told.indicator);
        }
        self.settle_waiting(&settled);
    }

    /// Tells every other shard.
    fn spread(&mut self, delta: IntelDelta) {
        let delta = Arc::new(delta);
        self.send_others(|| ShardMsg::Intel(Arc::clone(&delta)));
    }

    /// Tells every shard that these were asked about in vain.
    fn in_vain(&mut self, about: &[Indicator]) {
        let shared: Arc<[Indicator]> = about.into();
        self.send_others(|| ShardMsg::Unanswered(Arc::clone(&shared)));
        self.unanswered(about);
    }

    /// Tells the shard that met them that these are not asked about.
    fn not_asked(&mut self, asker: ShardId, about: &[Indicator]) {
        if about.is_empty() {
            return;
        }
        match asker == self.id {
            true => self.unanswered(about),
            false => self.send(asker, ShardMsg::Unanswered(about.into())),
        }
    }
}

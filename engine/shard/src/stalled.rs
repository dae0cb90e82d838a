//! Messages that found a full ring wait here, one queue a target, so that two shards hear each other in order.
//!
//! The driver gives a message back before it takes the next effect. From then on everything for that target goes to the
//! back of its queue, until the queue is empty again; so nothing overtakes. A try gives the queue's head to the driver,
//! then the next, until one comes back.

use std::collections::VecDeque;
use std::sync::Arc;

use pincer_defender::intel::IntelDelta;

use crate::driver::ShardId;
use crate::message::ShardMsg;

/// What waits for room in a ring.
#[derive(Default)]
pub(crate) struct Stalled {
    /// By target. Empty until the first message waits.
    queues: Vec<VecDeque<ShardMsg>>,
    len: usize,
    /// Targets being tried. The head of the first one's queue may be in the driver's hands.
    tried: VecDeque<ShardId>,
}

impl Stalled {
    /// Whether something waits for `to`, which later messages must not overtake.
    pub(crate) fn waits_for(&self, to: ShardId) -> bool {
        self.queues.get(usize::from(to.0)).is_some_and(|queue| !queue.is_empty())
    }

    /// Messages that wait, for all targets.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Lets `message` wait behind all others for `to`.
    pub(crate) fn push(&mut self, to: ShardId, message: ShardMsg) {
        self.len += 1;
        self.queue(to).push_back(message);
    }

    /// Takes out what is like `unwanted` in the queue of `to`.
    pub(crate) fn discard(&mut self, to: ShardId, unwanted: impl Fn(&ShardMsg) -> bool) {
        let queue = self.queue(to);
        let before = queue.len();
        queue.retain(|message| !unwanted(message));
        let gone = before - queue.len();
        self.len -= gone;
    }

    /// Adds `delta` to one that waits for `to`. `false` when none does.
    pub(crate) fn merge(&mut self, to: ShardId, delta: &IntelDelta) -> bool {
        let waiting = self.queue(to).iter_mut().find_map(|held| match held {
            ShardMsg::Intel(held) => Some(held),
            _ => None,
        });
        waiting.map(|held| Arc::make_mut(held).merge(delta)).is_some()
    }

    /// Begins to try every target again.
    pub(crate) fn begin_try(&mut self) {
        let waiting = self.queues.iter().zip(0u8..).filter(|(queue, _)| !queue.is_empty());
        self.tried = waiting.map(|(_, shard)| ShardId(shard)).collect();
    }

    /// The next message to try. Ask for it before any other effect is taken: nothing may come between.
    pub(crate) fn next_try(&mut self) -> Option<(ShardId, ShardMsg)> {
        while let Some(&to) = self.tried.front() {
            if let Some(message) = self.queue(to).pop_front() {
                self.len -= 1;
                return Some((to, message));
            }
            self.tried.pop_front();
        }
        None
    }

    /// Takes back a message that was just tried: it waits in front of all others. Any other message for `to` is given
    /// back, since it has not waited yet.
    pub(crate) fn take_back(&mut self, to: ShardId, message: ShardMsg) -> Option<ShardMsg> {
        if self.tried.front() != Some(&to) {
            return Some(message);
        }
        self.tried.pop_front();
        self.len += 1;
        self.queue(to).push_front(message);
        None
    }

    fn queue(&mut self, to: ShardId) -> &mut VecDeque<ShardMsg> {
        let index = usize::from(to.0);
        if self.queues.len() <= index {
            self.queues.resize_with(index + 1, VecDeque::new);
        }
        #[allow(clippy::indexing_slicing)] // made just now
        &mut self.queues[index]
    }
}

#[cfg(test)]
mod tests {
    use pincer_defender::intel::{Counts, Domain, Indicator, IntelSet, Source, Verdict};
    use proptest::prelude::*;

    use super::*;

    /// Messages that are told apart by a number.
    fn numbered(number: u64) -> ShardMsg {
        ShardMsg::LabelReserved { number, result: Ok(()) }
    }

    fn number(message: &ShardMsg) -> u64 {
        match message {
            ShardMsg::LabelReserved { number, .. } => *number,
            _ => unreachable!(),
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Send(u8),
        Try,
        /// The receiver takes so many.
        Take(u8, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u8..3).prop_map(Step::Send),
            2 => Just(Step::Try),
            1 => (0u8..3, 1usize..6).prop_map(|(to, count)| Step::Take(to, count)),
        ]
    }

    proptest! {
        /// As the shard does it, into rings of three slots: every receiver gets everything, in order.
        #[test]
        fn nothing_overtakes(steps in prop::collection::vec(step(), 0..200)) {
            let mut stalled = Stalled::default();
            let mut rings = vec![VecDeque::new(); 3];
            let mut got = vec![Vec::new(); 3];
            let mut sent = vec![Vec::new(); 3];
            let drain_all = (0..100).flat_map(|_| [Step::Take(0, 9), Step::Take(1, 9), Step::Take(2, 9), Step::Try]);
            for (step, at) in steps.into_iter().chain(drain_all).zip(0u64..) {
                match step {
                    Step::Send(to) => {
                        sent[usize::from(to)].push(at);
                        let full = rings[usize::from(to)].len() == 3;
                        if stalled.waits_for(ShardId(to)) {
                            stalled.push(ShardId(to), numbered(at));
                        } else if full {
                            let fresh = stalled.take_back(ShardId(to), numbered(at)).unwrap();
                            stalled.push(ShardId(to), fresh);
                        } else {
                            rings[usize::from(to)].push_back(at);
                        }
                    }
                    Step::Try => {
                        stalled.begin_try();
                        while let Some((to, message)) = stalled.next_try() {
                            let ring = &mut rings[usize::from(to.0)];
                            if ring.len() == 3 {
                                assert!(stalled.take_back(to, message).is_none());
                            } else {
                                ring.push_back(number(&message));
                            }
                        }
                    }
                    Step::Take(to, count) => {
                        let ring = &mut rings[usize::from(to)];
                        let count = count.min(ring.len());
                        got[usize::from(to)].extend(ring.drain(..count));
                    }
                }
                prop_assert_eq!(stalled.len(), stalled.queues.iter().map(VecDeque::len).sum::<usize>());
            }
            prop_assert_eq!(got, sent);
            prop_assert_eq!(stalled.len(), 0);
        }
    }

    #[test]
    fn what_is_learned_joins_what_waits() {
        let learned = |host: &str| {
            let mut set = IntelSet::new(Default::default(), Default::default(), 9);
            let of = Indicator::Domain(Domain::parse(host).unwrap());
            let mut delta = IntelDelta::default();
            delta.push(set.learn(of, Verdict::Harmless, Source::Virustotal, Counts::default(), 5));
            delta
        };
        let mut stalled = Stalled::default();
        assert!(!stalled.merge(ShardId(1), &learned("a.example")));
        stalled.push(ShardId(1), ShardMsg::Intel(Arc::new(learned("a.example"))));
        stalled.push(ShardId(1), numbered(1));
        assert!(stalled.merge(ShardId(1), &learned("b.example")));
        assert!(!stalled.merge(ShardId(2), &learned("b.example")));
        assert_eq!(stalled.len(), 2);
        stalled.begin_try();
        let Some((_, ShardMsg::Intel(delta))) = stalled.next_try() else { panic!() };
        assert_eq!(delta.len(), 2);
    }

    #[test]
    fn what_is_discarded_no_longer_waits() {
        let mut stalled = Stalled::default();
        for at in 0..3 {
            stalled.push(ShardId(1), numbered(at));
        }
        stalled.discard(ShardId(1), |message| number(message) == 1);
        stalled.discard(ShardId(2), |_| true);
        assert_eq!(stalled.len(), 2);
        stalled.begin_try();
        let tried: Vec<u64> =
            std::iter::from_fn(|| stalled.next_try().map(|(_, message)| number(&message))).collect();
        assert_eq!(tried, [0, 2]);
        assert!(!stalled.waits_for(ShardId(1)));
    }
}

//! Bounded queues into every shard.
//!
//! | queue | from | when full |
//! | --- | --- | --- |
//! | ring | each other shard, one ring a pair | the message goes back to its sender as `Mail::Undelivered`, at once |
//! | completions | store threads | cannot be: a shard never has more requests out than the queue has slots |
//! | progress | egress | [`Post::progress`] gives it back; the egress thread keeps it and reads no more of that call |
//! | look-ups | egress | dropped: whoever asked has a deadline of its own, and goes on without |
//! | control | the server's handle, signals | [`Post::control`] gives it back |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, Ticket};
use pincer_shard::driver::{CallId, CallProgress, LookupAnswer, LookupError, LookupId, Mail, ShardId};

use crate::bell::Bell;
use crate::queue::Bounded;

/// How many entries each queue of a shard holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshLimits {
    /// Messages from one shard to another that were not taken yet.
    pub ring_slots: usize,
    /// Progress reports of model calls that were not taken yet.
    pub progress_slots: usize,
    /// Commits a shard may have asked for and not yet been told of.
    pub stores_max: usize,
    /// Reads a shard may have asked for and not yet been told of.
    pub reads_max: usize,
}

impl Default for MeshLimits {
    fn default() -> MeshLimits {
        MeshLimits { ring_slots: 512, progress_slots: 512, stores_max: 1024, reads_max: 256 }
    }
}

/// Drains and config changes; more than a handful at once means that a shard is stuck.
const CONTROL_SLOTS: usize = 16;

/// Answers of services that a shard has not taken. Two for each that can be under way (`egress::limits`).
const LOOKUP_SLOTS: usize = 64;

/// What came of a look-up.
type LookedUp = (LookupId, Result<LookupAnswer, LookupError>);

/// All queues of a server.
#[derive(Debug)]
pub(crate) struct Mesh<M> {
    inboxes: Box<[Inbox<M>]>,
    pulse: AtomicU64,
}

/// What waits for one shard.
#[derive(Debug)]
struct Inbox<M> {
    /// By sender. None from a shard to itself.
    rings: Box<[Option<Bounded<M>>]>,
    completions: Bounded<Completion>,
    progress: Bounded<(CallId, CallProgress)>,
    lookups: Bounded<LookedUp>,
    control: Bounded<Mail<M>>,
    bell: Bell,
    /// The last pulse the shard has felt.
    felt: AtomicU64,
}

/// The answer to a store request, and what it frees.
#[derive(Debug)]
pub(crate) enum Completion {
    /// To `Effect::Store`.
    Stored {
        /// Whose.
        ticket: Ticket,
        /// For the shard.
        result: Result<Vec<Outcome>, StoreError>,
        /// What the request counted for in the sum of pending bytes.
        bytes: usize,
    },
    /// To `Effect::Read`.
    Read {
        /// Whose.
        ticket: Ticket,
        /// For the shard.
        answer: ReadAnswer,
    },
}

impl<M> Mesh<M> {
    /// One inbox a bell.
    pub(crate) fn new(bells: Vec<Bell>, limits: MeshLimits) -> Arc<Mesh<M>> {
        let shards = bells.len();
        let inbox = |(to, bell): (usize, Bell)| Inbox {
            rings: (0..shards).map(|from| (from != to).then(|| Bounded::new(limits.ring_slots))).collect(),
            completions: Bounded::new(limits.stores_max + limits.reads_max),
            progress: Bounded::new(limits.progress_slots),
            lookups: Bounded::new(LOOKUP_SLOTS),
            control: Bounded::new(CONTROL_SLOTS),
            bell,
            felt: AtomicU64::new(0),
        };
        Arc::new(Mesh {
            inboxes: bells.into_iter().enumerate().map(inbox).collect(),
            pulse: AtomicU64::new(0),
        })
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> usize {
        self.inboxes.len()
    }

    fn inbox(&self, shard: ShardId) -> Option<&Inbox<M>> {
        self.inboxes.get(usize::from(shard.0))
    }

    /// The bell of `shard`.
    pub(crate) fn bell(&self, shard: ShardId) -> Option<&Bell> {
        self.inbox(shard).map(|inbox| &inbox.bell)
    }

    /// Wakes `shard` if it sleeps.
    pub(crate) fn ring(&self, shard: ShardId) {
        if let Some(bell) = self.bell(shard) {
            bell.ring();
        }
    }

    /// Puts a message into the ring, without waking. Gives it back when there is no room, or no such ring.
    pub(crate) fn send(&self, from: ShardId, to: ShardId, message: M) -> Result<(), M> {
        match self.inbox(to).and_then(|inbox| inbox.rings.get(usize::from(from.0))) {
            Some(Some(ring)) => ring.push(message),
            _ => Err(message),
        }
    }

    /// Puts an answer of the store into the mailbox, without waking.
    pub(crate) fn complete(&self, shard: ShardId, completion: Completion) {
        let Some(inbox) = self.inbox(shard) else { return };
        // A slot was kept for it when it was asked for (`StorePort`), so this never fails.
        let pushed = inbox.completions.push(completion);
        debug_assert!(pushed.is_ok(), "more completions than requests");
    }

    /// Takes an answer of the store.
    pub(crate) fn take_completion(&self, shard: ShardId) -> Option<Completion> {
        self.inbox(shard)?.completions.pop()
    }

    /// Takes anything else that waits for `shard`: control first, then what other shards and model calls sent.
    /// `cursor` remembers whose turn is next, so that a busy one cannot starve the others.
    pub(crate) fn take(&self, shard: ShardId, cursor: &mut usize) -> Option<Mail<M>> {
        let inbox = self.inbox(shard)?;
        if let Some(mail) = inbox.control.pop() {
            return Some(mail);
        }
        // Few: whoever asks has a quota.
        if let Some((lookup, answer)) = inbox.lookups.pop() {
            return Some(Mail::LookedUp { lookup, answer });
        }
        // One more than rings: progress takes its turn among them.
        let count = inbox.rings.len() + 1;
        for _ in 0..count {
            let from = *cursor % count;
            *cursor = (from + 1) % count;
            let mail = match inbox.rings.get(from) {
                Some(ring) => ring
                    .as_ref()
                    .and_then(Bounded::pop)
                    .map(|message| Mail::Message(ShardId(u8::try_from(from).unwrap_or(u8::MAX)), message)),
                None => inbox.progress.pop().map(|(call, progress)| Mail::Model { call, progress }),
            };
            if mail.is_some() {
                return mail;
            }
        }
        None
    }

    /// Whether nothing waits for `shard`.
    pub(crate) fn is_empty(&self, shard: ShardId) -> bool {
        let Some(inbox) = self.inbox(shard) else { return true };
        inbox.completions.is_empty()
            && inbox.control.is_empty()
            && inbox.progress.is_empty()
            && inbox.lookups.is_empty()
            && inbox.rings.iter().flatten().all(Bounded::is_empty)
            && inbox.felt.load(Ordering::Relaxed) == self.pulse.load(Ordering::Acquire)
    }

    /// The shard looks after its queues: it is alive.
    pub(crate) fn feel_pulse(&self, shard: ShardId) {
        if let Some(inbox) = self.inbox(shard) {
            inbox.felt.store(self.pulse.load(Ordering::Acquire), Ordering::Release);
        }
    }
}

/// For helper threads: puts mail into shards' mailboxes and wakes them.
#[derive(Debug)]
pub struct Post<M>(Arc<Mesh<M>>);

impl<M> Clone for Post<M> {
    fn clone(&self) -> Post<M> {
        Post(Arc::clone(&self.0))
    }
}

impl<M> Post<M> {
    pub(crate) fn new(mesh: Arc<Mesh<M>>) -> Post<M> {
        Post(mesh)
    }

    /// All shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<M> {
        (0..self.0.shards()).filter_map(|shard| u8::try_from(shard).ok().map(ShardId))
    }

    /// Reports progress of a model call. Given back when the shard has not taken `progress_slots` earlier reports:
    /// keep it, read no more from that provider, and try again in a few milliseconds. A [`CallProgress::Done`] or
    /// [`CallProgress::Failed`] must be retried too: the shard counts on exactly one.
    pub fn progress(&self, shard: ShardId, call: CallId, progress: CallProgress) -> Result<(), CallProgress> {
        let Some(inbox) = self.0.inbox(shard) else { return Ok(()) };
        inbox.progress.push((call, progress)).map_err(|(_, progress)| progress)?;
        inbox.bell.ring();
        Ok(())
    }

    /// Reports what came of a look-up. Dropped when the shard has left the last 64 unread; it gives up waiting by itself.
    pub fn looked_up(&self, shard: ShardId, lookup: LookupId, answer: Result<LookupAnswer, LookupError>) {
        let Some(inbox) = self.0.inbox(shard) else { return };
        drop(inbox.lookups.push((lookup, answer)));
        inbox.bell.ring();
    }

    /// Hands over a drain, a config change, a policy or what watching the host showed. Given back when the shard has left the last 16 unread.
    pub fn control(&self, shard: ShardId, mail: Mail<M>) -> Result<(), Mail<M>> {
        let Some(inbox) = self.0.inbox(shard) else { return Ok(()) };
        inbox.control.push(mail)?;
        inbox.bell.ring();
        Ok(())
    }

    /// Asks every shard for a sign of life; each gives it at its next turn. See [`Post::all_alive`].
    pub fn pulse(&self) {
        self.0.pulse.fetch_add(1, Ordering::AcqRel);
        for inbox in &self.0.inboxes {
            inbox.bell.ring();
        }
    }

    /// Whether every shard has had a turn since the last [`Post::pulse`]. For a watchdog.
    pub fn all_alive(&self) -> bool {
        let pulse = self.0.pulse.load(Ordering::Acquire);
        self.0.inboxes.iter().all(|inbox| inbox.felt.load(Ordering::Acquire) == pulse)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::bell::eventfd;

    fn mesh(shards: usize, ring_slots: usize) -> Arc<Mesh<u32>> {
        let bells = (0..shards).map(|_| Bell::event(eventfd(false).unwrap())).collect();
        Mesh::new(bells, MeshLimits { ring_slots, progress_slots: 2, stores_max: 1, reads_max: 1 })
    }

    #[test]
    fn a_full_ring_gives_the_message_back() {
        let mesh = mesh(2, 1);
        assert_eq!(mesh.send(ShardId(0), ShardId(1), 7), Ok(()));
        assert_eq!(mesh.send(ShardId(0), ShardId(1), 8), Err(8));
        assert_eq!(mesh.send(ShardId(0), ShardId(9), 9), Err(9), "no such shard");
        assert_eq!(mesh.send(ShardId(0), ShardId(0), 9), Err(9), "no ring to oneself");
        assert!(matches!(mesh.take(ShardId(1), &mut 0), Some(Mail::Message(ShardId(0), 7))));
        assert!(mesh.is_empty(ShardId(1)));
    }

    #[test]
    fn a_busy_sender_does_not_starve_another() {
        let mesh = mesh(3, 8);
        for message in 0..8 {
            mesh.send(ShardId(0), ShardId(2), message).unwrap();
        }
        mesh.send(ShardId(1), ShardId(2), 100).unwrap();
        Post::new(Arc::clone(&mesh)).progress(ShardId(2), CallId(1), CallProgress::Done).unwrap();
        let mut cursor = 0;
        mesh.take(ShardId(2), &mut cursor).unwrap();
        assert!(matches!(mesh.take(ShardId(2), &mut cursor), Some(Mail::Message(ShardId(1), 100))));
        assert!(matches!(mesh.take(ShardId(2), &mut cursor), Some(Mail::Model { .. })));
    }

    #[test]
    fn progress_is_given_back_when_the_shard_is_behind() {
        let mesh = mesh(1, 1);
        let post = Post::new(Arc::clone(&mesh));
        let call = CallId(1);
        assert!(post.progress(ShardId(0), call, CallProgress::Events(vec![])).is_ok());
        assert!(post.progress(ShardId(0), call, CallProgress::Events(vec![])).is_ok());
        assert!(matches!(post.progress(ShardId(0), call, CallProgress::Done), Err(CallProgress::Done)));
        mesh.take(ShardId(0), &mut 0).unwrap();
        assert!(post.progress(ShardId(0), call, CallProgress::Done).is_ok());
    }

    #[test]
    fn a_pulse_is_felt_by_each_shard_itself() {
        let mesh = mesh(2, 1);
        let post = Post::new(Arc::clone(&mesh));
        assert!(post.all_alive());
        post.pulse();
        assert!(!mesh.is_empty(ShardId(0)), "so that it does not go to sleep over it");
        mesh.feel_pulse(ShardId(0));
        assert!(!post.all_alive());
        mesh.feel_pulse(ShardId(1));
        assert!(post.all_alive());
    }

    proptest! {
        /// Any mix of sends and takes: what was accepted arrives once, in order of its sender.
        #[test]
        fn rings_keep_order(script in proptest::collection::vec((0u8..3, 0u8..3, any::<bool>()), 0..200)) {
            let mesh = mesh(3, 4);
            let mut expect = vec![vec![VecDeque::new(); 3]; 3];
            let mut cursors = [0; 3];
            for (step, (from, to, send)) in (0u32..).zip(script) {
                if send {
                    if mesh.send(ShardId(from), ShardId(to), step).is_ok() {
                        expect[usize::from(to)][usize::from(from)].push_back(step);
                    }
                } else if let Some(mail) = mesh.take(ShardId(to), &mut cursors[usize::from(to)]) {
                    let Mail::Message(from, message) = mail else { panic!("{mail:?}") };
                    let next = expect[usize::from(to)][usize::from(from.0)].pop_front();
                    prop_assert_eq!(next, Some(message));
                } else {
                    prop_assert!(expect[usize::from(to)].iter().all(VecDeque::is_empty));
                }
            }
        }
    }
}

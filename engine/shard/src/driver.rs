//! The contract between a shard and whatever drives it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use pincer_adapters::{ModelEvent, ModelRequest, ProviderError};
use pincer_defender::{Cleared, Defender};
use pincer_sessions::persist::{Outcome, ReadAnswer, StoreError, StoreOp, StoreRead, Ticket};
use pincer_sessions::time::Now;

pub use crate::host::HostNews;
pub use crate::lookup::{Lookup, LookupAnswer, LookupError, LookupId};

/// Which core. Always below the number of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u8);

impl ShardId {
    /// Shard 0: the only writer of process-wide facts.
    pub const HOME: ShardId = ShardId(0);
}

/// A connection of one shard. Never reused while anything may still refer to it: `generation` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnId {
    /// Slot in the shard's table.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// Identifies a model call of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(pub u64);

/// What is known of the other end when a connection is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub remote: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

/// A shard, as its driver sees it. All calls are synchronous and return soon; after each call the driver takes every
/// effect with [`Core::poll_effect`] before it waits again.
pub trait Core: Send + 'static {
    /// What shards send each other.
    type Message: Send + 'static;

    /// A peer connected. `None`: refused (a bound was reached); the driver closes the socket at once.
    fn accepted(&mut self, now: Now, peer: Peer) -> Option<ConnId>;

    /// Bytes arrived. They may be overwritten.
    fn received(&mut self, now: Now, conn: ConnId, bytes: &mut [u8]);

    /// The last word about a connection: the peer hung up, the socket failed, or [`Effect::Close`] was performed. The
    /// driver has already forgotten it. Comes once for every accepted connection, unless the core finishes first.
    fn disconnected(&mut self, now: Now, conn: ConnId);

    /// Something arrived from another thread.
    fn mail(&mut self, now: Now, mail: Mail<Self::Message>);

    /// The moment of [`Core::next_deadline`] has come.
    fn tick(&mut self, now: Now);

    /// When [`Core::tick`] is next due, in `mono_ms`. May change after any call.
    fn next_deadline(&self) -> Option<u64>;

    /// The next effect to perform, in order.
    fn poll_effect(&mut self) -> Option<Effect<Self::Message>>;

    /// What waits to be written to `conn`, oldest first: at most as many slices as `slices` has room for. Returns how
    /// many were filled; 0 when nothing waits or the connection is gone.
    fn outgoing<'a>(&'a self, conn: ConnId, slices: &mut [&'a [u8]]) -> usize;

    /// `bytes` of what [`Core::outgoing`] showed were written.
    fn written(&mut self, now: Now, conn: ConnId, bytes: usize);
}

/// Something to do. Closed, so that the whole outside life of a shard can be read here.
#[derive(Debug)]
pub enum Effect<M> {
    /// Write what [`Core::outgoing`] shows, now; wait for room when the socket takes no more. Emitted at most once per
    /// connection and turn: all answers to one read leave together.
    Flush(ConnId),
    /// Close the socket once everything outgoing is written, or when `by` (`mono_ms`) has passed. The driver takes over
    /// what is outgoing and calls [`Core::disconnected`] at once; what it has still to write no longer needs the core.
    Close {
        /// Which.
        conn: ConnId,
        /// Latest moment, `mono_ms`.
        by: u64,
    },
    /// Hand a message to another shard. Ring full: the driver gives it back as [`Mail::Undelivered`] before it takes the
    /// next effect, so that the core can keep its messages in order. One sent to itself arrives like any other.
    Send(ShardId, M),
    /// Commit these, then report [`Mail::Stored`]. Lists of one shard are committed in the order sent.
    Store {
        /// Handed back.
        ticket: Ticket,
        /// Committed whole or not at all.
        ops: Vec<StoreOp>,
    },
    /// Read, then report [`Mail::Read`].
    Read {
        /// Handed back.
        ticket: Ticket,
        /// What.
        read: StoreRead,
    },
    /// Call a model, then report [`Mail::Model`] until it has ended. Never for the loopback model.
    Call {
        /// Handed back.
        call: CallId,
        /// Only the defender makes these.
        request: Box<Cleared<ModelRequest>>,
    },
    /// Stop a call; nothing more is reported for it.
    CancelCall(CallId),
    /// Ask a service, then report [`Mail::LookedUp`]. An answer may get lost when too many come at once: whoever asks
    /// keeps a deadline.
    LookUp {
        /// Handed back.
        lookup: LookupId,
        /// Only the defender makes these.
        question: Box<Cleared<Lookup>>,
    },
    /// Build what messages are judged by, elsewhere ([`pincer_defender::build_guards`]), then report
    /// [`Mail::GuardsBuilt`]. Asked once in a shard's life, when something is first to be judged.
    BuildGuards,
    /// Write a line to the log.
    Log(LogLine),
    /// Stop accepting connections: the listener is closed on this shard.
    StopAccepting,
    /// This shard has drained; its thread may end.
    Finished,
}

/// Something that arrived from another thread.
#[derive(Debug)]
pub enum Mail<M> {
    /// From another shard.
    Message(ShardId, M),
    /// The ring to this shard was full; the message comes back. The core must not send it again before its next
    /// [`Core::tick`]: the driver would go round in circles.
    Undelivered(ShardId, M),
    /// Answer to [`Effect::Store`].
    Stored {
        /// Whose.
        ticket: Ticket,
        /// One outcome an op, or why nothing happened.
        result: Result<Vec<Outcome>, StoreError>,
    },
    /// Answer to [`Effect::Read`].
    Read {
        /// Whose.
        ticket: Ticket,
        /// What was read.
        answer: ReadAnswer,
    },
    /// Progress of [`Effect::Call`].
    Model {
        /// Whose.
        call: CallId,
        /// What came.
        progress: CallProgress,
    },
    /// Answer to [`Effect::LookUp`].
    LookedUp {
        /// Whose.
        lookup: LookupId,
        /// What the service said, or why it said nothing.
        answer: Result<LookupAnswer, LookupError>,
    },
    /// Answer to [`Effect::BuildGuards`]: also when it could not be done, since whoever judges builds them in place then.
    GuardsBuilt,
    /// What watching this machine's files showed. Only home gets it.
    Host(Box<HostNews>),
    /// Drain: stop accepting, give runs `budget_ms`, then close everything with 1012.
    Drain {
        /// Why, for the `shutdown` event.
        reason: String,
        /// How long running turns may take.
        budget_ms: u64,
        /// When a replacement is expected, for clients.
        restart_expected_ms: Option<u64>,
    },
    /// The config file changed on disk: the new raw text, as read. Only home gets it.
    ConfigChanged(Bytes),
    /// Judge by another policy from now on. Only home gets it; the others learn of it from home.
    Policy(Box<PolicyChange>),
}

/// A policy to judge by, built elsewhere: on a core that serves nobody waits for matchers to be built.
#[derive(Debug)]
pub struct PolicyChange {
    /// With its matchers.
    pub defender: Arc<Defender>,
    /// What it protects less than the policy in force, a line each.
    pub weaker: Vec<String>,
}

/// Progress of a model call. Ends with `Done` or `Failed`, exactly once, unless it was cancelled.
#[derive(Debug)]
pub enum CallProgress {
    /// The model said something.
    Events(Vec<ModelEvent>),
    /// It is done.
    Done,
    /// It failed; what was said before stands.
    Failed(ProviderError),
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever debugs us.
    Debug,
    /// What happened.
    Info,
    /// Something to look at.
    Warn,
    /// Something broke.
    Error,
}

/// One line of the log. Secrets and message texts never go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// Where it comes from: `gateway/ws`, `gateway/run` …
    pub subsystem: &'static str,
    /// What happened.
    pub message: String,
}

//! What shards say to each other. Each message names its sender, its receiver and what a full ring means. Whatever is
//! kept and sent again, and everything after it, arrives in the order it was sent.

use std::sync::Arc;

use bytes::Bytes;
use pincer_defender::intel::{Indicator, IntelDelta};
use pincer_defender::ledger::EntryId;
use pincer_protocol::ErrorShape;
use pincer_sessions::key::SessionKey;

use crate::approval::{Ask, Notice};
use crate::caller::Held;
use crate::dispatch::MethodCall;
use crate::driver::ConnId;
use crate::fanout::Broadcast;
use crate::gather::{Part, Query};
use crate::guard::ReleaseOrder;
use crate::home::admission::{Admission, AdmissionRequest};
use crate::home::view::View;
use crate::pairing::Retire;

/// A call on its way to the shard that can answer it.
pub(crate) struct ForwardedCall {
    pub(crate) call: MethodCall,
    pub(crate) held: Held,
}

/// A message between two shards, closed to the driver that carries it.
pub struct Message(pub(crate) ShardMsg);

/// What a message says.
pub(crate) enum ShardMsg {
    /// A request that the receiver owns the answer to.
    /// From: the connection's shard. To: the session's owner, or home.
    /// Ring full: answered `UNAVAILABLE`, retryable, at once.
    Call(Box<ForwardedCall>),
    /// An encoded response for a connection of the receiver.
    /// From: whoever answered. To: the connection's shard.
    /// Ring full: kept and sent again; an answer is never lost.
    Response {
        /// The connection.
        conn: ConnId,
        /// The frame's text.
        frame: Bytes,
        /// Whether this was the last word on the request.
        last: bool,
    },
    /// An event for every connection of the receiver that is in its audience.
    /// From: any. To: every other shard.
    /// Ring full: kept and sent again, unless it is droppable.
    Broadcast(Arc<Broadcast>),
    /// A lawful `connect`, to be judged.
    /// From: the connection's shard. To: home. Ring full: kept and sent again, within the handshake's time.
    Admit(Box<AdmissionRequest>),
    /// Home's verdict.
    /// From: home. To: the connection's shard. Ring full: kept and sent again.
    Admitted(Box<Admission>),
    /// An admitted connection has gone.
    /// From: its shard. To: home. Ring full: kept and sent again.
    Departed {
        /// Key of its presence entry.
        presence_key: Box<str>,
    },
    /// A question that every shard answers for its part.
    /// From: the asker. To: every other shard. Ring full: kept and sent again; the
    /// asker goes on without that part after its deadline.
    Ask {
        /// The asker's number for it.
        number: u64,
        /// The question.
        query: Arc<Query>,
    },
    /// One shard's part of an answer.
    /// From: the asked. To: the asker. Ring full: kept and sent again.
    Part {
        /// The asker's number.
        number: u64,
        /// The part.
        part: Box<Part>,
    },
    /// Home's facts changed.
    /// From: home. To: every other shard. Ring full: kept and sent again; a newer view replaces an older one.
    View(Arc<View>),
    /// Asks for a label, unique among the sessions of one agent.
    /// From: a session's owner. To: home, the only keeper of labels. Ring full: kept and sent again.
    ReserveLabel {
        /// The asker's number for it.
        number: u64,
        /// Agent whose sessions share the label space.
        agent: Box<str>,
        /// The label; `None` gives up what the session holds.
        label: Option<Box<str>>,
        /// The session.
        key: SessionKey,
    },
    /// Home's answer to [`ShardMsg::ReserveLabel`]. Ring full: kept and sent again.
    LabelReserved {
        /// The asker's number.
        number: u64,
        /// Why not.
        result: Result<(), ErrorShape>,
    },
    /// A device lost its place: its connections are closed.
    /// From: home. To: every other shard. Ring full: kept and sent again.
    Retire(Retire),
    /// A shard asks a person.
    /// From: any. To: home, which keeps approvals. Ring full: kept and sent again; were it lost in a crash, the opener's own
    /// row brings it back.
    OpenApproval(Box<Ask>),
    /// What became of an approval that a shard opened.
    /// From: home. To: the owner of its holder's session. Ring full: kept and sent again; were it lost, home tells it
    /// again after a restart.
    ApprovalDecided(Box<Notice>),
    /// Nothing is to be done about an approval any more.
    /// From: the owner of its holder's session. To: home. Ring full: kept and sent again; were it lost, the decision is
    /// told again after a restart.
    ApprovalTaken {
        /// Which one.
        id: Box<str>,
    },
    /// A v3 client that shows approvals wants to see those that wait; they come as [`ShardMsg::Response`].
    /// From: the connection's shard. To: home. Ring full: kept and sent again.
    ShowApprovals {
        /// The connection.
        conn: ConnId,
    },
    /// Whether the sender has connections that subscribed to sessions; only then are such events made for it.
    /// From: any. To: every other shard. Ring full: kept and sent again.
    Listens(bool),
    /// What the sender met in a text and knows nothing of: to be asked about, within the quota of the process.
    /// From: any. To: home. Ring full: dropped, and what waits for an answer goes on without; the sender tells again with
    /// a text that comes some seconds later.
    Wonder(Box<[Indicator]>),
    /// What was learned of addresses and files.
    /// From: home, who asks for all. To: every other shard. Ring full: merged into the delta that waits; the last word
    /// wins, so nothing is lost.
    Intel(Arc<IntelDelta>),
    /// Nobody will say anything about these for now: they were not asked about, or in vain.
    /// From: home. To: the shard that met them, or every other one. Ring full: kept and sent again; were it lost, what
    /// waits for an answer goes on when its time is up.
    Unanswered(Arc<[Indicator]>),
    /// What was blocked is to be said after all.
    /// From: home, which has read it from the quarantine. To: the session's owner. Ring full: kept and sent again; were it
    /// lost, nothing was released, and whoever asked for it has no answer.
    Release(Box<ReleaseOrder>),
    /// That has ended, well or not: the next release of the same entry may begin.
    /// From: the session's owner. To: home. Ring full: kept and sent again; were it lost, the next one may begin a minute
    /// later.
    ReleaseEnded(EntryId),
    /// The sender drains, and nothing runs on it any more: everything its runs had to say was sent before this.
    /// From: any. To: every other shard, each of which keeps its connections until all have said so.
    /// Ring full: kept and sent again.
    RunsEnded,
}

//! Who asks, and where the answer goes.

use std::sync::Arc;

use pincer_protocol::connect::{ClientId, ClientMode};
use pincer_protocol::frame::RequestId;
use pincer_protocol::{Role, Scope, ScopeSet, Wire};

use crate::driver::{ConnId, ShardId};

/// An authenticated connection's identity and rights. Made once, by the handshake.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// Operator or node.
    pub(crate) role: Role,
    /// What it may do.
    pub(crate) scopes: ScopeSet,
    /// The granted scope names, known and unknown, in the order asked for. Shared: most clients ask for the same.
    pub(crate) scope_names: Arc<[Box<str>]>,
    /// `client.id`
    pub(crate) client_id: ClientId,
    /// `client.mode`
    pub(crate) client_mode: ClientMode,
    /// `client.displayName`
    pub(crate) display_name: Option<Box<str>>,
    /// Paired device, when it proved one.
    pub(crate) device_id: Option<Box<str>>,
    /// Key of its presence entry; `None` when it is not tracked.
    pub(crate) presence_key: Option<Box<str>>,
    /// v4: wants `agent` and `chat` only of the sessions it subscribed to.
    pub(crate) session_scoped_events: bool,
    /// Whether it shows approvals to a person.
    pub(crate) reviews: bool,
}

impl Principal {
    /// Whether it may do what `scope` stands for. Nodes hold no scopes.
    pub(crate) fn allows(&self, scope: Scope) -> bool {
        self.role == Role::Operator && self.scopes.allows(scope)
    }
}

/// The asker of one request, while it is being handled.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The shard that owns the connection.
    pub(crate) origin: ShardId,
    /// The connection.
    pub(crate) conn: ConnId,
    /// What it speaks.
    pub(crate) wire: Wire,
    /// Who it is.
    pub(crate) who: Arc<Principal>,
}

/// The right, and the duty, to answer one request. Not clonable: one request, one final answer.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) origin: ShardId,
    pub(crate) conn: ConnId,
    pub(crate) wire: Wire,
    pub(crate) who: Arc<Principal>,
    pub(crate) id: RequestId,
}

impl Held {
    /// The asker, without the right to answer.
    pub(crate) fn caller(&self) -> Caller {
        Caller { origin: self.origin, conn: self.conn, wire: self.wire, who: Arc::clone(&self.who) }
    }
}

//! Who asks, and where the answer goes.

use std::net::IpAddr;
use std::sync::Arc;

use pincer_protocol::frame::RequestId;
use pincer_protocol::{Role, Scope, ScopeSet, Wire};

use crate::driver::{ConnId, ShardId};

/// An authenticated connection's identity and rights. Made once, by the handshake.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Operator or node.
    pub role: Role,
    /// What it may do.
    pub scopes: ScopeSet,
    /// The granted scope names, known and unknown, in the order asked for.
    pub scope_names: Box<[Box<str>]>,
    /// `client.id`
    pub client_id: Box<str>,
    /// `client.mode`
    pub client_mode: Box<str>,
    /// `client.displayName`
    pub display_name: Option<Box<str>>,
    /// Paired device, when it proved one.
    pub device_id: Option<Box<str>>,
    /// Key of its presence entry; `None` when it is not tracked.
    pub presence_key: Option<Box<str>>,
    /// Random id of the connection, shown to clients.
    pub conn_uuid: Box<str>,
    /// Address of the other end, as far as proxies are trusted.
    pub remote_ip: IpAddr,
    /// Whether the other end is on this machine.
    pub local: bool,
    /// Whether it showed the shared secret (or none was asked for), not only a device token.
    pub shared_secret: bool,
    /// Wants tool events of the runs it starts.
    pub tool_events: bool,
    /// v4: wants `agent` and `chat` only of the sessions it subscribed to.
    pub session_scoped_events: bool,
}

impl Principal {
    /// Whether it may do what `scope` stands for. Nodes hold no scopes.
    pub fn allows(&self, scope: Scope) -> bool {
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

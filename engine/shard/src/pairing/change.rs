//! What a decision about devices leads to.

use pincer_protocol::method::device::{PairRequested, PairResolved};
use pincer_sessions::persist::StoreOp;

/// What must happen because of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Rows to store, before anybody is told.
    pub ops: Vec<StoreOp>,
    /// Events for clients with the pairing scope; they may be dropped for slow ones.
    pub events: Vec<PairEvent>,
    /// Whose connections must be closed, for they no longer may be here.
    pub retire: Option<Retire>,
}

/// An event for clients with the pairing scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairEvent {
    /// `device.pair.requested`
    Requested(PairRequested),
    /// `device.pair.resolved`
    Resolved(PairResolved),
}

/// Connections that must be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retire {
    /// Of this device.
    pub device_id: Box<str>,
    /// In this role; `None`: in any.
    pub role: Option<Box<str>>,
}

//! What clients with the pairing scope are told of.

use serde::Serialize;

use super::PendingRequest;

/// `device.pair.requested`: somebody asks to be paired, or to be allowed more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PairRequested(pub PendingRequest);

impl PairRequested {
    /// The event's name.
    pub const EVENT: &'static str = "device.pair.requested";
}

/// `device.pair.resolved`: a request was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairResolved {
    /// Which request.
    pub request_id: Box<str>,
    /// Whose it was.
    pub device_id: Box<str>,
    /// How.
    pub decision: PairDecision,
    /// When, milliseconds since 1970.
    pub ts: u64,
}

impl PairResolved {
    /// The event's name.
    pub const EVENT: &'static str = "device.pair.resolved";
}

/// How a request was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PairDecision {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

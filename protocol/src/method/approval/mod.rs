//! `exec.approval.*`: a person is asked before something runs.
//!
//! Whoever wants to run something requests an approval and waits; reviewers are told by event, and one of them resolves
//! it. Nobody in time means no decision, which the asker must take for a no.

mod event;
mod get;
mod list;
mod request;
mod resolve;
mod wait;

pub use event::{Requested, RequestedV3, Resolved};
pub use get::{Get, GetParams, GetPayload};
pub use list::{List, Listed};
pub use request::{DeliveryRoute, ExecRequest, ExecRequestV3, Request, RequestParams, RequestPayload};
pub use resolve::{Resolve, ResolveParams, ResolvePayload};
pub use wait::{WaitDecision, WaitParams, WaitPayload};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{ErrorShape, Wire};

/// What a person may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// This time.
    AllowOnce,
    /// This time, and whenever the same comes again.
    AllowAlways,
    /// No.
    Deny,
}

impl Decision {
    /// Every decision, in upstream's order.
    pub const ALL: [Decision; 3] = [Decision::AllowOnce, Decision::AllowAlways, Decision::Deny];

    /// Reads the word on the wire.
    pub fn parse(text: &str) -> Option<Decision> {
        match text {
            "allow-once" => Some(Decision::AllowOnce),
            "allow-always" => Some(Decision::AllowAlways),
            "deny" => Some(Decision::Deny),
            _ => None,
        }
    }

    /// Whether it lets the thing happen.
    pub fn allows(self) -> bool {
        self != Decision::Deny
    }
}

/// v4: how an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalReason {
    /// A person decided.
    User,
    /// Nobody did in time.
    Timeout,
    /// There was nobody to ask.
    NoRoute,
}

/// There is no such approval that waits, as each wire says it.
pub fn unknown_approval(wire: Wire) -> ErrorShape {
    match wire {
        Wire::V3 => ErrorShape::invalid("unknown approval id"),
        Wire::V4 => ErrorShape::invalid("unknown or expired approval id").with_details(json!({
            "reason": "APPROVAL_NOT_FOUND",
            "remediation": "Re-request the action; pending approvals are cleared after expiry or restart.",
        })),
    }
}

/// Somebody decided otherwise before. v3 knows it no more.
pub fn already_resolved(wire: Wire) -> ErrorShape {
    match wire {
        Wire::V3 => unknown_approval(wire),
        Wire::V4 => ErrorShape::invalid("approval already resolved")
            .with_details(json!({"reason": "APPROVAL_ALREADY_RESOLVED"})),
    }
}

#[cfg(test)]
mod tests;

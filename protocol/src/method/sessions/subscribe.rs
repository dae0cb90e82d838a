//! `sessions.subscribe`, `sessions.messages.subscribe` and `sessions.messages.unsubscribe` (v4)
//!
//! There is no `sessions.unsubscribe` on the wire, so there is none here.

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::{NoParams, Rpc};
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// From now on this connection gets `sessions.changed`.
pub struct Subscribe;

/// Answer to [`Subscribe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Subscribed {
    /// Always `true`.
    pub subscribed: bool,
}

impl Rpc for Subscribe {
    const NAME: &'static str = "sessions.subscribe";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = NoParams;
    type Payload = Subscribed;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// From now on this connection gets what is said and done in one session, which need not exist yet.
pub struct MessagesSubscribe;

/// From now on it no longer does.
pub struct MessagesUnsubscribe;

/// Params of [`MessagesSubscribe`] and [`MessagesUnsubscribe`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRef {
    /// The session, as the client spells it.
    pub key: String,
    /// The agent, which must be the key's.
    pub agent_id: Option<String>,
    /// [`MessagesSubscribe`]: answer with the approvals that wait, too.
    #[serde(default)]
    pub include_approvals: bool,
}

/// Answer to [`MessagesSubscribe`] and [`MessagesUnsubscribe`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesSubscribed {
    /// Whether the connection is subscribed now.
    pub subscribed: bool,
    /// The canonical key.
    pub key: String,
    /// What waits for approval in the session, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_replay: Option<ApprovalReplay>,
}

/// What waits for approval in a session: nothing, since nothing asks for approval yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalReplay {
    session_key: String,
    updated_at_ms: u64,
    approvals: [(); 0],
    truncated: bool,
}

impl ApprovalReplay {
    /// Of a session, at a time in milliseconds since 1970.
    pub fn new(session_key: &str, updated_at_ms: u64) -> ApprovalReplay {
        ApprovalReplay { session_key: session_key.to_owned(), updated_at_ms, approvals: [], truncated: false }
    }
}

const SESSION: Object = Object { fields: &[req("key", NON_EMPTY), opt("agentId", NON_EMPTY)] };

impl Rpc for MessagesSubscribe {
    const NAME: &'static str = "sessions.messages.subscribe";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = SessionRef;
    type Payload = MessagesSubscribed;

    fn schema(_: Wire) -> Option<&'static Object> {
        const SCHEMA: Object = Object {
            fields: &[req("key", NON_EMPTY), opt("agentId", NON_EMPTY), opt("includeApprovals", Shape::Bool)],
        };
        Some(&SCHEMA)
    }
}

impl Rpc for MessagesUnsubscribe {
    const NAME: &'static str = "sessions.messages.unsubscribe";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = SessionRef;
    type Payload = MessagesSubscribed;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SESSION)
    }
}

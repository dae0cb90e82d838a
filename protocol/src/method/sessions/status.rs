//! `session.status`: one session at a glance. Ours; upstream has an agent tool of that name, and `/status`.

use serde::{Deserialize, Serialize};

use super::Json;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, opt};

/// What a session is doing.
pub struct Status;

/// Params of [`Status`]. Without a key: the default agent's main session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusParams {
    /// The session, as the client spells it.
    pub key: Option<String>,
    /// The same, as the chat methods call it; `key` goes first.
    pub session_key: Option<String>,
}

impl StatusParams {
    /// The key that was sent, by either name.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.session_key.as_deref())
    }
}

/// Answer to [`Status`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPayload {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// The canonical key.
    pub key: String,
    /// Its agent.
    pub agent_id: String,
    /// The row, as `sessions.list` gives it; `null` when there is no such session yet.
    pub session: Option<Json>,
    /// Runs under way.
    pub active_run_ids: Vec<String>,
    /// Turns that wait behind them.
    pub queued: u64,
    /// What becomes of messages that arrive during a run.
    pub queue_mode: String,
    /// The card that `/status` shows.
    pub text: String,
}

impl Rpc for Status {
    const NAME: &'static str = "session.status";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = StatusParams;
    type Payload = StatusPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const SCHEMA: Object = Object { fields: &[opt("key", NON_EMPTY), opt("sessionKey", NON_EMPTY)] };
        Some(&SCHEMA)
    }
}

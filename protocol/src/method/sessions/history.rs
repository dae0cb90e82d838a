//! `sessions.history`: `chat.history` by session key. Ours; neither upstream version has it.

use serde::Deserialize;

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::method::chat::HistoryPayload;
use crate::schema::{NON_EMPTY, Object, int_in, opt};

/// What was said in a session.
pub struct History;

/// Params of [`History`]. One of the two names of the key is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryParams {
    /// The session, as the client spells it.
    pub key: Option<String>,
    /// The same, as the chat methods call it; `key` goes first.
    pub session_key: Option<String>,
    /// Most messages, newest kept; `chat.history`'s bounds.
    pub limit: Option<u64>,
}

impl HistoryParams {
    /// The key that was sent, by either name.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.session_key.as_deref())
    }
}

impl Rpc for History {
    const NAME: &'static str = "sessions.history";
    const ACCESS: Access = Access::scope(Scope::Read).unlisted();
    type Params = HistoryParams;
    type Payload = HistoryPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const SCHEMA: Object = Object {
            fields: &[opt("key", NON_EMPTY), opt("sessionKey", NON_EMPTY), opt("limit", int_in(1, 1000))],
        };
        Some(&SCHEMA)
    }
}

//! `sessions.get` and `sessions.describe` (v4)

use serde::{Deserialize, Serialize};

use super::{Json, lenient_count, lenient_text};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// The messages of a session. Upstream checks no params here; without a key it says `key required`.
pub struct Get;

/// Params of [`Get`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GetParams {
    /// The session, as the client spells it.
    #[serde(deserialize_with = "lenient_text")]
    pub key: Option<String>,
    /// The same, for clients that call it so; `key` goes first.
    #[serde(deserialize_with = "lenient_text")]
    pub session_key: Option<String>,
    /// Most messages, newest kept.
    #[serde(deserialize_with = "lenient_count")]
    pub limit: Option<u64>,
}

impl GetParams {
    /// The key that was sent, by either name; blanks count as absent.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.session_key.as_deref()).filter(|key| !key.trim().is_empty())
    }

    /// Most messages: 200 unless asked, at least 1.
    pub fn messages_max(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(200).max(1)).unwrap_or(usize::MAX)
    }
}

/// Answer to [`Get`].
#[derive(Debug, Serialize)]
pub struct GetPayload {
    /// Oldest first, in `chat.history`'s form; none when there is no such session.
    pub messages: Vec<Json>,
}

impl Rpc for Get {
    const NAME: &'static str = "sessions.get";
    const ACCESS: Access = Access::v4_only(Scope::Read).unlisted();
    type Params = GetParams;
    type Payload = GetPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// The row of one session.
pub struct Describe;

/// Params of [`Describe`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeParams {
    /// The session, as the client spells it.
    pub key: String,
    /// The agent, which must be the key's.
    pub agent_id: Option<String>,
    /// With a title made of what is known.
    #[serde(default)]
    pub include_derived_titles: bool,
    /// With the last thing said.
    #[serde(default)]
    pub include_last_message: bool,
}

/// Answer to [`Describe`].
#[derive(Debug, Serialize)]
pub struct DescribePayload {
    /// The row, as `sessions.list` gives it; `null` when there is no such session.
    pub session: Option<Json>,
}

impl Rpc for Describe {
    const NAME: &'static str = "sessions.describe";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = DescribeParams;
    type Payload = DescribePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const SCHEMA: Object = Object {
            fields: &[
                req("key", NON_EMPTY),
                opt("agentId", NON_EMPTY),
                opt("includeDerivedTitles", Shape::Bool),
                opt("includeLastMessage", Shape::Bool),
            ],
        };
        Some(&SCHEMA)
    }
}

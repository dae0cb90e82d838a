//! `chat.history`: the transcript as clients show it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_in, int_min, opt, req, text_max};

/// Most messages one answer holds.
pub const LIMIT_MAX: u32 = 1000;
/// Messages in an answer when the client does not say.
pub const LIMIT_DEFAULT: u32 = 200;

/// The newest messages of a session.
pub struct History;

/// Params of [`History`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryParams {
    /// The session, as the client spells it.
    pub session_key: String,
    /// Most messages, 1 to 1000.
    pub limit: Option<u32>,
    /// v4: messages to pass over, counted from the newest.
    pub offset: Option<u32>,
    /// v4: where an earlier answer ended (its `deltaCursor`).
    pub cursor: Option<String>,
    /// v4: the page must hold this message.
    pub message_id: Option<String>,
    /// v4: the incarnation of the session that is meant.
    pub session_id: Option<String>,
    /// v4: the agent, which must be the key's.
    pub agent_id: Option<String>,
    /// v4: most characters of one text.
    pub max_chars: Option<u32>,
}

impl HistoryParams {
    /// How many messages are asked for.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX) as usize
    }
}

/// Answer to [`History`]. v3 has only the first five fields.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPayload {
    /// As the client spelled it.
    pub session_key: String,
    /// Absent when there is no such session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Oldest first, each already in the wire's shape.
    pub messages: Vec<Box<RawValue>>,
    /// Effective level; v4 leaves it out where the session has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<String>,
    /// The session's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose_level: Option<String>,
    /// What v4 adds.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub v4: Option<HistoryV4>,
}

/// Answer to [`History`]: a page, or on v4, where a cursor was sent, what came since.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum HistoryAnswer {
    /// The newest messages.
    Page(Box<HistoryPayload>),
    /// What came since the cursor.
    Since(HistorySince),
}

/// What came since a cursor.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HistorySince {
    /// These messages were appended.
    Delta {
        /// Oldest first, each as the event `session.message` has it.
        messages: Vec<Box<RawValue>>,
        /// Where this answer ends.
        delta_cursor: String,
        /// Accepted messages whose turn has not begun.
        pending_inputs: PendingInputs,
        /// The session's row, as in `sessions.list`.
        session_info: Box<RawValue>,
    },
    /// The cursor is of another conversation, or too much came: the client reads the page anew.
    Reset,
}

/// What v4 adds to [`HistoryPayload`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryV4 {
    /// Accepted messages whose turn has not begun.
    pub pending_inputs: PendingInputs,
    /// Opaque position after the last record; absent when there is no transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_cursor: Option<String>,
    /// `offset` of the next older page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
    /// Whether older messages exist.
    pub has_more: bool,
    /// Messages in the whole transcript.
    pub total_messages: u64,
    /// As in `sessions.list`.
    pub defaults: Box<RawValue>,
    /// The session's row, as in `sessions.list`.
    pub session_info: Box<RawValue>,
}

/// A page of accepted messages whose turn has not begun.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PendingInputs {
    /// At most 20, oldest first.
    pub items: Vec<PendingInput>,
    /// How many there are.
    pub total: u64,
}

/// An accepted message whose turn has not begun.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingInput {
    /// Names it.
    pub id: String,
    /// The client's run id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// A user message, as in `messages`.
    pub message: Box<RawValue>,
    /// Milliseconds since 1970.
    pub accepted_at: u64,
    /// `queued`, `cancelled` or `interrupted`.
    pub state: &'static str,
}

impl Rpc for History {
    const NAME: &'static str = "chat.history";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = HistoryParams;
    type Payload = HistoryAnswer;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

const LIMIT: Shape = int_in(1, LIMIT_MAX as i64);

const V3: Object = Object { fields: &[req("sessionKey", NON_EMPTY), opt("limit", LIMIT)] };

pub(super) const V4: Object = Object {
    fields: &[
        req("sessionKey", NON_EMPTY),
        opt("agentId", NON_EMPTY),
        opt("cursor", TEXT),
        opt("limit", LIMIT),
        opt("maxBytes", int_min(1024)),
        opt("offset", int_min(0)),
        opt("pendingBefore", int_min(1)),
        opt("inputRunIds", Shape::List { item: &text_max(256), min: 1 }),
        opt("messageId", NON_EMPTY),
        opt("sessionId", NON_EMPTY),
        opt("maxChars", int_in(1, 500_000)),
    ],
};

//! One approval, as it lies in `Table::Approvals`.

use pincer_protocol::method::approval::{Decision, ExecRequest, TerminalReason};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{StoreOp, Table};
use serde::{Deserialize, Deserializer, Serialize};

use crate::driver::{ConnId, ShardId};

/// A row of `Table::Approvals`, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) id: Box<str>,
    /// What people are shown.
    pub(crate) request: ExecRequest,
    /// When it was made, milliseconds since 1970.
    pub(crate) created_at_ms: u64,
    /// When it ends at the latest, milliseconds since 1970.
    pub(crate) expires_at_ms: u64,
    /// The client that asked; `None`: a shard did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requester: Option<Requester>,
    /// What waits for the decision, when a shard asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<Holder>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ruling: Option<Ruling>,
}

/// The client that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Requester {
    /// Its device, when it proved one.
    pub(crate) device_id: Option<Box<str>>,
    /// Its connection; none after a restart.
    #[serde(skip)]
    pub(crate) at: Option<(ShardId, ConnId)>,
}

/// Who waits for the decision of an approval that a shard opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The session; its owner is told the decision.
    #[serde(deserialize_with = "stored_key")]
    pub session_key: SessionKey,
    /// The run that is held back.
    pub run_id: Box<str>,
}

fn stored_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SessionKey, D::Error> {
    Ok(SessionKey::from_stored(&String::deserialize(deserializer)?))
}

/// How an approval ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// What was decided; `None`: nothing, in time. Clients are told just that.
    pub decision: Option<Decision>,
    /// Why it ended.
    pub why: Why,
    /// Who decided, as that client names itself.
    pub by: Option<Box<str>>,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

impl Ruling {
    /// What follows from it: silence means no.
    pub fn effect(&self) -> Decision {
        self.decision.unwrap_or(Decision::Deny)
    }

    /// Nobody decided.
    pub(crate) fn nobody(why: Why, at_ms: u64) -> Ruling {
        Ruling { decision: None, why, by: None, at_ms }
    }
}

/// Why an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// A person decided.
    User,
    /// Nobody did in time.
    Timeout,
    /// There was nobody to ask; only for what v4 clients request.
    NoRoute,
    /// Too much waited already: nobody was asked. Only for what shards open, and never in a row.
    Full,
    /// The shard that opened it needs no answer any more.
    Withdrawn,
}

impl Why {
    /// The word for it on v4.
    pub(crate) fn terminal_reason(self) -> TerminalReason {
        match self {
            Why::User => TerminalReason::User,
            Why::Timeout | Why::Withdrawn => TerminalReason::Timeout,
            Why::NoRoute | Why::Full => TerminalReason::NoRoute,
        }
    }
}

impl Record {
    /// The row that says this.
    pub(crate) fn put(&self) -> StoreOp {
        // Texts, numbers and JSON that was read before: it serializes without failing.
        let json = serde_json::to_string(self).unwrap_or_else(|_| "null".to_owned());
        StoreOp::Put { table: Table::Approvals, id: self.id.to_string(), json }
    }

    /// Removes its row.
    pub(crate) fn delete(&self) -> StoreOp {
        StoreOp::Delete { table: Table::Approvals, id: self.id.to_string() }
    }

    /// Upper bound of what it takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let json = serde_json::to_vec(&self.request).map_or(0, |json| json.len());
        size_of::<Record>() + self.id.len() + json
    }
}

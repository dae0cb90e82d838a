//! `sessions.preview`

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, int_min, opt, req};

/// The last few things said in some sessions.
pub struct Preview;

/// Params of [`Preview`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewParams {
    /// The sessions, as the client spells them; those after the first [`PreviewParams::KEYS_MAX`] are passed over.
    pub keys: Vec<String>,
    /// Most items each.
    pub limit: Option<u64>,
    /// Most characters an item.
    pub max_chars: Option<u64>,
}

impl PreviewParams {
    /// Most sessions that are looked at.
    pub const KEYS_MAX: usize = 64;

    /// Items each: 12 unless asked, never more than 50.
    pub fn items_max(&self) -> usize {
        self.limit.unwrap_or(12).min(50) as usize
    }

    /// Characters an item: 240 unless asked, never more than 2,000.
    pub fn chars_max(&self) -> usize {
        self.max_chars.unwrap_or(240).min(2_000) as usize
    }
}

/// Answer to [`Preview`].
#[derive(Debug, Serialize)]
pub struct PreviewPayload {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// One each key asked for, in that order.
    pub previews: Vec<SessionPreview>,
}

/// The last few things said in one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionPreview {
    /// As the client spelled it.
    pub key: String,
    /// Whether there is something.
    pub status: PreviewStatus,
    /// Oldest first.
    pub items: Vec<PreviewItem>,
}

/// Whether there is something to preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewStatus {
    /// Items follow.
    Ok,
    /// Nothing was said yet.
    Empty,
    /// No such session.
    Missing,
    /// It could not be read.
    Error,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewItem {
    /// By whom.
    pub role: PreviewRole,
    /// What.
    pub text: String,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewRole {
    /// A person.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
    /// The gateway.
    System,
    /// Something else.
    Other,
}

impl Rpc for Preview {
    const NAME: &'static str = "sessions.preview";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = PreviewParams;
    type Payload = PreviewPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SCHEMA)
    }
}

const SCHEMA: Object = Object {
    fields: &[
        req("keys", Shape::List { item: &NON_EMPTY, min: 1 }),
        opt("limit", int_min(1)),
        opt("maxChars", int_min(20)),
    ],
};

//! `config.schema`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NOTHING;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::Object;

/// What a config may hold, for programs that show it as a form.
pub struct Schema;

/// Params of [`Schema`]: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct SchemaParams {}

/// Payload of [`Schema`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaPayload {
    /// A JSON schema, draft 7.
    pub schema: Value,
    /// How each place is shown, by path: a [`Hint`] each, in the order of the form.
    pub ui_hints: Map<String, Value>,
    /// Version of the gateway.
    pub version: String,
    /// ISO time.
    pub generated_at: String,
}

/// How one place of the config is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hint {
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Heading it stands under; of sections only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Place among the sections, smallest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u16>,
    /// Hidden at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced: Option<bool>,
    /// Shown as dots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    /// Shown in an empty field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Where more is said; protocol 4 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs_url: Option<String>,
}

impl Rpc for Schema {
    const NAME: &'static str = "config.schema";
    const ACCESS: Access = Access::per_wire(Scope::Admin, Scope::Read);
    type Params = SchemaParams;
    type Payload = SchemaPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&NOTHING)
    }
}

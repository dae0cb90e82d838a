//! `config.get` and `config.schema`.

mod get;
mod schema;

pub use get::{Get, GetParams, GetPayload, GetV4, IncludeOrigin, Issue};
pub use schema::{Hint, Schema, SchemaParams, SchemaPayload};

use crate::schema::Object;

/// Both methods take nothing.
const NOTHING: Object = Object { fields: &[] };

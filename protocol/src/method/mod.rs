//! Every method, one type each, with its access rule, its params schema and its typed params and payload.

pub mod agent;
pub mod chat;
pub mod sessions;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::Node;
use crate::{ErrorShape, Wire};
use crate::access::Access;
use crate::schema::Object;

pub mod config;

/// A method of the protocol. To add one: a type that implements this, its handler in `shard`, one row in the table.
pub trait Rpc {
    /// Name on the wire.
    const NAME: &'static str;
    /// Who may call it, per wire.
    const ACCESS: Access;
    /// What the handler gets.
    type Params: DeserializeOwned + Send + 'static;
    /// What a successful call answers.
    type Payload: Serialize;

    /// Shape of the params on `wire`; `None` where upstream checks nothing.
    fn schema(wire: Wire) -> Option<&'static Object>;

    /// What is refused before the schema is looked at. Nearly always nothing.
    fn precheck(_wire: Wire, _params: Option<Node<'_, '_>>) -> Result<(), ErrorShape> {
        Ok(())
    }
}

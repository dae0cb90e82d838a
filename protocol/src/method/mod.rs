//! Every method, one type each, with its access rule, its params schema and its typed params and payload.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::json::Node;
use crate::schema::Object;
use crate::{ErrorShape, Wire};

pub mod agent;
pub mod agents;
pub mod approval;
pub mod channels;
pub mod chat;
pub mod device;
pub mod empty;
pub mod gateway;
pub mod models;
pub mod security;
pub mod sessions;
pub mod system;
pub mod usage;

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

/// Params of a method that takes none. The schema refuses what does not belong; where there is no schema, anything goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoParams;

impl<'de> Deserialize<'de> for NoParams {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<NoParams, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| NoParams)
    }
}

/// The schema of a method that takes no params but checks that there are none.
pub(crate) const EMPTY: Object = Object { fields: &[] };

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of the method modules share.

    use serde::Serialize;
    use serde_json::Value;

    use super::Rpc;
    use crate::Wire;
    use crate::json::Parser;

    /// Checks `text` against the schema of `M` and reads it.
    pub(crate) fn read<M: Rpc>(wire: Wire, text: &str) -> Result<M::Params, String> {
        Parser::default()
            .parse(&mut text.as_bytes().to_vec(), |root| {
                if let Some(schema) = M::schema(wire) {
                    crate::schema::check(wire, schema, Some(root))?;
                }
                root.decode().map_err(|error| error.to_string())
            })
            .expect("the case is JSON")
    }

    /// Asserts that `payload` has every key of `recorded`, with the same JSON type; arrays are compared by their first
    /// items. Extra keys are fine, and so is `null` where upstream recorded a value.
    #[track_caller]
    pub(crate) fn covers(payload: &impl Serialize, recorded: &str) {
        let have = serde_json::to_value(payload).unwrap();
        let want: Value = serde_json::from_str(recorded).unwrap();
        let mut missing = Vec::new();
        compare(&have, &want, String::new(), &mut missing);
        assert!(missing.is_empty(), "{missing:?} in {have:#}");
    }

    fn compare(have: &Value, want: &Value, at: String, missing: &mut Vec<String>) {
        match (have, want) {
            (_, Value::Null) | (Value::Null, _) => {}
            (Value::Object(have), Value::Object(want)) => {
                for (name, want) in want {
                    let at = format!("{at}/{name}");
                    match have.get(name) {
                        Some(have) => compare(have, want, at, missing),
                        None => missing.push(at),
                    }
                }
            }
            (Value::Array(have), Value::Array(want)) => {
                if let (Some(have), Some(want)) = (have.first(), want.first()) {
                    compare(have, want, format!("{at}/0"), missing);
                }
            }
            (Value::Bool(_), Value::Bool(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::String(_), Value::String(_)) => {}
            _ => missing.push(format!("{at}: {have} instead of {want}")),
        }
    }
}

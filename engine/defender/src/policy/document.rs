//! Text to a value, JSON or TOML, in which no name stands twice.
//!
//! JSON readers keep the last of two equal names and say nothing. In a policy the second may be a slip, or a trick on
//! whoever reviewed the first, so here it is an error.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use super::error::PolicyError;
use super::load::Format;

/// Longest policy text, in bytes: as long as a bundle may be.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Reads `text`. Both readers bound their own recursion.
pub(super) fn parse(text: &str, format: Format) -> Result<Value, PolicyError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(PolicyError::TooLong { bytes: text.len() });
    }
    match format {
        Format::Json => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let read = Strict::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
            let value = read.map_err(|error| PolicyError::Syntax { format, message: error.to_string() })?;
            Ok(value.0)
        }
        // TOML forbids equal names itself.
        Format::Toml => {
            let read = toml::from_str::<Strict>(text);
            let value =
                read.map_err(|error| PolicyError::Syntax { format, message: toml_message(text, &error) })?;
            Ok(value.0)
        }
    }
}

/// One line, with the place: the crate's own display shows the source text, which may hold anything.
fn toml_message(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().next().unwrap_or_default();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            format!("{message} at line {line} column {column}")
        }
        None => message.to_owned(),
    }
}

/// A value that was read with the check for equal names.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue).map(Strict)
    }
}

struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // TOML knows `nan` and `inf`.
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(AnyValue)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(de::Error::custom(format_args!("{name:?} stands twice in one object")));
            }
            let value = entries.next_value_seed(AnyValue)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

//! JSON that is kept and not understood.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Any JSON value, as compact text.
#[derive(Debug, Clone)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// Writes `value` down. `None` when it cannot be JSON, which our own types never are.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Option<Raw> {
        serde_json::value::to_raw_value(value).ok().map(Raw)
    }

    /// Gives the JSON to an answer.
    pub fn into_json(self) -> Box<RawValue> {
        self.0
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl From<&RawValue> for Raw {
    fn from(json: &RawValue) -> Raw {
        Raw(json.to_owned())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Raw) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Raw)
    }
}

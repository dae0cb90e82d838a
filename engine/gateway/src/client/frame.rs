//! Frames as a client reads them.

use serde::Deserialize;
use serde_json::Value;

use super::error::ServerError;

/// A frame from the gateway.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// An answer.
    Response {
        /// The id of the call.
        id: String,
        /// What came of it.
        outcome: Result<Value, Box<ServerError>>,
    },
    /// An event.
    Event(Event),
    /// Something else, from a gateway newer than us.
    Other,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Its name.
    pub(crate) name: String,
    /// What it says; `null` when it says nothing.
    pub(crate) payload: Value,
    /// Its number; `None` for events meant for us alone.
    pub(crate) seq: Option<u64>,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    error: Option<ServerError>,
    #[serde(default)]
    event: String,
    #[serde(default)]
    seq: Option<u64>,
}

impl Incoming {
    /// Reads a frame; an error says what is not JSON or not a frame.
    pub(crate) fn read(text: &str) -> Result<Incoming, String> {
        let frame: Frame = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(match frame.kind.as_str() {
            "res" => Incoming::Response {
                id: frame.id.as_str().unwrap_or("").to_owned(),
                outcome: if frame.ok {
                    Ok(frame.payload)
                } else {
                    Err(Box::new(frame.error.unwrap_or_default()))
                },
            },
            "event" => Incoming::Event(Event { name: frame.event, payload: frame.payload, seq: frame.seq }),
            _ => Incoming::Other,
        })
    }
}

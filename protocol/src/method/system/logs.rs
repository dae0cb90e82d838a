//! `logs.tail`.

use serde::{Deserialize, Serialize};

use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{Object, int_in, int_min, opt};

/// The end of the gateway's log file.
pub struct LogsTail;

/// Lines when the client asks for no number.
pub const LINES_DEFAULT: u32 = 500;
/// Bytes when the client asks for no number.
pub const BYTES_DEFAULT: u32 = 250_000;

/// Params of `logs.tail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TailParams {
    /// Byte position to go on from; without one the end of the file is meant.
    pub cursor: Option<u64>,
    /// Most lines, 1 to 5,000.
    #[serde(default = "lines_default")]
    pub limit: u32,
    /// Most bytes, 1 to 1,000,000.
    #[serde(default = "bytes_default")]
    pub max_bytes: u32,
}

fn lines_default() -> u32 {
    LINES_DEFAULT
}

fn bytes_default() -> u32 {
    BYTES_DEFAULT
}

/// Payload of `logs.tail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TailPayload {
    /// The file's path.
    pub file: Box<str>,
    /// Where to go on.
    pub cursor: u64,
    /// The file's size, bytes.
    pub size: u64,
    /// Log records, one JSON document each.
    pub lines: Vec<String>,
    /// Whether something before the first line was left out.
    pub truncated: bool,
    /// Whether the client's cursor was of no use and the end of the file was read instead.
    pub reset: bool,
    /// v4: bytes between the client's cursor and the first line, when it was too far back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_bytes: Option<u64>,
}

impl TailPayload {
    /// Sets what only v4 says, from what was asked.
    pub fn finish(mut self, wire: Wire, params: TailParams) -> TailPayload {
        let start = self.size.saturating_sub(u64::from(params.max_bytes));
        self.skipped_bytes = match params.cursor {
            Some(cursor) if wire == Wire::V4 && self.reset && cursor <= self.size => {
                Some(start.saturating_sub(cursor))
            }
            _ => None,
        };
        self
    }
}

const PARAMS: Object = Object {
    fields: &[
        opt("cursor", int_min(0)),
        opt("limit", int_in(1, 5_000)),
        opt("maxBytes", int_in(1, 1_000_000)),
    ],
};

impl Rpc for LogsTail {
    const NAME: &'static str = "logs.tail";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = TailParams;
    type Payload = TailPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&PARAMS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::{covers, read};

    #[test]
    fn params_and_payload() {
        let params = read::<LogsTail>(Wire::V3, "{}").unwrap();
        assert_eq!(params, TailParams { cursor: None, limit: 500, max_bytes: 250_000 });
        assert_eq!(read::<LogsTail>(Wire::V3, r#"{"limit":0}"#).unwrap_err(), "at /limit: must be >= 1");
        let payload = TailPayload {
            file: "f".into(),
            cursor: 1_000,
            size: 1_000,
            lines: vec!["{}".to_owned()],
            truncated: true,
            reset: true,
            skipped_bytes: None,
        };
        covers(&payload, r#"{"file":"f","cursor":1,"size":1,"lines":["x"],"truncated":true,"reset":false}"#);
        for (wire, cursor, want) in [
            (Wire::V4, Some(0), Some(500)),
            (Wire::V3, Some(0), None),
            (Wire::V4, Some(9_999), None),
            (Wire::V4, None, None),
        ] {
            let asked = TailParams { cursor, limit: 1, max_bytes: 500 };
            assert_eq!(payload.clone().finish(wire, asked).skipped_bytes, want, "{wire:?} {cursor:?}");
        }
    }
}

//! `security.*`: the defender, as people use it. Our own; OpenClaw has none of it.

use serde::{Deserialize, Serialize};

use super::Rpc;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{NON_EMPTY, Object, Shape, opt, req};

/// A person lets through what was blocked: it is said in its session as it was said, and the ledger notes who answers for
/// it. What was no message is noted alone.
pub struct QuarantineRelease;

/// Params of [`QuarantineRelease`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseParams {
    /// The decision's id.
    pub id: String,
    /// Who lets it through; the caller's own name when absent.
    pub by: Option<String>,
    /// Whether it is only noted, and nothing said.
    #[serde(default)]
    pub note_only: bool,
}

/// Answer to [`QuarantineRelease`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasePayload {
    /// As in the params.
    pub id: String,
    /// Always `true`.
    pub released: bool,
    /// Whether it had been before; then nothing was added, and nothing is said again.
    pub before: bool,
    /// Whether its message is said now: it is durable, and runs or waits for its turn.
    pub delivered: bool,
    /// The run that the message becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Why it was only noted, though it was to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Rpc for QuarantineRelease {
    const NAME: &'static str = "security.quarantine.release";
    const ACCESS: Access = Access::scope(Scope::Approvals);
    type Params = ReleaseParams;
    type Payload = ReleasePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const PARAMS: Object =
            Object { fields: &[req("id", NON_EMPTY), opt("by", NON_EMPTY), opt("noteOnly", Shape::Bool)] };
        Some(&PARAMS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::{covers, read};

    #[test]
    fn both_wires_have_it() {
        for wire in [Wire::V3, Wire::V4] {
            let params = read::<QuarantineRelease>(wire, r#"{"id":"d1","by":"ana"}"#).unwrap();
            assert_eq!((params.id.as_str(), params.by.as_deref()), ("d1", Some("ana")));
            assert!(!params.note_only);
            assert!(read::<QuarantineRelease>(wire, r#"{"id":"d1","noteOnly":true}"#).unwrap().note_only);
            assert!(read::<QuarantineRelease>(wire, r#"{"id":""}"#).is_err());
            assert!(read::<QuarantineRelease>(wire, r#"{"id":"d1","to":"ana"}"#).is_err());
        }
        let payload = ReleasePayload {
            id: "d1".to_owned(),
            released: true,
            before: false,
            delivered: true,
            run_id: Some("release-d1".to_owned()),
            note: None,
        };
        let said = r#"{"id":"d1","released":true,"before":false,"delivered":true,"runId":"release-d1"}"#;
        covers(&payload, said);
    }
}

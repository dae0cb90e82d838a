//! `security.*`: the defender, as people use it. Our own; OpenClaw has none of it.

use serde::{Deserialize, Serialize};

use super::Rpc;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{NON_EMPTY, Object, opt, req};

/// Notes in the ledger that a person lets through what was stopped. Nothing is sent by it.
pub struct QuarantineRelease;

/// Params of [`QuarantineRelease`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReleaseParams {
    /// The decision's id.
    pub id: String,
    /// Who lets it through; the caller's own name when absent.
    pub by: Option<String>,
}

/// Answer to [`QuarantineRelease`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleasePayload {
    /// As in the params.
    pub id: String,
    /// Always `true`.
    pub released: bool,
    /// Whether it had been before; then nothing was added.
    pub before: bool,
}

impl Rpc for QuarantineRelease {
    const NAME: &'static str = "security.quarantine.release";
    const ACCESS: Access = Access::scope(Scope::Approvals);
    type Params = ReleaseParams;
    type Payload = ReleasePayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        const PARAMS: Object = Object { fields: &[req("id", NON_EMPTY), opt("by", NON_EMPTY)] };
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
            assert!(read::<QuarantineRelease>(wire, r#"{"id":""}"#).is_err());
            assert!(read::<QuarantineRelease>(wire, r#"{"id":"d1","to":"ana"}"#).is_err());
        }
        let payload = ReleasePayload { id: "d1".to_owned(), released: true, before: false };
        covers(&payload, r#"{"id":"d1","released":true,"before":false}"#);
    }
}

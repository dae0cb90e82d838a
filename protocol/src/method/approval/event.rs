//! What reviewers are told of.

use serde::Serialize;

use super::Decision;
use super::request::{ExecRequest, ExecRequestV3};

/// `exec.approval.requested` on v4: somebody waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested<'a> {
    /// `exec`
    pub approval_kind: &'static str,
    /// Its name.
    pub id: &'a str,
    /// What people are shown.
    pub request: &'a ExecRequest,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it ends at the latest.
    pub expires_at_ms: u64,
}

impl Requested<'_> {
    /// The event's name, on both wires.
    pub const EVENT: &'static str = "exec.approval.requested";
}

/// The same on v3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestedV3<'a> {
    /// Its name.
    pub id: &'a str,
    /// What people are shown.
    pub request: ExecRequestV3<'a>,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it ends at the latest.
    pub expires_at_ms: u64,
}

/// `exec.approval.resolved`: somebody decided. That nobody did is told to the asker alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved<'a> {
    /// Its name.
    pub id: &'a str,
    /// How.
    pub decision: Decision,
    /// Who: the client's name, as people gave it.
    pub resolved_by: Option<&'a str>,
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// v4: what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a ExecRequest>,
}

impl Resolved<'_> {
    /// The event's name.
    pub const EVENT: &'static str = "exec.approval.resolved";
}

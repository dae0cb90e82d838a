//! `sessions.*` and `session.status`: what is known of conversations, and changing it.
//!
//! Rows and entries differ much by wire and are built where the sessions are; payloads here carry them as JSON that is
//! already written ([`Json`]), so that a shard writes each row once and whoever asked only joins them.

pub mod create;
pub mod get;
pub mod history;
pub mod list;
pub mod patch;
pub mod preview;
pub mod reset;
pub mod resolve;
pub mod send;
pub mod status;
pub mod subscribe;
pub mod usage;

pub use create::{Create, CreateParams, CreatePayload};
pub use get::{Describe, DescribeParams, DescribePayload, Get, GetParams, GetPayload};
pub use history::{History, HistoryParams};
pub use list::{Defaults, List, ListParams, ListPayload, Page};
pub use patch::{Patch, PatchParams, PatchPayload, Resolved};
pub use preview::{
    Preview, PreviewItem, PreviewParams, PreviewPayload, PreviewRole, PreviewStatus, SessionPreview,
};
pub use reset::{
    Compact, CompactParams, CompactPayload, CompactResult, Delete, DeleteParams, DeletePayload, Reset,
    ResetParams, ResetPayload, ResetReason,
};
pub use resolve::{Resolve, ResolveParams, ResolvePayload};
pub use send::{Abort, AbortParams, AbortPayload, AbortStatus, Send, SendParams, SendPayload, Steer};
pub use status::{Status, StatusParams, StatusPayload};
pub use subscribe::{
    ApprovalReplay, MessagesSubscribe, MessagesSubscribed, MessagesUnsubscribe, SessionRef, Subscribe,
    Subscribed,
};
pub use usage::{
    Logs, LogsParams, LogsPayload, TimeMode, Timeseries, TimeseriesParams, TimeseriesPayload, Usage,
    UsageLog, UsageParams, UsagePayload, UsagePoint,
};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::schema::{Shape, text_max};

/// JSON that is already written.
pub type Json = Box<RawValue>;

/// Most characters of a label on v3.
pub const LABEL_MAX_V3: usize = 64;
/// Most characters of a label on v4.
pub const LABEL_MAX_V4: usize = 512;

const LABEL_V3: Shape = text_max(LABEL_MAX_V3);
const LABEL_V4: Shape = text_max(LABEL_MAX_V4);

/// What `v4` tells of the program that runs agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRuntime {
    /// `openclaw`: built in.
    pub id: &'static str,
    /// `implicit`: nobody chose it.
    pub source: &'static str,
    /// Whether runs can move to a cloud worker; never here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_placement_supported: Option<bool>,
    /// How they would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_placement_execution_mode: Option<&'static str>,
    /// Whether runs can move to a paired device; never here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_placement_supported: Option<bool>,
    /// What that would need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_placement: Option<DevicePlacement>,
}

/// What moving a run to a device needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePlacement {
    /// Commands the node must serve.
    pub required_node_commands: Vec<String>,
    /// Whether it takes a worker's place.
    pub consumes_worker_slot: bool,
}

impl AgentRuntime {
    /// In `resolved` of `sessions.patch`.
    pub const BRIEF: AgentRuntime = AgentRuntime {
        id: "openclaw",
        source: "implicit",
        cloud_placement_supported: None,
        cloud_placement_execution_mode: None,
        device_placement_supported: None,
        device_placement: None,
    };

    /// In a row.
    pub const ROW: AgentRuntime = AgentRuntime {
        id: "openclaw",
        source: "implicit",
        cloud_placement_supported: Some(false),
        cloud_placement_execution_mode: Some("local"),
        device_placement_supported: Some(false),
        device_placement: Some(DevicePlacement {
            required_node_commands: Vec::new(),
            consumes_worker_slot: false,
        }),
    };

    /// In the defaults of a list.
    pub const DEFAULT: AgentRuntime = AgentRuntime {
        id: "auto",
        source: "implicit",
        cloud_placement_supported: Some(false),
        cloud_placement_execution_mode: None,
        device_placement_supported: Some(false),
        device_placement: None,
    };
}

/// A thinking level as v4 offers it to pick from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelOption {
    /// `low`
    pub id: &'static str,
    /// What is shown; the same.
    pub label: &'static str,
}

impl LevelOption {
    /// An option that is shown as it is called.
    pub const fn named(id: &'static str) -> LevelOption {
        LevelOption { id, label: id }
    }
}

/// Reads a string where upstream checks nothing: anything else counts as absent.
fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// Reads a whole number where upstream checks nothing: anything else counts as absent, fractions are cut off.
fn lenient_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    // Casting cuts at zero and at the largest number, which is what a count wants.
    Ok(value.as_u64().or_else(|| value.as_f64().map(|number| number as u64)))
}

#[cfg(test)]
mod tests;

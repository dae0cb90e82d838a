//! What the gateway says of itself: health, status, presence, heartbeat, log.

mod health;
mod load;
mod logs;
mod status;

pub use health::{
    AgentHealth, Health, HealthFacts, HealthPayload, Heartbeat, RecentSession, SESSIONS_RECENT_MAX,
    SessionsSummary, health,
};
pub use load::{CpuBreakdown, EventLoop, ModelRuntime, ProcessMemory};
pub use logs::{BYTES_DEFAULT, LINES_DEFAULT, LogsTail, TailParams, TailPayload};
pub use status::{
    AgentSessions, AgentStatusFacts, SESSIONS_STATUS_MAX, SessionFacts, SessionRow, Status, StatusFacts,
    StatusPayload, status,
};

use std::sync::Arc;

use serde::Serialize;

use super::{NoParams, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::connect::PresenceEntry;
use crate::schema::Object;

/// Who is, or was lately, connected.
pub struct SystemPresence;

impl Rpc for SystemPresence {
    const NAME: &'static str = "system-presence";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = NoParams;
    /// Newest first.
    type Payload = Vec<Arc<PresenceEntry>>;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// The last heartbeat, or `null` when there was none.
pub struct LastHeartbeat;

/// What became of one heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatOutcome {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// `sent`, `skipped`, `failed` …
    pub status: Box<str>,
    /// First words of what was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<Box<str>>,
    /// Why it was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// Whether it carried a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_media: Option<bool>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// v4: what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<str>>,
}

impl Rpc for LastHeartbeat {
    const NAME: &'static str = "last-heartbeat";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = NoParams;
    type Payload = Option<HeartbeatOutcome>;

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::{covers, read};

    #[test]
    fn presence_and_heartbeat_as_recorded() {
        let entry = PresenceEntry {
            host: Some("vm".into()),
            mode: Some("gateway".into()),
            reason: Some("self".into()),
            text: Some("t".into()),
            ts: 1,
            ..PresenceEntry::default()
        };
        covers(
            &vec![Arc::new(entry)],
            r#"[{"host":"vm","mode":"gateway","reason":"self","text":"t","ts":1}]"#,
        );
        assert!(read::<SystemPresence>(Wire::V3, r#"{"x":1}"#).is_ok(), "params are not checked");
        assert_eq!(serde_json::to_string(&None::<HeartbeatOutcome>).unwrap(), "null");
    }
}

//! What events of sessions carry: their own fields, the session's row, and the row's fields once more beside it.
//!
//! A row is written once and its text is used twice; its fields are looked up, and not read.

use std::fmt;

use pincer_sessions::key::SessionKey;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Fields of an event that are `null` where a row leaves them out.
const NULLS: [&str; 36] = [
    "createdActor",
    "owner",
    "archivedAt",
    "archivedBy",
    "archiveReason",
    "pinnedAt",
    "markedUnreadAt",
    "agentStatus",
    "observerDigest",
    "controlOwnerSessionKey",
    "swarm",
    "permissionMode",
    "autoLabel",
    "label",
    "icon",
    "color",
    "channelAvatarUrl",
    "category",
    "boardPresentation",
    "displayName",
    "thinkingLevel",
    "toolOverrides",
    "restartRecoveryStatus",
    "goal",
    "contextBudgetStatus",
    "activeModelProvider",
    "activeModel",
    "modelOverrideSource",
    "lastRunError",
    "providerReview",
    "lastRunId",
    "endedAt",
    "runtimeMs",
    "placement",
    "placementMove",
    "totalTokens",
];

/// Fields of a row that an event does not repeat beside it.
const ONLY_IN_ROW: [&str; 10] = [
    "key",
    "agentId",
    "classification",
    "isMain",
    "isBackground",
    "derivedTitle",
    "thinkingLevels",
    "thinkingOptions",
    "thinkingDefault",
    "snapshotAt",
];

/// An event's own fields. Of those that a row has too, `agentId` is one of [`ONLY_IN_ROW`], and `sessionId` is set only
/// where no row is told: no field comes twice.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head<'a> {
    pub(super) session_key: &'a str,
    pub(super) agent_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phase: Option<&'a str>,
    /// `Some(None)` is written as `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender_is_owner: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_seq: Option<u64>,
}

impl<'a> Head<'a> {
    pub(super) fn of(key: &'a SessionKey, agent_id: &'a str) -> Head<'a> {
        Head { session_key: key.as_str(), agent_id, ..Head::default() }
    }
}

/// An event that carries a row.
#[derive(Serialize)]
pub(super) struct SessionEvent<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    beside: Beside<'a>,
    session: &'a RawValue,
}

impl<'a> SessionEvent<'a> {
    /// `fields` are those of `row`.
    pub(super) fn new(head: Head<'a>, fields: &'a RowFields<'a>, row: &'a RawValue) -> SessionEvent<'a> {
        SessionEvent { head, beside: Beside(fields), session: row }
    }
}

/// A row's fields, as text.
#[derive(Debug)]
pub(crate) struct RowFields<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'a> RowFields<'a> {
    /// `None` for what is no row: rows are objects, and their names have nothing to escape.
    pub(crate) fn of(row: &'a RawValue) -> Option<RowFields<'a>> {
        serde_json::from_str(row.get()).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RowFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RowFields<'a>, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(&'de str, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a session's row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(64);
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(RowFields)
    }
}

/// What of a row stands beside it.
struct Beside<'a>(&'a RowFields<'a>);

impl Serialize for Beside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Beside(RowFields(fields)) = self;
        let has = |name: &str| fields.iter().any(|(held, _)| *held == name);
        let mut map = serializer.serialize_map(None)?;
        for name in NULLS.iter().filter(|name| !has(name)) {
            map.serialize_entry(name, &())?;
        }
        for (name, value) in fields.iter().filter(|(name, _)| !ONLY_IN_ROW.contains(name)) {
            map.serialize_entry(name, value)?;
        }
        if !has("participants") {
            map.serialize_entry("participants", &[(); 0])?;
        }
        if !has("participantCount") {
            map.serialize_entry("participantCount", &0)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_carries_the_row_twice() {
        let key = SessionKey::from_stored("agent:main:x");
        let row =
            r#"{"key":"agent:main:x","label":"l\"","isMain":false,"updatedAt":5,"deep":{"a":[1,null]}}"#;
        let row: Box<RawValue> = serde_json::from_str(row).unwrap();
        let head = Head { reason: Some("patch"), ts: Some(1), ..Head::of(&key, "main") };
        let fields = RowFields::of(&row).unwrap();
        let text = serde_json::to_string(&SessionEvent::new(head, &fields, &row)).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["session"], serde_json::from_str::<Value>(row.get()).unwrap());
        assert_eq!((&event["label"], &event["deep"]), (&json!("l\""), &json!({"a": [1, null]})));
        assert_eq!(event.get("goal"), Some(&Value::Null));
        assert_eq!((event.get("key"), event.get("isMain"), event.get("runId")), (None, None, None));
        assert_eq!((&event["participantCount"], &event["participants"]), (&json!(0), &json!([])));
        assert_eq!(event["reason"], "patch");
        // Nothing is said twice on one level.
        let names: RowFields<'_> = serde_json::from_str(&text).unwrap();
        let mut names: Vec<&str> = names.0.iter().map(|(name, _)| *name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        let ended = Head { phase: Some("end"), run_id: Some(None), ..head };
        let text = serde_json::to_string(&ended).unwrap();
        assert!(text.contains(r#""phase":"end","runId":null"#), "{text}");
    }
}

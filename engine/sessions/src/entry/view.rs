//! An entry as clients see it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use pincer_protocol::Wire;

use super::{ContextBudget, Entry};

/// `entry` of an answer: the stored fields that the wire knows, and what upstream computes when it answers.
#[derive(Debug, Clone, Copy)]
pub struct EntryView<'a> {
    entry: &'a Entry,
    wire: Wire,
    folder: &'a str,
}

impl<'a> EntryView<'a> {
    pub(super) fn new(entry: &'a Entry, wire: Wire, folder: &'a str) -> EntryView<'a> {
        EntryView { entry, wire, folder }
    }
}

/// v4's `delivery`: where answers go.
#[derive(Serialize)]
struct Delivery<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
}

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let EntryView { entry, wire, folder } = *self;
        let mut map = serializer.serialize_map(None)?;
        entry.write(&mut map, Some(wire))?;
        // Reports that a run leaves upstream. Ours make none, and clients expect the names; on v3 the first outlives a
        // reset.
        let has_run = entry.system_sent == Some(true);
        let was_reset = wire == Wire::V3 && entry.system_sent.is_some();
        let reports = [("skillsSnapshot", has_run || was_reset), ("systemPromptReport", has_run)];
        for (report, expected) in reports {
            if expected && entry.other(report).is_none() {
                map.serialize_entry(report, &None::<()>)?;
            }
        }
        match wire {
            Wire::V3 if entry.has_transcript => {
                map.serialize_entry("sessionFile", &format!("{folder}/{}.jsonl", entry.session_id))?;
            }
            Wire::V3 => {}
            Wire::V4 => {
                map.serialize_entry("delivery", &delivery(entry))?;
                if let Some(budget) = ContextBudget::of(entry) {
                    map.serialize_entry("contextBudgetStatus", &budget)?;
                }
            }
        }
        map.end()
    }
}

fn delivery(entry: &Entry) -> Delivery<'_> {
    let route = entry.route();
    let context = route.delivery_context.as_ref();
    match context.and_then(|context| context.channel.as_deref()).or(route.last_channel.as_deref()) {
        None => Delivery { kind: "none", channel: None, to: None },
        Some("webchat" | "internal") => Delivery { kind: "internal", channel: None, to: None },
        channel @ Some(_) => {
            Delivery { kind: "channel", channel, to: context.and_then(|context| context.to.as_deref()) }
        }
    }
}

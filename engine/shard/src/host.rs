//! What watching this machine's files shows, as far as shards tell of it. Who watches is the gateway; what a difference
//! means is [`pincer_defender::host`]'s.

use pincer_defender::host::{AlertChange, Item, Severity};
use pincer_protocol::Scope;
use pincer_protocol::event::EncodedEvent;
use serde::Serialize;
use serde_json::json;

use crate::Shard;
use crate::fanout::{Audience, Broadcast};
use crate::home::view::View;

/// Differences that an event lists, the worst first; the others are counted.
pub const HOST_ITEMS_TOLD_MAX: usize = 20;

/// Who hears of it.
const HEARS: &[Scope] = &[Scope::Approvals, Scope::Admin];

/// How the machine stands, as `status` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostIntegrity {
    /// Whether files are compared with a baseline: not when there is none, or none that is believed.
    pub checked: bool,
    /// Files that differ from it now.
    pub drift: u32,
    /// Since when something stands that nobody accepted, wall clock. Something that was undone stands too.
    pub since_ms: Option<u64>,
}

/// Something to tell of the machine.
#[derive(Debug, Clone)]
pub struct HostNews {
    /// How it stands.
    pub integrity: HostIntegrity,
    /// What became of the alert, when that is worth telling people.
    pub change: HostChange,
    /// The worst of what stands.
    pub severity: Option<Severity>,
    /// What differs, the worst first; at most [`HOST_ITEMS_TOLD_MAX`].
    pub items: Vec<Item>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostChange {
    /// By a look at the files.
    Seen(AlertChange),
    /// A person took what stood for good.
    Accepted,
}

impl HostChange {
    /// In events; `None` when people need not hear of it.
    fn name(self) -> Option<&'static str> {
        match self {
            HostChange::Seen(AlertChange::Same) => None,
            HostChange::Seen(AlertChange::Raised) => Some("raised"),
            HostChange::Seen(AlertChange::Worse) => Some("worse"),
            HostChange::Seen(AlertChange::Different) => Some("different"),
            HostChange::Seen(AlertChange::Undone) => Some("undone"),
            HostChange::Accepted => Some("accepted"),
        }
    }
}

impl Shard {
    /// For metrics: told by home, once for the process.
    pub(crate) fn host_drift(&self) -> u64 {
        self.view.host.filter(|_| self.is_home()).map_or(0, |host| host.drift.into())
    }

    /// Home shows how the machine stands, and tells operators who may decide when that changed: `security.host`, our own
    /// event on both wires.
    pub(crate) fn host_news(&mut self, news: &HostNews) {
        if self.view.host != Some(news.integrity) {
            self.set_view(View { host: Some(news.integrity), ..View::clone(&self.view) });
        }
        let Some(state) = news.change.name() else { return };
        let payload = json!({
            "ts": self.now.wall_ms,
            "state": state,
            "severity": news.severity,
            "drift": news.integrity.drift,
            "sinceMs": news.integrity.since_ms,
            "items": news.items,
        });
        let event = EncodedEvent::new("security.host", &payload, None);
        self.broadcast(Broadcast::both(event, Audience::Operators(HEARS)));
    }
}

//! What only shard 0 does: it is the one writer of process-wide facts.
//!
//! Devices, approvals, presence, labels and the health snapshot live here. The other shards hold a [`view::View`] of them that is
//! replaced as a whole, at most once a turn of the loop.

pub(crate) mod admission;
pub(crate) mod health;
pub(crate) mod labels;
pub(crate) mod mentions;
mod resets;
pub(crate) mod view;

use std::sync::Arc;

use pincer_protocol::event::StateVersion;

use pincer_sessions::entry::{Entry, SessionId};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::Table;
use pincer_sessions::time::Now;

use crate::Shard;
use crate::approval::Waiter;
use crate::approval::table::Approvals;
use crate::home::labels::Labels;
use crate::home::view::{HostFacts, View};
use crate::message::ShardMsg;
use crate::pairing::Pairings;
use crate::presence::{Presence, SelfFacts};
use crate::shard::Timer;
use crate::timers::TimerId;

/// State of the home shard.
pub(crate) struct Home {
    /// Rows that could not be read at start, to be logged.
    pub(crate) problems: Vec<String>,
    pub(crate) labels: Labels,
    pub(crate) pairings: Pairings,
    pub(crate) approvals: Approvals<Waiter>,
    /// When approvals are looked at next, `mono_ms`, and the timer for it.
    pub(crate) approvals_alarm: Option<(u64, TimerId)>,
    pub(crate) presence: Presence,
    /// An announcement of presence that is due.
    pub(crate) announce: Option<admission::Announce>,
    /// Health refreshes since start; part of every `stateVersion`.
    pub(crate) health_version: u64,
    /// When health was last refreshed, `mono_ms`.
    pub(crate) health_at_ms: Option<u64>,
    /// Whether a refresh is asked for and not done.
    pub(crate) health_due: bool,
    /// Whether the view must be published.
    pub(crate) publish_due: bool,
}

impl Home {
    /// Home's state from what the store held.
    pub(crate) fn from_rows(rows: &[(Table, String, String)], view: &View, now: Now) -> Home {
        let mut labels = Labels::default();
        for (table, id, json) in rows {
            if *table != Table::Sessions {
                continue;
            }
            let key = SessionKey::from_stored(id);
            // Session ids do not matter here, so one is made up where the row has none.
            let entry = Entry::from_json(json, || SessionId::random([0; 16]));
            if let Ok(entry) = entry
                && let Some(label) = &entry.label
            {
                let agent = key.store_agent(&view.default_agent);
                // Two holders of one label in a store of ours cannot be; in an imported one the first keeps it.
                let _ = labels.reserve(agent.as_str(), Some(label), &key);
            }
        }
        let of = |wanted: Table| {
            rows.iter()
                .filter(move |(table, ..)| *table == wanted)
                .map(|(_, id, json)| (id.as_str(), json.as_str()))
        };
        let (pairings, mut problems) = Pairings::load(of(Table::Devices), of(Table::Pairings));
        let (approvals, unread) = Approvals::load(of(Table::Approvals), now);
        problems.extend(unread);
        Home {
            problems,
            labels,
            pairings,
            approvals,
            approvals_alarm: None,
            presence: Presence::new(self_facts(&view.facts), now),
            announce: None,
            health_version: 1,
            health_at_ms: None,
            health_due: false,
            publish_due: false,
        }
    }

    /// What clients compare their mirrors by.
    pub(crate) fn state_version(&self) -> StateVersion {
        StateVersion { presence: self.presence.version(), health: self.health_version }
    }
}

fn self_facts(facts: &HostFacts) -> SelfFacts {
    SelfFacts {
        host: facts.host.as_str().into(),
        ip: facts.ip.as_deref().map(Into::into),
        version: env!("CARGO_PKG_VERSION").into(),
        platform: facts.platform.as_str().into(),
        device_family: "Linux".into(),
        model_identifier: facts.arch.as_str().into(),
        instance_id: facts.boot_id.as_str().into(),
    }
}

impl Shard {
    /// Something in the view changed: publishes it at the end of this turn.
    pub(crate) fn publish_soon(&mut self) {
        if let Some(home) = &mut self.home
            && !std::mem::replace(&mut home.publish_due, true)
        {
            self.timers.set(self.now.mono_ms, Timer::Publish);
        }
    }

    /// Publishes the view.
    pub(crate) fn publish(&mut self) {
        let Some(home) = &mut self.home else { return };
        home.publish_due = false;
        let version = home.state_version();
        let presence = home.presence.list(self.now).into();
        let view = View { version, presence, ..View::clone(&self.view) };
        self.set_view(view);
    }

    /// Replaces the view here and everywhere.
    pub(crate) fn set_view(&mut self, view: View) {
        let view = Arc::new(view);
        let before = std::mem::replace(&mut self.view, Arc::clone(&view));
        self.judge_anew(&before.defender);
        self.send_others(|| ShardMsg::View(Arc::clone(&view)));
    }

    /// Home published.
    pub(crate) fn take_view(&mut self, view: Arc<View>) {
        let before = std::mem::replace(&mut self.view, view);
        self.judge_anew(&before.defender);
    }
}

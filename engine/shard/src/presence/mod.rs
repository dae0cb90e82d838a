//! Who is, or was lately, connected.
//!
//! The home shard alone holds [`Presence`]; the others show its snapshots. Every change bumps the version that clients
//! see as `stateVersion.presence`. Whether a change is broadcast depends on the wire: v3 tells of departures only, v4 of
//! arrivals too; see [`broadcasts`].

mod event;

pub use event::{EventChange, SystemEvent};

use std::collections::BTreeMap;
use std::sync::Arc;

use pincer_protocol::connect::{ClientMode, PresenceEntry};
use pincer_protocol::{Role, Wire};
use pincer_sessions::time::Now;

use crate::handshake::Candidate;

/// How long an entry stays without news, milliseconds; upstream's figure.
pub const TTL_MS: u64 = 300_000;

/// Most entries, the gateway's own included; upstream's figure. One more drops the one without news for longest.
pub const ENTRIES_MAX: usize = 200;

/// Longest text of an entry, characters; the rest is cut off.
const TEXT_MAX: usize = 256;

/// Most scopes or roles an entry keeps.
const LIST_MAX: usize = 64;

/// What the gateway says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelfFacts {
    /// Name of the machine.
    pub host: Box<str>,
    /// Its address in the local network, if it has one.
    pub ip: Option<Box<str>>,
    /// Our version.
    pub version: Box<str>,
    /// Operating system and its release, such as `linux 6.8.0`.
    pub platform: Box<str>,
    /// `Linux`, `Mac` …
    pub device_family: Box<str>,
    /// Processor architecture.
    pub model_identifier: Box<str>,
    /// This run of the process.
    pub instance_id: Box<str>,
}

/// The presence list.
#[derive(Debug)]
pub struct Presence {
    own: Arc<PresenceEntry>,
    entries: BTreeMap<Box<str>, Arc<PresenceEntry>>,
    version: u64,
}

impl Presence {
    /// A list with the gateway alone; version 1, as upstream's starts.
    pub fn new(facts: SelfFacts, now: Now) -> Presence {
        let SelfFacts { host, ip, version, platform, device_family, model_identifier, instance_id } = facts;
        let place = ip.as_ref().map(|ip| format!(" ({ip})")).unwrap_or_default();
        let text = format!("Gateway: {host}{place} · app {version} · mode gateway · reason self");
        let own = PresenceEntry {
            host: Some(host),
            ip,
            version: Some(version),
            platform: Some(platform),
            device_family: Some(device_family),
            model_identifier: Some(model_identifier),
            mode: Some("gateway".into()),
            instance_id: Some(instance_id),
            reason: Some("self".into()),
            text: Some(text.into()),
            ts: now.wall_ms,
            ..PresenceEntry::default()
        };
        Presence { own: Arc::new(own), entries: BTreeMap::new(), version: 1 }
    }

    /// Changes so far, plus one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Notes that a client is here. `key`: see [`key`].
    pub fn connected(&mut self, key: &str, candidate: &Candidate, now: Now) {
        let client = &candidate.client;
        let v4 = candidate.wire == Wire::V4;
        let device_id = candidate.device_id.clone();
        let instance_id = match candidate.wire {
            Wire::V4 if candidate.role == Role::Operator => client.instance_id.clone(),
            _ => device_id.clone().or_else(|| client.instance_id.clone()),
        };
        let clipped = |text: &Option<Box<str>>| text.as_deref().map(clip);
        self.upsert(
            key,
            PresenceEntry {
                host: Some(clip(client.display_name.as_deref().unwrap_or(client.id.as_str()))),
                ip: candidate.remote_ip.clone(),
                version: Some(clip(&client.version)),
                platform: Some(clip(&client.platform)),
                device_family: clipped(&client.device_family),
                model_identifier: clipped(&client.model_identifier),
                time_zone: clipped(&client.time_zone).filter(|_| v4),
                mode: Some(client.mode.as_str().into()),
                device_id,
                roles: vec![candidate.role.as_str().into()],
                scopes: candidate.scopes.iter().take(LIST_MAX).map(|scope| clip(scope)).collect(),
                instance_id: instance_id.as_deref().map(clip),
                reason: Some("connect".into()),
                ..PresenceEntry::default()
            },
            now,
        );
    }

    /// Notes that a client has left. Its entry stays for [`TTL_MS`].
    pub fn disconnected(&mut self, key: &str, now: Now) {
        self.upsert(
            key,
            PresenceEntry { reason: Some("disconnect".into()), ..PresenceEntry::default() },
            now,
        );
    }

    /// The list, newest first. Entries without news are dropped on the way.
    pub fn list(&mut self, now: Now) -> Vec<Arc<PresenceEntry>> {
        self.entries.retain(|_, entry| entry.ts.saturating_add(TTL_MS) > now.wall_ms);
        Arc::make_mut(&mut self.own).ts = now.wall_ms;
        let mut list = Vec::with_capacity(self.entries.len() + 1);
        list.push(self.own.clone());
        list.extend(self.entries.values().cloned());
        list.sort_by_key(|entry| std::cmp::Reverse(entry.ts));
        list
    }

    /// Lays `news` over what is known under `key`.
    fn upsert(&mut self, key: &str, news: PresenceEntry, now: Now) {
        let key = normalize(key);
        let known = self.entries.remove(&key).map(Arc::unwrap_or_clone).unwrap_or_default();
        let mut entry = overlay(known, news);
        entry.ts = now.wall_ms;
        if entry.text.is_none() {
            let or_unknown = |text: &Option<Box<str>>| text.clone().unwrap_or_else(|| "unknown".into());
            let text = format!("Node: {} · mode {}", or_unknown(&entry.host), or_unknown(&entry.mode));
            entry.text = Some(text.into());
        }
        self.insert(key, entry, now);
    }

    fn insert(&mut self, key: Box<str>, entry: PresenceEntry, now: Now) {
        // One place is the gateway's own.
        if self.entries.len() >= ENTRIES_MAX - 1 {
            self.entries.retain(|_, entry| entry.ts.saturating_add(TTL_MS) > now.wall_ms);
        }
        if self.entries.len() >= ENTRIES_MAX - 1
            && let Some(oldest) =
                self.entries.iter().min_by_key(|(_, entry)| entry.ts).map(|(key, _)| key.clone())
        {
            self.entries.remove(&oldest);
        }
        self.entries.insert(key, Arc::new(entry));
        self.version += 1;
    }
}

/// Under which name a client is listed; `None`: it is not. Short-lived clients would only make noise: v3 leaves out the
/// command line, v4 also back-ends and probes.
///
/// v3 lists a device once, however many connections it has; v4 lists connections, except of nodes.
pub fn key(candidate: &Candidate, conn_id: &str) -> Option<Box<str>> {
    let untracked = match candidate.wire {
        Wire::V3 => candidate.client.mode == ClientMode::Cli,
        Wire::V4 => {
            matches!(candidate.client.mode, ClientMode::Cli | ClientMode::Backend | ClientMode::Probe)
        }
    };
    if untracked {
        return None;
    }
    let by_connection = candidate.wire == Wire::V4 && candidate.role == Role::Operator;
    let device = candidate.device_id.as_deref().or(candidate.client.instance_id.as_deref());
    Some(device.filter(|_| !by_connection).unwrap_or(conn_id).into())
}

/// Whether clients of `wire` are told when somebody arrives; of departures and system events they all are.
pub fn broadcasts(wire: Wire) -> bool {
    wire == Wire::V4
}

fn normalize(key: &str) -> Box<str> {
    clip(key).to_lowercase().into()
}

fn clip(text: &str) -> Box<str> {
    let kept: String = text.trim().chars().take(TEXT_MAX).collect();
    kept.trim_end().into()
}

/// `news` where it says something, else `known`; lists are merged.
fn overlay(known: PresenceEntry, news: PresenceEntry) -> PresenceEntry {
    let merge = |known: Vec<Box<str>>, news: Vec<Box<str>>| {
        let mut out = known;
        for item in news {
            if !item.is_empty() && !out.contains(&item) && out.len() < LIST_MAX {
                out.push(item);
            }
        }
        out
    };
    PresenceEntry {
        host: news.host.or(known.host),
        ip: news.ip.or(known.ip),
        version: news.version.or(known.version),
        platform: news.platform.or(known.platform),
        device_family: news.device_family.or(known.device_family),
        model_identifier: news.model_identifier.or(known.model_identifier),
        time_zone: news.time_zone.or(known.time_zone),
        mode: news.mode.or(known.mode),
        last_input_seconds: news.last_input_seconds.or(known.last_input_seconds),
        device_id: news.device_id.or(known.device_id),
        roles: merge(known.roles, news.roles),
        scopes: merge(known.scopes, news.scopes),
        instance_id: news.instance_id.or(known.instance_id),
        tags: if news.tags.is_empty() { known.tags } else { news.tags },
        reason: news.reason.or(known.reason),
        text: news.text.or(known.text),
        ts: news.ts,
    }
}

#[cfg(test)]
mod tests;

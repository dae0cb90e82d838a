//! `system-event`: a client or a person's machine says how it is.

use std::sync::Arc;

use pincer_protocol::connect::PresenceEntry;
use pincer_sessions::time::Now;

use super::{Presence, clip, normalize, overlay};

/// What a `system-event` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemEvent {
    /// One line, such as `Node: desk (10.0.0.2) · app 1.2 · last input 5s ago · mode local · reason periodic`.
    pub text: Box<str>,
    /// Everything else it says. `text` and `ts` of it are not used.
    pub entry: PresenceEntry,
}

/// What a `system-event` changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChange {
    /// Under which name.
    pub key: Box<str>,
    /// The entry before, if there was one.
    pub previous: Option<PresenceEntry>,
    /// The entry now.
    pub next: PresenceEntry,
    /// Which of host, ip, version, mode and reason are different.
    pub changed: Vec<&'static str>,
}

impl Presence {
    /// Notes a `system-event`. Explicit fields win over what the line says, and that over what was known.
    pub fn event(&mut self, event: SystemEvent, now: Now) -> EventChange {
        let said = read_line(&event.text);
        let entry = &event.entry;
        let key = [&entry.device_id, &entry.instance_id, &said.host, &said.ip]
            .into_iter()
            .flatten()
            .map(|key| normalize(key))
            .find(|key| !key.is_empty())
            .unwrap_or_else(|| event.text.trim().chars().take(64).collect());
        let previous = self.entries.remove(&key).map(Arc::unwrap_or_clone);
        let known = previous.clone().unwrap_or_default();
        let clipped = clip_all(event.entry);
        let mut next = overlay(overlay(known.clone(), said), clipped);
        next.ts = now.wall_ms;
        let changed = [
            ("host", next.host != known.host),
            ("ip", next.ip != known.ip),
            ("version", next.version != known.version),
            ("mode", next.mode != known.mode),
            ("reason", next.reason != known.reason),
        ]
        .into_iter()
        .filter_map(|(name, changed)| changed.then_some(name))
        .collect();
        self.insert(key.clone(), next.clone(), now);
        EventChange { key, previous, next, changed }
    }
}

fn clip_all(entry: PresenceEntry) -> PresenceEntry {
    let cut = |text: Option<Box<str>>| text.as_deref().map(clip).filter(|text| !text.is_empty());
    let cut_list = |list: Vec<Box<str>>| -> Vec<Box<str>> {
        list.iter().take(super::LIST_MAX).map(|text| clip(text)).filter(|text| !text.is_empty()).collect()
    };
    PresenceEntry {
        host: cut(entry.host),
        ip: cut(entry.ip),
        version: cut(entry.version),
        platform: cut(entry.platform),
        device_family: cut(entry.device_family),
        model_identifier: cut(entry.model_identifier),
        time_zone: cut(entry.time_zone),
        mode: cut(entry.mode),
        last_input_seconds: entry.last_input_seconds,
        device_id: cut(entry.device_id),
        roles: cut_list(entry.roles),
        scopes: cut_list(entry.scopes),
        instance_id: cut(entry.instance_id),
        tags: cut_list(entry.tags),
        reason: cut(entry.reason),
        text: None,
        ts: entry.ts,
    }
}

/// Reads `Node: HOST (IP) · app VERSION · last input Ns ago · mode MODE · reason REASON`. Any other line is only a text.
fn read_line(text: &str) -> PresenceEntry {
    let text = clip(text);
    let bare =
        PresenceEntry { text: Some(text.clone()).filter(|text| !text.is_empty()), ..Default::default() };
    parse(&text).map_or(bare.clone(), |said| PresenceEntry { text: bare.text, ..said })
}

fn parse(line: &str) -> Option<PresenceEntry> {
    let rest = strip(line, "node:")?;
    let (host, rest) = rest.split_once('(')?;
    let (ip, rest) = rest.split_once(')')?;
    let host = host.trim();
    if host.is_empty() || host.contains(' ') {
        return None;
    }
    let mut parts = rest.trim_start().strip_prefix('·')?.splitn(4, '·').map(str::trim);
    let version = strip(parts.next()?, "app")?;
    let input = strip(parts.next()?, "last input")?;
    let mode = strip(parts.next()?, "mode")?;
    let reason = strip(parts.next()?, "reason")?;
    let seconds = input.strip_suffix("s ago")?.trim().parse().ok()?;
    Some(PresenceEntry {
        host: Some(host.into()),
        ip: Some(ip.trim().into()),
        version: Some(version.into()),
        last_input_seconds: Some(seconds),
        mode: Some(mode.into()),
        reason: Some(reason.into()),
        ..PresenceEntry::default()
    })
}

/// What follows `word`, whatever its case; not nothing.
fn strip<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let rest = rest.trim();
    (head.eq_ignore_ascii_case(word) && !rest.is_empty()).then_some(rest)
}

//! Names of sessions for people.

use crate::entry::Entry;
use crate::key::SessionKey;

/// `displayName` of a row: the stored one, else one made of where the session is, else its label, else who spoke.
pub fn display_name(key: &SessionKey, entry: &Entry) -> Option<String> {
    let route = entry.route();
    let label = || entry.label.as_deref().map(str::to_owned);
    let speaker = || route.origin.as_ref().and_then(|origin| origin.label.as_deref()).map(str::to_owned);
    route
        .display_name
        .as_deref()
        .map(str::to_owned)
        .or_else(|| room_name(key, entry))
        .or_else(label)
        .or_else(speaker)
}

/// `discord:#general`, `telegram:g-family`, `discord:g-12345`: the platform and the best word for the room.
fn room_name(key: &SessionKey, entry: &Entry) -> Option<String> {
    let route = entry.route();
    let room = key.room();
    let platform = route.channel.as_deref().or(room.map(|room| room.channel))?;
    let known = |text: &Option<Box<str>>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (channel, space) = (known(&route.group_channel), known(&route.space));
    let in_channel = channel.is_some();
    let best = match (channel, space) {
        (Some(channel), Some(space)) if channel.starts_with('#') => Some(format!("{space}{channel}")),
        (Some(channel), Some(space)) => Some(format!("{space}#{channel}")),
        (Some(channel), None) => Some(channel),
        (None, space) => known(&route.subject).or(space),
    };
    let id =
        known(&route.group_id).or(room.map(|room| room.id.to_owned())).unwrap_or_else(|| key.to_string());
    let mut word = slug(&best.unwrap_or_else(|| id.clone()));
    if word.is_empty() {
        word = slug(&shortened(&id));
    }
    if !in_channel {
        word = word.trim_start_matches('#').to_owned();
    }
    if !word.is_empty() && !word.starts_with(['@', '#']) && !word.starts_with("g-") && !word.contains('#') {
        word = format!("g-{word}");
    }
    Some(if word.is_empty() { platform.to_owned() } else { format!("{platform}:{word}") })
}

/// Lower case, one dash for every run of anything unusual, none at the ends.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.trim().to_lowercase().chars() {
        let plain = letter.is_ascii_lowercase() || letter.is_ascii_digit() || "#@._+".contains(letter);
        match (plain, slug.ends_with('-')) {
            (true, _) => slug.push(letter),
            (false, false) => slug.push('-'),
            (false, true) => {}
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}

/// Long ids are told by both ends.
fn shortened(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    match (letters.get(..6), letters.len().checked_sub(4).and_then(|at| letters.get(at..))) {
        (Some(head), Some(tail)) if letters.len() > 14 => {
            head.iter().chain(&['.', '.', '.']).chain(tail).collect()
        }
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Origin, SessionId};

    #[track_caller]
    fn check(key: &str, change: impl FnOnce(&mut Entry), want: Option<&str>) {
        let mut entry = Entry::new(SessionId::random([0; 16]), 1);
        change(&mut entry);
        assert_eq!(display_name(&SessionKey::from_stored(key), &entry).as_deref(), want);
    }

    #[test]
    fn the_best_name_there_is() {
        let speaker = |entry: &mut Entry| {
            entry.route_mut().origin = Some(Origin { label: Some("recorder".into()), ..Origin::default() });
        };
        check("agent:main:main", |_| {}, None);
        check("agent:main:main", speaker, Some("recorder"));
        check(
            "agent:main:main",
            |entry| {
                speaker(entry);
                entry.label = Some("padded".into());
            },
            Some("padded"),
        );
        check("agent:main:discord:channel:12345", speaker, Some("discord:g-12345"));
        check("agent:main:telegram:group:-100123", |_| {}, Some("telegram:g-100123"));
        check(
            "agent:main:discord:channel:12345",
            |entry| entry.route_mut().group_channel = Some("#general".into()),
            Some("discord:#general"),
        );
        check(
            "agent:main:slack:channel:c1",
            |entry| {
                entry.route_mut().group_channel = Some("dev".into());
                entry.route_mut().space = Some("Acme Co".into());
            },
            Some("slack:acme-co#dev"),
        );
        check(
            "agent:main:telegram:group:1",
            |entry| entry.route_mut().subject = Some("Family & Friends".into()),
            Some("telegram:g-family-friends"),
        );
        check(
            "agent:main:telegram:group:1",
            |entry| entry.route_mut().display_name = Some("Mine".into()),
            Some("Mine"),
        );
        check("agent:main:irc:group:###", |_| {}, Some("irc"));
    }
}

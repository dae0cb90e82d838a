//! Titles of sessions that nobody has named.

use jiff::Timestamp;

use crate::entry::Entry;
use crate::key::SessionKey;

/// Most characters of a title made of the first message.
const TITLE_MAX: usize = 60;

/// `derivedTitle`: a name, else the subject, else the first thing a person said, else the session id and the day.
pub fn derived_title(key: &SessionKey, entry: &Entry, first_message: Option<&str>) -> String {
    let route = entry.route();
    let known = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let room = || key.room().and_then(|_| super::display_name(key, entry));
    known(route.display_name.as_deref())
        .or_else(|| known(entry.label.as_deref()))
        .or_else(|| known(route.subject.as_deref()))
        .or_else(room)
        .or_else(|| first_message.map(cut).filter(|title| !title.is_empty()))
        .unwrap_or_else(|| fallback(entry))
}

/// One line, cut between words where that loses little.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE_MAX {
        return line;
    }
    let head: String = line.chars().take(TITLE_MAX - 1).collect();
    let words = head.rfind(' ').and_then(|at| head.get(..at));
    let kept = words.filter(|words| words.chars().count() * 10 > TITLE_MAX * 6).unwrap_or(&head);
    format!("{kept}…")
}

fn fallback(entry: &Entry) -> String {
    let id: String = entry.session_id.as_str().chars().take(8).collect();
    let day = i64::try_from(entry.updated_at).ok().filter(|at| *at > 0);
    match day.and_then(|at| Timestamp::from_millisecond(at).ok()) {
        Some(day) => format!("{id} ({})", day.strftime("%Y-%m-%d")),
        None => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::SessionId;

    #[test]
    fn titles() {
        let key = SessionKey::from_stored("agent:main:main");
        let mut entry = Entry::new(SessionId::random([0xab; 16]), 1_795_359_754_684);
        assert_eq!(derived_title(&key, &entry, None), "abababab (2026-11-22)");
        assert_eq!(derived_title(&key, &entry, Some("  hello\n one ")), "hello one");
        let long = "word ".repeat(20);
        let title = derived_title(&key, &entry, Some(&long));
        assert_eq!(title, format!("{}…", "word ".repeat(11).trim_end()));
        assert_eq!(derived_title(&key, &entry, Some(&"x".repeat(80))), format!("{}…", "x".repeat(59)));
        entry.route_mut().subject = Some("Subject".into());
        assert_eq!(derived_title(&key, &entry, Some("hi")), "Subject");
        entry.label = Some("Label".into());
        assert_eq!(derived_title(&key, &entry, Some("hi")), "Label");
        let room = SessionKey::from_stored("agent:main:discord:channel:1");
        let entry = Entry::new(SessionId::random([0xab; 16]), 0);
        assert_eq!(derived_title(&room, &entry, Some("hi")), "discord:g-1");
        assert_eq!(derived_title(&key, &entry, None), "abababab");
    }
}

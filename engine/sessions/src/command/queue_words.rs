//! `/queue <mode> debounce:2s cap:5 drop:summarize`.

use pincer_protocol::Wire;

use crate::queue::{CAP_MAX, DEBOUNCE_MAX_MS, DropPolicy, QueueMode, QueueSettings};

/// What `/queue` was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueWords {
    /// Only the name: shows what is in force.
    Show,
    /// Back to the config.
    Clear,
    /// At least one field.
    Set(QueueSettings),
    /// Something that is no value; the text says what would be right.
    Wrong(String),
}

/// Reads the words after `/queue`. `None`: this is a sentence, not a setting.
pub(super) fn read(wire: Wire, after: &str) -> Option<(QueueWords, &str)> {
    let after = after.strip_prefix(':').unwrap_or(after);
    let (mut settings, mut rest) = (QueueSettings::default(), after);
    loop {
        let line = rest.trim_start_matches([' ', '\t']);
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let (word, tail) = line.split_at(end);
        let last = tail.trim().is_empty();
        if word.is_empty() {
            break;
        }
        match read_word(wire, word, &mut settings) {
            Ok(true) => rest = tail,
            Ok(false) if settings == QueueSettings::default() => {
                return match word.to_ascii_lowercase().as_str() {
                    "default" | "reset" | "clear" if last => Some((QueueWords::Clear, tail)),
                    _ if last => Some((QueueWords::Wrong(QueueMode::unrecognized(wire, word)), tail)),
                    _ => None,
                };
            }
            // The rest is for the model.
            Ok(false) => break,
            Err(wrong) => return Some((QueueWords::Wrong(wrong), "")),
        }
    }
    match settings == QueueSettings::default() {
        true => after.trim().is_empty().then_some((QueueWords::Show, "")),
        false => Some((QueueWords::Set(settings), rest)),
    }
}

/// Reads one word; `Ok(false)` when it is none of ours.
fn read_word(wire: Wire, word: &str, settings: &mut QueueSettings) -> Result<bool, String> {
    if let Some((name, value)) = word.split_once([':', '=']) {
        match name.to_ascii_lowercase().as_str() {
            "debounce" => {
                let ms = duration_ms(value).ok_or_else(|| {
                    format!("Invalid debounce \"{value}\". Use ms, s or m, for instance debounce:1500ms or debounce:2s.")
                })?;
                settings.debounce_ms = Some(ms);
            }
            "cap" => {
                let cap = value.parse().ok().filter(|cap| (1..=CAP_MAX).contains(cap)).ok_or_else(|| {
                    format!("Invalid cap \"{value}\". Use a whole number from 1 to {CAP_MAX}, for instance cap:10.")
                })?;
                settings.cap = Some(cap);
            }
            "drop" => {
                let drop = DropPolicy::parse(value).ok_or_else(|| {
                    format!("Invalid drop policy \"{value}\". Use drop:old, drop:new or drop:summarize.")
                })?;
                settings.drop = Some(drop);
            }
            _ => return Ok(false),
        }
        return Ok(true);
    }
    // A second mode is not a setting any more.
    let mode = QueueMode::parse(wire, word).filter(|_| settings.mode.is_none());
    settings.mode = settings.mode.or(mode);
    Ok(mode.is_some())
}

/// `1500`, `1500ms`, `2s`, `1.5m`; at most [`DEBOUNCE_MAX_MS`].
fn duration_ms(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    let ms = number.parse::<f64>().ok()? * factor;
    (0.0..=f64::from(DEBOUNCE_MAX_MS)).contains(&ms).then_some(ms.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, want: Option<(QueueWords, &str)>) {
        assert_eq!(read(Wire::V3, words), want, "{words:?}");
    }

    #[test]
    fn queue_words() {
        let none = QueueSettings::default();
        let set = |settings| Some((QueueWords::Set(settings), ""));
        check(
            " collect debounce:2s cap:5 drop:summarize",
            set(QueueSettings {
                mode: Some(QueueMode::Collect),
                debounce_ms: Some(2000),
                cap: Some(5),
                drop: Some(DropPolicy::Summarize),
            }),
        );
        check(":steer+backlog", set(QueueSettings { mode: Some(QueueMode::SteerBacklog), ..none }));
        check(" debounce:1.5m", set(QueueSettings { debounce_ms: Some(90_000), ..none }));
        check(" CAP=7", set(QueueSettings { cap: Some(7), ..none }));
        check("", Some((QueueWords::Show, "")));
        check("  ", Some((QueueWords::Show, "")));
        check(" Reset", Some((QueueWords::Clear, "")));
        check(
            " steer do it now",
            Some((QueueWords::Set(QueueSettings { mode: Some(QueueMode::Steer), ..none }), " do it now")),
        );
        let twice = QueueSettings { mode: Some(QueueMode::Collect), cap: Some(5), ..none };
        check(" cap:5 collect steer it", Some((QueueWords::Set(twice), " steer it")));
        check(" me up", None);
        check(" banana", Some((QueueWords::Wrong(QueueMode::unrecognized(Wire::V3, "banana")), "")));
        for wrong in
            [" cap:0", " cap:1001", " cap:x", " debounce:1h", " debounce:-1", " debounce:99m", " drop:all"]
        {
            let Some((QueueWords::Wrong(text), "")) = read(Wire::V3, wrong) else { panic!("{wrong}") };
            assert!(text.starts_with("Invalid "), "{text}");
        }
    }
}

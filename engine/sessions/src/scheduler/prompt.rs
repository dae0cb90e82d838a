//! The texts that waiting messages become.

use crate::turn::Turn;

/// Longest line a dropped message leaves behind, in characters, the ellipsis counted.
const LINE_MAX: usize = 160;

/// What became of messages that a full queue dropped: their number, and a line of each of the last ones.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    dropped: u64,
    lines: Vec<String>,
}

impl Overflow {
    /// Keeps a line of `turn`; at most `lines_max` lines are kept, the oldest give way.
    pub(super) fn add(&mut self, turn: &Turn, lines_max: usize) {
        self.dropped += 1;
        self.lines.push(one_line(&turn.text));
        let excess = self.lines.len().saturating_sub(lines_max);
        self.lines.drain(..excess);
    }

    /// Whether nothing was dropped since the last prompt.
    pub(super) fn is_empty(&self) -> bool {
        self.dropped == 0
    }

    /// The note that opens the next prompt; upstream's wording. Nothing is remembered afterwards.
    pub(super) fn take_note(&mut self) -> Option<String> {
        let Overflow { dropped, lines } = std::mem::take(self);
        if dropped == 0 {
            return None;
        }
        let plural = if dropped == 1 { "" } else { "s" };
        let mut note = format!("[Queue overflow] Dropped {dropped} message{plural} due to cap.");
        if !lines.is_empty() {
            note.push_str("\nSummary:");
        }
        for line in lines {
            note.push_str("\n- ");
            note.push_str(&line);
        }
        Some(note)
    }
}

/// One line of a text: white space collapsed, cut to [`LINE_MAX`].
fn one_line(text: &str) -> String {
    let words = text.split_whitespace();
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        // A word is at least one byte, so this bounds the work on huge texts.
        if line.len() > LINE_MAX * 4 {
            break;
        }
    }
    if line.chars().count() > LINE_MAX {
        line = line.chars().take(LINE_MAX - 1).collect();
        line.truncate(line.trim_end().len());
        line.push('…');
    }
    line
}

/// One prompt out of several messages; upstream's wording.
pub(super) fn collected<'a>(turns: impl IntoIterator<Item = &'a Turn>) -> String {
    let mut prompt = "[Queued messages while agent was busy]".to_owned();
    for (index, turn) in turns.into_iter().enumerate() {
        prompt.push_str(&format!("\n\n---\nQueued #{}", index + 1));
        if let Some(sender) = &turn.sender {
            prompt.push_str(&format!(" (from {})", sender.label()));
        }
        prompt.push('\n');
        prompt.push_str(&turn.text);
    }
    prompt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::Sender;
    use crate::turn::tests::turn;

    #[test]
    fn collected_messages_read_as_upstreams_do() {
        let mut second = turn("second msg");
        second.sender =
            Some(Sender { id: "cli".into(), name: Some("recorder".into()), mode: None, owner: true });
        let third = Turn { text: "third msg".into(), ..second.clone() };
        assert_eq!(
            collected([&second, &third]),
            "[Queued messages while agent was busy]\n\n---\nQueued #1 (from recorder)\nsecond msg\n\n---\n\
             Queued #2 (from recorder)\nthird msg"
        );
    }

    #[test]
    fn the_overflow_note_is_bounded() {
        let mut overflow = Overflow::default();
        assert_eq!(overflow.take_note(), None);
        for index in 0..5 {
            overflow.add(&turn(&format!("message\n {index}")), 2);
        }
        assert_eq!(
            overflow.take_note().as_deref(),
            Some("[Queue overflow] Dropped 5 messages due to cap.\nSummary:\n- message 3\n- message 4")
        );
        assert!(overflow.is_empty());
        overflow.add(&turn(&"é".repeat(1000)), 2);
        let note = overflow.take_note().unwrap();
        let line = note.lines().last().unwrap().strip_prefix("- ").unwrap();
        assert_eq!(line.chars().count(), LINE_MAX);
        assert!(note.starts_with("[Queue overflow] Dropped 1 message due to cap."));
    }
}

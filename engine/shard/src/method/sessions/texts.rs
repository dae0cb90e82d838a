//! What lists quote from transcripts, read once and then kept in memory.

use pincer_sessions::key::SessionKey;
use pincer_sessions::list::preview::{first_user_text, last_text};
use pincer_sessions::persist::{HeadQuery, ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript::{Record, read};

use crate::Shard;
use crate::sessions::Session;

/// Transcripts read at once.
const CHUNK: usize = 16;
/// Most of one transcript that is read at its end, and at its beginning when it is longer than that. A first message of
/// more than this (one with an image) gives no title.
const BYTES_MAX: u64 = 64 << 10;
/// Most characters kept of the first thing said; titles are shorter.
const FIRST_CHARS_MAX: usize = 120;

impl Shard {
    /// Reads what rows of these sessions quote, as far as it is not known yet, then goes on. A few transcripts at a
    /// time, so that a long list does not keep the shard from its other work.
    pub(super) fn learn_texts(
        &mut self,
        mut keys: Vec<SessionKey>,
        then: impl FnOnce(&mut Shard) + Send + 'static,
    ) {
        keys.retain(|key| self.sessions.map.get(key).is_some_and(needs_reading));
        self.learn_more_texts(keys, Box::new(then));
    }

    fn learn_more_texts(&mut self, mut keys: Vec<SessionKey>, then: Box<dyn FnOnce(&mut Shard) + Send>) {
        let rest = keys.split_off(keys.len().min(CHUNK));
        let (keys, queries): (Vec<SessionKey>, Vec<TailQuery>) = keys
            .into_iter()
            .filter_map(|key| {
                let transcript = self.transcript_id(&key)?;
                Some((key, TailQuery { transcript, lines_max: u32::MAX, bytes_max: BYTES_MAX }))
            })
            .unzip();
        if queries.is_empty() {
            return then(self);
        }
        self.read(StoreRead::Transcripts(queries), move |shard, answer| {
            // A list without quotes is better than none.
            let ReadAnswer::Transcripts(tails) = answer else { return then(shard) };
            let mut long = Vec::new();
            for (key, tail) in keys.into_iter().zip(tails) {
                let Some(session) = shard.sessions.map.get_mut(&key) else { continue };
                learn_last(session, &tail);
                if tail.skipped == 0 {
                    learn_first(session, &tail);
                } else if session.first_said.is_none() {
                    long.push(key);
                }
            }
            shard.learn_titles(long, move |shard| shard.learn_more_texts(rest, then));
        });
    }

    /// Reads how these conversations began: of a long one the end was read and not the beginning.
    fn learn_titles(&mut self, keys: Vec<SessionKey>, then: impl FnOnce(&mut Shard) + Send + 'static) {
        let (keys, queries): (Vec<SessionKey>, Vec<HeadQuery>) = keys
            .into_iter()
            .filter_map(|key| {
                let transcript = self.transcript_id(&key)?;
                Some((key, HeadQuery { transcript, bytes_max: BYTES_MAX }))
            })
            .unzip();
        if queries.is_empty() {
            return then(self);
        }
        self.read(StoreRead::Heads(queries), move |shard, answer| {
            let ReadAnswer::Transcripts(heads) = answer else { return then(shard) };
            for (key, head) in keys.iter().zip(heads) {
                if let Some(session) = shard.sessions.map.get_mut(key) {
                    learn_first(session, &head);
                }
            }
            then(shard);
        });
    }
}

fn needs_reading(session: &Session) -> bool {
    session.entry.has_transcript && (session.first_said.is_none() || session.last_preview.is_none())
}

/// What is kept of the first thing said, for titles.
pub(crate) fn first_words(text: &str) -> Box<str> {
    text.chars().take(FIRST_CHARS_MAX).collect::<String>().into()
}

fn learn_first(session: &mut Session, head: &Tail) {
    // Line by line: most of a transcript need not be parsed.
    if session.first_said.is_none() {
        let first = head.lines.iter().find_map(|line| first_user_text(&parse(line)));
        session.first_said = first.map(|text| first_words(&text));
    }
}

fn learn_last(session: &mut Session, tail: &Tail) {
    if session.last_preview.is_none() {
        let last = tail.lines.iter().rev().find_map(|line| last_text(&parse(line)));
        session.last_preview = last.map(Into::into);
    }
}

fn parse(line: &str) -> Vec<Record> {
    read(&[line], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pincer_sessions::entry::{Entry, SessionId};

    #[test]
    fn the_first_and_the_last_are_learned_once() {
        let line = |role: &str, text: &str| {
            format!(r#"{{"type":"message","id":"1","message":{{"role":"{role}","content":"{text}"}}}}"#)
        };
        let tail = |lines: &[String]| Tail { found: true, skipped: 0, lines: lines.iter().collect() };
        let mut session = Session::new(Entry::new(SessionId::random([1; 16]), 1));
        session.entry.has_transcript = true;
        assert!(needs_reading(&session));
        let lines = [line("assistant", "hi"), line("user", "one"), line("assistant", "two")];
        learn_first(&mut session, &tail(&lines));
        learn_last(&mut session, &tail(&lines));
        assert_eq!(session.first_said.as_deref(), Some("one"));
        assert_eq!(session.last_preview.as_deref(), Some("two"));
        assert!(!needs_reading(&session));
        learn_first(&mut session, &tail(&[line("user", "other")]));
        learn_last(&mut session, &tail(&[line("user", "other")]));
        assert_eq!(session.first_said.as_deref(), Some("one"), "what is known stays");
    }
}

//! `sessions.preview`: the last few things said in some sessions, each read by its owner.

use std::sync::Arc;

use pincer_protocol::method::sessions::{
    Preview, PreviewParams, PreviewPayload, PreviewStatus, SessionPreview,
};
use pincer_sessions::key::SessionKey;
use pincer_sessions::list::preview::items;
use pincer_sessions::persist::{ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript;

use crate::Shard;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::{Part, Query};

/// Most of one transcript that is read; with [`PreviewParams::KEYS_MAX`] keys, 8 MiB in all.
const BYTES_MAX: u64 = 128 << 10;
/// Lines read for each thing asked for: not every line says something.
const LINES_PER_ITEM: usize = 4;

/// A question for the last things said.
pub(crate) struct PreviewQuery {
    /// As the client spelled it, and what it means; `None` cannot be a session.
    keys: Vec<(String, Option<SessionKey>)>,
    items_max: usize,
    chars_max: usize,
}

impl Handle for Preview {
    fn handle(cx: &mut Cx<'_>, params: PreviewParams) -> Outcome<PreviewPayload> {
        let (items_max, chars_max) = (params.items_max(), params.chars_max());
        let wire = cx.caller.wire;
        let view = Arc::clone(&cx.shard.view);
        let mut keys: Vec<(String, Option<SessionKey>)> = Vec::new();
        for spelled in params.keys.into_iter().take(PreviewParams::KEYS_MAX) {
            let key = view.parse_key(&spelled, wire).ok();
            keys.push((spelled, key));
        }
        let held = cx.hold();
        let ask = Arc::new(PreviewQuery { keys, items_max, chars_max });
        cx.shard.ask_all(Query::Preview(Arc::clone(&ask)), move |shard, parts| {
            // A shard that did not answer in time leaves its sessions as errors.
            let mut previews: Vec<SessionPreview> = ask
                .keys
                .iter()
                .map(|(spelled, key)| {
                    let status = if key.is_some() { PreviewStatus::Error } else { PreviewStatus::Missing };
                    SessionPreview { key: spelled.clone(), status, items: Vec::new() }
                })
                .collect();
            for part in parts {
                let Part::Previews(part) = part else { continue };
                for (index, preview) in part {
                    if let Some(place) = previews.get_mut(index) {
                        *place = preview;
                    }
                }
            }
            shard.answer(held, Ok(&PreviewPayload { ts: shard.now.wall_ms, previews }));
        });
        Ok(Answer::Later)
    }
}

impl Shard {
    /// Our part of a preview.
    pub(crate) fn preview_part(
        &mut self,
        ask: Arc<PreviewQuery>,
        then: impl FnOnce(&mut Shard, Part) + Send + 'static,
    ) {
        let (mut done, mut reading, mut queries) = (Vec::new(), Vec::new(), Vec::new());
        let lines_max = u32::try_from(ask.items_max * LINES_PER_ITEM + 8).unwrap_or(u32::MAX);
        for (index, (spelled, key)) in ask.keys.iter().enumerate() {
            let Some(key) = key.as_ref().filter(|key| self.owner(key) == self.id) else { continue };
            let blank = |status| (index, SessionPreview { key: spelled.clone(), status, items: Vec::new() });
            match self.sessions.map.get(key) {
                None => done.push(blank(PreviewStatus::Missing)),
                Some(session) if !session.entry.has_transcript => done.push(blank(PreviewStatus::Missing)),
                Some(_) => match self.transcript_id(key) {
                    None => done.push(blank(PreviewStatus::Error)),
                    Some(transcript) => {
                        reading.push(index);
                        queries.push(TailQuery { transcript, lines_max, bytes_max: BYTES_MAX });
                    }
                },
            }
        }
        if queries.is_empty() {
            return then(self, Part::Previews(done));
        }
        self.read(StoreRead::Transcripts(queries), move |shard, answer| {
            // Failed reads stay away: the asker takes what is not there for an error.
            if let ReadAnswer::Transcripts(tails) = answer {
                for (index, tail) in reading.into_iter().zip(tails) {
                    if let Some((spelled, _)) = ask.keys.get(index) {
                        done.push((index, quoted(spelled, &tail, &ask)));
                    }
                }
            }
            then(shard, Part::Previews(done));
        });
    }
}

fn quoted(spelled: &str, tail: &Tail, ask: &PreviewQuery) -> SessionPreview {
    let records = transcript::read(tail.lines.iter(), tail.skipped);
    let items = items(&records, ask.items_max, ask.chars_max);
    let status = match (tail.found, items.is_empty()) {
        (false, _) => PreviewStatus::Missing,
        (true, true) => PreviewStatus::Empty,
        (true, false) => PreviewStatus::Ok,
    };
    SessionPreview { key: spelled.to_owned(), status, items }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transcript_comes_to() {
        let ask = PreviewQuery { keys: Vec::new(), items_max: 2, chars_max: 20 };
        let said = r#"{"type":"message","id":"1","message":{"role":"user","content":"hello"}}"#.to_owned();
        let status = |found, lines: &[String]| {
            let tail = Tail { found, skipped: 0, lines: lines.iter().collect() };
            quoted("Main", &tail, &ask).status
        };
        assert_eq!(status(false, &[]), PreviewStatus::Missing);
        assert_eq!(status(true, &[]), PreviewStatus::Empty);
        assert_eq!(status(true, &[said]), PreviewStatus::Ok);
    }
}

//! A blocked message, as the quarantine keeps it beside its text: all that is needed to say it again.

use pincer_sessions::turn::{Attachment, Turn};
use serde::{Deserialize, Serialize};

/// Shape of [`Kept`]; another one is not read.
const FORMAT: u8 = 1;
/// Most bytes of attachments (base64) that are kept with a message: the quarantine is there for texts.
const ATTACHMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// And at most this part of what the quarantine may hold, so that one message does not push out all the others.
const QUARANTINE_PART: u64 = 8;

/// A message without its text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept<T> {
    format: u8,
    turn: T,
    /// Attachments that were too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// What was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftOut {
    pub(super) attachments: usize,
    pub(super) bytes: u64,
    /// How many would have been kept.
    pub(super) allowed: u64,
}

/// Why a message cannot be said again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsayable {
    /// It is no message, or an older version kept it, without what is needed.
    NoTurn,
    /// It came with attachments that were too large to be kept.
    LeftOut(LeftOut),
}

/// What to keep of `turn`, in a quarantine of so many bytes. The turn is as before afterwards.
pub(super) fn keep(turn: &mut Turn, quarantine_bytes: u64) -> String {
    let allowed = (quarantine_bytes / QUARANTINE_PART).min(ATTACHMENT_BYTES_MAX as u64);
    let bytes = turn.attachments.iter().map(|attachment| attachment.data.len() as u64).sum::<u64>();
    let (text, mut attachments) = (std::mem::take(&mut turn.text), Vec::<Attachment>::new());
    let mut left_out = None;
    if bytes > allowed {
        attachments = std::mem::take(&mut turn.attachments);
        left_out = Some(LeftOut { attachments: attachments.len(), bytes, allowed });
    }
    // Our own types serialize without failing.
    let kept = serde_json::to_string(&Kept { format: FORMAT, turn: &*turn, left_out }).unwrap_or_default();
    turn.text = text;
    if left_out.is_some() {
        turn.attachments = attachments;
    }
    kept
}

/// The message that was kept, with its text.
pub(super) fn read(kept: Option<&str>, text: String) -> Result<Turn, Unsayable> {
    let kept = kept.and_then(|kept| serde_json::from_str::<Kept<Turn>>(kept).ok());
    let Kept { turn, left_out, .. } = kept.filter(|kept| kept.format == FORMAT).ok_or(Unsayable::NoTurn)?;
    match left_out {
        Some(left_out) => Err(Unsayable::LeftOut(left_out)),
        None => Ok(Turn { text, ..turn }),
    }
}

#[cfg(test)]
mod tests {
    use pincer_protocol::Wire;
    use pincer_sessions::idempotency::Fingerprint;
    use pincer_sessions::key::SessionKey;
    use pincer_sessions::turn::{Origin, Route, Sender, TurnOptions};

    use super::*;

    fn turn(attachment_bytes: usize) -> Turn {
        Turn {
            seq: 0,
            run_id: "r".into(),
            message_id: "r".into(),
            session_key: SessionKey::from_stored("agent:main:telegram:direct:7"),
            spelled_key: Some("main".into()),
            wire: Wire::V3,
            origin: Origin::Channel,
            text: "what was said".into(),
            attachments: vec![Attachment {
                mime_type: "image/png".into(),
                file_name: None,
                data: "A".repeat(attachment_bytes),
                bytes: attachment_bytes as u64,
            }],
            sender: Some(Sender { id: "7".into(), ..Sender::default() }),
            route: Some(Route { channel: "telegram".into(), ..Route::default() }),
            heard: None,
            options: TurnOptions { model: Some("a/b".into()), ..TurnOptions::default() },
            accepted_at_ms: 5,
            fingerprint: Fingerprint::default(),
            merged_ids: Vec::new(),
            released: false,
        }
    }

    #[test]
    fn a_message_comes_back_as_it_was() {
        let mut said = turn(1_000);
        let kept = keep(&mut said, 1 << 28);
        assert_eq!(said, turn(1_000));
        assert!(!kept.contains("what was said"), "the text is kept once");
        assert_eq!(read(Some(&kept), "what was said".into()), Ok(turn(1_000)));
    }

    #[test]
    fn what_is_too_large_is_named() {
        for (bytes, quarantine, allowed) in
            [(ATTACHMENT_BYTES_MAX + 1, 1 << 28, ATTACHMENT_BYTES_MAX as u64), (200_000, 1 << 20, 1 << 17)]
        {
            let mut said = turn(bytes);
            let kept = keep(&mut said, quarantine);
            assert_eq!(said, turn(bytes));
            assert!(kept.len() < 2_000);
            let left_out = LeftOut { attachments: 1, bytes: bytes as u64, allowed };
            assert_eq!(read(Some(&kept), String::new()), Err(Unsayable::LeftOut(left_out)));
        }
    }

    #[test]
    fn what_is_no_message_of_this_format() {
        let kept = keep(&mut turn(1), 1 << 28).replace("\"format\":1", "\"format\":2");
        for kept in [None, Some("{"), Some("{\"format\":1}"), Some(kept.as_str())] {
            assert_eq!(read(kept, String::new()), Err(Unsayable::NoTurn), "{kept:?}");
        }
    }
}

//! A message that starts a run as part of another method: `sessions.create` with a message, `sessions.steer`.

use pincer_protocol::method::chat::RunStatus;
use pincer_sessions::idempotency::{Begin, Family, Fingerprint};
use pincer_sessions::inbound::Inbound;
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::{Origin, Turn, TurnOptions};
use serde_json::Value;

use crate::Shard;
use crate::caller::Held;
use crate::method::chat::sender;
use crate::run::Asker;

/// What is said, and how.
pub(super) struct Opening {
    pub(super) key: SessionKey,
    /// The key as the client spelled it.
    pub(super) spelled: String,
    pub(super) inbound: Inbound,
    /// Also the idempotency key.
    pub(super) run_id: String,
    pub(super) options: TurnOptions,
}

impl Shard {
    /// Submits a message. Nothing in it is a command. `ack` is the answer, told once the message is durable; a repeat
    /// gets it at once, with the status of what was said first.
    pub(super) fn open_with(&mut self, held: Held, opening: Opening, mut ack: Value) {
        let Opening { key, spelled, inbound, run_id, options } = opening;
        let fingerprint = Fingerprint::of([key.as_str(), inbound.text.as_str()]);
        let known = match self.sessions.idempotency.begin(Family::Chat, &run_id, fingerprint, self.now) {
            Begin::Fresh => None,
            Begin::InFlight { .. } => Some(RunStatus::InFlight),
            Begin::Done { .. } => Some(RunStatus::Ok),
            Begin::Full => {
                let error = pincer_protocol::ErrorShape::busy("too many requests are in flight", 1_000);
                return self.answer::<()>(held, Err(error));
            }
        };
        if let Some(status) = known {
            if let (Some(ack), Ok(status)) = (ack.as_object_mut(), serde_json::to_value(status)) {
                ack.insert("status".to_owned(), status);
            }
            return self.answer(held, Ok(&ack));
        }
        let turn = Turn {
            seq: 0,
            run_id: run_id.clone(),
            message_id: run_id.clone(),
            session_key: key.clone(),
            spelled_key: Some(spelled),
            wire: held.wire,
            origin: Origin::Chat,
            text: inbound.text,
            attachments: inbound.attachments,
            sender: Some(sender(&held.caller())),
            route: None,
            heard: None,
            options,
            accepted_at_ms: self.now.wall_ms,
            fingerprint,
            merged_ids: Vec::new(),
            released: false,
        };
        self.accepting(&run_id);
        self.freshen(&key, held.wire);
        self.with_leaf(&key.clone(), move |shard| shard.submit(&key, turn, Asker::Ack(held, ack)));
    }
}

//! `sessions.send` (v4, and ours on v3) and `sessions.steer` (v4): saying something in a session that exists.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::chat::SendPayload as ChatPayload;
use pincer_protocol::method::sessions::{Send, SendParams, SendPayload, Steer};
use pincer_sessions::inbound;
use pincer_sessions::key::SessionKey;
use pincer_sessions::turn::{Origin, TurnOptions};
use serde_json::json;

use super::start::Opening;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::method::chat::{Spoken, speak};
use crate::run::AbortReason;

fn session(cx: &Cx<'_>, params: &SendParams) -> Result<SessionKey, ErrorShape> {
    let spelled = params.key().ok_or_else(|| ErrorShape::invalid("key required"))?;
    let key = cx.shard.view.parse_key_of(spelled, params.agent_id.as_deref(), cx.caller.wire)?;
    if !cx.shard.sessions.map.contains_key(&key) {
        return Err(ErrorShape::invalid(format!("session not found: {}", spelled.trim())));
    }
    Ok(key)
}

impl Handle for Send {
    fn handle(cx: &mut Cx<'_>, params: SendParams) -> Outcome<SendPayload> {
        let key = session(cx, &params)?;
        let spelled = params.key().unwrap_or(key.as_str()).to_owned();
        let options = TurnOptions { timeout_ms: params.timeout_ms, ..TurnOptions::default() };
        let spoken = Spoken {
            spelled,
            message: params.message,
            attachments: params.attachments.unwrap_or_default(),
            idempotency_key: params.idempotency_key.unwrap_or_else(|| cx.shard.uuid()),
            origin: Origin::Chat,
            options,
            thinking: params.thinking,
            route: None,
            literal: false,
            key,
        };
        Ok(match speak(cx, spoken)? {
            Answer::Now(ChatPayload::Run(ack)) => Answer::Now(SendPayload {
                run_id: ack.run_id,
                status: ack.status,
                interrupted_active_run: None,
            }),
            Answer::Encoded(payload) => Answer::Encoded(payload),
            // Stop words are answered through what is held.
            Answer::Now(ChatPayload::Stopped(_)) | Answer::Later => Answer::Later,
        })
    }
}

impl Handle for Steer {
    fn handle(cx: &mut Cx<'_>, params: SendParams) -> Outcome<SendPayload> {
        let key = session(cx, &params)?;
        let spelled = params.key().unwrap_or(key.as_str()).to_owned();
        let inbound =
            inbound::receive(cx.caller.wire, &params.message, &params.attachments.unwrap_or_default())?;
        let run_id = params.idempotency_key.unwrap_or_else(|| cx.shard.uuid());
        let mut ack = json!({"runId": run_id, "status": "started"});
        // What runs is stopped first; its end is written down before the new message, since lists keep their order. A
        // repeat of the message that runs must not stop itself.
        if let Some(active) = cx.shard.active_run_id(&key).filter(|active| *active != run_id) {
            cx.shard.abort_run(&key, &active, AbortReason::Rpc, |_, _| ());
            if let Some(ack) = ack.as_object_mut() {
                ack.insert("interruptedActiveRun".to_owned(), true.into());
            }
        }
        let options = TurnOptions { timeout_ms: params.timeout_ms, ..TurnOptions::default() };
        let held = cx.hold();
        cx.shard.open_with(held, Opening { key, spelled, inbound, run_id, options }, ack);
        Ok(Answer::Later)
    }
}

//! `chat.inject`: words put into the assistant's mouth.

use std::sync::Arc;

use pincer_defender::Provenance;
use pincer_protocol::ErrorShape;
use pincer_protocol::event::EncodedEvent;
use pincer_protocol::method::chat::{Inject, InjectParams, InjectPayload};
use pincer_sessions::key::SessionKey;
use pincer_sessions::transcript::InjectedLine;
use serde_json::json;

use crate::Shard;
use crate::caller::Held;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::fanout::{Audience, Broadcast};
use crate::guard::Words;

impl Handle for Inject {
    fn handle(cx: &mut Cx<'_>, params: InjectParams) -> Outcome<InjectPayload> {
        let key = cx.shard.view.parse_key(&params.session_key, cx.caller.wire)?;
        if !cx.shard.sessions.map.contains_key(&key) {
            return Err(ErrorShape::invalid("session not found"));
        }
        let held = cx.hold();
        cx.shard.when_judging(move |shard| inject(shard, &key, params, held));
        Ok(Answer::Later)
    }
}

fn inject(shard: &mut Shard, key: &SessionKey, params: InjectParams, held: Held) {
    let who = Arc::clone(&held.who);
    let words = Words {
        key,
        text: &params.message,
        from: Provenance::Operator,
        channel: None,
        sender: Some(who.client_id.as_str()),
        run_id: None,
    };
    let Some(held) = shard.pass_words(held, words) else { return };
    let spelled = params.session_key;
    let key = key.clone();
    shard.with_leaf(&key.clone(), move |shard| {
        let now = shard.now.wall_ms;
        let label = params.label.as_deref().unwrap_or("");
        let line = InjectedLine { text: &params.message, label, at_ms: now, ..InjectedLine::default() };
        let (mut id, message) = (String::new(), line.message());
        let mut ops = shard.append_lines(&key, |chain, mut ids| {
            let line = chain.injected(&mut ids, &line);
            id = line.id;
            vec![line.json]
        });
        ops.extend(shard.entry_op(&key));
        shard.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.append_undone(&key);
                let error = ErrorShape::unavailable(format!("failed to write transcript: {}", error.message));
                return shard.answer::<()>(held, Err(error));
            }
            let event = |session_key: &str| {
                let payload = json!({
                    "runId": format!("inject-{id}"), "sessionKey": session_key, "seq": 0,
                    "state": "final", "message": message,
                });
                EncodedEvent::new("chat", &payload, None)
            };
            shard.broadcast(Broadcast {
                v3: Some((event(&spelled), Audience::Everyone)),
                v4: Some((event(key.as_str()), Audience::Run(key.clone()))),
                droppable: false,
            });
            shard.answer(held, Ok(&InjectPayload { ok: true, message_id: id }));
        });
    });
}

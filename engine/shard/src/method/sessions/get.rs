//! `sessions.get` (v4) and `sessions.history` (ours): what was said, by session key.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::chat::{HistoryParams as ChatParams, HistoryPayload};
use pincer_protocol::method::sessions::{Get, GetParams, GetPayload, History, HistoryParams};

use crate::dispatch::{Answer, Cx, Handle, Outcome};

fn no_key() -> ErrorShape {
    ErrorShape::invalid("key required")
}

/// The question as `chat.history` asks it, which bounds the number of messages.
fn chat_params(key: &str, limit: Option<u64>) -> ChatParams {
    ChatParams {
        session_key: key.to_owned(),
        limit: limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
        offset: None,
        cursor: None,
        message_id: None,
        session_id: None,
        agent_id: None,
        max_chars: None,
    }
}

impl Handle for Get {
    fn handle(cx: &mut Cx<'_>, params: GetParams) -> Outcome<GetPayload> {
        let spelled = params.key().ok_or_else(no_key)?;
        let key = cx.shard.view.parse_key(spelled, cx.caller.wire)?;
        let asked = chat_params(spelled, Some(params.messages_max() as u64));
        let held = cx.hold();
        cx.shard.history(held, &key, asked, |shard, held, payload| {
            shard.answer(held, Ok(&GetPayload { messages: payload.messages }));
        });
        Ok(Answer::Later)
    }
}

impl Handle for History {
    fn handle(cx: &mut Cx<'_>, params: HistoryParams) -> Outcome<HistoryPayload> {
        let spelled = params.key().ok_or_else(no_key)?;
        let key = cx.shard.view.parse_key(spelled, cx.caller.wire)?;
        let asked = chat_params(spelled, params.limit);
        let held = cx.hold();
        cx.shard.history(held, &key, asked, |shard, held, payload| shard.answer(held, Ok(&payload)));
        Ok(Answer::Later)
    }
}

//! `sessions.describe` (v4) and `session.status` (ours): one session at a glance.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::sessions::{
    Describe, DescribeParams, DescribePayload, Status, StatusParams, StatusPayload,
};

use super::list::{Quotes, joined};
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::Query;

impl Handle for Describe {
    fn handle(cx: &mut Cx<'_>, params: DescribeParams) -> Outcome<DescribePayload> {
        let wire = cx.caller.wire;
        let key = cx.shard.view.parse_key_of(&params.key, params.agent_id.as_deref(), wire)?;
        if !cx.shard.sessions.map.contains_key(&key) {
            return Ok(Answer::Now(DescribePayload { session: None }));
        }
        let quotes = Quotes { title: params.include_derived_titles, last: params.include_last_message };
        let keys = if quotes.title || quotes.last { vec![key.clone()] } else { Vec::new() };
        let held = cx.hold();
        cx.shard.ask_all(Query::Children, move |shard, parts| {
            let children = joined(parts).remove(&key).unwrap_or_default();
            shard.learn_texts(keys, move |shard| {
                let session = shard.list_row(&key, wire, quotes, children, true);
                shard.answer(held, Ok(&DescribePayload { session }));
            });
        });
        Ok(Answer::Later)
    }
}

impl Handle for Status {
    fn handle(cx: &mut Cx<'_>, params: StatusParams) -> Outcome<StatusPayload> {
        let wire = cx.caller.wire;
        let shard = &mut *cx.shard;
        let spelled = params.key().ok_or_else(|| ErrorShape::invalid("key required"))?;
        let key = shard.view.parse_key(spelled, wire)?;
        let agent = key.store_agent(&shard.view.default_agent);
        Ok(Answer::Now(StatusPayload {
            ts: shard.now.wall_ms,
            agent_id: agent.to_string(),
            session: shard.row_of(&key, wire),
            active_run_ids: shard.active_run_id(&key).into_iter().collect(),
            queued: shard.sessions.scheduler.pending(&key).count() as u64,
            queue_mode: shard.queue_policy(&key, wire).mode.to_string(),
            text: shard.status_card(&key, wire),
            key: key.to_string(),
        }))
    }
}

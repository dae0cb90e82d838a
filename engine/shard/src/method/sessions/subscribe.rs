//! `sessions.subscribe`, `sessions.messages.subscribe`, `sessions.messages.unsubscribe` (v4): which events a connection
//! gets. A subscription is part of its connection and goes with it.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::NoParams;
use pincer_protocol::method::sessions::{
    ApprovalReplay, MessagesSubscribe, MessagesSubscribed, MessagesUnsubscribe, SessionRef, Subscribe,
    Subscribed,
};
use pincer_sessions::key::SessionKey;

use crate::connection::Subscriptions;
use crate::dispatch::{Answer, Cx, Handle, Outcome};

/// The connection's subscriptions, made when it had none. `None` when the connection has gone meanwhile.
fn subscriptions<'a>(cx: &'a mut Cx<'_>) -> Option<&'a mut Subscriptions> {
    let conn = cx.caller.conn;
    let first = cx.shard.connections.get(conn)?.open()?.subscriptions.is_none();
    if first {
        cx.shard.listener_came();
    }
    let open = cx.shard.connections.get_mut(conn)?.open_mut()?;
    Some(open.subscriptions.get_or_insert_default())
}

fn key_of(cx: &Cx<'_>, params: &SessionRef) -> Result<SessionKey, ErrorShape> {
    let agent = params.agent_id.as_deref();
    Ok(cx.shard.view.parse_key_of(&params.key, agent, cx.caller.wire)?)
}

impl Handle for Subscribe {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<Subscribed> {
        if let Some(subscriptions) = subscriptions(cx) {
            subscriptions.index = true;
        }
        Ok(Answer::Now(Subscribed { subscribed: true }))
    }
}

impl Handle for MessagesSubscribe {
    fn handle(cx: &mut Cx<'_>, params: SessionRef) -> Outcome<MessagesSubscribed> {
        let key = key_of(cx, &params)?;
        let max = cx.shard.limits.subscriptions_max;
        if let Some(subscriptions) = subscriptions(cx)
            && !subscriptions.add(key.clone(), max)
        {
            return Err(ErrorShape::invalid(format!("too many session subscriptions (max {max})")));
        }
        let now = cx.shard.now.wall_ms;
        Ok(Answer::Now(MessagesSubscribed {
            subscribed: true,
            approval_replay: params.include_approvals.then(|| ApprovalReplay::new(key.as_str(), now)),
            key: key.to_string(),
        }))
    }
}

impl Handle for MessagesUnsubscribe {
    fn handle(cx: &mut Cx<'_>, params: SessionRef) -> Outcome<MessagesSubscribed> {
        let key = key_of(cx, &params)?;
        let connection = cx.shard.connections.get_mut(cx.caller.conn);
        let open = connection.and_then(|connection| connection.open_mut());
        if let Some(subscriptions) = open.and_then(|open| open.subscriptions.as_deref_mut()) {
            subscriptions.remove(&key);
        }
        Ok(Answer::Now(MessagesSubscribed { subscribed: false, key: key.to_string(), approval_replay: None }))
    }
}

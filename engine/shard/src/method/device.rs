//! `device.pair.*` and `device.token.*`: answered by home, durable before they are.

use pincer_protocol::ErrorShape;
use pincer_protocol::method::device::{
    ApprovePayload, DeviceRef, PairApprove, PairList, PairListPayload, PairReject, PairRemove, RejectPayload,
    RequestParams, RevokeParams, RevokePayload, RotateParams, RotatePayload, TokenRevoke, TokenRotate,
};
use serde::Serialize;

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::pairing::{Caller, Changes};

/// What these methods need to know of who asks.
macro_rules! asker {
    ($cx:expr, $who:ident) => {
        Caller { wire: $cx.caller.wire, device_id: $who.device_id.as_deref(), scopes: &$who.scope_names }
    };
}

/// Answers once the changes are on disk.
fn settle<P: Serialize + Send + 'static>(
    cx: &mut Cx<'_>,
    decided: Result<(P, Changes), ErrorShape>,
) -> Outcome<P> {
    let (payload, changes) = decided?;
    let held = cx.hold();
    cx.shard.change_devices(changes, move |shard, durable| match durable {
        Ok(()) => shard.answer(held, Ok(&payload)),
        Err(why) => {
            shard.answer::<()>(held, Err(ErrorShape::unavailable(format!("not written down: {why}"))))
        }
    });
    Ok(Answer::Later)
}

fn not_home() -> ErrorShape {
    ErrorShape::unavailable("only the home shard keeps devices")
}

impl Handle for PairList {
    fn handle(cx: &mut Cx<'_>, _: Self::Params) -> Outcome<PairListPayload> {
        let who = cx.caller.who.clone();
        let presence = std::sync::Arc::clone(&cx.shard.view.presence);
        let here = |device: &str| presence.iter().any(|entry| entry.device_id.as_deref() == Some(device));
        let (caller, now) = (asker!(cx, who), cx.shard.now);
        let home = cx.shard.home.as_ref().ok_or_else(not_home)?;
        Ok(Answer::Now(home.pairings.list(caller, now, here)))
    }
}

impl Handle for PairApprove {
    fn handle(cx: &mut Cx<'_>, params: RequestParams) -> Outcome<ApprovePayload> {
        let who = cx.caller.who.clone();
        let (caller, now, shard) = (asker!(cx, who), cx.shard.now, &mut *cx.shard);
        let home = shard.home.as_mut().ok_or_else(not_home)?;
        let decided = home.pairings.approve(&params.request_id, caller, now, &mut shard.rng);
        settle(cx, decided)
    }
}

impl Handle for PairReject {
    fn handle(cx: &mut Cx<'_>, params: RequestParams) -> Outcome<RejectPayload> {
        let who = cx.caller.who.clone();
        let (caller, now) = (asker!(cx, who), cx.shard.now);
        let home = cx.shard.home.as_mut().ok_or_else(not_home)?;
        let decided = home.pairings.reject(&params.request_id, caller, now);
        settle(cx, decided)
    }
}

impl Handle for PairRemove {
    fn handle(cx: &mut Cx<'_>, params: DeviceRef) -> Outcome<DeviceRef> {
        let who = cx.caller.who.clone();
        let caller = asker!(cx, who);
        let home = cx.shard.home.as_mut().ok_or_else(not_home)?;
        let decided = home.pairings.remove(&params.device_id, caller);
        settle(cx, decided)
    }
}

impl Handle for TokenRotate {
    fn handle(cx: &mut Cx<'_>, params: RotateParams) -> Outcome<RotatePayload> {
        let who = cx.caller.who.clone();
        let (caller, now, shard) = (asker!(cx, who), cx.shard.now, &mut *cx.shard);
        let home = shard.home.as_mut().ok_or_else(not_home)?;
        let decided = home.pairings.rotate(
            &params.device_id,
            &params.role,
            params.scopes.as_deref(),
            caller,
            now,
            &mut shard.rng,
        );
        settle(cx, decided)
    }
}

impl Handle for TokenRevoke {
    fn handle(cx: &mut Cx<'_>, params: RevokeParams) -> Outcome<RevokePayload> {
        let who = cx.caller.who.clone();
        let (caller, now) = (asker!(cx, who), cx.shard.now);
        let home = cx.shard.home.as_mut().ok_or_else(not_home)?;
        let decided = home.pairings.revoke(&params.device_id, &params.role, caller, now);
        settle(cx, decided)
    }
}

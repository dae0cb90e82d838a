//! `exec.approval.*`: answered by home, which keeps the approvals.

mod get;
mod list;
mod request;
mod resolve;
mod wait;

use pincer_protocol::ErrorShape;
use pincer_protocol::method::approval::unknown_approval;

use crate::approval::table::Approvals;
use crate::approval::{Record, Waiter};
use crate::dispatch::Cx;

/// Home's approvals. They are nowhere else, and the table sends these methods there.
fn approvals<'c>(cx: &'c mut Cx<'_>) -> Result<&'c mut Approvals<Waiter>, ErrorShape> {
    let home = cx.shard.home.as_mut();
    home.map(|home| &mut home.approvals)
        .ok_or_else(|| ErrorShape::unavailable("only the home shard keeps approvals"))
}

/// v4: the whole id of the approval that starts with `start`, among those that the caller may see and `likes`.
fn whole_id(cx: &mut Cx<'_>, start: &str, likes: impl Fn(&Record) -> bool) -> Result<Box<str>, ErrorShape> {
    let (wire, who, at) = (cx.caller.wire, cx.caller.who.clone(), (cx.caller.origin, cx.caller.conn));
    let approvals = approvals(cx)?;
    let mine = |record: &Record| record.is_visible(wire, &who, at) && likes(record);
    if approvals.get(start).is_some_and(&mine) {
        return Ok(start.into());
    }
    let mut found = approvals.starting_with(start, mine).map(|record| record.id.clone());
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(ErrorShape::invalid("ambiguous approval id prefix; use the full id")),
        (None, _) => Err(unknown_approval(wire)),
    }
}

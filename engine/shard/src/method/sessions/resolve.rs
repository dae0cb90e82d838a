//! `sessions.resolve`: which session a name means, among those of all shards.

use pincer_protocol::method::sessions::{Resolve, ResolveParams, ResolvePayload};
use pincer_sessions::resolve::{Selector, decide};

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::{Part, Query};

impl Handle for Resolve {
    fn handle(cx: &mut Cx<'_>, params: ResolveParams) -> Outcome<ResolvePayload> {
        let wire = cx.caller.wire;
        let selector = Selector::new(&params, &cx.shard.view.key_rules(wire, false))?;
        let held = cx.hold();
        let query = Query::Find { selector: selector.clone(), params: params.clone() };
        cx.shard.ask_all(query, move |shard, parts| {
            let mut found = Vec::new();
            for part in parts {
                if let Part::Found(keys) = part {
                    found.extend(keys);
                }
            }
            match decide(found, &selector, &params, wire, &shard.view.default_agent) {
                Ok(payload) => shard.answer(held, Ok(&payload)),
                Err(error) => shard.answer::<()>(held, Err(error)),
            }
        });
        Ok(Answer::Later)
    }
}

//! `config.get` and `config.schema`.

use pincer_config::snapshot::Snapshot;
use pincer_protocol::method::config::{Get, GetParams, GetPayload, Schema, SchemaPayload};
use pincer_sessions::transcript::iso_ms;
use std::sync::Arc;

use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::home::view::View;

impl Handle for Get {
    fn handle(cx: &mut Cx<'_>, _: GetParams) -> Outcome<GetPayload> {
        let view = Arc::clone(&cx.shard.view);
        Ok(Answer::Now(view.snapshot().payload(cx.caller.wire)))
    }
}

impl Handle for Schema {
    fn handle(cx: &mut Cx<'_>, _: Self::Params) -> Outcome<SchemaPayload> {
        let generated_at = iso_ms(cx.shard.now.wall_ms);
        let payload =
            pincer_config::table::schema::payload(cx.caller.wire, env!("CARGO_PKG_VERSION"), &generated_at);
        Ok(Answer::Now(payload))
    }
}

impl View {
    /// The config file, for answers.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        let settings = &self.settings;
        Snapshot {
            path: &settings.config_path,
            raw: settings.exists.then_some(&*settings.raw),
            loaded: &settings.loaded,
            applied: &settings.loaded,
            hash_key: &settings.hash_key,
        }
    }
}

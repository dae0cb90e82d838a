//! `chat.startup`, `chat.metadata` and `commands.list` (v4): what a chat window opens with.

use pincer_protocol::method::chat::{
    Commands, CommandsParams, CommandsPayload, HistoryAnswer, HistoryParams, Metadata, MetadataParams,
    MetadataPayload, Startup,
};
use pincer_protocol::method::models;
use pincer_sessions::command::catalogue;

use super::raw;
use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for Startup {
    fn handle(cx: &mut Cx<'_>, params: HistoryParams) -> Outcome<HistoryAnswer> {
        let view = &cx.shard.view;
        let key = view.parse_key_of(&params.session_key, params.agent_id.as_deref(), cx.caller.wire)?;
        let held = cx.hold();
        cx.shard.tell_history(held, &key, params);
        Ok(Answer::Later)
    }
}

impl Handle for Metadata {
    fn handle(cx: &mut Cx<'_>, _: MetadataParams) -> Outcome<MetadataPayload> {
        let facts = cx.shard.view.model_facts();
        let models = models::payload(cx.caller.wire, &models::ListParams::default(), &facts).models;
        Ok(Answer::Now(MetadataPayload {
            models: raw(&models),
            commands: catalogue(true),
            swarm_enabled: false,
            account_selection: Default::default(),
            runtime_selection_locked: false,
        }))
    }
}

impl Handle for Commands {
    fn handle(_: &mut Cx<'_>, params: CommandsParams) -> Outcome<CommandsPayload> {
        let commands = catalogue(params.include_args.unwrap_or(true));
        Ok(Answer::Now(CommandsPayload { commands }))
    }
}

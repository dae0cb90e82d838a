//! Every method that is built, with who answers it. To add one: one row here.

use pincer_protocol::json::{DecodeError, Node};
use pincer_protocol::method::Rpc;

use super::{Asker, Cx, Place, Row, misfit};
use crate::Shard;
use crate::method::prelude::*;

/// Absent params decode as an empty object.
fn decode<P: serde::de::DeserializeOwned>(params: Option<Node<'_, '_>>) -> Result<P, DecodeError> {
    match params {
        Some(node) => node.decode(),
        None => P::deserialize(serde::de::value::MapDeserializer::<_, DecodeError>::new(
            std::iter::empty::<(&str, &str)>(),
        )),
    }
}

macro_rules! methods {
    ($($variant:ident: $rpc:ty => $place:expr,)*) => {
        /// A call whose params are checked and typed.
        // Most calls are handled where they were decoded and never move; boxing each would cost every request.
        #[allow(clippy::large_enum_variant)]
        pub(crate) enum MethodCall {
            $($variant(<$rpc as Rpc>::Params),)*
        }

        /// One row a method.
        pub(crate) static ROWS: &[Row] = &[$(Row {
            name: <$rpc as Rpc>::NAME,
            access: <$rpc as Rpc>::ACCESS,
            precheck: <$rpc as Rpc>::precheck,
            schema: <$rpc as Rpc>::schema,
            // Params stay on the stack unless they travel: moving a value as large as the largest costs every request.
            call: |shard, caller, request| {
                let params = decode(request.params).map_err(|error| misfit(request.method, &error))?;
                let place: Place<<$rpc as Rpc>::Params> = $place;
                let target = shard.place(&caller, place.of(&params));
                if target != shard.id {
                    return shard.forward(caller, request.id, target, MethodCall::$variant(params));
                }
                Shard::run::<$rpc>(Cx { shard, caller, id: Asker::Frame(request.id) }, params);
                Ok(())
            },
        },)*];

        /// Position of each method in [`ROWS`].
        #[repr(usize)]
        enum Index { $($variant,)* }

        /// The row of a method.
        pub(crate) fn find(name: &str) -> Option<&'static Row> {
            match name {
                $(<$rpc as Rpc>::NAME => ROWS.get(Index::$variant as usize),)*
                _ => None,
            }
        }

        impl MethodCall {
            /// Runs the handler and answers.
            pub(crate) fn run(self, cx: Cx<'_>) {
                match self {
                    $(MethodCall::$variant(params) => Shard::run::<$rpc>(cx, params),)*
                }
            }
        }
    };
}

use Place::{Home, Local, Session, SessionOf};

methods! {
    Health: system::Health => Local,
    Status: system::Status => Local,
    SystemPresence: system::SystemPresence => Local,
    LastHeartbeat: system::LastHeartbeat => Local,
    LogsTail: system::LogsTail => Local,
    ModelsList: models::List => Local,
    AgentsList: agents::List => Local,
    AgentIdentityGet: agents::IdentityGet => Local,
    ConfigGet: config::Get => Local,
    ConfigSchema: config::Schema => Local,
    ChannelsStatus: channels::Status => Local,
    GatewayIdentityGet: gateway::IdentityGet => Local,
    ChatSend: chat::Send => Session(|params| Some(&params.session_key)),
    ChatHistory: chat::History => Session(|params| Some(&params.session_key)),
    ChatAbort: chat::Abort => Session(|params| Some(&params.session_key)),
    ChatInject: chat::Inject => Session(|params| Some(&params.session_key)),
    Agent: agent::Run => Session(|params| params.session_key.as_deref()),
    AgentWait: agent::Wait => Local,
    ChatStartup: chat::Startup => SessionOf(|params| (Some(&params.session_key), params.agent_id.as_deref())),
    ChatMetadata: chat::Metadata => Local,
    CommandsList: chat::Commands => Local,
    SessionsList: sessions::List => Local,
    SessionsPreview: sessions::Preview => Local,
    SessionsResolve: sessions::Resolve => Local,
    SessionsPatch: sessions::Patch => SessionOf(|params| (Some(&params.key), params.agent_id.as_deref())),
    SessionsReset: sessions::Reset => SessionOf(|params| (Some(&params.key), params.agent_id.as_deref())),
    SessionsDelete: sessions::Delete => SessionOf(|params| (Some(&params.key), params.agent_id.as_deref())),
    SessionsCompact: sessions::Compact => SessionOf(|params| (Some(&params.key), params.agent_id.as_deref())),
    SessionsCreate: sessions::Create => SessionOf(|params| (params.key.as_deref(), params.agent_id.as_deref())),
    SessionsDescribe: sessions::Describe => SessionOf(|params| (Some(&params.key), params.agent_id.as_deref())),
    SessionsGet: sessions::Get => Session(|params| params.key()),
    SessionsHistory: sessions::History => Session(|params| params.key()),
    SessionStatus: sessions::Status => Session(|params| params.key()),
    SessionsSend: sessions::Send => SessionOf(|params| (params.key(), params.agent_id.as_deref())),
    SessionsSteer: sessions::Steer => SessionOf(|params| (params.key(), params.agent_id.as_deref())),
    SessionsAbort: sessions::Abort => SessionOf(|params| (params.key.as_deref(), params.agent_id.as_deref())),
    SessionsSubscribe: sessions::Subscribe => Local,
    SessionsMessagesSubscribe: sessions::MessagesSubscribe => Local,
    SessionsMessagesUnsubscribe: sessions::MessagesUnsubscribe => Local,
    SessionsUsage: sessions::Usage => Local,
    SessionsUsageTimeseries: sessions::Timeseries => Session(|params| params.key.as_deref()),
    SessionsUsageLogs: sessions::Logs => Session(|params| params.key.as_deref()),
    UsageStatus: usage::Status => Local,
    UsageCost: usage::Cost => Local,
    DevicePairList: device::PairList => Home,
    DevicePairApprove: device::PairApprove => Home,
    DevicePairReject: device::PairReject => Home,
    DevicePairRemove: device::PairRemove => Home,
    DeviceTokenRotate: device::TokenRotate => Home,
    DeviceTokenRevoke: device::TokenRevoke => Home,
    ExecApprovalRequest: approval::Request => Home,
    ExecApprovalWaitDecision: approval::WaitDecision => Home,
    ExecApprovalResolve: approval::Resolve => Home,
    ExecApprovalGet: approval::Get => Home,
    ExecApprovalList: approval::List => Home,
    SecurityQuarantineRelease: security::QuarantineRelease => Home,
    QuestionList: empty::QuestionList => Local,
    PluginApprovalList: empty::PluginApprovalList => Local,
    TaskSuggestionsList: empty::TaskSuggestionsList => Local,
}

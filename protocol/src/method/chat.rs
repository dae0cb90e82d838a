//! `chat.*` and `commands.list`: what a person's client talks through.

pub mod abort;
pub mod attachment;
pub mod commands;
pub mod event;
pub mod history;
pub mod inject;
pub mod metadata;
pub mod send;
pub mod startup;

pub use abort::{Abort, AbortParams, AbortPayload};
pub use attachment::AttachmentParam;
pub use commands::{CommandEntry, Commands, CommandsParams, CommandsPayload};
pub use event::{ChatEvent, ChatState};
pub use history::{
    History, HistoryAnswer, HistoryParams, HistoryPayload, HistorySince, PendingInput, PendingInputs,
};
pub use inject::{Inject, InjectParams, InjectPayload};
pub use metadata::{Metadata, MetadataParams, MetadataPayload};
pub use send::{Send, SendParams, SendPayload};
pub use startup::{Startup, StartupParams};

use serde::{Deserialize, Serialize};

/// `status` of an answer about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// `agent`: it will run, and a second response will follow.
    Accepted,
    /// `chat.send`: it will run; events tell the rest.
    Started,
    /// The same idempotency key is still running.
    InFlight,
    /// It ended well.
    Ok,
    /// It failed.
    Error,
    /// `agent.wait`: it has not ended yet.
    Timeout,
}

/// `{runId, status}`, the answer that most run methods give first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunAck {
    /// The run, named by the client's idempotency key.
    pub run_id: String,
    /// Where it stands.
    pub status: RunStatus,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Parser;
    use crate::method::{Rpc, agent};
    use crate::{Wire, schema};

    #[track_caller]
    fn check<R: Rpc>(wire: Wire, params: &str, want: Result<(), &str>) {
        let got = Parser::default()
            .parse(&mut params.as_bytes().to_vec(), |root| {
                let object = R::schema(wire).expect("has a schema");
                schema::check(wire, object, Some(root)).map(|()| {
                    root.decode::<R::Params>().map(drop).expect("what the schema takes, the type takes");
                })
            })
            .expect("the case is JSON");
        assert_eq!(got.as_ref().map_err(String::as_str).copied(), want, "{params}");
    }

    #[test]
    fn params_are_refused_in_upstreams_words() {
        let needed = "must have required property 'sessionKey'; must have required property 'message'; \
                      must have required property 'idempotencyKey'";
        check::<Send>(Wire::V3, "{}", Err(needed));
        let send =
            r#"{"sessionKey":"main","message":"x","idempotencyKey":"k","attachments":[7,{"content":"A"}]}"#;
        check::<Send>(Wire::V3, send, Ok(()));
        check::<Send>(Wire::V4, send, Ok(()));
        check::<Send>(
            Wire::V3,
            r#"{"sessionKey":"","message":"x","idempotencyKey":"k"}"#,
            Err("at /sessionKey: must NOT have fewer than 1 characters"),
        );
        check::<Send>(
            Wire::V3,
            r#"{"sessionKey":"main","message":"x","idempotencyKey":"k","timeoutMs":-1}"#,
            Err("at /timeoutMs: must be >= 0"),
        );
        check::<Send>(
            Wire::V3,
            r#"{"sessionKey":"main","message":"x","idempotencyKey":"k","agentId":"a"}"#,
            Err("at root: unexpected property 'agentId'"),
        );
        check::<Send>(
            Wire::V4,
            r#"{"sessionKey":"main","message":"x"}"#,
            Err("must have required property 'idempotencyKey'"),
        );
        check::<History>(Wire::V3, "{}", Err("must have required property 'sessionKey'"));
        check::<History>(Wire::V3, r#"{"sessionKey":"main","limit":0}"#, Err("at /limit: must be >= 1"));
        check::<History>(
            Wire::V4,
            r#"{"sessionKey":"main","limit":1001}"#,
            Err("at /limit: must be <= 1000"),
        );
        check::<History>(Wire::V4, r#"{"sessionKey":"main","offset":2,"maxChars":9}"#, Ok(()));
        check::<Startup>(Wire::V4, r#"{"sessionKey":"main"}"#, Ok(()));
        check::<Metadata>(Wire::V4, r#"{"sessionKey":"main"}"#, Ok(()));
        check::<Commands>(Wire::V4, "{}", Ok(()));
        check::<Abort>(Wire::V4, "{}", Err("must have required property 'sessionKey'"));
        check::<Abort>(Wire::V3, r#"{"sessionKey":"main","runId":"r"}"#, Ok(()));
        let long = "y".repeat(101);
        check::<Inject>(
            Wire::V3,
            &format!(r#"{{"sessionKey":"main","message":"x","label":"{long}"}}"#),
            Err("at /label: must NOT have more than 100 characters"),
        );
        check::<Inject>(
            Wire::V4,
            r#"{"sessionKey":"main","message":""}"#,
            Err("at /message: must not have fewer than 1 characters"),
        );
        check::<agent::Run>(
            Wire::V3,
            r#"{"message":"x"}"#,
            Err("must have required property 'idempotencyKey'"),
        );
        check::<agent::Run>(Wire::V4, r#"{"message":"x","idempotencyKey":"k","model":"m"}"#, Ok(()));
        check::<agent::Wait>(Wire::V3, "{}", Err("must have required property 'runId'"));
        check::<agent::Wait>(Wire::V4, r#"{"runId":"x","timeoutMs":-1}"#, Err("at /timeoutMs: must be >= 0"));
    }

    #[test]
    fn v4_names_a_missing_target_first() {
        let told = |wire, params: &str| {
            Parser::default()
                .parse(&mut params.as_bytes().to_vec(), |root| <Send as Rpc>::precheck(wire, Some(root)))
                .expect("JSON")
        };
        assert_eq!(told(Wire::V3, "{}"), Ok(()));
        assert_eq!(told(Wire::V4, r#"{"sessionKey":"main"}"#), Ok(()));
        for params in ["{}", r#"{"sessionKey":""}"#, r#"{"sessionKey":7}"#] {
            assert_eq!(told(Wire::V4, params).unwrap_err().message, "session mutation target is unavailable");
        }
    }

    #[test]
    fn answers_have_upstreams_shape() {
        assert_eq!(
            json(&SendPayload::Run(RunAck { run_id: "k".into(), status: RunStatus::InFlight })),
            r#"{"runId":"k","status":"in_flight"}"#
        );
        assert_eq!(
            json(&SendPayload::Stopped(AbortPayload::new(Vec::new()))),
            r#"{"ok":true,"aborted":false,"runIds":[]}"#
        );
        let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON");
        let mut history = HistoryPayload {
            session_key: "Main".into(),
            session_id: None,
            messages: vec![raw(r#"{"role":"user"}"#)],
            thinking_level: Some("off".into()),
            verbose_level: None,
            v4: None,
        };
        assert_eq!(
            json(&history),
            r#"{"sessionKey":"Main","messages":[{"role":"user"}],"thinkingLevel":"off"}"#
        );
        history.v4 = Some(history::HistoryV4 {
            pending_inputs: PendingInputs::default(),
            delta_cursor: None,
            next_offset: Some(1),
            has_more: true,
            total_messages: 8,
            defaults: raw("{}"),
            session_info: raw(r#"{"key":"agent:main:main"}"#),
        });
        assert_eq!(
            json(&history),
            concat!(
                r#"{"sessionKey":"Main","messages":[{"role":"user"}],"thinkingLevel":"off","#,
                r#""pendingInputs":{"items":[],"total":0},"nextOffset":1,"hasMore":true,"totalMessages":8,"#,
                r#""defaults":{},"sessionInfo":{"key":"agent:main:main"}}"#
            )
        );
    }

    #[test]
    fn what_came_since_a_cursor_says_so() {
        let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON");
        let delta = HistoryAnswer::Since(HistorySince::Delta {
            messages: Vec::new(),
            delta_cursor: "c".to_owned(),
            pending_inputs: PendingInputs::default(),
            session_info: raw("{}"),
        });
        assert_eq!(
            json(&delta),
            concat!(
                r#"{"kind":"delta","messages":[],"deltaCursor":"c","pendingInputs":{"items":[],"total":0},"#,
                r#""sessionInfo":{}}"#
            )
        );
        assert_eq!(json(&HistoryAnswer::Since(HistorySince::Reset)), r#"{"kind":"reset"}"#);
    }

    fn json<T: Serialize>(value: &T) -> String {
        serde_json::to_string(value).expect("serializes")
    }
}

//! `exec.approval.request`

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Decision;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::{NON_EMPTY, Object, Shape, TEXT, int_min, opt, req};

/// Asks for an approval, and is answered with the decision; with `twoPhase` first when people are asked.
pub struct Request;

/// Params of [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestParams {
    /// The asker's own name for it; made up when absent.
    pub id: Option<String>,
    /// What is to run, as people are shown it.
    pub command: Option<String>,
    /// v4: the same, word by word.
    pub command_argv: Option<Vec<String>>,
    /// v4: what a node is to run.
    pub system_run_plan: Option<Value>,
    /// Where.
    pub cwd: Option<String>,
    /// v4: on which node.
    pub node_id: Option<String>,
    /// On what kind of host.
    pub host: Option<String>,
    /// The security mode in force.
    pub security: Option<String>,
    /// The ask mode in force.
    pub ask: Option<String>,
    /// v4: what people are warned of.
    pub warning_text: Option<String>,
    /// v4: decisions that make no sense here; `allow-always` is the only one upstream has.
    pub unavailable_decisions: Vec<String>,
    /// Whose agent.
    pub agent_id: Option<String>,
    /// The program's file.
    pub resolved_path: Option<String>,
    /// Whose session.
    pub session_key: Option<String>,
    /// v4: its incarnation.
    pub session_id: Option<String>,
    /// v4: whose run.
    pub run_id: Option<String>,
    /// v4: which tool call of it.
    pub tool_call_id: Option<String>,
    /// v4: where the turn came from.
    pub turn_source_channel: Option<String>,
    /// v4: to whom it is answered there.
    pub turn_source_to: Option<String>,
    /// v4: by which account.
    pub turn_source_account_id: Option<String>,
    /// v4: in which thread; text or number.
    pub turn_source_thread_id: Option<Value>,
    /// v4: whether it ends at once when there is nobody to ask; `true` when absent.
    pub require_delivery_route: Option<bool>,
    /// v4: whether nobody is told.
    pub suppress_delivery: bool,
    /// How long people have, milliseconds.
    pub timeout_ms: Option<u64>,
    /// Whether the asker wants to hear that people are asked.
    pub two_phase: bool,
}

/// What people are shown: `request` of v4's events and lists. Members without a value are `null`, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecRequest {
    /// What is to run.
    pub command: Box<str>,
    /// The same, word by word; absent when it was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_argv: Option<Vec<String>>,
    /// Always null: there are no nodes.
    pub system_run_binding: (),
    /// What a node is to run.
    pub system_run_plan: Option<Value>,
    /// Where.
    pub cwd: Option<Box<str>>,
    /// On which node.
    pub node_id: Option<Box<str>>,
    /// On what kind of host.
    pub host: Option<Box<str>>,
    /// The security mode in force.
    pub security: Option<Box<str>>,
    /// The ask mode in force.
    pub ask: Option<Box<str>>,
    /// What people are warned of.
    pub warning_text: Option<Box<str>>,
    /// Always null: there are no standing grants.
    pub scope: (),
    /// Always null, as upstream's is for what it cannot read.
    pub command_analysis: (),
    /// What may be decided; all three when absent, as in old rows.
    #[serde(default = "all_decisions")]
    pub allowed_decisions: Vec<Decision>,
    /// Whose agent.
    pub agent_id: Option<Box<str>>,
    /// The program's file.
    pub resolved_path: Option<Box<str>>,
    /// Whose session.
    pub session_key: Option<Box<str>>,
    /// Its incarnation.
    pub session_id: Option<Box<str>>,
    /// Whose run.
    pub run_id: Option<Box<str>>,
    /// Which tool call of it.
    pub tool_call_id: Option<Box<str>>,
    /// Where the turn came from.
    pub turn_source_channel: Option<Box<str>>,
    /// To whom it is answered there.
    pub turn_source_to: Option<Box<str>>,
    /// By which account.
    pub turn_source_account_id: Option<Box<str>>,
    /// In which thread.
    pub turn_source_thread_id: Option<Value>,
    /// Always null: there is no cron.
    pub cron_execution_source: (),
    /// Always null: there is no cron.
    pub cron_operation_binding: (),
}

fn all_decisions() -> Vec<Decision> {
    Decision::ALL.to_vec()
}

/// The same as v3 shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecRequestV3<'a> {
    command: &'a str,
    cwd: Option<&'a str>,
    host: Option<&'a str>,
    security: Option<&'a str>,
    ask: Option<&'a str>,
    agent_id: Option<&'a str>,
    resolved_path: Option<&'a str>,
    session_key: Option<&'a str>,
}

impl ExecRequest {
    /// What v3 shows of it.
    pub fn v3(&self) -> ExecRequestV3<'_> {
        ExecRequestV3 {
            command: &self.command,
            cwd: self.cwd.as_deref(),
            host: self.host.as_deref(),
            security: self.security.as_deref(),
            ask: self.ask.as_deref(),
            agent_id: self.agent_id.as_deref(),
            resolved_path: self.resolved_path.as_deref(),
            session_key: self.session_key.as_deref(),
        }
    }
}

/// v4: who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryRoute {
    /// Clients that show approvals.
    ApprovalClient,
    /// Nobody yet.
    None,
}

/// Answers to [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RequestPayload {
    /// People are asked; the decision follows under the same request id.
    #[serde(rename_all = "camelCase")]
    Accepted {
        /// `accepted`
        status: &'static str,
        /// Its name.
        id: Box<str>,
        /// v4: who is asked.
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery_route: Option<DeliveryRoute>,
        /// When it was made, milliseconds since 1970.
        created_at_ms: u64,
        /// When it ends at the latest.
        expires_at_ms: u64,
    },
    /// It is over.
    #[serde(rename_all = "camelCase")]
    Decided {
        /// Its name.
        id: Box<str>,
        /// What was decided; `null`: nothing, in time.
        decision: Option<Decision>,
        /// When it was made, milliseconds since 1970.
        created_at_ms: u64,
        /// When it would have ended at the latest.
        expires_at_ms: u64,
    },
}

const MAYBE_TEXT: Shape = Shape::Nullable(&TEXT);
const MAYBE_NAME: Shape = Shape::Nullable(&NON_EMPTY);
const NULL: Shape = Shape::Nullable(&Shape::AnyOf(&[]));
const TEXTS: Shape = Shape::List { item: &TEXT, min: 0 };
const SPAN: Object = Object { fields: &[req("startIndex", int_min(0)), req("endIndex", int_min(1))] };
const PLAN: Object = Object {
    fields: &[
        req("argv", TEXTS),
        req("cwd", MAYBE_TEXT),
        req("commandText", TEXT),
        opt("commandPreview", MAYBE_TEXT),
        req("agentId", MAYBE_TEXT),
        req("sessionKey", MAYBE_TEXT),
        opt("policySnapshot", Shape::Any),
        opt("mutableFileOperand", Shape::Any),
    ],
};

impl Rpc for Request {
    const NAME: &'static str = "exec.approval.request";
    const ACCESS: Access = Access::scope(Scope::Approvals);
    type Params = RequestParams;
    type Payload = RequestPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        const V3: Object = Object {
            fields: &[
                req("command", NON_EMPTY),
                opt("id", NON_EMPTY),
                opt("cwd", MAYBE_TEXT),
                opt("host", MAYBE_TEXT),
                opt("security", MAYBE_TEXT),
                opt("ask", MAYBE_TEXT),
                opt("agentId", MAYBE_TEXT),
                opt("resolvedPath", MAYBE_TEXT),
                opt("sessionKey", MAYBE_TEXT),
                opt("timeoutMs", int_min(1)),
                opt("twoPhase", Shape::Bool),
            ],
        };
        const V4: Object = Object {
            fields: &[
                opt("id", NON_EMPTY),
                opt("command", NON_EMPTY),
                opt("commandArgv", TEXTS),
                opt("systemRunPlan", Shape::Object(&PLAN)),
                opt("env", Shape::Map(&TEXT)),
                opt("cwd", MAYBE_TEXT),
                opt("nodeId", MAYBE_NAME),
                opt("host", MAYBE_TEXT),
                opt("security", MAYBE_TEXT),
                opt("ask", MAYBE_TEXT),
                opt("warningText", MAYBE_TEXT),
                opt("scope", Shape::Any),
                opt("unavailableDecisions", Shape::List { item: &Shape::OneOf(&["allow-always"]), min: 1 }),
                opt("commandSpans", Shape::List { item: &Shape::Object(&SPAN), min: 0 }),
                opt("agentId", MAYBE_TEXT),
                opt("resolvedPath", MAYBE_TEXT),
                opt("sessionKey", MAYBE_TEXT),
                opt("sessionId", MAYBE_TEXT),
                opt("runId", MAYBE_TEXT),
                opt("toolCallId", MAYBE_TEXT),
                opt("turnSourceChannel", MAYBE_TEXT),
                opt("turnSourceTo", MAYBE_TEXT),
                opt("turnSourceAccountId", MAYBE_TEXT),
                opt("turnSourceThreadId", Shape::AnyOf(&[TEXT, Shape::Number { min: i64::MIN }, NULL])),
                opt("approvalReviewerDeviceIds", Shape::List { item: &NON_EMPTY, min: 0 }),
                opt("requireDeliveryRoute", Shape::Bool),
                opt("suppressDelivery", Shape::Bool),
                opt("deliverToApprovalClientsOnly", Shape::Bool),
                opt("timeoutMs", int_min(1)),
                opt("twoPhase", Shape::Bool),
            ],
        };
        Some(match wire {
            Wire::V3 => &V3,
            Wire::V4 => &V4,
        })
    }
}

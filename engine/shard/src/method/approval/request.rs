//! `exec.approval.request`

use pincer_protocol::method::approval::{Decision, ExecRequest, Request, RequestParams, RequestPayload};
use pincer_protocol::{ErrorShape, Wire};
use serde_json::{Value, json};

use super::approvals;
use crate::approval::table::Refused;
use crate::approval::text::shown;
use crate::approval::{Manner, Record, Requester, TIMEOUT_MS, TIMEOUT_MS_MAX, allowed};
use crate::dispatch::{Answer, Cx, Handle, Outcome};

/// Longest id, bytes; upstream's figure, which v3 lacks.
const ID_BYTES_MAX: usize = 128;

/// Most bytes of all other texts of a request together (ours).
const REQUEST_BYTES_MAX: usize = 128 << 10;

impl Handle for Request {
    fn handle(cx: &mut Cx<'_>, params: RequestParams) -> Outcome<RequestPayload> {
        let wire = cx.caller.wire;
        let manner = Manner {
            two_phase: params.two_phase,
            needs_route: params.require_delivery_route != Some(false),
            silent: params.suppress_delivery,
        };
        let timeout_ms = params.timeout_ms.unwrap_or(TIMEOUT_MS).min(TIMEOUT_MS_MAX);
        let explicit = params.id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(check_id);
        let request = request(wire, params)?;
        let id = match explicit {
            Some(id) => id?,
            None => cx.shard.uuid().into(),
        };
        let now = cx.shard.now;
        let record = Record {
            id: id.clone(),
            request,
            created_at_ms: now.wall_ms,
            expires_at_ms: now.wall_ms.saturating_add(timeout_ms),
            requester: Some(Requester {
                device_id: cx.caller.who.device_id.clone(),
                at: Some((cx.caller.origin, cx.caller.conn)),
            }),
            holder: None,
            ruling: None,
        };
        if record.bytes() > REQUEST_BYTES_MAX {
            return Err(too_long(wire));
        }
        let ops = match approvals(cx)?.open(record, now) {
            Ok(ops) => ops,
            Err(Refused::Known) => return Err(ErrorShape::invalid("approval id already pending")),
            Err(Refused::Full) => {
                cx.shard.counters.overflows += 1;
                return Err(ErrorShape::busy("too many approvals wait already", 1_000));
            }
        };
        let held = cx.hold();
        cx.shard.begin_approval(id, ops, held, manner);
        Ok(Answer::Later)
    }
}

fn check_id(id: &str) -> Result<Box<str>, ErrorShape> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if id.starts_with("plugin:") {
        return Err(ErrorShape::invalid("approval ids starting with plugin: are reserved"));
    }
    if id.len() > ID_BYTES_MAX || matches!(id, "." | "..") || !id.bytes().all(fine) {
        let message = "approval id must be 1-128 characters using only letters, numbers, '.', '_', ':', or '-', \
                       and cannot be '.' or '..'";
        let details = json!({"code": "EXEC_APPROVAL_ID_INVALID", "reason": "INVALID_APPROVAL_ID"});
        return Err(ErrorShape::invalid(message).with_details(details));
    }
    Ok(id.into())
}

fn too_long(wire: Wire) -> ErrorShape {
    let error = ErrorShape::invalid("command exceeds exec approval display limit");
    match wire {
        Wire::V3 => error,
        Wire::V4 => error.with_details(json!({"reason": "EXEC_APPROVAL_COMMAND_DISPLAY_LIMIT"})),
    }
}

/// What people are shown. v4 drops words that mean nothing; v3 passes them on.
fn request(wire: Wire, params: RequestParams) -> Result<ExecRequest, ErrorShape> {
    let v4 = wire == Wire::V4;
    let text = |text: Option<String>| -> Result<Option<Box<str>>, ErrorShape> {
        let Some(text) = text else { return Ok(None) };
        let text = if v4 { text.trim() } else { &text };
        if v4 && text.is_empty() {
            return Ok(None);
        }
        shown(text, false).map(Some).ok_or_else(|| too_long(wire))
    };
    let word = |text: Option<Box<str>>, known: &[&str]| {
        text.filter(|word| !v4 || known.contains(&&*word.to_ascii_lowercase()))
    };
    let host = text(params.host)?;
    let node_id = text(params.node_id)?;
    let on_node = v4 && host.as_deref() == Some("node");
    let plan = params.system_run_plan.filter(|_| on_node);
    let planned = plan.as_ref().and_then(|plan| plan.get("commandText")).and_then(Value::as_str);
    let command = planned.map(str::to_owned).or(params.command).unwrap_or_default();
    if on_node {
        node_is_named(node_id.is_some(), plan.is_some(), params.command_argv.as_deref())?;
    }
    if v4 && command.trim().is_empty() {
        return Err(ErrorShape::invalid("command is required"));
    }
    let ask = word(text(params.ask)?, &["off", "on-miss", "always"]);
    let no_always = params.unavailable_decisions.iter().any(|word| word == "allow-always");
    let allowed_decisions = if v4 { allowed(ask.as_deref(), no_always) } else { Decision::ALL.to_vec() };
    let warning = params.warning_text.filter(|text| !text.trim().is_empty());
    let warning_text =
        warning.map(|text| shown(text.trim(), true).ok_or_else(|| too_long(wire))).transpose()?;
    Ok(ExecRequest {
        command: shown(&command, false).ok_or_else(|| too_long(wire))?,
        command_argv: params.command_argv.filter(|_| v4 && !on_node),
        system_run_plan: plan,
        cwd: text(params.cwd)?,
        node_id: node_id.filter(|_| on_node),
        host,
        security: word(text(params.security)?, &["deny", "allowlist", "full"]),
        ask,
        warning_text,
        allowed_decisions,
        agent_id: text(params.agent_id)?,
        resolved_path: text(params.resolved_path)?,
        session_key: text(params.session_key)?,
        session_id: text(params.session_id)?,
        run_id: text(params.run_id)?,
        tool_call_id: text(params.tool_call_id)?,
        turn_source_channel: text(params.turn_source_channel)?,
        turn_source_to: text(params.turn_source_to)?,
        turn_source_account_id: text(params.turn_source_account_id)?,
        turn_source_thread_id: params.turn_source_thread_id,
        ..ExecRequest::default()
    })
}

/// v4: what runs on a node must say where and what, word by word.
fn node_is_named(node: bool, plan: bool, argv: Option<&[String]>) -> Result<(), ErrorShape> {
    let missing = match (node, plan, argv.is_some_and(|argv| !argv.is_empty())) {
        (false, ..) => "nodeId",
        (_, false, _) => "systemRunPlan",
        (.., false) => "commandArgv",
        _ => return Ok(()),
    };
    Err(ErrorShape::invalid(format!("{missing} is required for host=node")))
}

//! `chat.send`: from a client's words to an accepted turn.

use pincer_protocol::method::chat::{
    AbortPayload, AttachmentParam, RunAck, RunStatus, Send, SendParams, SendPayload,
};
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::command::Parsed;
use pincer_sessions::entry::Inbound;
use pincer_sessions::entry::level::{ChatType, SendPolicy};
use pincer_sessions::idempotency::{Begin, Family, Fingerprint, Outcome as Ended, conflict};
use pincer_sessions::inbound;
use pincer_sessions::key::{SessionKey, SessionKind};
use pincer_sessions::turn::{Origin, Route, Sender, Turn, TurnOptions};
use serde_json::json;

use crate::Shard;
use crate::caller::{Caller, Held};
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::run::{AbortReason, Asker, RunEnd};

/// Something said in a session, from whichever method.
pub(crate) struct Spoken {
    pub(crate) key: SessionKey,
    /// The key as the client spelled it.
    pub(crate) spelled: String,
    pub(crate) message: String,
    pub(crate) attachments: Vec<AttachmentParam>,
    pub(crate) idempotency_key: String,
    pub(crate) origin: Origin,
    pub(crate) options: TurnOptions,
    /// Works as `/think <level>` in front of the message.
    pub(crate) thinking: Option<String>,
    pub(crate) route: Option<Route>,
    /// Slash commands and stop words are words like others.
    pub(crate) literal: bool,
}

impl Handle for Send {
    fn handle(cx: &mut Cx<'_>, params: SendParams) -> Outcome<SendPayload> {
        let key = cx.shard.view.parse_key(&params.session_key, cx.caller.wire)?;
        let route = params.originating_channel.map(|channel| Route {
            channel,
            to: params.originating_to,
            account_id: params.originating_account_id,
            thread_id: params.originating_thread_id,
        });
        let mut options = TurnOptions { timeout_ms: params.timeout_ms, ..TurnOptions::default() };
        options.deliver = params.deliver.unwrap_or(false);
        let spoken = Spoken {
            key,
            spelled: params.session_key,
            message: params.message,
            attachments: params.attachments,
            idempotency_key: params.idempotency_key,
            origin: Origin::Chat,
            options,
            thinking: params.thinking,
            route,
            literal: params.suppress_command_interpretation.unwrap_or(false),
        };
        speak(cx, spoken)
    }
}

/// Takes what was said: checks it, answers repeats and stop words at once, runs commands, and submits the rest.
pub(crate) fn speak(cx: &mut Cx<'_>, spoken: Spoken) -> Outcome<SendPayload> {
    let wire = cx.caller.wire;
    let inbound = inbound::receive(wire, &spoken.message, &spoken.attachments)?;
    // Both may be megabytes, and the turn has its own from here on.
    drop((spoken.message, spoken.attachments));
    let shard = &mut *cx.shard;
    let denied = shard
        .sessions
        .map
        .get(&spoken.key)
        .is_some_and(|session| session.entry.tuning().send_policy == Some(SendPolicy::Deny));
    if denied && spoken.origin == Origin::Chat {
        return Err(ErrorShape::invalid("send blocked by session policy"));
    }
    if !spoken.literal && pincer_sessions::command::parse(wire, &inbound.text) == Parsed::Stop {
        let held = cx.hold();
        stop_all(cx.shard, held, &spoken.key);
        return Ok(Answer::Later);
    }
    if shard.draining.is_some() {
        return Err(ErrorShape::busy("the gateway is shutting down", 1_500));
    }
    let run_id = spoken.idempotency_key.clone();
    let fingerprint = Fingerprint::of([spoken.key.as_str(), inbound.text.as_str()]);
    let now = shard.now;
    // A command is done as soon as it is read, but counts only when it is on disk.
    let accepting = shard.runs.accepting.contains_key(&run_id);
    match shard.sessions.idempotency.begin(Family::Chat, &run_id, fingerprint, now) {
        Begin::Fresh => {}
        Begin::InFlight { same_input: false, .. } | Begin::Done { same_input: false, .. }
            if wire == Wire::V4 =>
        {
            return Err(conflict());
        }
        Begin::InFlight { .. } => {
            let held = cx.hold();
            cx.shard.answer_repeat(held, &run_id);
            return Ok(Answer::Later);
        }
        Begin::Done { .. } if accepting => {
            let held = cx.hold();
            cx.shard.answer_repeat(held, &run_id);
            return Ok(Answer::Later);
        }
        Begin::Done { receipt, .. } => match &receipt.outcome {
            Ended::Error { summary } if wire == Wire::V4 => {
                let (payload, error) = (
                    json!({"runId": run_id, "status": "error", "summary": summary}),
                    ErrorShape::unavailable(summary.clone()),
                );
                let held = cx.hold();
                cx.shard.answer_failure(held, &payload, &error);
                return Ok(Answer::Later);
            }
            _ => return Ok(Answer::Now(SendPayload::Run(RunAck { run_id, status: RunStatus::Ok }))),
        },
        Begin::Full => return Err(ErrorShape::busy("too many requests are in flight", 1_000)),
    }
    if let Err(error) = shard.ensure_session(&spoken.key) {
        shard.sessions.idempotency.cancel(Family::Chat, &run_id);
        return Err(error);
    }
    let turn = Turn {
        seq: 0,
        run_id: run_id.clone(),
        message_id: run_id.clone(),
        session_key: spoken.key.clone(),
        spelled_key: Some(spoken.spelled),
        wire,
        origin: spoken.origin,
        text: inbound.text,
        attachments: inbound.attachments,
        sender: Some(sender(&cx.caller)),
        route: spoken.route,
        heard: None,
        options: spoken.options,
        accepted_at_ms: now.wall_ms,
        fingerprint,
        merged_ids: Vec::new(),
        released: false,
    };
    let held = cx.hold();
    cx.shard.accepting(&run_id);
    let key = spoken.key;
    let (literal, thinking) = (spoken.literal, spoken.thinking);
    cx.shard.freshen(&key, wire);
    cx.shard.note_origin(&key, &held);
    cx.shard.with_leaf(&key.clone(), move |shard| {
        if literal {
            let ack = json!({"runId": turn.run_id, "status": "started"});
            return shard.submit(&key, turn, Asker::Ack(held, ack));
        }
        shard.interpret(&key, turn, thinking.as_deref(), held);
    });
    Ok(Answer::Later)
}

/// Who a connection's person is, in a transcript.
pub(crate) fn sender(caller: &Caller) -> Sender {
    Sender {
        id: caller.who.client_id.as_str().to_owned(),
        name: caller.who.display_name.as_deref().map(str::to_owned),
        mode: Some(caller.who.client_mode.as_str().to_owned()),
        owner: true,
    }
}

/// Stop words: stops what runs in a session and empties its queue, ahead of everything else.
pub(super) fn stop_all(shard: &mut Shard, held: Held, key: &SessionKey) {
    let cleared = shard.sessions.scheduler.clear(key, pincer_sessions::scheduler::Clear::Messages);
    let mut ops = Vec::new();
    for turn in cleared {
        ops.extend(shard.user_lines(key, &turn));
        ops.extend(shard.retire(key, &turn.run_id, Ended::Ok { payload: None }));
        shard.run_ended(&turn.run_id, RunEnd::aborted(AbortReason::Stop, shard.now.wall_ms));
    }
    if !ops.is_empty() {
        shard.persist_surely(ops, |_, _| ());
    }
    match shard.sessions.scheduler.running(key).map(str::to_owned) {
        None => {
            let payload = AbortPayload { ok: true, aborted: false, run_ids: Vec::new() };
            shard.answer(held, Ok(&payload));
        }
        Some(run_id) => {
            let run_ids = vec![run_id.clone()];
            shard.abort_run(key, &run_id, AbortReason::Stop, move |shard, aborted| {
                let run_ids = if aborted { run_ids } else { Vec::new() };
                shard.answer(held, Ok(&AbortPayload { ok: true, aborted, run_ids }));
            });
        }
    }
}

impl Shard {
    /// Remembers that a request is being made durable, so that repeats of it wait for that.
    pub(crate) fn accepting(&mut self, run_id: &str) {
        self.runs.accepting.insert(run_id.to_owned(), Vec::new());
    }

    /// Answers a repeat of a request that is in flight: `in_flight`, once the first is durable.
    pub(crate) fn answer_repeat(&mut self, held: Held, run_id: &str) {
        match self.runs.accepting.get_mut(run_id) {
            Some(repeats) => repeats.push(held),
            None => {
                let ack = RunAck { run_id: run_id.to_owned(), status: RunStatus::InFlight };
                self.answer(held, Ok(&ack));
            }
        }
    }

    /// The first request is durable, or was refused: its repeats get their answer.
    pub(crate) fn answer_repeats(&mut self, run_id: &str, refused: Option<&ErrorShape>) {
        for held in self.runs.accepting.remove(run_id).into_iter().flatten() {
            match refused {
                Some(error) => self.answer::<()>(held, Err(error.clone())),
                None => {
                    let ack = RunAck { run_id: run_id.to_owned(), status: RunStatus::InFlight };
                    self.answer(held, Ok(&ack));
                }
            }
        }
    }

    /// Notes in a session's entry where its last message came from.
    fn note_origin(&mut self, key: &SessionKey, held: &Held) {
        let group = key.kind() == SessionKind::Group;
        let name = held.who.display_name.clone().unwrap_or_else(|| held.who.client_id.as_str().into());
        let (room, now) = (key.room(), self.now.wall_ms);
        let to = room.as_ref().filter(|_| held.wire == Wire::V4).map(|room| room.id);
        let from = Inbound {
            channel: room.as_ref().filter(|_| held.wire == Wire::V4).map_or("webchat", |room| room.channel),
            chat_type: Some(if group { ChatType::Group } else { ChatType::Direct }),
            sender: Some(&name),
            from: None,
            to,
            account_id: None,
        };
        if let Some(session) = self.sessions.map.get_mut(key) {
            session.entry.note_inbound(&from, now);
        }
    }
}

//! A run begins: its messages in the transcript, its context, its model.

use pincer_adapters::model::{Message, ModelRequest, Part, Speaker};
use pincer_sessions::context;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreOp, StoreRead, Table, Tail, TailQuery};
use pincer_sessions::scheduler::Started;
use pincer_sessions::transcript::{self, Chain, UserLine};
use pincer_sessions::turn::{self, Turn, run_limit_ms};

use super::end::SILENT;
use super::submit::running_row;
use super::{AbortReason, ActiveRun, Phase, RunStream};
use crate::Shard;
use crate::caller::Held;
use crate::live::Reach;
use crate::method::sessions::texts::first_words;
use crate::shard::Timer;

/// Most of a transcript that is read to build a context: far more than any model's window, in bytes and lines.
pub(super) const CONTEXT_BYTES_MAX: u64 = 8 << 20;
pub(super) const CONTEXT_LINES_MAX: u32 = 20_000;
/// What is read to find a transcript's last record.
const LEAF_BYTES_MAX: u64 = 1 << 20;
const LEAF_LINES_MAX: u32 = 16;

/// What the model is told when it had nothing to say to a person who waits. It does not go into the transcript.
const NUDGE: &str =
    "[That answer is not shown to anybody, and the person waits for one. Please answer in words.]";

impl Shard {
    /// Learns the last record of a session's transcript, which the next one names as its parent, then goes on. After a
    /// restart this takes one read a session; otherwise nothing. What is asked meanwhile waits behind it, in order.
    pub(crate) fn with_leaf(&mut self, key: &SessionKey, then: impl FnOnce(&mut Shard) + Send + 'static) {
        let known = self.sessions.map.get(key).is_none_or(|session| {
            session.leaf_reads == 0 && (session.leaf.is_some() || !session.entry.has_transcript)
        });
        let Some(transcript) = self.transcript_id(key).filter(|_| !known) else { return then(self) };
        let query = TailQuery {
            transcript: transcript.clone(),
            lines_max: LEAF_LINES_MAX,
            bytes_max: LEAF_BYTES_MAX,
        };
        let key = key.clone();
        if let Some(session) = self.sessions.map.get_mut(&key) {
            session.leaf_reads += 1;
        }
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            if let Some(session) = shard.sessions.map.get_mut(&key) {
                // Made anew since, it counts from nothing.
                session.leaf_reads = session.leaf_reads.saturating_sub(1);
            }
            // It may have been put aside meanwhile.
            let same = shard.transcript_id(&key).as_ref() == Some(&transcript);
            if let ReadAnswer::Transcripts(tails) = answer
                && let Some(tail) = tails.first()
                && let Some(session) = shard.sessions.map.get_mut(&key)
                && same
                && session.entry.has_transcript
                && session.leaf.is_none()
            {
                session.leaf = last_id(tail).map(Into::into);
                session.entry.has_transcript = tail.found;
            }
            then(shard);
        });
    }

    /// Appends lines built by `build` to a session's transcript, with a header first when there is none yet.
    pub(crate) fn append_lines(
        &mut self,
        key: &SessionKey,
        build: impl FnOnce(&mut Chain, &mut dyn FnMut() -> u32) -> Vec<String>,
    ) -> Vec<StoreOp> {
        let Some(transcript) = self.transcript_id(key) else { return Vec::new() };
        let (now, cwd) = (self.now.wall_ms, self.view.workspace(key));
        let rng = &mut self.rng;
        let Some(session) = self.sessions.map.get_mut(key) else { return Vec::new() };
        let mut header = None;
        if !session.entry.has_transcript {
            header = Some(Chain::header(session.entry.session_id.as_str(), &cwd, now));
            session.entry.has_transcript = true;
            session.leaf = None;
            session.reach = Some(Reach { lines: 1, shown: 0 });
        }
        let mut chain = Chain::after(session.leaf.take().map(String::from));
        let mut ids = || rand_core::Rng::next_u32(rng);
        let said = build(&mut chain, &mut ids);
        session.leaf = chain.leaf().map(Into::into);
        session.entry.touch(now);
        let before = session.reach;
        // Every line that is built here is shown to clients.
        let more = said.len() as u64;
        session.reach = before.map(|at| Reach { lines: at.lines + more, shown: at.shown + more });
        self.tell_when_written(key, &transcript, &said, before);
        let lines = header.into_iter().chain(said).collect();
        vec![StoreOp::Append { transcript, lines }]
    }

    /// Notes in a session's transcript that what people said last is not for the model. Clients are not shown it.
    pub(crate) fn withhold(&mut self, key: &SessionKey, decision: &str) -> Option<StoreOp> {
        let transcript = self.transcript_id(key)?;
        let now = self.now.wall_ms;
        let mut ids = || rand_core::Rng::next_u32(&mut self.rng);
        let session = self.sessions.map.get_mut(key).filter(|session| session.entry.has_transcript)?;
        let mut chain = Chain::after(session.leaf.take().map(String::from));
        let line = chain.withheld(&mut ids, now, decision);
        session.leaf = chain.leaf().map(Into::into);
        if let Some(reach) = &mut session.reach {
            reach.lines += 1;
        }
        Some(StoreOp::Append { transcript, lines: vec![line.json] })
    }

    /// Lines that were to be appended were not: the transcript's last record is no longer known.
    pub(crate) fn append_undone(&mut self, key: &SessionKey) {
        if let Some(session) = self.sessions.map.get_mut(key) {
            session.leaf = None;
            session.reach = None;
        }
    }

    /// What a person said, as it goes into the transcript.
    pub(crate) fn user_lines(&mut self, key: &SessionKey, turn: &Turn) -> Vec<StoreOp> {
        let line = UserLine {
            text: &turn.text,
            attachments: &turn.attachments,
            message_id: &turn.message_id,
            run_id: &turn.run_id,
            sender: turn.sender.as_ref(),
            at_ms: turn.accepted_at_ms,
        };
        let opens = self.sessions.map.get(key).is_some_and(|session| !session.entry.has_transcript);
        let ops = self.append_lines(key, |chain, mut ids| vec![chain.user(&mut ids, &line).json]);
        let now = self.now.wall_ms;
        if let Some(session) = self.sessions.map.get_mut(key) {
            if opens && !turn.text.trim().is_empty() {
                session.first_said = Some(first_words(&turn.text));
            }
            session.entry.life_mut().last_interaction_at = Some(now);
            session.last_preview = Some(preview(&turn.text));
        }
        ops
    }

    /// What begins a run, durable in one list: its words in the transcript, its row marked as running.
    pub(crate) fn begin_ops(&mut self, key: &SessionKey, started: &Started) -> Vec<StoreOp> {
        let policy = self.queue_policy(key, started.turn.wire);
        let mut ops = self.user_lines(key, &started.turn);
        ops.push(running_row(&started.turn, policy));
        for merged in &started.merged {
            ops.push(StoreOp::Delete { table: Table::Turns, id: turn::row_id(key, &merged.run_id) });
        }
        ops
    }

    /// The turn is durable and its turn has come. It may have been stopped while it was made durable, its session reset or
    /// deleted: then it is over before it began.
    pub(crate) fn begin(&mut self, key: &SessionKey, started: Started, caller: Option<Held>) {
        let turn = started.turn;
        // It may have begun to wait before it had a caller.
        let caller = caller.or_else(|| self.runs.callers.remove(&turn.run_id));
        if self.sessions.scheduler.running(key) != Some(turn.run_id.as_str()) {
            return self.never_begun(key, &turn, caller);
        }
        self.counters.runs_started += 1;
        let item_id = self.uuid();
        let models = self.view.models_for(
            key,
            self.sessions.map.get(key).map(|session| &session.entry),
            turn.options.model.as_deref(),
        );
        let timeout_ms = turn.options.timeout_ms.unwrap_or(self.view.run_timeout_ms());
        let Some(session) = self.sessions.map.get_mut(key) else {
            self.never_begun(key, &turn, caller);
            return self.next_turn(key);
        };
        let spelled = turn.spelled_key.clone().unwrap_or_else(|| key.as_str().to_owned());
        let agent = key.store_agent(&self.view.default_agent).as_str().to_owned();
        let mut stream = RunStream::new(
            turn.run_id.clone(),
            key.clone(),
            spelled,
            agent,
            session.entry.session_id.as_str().to_owned(),
            item_id,
        );
        let mut events = Vec::new();
        stream.preparing(self.now.wall_ms, &mut events);
        let deadline =
            self.timers.set(self.now.mono_ms + run_limit_ms(timeout_ms), Timer::RunDeadline(key.clone()));
        session.run = Some(Box::new(ActiveRun {
            turn,
            stream,
            caller,
            phase: Phase::Preparing,
            text: String::new(),
            usage: Default::default(),
            spent: Default::default(),
            nudged: false,
            summaries: 0,
            models,
            model_index: 0,
            begun_ms: self.now.wall_ms,
            deadline: Some(deadline),
        }));
        for event in events {
            self.broadcast(event);
        }
        self.session_changed(key, crate::run::stream::Change::Reason("send"));
        self.read_context(key, true);
    }

    /// A turn was stopped between its acceptance and its beginning. What it said is written down and its outcome kept;
    /// what is left is to tell everybody who waits for it.
    fn never_begun(&mut self, key: &SessionKey, turn: &Turn, caller: Option<Held>) {
        let reason = AbortReason::Rpc;
        let agent = key.store_agent(&self.view.default_agent).as_str().to_owned();
        let spelled = turn.spelled_key.clone().unwrap_or_else(|| key.as_str().to_owned());
        let mut events = Vec::new();
        RunStream::new(turn.run_id.clone(), key.clone(), spelled, agent, String::new(), String::new())
            .never_begun(reason, &mut events);
        for event in events {
            self.broadcast(event);
        }
        if let Some(held) = caller {
            self.answer_aborted(held, &turn.run_id, reason);
        }
    }

    /// Reads the transcript and calls the model with what it holds.
    pub(crate) fn read_context(&mut self, key: &SessionKey, first: bool) {
        let Some(transcript) = self.transcript_id(key) else { return };
        let query = TailQuery { transcript, lines_max: CONTEXT_LINES_MAX, bytes_max: CONTEXT_BYTES_MAX };
        let Some(run_id) = self.active_run_id(key) else { return };
        let key = key.clone();
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            // The run may have been stopped while its transcript was read.
            if shard.active_run_id(&key).as_deref() != Some(&run_id) {
                return;
            }
            match answer {
                ReadAnswer::Transcripts(tails) => {
                    let tail = tails.into_iter().next().unwrap_or_default();
                    shard.call_with_context(&key, &tail, first);
                }
                other => {
                    let why = match other {
                        ReadAnswer::Failed(why) => why,
                        _ => "the transcript could not be read".to_owned(),
                    };
                    shard.run_failed_locally(&key, why);
                }
            }
        });
    }

    fn call_with_context(&mut self, key: &SessionKey, tail: &Tail, first: bool) {
        let Some(run) = self.sessions.map.get(key).and_then(|session| session.run.as_deref()) else { return };
        let (turn, nudged) = (&run.turn, run.nudged);
        let system = self.view.system_prompt(key, turn, self.now);
        // A retry starts at the model after the one that failed.
        let failed = run.model_index.checked_sub(1);
        let Some(index) = self.runs.cooldowns.next(&run.models, failed, self.now.mono_ms) else {
            return self.run_failed_locally(key, "no model is configured for this session".to_owned());
        };
        let window = run.models.get(index).map_or(0, |endpoint| self.view.context_tokens(endpoint));
        let budget = context::Budget {
            window,
            system: context::estimate_tokens(&system),
            answer: run
                .models
                .get(index)
                .and_then(|endpoint| self.view.tokens_max(endpoint))
                .map_or(0, u64::from),
        };
        let built = context::build(context::Piece::read(tail.lines.iter()), &budget);
        if built.dropped > 0 {
            if self.summarise_for_run(key, first, None) {
                return;
            }
            let note = format!("{} older messages did not fit the model's window", built.dropped);
            self.info("gateway/run", note);
        }
        let mut messages: Vec<Message> = built
            .messages
            .into_iter()
            .map(|message| Message {
                speaker: match message.speaker {
                    context::Speaker::User => Speaker::User,
                    context::Speaker::Assistant => Speaker::Assistant,
                },
                parts: message
                    .earlier
                    .into_iter()
                    .chain([message.text])
                    .map(Part::Text)
                    .filter(|part| part.bytes() > 0)
                    .chain(
                        message
                            .images
                            .into_iter()
                            .map(|image| Part::Image { mime: image.mime_type, data: image.data }),
                    )
                    .collect(),
            })
            .collect();
        if nudged {
            let said = |speaker, text: &str| Message { speaker, parts: vec![Part::Text(text.to_owned())] };
            messages.push(said(Speaker::Assistant, SILENT));
            messages.push(said(Speaker::User, NUDGE));
        }
        self.call_model(key, index, system, messages, first);
    }

    pub(crate) fn active_run_id(&self, key: &SessionKey) -> Option<String> {
        let run = self.sessions.map.get(key)?.run.as_deref()?;
        Some(run.turn.run_id.clone())
    }

    /// Calls the model at `index` of the run's list.
    fn call_model(
        &mut self,
        key: &SessionKey,
        index: usize,
        system: String,
        messages: Vec<Message>,
        first: bool,
    ) {
        let view = std::sync::Arc::clone(&self.view);
        let now = self.now.wall_ms;
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let effort = view.effort(&session.entry);
        let Some(run) = session.run.as_deref_mut() else { return };
        run.model_index = index;
        let Some(endpoint) = run.models.get(index).cloned() else { return };
        let mut events = Vec::new();
        if first {
            let model = run.model_name();
            run.stream.started(&model, now, &mut events);
            session.entry.note_run_start(&run.turn.run_id, now);
        }
        let request = ModelRequest {
            tokens_max: view.tokens_max(&endpoint),
            effort: effort.filter(|_| view.reasons(&endpoint)),
            timeout_ms: run.turn.options.timeout_ms.unwrap_or(view.run_timeout_ms()),
            endpoint,
            system,
            messages,
        };
        for event in events {
            self.broadcast(event);
        }
        if first {
            self.session_changed(key, crate::run::stream::Change::Phase("start"));
        }
        self.start_call(key, request);
    }
}

/// Id of the last whole record of a tail.
fn last_id(tail: &Tail) -> Option<String> {
    let records = transcript::read(tail.lines.iter(), tail.skipped);
    records.iter().rev().find_map(|record| record.id.clone())
}

/// A line for lists.
pub(crate) fn preview(text: &str) -> Box<str> {
    const CHARS: usize = 240;
    // Word by word: a text may be megabytes long.
    let words = text.split_whitespace().enumerate();
    let line = words.flat_map(|(index, word)| (index > 0).then_some(' ').into_iter().chain(word.chars()));
    line.take(CHARS).collect::<String>().into()
}

//! Slash commands and settings in messages: answered by the gateway, without a model.

use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::command::{
    self, Answer, CommandEffect, GREETING, Parsed, ResetKind, Status, View as CommandView, options_for,
    parse, reply, with_thinking,
};
use pincer_sessions::entry::level::{GroupActivation, Reasoning, Thinking, UsageNote, Verbose};
use pincer_sessions::idempotency::Family;
use pincer_sessions::key::{SessionKey, SessionKind};
use pincer_sessions::model_ref::{ModelRef, thinking_profile};
use pincer_sessions::patch::choose_model;
use pincer_sessions::persist::StoreError;
use pincer_sessions::transcript::InjectedLine;
use pincer_sessions::turn::{Sender, Turn, TurnOptions};
use serde_json::json;

use super::send::stop_all;
use crate::Shard;
use crate::caller::Held;
use crate::run::stream::Change;
use crate::run::submit::running_row;
use crate::run::summary::NoSummary;
use crate::run::{Asker, final_without_run, well};

impl Shard {
    /// Does what a message says: a command is answered, settings are kept, the rest is for the model.
    pub(super) fn interpret(&mut self, key: &SessionKey, mut turn: Turn, thinking: Option<&str>, held: Held) {
        let ack = json!({"runId": turn.run_id, "status": "started"});
        let parsed = parse(turn.wire, &with_thinking(&turn.text, thinking));
        match parsed {
            Parsed::Stop => stop_all(self, held, key),
            Parsed::Command(command) => {
                let answer = self.command_view(key, turn.wire, turn.sender.as_ref(), |view| {
                    command::answer(&command, view)
                });
                self.obey(key, turn, held, answer);
            }
            Parsed::Settings(settings) => {
                let answer =
                    self.command_view(key, turn.wire, turn.sender.as_ref(), |view| settings.answer(view));
                self.obey(key, turn, held, answer);
            }
            Parsed::Message { text, settings } => {
                if !settings.is_empty() {
                    match self.command_view(key, turn.wire, turn.sender.as_ref(), |view| {
                        options_for(&settings, view)
                    }) {
                        Ok(options) => turn.options = merged(turn.options, options),
                        Err(text) => {
                            let answer = Answer { text, effects: Vec::new() };
                            return self.obey(key, turn, held, answer);
                        }
                    }
                    turn.text = text;
                }
                self.submit(key, turn, Asker::Ack(held, ack));
            }
        }
    }

    /// Applies what a command changes, writes its answer down, and tells it.
    fn obey(&mut self, key: &SessionKey, turn: Turn, held: Held, answer: Answer) {
        let text = answer.text;
        for effect in answer.effects {
            match effect {
                CommandEffect::Reset { kind, then } => return self.start_over(key, turn, held, kind, then),
                CommandEffect::Compact { instructions } => {
                    return self.compact(key, turn, held, instructions);
                }
                effect => self.apply_effect(key, effect, turn.wire),
            }
        }
        self.say(key, turn, held, &text);
    }

    /// Writes an answer of the gateway down, acknowledges the message, and tells the answer.
    fn say(&mut self, key: &SessionKey, turn: Turn, held: Held, text: &str) {
        // It was there when the message came, but may have been deleted since.
        if let Err(error) = self.ensure_session(key) {
            let ack = serde_json::Value::Null;
            return self.refuse(Asker::Ack(held, ack), &turn, error);
        }
        let now = self.now.wall_ms;
        let run_id = turn.run_id.clone();
        let line = InjectedLine { text, run_id: Some(&run_id), at_ms: now, ..InjectedLine::default() };
        let message = serde_json::to_value(line.message()).unwrap_or_default();
        let mut ops = self.user_lines(key, &turn);
        ops.extend(self.append_lines(key, |chain, mut ids| vec![chain.injected(&mut ids, &line).json]));
        ops.extend(self.entry_op(key));
        ops.extend(self.retire(key, &run_id, well()));
        let key = key.clone();
        self.persist(ops, move |shard, result| match result {
            Err(error) => {
                shard.append_undone(&key);
                // Nothing of it is left, so it may be asked again.
                shard.sessions.idempotency.retract(Family::Chat, &turn.run_id);
                shard.not_accepted(&turn.run_id, held, &error);
            }
            Ok(_) => {
                shard.answer(held, Ok(&json!({"runId": turn.run_id, "status": "started"})));
                shard.answer_repeats(&turn.run_id, None);
                let spelled = turn.spelled_key.as_deref().unwrap_or(key.as_str());
                shard.broadcast(final_without_run(&turn.run_id, &key, spelled, Some(&message)));
                let end = crate::run::RunEnd::said(shard.now.wall_ms);
                shard.run_ended(&turn.run_id, end);
            }
        });
    }

    /// `/new` and `/reset`: the session starts over; what follows the command is said in the new one.
    fn start_over(
        &mut self,
        key: &SessionKey,
        mut turn: Turn,
        held: Held,
        kind: ResetKind,
        then: Option<String>,
    ) {
        let key = key.clone();
        self.stop_first(&key.clone(), move |shard, ready| {
            if let Err(error) = ready {
                return shard.not_accepted(&turn.run_id, held, &error);
            }
            let existed = shard.sessions.map.contains_key(&key);
            if let Err(error) = shard.ensure_session(&key) {
                return shard.refuse(Asker::Ack(held, serde_json::Value::Null), &turn, error);
            }
            shard.reset_surely(&key.clone(), turn.wire, existed, move |shard, result| {
                if let Err(error) = result {
                    return shard.not_accepted(&turn.run_id, held, &error);
                }
                let reason = match kind {
                    ResetKind::New => "new",
                    ResetKind::Reset => "reset",
                };
                shard.session_changed(&key, Change::Reason(reason));
                let ack = json!({"runId": turn.run_id, "status": "started"});
                match then.or_else(|| reply::greets(turn.wire).then(|| GREETING.to_owned())) {
                    Some(text) => {
                        turn.text = text;
                        shard.submit(&key, turn, Asker::Ack(held, ack));
                    }
                    None => shard.say(&key, turn, held, reply::reset_done(kind)),
                }
            });
        });
    }

    /// A message was not written down: it is as if it had not come.
    fn not_accepted(&mut self, run_id: &str, held: Held, error: &StoreError) {
        let shape = ErrorShape {
            retryable: Some(error.retryable),
            ..ErrorShape::unavailable(format!("not accepted: {}", error.message))
        };
        self.forget_request(run_id);
        self.answer_repeats(run_id, Some(&shape));
        self.answer::<()>(held, Err(shape));
    }

    fn apply_effect(&mut self, key: &SessionKey, effect: CommandEffect, wire: Wire) {
        let Some(session) = self.sessions.map.get_mut(key) else { return };
        let entry = &mut session.entry;
        let tuning = entry.tuning_mut();
        match effect {
            CommandEffect::SetThinking(level) => tuning.thinking_level = level,
            CommandEffect::SetVerbose(level) => tuning.verbose_level = Some(level),
            CommandEffect::SetReasoning(level) => tuning.reasoning_level = Some(level),
            CommandEffect::SetElevated(level) => tuning.elevated_level = Some(level),
            CommandEffect::SetModel(model) => choose_model(entry, model, wire),
            CommandEffect::SetQueue(settings) => {
                tuning.queue_mode = settings.mode.or(tuning.queue_mode);
                tuning.queue_debounce_ms = settings.debounce_ms.or(tuning.queue_debounce_ms);
                tuning.queue_cap = settings.cap.or(tuning.queue_cap);
                tuning.queue_drop = settings.drop.or(tuning.queue_drop);
            }
            CommandEffect::ClearQueue => {
                tuning.queue_mode = None;
                tuning.queue_debounce_ms = None;
                tuning.queue_cap = None;
                tuning.queue_drop = None;
            }
            CommandEffect::SetUsage(note) => {
                tuning.response_usage = Some(note).filter(|note| *note != UsageNote::Off)
            }
            CommandEffect::SetSend(policy) => tuning.send_policy = policy,
            CommandEffect::SetActivation(activation) => tuning.group_activation = Some(activation),
            // Both are handled before effects are applied one by one.
            CommandEffect::Reset { .. } | CommandEffect::Compact { .. } => {}
        }
        entry.touch(self.now.wall_ms);
        entry.shrink();
    }

    /// `/compact`: acknowledged once it is on disk, answered when there is a summary, or none.
    fn compact(&mut self, key: &SessionKey, turn: Turn, held: Held, instructions: Option<String>) {
        // It was there when the message came, but may have been deleted since.
        if let Err(error) = self.ensure_session(key) {
            return self.refuse(Asker::Ack(held, serde_json::Value::Null), &turn, error);
        }
        let mut ops = self.user_lines(key, &turn);
        ops.extend(self.entry_op(key));
        // Until it is answered it has a row, as a run has: a restart tells that it was interrupted, and a repeat is known.
        ops.push(running_row(&turn, self.queue_policy(key, turn.wire)));
        let key = key.clone();
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.append_undone(&key);
                return shard.not_accepted(&turn.run_id, held, &error);
            }
            shard.answer(held, Ok(&json!({"runId": turn.run_id, "status": "started"})));
            shard.answer_repeats(&turn.run_id, None);
            shard.summarise_now(&key.clone(), instructions, move |shard, result| {
                let how = match &result {
                    Ok(_) => reply::Compacted::Done,
                    Err(NoSummary::Nothing) => reply::Compacted::Nothing,
                    Err(NoSummary::Stopped) => reply::Compacted::Failed("it was stopped"),
                    Err(NoSummary::Failed(why)) => reply::Compacted::Failed(why),
                };
                let counters = shard.sessions.map.get(&key).map(|session| session.entry.counters());
                let used = counters.and_then(|counters| counters.total_tokens);
                let text = reply::compacted(how, used, shard.context_window(&key));
                shard.say_later(&key, &turn, &text);
            });
        });
    }

    /// Answers a message of which the words are on disk and acknowledged.
    fn say_later(&mut self, key: &SessionKey, turn: &Turn, text: &str) {
        let run_id = turn.run_id.clone();
        let at_ms = self.now.wall_ms;
        let line = InjectedLine { text, run_id: Some(&run_id), at_ms, ..InjectedLine::default() };
        let message = serde_json::to_value(line.message()).unwrap_or_default();
        let mut ops = self.append_lines(key, |chain, mut ids| vec![chain.injected(&mut ids, &line).json]);
        ops.extend(self.entry_op(key));
        ops.extend(self.retire(key, &run_id, well()));
        let (key, spelled) = (key.clone(), turn.spelled_key.clone());
        self.persist_surely(ops, move |shard, _| {
            let spelled = spelled.as_deref().unwrap_or(key.as_str());
            shard.broadcast(final_without_run(&run_id, &key, spelled, Some(&message)));
            let end = crate::run::RunEnd::said(shard.now.wall_ms);
            shard.run_ended(&run_id, end);
        });
    }

    fn context_window(&self, key: &SessionKey) -> u64 {
        let entry = self.sessions.map.get(key).map(|session| &session.entry);
        let model = self.view.session_model(key, entry);
        self.view.endpoint(&model).map_or(0, |endpoint| self.view.context_tokens(&endpoint))
    }

    /// The card of `/status`, for `session.status`.
    pub(crate) fn status_card(&self, key: &SessionKey, wire: Wire) -> String {
        self.command_view(key, wire, None, |view| view.status.card())
    }

    /// What answers of commands look at.
    fn command_view<R>(
        &self,
        key: &SessionKey,
        wire: Wire,
        sender: Option<&Sender>,
        read: impl FnOnce(&CommandView<'_>) -> R,
    ) -> R {
        let view = &self.view;
        let entry = self.sessions.map.get(key).map(|session| &session.entry);
        let tuning = entry.map(|entry| entry.tuning());
        let counters = entry.map(|entry| entry.counters());
        let model = view.session_model(key, entry);
        let facts = view.endpoint(&model).map(|endpoint| view.facts_of(&endpoint));
        let profile = thinking_profile(wire, &ModelRef::new(&model.provider, &model.model), facts);
        let model_name = model.to_string();
        let policy = self.queue_policy(key, wire);
        let number = |number: Option<u64>| number.unwrap_or(0);
        let status = Status {
            version: env!("CARGO_PKG_VERSION"),
            model: &model_name,
            key_source: None,
            tokens_in: number(counters.and_then(|counters| counters.input_tokens)),
            tokens_out: number(counters.and_then(|counters| counters.output_tokens)),
            cost_usd: counters.and_then(|counters| counters.estimated_cost_usd),
            cache_read: number(counters.and_then(|counters| counters.cache_read)),
            cache_write: number(counters.and_then(|counters| counters.cache_write)),
            context_used: counters.and_then(|counters| counters.total_tokens),
            context_window: self.context_window(key),
            compactions: u64::from(counters.and_then(|counters| counters.compaction_count).unwrap_or(0)),
            session_key: key.as_str(),
            updated_at_ms: entry.map(|entry| entry.updated_at),
            now_ms: self.now.wall_ms,
            uptime_ms: self.uptime_ms(),
            thinking: tuning.and_then(|tuning| tuning.thinking_level).unwrap_or(Thinking::Off),
            verbose: tuning.and_then(|tuning| tuning.verbose_level).unwrap_or(Verbose::Off),
            reasoning: tuning.and_then(|tuning| tuning.reasoning_level).unwrap_or(Reasoning::Off),
            // `tools.elevated` is not built, so nobody may use it.
            elevated: None,
            queue: policy,
            depth: self.sessions.scheduler.depth(key),
        };
        let group = key.kind() == SessionKind::Group;
        let find_model = |text: &str| {
            let found =
                view.config().resolve_model(text).filter(|model| view.config().allows_model(model))?;
            view.endpoint(&found)?;
            Some(ModelRef::new(&found.provider, &found.model))
        };
        read(&CommandView {
            wire,
            status,
            thinking_levels: &profile.levels,
            usage: tuning.and_then(|tuning| tuning.response_usage).unwrap_or(UsageNote::Off),
            send: tuning.and_then(|tuning| tuning.send_policy),
            activation: group.then(|| {
                tuning.and_then(|tuning| tuning.group_activation).unwrap_or(GroupActivation::Mention)
            }),
            sender,
            channel: key.room().map_or("webchat", |room| room.channel),
            find_model: &find_model,
            context_parts: Default::default(),
        })
    }
}

/// Settings of the message win over those of the request.
fn merged(base: TurnOptions, over: TurnOptions) -> TurnOptions {
    TurnOptions {
        thinking: over.thinking.or(base.thinking),
        verbose: over.verbose.or(base.verbose),
        reasoning: over.reasoning.or(base.reasoning),
        elevated: over.elevated.or(base.elevated),
        model: over.model.or(base.model),
        ..base
    }
}

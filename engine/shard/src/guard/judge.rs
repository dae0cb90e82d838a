//! Judging what was said.

use std::borrow::Cow;
use std::sync::Arc;

use pincer_adapters::model::{ModelRequest, Part, Speaker};
use pincer_defender::intel::Indicator;
use pincer_defender::policy::Verdict;
use pincer_defender::{
    Action, Cleared, Judgement, Known, Provenance, Reading, Release, Request, SLICE_BYTES,
};
use pincer_sessions::key::{SessionKey, SessionKind};
use pincer_sessions::turn::{Origin, Turn};

use super::record::Words;
use crate::Shard;
use crate::home::view::View;

/// A call that may not be made, and the words that are to blame.
pub(crate) struct BlockedCall {
    pub(super) judgement: Judgement,
    pub(super) text: String,
    pub(super) from: Provenance,
    pub(super) channel: Option<String>,
}

/// What becomes of a message.
pub(crate) enum Gate {
    /// It goes on.
    Pass,
    /// A person is asked.
    Hold(Box<Judgement>),
    /// It does not happen.
    Block(Box<Judgement>),
}

impl Shard {
    /// Judges a message; with what it names that a service is being asked about.
    pub(crate) fn judge_turn(&mut self, key: &SessionKey, turn: &Turn) -> (Judgement, Vec<Indicator>) {
        let view = Arc::clone(&self.view);
        self.judge_and_ask(&request(&view, key, turn, &turn.text))
    }

    /// Judges words that are no turn.
    pub(crate) fn judge_words(&mut self, words: Words<'_>) -> Judgement {
        let view = Arc::clone(&self.view);
        self.judge_request(&Request {
            action: Action::Prompt { text: words.text, from: words.from },
            agent: agent(&view, words.key),
            session: words.key.as_str(),
            channel: words.channel,
            sender: words.sender,
        })
    }

    /// What a judgement means for a message. What enforce mode would have stopped is recorded.
    pub(crate) fn gate(&mut self, key: &SessionKey, turn: &Turn, judgement: Judgement) -> Gate {
        match judgement.decision.effect() {
            Verdict::Block => Gate::Block(Box::new(judgement)),
            Verdict::Review => Gate::Hold(Box::new(judgement)),
            Verdict::Allow => {
                if judgement.decision.would_have().is_some() {
                    self.counters.judged_audited += 1;
                    let id = self.uuid();
                    self.record_decision(&id, Words::of(key, turn), &judgement);
                    self.tell_decision(&id, Words::of(key, turn), &judgement);
                }
                Gate::Pass
            }
        }
    }

    /// Judges by what this shard knows.
    pub(crate) fn judge_request(&mut self, request: &Request<'_>) -> Judgement {
        self.judge_and_ask(request).0
    }

    fn judge_and_ask(&mut self, request: &Request<'_>) -> (Judgement, Vec<Indicator>) {
        self.counters.judged += 1;
        let guard = &mut self.guard;
        let if_unchecked = self.view.defender.policy().intel.if_unchecked();
        let known = Known { set: &guard.intel, if_unchecked, now_ms: self.now.wall_ms };
        let judgement = self.view.defender.judge(request, known, &mut guard.scratch);
        (judgement, self.wonder())
    }

    /// Judges what was read to its end.
    pub(super) fn judge_read(
        &mut self,
        request: &Request<'_>,
        reading: Reading,
    ) -> (Judgement, Vec<Indicator>) {
        let guard = &mut self.guard;
        let if_unchecked = self.view.defender.policy().intel.if_unchecked();
        let known = Known { set: &guard.intel, if_unchecked, now_ms: self.now.wall_ms };
        let judgement = self.view.defender.conclude(request, reading, known, &mut guard.scratch);
        (judgement, self.wonder())
    }

    /// Clears the call of a session's run or summary, or says why it may not be made: the newest words of people in it
    /// are judged again, as the model will read them. A policy may have become stricter since they were accepted, and
    /// messages that are harmless one by one need not be so together.
    pub(crate) fn clear_call(
        &mut self,
        key: &SessionKey,
        call: ModelRequest,
    ) -> Result<Cleared<ModelRequest>, Box<BlockedCall>> {
        let view = Arc::clone(&self.view);
        let run = self.sessions.map.get(key).and_then(|session| session.run.as_deref());
        if run.is_some_and(|run| run.turn.released) {
            let by = Release { by: "a person, after a review".into() };
            return Ok(Cleared::released(&by, call));
        }
        let asked = self.asked_of_run(key);
        let text = newest_words(&call);
        let before = (text.len() > SLICE_BYTES).then(|| self.judged_before(&text)).flatten();
        let judgement = before.unwrap_or_else(|| {
            self.judge_request(&Request {
                action: Action::Prompt { text: &text, from: asked.from },
                agent: agent(&view, key),
                session: key.as_str(),
                channel: asked.channel.as_deref(),
                sender: None,
            })
        });
        let text = (judgement.decision.effect() > Verdict::Allow).then(|| text.into_owned());
        Cleared::by(&judgement, call).map_err(|_| {
            let text = text.unwrap_or_default();
            Box::new(BlockedCall { judgement, text, from: asked.from, channel: asked.channel })
        })
    }

    /// Who speaks in a session's run.
    fn asked_of_run(&self, key: &SessionKey) -> Asked {
        let run = self.sessions.map.get(key).and_then(|session| session.run.as_deref());
        match run.map(|run| &run.turn) {
            Some(turn) => {
                Asked { from: provenance(key, turn), channel: channel(key, turn).map(str::to_owned) }
            }
            // A summary that a person asked for.
            None => Asked { from: Provenance::Operator, channel: None },
        }
    }
}

struct Asked {
    from: Provenance,
    channel: Option<String>,
}

/// What is judged of a turn: `text`, which is said in it.
pub(super) fn request<'a>(view: &'a View, key: &'a SessionKey, turn: &'a Turn, text: &'a str) -> Request<'a> {
    Request {
        action: Action::Prompt { text, from: provenance(key, turn) },
        agent: agent(view, key),
        session: key.as_str(),
        channel: channel(key, turn),
        sender: turn.sender.as_ref().map(|sender| sender.id.as_str()),
    }
}

fn agent<'a>(view: &'a View, key: &'a SessionKey) -> &'a str {
    key.agent_id().unwrap_or(view.default_agent.as_str())
}

pub(super) fn channel<'a>(key: &'a SessionKey, turn: &'a Turn) -> Option<&'a str> {
    turn.route.as_ref().map(|route| route.channel.as_str()).or_else(|| key.room().map(|room| room.channel))
}

/// What people said last in a request.
fn newest_words(request: &ModelRequest) -> Cow<'_, str> {
    let last = request.messages.iter().rev().find(|message| matches!(message.speaker, Speaker::User));
    let mut texts = last.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let Some(first) = texts.next() else { return "".into() };
    let mut whole = Cow::Borrowed(first);
    for more in texts {
        let whole = whole.to_mut();
        whole.push('\n');
        whole.push_str(more);
    }
    whole
}

/// Who wrote what is said in a turn.
pub(super) fn provenance(key: &SessionKey, turn: &Turn) -> Provenance {
    match turn.origin {
        Origin::Hook => Provenance::Hook,
        Origin::Channel if key.kind() == SessionKind::Group => Provenance::GroupMember,
        Origin::Channel => Provenance::ChannelUser,
        Origin::Chat | Origin::Agent | Origin::Cron | Origin::Node => Provenance::Operator,
    }
}

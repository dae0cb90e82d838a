//! Judging what was said.

use pincer_adapters::model::{ModelRequest, Part, Speaker};
use pincer_defender::intel::FailMode;
use pincer_defender::policy::Verdict;
use pincer_defender::{Action, Cleared, Judgement, Known, Provenance, Release, Request};
use pincer_sessions::key::{SessionKey, SessionKind};
use pincer_sessions::turn::{Origin, Turn};

use crate::Shard;

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
    /// Judges a message before anything else happens to it. What would have been stopped in enforce mode is recorded.
    pub(crate) fn gate(&mut self, key: &SessionKey, turn: &Turn) -> Gate {
        let judgement = self.judge_turn(key, turn, &turn.text);
        match judgement.decision.effect() {
            Verdict::Block => Gate::Block(Box::new(judgement)),
            Verdict::Review => Gate::Hold(Box::new(judgement)),
            Verdict::Allow => {
                if judgement.decision.would_have().is_some() {
                    self.counters.judged_audited += 1;
                    let id = self.uuid();
                    self.record_decision(&id, key, turn, &judgement);
                    self.tell_decision(&id, key, turn, &judgement);
                }
                Gate::Pass
            }
        }
    }

    /// Judges `text`, which is said in `turn`.
    fn judge_turn(&mut self, key: &SessionKey, turn: &Turn, text: &str) -> Judgement {
        let channel =
            turn.route.as_ref().map(|route| route.channel.as_str()).or_else(|| Some(key.room()?.channel));
        let sender = turn.sender.as_ref().map(|sender| sender.id.as_str());
        self.judge_said(key, text, provenance(key, turn), channel, sender)
    }

    /// Judges a text by who wrote it.
    pub(crate) fn judge_said(
        &mut self,
        key: &SessionKey,
        text: &str,
        from: Provenance,
        channel: Option<&str>,
        sender: Option<&str>,
    ) -> Judgement {
        self.counters.judged += 1;
        let agent = key.store_agent(&self.view.default_agent);
        let request = Request {
            action: Action::Prompt { text, from },
            agent: agent.as_str(),
            session: key.as_str(),
            channel,
            sender,
        };
        let guard = &mut self.guard;
        // No service is asked yet, so that nothing is known says nothing.
        let known = Known { set: &guard.intel, if_unchecked: FailMode::Open, now_ms: self.now.wall_ms };
        self.view.defender.judge(&request, known, &mut guard.scratch)
    }

    /// Clears the call of a session's run, or says why it may not be made: the newest words of people in it are judged
    /// again, as the model will read them. A policy may have become stricter since they were accepted, and messages
    /// that are harmless one by one need not be so together.
    pub(crate) fn clear_call(
        &mut self,
        key: &SessionKey,
        request: ModelRequest,
    ) -> Result<Cleared<ModelRequest>, Box<Judgement>> {
        let turn = self.sessions.map.get(key).and_then(|session| session.run.as_deref()).map(|run| &run.turn);
        if turn.is_some_and(|turn| turn.released) {
            return Ok(Cleared::released(&Release { by: "review".into() }, request));
        }
        let (from, route) = match turn {
            Some(turn) => (provenance(key, turn), turn.route.as_ref().map(|route| route.channel.clone())),
            None => (Provenance::Operator, None),
        };
        let judgement = {
            let text = newest_words(&request);
            self.judge_said(key, &text, from, route.as_deref(), None)
        };
        Cleared::by(&judgement, request).map_err(|_| Box::new(judgement))
    }
}

/// What people said last in a request.
fn newest_words(request: &ModelRequest) -> std::borrow::Cow<'_, str> {
    let last = request.messages.iter().rev().find(|message| matches!(message.speaker, Speaker::User));
    let mut texts = last.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let Some(first) = texts.next() else { return "".into() };
    let mut whole = std::borrow::Cow::Borrowed(first);
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

//! Home asks: within the quota, one question at a time about one thing. What is not asked, or in vain, is told to whoever
//! may wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pincer_adapters::model::Secret;
use pincer_adapters::virustotal::{self, ANSWER_BYTES_MAX, AnswerError, Subject, VirusTotal};
use pincer_defender::intel::{
    Answer, Ask, Counts, IN_FLIGHT_MAX, Indicator, Inquiries, IntelDelta, QuotaUse, Source, Verdict,
};
use pincer_defender::policy::{Intel as IntelPolicy, Service};
use pincer_defender::{Action, Cleared, Request, UNKNOWN_MAX};

use super::Shard;
use crate::driver::{Effect, Lookup, LookupAnswer, LookupError, LookupId, ShardId};
use crate::home::view::View;
use crate::message::ShardMsg;
use crate::shard::Timer;

/// Questions whose answer would still be taken, those that were given up included; beyond it the oldest is forgotten.
const OUT_MAX: usize = 2 * IN_FLIGHT_MAX;
/// How long after its time a question is given up, milliseconds: whoever asks for us keeps the same time and says more.
const GRACE_MS: u64 = 250;

/// Who asks, for all shards.
pub(super) struct Inquirer {
    /// By which policy; another one means another inquirer.
    policy: IntelPolicy,
    inquiries: Inquiries,
    service: VirusTotal,
    out: BTreeMap<LookupId, Out>,
    /// Whether a timer will look for late ones.
    watched: bool,
}

/// A question under way.
struct Out {
    subject: Indicator,
    /// It was counted as unanswered.
    given_up: bool,
}

impl Inquirer {
    fn new(policy: &IntelPolicy, service: &Service, spent: QuotaUse) -> Inquirer {
        let service = VirusTotal {
            base_url: service.base_url.clone().unwrap_or_else(|| virustotal::BASE_URL.to_owned()),
            api_key: Secret::new(service.api_key.reveal()),
        };
        Inquirer {
            policy: policy.clone(),
            inquiries: Inquiries::new(policy.inquiries(), spent),
            service,
            out: BTreeMap::new(),
            watched: false,
        }
    }
}

impl Shard {
    /// A shard met what it does not know: asks about it, unless it is known here.
    pub(crate) fn inquire(&mut self, asker: ShardId, unknown: &[Indicator]) {
        let view = Arc::clone(&self.view);
        let policy = &view.defender.policy().intel;
        let asks = policy.asks() && self.draining.is_none() && self.is_home();
        let Some(service) = policy.service.as_ref().filter(|_| asks) else {
            return self.not_asked(asker, unknown);
        };
        let held = self.intel.inquirer.take().filter(|held| held.policy == *policy);
        let mut inquirer = held.unwrap_or_else(|| Box::new(Inquirer::new(policy, service, self.intel.spent)));
        let mut missed = IntelDelta::default();
        let asked_before = self.counters.intel_asked;
        let mut unasked = Vec::new();
        for indicator in unknown.iter().take(UNKNOWN_MAX) {
            match self.guard.intel.word(indicator, self.now.wall_ms) {
                Some(word) => drop(missed.push(word)),
                None if self.ask_service(&view, &mut inquirer, indicator) => {}
                None => unasked.push(indicator.clone()),
            }
        }
        unasked.extend(unknown.iter().skip(UNKNOWN_MAX).cloned());
        if self.counters.intel_asked > asked_before {
            self.intel.spent = inquirer.inquiries.spent();
            self.keep_spent();
            self.watch_late(&mut inquirer);
        }
        self.intel.inquirer = Some(inquirer);
        self.not_asked(asker, &unasked);
        // It missed what was said to all: its ring was full for too long.
        if !missed.is_empty() && asker != self.id {
            self.send(asker, ShardMsg::Intel(Arc::new(missed)));
        }
    }

    /// Whether there may be an answer.
    fn ask_service(&mut self, view: &View, inquirer: &mut Inquirer, indicator: &Indicator) -> bool {
        let now = self.now.wall_ms;
        let subject = inquirer.inquiries.subject(indicator);
        let Ok(request) = inquirer.service.request(subject_of(&subject)) else { return false };
        let question = Lookup {
            request,
            timeout_ms: inquirer.policy.timeout_ms.get(),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        // What the policy forbids to go to is not told to others either.
        let Some(question) = self.clear_question(view, &subject, question) else { return false };
        match inquirer.inquiries.ask(indicator, now) {
            Ask::Now(subject) => {
                self.counters.intel_asked += 1;
                let lookup = LookupId(self.next_number());
                if inquirer.out.len() >= OUT_MAX {
                    inquirer.out.pop_first();
                }
                inquirer.out.insert(lookup, Out { subject, given_up: false });
                self.effects.push_back(Effect::LookUp { lookup, question: Box::new(question) });
                true
            }
            Ask::UnderWay(_) => true,
            Ask::Not(_) => {
                self.counters.intel_unasked += 1;
                false
            }
        }
    }

    fn clear_question(
        &mut self,
        view: &View,
        subject: &Indicator,
        question: Lookup,
    ) -> Option<Cleared<Lookup>> {
        let address;
        let action = match subject {
            Indicator::Url(url) => Action::Url(url.as_str()),
            Indicator::Domain(host) => {
                let host = host.as_str();
                address =
                    if host.contains(':') { format!("http://[{host}]/") } else { format!("http://{host}/") };
                Action::Url(&address)
            }
            Indicator::Sha256(hash) => Action::File(hash.0),
        };
        let agent = view.default_agent.as_str();
        let request = Request { action, agent, session: "", channel: None, sender: None };
        self.guard.clear(&view.defender, &request, self.now.wall_ms, question)
    }

    /// The service answered, or did not.
    pub(crate) fn looked_up(&mut self, lookup: LookupId, answer: Result<LookupAnswer, LookupError>) {
        let Some(mut inquirer) = self.intel.inquirer.take() else { return };
        if let Some(out) = inquirer.out.remove(&lookup) {
            let answer = self.read_answer(&out, answer);
            let learned = inquirer.inquiries.answered(&out.subject, answer, self.now.wall_ms);
            match learned {
                Some((verdict, counts)) => {
                    self.counters.intel_answered += 1;
                    self.learn(out.subject, verdict, counts);
                }
                None if out.given_up => {}
                None => self.in_vain(&[out.subject]),
            }
        }
        self.intel.inquirer = Some(inquirer);
    }

    fn read_answer(&mut self, out: &Out, answer: Result<LookupAnswer, LookupError>) -> Answer {
        let read = match &answer {
            Ok(answer) => virustotal::read(answer.status, answer.retry_after_ms, &answer.body)
                .map_err(|error| (error.to_string(), Some(error))),
            Err(error) => Err((error.to_string(), None)),
        };
        let (why, error) = match read {
            Ok(None) => return Answer::NotKnown,
            Ok(Some(stats)) => {
                return Answer::Known(Counts {
                    malicious: stats.malicious,
                    suspicious: stats.suspicious,
                    harmless: stats.harmless,
                    // An engine that gave up found nothing.
                    undetected: stats.undetected.saturating_add(stats.timeout),
                });
            }
            Err(error) => error,
        };
        // One that was given up was counted and told then.
        if !out.given_up {
            self.warn("defender/intel", why);
        }
        match error {
            Some(AnswerError::OverQuota { retry_after_ms }) => {
                self.counters.intel_over_quota += 1;
                Answer::OverQuota { retry_after_ms }
            }
            Some(AnswerError::BadKey) => {
                self.counters.intel_failed += 1;
                Answer::BadKey
            }
            _ => {
                self.counters.intel_failed += u64::from(!out.given_up);
                Answer::Failed
            }
        }
    }

    fn learn(&mut self, subject: Indicator, verdict: Verdict, counts: Counts) {
        let now = self.now.wall_ms;
        if verdict >= Verdict::Suspicious {
            let Counts { malicious, suspicious, .. } = counts;
            let what = shown(&subject);
            let level = if verdict == Verdict::Malicious { "malicious" } else { "suspicious" };
            let line =
                format!("{what} is {level}: {malicious} engines say malicious, {suspicious} suspicious");
            self.warn("defender/intel", line);
        }
        let learned = self.guard.intel.learn(subject, verdict, Source::Virustotal, counts, now);
        self.keep_word(&learned.indicator);
        self.settle(|indicator| *indicator == learned.indicator);
        let mut delta = IntelDelta::default();
        delta.push(learned);
        self.spread(delta);
    }

    fn watch_late(&mut self, inquirer: &mut Inquirer) {
        if !inquirer.watched
            && let Some(due) = inquirer.inquiries.next_deadline_ms()
        {
            inquirer.watched = true;
            // By the other clock; one that was put forward or back only makes us look again.
            let wait = due.saturating_sub(self.now.wall_ms).min(inquirer.policy.timeout_ms.get());
            self.timers.set(self.now.mono_ms + wait + GRACE_MS, Timer::Inquiries);
        }
    }

    /// Gives up what has waited too long.
    pub(crate) fn inquiries_late(&mut self) {
        let Some(mut inquirer) = self.intel.inquirer.take() else { return };
        inquirer.watched = false;
        let late = inquirer.inquiries.expire(self.now.wall_ms);
        for subject in &late {
            let mut waiting = inquirer.out.values_mut().filter(|out| !out.given_up);
            if let Some(out) = waiting.find(|out| out.subject == *subject) {
                out.given_up = true;
                self.counters.intel_failed += 1;
                self.warn("defender/intel", "the service did not answer in time".to_owned());
            }
        }
        self.watch_late(&mut inquirer);
        self.intel.inquirer = Some(inquirer);
        if !late.is_empty() {
            self.in_vain(&late);
        }
    }
}

fn subject_of(indicator: &Indicator) -> Subject<'_> {
    match indicator {
        Indicator::Url(url) => Subject::Url(url.as_str()),
        Indicator::Domain(host) => host.ip().map_or(Subject::Domain(host.as_str()), Subject::Ip),
        Indicator::Sha256(hash) => Subject::File(hash.0),
    }
}

/// For the log: of an address only the host, since the rest can hold tokens and names.
fn shown(indicator: &Indicator) -> String {
    match indicator {
        Indicator::Url(url) => format!("an address on {}", url.host()),
        Indicator::Domain(host) => host.to_string(),
        Indicator::Sha256(hash) => hash.to_string(),
    }
}

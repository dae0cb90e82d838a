//! What waits, for how long, and in which order it goes on.

use pincer_defender::Defender;
use pincer_defender::policy::Policy;
use pincer_protocol::Wire;
use pincer_sessions::idempotency::Fingerprint;
use pincer_sessions::persist::{Outcome, StoreOp, Table};
use pincer_sessions::time::Now;
use pincer_sessions::turn::{Origin, TurnOptions};
use serde_json::{Value, json};

use super::*;
use crate::driver::{Core as _, Effect, LookupAnswer, LookupError, LookupId, Mail, PolicyChange};
use crate::run::overhear::tests::{NOW, asker, shard, unready_shard};

const BAD: &str = r#"{"data":{"attributes":{"last_analysis_stats":{"malicious":9,"harmless":50}}}}"#;
const GOOD: &str = r#"{"data":{"attributes":{"last_analysis_stats":{"harmless":60}}}}"#;

/// A shard, its clock, and what it did.
struct Story {
    shard: Shard,
    now: Now,
    /// `accepted <run>`, `held <run>`, `blocked <session>`, in order.
    did: Vec<String>,
    asked: Vec<LookupId>,
    builds: usize,
}

impl Story {
    fn new(intel: Value) -> Story {
        Story::with(shard(), &json!({"mode": "enforce", "intel": intel}))
    }

    fn with(shard: Shard, policy: &Value) -> Story {
        let mut story = Story { shard, now: NOW, did: Vec::new(), asked: Vec::new(), builds: 0 };
        story.judge_by(policy);
        story
    }

    fn judge_by(&mut self, policy: &Value) {
        let defender = Arc::new(Defender::new(Policy::from_value(policy).unwrap()).unwrap());
        self.mail(Mail::Policy(Box::new(PolicyChange { defender, weaker: Vec::new() })));
    }

    fn mail(&mut self, mail: Mail<crate::Message>) {
        self.shard.mail(self.now, mail);
        self.perform();
    }

    fn say(&mut self, session: &str, run: &str, text: &str) {
        let key = SessionKey::from_stored(&format!("agent:main:direct:{session}"));
        self.shard.ensure_session(&key).unwrap();
        let turn = Turn {
            seq: 0,
            run_id: run.into(),
            message_id: run.into(),
            session_key: key.clone(),
            spelled_key: None,
            wire: Wire::V4,
            origin: Origin::Agent,
            text: text.into(),
            attachments: Vec::new(),
            sender: None,
            route: None,
            heard: None,
            options: TurnOptions::default(),
            accepted_at_ms: self.now.wall_ms,
            fingerprint: Fingerprint::default(),
            merged_ids: Vec::new(),
            released: false,
        };
        self.shard.submit(&key, turn, asker());
        self.perform();
    }

    fn answer(&mut self, answer: Result<(u16, &str), LookupError>) {
        let lookup = self.asked.remove(0);
        let answer = answer.map(|(status, body)| LookupAnswer {
            status,
            retry_after_ms: None,
            body: body.as_bytes().to_vec(),
        });
        self.mail(Mail::LookedUp { lookup, answer });
        self.pass(5);
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now.mono_ms + ms;
        while let Some(at) = self.shard.next_deadline().filter(|at| *at <= until) {
            let step = at.saturating_sub(self.now.mono_ms);
            self.now = Now { mono_ms: self.now.mono_ms + step, wall_ms: self.now.wall_ms + step };
            self.shard.tick(self.now);
            self.perform();
        }
        let step = until - self.now.mono_ms;
        self.now = Now { mono_ms: until, wall_ms: self.now.wall_ms + step };
    }

    fn perform(&mut self) {
        while let Some(effect) = self.shard.poll_effect() {
            match effect {
                Effect::Store { ticket, ops } => {
                    for op in &ops {
                        match op {
                            StoreOp::Keep { entry, text: Some(_), .. } => {
                                let entry: Value = serde_json::from_str(entry).unwrap();
                                let session = entry["session"].as_str().unwrap().to_owned();
                                // What is held has an entry too, before its row.
                                if entry["decision"] == "block" {
                                    self.did.push(format!("blocked {}", session.rsplit(':').next().unwrap()));
                                }
                            }
                            StoreOp::Put { table: Table::Turns, json, .. } => {
                                let row: Value = serde_json::from_str(json).unwrap();
                                let what = if row["state"] == "held" { "held" } else { "accepted" };
                                let run = row["turn"]["runId"].as_str().unwrap();
                                self.did.push(format!("{what} {run}"));
                            }
                            _ => {}
                        }
                    }
                    let result = Ok(vec![Outcome::Done; ops.len()]);
                    self.shard.mail(self.now, Mail::Stored { ticket, result });
                }
                Effect::LookUp { lookup, .. } => self.asked.push(lookup),
                Effect::BuildGuards => self.builds += 1,
                _ => {}
            }
        }
    }

    #[track_caller]
    fn check(&mut self, did: &[&str]) {
        assert_eq!(self.did, did);
        self.did.clear();
    }
}

fn service() -> Value {
    json!({"service": {"apiKey": "k"}, "timeoutMs": 2_000})
}

#[test]
fn an_unknown_address_waits_and_its_session_with_it() {
    for (body, first) in [(BAD, "blocked a"), (GOOD, "accepted a1")] {
        let mut story = Story::new(service());
        story.say("a", "a1", "Read https://one.pincer-test.net/x");
        story.say("a", "a2", "and thanks");
        story.say("b", "b1", "hello");
        story.pass(500);
        story.check(&["accepted b1"]);
        assert_eq!((story.shard.guard.waiting(), story.asked.len()), (2, 1));
        story.answer(Ok((200, body)));
        story.did.retain(|what| !what.ends_with("b1"));
        assert_eq!(story.did.first().map(String::as_str), Some(first));
        assert!(story.did.iter().any(|what| what == "accepted a2"), "{:?}", story.did);
        assert_eq!((story.shard.guard.waiting(), story.shard.counters.judged_waited), (0, 1));
    }
}

#[test]
fn no_answer_means_what_the_policy_says() {
    for (fail_mode, then) in [("open", "accepted a1"), ("review", "held a1")] {
        let mut intel = service();
        intel["failMode"] = json!(fail_mode);
        let mut story = Story::new(intel.clone());
        story.say("a", "a1", "Read https://one.pincer-test.net/x");
        story.pass(1_999);
        story.check(&[]);
        story.pass(10);
        assert_eq!(story.did.first().map(String::as_str), Some(then));
        assert_eq!(story.shard.counters.judged_in_vain, 1);
        // A service that fails at once keeps nobody waiting.
        for answer in [Ok((429, "")), Ok((401, "")), Ok((200, "{")), Err(LookupError::Timeout)] {
            let mut story = Story::new(intel.clone());
            story.say("a", "a1", "Read https://one.pincer-test.net/x");
            story.check(&[]);
            story.answer(answer);
            assert_eq!(story.did.first().map(String::as_str), Some(then));
            story.did.clear();
            // Nor is the next one kept, while nobody is asked.
            story.say("b", "b1", "Read https://two.pincer-test.net/x");
            assert_eq!(story.did.first().map(String::as_str), Some(then.replace("a1", "b1").as_str()));
            assert_eq!(story.asked.len(), 0);
        }
    }
}

#[test]
fn who_does_not_wait() {
    let mut intel = service();
    intel["perMinute"] = json!(1);
    let mut story = Story::new(intel.clone());
    story.say("a", "a1", "Read https://one.pincer-test.net/x");
    story.say("b", "b1", "Read https://two.pincer-test.net/x");
    story.check(&["accepted b1"]);
    story.answer(Ok((200, GOOD)));
    // What is blocked anyway, and what the policy decides itself.
    story.did.clear();
    let mut policy = json!({"mode": "enforce", "intel": service(), "deny": {"phrases": ["the purple door"]}});
    policy["deny"]["domains"] = json!(["three.pincer-test.net"]);
    let mut story = Story::with(shard(), &policy);
    story.say("a", "a1", "the purple door is at https://one.pincer-test.net/x");
    story.say("b", "b1", "Read https://three.pincer-test.net/x");
    story.check(&["blocked a", "blocked b"]);
    for mode in ["audit", "off"] {
        let mut story = Story::with(shard(), &json!({"mode": mode, "intel": service()}));
        story.say("a", "a1", "Read https://one.pincer-test.net/x");
        story.check(&["accepted a1"]);
        assert_eq!(story.asked.len(), usize::from(mode == "audit"));
    }
}

#[test]
fn those_that_wait_are_bounded() {
    let mut story = Story::new(service());
    for n in 0..ASKING_MAX {
        story.say(&n.to_string(), &format!("r{n}"), "Read https://one.pincer-test.net/x");
    }
    story.check(&[]);
    story.say("more", "more", "Read https://one.pincer-test.net/x");
    story.check(&["accepted more"]);
    assert_eq!((story.shard.counters.judged_unwaited, story.asked.len()), (1, 1));
    story.answer(Ok((200, BAD)));
    story.pass(200);
    assert_eq!(story.did.iter().filter(|what| what.starts_with("blocked")).count(), ASKING_MAX);
}

#[test]
fn a_new_policy_judges_what_waits() {
    let mut story = Story::new(service());
    story.say("a", "a1", "Read https://one.pincer-test.net/x");
    story.pass(500);
    story.judge_by(&json!({"mode": "enforce", "deny": {"domains": ["one.pincer-test.net"]}}));
    story.pass(5);
    story.check(&["blocked a"]);
    let mut story = Story::new(service());
    story.say("a", "a1", "Read https://one.pincer-test.net/x");
    story.judge_by(&json!({"mode": "off"}));
    story.pass(5);
    story.check(&["accepted a1"]);
}

#[test]
fn a_drain_refuses_what_waits() {
    let mut story = Story::new(service());
    story.say("a", "a1", "Read https://one.pincer-test.net/x");
    story.mail(Mail::Drain { reason: "test".into(), budget_ms: 10, restart_expected_ms: None });
    story.pass(5_000);
    story.check(&[]);
    assert_eq!(story.shard.guard.waiting(), 0);
}

#[test]
fn the_first_message_waits_for_the_tables_and_nobody_else_does() {
    let mut story = Story::with(unready_shard(), &json!({"mode": "enforce"}));
    assert_eq!(story.builds, 0, "nothing was to be judged yet");
    story.say("a", "a1", "hello");
    story.say("a", "a2", "again");
    story.say("b", "b1", "hello");
    story.pass(1_000);
    story.check(&[]);
    assert_eq!((story.builds, story.shard.counters.judged), (1, 0));
    story.mail(Mail::GuardsBuilt);
    story.pass(1);
    assert_eq!(story.did.first().map(String::as_str), Some("accepted a1"));
    assert!(story.did.iter().any(|what| what == "accepted b1"), "{:?}", story.did);
    assert_eq!(story.shard.guard.waiting(), 0);
    story.say("c", "c1", "hello");
    assert_eq!(story.builds, 1);
    // A guard that is off needs none.
    let mut story = Story::with(unready_shard(), &json!({"mode": "off"}));
    story.say("a", "a1", "hello");
    story.check(&["accepted a1"]);
    assert_eq!(story.builds, 0);
}

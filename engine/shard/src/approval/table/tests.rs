use std::collections::BTreeMap;

use pincer_protocol::method::approval::ExecRequest;
use pincer_sessions::key::SessionKey;

use super::*;
use crate::approval::record::Holder;

/// Approvals, the rows that the store would hold, and time.
struct Story {
    approvals: Approvals<u32>,
    rows: BTreeMap<String, String>,
    now: Now,
}

fn record(id: &str, timeout_ms: u64, now: Now, holder: bool) -> Record {
    let allowed =
        if id == "careful" { vec![Decision::AllowOnce, Decision::Deny] } else { Decision::ALL.to_vec() };
    let holder = holder
        .then(|| Holder { session_key: SessionKey::from_stored("agent:main:main"), run_id: "run".into() });
    Record {
        id: id.into(),
        request: ExecRequest { command: "make".into(), allowed_decisions: allowed, ..ExecRequest::default() },
        created_at_ms: now.wall_ms,
        expires_at_ms: now.wall_ms + timeout_ms,
        requester: None,
        holder,
        ruling: None,
    }
}

impl Story {
    fn new() -> Story {
        let now = Now { mono_ms: 1_000, wall_ms: 5_000_000 };
        Story { approvals: Approvals::default(), rows: BTreeMap::new(), now }
    }

    fn write(&mut self, op: StoreOp) -> &'static str {
        match op {
            StoreOp::Put { id, json, .. } => {
                self.rows.insert(id, json);
                "put"
            }
            StoreOp::Delete { id, .. } => {
                self.rows.remove(&id);
                "delete"
            }
            _ => unreachable!(),
        }
    }

    fn decide(&mut self, id: &str, decision: Decision) -> String {
        match self.approvals.decide(id, decision, Some("me".into()), self.now) {
            Decide::Begin(op) => self.write(op).to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// One step; what came of it.
    fn step(&mut self, step: &str) -> String {
        let words: Vec<&str> = step.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        match words[0] {
            // `open ID MS` by a client, `ask ID MS` by a shard; the row is written with `ok`.
            "open" | "ask" => {
                let record = record(words[1], number(2), self.now, words[0] == "ask");
                match self.approvals.open(record, self.now) {
                    Ok(ops) => ops.into_iter().map(|op| self.write(op)).collect::<Vec<_>>().join("+"),
                    Err(refused) => format!("{refused:?}").to_lowercase(),
                }
            }
            "ok" => self.approvals.opened(words[1]).map_or("no", |_| "asked").to_owned(),
            "lost" => format!("{:?}", self.approvals.unopened(words[1])),
            "wait" => match self.approvals.wait(words[1], number(2) as u32) {
                Wait::Held => "held".to_owned(),
                Wait::Over(_, record) => format!("over {:?}", record.ruling.unwrap().effect()).to_lowercase(),
                Wait::Unknown(_) => "unknown".to_owned(),
                Wait::Full(_) => "full".to_owned(),
            },
            "once" => self.decide(words[1], Decision::AllowOnce),
            "always" => self.decide(words[1], Decision::AllowAlways),
            "deny" => self.decide(words[1], Decision::Deny),
            "nobody" => {
                let ruling = Ruling::nobody(Why::Timeout, self.now.wall_ms);
                let op = self.approvals.settle(words[1], ruling);
                op.map_or("no", |op| self.write(op)).to_owned()
            }
            "stored" => match self.approvals.settled(words[1], self.now) {
                None => "no".to_owned(),
                Some(Settled { record, waiters }) => {
                    format!("{:?} {waiters:?}", record.ruling.unwrap().decision).to_lowercase()
                }
            },
            "refused" => {
                self.approvals.unsettled(words[1], |_| false);
                self.approvals.is_pending(words[1]).to_string()
            }
            "taken" => self.approvals.taken(words[1]).map_or("no", |op| self.write(op)).to_owned(),
            "pass" => {
                self.now =
                    Now { mono_ms: self.now.mono_ms + number(1), wall_ms: self.now.wall_ms + number(1) };
                let Due { expired, ops } = self.approvals.due(self.now);
                let deleted = ops.into_iter().map(|op| self.write(op)).count();
                format!("{expired:?} {deleted}")
            }
            // The process ends and starts again, so many milliseconds later.
            "restart" => {
                self.now = Now { mono_ms: 7, wall_ms: self.now.wall_ms + number(1) };
                let rows = self.rows.iter().map(|(id, json)| (id.as_str(), json.as_str()));
                let (approvals, problems) = Approvals::load(rows, self.now);
                self.approvals = approvals;
                format!(
                    "{}+{} {}",
                    self.approvals.pending().len(),
                    self.approvals.untaken().count(),
                    problems.len()
                )
            }
            "rows" => self.rows.len().to_string(),
            other => panic!("{other}?"),
        }
    }
}

/// Steps with what comes of each: `open a 10 = put; …`
#[track_caller]
fn check(script: &str) {
    let mut story = Story::new();
    for line in script.split(';') {
        let (step, want) = line.split_once('=').expect("a step and what comes of it");
        assert_eq!(story.step(step.trim()), want.trim(), "{} in {script}", step.trim());
    }
}

#[test]
fn a_person_decides() {
    check("open a 100 = put; ok a = asked; wait a 1 = held; once a = put; stored a = some(allowonce) [1]");
    check("open a 100 = put; ok a = asked; deny a = put; wait a 1 = held; stored a = some(deny) [1]");
    check(
        "open a 100 = put; ok a = asked; always a = put; stored a = some(allowalways) []; wait a 1 = over allowalways",
    );
}

#[test]
fn ids_are_taken_until_they_are_forgotten() {
    check(
        "open a 100 = put; open a 5 = known; ok a = asked; open a 5 = known; deny a = put; open a 5 = known; \
         stored a = some(deny) []; open a 5 = known; pass 14999 = [] 0; open a 5 = known; pass 1 = [] 1; open a 5 = put",
    );
}

#[test]
fn nobody_decides() {
    check(
        "open a 100 = put; ok a = asked; wait a 1 = held; pass 99 = [] 0; pass 1 = [\"a\"] 0; nobody a = delete; \
         once a = other; stored a = none [1]; once a = other; deny a = other; wait a 2 = over deny; rows = 0; \
         pass 15000 = [] 0; wait a 3 = unknown; deny a = unknown",
    );
}

#[test]
fn nothing_is_told_before_it_is_on_disk() {
    check(
        "open a 100 = put; deny a = unknown; wait a 1 = held; lost a = [1]; wait a 1 = unknown; deny a = unknown",
    );
    check("open a 100 = put; pass 200 = [] 0; ok a = asked; pass 0 = [\"a\"] 0");
    check("open a 100 = put; ok a = asked; lost a = []; deny a = put");
}

#[test]
fn one_decision_counts() {
    check(
        "open a 100 = put; ok a = asked; once a = put; once a = sameonitsway; deny a = other; stored a = some(allowonce) []; \
         once a = same; deny a = other; stored a = no",
    );
}

#[test]
fn the_store_refuses_a_decision() {
    check(
        "open a 100 = put; ok a = asked; wait a 1 = held; once a = put; refused a = true; deny a = put; \
         stored a = some(deny) [1]",
    );
    check(
        "open a 100 = put; ok a = asked; once a = put; pass 100 = [] 0; refused a = true; pass 0 = [\"a\"] 0",
    );
}

#[test]
fn some_may_not_be_allowed_always() {
    check("open careful 9 = put; ok careful = asked; always careful = notallowed; once careful = put");
}

#[test]
fn what_a_shard_asked_is_kept_until_it_is_taken() {
    check(
        "ask a 100 = put; ok a = asked; once a = put; taken a = no; \
         stored a = some(allowonce) []; pass 99999 = [] 0; restart 0 = 0+1 0; taken a = delete; taken a = no; \
         restart 0 = 0+0 0",
    );
    check(
        "ask a 100 = put; ok a = asked; pass 100 = [\"a\"] 0; nobody a = put; stored a = none []; \
         pass 20000 = [] 0; taken a = delete; rows = 0; pass 0 = [] 0; wait a 1 = unknown",
    );
    check(
        "ask a 100 = put; ok a = asked; deny a = put; stored a = some(deny) []; taken a = delete; wait a 1 = over deny; \
         pass 15000 = [] 0; wait a 1 = unknown",
    );
}

#[test]
fn restarts() {
    // It waits for the rest of its time, under its id.
    check("open a 100 = put; ok a = asked; restart 40 = 1+0 0; pass 59 = [] 0; pass 1 = [\"a\"] 0");
    check("open a 100 = put; restart 40 = 1+0 0; once a = put; stored a = some(allowonce) []");
    // Its time ran out meanwhile.
    check(
        "open a 100 = put; ok a = asked; restart 900 = 1+0 0; pass 0 = [\"a\"] 0; nobody a = delete; rows = 0",
    );
    check("ask a 100 = put; ok a = asked; restart 900 = 1+0 0; pass 0 = [\"a\"] 0; nobody a = put");
    // What a client asked and a person decided is known for a while, then forgotten.
    check(
        "open a 100 = put; ok a = asked; once a = put; restart 5 = 0+0 0; wait a 1 = over allowonce; once a = same; \
         pass 15000 = [] 1; rows = 0",
    );
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let now = Story::new().now;
    let good = serde_json::to_string(&record("b", 5, now, false)).unwrap();
    let (approvals, problems) = Approvals::<u32>::load([("a", "{}"), ("other", &good), ("b", &good)], now);
    assert_eq!((approvals.pending().len(), problems.len()), (1, 2), "{problems:?}");
}

#[test]
fn bounds() {
    let mut story = Story::new();
    for n in 0..PENDING_MAX {
        assert_eq!(story.step(&format!("open p{n} 60000")), "put");
        story.step(&format!("ok p{n}"));
    }
    assert_eq!(story.step("open more 5"), "full");
    // What is over makes room for what comes, oldest first.
    for n in 0..PENDING_MAX {
        story.step(&format!("deny p{n}"));
        story.step(&format!("stored p{n}"));
        story.now.mono_ms += 1;
    }
    for n in 0..PENDING_MAX {
        assert_eq!(story.step(&format!("open q{n} 60000")), "put");
        story.step(&format!("ok q{n}"));
    }
    assert_eq!(story.step("open more 5"), "full");
    for n in 0..WAITERS_MAX {
        assert_eq!(story.step(&format!("wait q1 {n}")), "held");
    }
    assert_eq!(story.step("wait q2 1"), "full");
    story.step("deny q1");
    story.step("stored q1");
    assert_eq!(story.step("wait q2 1"), "held");
    assert_eq!(story.step("open more 5"), "put+delete");
    assert_eq!(story.approvals.entries.len(), KEPT_MAX);
    assert!(story.approvals.get("p0").is_none() && story.approvals.get("p1").is_some());

    // Decisions that a shard must take are never forgotten for room.
    let mut story = Story::new();
    for n in 0..KEPT_MAX {
        story.step(&format!("ask a{n} 5"));
        story.step(&format!("ok a{n}"));
        story.step(&format!("deny a{n}"));
        story.step(&format!("stored a{n}"));
    }
    assert_eq!(story.step("ask more 5"), "full");
    story.step("taken a7");
    assert_eq!(story.step("ask more 5"), "put+delete");

    let mut story = Story::new();
    let big = |id: usize, now| Record {
        request: ExecRequest { command: "x".repeat(1 << 20).into(), ..ExecRequest::default() },
        ..record(&id.to_string(), 5, now, false)
    };
    let now = story.now;
    let fit = (0..20).take_while(|id| story.approvals.open(big(*id, now), now).is_ok()).count();
    assert_eq!(fit, 15, "of a mebibyte and a little each");
    story.approvals.unopened("3");
    assert!(story.approvals.open(big(99, now), now).is_ok());
}

#[test]
fn found_by_the_start_of_the_id() {
    let mut story = Story::new();
    for id in ["abc1", "abd2", "é"] {
        story.step(&format!("open {id} 9"));
    }
    let found = |start: &str| story.approvals.starting_with(start, |_| true).count();
    assert_eq!((found("ab"), found("ABC"), found("abc12"), found("x"), found("")), (2, 1, 0, 0, 3));
}

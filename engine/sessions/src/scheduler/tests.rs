//! Scripts: what is done to one session, and what comes of it.

use super::*;
use crate::queue::{DropPolicy, QueueMode};
use crate::turn::Origin;
use crate::turn::tests::turn;

fn key() -> SessionKey {
    SessionKey::from_stored("agent:main:main")
}

const LIMITS: Limits = Limits { lanes_max: 4, turns_max: 100, bytes_max: 1_000_000 };

fn at(ms: u64) -> Now {
    Now { mono_ms: ms, wall_ms: 1_000_000 + ms }
}

fn started(started: &Started) -> String {
    let mut line = format!("start {}", started.turn.run_id);
    for part in &started.merged {
        line += &format!("+{}", part.run_id);
    }
    if started.waited { line + " (waited)" } else { line }
}

fn gone(superseded: &[Superseded]) -> String {
    superseded.iter().map(|gone| format!(", {:?} {}", gone.why, gone.turn.run_id)).collect()
}

fn admission(admission: &Admission) -> String {
    match admission {
        Admission::Start(start) => started(start),
        Admission::Queued { superseded } => format!("queue{}", gone(superseded)),
        Admission::Steered { superseded } => format!("steer{}", gone(superseded)),
        Admission::Merged { into, superseded } => format!("merge into {into}{}", gone(superseded)),
        Admission::Interrupt { start, stop, superseded } => {
            format!("stop {}, {}{}", stop.as_deref().unwrap_or("nothing"), started(start), gone(superseded))
        }
        Admission::Duplicate => "duplicate".to_owned(),
        Admission::Refused { turn, why } => format!("refuse {} {why:?}", turn.run_id),
    }
}

fn next(next: &Next) -> String {
    match next {
        Next::Idle => "idle".to_owned(),
        Next::Wait { until_ms } => format!("wait {until_ms}"),
        Next::Start(start) => started(start),
    }
}

/// Runs a script. Steps: `<ms> say <id>`, `<ms> call <id>` (an `agent` turn), `boundary`, `end`, `abort <id>`,
/// `clear`, `tick`, `mode <name>`.
#[track_caller]
fn check(
    mode: QueueMode,
    debounce_ms: u32,
    cap: u16,
    drop: DropPolicy,
    script: &str,
    expect: &str,
) -> Scheduler {
    let mut scheduler = Scheduler::new(LIMITS);
    let mut policy = QueuePolicy { mode, debounce_ms, cap, drop };
    let mut log = Vec::new();
    for step in script.split(';').map(str::trim) {
        let words: Vec<&str> = step.split_whitespace().collect();
        let now = at(words[0].parse().unwrap());
        log.push(match words[1..] {
            ["say", id] => admission(&scheduler.submit(turn(id), &policy, now)),
            ["call", id] => {
                let call = Turn { origin: Origin::Agent, ..turn(id) };
                admission(&scheduler.submit(call, &policy, now))
            }
            ["boundary"] => {
                let handed = scheduler.boundary(&key(), now);
                let names = handed.iter().map(|item| {
                    format!(
                        " {}{}",
                        item.turn.text.replace('\n', "/"),
                        if item.stays_queued { "*" } else { "" }
                    )
                });
                format!("take{}", names.collect::<String>())
            }
            ["end"] => next(&scheduler.complete(&key(), now)),
            ["abort", id] => match scheduler.abort(&key(), id, now) {
                Aborted::Nothing => "nothing".to_owned(),
                Aborted::Waiting(turn) => format!("gone {}", turn.run_id),
                Aborted::Running(after) => format!("stopped, {}", next(&after)),
            },
            ["clear"] => {
                let gone = scheduler.clear(&key(), Clear::Messages);
                format!("cleared{}", gone.iter().map(|turn| format!(" {}", turn.run_id)).collect::<String>())
            }
            ["tick"] => scheduler.tick(now).map_or("-".to_owned(), |(_, start)| started(&start)),
            ["mode", name] => {
                policy.mode = QueueMode::parse(pincer_protocol::Wire::V3, name).unwrap();
                continue;
            }
            ref other => panic!("unknown step {other:?}"),
        });
    }
    assert_eq!(log.join("; "), expect);
    scheduler
}

use DropPolicy::{New, Old, Summarize};
use QueueMode::{Collect, Followup, Interrupt, Steer, SteerBacklog};

#[test]
fn followup_keeps_every_message_in_order() {
    check(
        Followup,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 boundary; 4 end; 5 end; 6 end",
        "start a; queue; queue; take; start b (waited); start c (waited); idle",
    );
}

#[test]
fn a_queue_waits_for_quiet() {
    check(
        Followup,
        1000,
        20,
        Summarize,
        "0 say a; 100 say b; 300 end; 500 say c; 1499 tick; 1500 tick; 1501 end; 1502 end",
        "start a; queue; wait 1100; queue; -; start b (waited); start c (waited); idle",
    );
    check(
        Followup,
        100,
        2,
        Summarize,
        "0 say a; 10 say b; 20 end; 30 say c; 30 tick",
        "start a; queue; wait 110; queue; start b (waited)",
    );
    let chatter: String =
        (1..=30).map(|step| format!("; {} say m{step}; {} tick", step * 90, step * 90)).collect();
    let scheduler = {
        let script = format!("0 say a; 0 say b; 0 end{chatter}");
        let mut want = "start a; queue; wait 100".to_owned();
        for step in 1..=30 {
            // Ten debounces after the turn ended the queue goes on although it is never quiet.
            want += if step == 12 { "; queue; start b (waited)" } else { "; queue; -" };
        }
        check(Followup, 100, 1000, Summarize, &script, &want)
    };
    assert_eq!(scheduler.depth(&key()), 30);
}

#[test]
fn steer_keeps_only_the_newest() {
    check(
        Steer,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 boundary; 4 say d; 5 end; 6 end",
        "start a; steer; steer, Newer b; take c; steer; start d (waited); idle",
    );
}

#[test]
fn steered_messages_that_were_taken_are_not_taken_again() {
    check(
        Steer,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 boundary; 3 say b; 4 end",
        "start a; steer; take b; duplicate; idle",
    );
}

#[test]
fn steer_backlog_hands_over_and_runs_again() {
    check(
        SteerBacklog,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 boundary; 4 boundary; 5 end; 6 end; 7 end",
        "start a; steer; steer; take b* c*; take; start b (waited); start c (waited); idle",
    );
}

#[test]
fn collect_runs_what_waited_as_one() {
    check(
        Collect,
        1000,
        20,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 call x; 4 say d; 500 end; 1001 tick; 1004 tick; 1005 end; 1006 end; 1007 end",
        "start a; queue; merge into b; queue; queue; wait 1004; -; start b+c (waited); start x (waited); \
         start d (waited); idle",
    );
}

#[test]
fn interrupt_takes_the_place_of_what_runs() {
    check(
        Followup,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 1 call x; 2 mode interrupt; 2 say c; 3 end; 4 end",
        "start a; queue; queue; stop a, start c, Interrupted b; start x (waited); idle",
    );
    check(
        Followup,
        1000,
        20,
        Summarize,
        "0 say a; 1 say b; 2 end; 3 mode interrupt; 3 say c; 4 end",
        "start a; queue; wait 1001; stop nothing, start c, Interrupted b; idle",
    );
    check(Interrupt, 0, 20, Summarize, "0 say a; 1 call x; 2 end", "start a; queue; start x (waited)");
}

#[test]
fn a_full_queue_lets_somebody_go() {
    check(
        Followup,
        0,
        2,
        Old,
        "0 say a; 1 say b; 2 say c; 3 say d",
        "start a; queue; queue; queue, Overflow b",
    );
    check(
        Followup,
        0,
        2,
        New,
        "0 say a; 1 say b; 2 say c; 3 say d; 4 end",
        "start a; queue; queue; refuse d QueueFull; start b (waited)",
    );
    check(Steer, 0, 1, New, "0 say a; 1 say b; 2 say c", "start a; steer; steer, Newer b");
    let mut scheduler = check(
        Followup,
        0,
        1,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 say d",
        "start a; queue; queue, Overflow b; queue, Overflow c",
    );
    let Next::Start(start) = scheduler.complete(&key(), at(9)) else { panic!("d starts") };
    assert_eq!(start.turn.text, "[Queue overflow] Dropped 2 messages due to cap.\nSummary:\n- c\n\nd");
}

#[test]
fn calls_that_somebody_waits_for_stand_in_line() {
    let calls: String = (0..21).map(|n| format!("; 1 call x{n}")).collect();
    let mut want = "start a".to_owned();
    (0..20).for_each(|_| want += "; queue");
    check(Steer, 0, 1, Old, &format!("0 say a{calls}; 2 clear"), &(want + "; refuse x20 QueueFull; cleared"));
}

#[test]
fn aborts_find_what_runs_and_what_waits() {
    check(
        Followup,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 say c; 3 abort b; 4 abort a; 5 abort zzz; 6 say c; 7 abort c; 8 abort c",
        "start a; queue; queue; gone b; stopped, start c (waited); nothing; duplicate; stopped, idle; nothing",
    );
    let scheduler = check(
        Followup,
        0,
        20,
        Summarize,
        "0 say a; 1 say b; 2 clear; 3 end",
        "start a; queue; cleared b; idle",
    );
    assert_eq!(
        (scheduler.lanes(), scheduler.turns(), scheduler.bytes(), scheduler.deadline()),
        (0, 0, 0, None)
    );
}

#[test]
fn bounds_hold_over_all_sessions() {
    let policy = QueuePolicy { mode: Followup, debounce_ms: 0, cap: 20, drop: Old };
    let mut scheduler = Scheduler::new(Limits { lanes_max: 2, turns_max: 1, bytes_max: 10_000 });
    let in_lane = |lane: &str, id: &str| Turn { session_key: SessionKey::from_stored(lane), ..turn(id) };
    assert!(matches!(scheduler.submit(in_lane("x", "1"), &policy, at(0)), Admission::Start(_)));
    assert!(matches!(scheduler.submit(in_lane("y", "2"), &policy, at(0)), Admission::Start(_)));
    let full = scheduler.submit(in_lane("z", "3"), &policy, at(0));
    assert!(matches!(full, Admission::Refused { why: Refusal::LanesFull, .. }));
    assert!(matches!(scheduler.submit(in_lane("x", "4"), &policy, at(0)), Admission::Queued { .. }));
    let full = scheduler.submit(in_lane("y", "5"), &policy, at(0));
    assert!(matches!(full, Admission::Refused { why: Refusal::Full, .. }));
    scheduler.clear(&SessionKey::from_stored("x"), Clear::All);
    let big = Turn { text: "x".repeat(10_000), ..in_lane("y", "6") };
    assert!(matches!(scheduler.submit(big, &policy, at(0)), Admission::Refused { why: Refusal::Full, .. }));
}

#[test]
fn memory_has_a_sum() {
    let bound = |limits: Limits| limits.memory_bound();
    assert_eq!(bound(Limits { lanes_max: 0, ..LIMITS }), 1_000_000);
    assert!(bound(LIMITS) > bound(Limits { lanes_max: 3, ..LIMITS }));
}

#[test]
fn what_was_accepted_survives_a_restart() {
    let policy = QueuePolicy { mode: Followup, debounce_ms: 1000, cap: 20, drop: Old };
    let mut before = Scheduler::new(LIMITS);
    let mut rows = Vec::new();
    for id in ["a", "b", "c"] {
        match before.submit(turn(id), &policy, at(0)) {
            Admission::Start(start) => {
                rows.push(TurnRecord { state: TurnState::Running, policy, turn: start.turn, release: None });
            }
            _ => {
                let row = serde_json::to_string(&before.record(&key(), id).unwrap()).unwrap();
                rows.push(serde_json::from_str(&row).unwrap());
            }
        }
    }
    rows.reverse();
    let mut after = Scheduler::new(LIMITS);
    let interrupted = after.restore(rows, at(5));
    assert_eq!(interrupted.iter().map(|turn| turn.run_id.as_str()).collect::<Vec<_>>(), ["a"]);
    let (of, start) = after.tick(at(5)).unwrap();
    assert_eq!((of, start.turn.run_id.as_str(), start.waited), (key(), "b", true));
    assert_eq!(after.tick(at(5)), None);
    let Admission::Queued { .. } = after.submit(turn("d"), &policy, at(6)) else { panic!("d waits") };
    assert!(after.record(&key(), "d").unwrap().turn.seq > after.record(&key(), "c").unwrap().turn.seq);
}

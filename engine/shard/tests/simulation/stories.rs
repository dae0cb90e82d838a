//! What must happen, step by step.

use pincer_sessions::persist::Table;
use serde_json::{Value, json};

use crate::world::{HARMLESS, MALICIOUS, World};

const KEY: &str = "agent:main:story";

fn say(world: &mut World, run: &str, text: &str) -> Value {
    world.ask("chat.send", json!({"sessionKey": KEY, "message": text, "idempotencyKey": run}))
}

fn row(world: &World) -> Option<Value> {
    let json = world.disk.rows.get(&(Table::Sessions, KEY.to_owned()))?;
    serde_json::from_str(json).ok()
}

fn session_id(world: &World) -> String {
    row(world).unwrap()["sessionId"].as_str().unwrap().to_owned()
}

/// Answers of the requests of `agent`, in order.
fn answers(world: &World, id: &str) -> Vec<Value> {
    let frames = world.clients[0].frames.iter().filter(|frame| frame["id"] == id);
    frames.map(|frame| frame["payload"]["status"].clone()).collect()
}

/// A session goes while its turn is on its way to the disk: the caller is told once that it was accepted, and once that it
/// was stopped; the next message runs.
#[test]
fn a_turn_that_never_began_is_answered() {
    for method in ["sessions.delete", "sessions.reset", "chat.abort"] {
        let mut world = World::story(&json!({}));
        say(&mut world, "first", "hello");
        let params = json!({"sessionKey": KEY, "message": "SLOW 3", "idempotencyKey": "agent"});
        let id = world.tell("agent", params);
        let key = if method == "chat.abort" { "sessionKey" } else { "key" };
        world.tell(method, json!({ key: KEY }));
        world.wait(5_000);
        let answers = answers(&world, &id);
        match method {
            // It does not look at what has not begun: the run goes on.
            "chat.abort" => assert_eq!(answers, ["accepted", "ok"]),
            _ => assert_eq!(answers, ["accepted", "error"], "{method}"),
        }
        assert_eq!(say(&mut world, "next", "again")["payload"]["status"], "started", "{method}");
        world.wait(2_000);
        let said: Vec<&String> = world.disk.transcripts.values().flatten().collect();
        assert!(said.iter().any(|line| line.contains("You said: again")), "{method}");
    }
}

/// The store fails while a run ends, and a deletion comes: the session's old row must not come back.
#[test]
fn a_deleted_session_stays_deleted() {
    let mut world = World::story(&json!({}));
    say(&mut world, "first", "SLOW 20");
    world.fails = true;
    world.wait(2_000);
    let refused = world.ask("sessions.delete", json!({ "key": KEY }));
    assert_eq!(refused["ok"], false, "nothing may overtake what is not on disk yet: {refused}");
    world.fails = false;
    world.wait(3_000);
    let deleted = world.ask("sessions.delete", json!({ "key": KEY }));
    assert_eq!(deleted["payload"]["deleted"], true, "{deleted}");
    world.wait(5_000);
    assert_eq!(row(&world), None);
    assert_eq!(world.disk.transcripts.keys().filter(|path| path.ends_with(".jsonl")).count(), 0);
}

/// What a newer list wrote stands, whatever is tried again.
#[test]
fn an_older_list_does_not_undo_a_newer_one() {
    let mut world = World::story(&json!({}));
    say(&mut world, "first", "SLOW 20");
    world.fails = true;
    world.wait(2_000);
    // The end of the run was not taken; a patch is.
    world.fails = false;
    let patched = world.ask("sessions.patch", json!({"key": KEY, "label": "mine"}));
    assert_eq!(patched["ok"], true, "{patched}");
    world.wait(5_000);
    assert_eq!(row(&world).unwrap()["label"], "mine");
    let turns = world.disk.rows.keys().filter(|(table, _)| *table == Table::Turns).count();
    assert_eq!(turns, 0, "the rest of the older list was made durable");
}

/// A run is stopped while its answer is on its way to the disk: the answer stands once.
#[test]
fn an_answer_is_not_written_twice() {
    let mut world = World::story(&json!({}));
    say(&mut world, "first", "SLOW 20");
    world.fails = true;
    world.wait(2_000);
    world.tell("chat.abort", json!({"sessionKey": KEY}));
    world.wait(10);
    world.fails = false;
    world.wait(5_000);
    let said = world.disk.transcripts.values().flatten().filter(|line| line.contains("word19")).count();
    assert_eq!(said, 1);
}

/// `config`, after so many minutes of silence: whether the next message begins anew.
#[track_caller]
fn check_stale(session: Value, silence_minutes: u64, begins_anew: bool) {
    let mut world = World::story(&json!({ "session": session }));
    say(&mut world, "first", "hello");
    world.wait(1_000);
    let before = session_id(&world);
    world.wait(silence_minutes * 60_000);
    say(&mut world, "second", "again");
    world.wait(1_000);
    let after = session_id(&world);
    assert_eq!(before != after, begins_anew, "{session} after {silence_minutes} minutes");
    let live: Vec<&String> =
        world.disk.transcripts.keys().filter(|path| path.ends_with(&format!("{after}.jsonl"))).collect();
    assert_eq!(live.len(), 1, "{:?}", world.disk.transcripts.keys());
    let aside = world.disk.transcripts.keys().filter(|path| path.contains(".aside.")).count();
    assert_eq!(aside, usize::from(begins_anew), "the old transcript is put aside");
    let lines = &world.disk.transcripts[live[0]];
    assert_eq!(lines.iter().filter(|line| line.contains(r#""type":"session""#)).count(), 1);
    assert_eq!(lines.iter().any(|line| line.contains("hello")), !begins_anew);
}

/// The story begins on 2027-01-15 at 08:00 UTC.
#[test]
fn stale_sessions_begin_anew() {
    check_stale(json!({}), 60, false);
    check_stale(json!({}), 19 * 60, false);
    check_stale(json!({}), 21 * 60, true);
    check_stale(json!({"reset": {"mode": "daily", "atHour": 9}}), 61, true);
    check_stale(json!({"reset": {"mode": "idle", "idleMinutes": 30}}), 29, false);
    check_stale(json!({"reset": {"mode": "idle", "idleMinutes": 30}}), 32, true);
    check_stale(json!({"reset": {"mode": "idle", "idleMinutes": 3000}}), 2000, false);
    check_stale(json!({"idleMinutes": 30}), 32, true);
    check_stale(json!({"idleMinutes": 3000}), 2000, false);
    check_stale(json!({"resetByType": {"direct": {"mode": "idle", "idleMinutes": 10}}}), 12, true);
    check_stale(json!({"resetByType": {"group": {"mode": "idle", "idleMinutes": 10}}}), 12, false);
}

/// A message that names an unknown address waits for what the service says of it, and is judged by that; so are the next
/// ones, also after a restart. Nobody asks again.
#[test]
fn what_the_service_says_decides() {
    let defender = json!({"mode": "enforce", "intel": {"service": {"apiKey": "k"}}});
    let mut world = World::story(&json!({"defender": defender}));
    world.service = Some(MALICIOUS);
    let first = say(&mut world, "first", "What is on https://shop.sim-one.net/a today?");
    assert_eq!(first["error"]["details"]["reason"], "defender-blocked", "{first:#}");
    world.wait(2_000);
    let check = |world: &mut World, run: &str| {
        // Its host is what was asked about.
        let next = say(world, run, "And on http://shop.sim-one.net/b?");
        assert_eq!(next["error"]["details"]["reason"], "defender-blocked", "{next:#}");
        assert_eq!(next["error"]["details"]["rules"][0], "intel.malicious-url");
        let fine = say(world, &format!("{run} too"), "And https://www.sim-one.net/?");
        assert_eq!(fine["payload"]["status"], "started", "another host: {fine:#}");
    };
    world.service = Some(HARMLESS);
    check(&mut world, "second");
    world.crash();
    world.connect_as(4);
    check(&mut world, "third");
    let spent = &world.disk.rows[&(Table::Facts, "defender.intel.spent".to_owned())];
    assert_eq!(serde_json::from_str::<Value>(spent).unwrap()["used"], 2, "each host once: {spent}");
}

/// With fail mode `review` a person looks at what the service did not answer, and only at that.
#[test]
fn what_nobody_answers_waits_for_a_person() {
    let intel = json!({"service": {"apiKey": "k"}, "failMode": "review"});
    let mut world = World::story(&json!({"defender": {"mode": "enforce", "intel": intel}}));
    world.service = Some("{");
    let private = "Is http://192.168.0.9/x or http://printer.local/ up?";
    assert_eq!(say(&mut world, "private", private)["payload"]["status"], "started");
    let read = |world: &mut World, run: &str, address: &str| {
        let message = format!("Read {address}");
        let id = world.tell("agent", json!({"sessionKey": KEY, "message": message, "idempotencyKey": run}));
        world.wait(5_000);
        answers(world, &id)
    };
    assert_eq!(read(&mut world, "new", "https://sim-two.net/"), ["accepted"], "it is held");
    // Behind the pause that a failure makes.
    world.wait(20_000);
    world.service = Some(HARMLESS);
    assert_eq!(read(&mut world, "answered", "https://sim-two.net/x"), ["accepted", "ok"]);
}

/// What was blocked is said once, when a person lets it through, also when the process dies over it; who says so twice is
/// told. What is only noted is never said.
#[test]
fn what_was_blocked_is_said_when_it_is_let_through() {
    let defender = json!({"mode": "enforce", "deny": {"phrases": ["never say this"]}});
    let said = |world: &World, text: &str| {
        world.disk.transcripts.values().flatten().filter(|line| line.contains(text)).count()
    };
    let release = |world: &mut World, params: Value| world.ask("security.quarantine.release", params);
    for dies in [false, true] {
        let mut world = World::story(&json!({"defender": defender}));
        let refused = say(&mut world, "first", "never say this: alpha");
        let id = refused["error"]["details"]["quarantineId"].as_str().unwrap().to_owned();
        assert_eq!(said(&world, "alpha"), 0);
        if dies {
            // The row is on its way to the disk, or there, and the ledger says nothing yet.
            world.tell("security.quarantine.release", json!({"id": id}));
            while world.disk.count(Table::Turns) == 0 {
                world.wait(1);
            }
            assert!(!world.disk.quarantine[&id].released);
            world.crash();
            world.connect_as(4);
        } else {
            let first = release(&mut world, json!({"id": id, "by": "ana"}));
            assert_eq!(first["payload"]["delivered"], true, "{first:#}");
            assert_eq!(first["payload"]["runId"], format!("release-{id}"));
        }
        world.wait(5_000);
        assert!(world.disk.quarantine[&id].released);
        // In the question, and in what the loopback model makes of it.
        assert_eq!(said(&world, "never say this: alpha"), 2, "dies: {dies}");
        let second = release(&mut world, json!({"id": id}));
        assert_eq!(
            (&second["payload"]["before"], &second["payload"]["delivered"]),
            (&json!(true), &json!(false))
        );
        world.wait(5_000);
        assert_eq!(said(&world, "never say this: alpha"), 2);
        assert_eq!(world.disk.count(Table::Turns), 0);

        let refused = say(&mut world, "second", "never say this: beta");
        let id = refused["error"]["details"]["quarantineId"].as_str().unwrap().to_owned();
        let noted = release(&mut world, json!({"id": id, "noteOnly": true}));
        assert_eq!(
            (&noted["payload"]["before"], &noted["payload"]["delivered"]),
            (&json!(false), &json!(false))
        );
        let late = release(&mut world, json!({"id": id}));
        assert_eq!(late["payload"]["before"], true, "{late:#}");
        world.wait(5_000);
        assert_eq!(said(&world, "beta"), 0);
    }
}

/// What waits for a review is in the ledger before it is accepted, and it is said when the ledger says who let it through.
#[test]
fn what_is_held_is_in_the_ledger() {
    let defender = json!({"mode": "enforce", "thresholds": {"review": 1, "block": 100}});
    let mut world = World::story(&json!({"defender": defender}));
    let said = |world: &World| {
        world.disk.transcripts.values().flatten().filter(|line| line.contains("alpha")).count()
    };
    world.tell("chat.send", json!({"sessionKey": KEY, "message": "it is alpha", "idempotencyKey": "first"}));
    while world.disk.count(Table::Turns) == 0 {
        world.wait(1);
    }
    let id = world.disk.quarantine.keys().next().expect("an entry, before its message").clone();
    world.crash();
    world.connect_as(4);
    world.wait(2_000);
    assert_eq!((said(&world), world.disk.quarantine[&id].released), (0, false));
    world.ask("exec.approval.resolve", json!({"id": id, "decision": "allow-once"}));
    while said(&world) == 0 {
        world.wait(1);
    }
    assert!(world.disk.quarantine[&id].released);
}

/// What cannot be said again is noted, or refused; nothing is released that could not be told.
#[test]
fn what_cannot_be_said_again() {
    let defender = json!({"mode": "enforce", "deny": {"phrases": ["never say this"]}});
    let mut world = World::story(&json!({"defender": defender}));
    let refused = say(&mut world, "first", "never say this");
    let id = refused["error"]["details"]["quarantineId"].as_str().unwrap().to_owned();
    // As an older version kept it.
    let turn = world.disk.quarantine.get_mut(&id).unwrap().turn.take();
    let noted = world.ask("security.quarantine.release", json!({"id": id}));
    assert_eq!(noted["payload"]["delivered"], false, "{noted:#}");
    assert!(noted["payload"]["note"].as_str().unwrap().contains("only noted"), "{noted:#}");
    // Attachments that were too large.
    let mut kept: Value = serde_json::from_str(&turn.unwrap()).unwrap();
    kept["leftOut"] = json!({"attachments": 2, "bytes": 9_000_000, "allowed": 4_194_304});
    let entry = world.disk.quarantine.get_mut(&id).unwrap();
    (entry.released, entry.turn) = (false, Some(kept.to_string()));
    let refused = world.ask("security.quarantine.release", json!({"id": id}));
    assert_eq!(refused["error"]["details"]["reason"], "attachments-not-kept", "{refused:#}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("2 attachments of 9000000 bytes"));
    assert!(!world.disk.quarantine[&id].released);
    let unknown = world.ask("security.quarantine.release", json!({"id": "nobody"}));
    assert!(unknown["error"]["message"].as_str().unwrap().contains("no entry nobody"), "{unknown:#}");
    // The store takes nothing: nothing was released, and nothing is left over.
    let refused = say(&mut world, "second", "never say this either");
    let id = refused["error"]["details"]["quarantineId"].as_str().unwrap().to_owned();
    world.fails = true;
    let failed = world.ask("security.quarantine.release", json!({"id": id}));
    assert_eq!(failed["ok"], false, "{failed:#}");
    world.fails = false;
    world.wait(5_000);
    assert!(!world.disk.quarantine[&id].released);
    assert_eq!(world.disk.count(Table::Turns), 0);
    let after = world.ask("security.quarantine.release", json!({"id": id}));
    assert_eq!(after["payload"]["delivered"], true, "{after:#}");
}

fn approvals(world: &World) -> Vec<Value> {
    let rows = world.disk.rows.iter().filter(|((table, _), _)| *table == Table::Approvals);
    rows.map(|(_, json)| serde_json::from_str(json).unwrap()).collect()
}

fn answer(world: &World, id: &str) -> Option<Value> {
    world.clients[0].frames.iter().rfind(|frame| frame["id"] == id).cloned()
}

const REQUEST: &str = "exec.approval.request";

/// Nobody but the asker is there: it is over at once, unless it may wait.
#[test]
fn an_approval_needs_somebody_to_ask() {
    let mut world = World::story(&json!({}));
    let over = world.ask(REQUEST, json!({"id": "a", "command": "make"}));
    assert_eq!((&over["payload"]["decision"], &over["ok"]), (&Value::Null, &json!(true)), "{over}");
    assert_eq!(approvals(&world).len(), 0);
    let waited = world.ask("exec.approval.waitDecision", json!({"id": "a"}));
    assert_eq!(waited["payload"]["terminalReason"], "no-route", "{waited}");
    let late = world.ask("exec.approval.resolve", json!({"id": "a", "decision": "deny"}));
    assert_eq!(late["error"]["message"], "approval already resolved");
    world.wait(15_000);
    let late = world.ask("exec.approval.resolve", json!({"id": "a", "decision": "deny"}));
    assert_eq!(late["error"]["message"], "unknown or expired approval id");
}

/// The process dies with an approval pending: it is there again, and can be decided.
#[test]
fn an_approval_survives_a_crash() {
    let mut world = World::story(&json!({}));
    let params = json!({"id": "abc", "command": "make", "timeoutMs": 60_000, "requireDeliveryRoute": false});
    world.tell(REQUEST, params);
    world.wait(1_000);
    assert_eq!(approvals(&world).len(), 1);
    world.crash();
    let listed = world.ask("exec.approval.list", json!({}));
    assert_eq!(listed["payload"][0]["id"], "abc", "{listed}");
    let wait = world.tell("exec.approval.waitDecision", json!({"id": "abc"}));
    let resolved = world.ask("exec.approval.resolve", json!({"id": "ab", "decision": "allow-once"}));
    assert_eq!(resolved["payload"], json!({"ok": true}), "{resolved}");
    assert_eq!(answer(&world, &wait).unwrap()["payload"]["decision"], "allow-once");
    assert_eq!(approvals(&world)[0]["ruling"]["decision"], "allow-once");
    let again = world.ask("exec.approval.resolve", json!({"id": "abc", "decision": "allow-once"}));
    assert_eq!(again["payload"], json!({"ok": true}), "the same again: {again}");
    world.wait(16_000);
    assert_eq!(approvals(&world).len(), 0, "forgotten");
}

/// What the store does not take was neither asked nor decided; that time ran out counts all the same.
#[test]
fn approvals_while_the_store_fails() {
    let mut world = World::story(&json!({}));
    let params =
        |id: &str| json!({"id": id, "command": "make", "timeoutMs": 8_000, "requireDeliveryRoute": false});
    world.fails = true;
    let refused = world.ask(REQUEST, params("a"));
    assert_eq!(refused["error"]["code"], "UNAVAILABLE", "{refused}");
    world.fails = false;
    let asked = world.tell(REQUEST, params("a"));
    world.wait(1_000);
    world.fails = true;
    let refused = world.ask("exec.approval.resolve", json!({"id": "a", "decision": "allow-once"}));
    assert_eq!(refused["error"]["code"], "UNAVAILABLE", "{refused}");
    // Who says the same before that is known hears it too, and does not wait for another decision.
    let both = [0, 1].map(|_| world.tell("exec.approval.resolve", json!({"id": "a", "decision": "deny"})));
    world.wait(500);
    for id in both {
        assert_eq!(answer(&world, &id).unwrap()["error"]["code"], "UNAVAILABLE");
    }
    assert_eq!(answer(&world, &asked), None);
    world.wait(10_000);
    assert_eq!(answer(&world, &asked), None, "not on disk, so not told");
    world.fails = false;
    world.wait(3_000);
    assert_eq!(answer(&world, &asked).unwrap()["payload"]["decision"], Value::Null);
}

/// What a shard asks waits whoever is there, is shown like any other, and its decision is kept until it is taken.
#[test]
fn a_shard_asks() {
    let mut world = World::story(&json!({}));
    world.open_approval("mine".to_owned(), 60_000);
    world.wait(1_000);
    let listed = world.ask("exec.approval.list", json!({}));
    let request = &listed["payload"][0]["request"];
    assert_eq!(request["command"], "a message\nin two lines", "{listed}");
    assert_eq!(request["warningText"], "it looks odd");
    assert_eq!(request["allowedDecisions"], json!(["allow-once", "deny"]));
    assert_eq!(approvals(&world)[0]["holder"]["runId"], "run");
    assert!(!world.opened["mine"]);
    let always = world.ask("exec.approval.resolve", json!({"id": "mine", "decision": "allow-always"}));
    assert_eq!(always["error"]["message"], "allow-always is unavailable for this command");
    world.ask("exec.approval.resolve", json!({"id": "mine", "decision": "allow-once"}));
    assert!(world.opened["mine"]);
    assert_eq!(approvals(&world).len(), 0, "taken");

    // Silence means no, also while nobody is there.
    world.open_approval("other".to_owned(), 2_000);
    world.wait(1_000);
    world.crash();
    assert!(!world.opened["other"]);
    world.wait(1_000);
    assert_eq!((world.opened["other"], approvals(&world).len()), (true, 0));
}

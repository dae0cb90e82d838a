//! What the contract promises when nothing fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pincer_sessions::persist::{Outcome, ReadAnswer, StoreRead, Table, Tail, TailQuery};

use super::support::*;
use crate::disk::{Event, fault};

fn each_backend(test: impl Fn(&std::path::Path, &str)) {
    for store in BACKENDS {
        let dir = tempdir();
        test(dir.path(), store);
    }
}

#[test]
fn what_is_committed_is_there_after_a_stop_and_after_a_crash() {
    each_backend(|dir, name| {
        let mut expect = Held::default();
        let lists = [
            vec![put(Table::Sessions, "agent:main:main", r#"{"n":1}"#), append("a", &[r#"{"l":1}"#])],
            vec![put(Table::Sessions, "agent:main:main", r#"{"n":2}"#), delete(Table::Facts, "nothing")],
            vec![
                put(Table::Facts, "ключ", r#""ü""#),
                put(Table::Turns, "t", "{}"),
                delete(Table::Turns, "t"),
            ],
        ];
        for (round, list) in lists.iter().cycle().take(7).enumerate() {
            let opened = reopen(dir, name);
            assert_eq!(Held::found(dir, opened.rows), expect, "{name} round {round}");
            assert_eq!(opened.report.lines, [""; 0], "{name} round {round}");
            let mut store = opened.store;
            commit(&mut store, list).unwrap();
            expect.apply(list);
            if round % 2 == 0 {
                store.close().unwrap();
            }
        }
    });
}

#[test]
fn a_list_that_cannot_be_meant_fails_alone_and_whole() {
    each_backend(|dir, name| {
        let mut store = reopen(dir, name).store;
        let bad = [
            put(Table::Facts, "x", "{"),
            put(Table::Facts, "x", "{\n}"),
            put(Table::Facts, &"x".repeat(5000), "1"),
            append("a", &["{}", "nonsense"]),
            archive("a", u64::MAX),
        ];
        for (n, bad) in bad.into_iter().enumerate() {
            let good = format!("good {n}");
            let first = [put(Table::Facts, &good, "1"), append("a", &["{\"ok\":1}"])];
            let second = [put(Table::Facts, "bad", "1"), append("b", &["{}"]), append("a", &["{}"]), bad];
            let third = [put(Table::Facts, &format!("{good} too"), "2")];
            let results = store.commit(&[&first, &second, &third]);
            assert_eq!(results[0], Ok(vec![Outcome::Done, Outcome::Done]));
            assert!(results[1].as_ref().is_err_and(|error| !error.retryable), "{name} {n}");
            assert_eq!(results[2], Ok(vec![Outcome::Done]));
        }
        drop(store);
        let held = Held::found(dir, reopen(dir, name).rows);
        assert_eq!(held.rows.len(), 10, "{name}: {:?}", held.rows.keys());
        assert_eq!(held.files.len(), 1, "{name}");
        assert_eq!(held.files["agents/main/sessions/a.jsonl"], "{\"ok\":1}\n".repeat(5));
        assert!(!dir.join("agents/main/sessions/b.jsonl").exists());
    });
}

#[test]
fn a_batch_of_many_lists_is_synced_once() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    let lists: Vec<_> = (0..64)
        .map(|n| vec![put(Table::Facts, &n.to_string(), "1"), append(&format!("s{}", n % 5), &["{}"])])
        .collect();
    let lists: Vec<_> = lists.iter().map(Vec::as_slice).collect();
    fault::record();
    assert!(store.commit(&lists).iter().all(Result::is_ok));
    let events = fault::take();
    let syncs = events.iter().filter(|event| matches!(event, Event::Sync(_) | Event::SyncDir(_))).count();
    assert_eq!(syncs, 1);
    // Nothing reaches a transcript before the journal is synced, but for creating it.
    let synced = events.iter().position(|event| matches!(event, Event::Sync(_))).unwrap();
    assert_eq!(events[..synced].iter().filter(|event| matches!(event, Event::Write(..))).count(), 1);
}

#[test]
fn transcripts_are_archived_trimmed_and_rewritten() {
    each_backend(|dir, name| {
        let sessions = dir.join("agents/main/sessions");
        let path = |rest: &str| Some(sessions.join(rest).display().to_string());
        let at = 1_795_359_755_310;
        let mut store = reopen(dir, name).store;
        let mut one = |op| commit(&mut store, &[op]).unwrap().pop().unwrap();

        assert_eq!(one(archive("a", at)), Outcome::Archived(None));
        assert_eq!(one(trim("a", 5, at)), Outcome::Trimmed { archived: None, kept: 0, found: false });
        let header = r#"{"type":"session","version":3}"#;
        one(append("a", &[header, r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]));
        assert_eq!(one(trim("a", 3, at)), Outcome::Trimmed { archived: None, kept: 3, found: true });
        let archived = path("a.jsonl.bak.2026-11-22T15-02-35.310Z");
        assert_eq!(one(trim("a", 2, at)), Outcome::Trimmed { archived, kept: 2, found: true });
        assert_eq!(one(trim("a", 2, at)), Outcome::Trimmed { archived: None, kept: 2, found: true });
        assert_eq!(
            fs::read_to_string(sessions.join("a.jsonl")).unwrap(),
            format!("{header}\n{{\"n\":2}}\n{{\"n\":3}}\n")
        );
        // The same millisecond again: the next free name.
        let archived = path("a.jsonl.bak.2026-11-22T15-02-35.311Z");
        assert_eq!(one(rewrite("a", &[header, "{\"summary\":1}"], at)), Outcome::Archived(archived));
        one(append("a", &["{\"after\":1}"]));
        let archived = path("a.jsonl.reset.2026-11-22T15-02-35.310Z");
        assert_eq!(one(archive("a", at)), Outcome::Archived(archived));
        assert!(!sessions.join("a.jsonl").exists());
        assert_eq!(one(rewrite("new", &["{}"], at)), Outcome::Archived(None));

        let before = transcripts(dir);
        assert_eq!(before.len(), 4);
        assert!(before.values().any(|text| text.ends_with("{\"summary\":1}\n{\"after\":1}\n")));
        store.close().unwrap();
        drop(reopen(dir, name));
        assert_eq!(transcripts(dir), before);
    });
}

#[test]
fn files_are_private() {
    each_backend(|dir, name| {
        let state = dir.join("state");
        let mut store = reopen(&state, name).store;
        commit(&mut store, &[append("a", &["{}"]), rewrite("b", &["{}"], 0)]).unwrap();
        store.checkpoint_now().unwrap();
        let mut folders = vec![state.clone()];
        while let Some(folder) = folders.pop() {
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        assert_eq!(
                            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                            0o600,
                            "{path:?}"
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn random_lists_do_what_the_model_does() {
    for seed in seeds(40) {
        each_backend(|dir, name| {
            let mut dice = Dice::new(seed);
            let mut expect = Held::default();
            let mut store = reopen(dir, name).store;
            for step in 0..25 {
                let lists: Vec<_> = (0..=dice.below(4)).map(|_| dice.list()).collect();
                let slices: Vec<_> = lists.iter().map(Vec::as_slice).collect();
                for (list, result) in lists.iter().zip(store.commit(&slices)) {
                    assert_eq!(result.unwrap().len(), list.len());
                    expect.apply(list);
                }
                assert_eq!(transcripts(dir), expect.files, "{name} seed {seed} step {step}");
                match dice.below(8) {
                    0 => store.checkpoint_now().unwrap(),
                    1 => {
                        drop(store);
                        let opened = reopen(dir, name);
                        assert_eq!(Held::found(dir, opened.rows), expect, "{name} seed {seed} step {step}");
                        assert_eq!(opened.report.lines, [""; 0]);
                        store = opened.store;
                    }
                    _ => {}
                }
            }
            store.close().unwrap();
            let opened = reopen(dir, name);
            assert_eq!(Held::found(dir, opened.rows), expect, "{name} seed {seed}");
        });
    }
}

#[test]
fn readers_see_what_was_committed() {
    each_backend(|dir, name| {
        let mut store = reopen(dir, name).store;
        let reader = store.reader();
        commit(&mut store, &[append("a", &["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"])]).unwrap();
        let query = |session, lines_max| TailQuery { transcript: id(session), lines_max, bytes_max: 1 << 20 };
        let answer = reader.read(&StoreRead::Transcripts(vec![query("a", 2), query("b", 2)]));
        let tail = Tail { found: true, skipped: 1, lines: ["{\"n\":2}", "{\"n\":3}"].iter().collect() };
        assert_eq!(answer, ReadAnswer::Transcripts(vec![tail, Tail::default()]));

        fs::write(dir.join("pincer.log"), "one\ntwo\n").unwrap();
        match reader.read(&StoreRead::Log { cursor: None, lines_max: 9, bytes_max: 999 }) {
            ReadAnswer::Log { lines, cursor: 8, size: 8, truncated: false, reset: false, .. } => {
                assert_eq!(lines, ["one", "two"]);
            }
            other => panic!("{other:?}"),
        }
        fs::create_dir(dir.join("agents/main/sessions/dir.jsonl")).unwrap();
        let answer = reader.read(&StoreRead::Transcripts(vec![query("dir", 2)]));
        assert!(matches!(answer, ReadAnswer::Failed(_)), "{answer:?}");
    });
}

#[test]
fn large_rows_and_batches_are_taken() {
    each_backend(|dir, name| {
        let mut expect = Held::default();
        let mut store = reopen(dir, name).store;
        let big = format!("\"{}\"", "z".repeat(3_000_000));
        let lists: Vec<_> =
            (0..4).map(|n| vec![put(Table::Facts, &n.to_string(), &big), append("a", &[&big])]).collect();
        let slices: Vec<_> = lists.iter().map(Vec::as_slice).collect();
        assert!(store.commit(&slices).iter().all(Result::is_ok));
        lists.iter().for_each(|list| expect.apply(list));
        assert!(store.checkpoint_due());
        store.checkpoint_now().unwrap();
        assert!(!store.checkpoint_due());
        let tail = [append("a", &["{}"])];
        commit(&mut store, &tail).unwrap();
        expect.apply(&tail);
        drop(store);
        assert_eq!(Held::found(dir, reopen(dir, name).rows), expect);
    });
}

#[test]
fn more_transcripts_than_are_kept_open() {
    each_backend(|dir, name| {
        let mut expect = Held::default();
        let mut store = reopen(dir, name).store;
        for round in 0..3 {
            let lists: Vec<_> =
                (0..600).map(|n| vec![append(&format!("s{n}"), &[&format!("{{\"r\":{round}}}")])]).collect();
            let slices: Vec<_> = lists.iter().map(Vec::as_slice).collect();
            assert!(store.commit(&slices).iter().all(Result::is_ok));
            lists.iter().for_each(|list| expect.apply(list));
            let archives: Vec<_> = (0..600).step_by(7).map(|n| archive(&format!("s{n}"), round)).collect();
            commit(&mut store, &archives).unwrap();
            expect.apply(&archives);
        }
        assert_eq!(transcripts(dir), expect.files);
        store.checkpoint_now().unwrap();
        assert_eq!(transcripts(dir), expect.files);
    });
}

#[test]
fn transcripts_that_others_change_are_not_overwritten() {
    each_backend(|dir, name| {
        let path = dir.join("agents/main/sessions/a.jsonl");
        let read = || fs::read_to_string(&path).unwrap();
        let mut store = reopen(dir, name).store;
        let mut add = |line: &str| drop(commit(&mut store, &[append("a", &[line])]).unwrap());
        add("{\"n\":1}");
        // A line without its newline, by someone else.
        fs::write(&path, "{\"n\":1}\n{\"theirs\":1}").unwrap();
        add("{\"n\":2}");
        assert_eq!(read(), "{\"n\":1}\n{\"theirs\":1}\n{\"n\":2}\n");
        // Another file under the same name.
        fs::write(path.with_extension("new"), "{\"other\":1}\n").unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        add("{\"n\":3}");
        assert_eq!(read(), "{\"other\":1}\n{\"n\":3}\n");
        fs::remove_file(&path).unwrap();
        add("{\"n\":4}");
        assert_eq!(read(), "{\"n\":4}\n");
        fs::remove_dir_all(dir.join("agents")).unwrap();
        add("{\"n\":5}");
        assert_eq!(read(), "{\"n\":5}\n");
        store.checkpoint_now().unwrap();
    });
}

#[test]
fn commits_go_on_while_a_checkpoint_is_made() {
    each_backend(|dir, name| {
        let mut expect = Held::default();
        let mut store = reopen(dir, name).store;
        for round in 0..40 {
            let list: Vec<_> =
                (0..30).map(|n| append(&format!("s{n}"), &[&format!("{{\"r\":{round}}}")])).collect();
            commit(&mut store, &list).unwrap();
            expect.apply(&list);
            let list = [put(Table::Facts, &(round % 7).to_string(), &round.to_string())];
            commit(&mut store, &list).unwrap();
            expect.apply(&list);
            if round % 3 == 0 {
                store.checkpoint().unwrap();
            }
        }
        assert_eq!(store.take_notes(), [""; 0]);
        drop(store);
        let opened = reopen(dir, name);
        assert_eq!(Held::found(dir, opened.rows), expect, "{name}");
        assert_eq!(opened.report.lines, [""; 0]);
    });
}

#[test]
fn a_dropped_store_has_finished_its_checkpoint() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    let big = format!("\"{}\"", "z".repeat(3_000_000));
    for n in 0..3 {
        commit(&mut store, &[put(Table::Facts, &n.to_string(), &big)]).unwrap();
    }
    store.checkpoint().unwrap();
    drop(store);
    assert!(fs::metadata(dir.path().join("pincer.json")).unwrap().len() > 9_000_000);
}

#[test]
#[cfg(feature = "sqlite-state")]
fn sqlite_syncs_every_commit() {
    let dir = tempdir();
    for (fsync, level) in [(true, 2), (false, 0)] {
        let connection = crate::sqlite::tests::configured(&dir.path().join("x.db"), fsync);
        let found: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(found, level);
    }
}

#[test]
fn overdue_checkpoints_are_made_by_commits() {
    each_backend(|dir, name| {
        let opened = crate::open(crate::Options { checkpoint_bytes: 4096, ..options(dir, name) }).unwrap();
        let mut store = opened.store;
        let json = format!("\"{}\"", "x".repeat(10_000));
        let mut largest = 0;
        for n in 0..60 {
            commit(&mut store, &[put(Table::Facts, "same", &json), append("a", &[&n.to_string()])]).unwrap();
            let files =
                names(dir).into_iter().filter(|name| name.ends_with("journal") || name.ends_with("-wal"));
            largest =
                files.map(|file| fs::metadata(dir.join(file)).unwrap().len()).max().unwrap().max(largest);
        }
        assert!(largest < 400_000, "{name}: {largest}");
    });
}

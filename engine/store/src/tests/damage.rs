//! Files that are cut, overwritten, missing, or not ours.

use std::fs;
use std::path::Path;

use pincer_sessions::persist::Table;

use super::support::*;
use crate::OpenError;

/// A JSON store with a checkpoint behind it and four batches in its journal. Returns the states after 0 to 4 of them.
fn prepared(dir: &Path) -> Vec<Held> {
    let mut store = reopen(dir, "pincer.json").store;
    let mut held = Held::default();
    let first = [put(Table::Sessions, "old", r#"{"n":0}"#), append("a", &[r#"{"first":1}"#])];
    commit(&mut store, &first).unwrap();
    held.apply(&first);
    store.checkpoint_now().unwrap();
    let mut states = vec![held.clone()];
    for n in 1..=4 {
        let list = [
            put(Table::Facts, &format!("row {n}"), &format!(r#"{{"n":{n}}}"#)),
            put(Table::Facts, "shared", &n.to_string()),
            append("a", &[&format!(r#"{{"line":{n}}}"#)]),
        ];
        commit(&mut store, &list).unwrap();
        held.apply(&list);
        states.push(held.clone());
    }
    states
}

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

#[track_caller]
fn check_reported(report: &[String], part: &str) {
    assert!(report.iter().any(|line| line.contains(part)), "no {part:?} in {report:#?}");
}

#[test]
fn garbage_behind_the_journal_is_cut_off_and_kept() {
    let dir = tempdir();
    let states = prepared(dir.path());
    let journal = dir.path().join("pincer.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend_from_slice(b"\xff\xfegarbage\nmore garbage");
    fs::write(&journal, &bytes).unwrap();
    let opened = reopen(dir.path(), "pincer.json");
    check_reported(&opened.report.lines, "its last 22 bytes are no whole batch; they are kept in");
    assert_eq!(Held::found(dir.path(), opened.rows), states[4]);
    assert_eq!(fs::read(only(dir.path(), ".damaged.")).unwrap(), b"\xff\xfegarbage\nmore garbage");
    drop(opened.store);
    assert_eq!(reopen(dir.path(), "pincer.json").report.lines, [""; 0]);
}

#[test]
fn zeros_behind_the_journal_are_reported_and_not_kept() {
    let dir = tempdir();
    let states = prepared(dir.path());
    let journal = dir.path().join("pincer.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend_from_slice(&[0; 4096]);
    fs::write(&journal, &bytes).unwrap();
    let opened = reopen(dir.path(), "pincer.json");
    check_reported(&opened.report.lines, "all zero");
    assert_eq!(Held::found(dir.path(), opened.rows), states[4]);
    assert!(!names(dir.path()).iter().any(|name| name.contains("damaged")));
}

#[test]
fn damage_in_the_middle_costs_only_the_batch_it_hits() {
    let dir = tempdir();
    let states = prepared(dir.path());
    let journal = dir.path().join("pincer.journal");
    let mut lines = lines_of(&journal);
    lines[2] = lines[2].replace("row 2", "r\u{0}w 2");
    fs::write(&journal, lines.concat()).unwrap();
    let opened = reopen(dir.path(), "pincer.json");
    check_reported(&opened.report.lines, "damage lost batches 3 to 3");
    check_reported(&opened.report.lines, "are kept in");
    let found = Held::found(dir.path(), opened.rows);
    let mut expect = states[4].clone();
    expect.rows.remove(&(Table::Facts, "row 2".to_owned()));
    // The transcript had its line already, and keeps it.
    assert_eq!(found, expect);
    assert_eq!(fs::read(only(dir.path(), ".damaged.")).unwrap(), lines[2].as_bytes());
}

#[test]
fn lines_of_a_lost_batch_do_not_swallow_the_later_ones() {
    let dir = tempdir();
    let states = prepared(dir.path());
    let journal = dir.path().join("pincer.journal");
    let mut lines = lines_of(&journal);
    lines[2] = "damaged\n".to_owned();
    fs::write(&journal, lines.concat()).unwrap();
    // As if nothing since the checkpoint had reached the transcript.
    let transcript = dir.path().join("agents/main/sessions/a.jsonl");
    fs::write(&transcript, &states[0].files["agents/main/sessions/a.jsonl"]).unwrap();
    drop(reopen(dir.path(), "pincer.json"));
    assert_eq!(
        lines_of(&transcript),
        ["{\"first\":1}\n", "{\"line\":1}\n", "{\"line\":3}\n", "{\"line\":4}\n"]
    );
}

#[test]
fn losing_any_batch_leaves_transcripts_alone_that_were_written() {
    for seed in seeds(40) {
        let dir = tempdir();
        let mut store = reopen(dir.path(), "pincer.json").store;
        let mut dice = Dice::new(seed);
        let mut held = Held::default();
        for n in 0..12 {
            let list = dice.list();
            commit(&mut store, &list).unwrap();
            held.apply(&list);
            if n == 3 {
                store.checkpoint_now().unwrap();
            }
        }
        drop(store);
        let batches = lines_of(&dir.path().join("pincer.journal")).len();
        for lost in 1..batches - 1 {
            let damaged = tempdir();
            copy_dir(dir.path(), damaged.path());
            let journal = damaged.path().join("pincer.journal");
            let mut lines = lines_of(&journal);
            lines[lost] = lines[lost].replace("{", "(");
            fs::write(&journal, lines.concat()).unwrap();
            let opened = reopen(damaged.path(), "pincer.json");
            assert_eq!(
                transcripts(damaged.path()),
                held.files,
                "seed {seed}, batch {lost} of {batches} lost"
            );
            drop(opened);
            // The same journal once more, as after a crash before recovery was done.
            fs::write(&journal, lines.concat()).unwrap();
            fs::copy(dir.path().join("pincer.json"), damaged.path().join("pincer.json")).unwrap();
            drop(reopen(damaged.path(), "pincer.json"));
            assert_eq!(
                transcripts(damaged.path()),
                held.files,
                "seed {seed}, batch {lost} of {batches} lost, again"
            );
        }
    }
}

#[test]
fn lines_from_before_a_lost_archive_stay_in_the_archive() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    // The second transcript is as long as the first was at the checkpoint.
    commit(&mut store, &[append("a", &["{\"first\":1}"])]).unwrap();
    store.checkpoint_now().unwrap();
    commit(&mut store, &[append("a", &["{\"secret\":1}"])]).unwrap();
    commit(&mut store, &[archive("a", 0), append("a", &["{\"other\":2}"])]).unwrap();
    commit(&mut store, &[put(Table::Facts, "later", "1")]).unwrap();
    drop(store);
    let before = transcripts(dir.path());
    let journal = dir.path().join("pincer.journal");
    let mut lines = lines_of(&journal);
    lines[2] = "damaged\n".to_owned();
    fs::write(&journal, lines.concat()).unwrap();
    drop(reopen(dir.path(), "pincer.json"));
    assert_eq!(transcripts(dir.path()), before);
}

#[test]
fn losing_the_last_batch_loses_no_line() {
    for seed in seeds(40) {
        let dir = tempdir();
        let mut store = reopen(dir.path(), "pincer.json").store;
        let mut dice = Dice::new(seed);
        for _ in 0..8 {
            commit(&mut store, &dice.list()).unwrap();
        }
        drop(store);
        let before = transcripts(dir.path());
        let journal = dir.path().join("pincer.journal");
        let mut lines = lines_of(&journal);
        if let Some(last) = lines.last_mut() {
            *last = last.replace("{", "(");
        }
        fs::write(&journal, lines.concat()).unwrap();
        drop(reopen(dir.path(), "pincer.json"));
        let sessions = dir.path().join("agents/main/sessions");
        let files = fs::read_dir(sessions).into_iter().flatten().map(|entry| entry.unwrap().path());
        let after: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
        for line in before.values().flat_map(|text| text.lines()) {
            assert!(after.contains(line), "seed {seed}: {line} is gone");
        }
    }
}

#[test]
fn an_empty_or_missing_journal_is_not_passed_over_in_silence() {
    for empty in [true, false] {
        let dir = tempdir();
        let states = prepared(dir.path());
        let journal = dir.path().join("pincer.journal");
        fs::remove_file(dir.path().join("pincer.journal.bak")).unwrap();
        match empty {
            true => fs::write(&journal, "").unwrap(),
            false => fs::remove_file(&journal).unwrap(),
        }
        let opened = reopen(dir.path(), "pincer.json");
        check_reported(&opened.report.lines, "what was committed after batch 1 is lost");
        assert_eq!(Held::found(dir.path(), opened.rows).rows, states[0].rows);
        drop(opened.store);
        assert_eq!(reopen(dir.path(), "pincer.json").report.lines, [""; 0]);
    }
}

#[test]
fn a_damaged_or_missing_snapshot_is_rebuilt_from_the_one_before() {
    for damage in ["", "{\"pincer\":\"store\",\"vers", "\0\0\0\0", "flip", "missing"] {
        let dir = tempdir();
        let states = prepared(dir.path());
        let snapshot = dir.path().join("pincer.json");
        match damage {
            "flip" => {
                let text = fs::read_to_string(&snapshot).unwrap().replace("old", "odd");
                fs::write(&snapshot, text).unwrap();
            }
            "missing" => fs::remove_file(&snapshot).unwrap(),
            text => fs::write(&snapshot, text).unwrap(),
        }
        let opened = reopen(dir.path(), "pincer.json");
        check_reported(&opened.report.lines, "everything was rebuilt");
        assert_eq!(Held::found(dir.path(), opened.rows), states[4], "{damage}");
        let kept = names(dir.path()).iter().any(|name| name.contains(".damaged."));
        assert_eq!(kept, damage != "missing");
        drop(opened.store);
        let again = reopen(dir.path(), "pincer.json");
        assert_eq!(again.report.lines, [""; 0]);
        assert_eq!(Held::found(dir.path(), again.rows), states[4], "{damage}");
    }
}

#[test]
fn a_store_that_would_lose_rows_is_refused_and_left_alone() {
    let cases: &[(&str, &[&str])] = &[
        ("pincer.json", &["pincer.json.bak", "pincer.journal.bak"]),
        ("pincer.json", &["pincer.json.bak", "pincer.journal"]),
        ("pincer.json", &["pincer.journal.bak"]),
        ("pincer.json", &["pincer.json.bak", "pincer.journal.bak", "pincer.journal"]),
    ];
    for (damaged, missing) in cases {
        let dir = tempdir();
        prepared(dir.path());
        // A second checkpoint, so that nothing goes back to the beginning.
        let mut store = reopen(dir.path(), "pincer.json").store;
        commit(&mut store, &[put(Table::Facts, "more", "1")]).unwrap();
        store.close().unwrap();
        fs::write(dir.path().join(damaged), "{\"pincer\":").unwrap();
        missing.iter().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());
        let before = names(dir.path());
        for _ in 0..2 {
            let error = try_open(dir.path(), "pincer.json").unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("restore it from a backup"), "{error}");
            assert_eq!(names(dir.path()), before, "nothing is moved, and a second start is refused too");
        }
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let dir = tempdir();
    prepared(dir.path());
    let old = fs::read(dir.path().join("pincer.json.bak")).unwrap();
    let mut store = reopen(dir.path(), "pincer.json").store;
    commit(&mut store, &[put(Table::Facts, "more", "1")]).unwrap();
    store.checkpoint_now().unwrap();
    commit(&mut store, &[put(Table::Facts, "more", "2")]).unwrap();
    drop(store);
    // A snapshot from an old backup beside today's journal.
    fs::write(dir.path().join("pincer.json"), old).unwrap();
    let error = try_open(dir.path(), "pincer.json").unwrap_err();
    assert!(error.to_string().contains("do not belong together"), "{error}");
}

#[test]
fn a_store_that_is_gone_is_not_replaced_in_silence() {
    for name in BACKENDS {
        let dir = tempdir();
        let opened = reopen(dir.path(), name);
        assert_eq!(opened.report.lines, [""; 0]);
        opened.store.close().unwrap();
        for file in
            names(dir.path()).iter().filter(|file| !file.ends_with("state") && !file.ends_with("lock"))
        {
            fs::remove_file(dir.path().join(file)).unwrap();
        }
        // The directory may have moved meanwhile.
        let moved = tempdir();
        copy_dir(dir.path(), moved.path());
        let opened = reopen(moved.path(), name);
        check_reported(&opened.report.lines, "starting with nothing");
    }
}

#[test]
fn an_edit_by_hand_is_taken_without_the_checksum() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    commit(&mut store, &[put(Table::Facts, "a", r#"{"n":1}"#)]).unwrap();
    store.close().unwrap();
    let path = dir.path().join("pincer.json");
    let text = fs::read_to_string(&path).unwrap().replace("{\"n\":1}", "{\n  \"n\": 2\n}");
    fs::write(&path, &text).unwrap();
    fs::remove_file(dir.path().join("pincer.json.bak")).unwrap();
    fs::remove_file(dir.path().join("pincer.journal.bak")).unwrap();
    let error = try_open(dir.path(), "pincer.json").unwrap_err().to_string();
    assert!(error.contains("remove the \"crc32\" member"), "{error}");
    let unsealed = text[..text.rfind(",\n\"crc32\"").unwrap()].to_owned() + "}";
    fs::write(&path, unsealed).unwrap();
    let opened = reopen(dir.path(), "pincer.json");
    check_reported(&opened.report.lines, "edited by hand");
    assert_eq!(opened.rows, [(Table::Facts, "a".to_owned(), "{   \"n\": 2 }".to_owned())]);
}

#[test]
fn foreign_and_newer_files_are_left_alone() {
    let refused = |name: &str, bytes: &[u8]| {
        let dir = tempdir();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = try_open(dir.path(), name).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        error
    };
    let newer = br#"{"pincer":"store","version":7,"rows":[]}"#;
    assert!(matches!(
        refused("pincer.json", newer),
        OpenError::UnsupportedVersion { found: 7, supported: 1, .. }
    ));
    assert!(matches!(refused("sessions.json", br#"{"agent:main:main":{}}"#), OpenError::Foreign { .. }));
    assert!(matches!(refused("pincer.toml", b""), OpenError::NoBackend { .. }));
    #[cfg(feature = "sqlite-state")]
    {
        assert!(matches!(refused("pincer.db", b"hello, this is no database"), OpenError::Foreign { .. }));
        let dir = tempdir();
        let path = dir.path().join("their.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
        let theirs = fs::read(&path).unwrap();
        assert!(matches!(refused("their.db", &theirs), OpenError::Foreign { .. }));
    }
}

#[cfg(feature = "sqlite-state")]
mod sqlite {
    use super::*;

    fn filled(dir: &Path) {
        let mut store = reopen(dir, "pincer.db").store;
        for n in 0..300 {
            let json = format!("\"{}\"", "x".repeat(500));
            commit(&mut store, &[put(Table::Sessions, &n.to_string(), &json)]).unwrap();
        }
        store.close().unwrap();
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let dir = tempdir();
        filled(dir.path());
        let connection = rusqlite::Connection::open(dir.path().join("pincer.db")).unwrap();
        connection.pragma_update(None, "user_version", 9).unwrap();
        drop(connection);
        let error = try_open(dir.path(), "pincer.db").unwrap_err();
        assert!(matches!(error, OpenError::UnsupportedVersion { found: 9, supported: 2, .. }), "{error}");
    }

    /// A database that was made before there were approvals: what it holds stays, and it takes approvals from now on.
    #[test]
    fn an_older_layout_is_brought_up_to_date() {
        let dir = tempdir();
        filled(dir.path());
        let before = reopen(dir.path(), "pincer.db").rows;
        let connection = rusqlite::Connection::open(dir.path().join("pincer.db")).unwrap();
        connection.execute_batch("DROP TABLE approvals; PRAGMA user_version=1;").unwrap();
        drop(connection);
        let mut opened = reopen(dir.path(), "pincer.db");
        assert_eq!(opened.rows, before);
        commit(&mut opened.store, &[put(Table::Approvals, "a", "{}")]).unwrap();
        drop(opened);
        let rows = reopen(dir.path(), "pincer.db").rows;
        assert_eq!(rows.last(), Some(&(Table::Approvals, "a".to_owned(), "{}".to_owned())));
        assert_eq!(rows.len(), before.len() + 1);
    }

    #[test]
    fn damage_is_noticed_and_refused() {
        for damage in ["cut", "empty", "head", "middle"] {
            let dir = tempdir();
            filled(dir.path());
            let path = dir.path().join("pincer.db");
            let mut bytes = fs::read(&path).unwrap();
            match damage {
                "cut" => bytes.truncate(3 * 4096 + 100),
                "empty" => bytes.clear(),
                "head" => bytes[..16].fill(b'x'),
                _ => {
                    let half = bytes.len() / 2 / 4096 * 4096;
                    bytes[half..half + 4096].fill(0xa5);
                }
            }
            fs::write(&path, &bytes).unwrap();
            for _ in 0..2 {
                let error = try_open(dir.path(), "pincer.db").unwrap_err();
                assert!(matches!(error, OpenError::Damaged { .. }), "{damage}: {error}");
                assert!(error.to_string().contains(".recover"), "{error}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "{damage}: it was touched");
            }
        }
    }

    #[test]
    fn a_wal_without_its_database_is_put_aside() {
        let dir = tempdir();
        let mut store = reopen(dir.path(), "pincer.db").store;
        commit(&mut store, &[put(Table::Facts, "a", "1")]).unwrap();
        let crashed = tempdir();
        copy_dir(dir.path(), crashed.path());
        fs::remove_file(crashed.path().join("pincer.db")).unwrap();
        let opened = reopen(crashed.path(), "pincer.db");
        check_reported(&opened.report.lines, "pincer.db-wal had no database and is now");
        assert!(opened.rows.is_empty());
    }
}

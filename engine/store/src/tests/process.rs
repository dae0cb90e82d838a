//! Locks, other processes, and a disk that is really full.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pincer_sessions::persist::Table;

use super::support::*;
use crate::OpenError;

/// Set for the test binary's copies of itself: what to do, in which directory, with which store.
const ROLE: &str = "PINCER_STORE_TEST_ROLE";

/// Starts this test binary again, to play `role`. The shell text goes before it.
fn child(role: &str, dir: &Path, store: &str, before: &str) -> Child {
    let test = "tests::process::plays_a_role_for_another_test";
    Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" --exact {test} --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .env(ROLE, format!("{role}\n{}\n{store}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lines of the child's own; the test harness prints some too.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.split_once("child: ").map(|(_, said)| said.to_owned()))
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn plays_a_role_for_another_test() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut parts = role.lines();
    let (role, dir, store) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let mut options = options(Path::new(dir), store);
    options.checkpoint_bytes = 4096;
    let mut opened = crate::open(options).unwrap();
    println!("child: open");
    match role {
        "hold" => std::thread::sleep(std::time::Duration::from_secs(600)),
        // Commits for ever, and says so after each.
        "commit" => {
            for n in 0_u64.. {
                let line = format!("{{\"line\":{n}}}");
                let list =
                    [put(Table::Facts, "n", &n.to_string()), append("a", &[&line]), append("b", &[&line])];
                commit(&mut opened.store, &list).unwrap();
                if n % 40 == 39 {
                    commit(&mut opened.store, &[archive("b", n)]).unwrap();
                }
                println!("child: {n}");
                if opened.store.checkpoint_due() {
                    opened.store.checkpoint().unwrap();
                }
            }
        }
        // Grows until nothing fits any more.
        "grow" => {
            let mut held = Held::default();
            let mut failed = 0;
            for n in 0..400 {
                let text = format!("\"{n} {}\"", "x".repeat(3000));
                let list = [put(Table::Facts, &n.to_string(), &text), append("a", &[&text])];
                match commit(&mut opened.store, &list) {
                    Ok(_) => held.apply(&list),
                    Err(error) => {
                        assert!(error.retryable, "{error:?}");
                        failed += 1;
                    }
                }
                if opened.store.checkpoint_due() {
                    let _ = opened.store.checkpoint_now();
                }
            }
            println!("child: {failed}");
            println!("child: {:?}", held.rows.keys().map(|(_, id)| id).collect::<Vec<_>>());
            println!("child: done");
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn one_gateway_at_a_time() {
    for store in BACKENDS {
        let dir = tempdir();
        let first = reopen(dir.path(), store);
        let held_by = |error: OpenError| match error {
            OpenError::Locked { pid, .. } => pid,
            other => panic!("{other}"),
        };
        let error = try_open(dir.path(), store).unwrap_err();
        assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
        assert_eq!(held_by(error), Some(std::process::id()));
        drop(first);
        drop(reopen(dir.path(), store));

        let mut other = child("hold", dir.path(), store, "");
        assert_eq!(said(&mut other).next().as_deref(), Some("open"));
        assert_eq!(held_by(try_open(dir.path(), store).unwrap_err()), Some(other.id()));
        kill(other);
        drop(reopen(dir.path(), store));
    }
}

#[test]
fn two_state_directories_cannot_share_a_store() {
    for store in BACKENDS {
        let (one, two, shared) = (tempdir(), tempdir(), tempdir());
        let options =
            |dir: &Path| crate::Options { store_path: shared.path().join(store), ..options(dir, store) };
        let first = crate::open(options(one.path())).unwrap();
        assert!(matches!(crate::open(options(two.path())).unwrap_err(), OpenError::Locked { .. }));
        drop(first);
        crate::open(options(two.path())).unwrap();
    }
}

#[test]
fn killed_while_committing() {
    for store in BACKENDS {
        let dir = tempdir();
        let mut next = 0;
        for round in 0..6 {
            let mut committing = child("commit", dir.path(), store, "");
            let mut lines = said(&mut committing);
            assert_eq!(lines.next().as_deref(), Some("open"));
            let acknowledged: u64 = lines.by_ref().nth(20 + 35 * round).unwrap().parse().unwrap();
            kill(committing);
            // What it still said before it died counts as well.
            let acknowledged = lines.filter_map(|line| line.parse().ok()).last().unwrap_or(acknowledged);
            let opened = reopen(dir.path(), store);
            let [(Table::Facts, _, n)] = opened.rows.as_slice() else { panic!("{:?}", opened.rows) };
            let n: u64 = n.parse().unwrap();
            assert!(n == acknowledged || n == acknowledged + 1, "{store}: {n} after {acknowledged}");
            let files = transcripts(dir.path());
            let lines = &files["agents/main/sessions/a.jsonl"];
            let expect: String = (0..=n).map(|n| format!("{{\"line\":{n}}}\n")).collect();
            assert_eq!(lines.get(next..).unwrap(), expect, "{store} round {round}");
            // The same lines, in archives and in what follows them.
            let all: usize = files.values().map(String::len).sum();
            assert_eq!(all, 2 * lines.len(), "{store} round {round}");
            next = lines.len();
        }
    }
}

/// What a child of role `grow` committed before and after the disk was full is there, and nothing else.
fn check_grown(dir: &Path, store: &str, before: &str) {
    let mut growing = child("grow", dir, store, before);
    let said: Vec<String> = said(&mut growing).collect();
    assert!(growing.wait().unwrap().success());
    let [_, failed, ids, _] = said.as_slice() else { panic!("{said:?}") };
    assert!(failed.parse::<u32>().unwrap() > 10, "{store}: the disk was not full");
    let freed = dir.join("ballast");
    let _ = fs::remove_file(freed);
    let opened = reopen(dir, store);
    let mut found: Vec<_> = opened.rows.iter().map(|(_, id, _)| id.clone()).collect();
    found.sort();
    assert_eq!(format!("{found:?}"), *ids, "{store}");
    let lines = transcripts(dir)["agents/main/sessions/a.jsonl"].lines().count();
    assert_eq!(lines, found.len(), "{store}");
    let mut store = opened.store;
    commit(&mut store, &[put(Table::Facts, "again", "1"), append("a", &["{}"])]).unwrap();
    store.close().unwrap();
}

#[test]
fn files_that_may_not_grow() {
    for store in BACKENDS {
        let dir = tempdir();
        // 256 blocks of 512 bytes; the signal would kill us, so it is ignored, and write says "File too large".
        check_grown(dir.path(), store, "trap '' XFSZ; ulimit -f 256;");
    }
}

#[test]
fn a_full_disk() {
    for store in BACKENDS {
        let dir = tempdir();
        let target = dir.path().join("small");
        fs::create_dir(&target).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "none"];
        if !Command::new("mount").args(mount).arg(&target).status().is_ok_and(|status| status.success()) {
            // Needs root; `files_that_may_not_grow` and the fault tests cover the same ground without.
            return;
        }
        let small = Unmount(&target);
        fs::write(target.join("ballast"), vec![1; 600 * 1024]).unwrap();
        check_grown(&target, store, "");
        drop(small);
    }
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_directory_we_cannot_write_is_named_with_its_cure() {
    let dir = tempdir();
    // Permissions do not stop root; a file in the way stops everyone.
    fs::write(dir.path().join("file"), "").unwrap();
    let error = try_open(&dir.path().join("file/state"), "pincer.json").unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("cannot create"), "{error}");

    let target = dir.path().join("read only");
    fs::create_dir(&target).unwrap();
    let mount = ["-t", "tmpfs", "-o", "ro", "none"];
    if !Command::new("mount").args(mount).arg(&target).status().is_ok_and(|status| status.success()) {
        return;
    }
    let _unmount = Unmount(&target);
    match try_open(&target, "pincer.json").unwrap_err() {
        OpenError::NotWritable { path, owner_uid: Some(_), our_uid: Some(_), message } => {
            assert_eq!(path, target);
            assert!(message.contains("Read-only file system"), "{message}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn openclaw_s_own_directory_is_refused_and_ours_is_not() {
    let dir = tempdir();
    fs::create_dir_all(dir.path().join("agents/main/sessions")).unwrap();
    fs::write(dir.path().join("openclaw.json"), "{}").unwrap();
    let before = names(dir.path());
    let error = try_open(dir.path(), "pincer.json").unwrap_err();
    assert!(matches!(error, OpenError::OpenClawState { .. }), "{error}");
    assert!(error.to_string().contains(&format!("pincer import --from {}", dir.path().display())), "{error}");
    assert_eq!(names(dir.path()), before, "it was touched");

    // Without its config, but with its session index.
    fs::remove_file(dir.path().join("openclaw.json")).unwrap();
    fs::write(dir.path().join("agents/main/sessions/sessions.json"), "{}").unwrap();
    assert!(matches!(try_open(dir.path(), "pincer.json").unwrap_err(), OpenError::OpenClawState { .. }));

    // Ours grows the same files.
    let dir = tempdir();
    fs::write(dir.path().join("openclaw.json"), "{}").unwrap();
    let mut store = reopen(dir.path(), "pincer.json").store;
    commit(&mut store, &[append("a", &["{}"])]).unwrap();
    drop(store);
    assert!(dir.path().join("agents").exists());
    drop(reopen(dir.path(), "pincer.json"));
}

#[test]
fn a_marker_of_a_newer_version_is_respected_and_a_damaged_one_repaired() {
    let dir = tempdir();
    fs::write(dir.path().join(crate::MARKER_FILE), r#"{"version":4}"#).unwrap();
    let error = try_open(dir.path(), "pincer.json").unwrap_err();
    assert!(matches!(error, OpenError::UnsupportedVersion { found: 4, .. }), "{error}");
    fs::write(dir.path().join(crate::MARKER_FILE), "").unwrap();
    assert_eq!(reopen(dir.path(), "pincer.json").report.lines.len(), 1);
    assert_eq!(reopen(dir.path(), "pincer.json").report.lines, [""; 0]);
}

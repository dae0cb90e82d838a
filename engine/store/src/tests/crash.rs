//! What is left after a failure or a crash at every single point.

use std::fs;
use std::path::Path;

use pincer_sessions::persist::StoreOp;

use super::support::*;
use crate::Store;
use crate::disk::fault::{self, Fault};
use crate::store::Job;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// One step of a script.
enum Step {
    Commit(Vec<Vec<StoreOp>>),
    Checkpoint,
    /// Begins a checkpoint beside the commits that follow.
    Begin,
    /// Runs it, and ends it.
    End,
}

/// Batches of a few lists, with a checkpoint now and then.
fn script(seed: u64, steps: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let mut one = || match dice.below(8) {
        0 => Step::Checkpoint,
        1 => Step::Begin,
        2 => Step::End,
        _ => Step::Commit((0..=dice.below(3)).map(|_| dice.list()).collect()),
    };
    (0..steps).map(|_| one()).collect()
}

/// Does a step that is no commit.
fn checkpoint_step(store: &mut Store, step: &Step, job: &mut Option<Job>) {
    let run = |store: &mut Store, job: &mut Option<Job>| {
        if let Some(job) = job.take() {
            let answer = job.run();
            let _ = store.end(answer);
        }
    };
    match step {
        Step::Commit(_) => {}
        Step::End => run(store, job),
        Step::Checkpoint => {
            run(store, job);
            let _ = store.checkpoint_now();
        }
        Step::Begin => {
            run(store, job);
            *job = store.begin().unwrap_or_default();
        }
    }
}

/// Commits one batch and applies what was acknowledged to `held`. Returns the lists that were not.
fn commit_all(store: &mut Store, lists: &[Vec<StoreOp>], held: &mut Held) -> Vec<Vec<StoreOp>> {
    let slices: Vec<_> = lists.iter().map(Vec::as_slice).collect();
    let results = store.commit(&slices);
    assert_eq!(results.len(), lists.len());
    let mut failed = Vec::new();
    for (list, result) in lists.iter().zip(results) {
        match result {
            Ok(_) => held.apply(list),
            Err(_) => failed.push(list.clone()),
        }
    }
    failed
}

/// One call fails, all others work: a list either happened or did not, as the store said.
fn one_call_fails(store_name: &str, errno: i32, seed: u64) {
    for call in 0.. {
        let what = format!("{store_name} seed {seed} errno {errno} call {call}");
        let dir = tempdir();
        let mut store = reopen(dir.path(), store_name).store;
        let mut held = Held::default();
        let mut job = None;
        fault::arm(call, Fault::Once(errno));
        for step in script(seed, 14) {
            match step {
                Step::Commit(lists) => drop(commit_all(&mut store, &lists, &mut held)),
                other => checkpoint_step(&mut store, &other, &mut job),
            }
        }
        if call % 3 == 0 {
            checkpoint_step(&mut store, &Step::End, &mut job);
        }
        let fired = fault::disarm();
        let last = [append("a", &["{\"last\":1}"])];
        commit(&mut store, &last).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        held.apply(&last);
        assert_eq!(transcripts(dir.path()), held.files, "{what}: files of the living store");
        if call % 2 == 0 {
            checkpoint_step(&mut store, &Step::End, &mut job);
            store.checkpoint_now().unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_eq!(transcripts(dir.path()), held.files, "{what}: files after a checkpoint");
        }
        drop(store);
        let opened = reopen(dir.path(), store_name);
        assert_eq!(Held::found(dir.path(), opened.rows), held, "{what}: after reopening");
        if !fired {
            assert!(call > 20, "the script reached only {call} calls");
            return;
        }
    }
}

#[test]
fn a_failed_call_leaves_everything_as_it_was_json() {
    for seed in seeds(4) {
        one_call_fails("pincer.json", ENOSPC, seed);
        one_call_fails("pincer.json", EIO, seed + 100);
    }
}

#[test]
#[cfg(feature = "sqlite-state")]
fn a_failed_call_leaves_everything_as_it_was_sqlite() {
    one_call_fails("pincer.db", ENOSPC, 1);
    one_call_fails("pincer.db", EIO, 2);
}

#[test]
fn a_full_disk_is_retryable_and_the_same_list_goes_through_later() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    let list = [put(pincer_sessions::persist::Table::Facts, "a", "1"), append("s", &["{}"])];
    let before = fs::read(dir.path().join("pincer.journal")).unwrap();
    // Calls of this commit: three folders, the new transcript, then the journal.
    fault::arm(4, Fault::Once(ENOSPC));
    let error = commit(&mut store, &list).unwrap_err();
    assert!(fault::disarm());
    assert!(error.retryable);
    let journal = dir.path().join("pincer.journal");
    assert_eq!(error.message, format!("cannot write {}: No space left on device", journal.display()));
    assert_eq!(fs::read(journal).unwrap(), before, "the half record was cut off");
    assert!(!dir.path().join("agents/main/sessions/s.jsonl").exists());
    commit(&mut store, &list).unwrap();
}

#[test]
fn a_journal_whose_sync_failed_is_not_written_again() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    let fact = |n: u32| [put(pincer_sessions::persist::Table::Facts, "n", &n.to_string())];
    commit(&mut store, &fact(1)).unwrap();
    let inode =
        || std::os::unix::fs::MetadataExt::ino(&fs::metadata(dir.path().join("pincer.journal")).unwrap());
    let before = inode();
    fault::arm(1, Fault::Once(EIO));
    let error = commit(&mut store, &fact(2)).unwrap_err();
    assert!(fault::disarm());
    assert!(error.retryable, "the store recovered: {error:?}");
    assert_ne!(inode(), before, "a new journal was begun");
    commit(&mut store, &fact(3)).unwrap();
    drop(store);
    assert_eq!(reopen(dir.path(), "pincer.json").rows[0].2, "3");
}

#[test]
fn a_store_that_cannot_sync_refuses_loudly_and_comes_back() {
    let dir = tempdir();
    let mut store = reopen(dir.path(), "pincer.json").store;
    let fact = |n: u32| [put(pincer_sessions::persist::Table::Facts, "n", &n.to_string())];
    commit(&mut store, &fact(1)).unwrap();
    // The sync fails, and nothing works after it.
    fault::arm(1, Fault::Crash);
    assert!(!commit(&mut store, &fact(2)).unwrap_err().retryable);
    let error = commit(&mut store, &fact(3)).unwrap_err();
    assert!(error.message.contains("cannot sync") && error.message.contains("crashed"), "{}", error.message);
    fault::disarm();
    commit(&mut store, &fact(4)).unwrap();
    drop(store);
    assert_eq!(reopen(dir.path(), "pincer.json").rows[0].2, "4");
}

/// The process dies at one call: what was acknowledged is there, of the batch in flight any number of lists from its
/// beginning, and nothing else.
fn dies_at(store_name: &str, seed: u64, call: u64) -> bool {
    let what = format!("{store_name} seed {seed} call {call}");
    let dir = tempdir();
    let mut store = reopen(dir.path(), store_name).store;
    let mut held = Held::default();
    let mut in_flight = Vec::new();
    let mut job = None;
    fault::arm(call, Fault::Crash);
    for step in script(seed, 16) {
        match step {
            Step::Commit(lists) => {
                let failed = commit_all(&mut store, &lists, &mut held);
                if in_flight.is_empty() {
                    in_flight = failed;
                }
            }
            other => checkpoint_step(&mut store, &other, &mut job),
        }
    }
    drop(store);
    let fired = fault::disarm();
    let opened = reopen(dir.path(), store_name);
    let found = Held::found(dir.path(), opened.rows);
    let mut possible = vec![held.clone()];
    for list in &in_flight {
        held.apply(list);
        possible.push(held.clone());
    }
    assert!(possible.contains(&found), "{what}: {found:#?} is none of {possible:#?}");
    // A second crash, in recovery's own aftermath, changes nothing.
    drop(opened.store);
    let again = reopen(dir.path(), store_name);
    assert_eq!(again.report.lines, [""; 0], "{what}: nothing is left to repair");
    assert_eq!(Held::found(dir.path(), again.rows), found, "{what}");
    fired
}

#[test]
fn a_crash_at_any_call_loses_nothing_and_doubles_nothing() {
    for store in BACKENDS {
        for seed in seeds(6) {
            let calls = (0..).take_while(|call| dies_at(store, seed, *call)).count();
            assert!(calls > 20, "{store} seed {seed}: only {calls} calls");
        }
    }
}

#[test]
fn a_crash_in_recovery_is_recovered_from() {
    for store in BACKENDS {
        for seed in seeds(4) {
            // A crash just after the journal was written: everything is still to be applied.
            let crashed = tempdir();
            let mut held = Held::default();
            let mut opened = reopen(crashed.path(), store).store;
            let mut lists: Vec<_> = Vec::new();
            for step in script(seed, 10) {
                if let Step::Commit(batch) = step {
                    lists.extend(batch);
                }
            }
            let (early, late) = lists.split_at(lists.len() / 3);
            commit_all(&mut opened, early, &mut held);
            opened.checkpoint_now().unwrap();
            let transcripts_then = tempdir();
            copy_dir(crashed.path(), transcripts_then.path());
            commit_all(&mut opened, late, &mut held);
            let dirty = tempdir();
            copy_dir(crashed.path(), dirty.path());
            drop(opened);
            if seed % 2 == 0 {
                let agents = dirty.path().join("agents");
                let _ = fs::remove_dir_all(&agents);
                if transcripts_then.path().join("agents").exists() {
                    copy_dir(&transcripts_then.path().join("agents"), &agents);
                }
            }
            for call in 0.. {
                let dir = tempdir();
                copy_dir(dirty.path(), dir.path());
                fault::arm(call, if call % 2 == 0 { Fault::Crash } else { Fault::Once(EIO) });
                let opened = try_open(dir.path(), store);
                let fired = fault::disarm();
                assert!(opened.is_err() || !fired, "{store} seed {seed} call {call}: a failure was ignored");
                drop(opened);
                let rows = reopen(dir.path(), store).rows;
                assert_eq!(Held::found(dir.path(), rows), held, "{store} seed {seed} call {call}");
                if !fired {
                    assert!(call > 5);
                    break;
                }
            }
        }
    }
}

/// Runs a script without checkpoints and keeps a copy of the directory before and after each commit, with the size the
/// log (journal or WAL) had.
fn history(store: &str, log: &str, seed: u64, dir: &Path) -> Vec<(usize, Held, tempfile::TempDir)> {
    let mut opened = reopen(dir, store).store;
    let mut dice = Dice::new(seed);
    let mut held = Held::default();
    let mut history = Vec::new();
    for _ in 0..10 {
        let copy = tempdir();
        copy_dir(dir, copy.path());
        let size = fs::metadata(dir.join(log)).map_or(0, |meta| meta.len() as usize);
        history.push((size, held.clone(), copy));
        let list = dice.list();
        commit_all(&mut opened, &[list], &mut held);
    }
    // The last state's log holds all others' logs as prefixes.
    history
}

fn every_prefix(store: &str, log: &str, step: usize) {
    for seed in seeds(2) {
        let dir = tempdir();
        let history = history(store, log, seed, dir.path());
        let whole = fs::read(history.last().unwrap().2.path().join(log)).unwrap();
        for pair in history.windows(2) {
            let [(from, before, copy), (to, after, _)] = pair else { unreachable!() };
            let mut cuts: Vec<usize> = (*from..*to).step_by(step).collect();
            cuts.extend([to.saturating_sub(1).max(*from), *to]);
            for cut in cuts {
                let dir = tempdir();
                copy_dir(copy.path(), dir.path());
                let _ = fs::remove_file(dir.path().join(format!("{store}-shm")));
                fs::write(dir.path().join(log), &whole[..cut]).unwrap();
                let opened = reopen(dir.path(), store);
                let found = Held::found(dir.path(), opened.rows);
                // A transaction's last WAL frame may be followed by padding of its own commit.
                let is_whole = cut == *to || (found != *before && step > 1);
                assert_eq!(
                    found,
                    if is_whole { after } else { before }.clone(),
                    "{store} seed {seed} cut {cut}"
                );
                if step == 1 {
                    let torn = cut != *from && cut != *to;
                    let tail = |line: &String| line.contains("are no whole batch");
                    assert_eq!(opened.report.lines.iter().any(tail), torn, "{:?}", opened.report.lines);
                }
            }
        }
    }
}

#[test]
fn every_prefix_of_the_journal_is_a_state_that_was() {
    every_prefix("pincer.json", "pincer.journal", 1);
}

#[test]
#[cfg(feature = "sqlite-state")]
fn every_prefix_of_the_wal_is_a_state_that_was() {
    every_prefix("pincer.db", "pincer.db-wal", 511);
}

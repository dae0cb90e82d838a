//! A failure, a crash or a full disk at every single point.

use std::collections::BTreeSet;

use super::*;
use crate::disk::Event;
use crate::disk::fault::{self, Fault};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Groups of one to three, some of them with equal texts; releases between them. Returns what was acknowledged.
fn script(quarantine: &mut Quarantine) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for n in 0..5 {
        let names: Vec<String> = (0..=n % 3).map(|k| format!("e{n}-{k}")).collect();
        let entries: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
        let text = format!("text {}", n / 2);
        let group: Vec<New<'_>> = entries.iter().map(|entry| New::Stopped(entry, text.as_bytes())).collect();
        if quarantine.append(T0, &group).is_ok() {
            acknowledged.extend(names);
        }
        if quarantine.release(T0, &id("e0-0"), "ann").is_ok() {
            acknowledged.insert("released".to_owned());
        }
    }
    acknowledged
}

/// Everything acknowledged is there, with its text, and the ledger is sound.
#[track_caller]
fn check_holds(dir: &Path, acknowledged: &BTreeSet<String>, what: &str) -> BTreeSet<String> {
    let reader = QuarantineReader::new(dir);
    let found = reader.verify().unwrap();
    assert!(found.is_sound() && found.tally.torn_bytes == 0, "{what}: {found:?}");
    let page = reader.list(None, LIST_MAX, true).unwrap();
    let mut there: BTreeSet<String> = page.entries.iter().map(|shown| shown.entry.id.to_string()).collect();
    assert_eq!(there.len(), page.entries.len(), "{what}: an entry came twice");
    for name in &there {
        reader.payload(&id(name)).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    if page.entries.iter().any(|shown| shown.released.is_some()) {
        there.insert("released".to_owned());
    }
    assert!(acknowledged.is_subset(&there), "{what}: {acknowledged:?} not all in {there:?}");
    there
}

#[test]
fn a_call_that_fails_leaves_the_ledger_as_it_was() {
    for errno in [EIO, ENOSPC] {
        for call in 0.. {
            let what = format!("errno {errno} call {call}");
            let dir = tempdir();
            let mut quarantine = open_clean(dir.path());
            fault::arm(call, Fault::Once(errno));
            let acknowledged = script(&mut quarantine);
            let fired = fault::disarm();
            stop(&mut quarantine, "last", "last").unwrap();
            // What was refused is not there.
            let mut there = check_holds(dir.path(), &acknowledged, &what);
            there.remove("last");
            assert_eq!(there, acknowledged, "{what}");
            drop(quarantine);
            drop(open_clean(dir.path()));
            if !fired {
                assert!(call > 40);
                break;
            }
        }
    }
}

#[test]
fn a_crash_loses_nothing_that_was_acknowledged() {
    for call in 0.. {
        let what = format!("crash at call {call}");
        let dir = tempdir();
        let mut quarantine = open_clean(dir.path());
        fault::arm(call, Fault::Crash);
        let acknowledged = script(&mut quarantine);
        let fired = fault::disarm();
        drop(quarantine);
        let opened = open(dir.path());
        assert!(!opened.broken, "{what}: {:#?}", opened.report);
        drop(opened);
        check_holds(dir.path(), &acknowledged, &what);
        let mut again = open_clean(dir.path());
        stop(&mut again, "last", "last").unwrap();
        check_holds(dir.path(), &acknowledged, &what);
        if !fired {
            break;
        }
    }
}

#[test]
fn a_crash_while_making_room_loses_no_more_than_the_oldest() {
    let small = limits(30, 1 << 20);
    let text = "x".repeat(60_000);
    for call in (0..).step_by(7) {
        let what = format!("crash at call {call}");
        let dir = tempdir();
        let mut quarantine = open_clean(dir.path());
        quarantine.set_limits(small);
        for n in 0..15 {
            stop(&mut quarantine, &format!("e{n}"), &format!("{n} {text}")).unwrap();
        }
        let lines: Vec<Entry> = (0..300).map(|n| entry(&format!("d{n}"))).collect();
        let lines: Vec<New<'_>> = lines.iter().map(New::Decision).collect();
        fault::arm(call, Fault::Crash);
        let mut kept = Vec::new();
        for n in 0..8 {
            let name = format!("f{n}");
            let done = quarantine.append(T0, &lines).is_ok()
                && stop(&mut quarantine, &name, &format!("{name} {text}")).is_ok();
            kept.extend(done.then_some(name));
        }
        let _ = quarantine.expire(T0 + 40 * DAY_MS);
        let fired = fault::disarm();
        drop(quarantine);
        let opened = open(dir.path());
        assert!(!opened.broken, "{what}: {:#?}", opened.report);
        let found = opened.quarantine.reader().verify().unwrap();
        assert!(found.is_sound(), "{what}: {found:?}");
        drop(opened);
        drop(open_clean(dir.path()));
        if !fired {
            assert_eq!(kept.len(), 8);
            break;
        }
    }
}

#[test]
fn a_full_disk_is_told_and_cured() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    stop(&mut quarantine, "a", "text").unwrap();
    let before = fs::read(ledger(dir.path())).unwrap();
    fault::record();
    stop(&mut quarantine, "b", "text").unwrap();
    let events = fault::take();
    let write = events.iter().position(|event| matches!(event, Event::Write(_, at, _) if *at > 0)).unwrap();
    // The line's write, with half of it out.
    fault::arm(write as u64, Fault::Once(ENOSPC));
    let error = stop(&mut quarantine, "c", "text").unwrap_err();
    assert!(fault::disarm());
    assert!(matches!(error, QuarantineError::NoSpace { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was recorded: free space on that disk"), "{error}");
    assert!(fs::read(ledger(dir.path())).unwrap().starts_with(&before));
    assert_eq!(listed(dir.path()), ["b", "a"]);
    stop(&mut quarantine, "c", "text").unwrap();
    assert_eq!(listed(dir.path()), ["c", "b", "a"]);
}

#[test]
fn an_end_that_could_not_be_cut_off_is_cut_off_before_the_next_record() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    stop(&mut quarantine, "a", "text").unwrap();
    fault::record();
    stop(&mut quarantine, "b", "text").unwrap();
    let events = fault::take();
    let write = events.iter().position(|event| matches!(event, Event::Write(_, at, _) if *at > 0)).unwrap();
    // The disk is gone for a while: neither the write nor cutting it off works.
    fault::arm(write as u64, Fault::Crash);
    assert!(stop(&mut quarantine, "a-long-name-that-leaves-half-of-it-behind", "text").is_err());
    fault::disarm();
    assert!(fs::read(ledger(dir.path())).unwrap().last() != Some(&b'\n'));
    stop(&mut quarantine, "c", "text").unwrap();
    drop(quarantine);
    drop(open_clean(dir.path()));
    assert_eq!(listed(dir.path()), ["c", "b", "a"]);
}

#[test]
fn a_group_costs_one_sync_of_the_ledger_and_is_synced_when_told() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    stop(&mut quarantine, "first", "text").unwrap();
    let entries: Vec<Entry> = (0..50).map(|n| entry(&format!("e{n}"))).collect();
    let group: Vec<New<'_>> = entries.iter().map(|entry| New::Stopped(entry, b"text")).collect();
    fault::record();
    quarantine.append(T0, &group).unwrap();
    let events = fault::take();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Sync(_))).count(), 1, "{events:?}");
    // A new text: synced, named, its name synced, and only then the line.
    fault::record();
    stop(&mut quarantine, "new", "new text").unwrap();
    let order: String = fault::take()
        .iter()
        .map(|event| match event {
            Event::Write(..) => 'w',
            Event::Sync(_) => 's',
            Event::Rename(..) => 'r',
            Event::SyncDir(_) => 'd',
            _ => '.',
        })
        .collect();
    assert_eq!(order, "..wsrdws..wr");
}

#[test]
fn every_torn_end_is_set_aside() {
    let whole = tempdir();
    prepared(whole.path(), 3);
    let bytes = fs::read(ledger(whole.path())).unwrap();
    let start = bytes.len() - lines(whole.path())[2].len();
    for cut in start..bytes.len() {
        let dir = tempdir();
        prepared(dir.path(), 2);
        // The head is as it was before the write that was cut off.
        fs::write(ledger(dir.path()), &bytes[..cut]).unwrap();
        let opened = open(dir.path());
        assert!(!opened.broken, "cut at {cut}");
        assert_eq!(opened.quarantine.head().count, 2);
        drop(opened.quarantine);
        if cut > start {
            check_reported(
                &opened.report,
                &format!("its last {} bytes are no whole line; they are kept in", cut - start),
            );
            let aside = files(dir.path(), ".damaged.");
            assert_eq!(fs::read(below(dir.path(), &aside[0])).unwrap(), &bytes[start..cut]);
        }
        let mut again = open_clean(dir.path());
        stop(&mut again, "more", "text").unwrap();
        assert_eq!(listed(dir.path()), ["more", "e1", "e0"]);
    }
}

#[test]
fn zeros_behind_the_end_are_reported_and_not_kept() {
    let dir = tempdir();
    prepared(dir.path(), 2);
    let mut bytes = fs::read(ledger(dir.path())).unwrap();
    bytes.extend([0; 4096]);
    fs::write(ledger(dir.path()), bytes).unwrap();
    let opened = open(dir.path());
    check_reported(&opened.report, "they are all zero");
    assert!(files(dir.path(), ".damaged.").is_empty() && !opened.broken);
    drop(opened);
    drop(open_clean(dir.path()));
}

#[test]
fn a_head_that_a_power_cut_took_is_written_anew() {
    for damage in [None, Some(""), Some("\0\0\0\0")] {
        let dir = tempdir();
        prepared(dir.path(), 2);
        let head = below(dir.path(), "head.json");
        match damage {
            None => fs::remove_file(&head).unwrap(),
            Some(text) => fs::write(&head, text).unwrap(),
        }
        assert!(QuarantineReader::new(dir.path()).verify().unwrap().head_missing);
        let opened = open(dir.path());
        check_reported(&opened.report, "an end that was cut off would not show");
        assert!(!opened.broken);
        drop(opened);
        drop(open_clean(dir.path()));
        assert!(QuarantineReader::new(dir.path()).verify().unwrap().is_sound());
    }
}

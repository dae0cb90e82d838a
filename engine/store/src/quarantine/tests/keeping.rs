//! What goes when, and that the rest still verifies.

use super::*;

/// Appends decisions until their lines fill so many bytes.
fn fill(quarantine: &mut Quarantine, at_ms: u64, bytes: u64) {
    let one = entry("filler");
    let group = vec![New::Decision(&one); 100];
    let from = quarantine.bytes();
    while quarantine.bytes() < from + bytes {
        quarantine.append(at_ms, &group).unwrap();
    }
}

#[test]
fn texts_go_when_their_time_is_over() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.set_limits(limits(7, 1 << 30));
    for day in 0..10 {
        let (one, text) = (entry(&format!("e{day}")), format!("text {day}"));
        quarantine.append(T0 + day * DAY_MS, &[New::Stopped(&one, text.as_bytes())]).unwrap();
    }
    assert_eq!(quarantine.expire(T0 + 9 * DAY_MS).unwrap(), 3);
    assert_eq!(quarantine.expire(T0 + 9 * DAY_MS).unwrap(), 0);
    assert_eq!((quarantine.held(), texts(dir.path())), (7, 7));
    let reader = quarantine.reader();
    let shown = reader.show(&id("e2")).unwrap().unwrap();
    assert_eq!(shown.expired.unwrap().reason, pincer_defender::ledger::ExpiryReason::Age);
    assert!(matches!(reader.payload(&id("e2")), Err(QuarantineError::Expired { .. })));
    assert_eq!(reader.payload(&id("e3")).unwrap(), b"text 3");
    assert!(reader.verify().unwrap().is_sound());
    drop(quarantine);
    assert_eq!(open_clean(dir.path()).held(), 7);
}

#[test]
fn a_text_that_others_have_stays() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.append(T0, &[New::Stopped(&entry("old"), b"same")]).unwrap();
    quarantine.append(T0 + 20 * DAY_MS, &[New::Stopped(&entry("new"), b"same")]).unwrap();
    quarantine.expire(T0 + 31 * DAY_MS).unwrap();
    assert_eq!(quarantine.reader().payload(&id("new")).unwrap(), b"same");
    quarantine.expire(T0 + 51 * DAY_MS).unwrap();
    assert_eq!(texts(dir.path()), 0);
}

#[test]
fn lines_go_by_segments_and_the_rest_verifies() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.set_limits(limits(8, 1 << 30));
    for day in 0..30 {
        let now = T0 + day * DAY_MS;
        quarantine.append(now, &[New::Stopped(&entry(&format!("e{day}")), b"text")]).unwrap();
        quarantine.expire(now).unwrap();
    }
    let segments = files(dir.path(), "ledger.0");
    assert!((4..8).contains(&segments.len()), "{segments:?}");
    assert!(!segments[0].ends_with("00001.jsonl"));
    let found = quarantine.reader().verify().unwrap();
    assert!(found.is_sound() && found.tally.first > Some(30), "{found:?}");
    drop(quarantine);
    let quarantine = open_clean(dir.path());
    assert_eq!(quarantine.held(), 8);
    // Removing the oldest by hand shows, since no record says that it went.
    fs::remove_file(below(dir.path(), &segments[0])).unwrap();
    assert!(!quarantine.reader().verify().unwrap().is_sound());
}

#[test]
fn the_oldest_makes_room() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    let max = 1 << 20;
    quarantine.set_limits(limits(30, max));
    let text = "x".repeat(100_000);
    for n in 0..40 {
        stop(&mut quarantine, &format!("e{n}"), &format!("{n} {text}")).unwrap();
        assert!(quarantine.bytes() <= max, "{} bytes", quarantine.bytes());
    }
    let held = quarantine.held();
    assert!((7..=9).contains(&held), "{held}");
    assert_eq!(texts(dir.path()), held);
    let reader = quarantine.reader();
    reader.payload(&id("e39")).unwrap();
    assert!(matches!(reader.payload(&id("e20")), Err(QuarantineError::Expired { .. })));
    assert!(reader.verify().unwrap().is_sound());
}

#[test]
fn a_flood_of_decisions_is_bounded_too() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.set_limits(limits(30, 1 << 20));
    stop(&mut quarantine, "first", "text").unwrap();
    fill(&mut quarantine, T0, 900_000);
    let one = entry("flood");
    for _ in 0..60 {
        quarantine.append(T0, &vec![New::Decision(&one); 100]).unwrap();
        assert!(quarantine.bytes() <= 1 << 20);
    }
    assert_eq!(quarantine.held(), 0);
    assert!(files(dir.path(), "ledger.0").len() <= 9);
    assert!(quarantine.reader().verify().unwrap().is_sound());
    let kept = quarantine.bytes();
    drop(quarantine);
    assert_eq!(open_clean(dir.path()).bytes(), kept);
}

#[test]
fn what_never_fits_is_refused_and_nothing_goes_for_it() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.set_limits(limits(30, 1 << 20));
    stop(&mut quarantine, "a", "text").unwrap();
    let error = stop(&mut quarantine, "b", &"x".repeat(1 << 20)).unwrap_err();
    assert!(error.to_string().contains("raise quarantine.maxBytes"), "{error}");
    assert_eq!(quarantine.reader().payload(&id("a")).unwrap(), b"text");
    // What nearly never fits takes everything else's place, and again.
    for name in ["c", "d", "e"] {
        stop(&mut quarantine, name, &format!("{name}{}", "x".repeat(950 * 1024))).unwrap();
    }
    assert_eq!((quarantine.held(), texts(dir.path())), (1, 1));
    assert!(quarantine.reader().verify().unwrap().is_sound());
}

#[test]
fn limits_that_shrink_hold_from_then_on() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    fill(&mut quarantine, T0, 3 << 20);
    quarantine.set_limits(limits(30, 1 << 20));
    stop(&mut quarantine, "a", "text").unwrap();
    assert!(quarantine.bytes() <= 1 << 20);
    assert_eq!(listed(dir.path())[0], "a");
    assert!(quarantine.reader().verify().unwrap().is_sound());
}

#[test]
fn orphaned_texts_are_cleared_away() {
    let dir = tempdir();
    prepared(dir.path(), 1);
    for name in ["ab".repeat(32), format!("{}.tmp", "cd".repeat(32)), "README".to_owned()] {
        fs::write(below(dir.path(), "payloads").join(name), "x").unwrap();
    }
    check_reported(&open(dir.path()).report, "2 texts in ");
    assert_eq!(texts(dir.path()), 2);
}

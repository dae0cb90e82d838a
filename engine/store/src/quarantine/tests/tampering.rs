//! What somebody who may write the files can do, and what of it shows.

use super::*;

/// Changes the ledger behind the writer's back; the reader, the next writer, and everybody later must see it. Returns
/// what the next writer reported.
#[track_caller]
fn check(change: impl Fn(&mut Vec<Vec<u8>>), expect: &str) {
    let dir = tempdir();
    prepared(dir.path(), 6);
    let mut lines = lines(dir.path());
    change(&mut lines);
    let changed = lines.concat();
    fs::write(ledger(dir.path()), &changed).unwrap();

    let found = QuarantineReader::new(dir.path()).verify().unwrap();
    assert!(!found.is_sound());
    let first = found.tally.breaks[0].to_string();
    assert!(first.starts_with(expect), "{first}\nnot {expect}");

    let opened = open(dir.path());
    assert!(opened.broken);
    check_reported(&opened.report, expect);
    let mut quarantine = opened.quarantine;
    stop(&mut quarantine, "later", "text").unwrap();
    drop(quarantine);
    // Nothing of the evidence was written over, and it still shows.
    assert!(fs::read(ledger(dir.path())).unwrap().starts_with(&changed));
    let again = open(dir.path());
    assert!(again.broken, "{:?}", again.report);
    assert_eq!(listed(dir.path())[0], "later");
    assert_eq!(again.quarantine.reader().payload(&id("later")).unwrap(), b"text");
}

#[test]
fn a_flipped_byte_shows() {
    for at in [0, 12, 80, 150, 300] {
        check(|lines| lines[2][at] ^= 1, "line 3: ");
    }
    // In the last line, too, though nothing follows it.
    check(|lines| lines[5][300] ^= 1, "line 6: its hash is not that of its content");
}

#[test]
fn a_dropped_line_shows() {
    check(|lines| drop(lines.remove(2)), "line 3: record 3 is missing before it");
    check(|lines| drop(lines.remove(0)), "line 5: the ledger begins with record 2");
}

#[test]
fn swapped_and_doubled_lines_show() {
    check(|lines| lines.swap(2, 3), "line 3: record 3 is missing");
    check(|lines| lines.insert(2, lines[1].clone()), "line 3: it is record 2, here belongs 3");
}

#[test]
fn added_lines_show() {
    check(|lines| lines.insert(2, b"{}\n".to_vec()), "line 3: it does not begin as a line");
    check(|lines| lines.push(b"{}\n".to_vec()), "line 7: it does not begin as a line");
    check(|lines| lines.push(vec![b'\n']), "line 7: it does not begin as a line");
}

#[test]
fn a_cut_end_shows_against_the_head() {
    check(|lines| drop(lines.pop()), "line 6: the ledger ends with record 5, but 6 were written");
    check(|lines| lines.clear(), "line 1: the ledger ends with record 0, but 6 were written");
}

#[test]
fn a_ledger_of_somebody_else_shows_against_the_head() {
    let other = tempdir();
    let mut quarantine = open_clean(other.path());
    for n in 0..8 {
        stop(&mut quarantine, &format!("other{n}"), "text").unwrap();
    }
    let theirs = lines(other.path());
    check(|lines| *lines = theirs.clone(), "line 6: record 6 is ");
}

#[test]
fn what_cannot_show_is_known() {
    // The end cut off, and the head written to match: a shorter ledger is a ledger. Only a head kept elsewhere tells.
    let dir = tempdir();
    prepared(dir.path(), 3);
    let early_head = fs::read(below(dir.path(), "head.json")).unwrap();
    let early = fs::read(ledger(dir.path())).unwrap();
    let mut quarantine = open_clean(dir.path());
    stop(&mut quarantine, "late", "text").unwrap();
    let elsewhere = quarantine.head();
    drop(quarantine);
    fs::write(ledger(dir.path()), early).unwrap();
    fs::write(below(dir.path(), "head.json"), early_head).unwrap();
    let found = QuarantineReader::new(dir.path()).verify().unwrap();
    assert!(found.is_sound());
    assert_ne!(found.tally.head, elsewhere);
}

#[test]
fn removed_and_changed_texts_show() {
    let dir = tempdir();
    prepared(dir.path(), 3);
    let text = |n: usize| {
        let payload =
            QuarantineReader::new(dir.path()).show(&id(&format!("e{n}"))).unwrap().unwrap().payload.unwrap();
        below(dir.path(), "payloads").join(payload.sha256.to_string())
    };
    fs::write(text(0), "something else").unwrap();
    fs::remove_file(text(1)).unwrap();
    let found = QuarantineReader::new(dir.path()).verify().unwrap();
    assert_eq!((found.payloads, found.payloads_damaged), (3, 2));
    assert!(found.problems[0].contains("is not what was kept") && found.problems[1].contains("is missing"));
    let opened = open(dir.path());
    check_reported(&opened.report, "the text of e1 is missing");
    let error = opened.quarantine.reader().payload(&id("e0")).unwrap_err();
    assert!(matches!(error, QuarantineError::PayloadDamaged { .. }));
}

#[test]
fn a_damaged_ledger_keeps_texts_that_nothing_refers_to() {
    let dir = tempdir();
    prepared(dir.path(), 3);
    let mut lines = lines(dir.path());
    lines[1] = b"gone\n".to_vec();
    fs::write(ledger(dir.path()), lines.concat()).unwrap();
    drop(open(dir.path()));
    assert_eq!(texts(dir.path()), 3);
}

#[test]
fn everything_removed_but_the_head_shows() {
    let dir = tempdir();
    prepared(dir.path(), 3);
    fs::remove_file(ledger(dir.path())).unwrap();
    let opened = open(dir.path());
    check_reported(&opened.report, "the ledger ends with record 0, but 3 were written");
    assert!(opened.broken);
    assert_eq!(opened.quarantine.head().count, 4);
}

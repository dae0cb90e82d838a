//! Recording, listing, releasing, exporting.

use std::os::unix::fs::PermissionsExt;

use pincer_defender::ledger::{Hash, Reader};

use super::*;

#[test]
fn what_was_recorded_is_there_after_a_restart() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    let decision = Entry { enforced: false, ..entry("d") };
    let heads = quarantine
        .append(
            T0,
            &[
                New::Stopped(&entry("a"), b"text a"),
                New::Decision(&decision),
                New::Stopped(&entry("b"), b"\xff\0"),
            ],
        )
        .unwrap();
    assert_eq!(heads.iter().map(|head| head.count).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(quarantine.release(T0 + 5, &id("a"), "ann").unwrap(), Release::Now);
    assert_eq!(quarantine.release(T0 + 6, &id("a"), "bob").unwrap(), Release::Before);
    drop(quarantine);

    let quarantine = open_clean(dir.path());
    assert_eq!((quarantine.head().count, quarantine.held()), (4, 2));
    let reader = quarantine.reader();
    assert_eq!(listed(dir.path()), ["b", "d", "a"]);
    let shown = reader.show(&id("a")).unwrap().unwrap();
    assert_eq!((shown.n, shown.at_ms, &shown.entry), (1, T0, &entry("a")));
    assert_eq!(shown.released, Some(Released { by: "ann".to_owned(), at_ms: T0 + 5 }));
    assert_eq!(reader.payload(&id("a")).unwrap(), b"text a");
    assert_eq!(reader.payload(&id("b")).unwrap(), b"\xff\0");
    assert!(matches!(reader.payload(&id("d")), Err(QuarantineError::NoPayload { .. })));
    assert!(matches!(reader.payload(&id("x")), Err(QuarantineError::Unknown { .. })));
    let stopped = reader.list(None, 10, true).unwrap();
    assert_eq!(stopped.entries.len(), 2);
    assert!(reader.verify().unwrap().is_sound());
}

#[test]
fn the_start_of_an_id_names_its_entry() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    for name in ["abc1", "abc2", "ab"] {
        stop(&mut quarantine, name, "text").unwrap();
    }
    let reader = quarantine.reader();
    let named = |start| reader.named(&id(start)).map(|shown| shown.map(|shown| shown.entry.id));
    assert_eq!(named("abc1").unwrap(), Some(id("abc1")));
    assert_eq!(named("ab").unwrap(), Some(id("ab")), "a whole id comes first");
    assert_eq!(named("x").unwrap(), None);
    assert_eq!(named("abc").unwrap_err().to_string(), "2 entries begin with abc: write more of the id");
    stop(&mut quarantine, "abc1", "again").unwrap();
    assert_eq!(reader.named(&id("abc1")).unwrap().unwrap().n, 4, "the newest of that name");
}

#[test]
fn releases_of_what_cannot_be_released_say_why() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.append(T0, &[New::Decision(&entry("d"))]).unwrap();
    let said =
        |quarantine: &mut Quarantine, name| quarantine.release(T0, &id(name), "x").unwrap_err().to_string();
    assert!(said(&mut quarantine, "nobody").contains("no entry nobody"));
    assert!(said(&mut quarantine, "d").contains("stopped nothing"));
    stop(&mut quarantine, "old", "text").unwrap();
    quarantine.expire(T0 + 31 * DAY_MS).unwrap();
    assert!(said(&mut quarantine, "old").contains("was deleted when its time was over"));
}

#[test]
fn pages_go_back_to_the_beginning() {
    let dir = tempdir();
    prepared(dir.path(), 7);
    let reader = QuarantineReader::new(dir.path());
    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let page = reader.list(before, 3, true).unwrap();
        pages.push(page.entries.iter().map(|shown| shown.entry.id.to_string()).collect::<Vec<_>>().join(" "));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["e6 e5 e4", "e3 e2 e1", "e0"]);
    assert_eq!(QuarantineReader::new(&dir.path().join("none")).list(None, 3, true).unwrap(), Page::default());
}

#[test]
fn nobody_else_may_look() {
    let dir = tempdir();
    prepared(dir.path(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.path().join("quarantine")), 0o700);
    assert_eq!(mode(&below(dir.path(), "payloads")), 0o700);
    for name in ["ledger.jsonl", "head.json", "quarantine.lock"] {
        assert_eq!(mode(&below(dir.path(), name)), 0o600, "{name}");
    }
    let text = fs::read_dir(below(dir.path(), "payloads")).unwrap().next().unwrap().unwrap();
    assert_eq!(mode(&text.path()), 0o600);
    fs::set_permissions(dir.path().join("quarantine"), fs::Permissions::from_mode(0o755)).unwrap();
    check_reported(&open(dir.path()).report, "was open to others (mode 755)");
    assert_eq!(mode(&dir.path().join("quarantine")), 0o700);
}

#[test]
fn equal_texts_are_kept_once() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    for name in ["a", "b"] {
        stop(&mut quarantine, name, "same").unwrap();
    }
    quarantine.append(T0, &[New::Stopped(&entry("c"), b"same"), New::Stopped(&entry("d"), b"same")]).unwrap();
    assert_eq!(texts(dir.path()), 1);
    // One that was deleted by hand comes back with the next of its kind.
    fs::remove_file(below(dir.path(), "payloads").join(Hash::of(b"same").to_string())).unwrap();
    stop(&mut quarantine, "e", "same").unwrap();
    assert_eq!(quarantine.reader().payload(&id("a")).unwrap(), b"same");
}

#[test]
fn there_is_one_writer_and_readers_do_not_mind() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    let second = Quarantine::open(dir.path(), policy::Quarantine::default(), T0, false);
    assert!(matches!(second, Err(QuarantineError::Open(crate::OpenError::Locked { .. }))));
    stop(&mut quarantine, "a", "text").unwrap();
    assert_eq!(listed(dir.path()), ["a"]);
    assert!(QuarantineReader::new(dir.path()).verify().unwrap().is_sound());
}

#[test]
fn readers_beside_a_writer_see_a_whole_ledger() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    quarantine.set_limits(limits(30, 1 << 20));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let reader = QuarantineReader::new(dir.path());
            let mut count = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || count == 0 {
                let found = reader.verify().unwrap();
                assert!(found.is_sound() || found.tally.lines == 0, "{found:?}");
                count += 1;
            }
        });
        // Segments are closed and dropped meanwhile.
        for n in 0..60 {
            let group: Vec<Entry> = (0..60).map(|k| entry(&format!("e{n}-{k}"))).collect();
            let group: Vec<New<'_>> = group.iter().map(|entry| New::Stopped(entry, b"text")).collect();
            quarantine.append(T0, &group).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reading.join().unwrap();
    });
    assert!(fs::read_dir(dir.path().join("quarantine")).unwrap().count() > 5);
    assert!(quarantine.bytes() <= 1 << 20);
}

#[test]
fn an_export_verifies_as_the_ledger_does() {
    let dir = tempdir();
    prepared(dir.path(), 3);
    let mut quarantine = open_clean(dir.path());
    quarantine.append(T0, &[New::Stopped(&entry("x"), b"\xff")]).unwrap();
    let mut out = Vec::new();
    let exported = quarantine.reader().export(&mut out, false).unwrap();
    assert_eq!((exported.lines, exported.payloads, exported.left_out), (4, 0, 0));
    assert_eq!(out, fs::read(ledger(dir.path())).unwrap());
    let mut reader = Reader::new(Some(exported.head));
    reader.push(&out, &mut |_| {});
    assert!(reader.end(&mut |_| {}).is_sound());

    let mut out = Vec::new();
    assert_eq!(quarantine.reader().export(&mut out, true).unwrap().payloads, 4);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("\"text\":\"text 1\"}\n") && text.contains("\"base64\":\"/w==\"}\n"), "{text}");
}

#[test]
fn groups_are_bounded() {
    let dir = tempdir();
    let mut quarantine = open_clean(dir.path());
    let one = entry("a");
    let error = quarantine.append(T0, &vec![New::Decision(&one); GROUP_MAX + 1]).unwrap_err();
    assert!(error.to_string().contains("1025 records at once"));
    assert_eq!(quarantine.append(T0, &[]).unwrap(), []);
}

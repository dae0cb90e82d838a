//! A whole recovery, from any journal: it ends with a store that takes commits and opens again without a repair, or with
//! an error, and nothing outside the transcripts' folders is touched.
//!
//! Input: one journal payload a line; each is given its length and checksum, so that what is tried is what they mean.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_store::{Options, open};

fuzz_target!(|input: &[u8]| {
    let mut journal = Vec::new();
    for payload in input.split(|byte| *byte == b'\n') {
        let line = format!("{:08x} {:08x} ", payload.len(), crc32fast::hash(payload));
        journal.extend([line.as_bytes(), payload, b"\n"].concat());
    }
    let base = tempfile::tempdir_in("/dev/shm").expect("memory for files");
    let dir = base.path().join("state");
    let options = || Options { fsync: false, ..Options::new(&dir, dir.join("s.json"), dir.join("log")) };
    drop(open(options()).expect("a new store opens"));
    fs::write(dir.join("s.journal"), &journal).expect("the journal is ours");
    let Ok(mut opened) = open(options()) else { return };
    let list = [StoreOp::Put { table: Table::Facts, id: "fuzz".to_owned(), json: "1".to_owned() }];
    opened.store.commit(&[&list]).remove(0).expect("it takes commits");
    let mut rows = opened.rows.len();
    rows += usize::from(!opened.rows.iter().any(|(table, id, _)| *table == Table::Facts && id == "fuzz"));
    drop(opened.store);
    let again = open(options()).expect("it opens again");
    assert_eq!(again.rows.len(), rows);
    assert!(again.report.lines.is_empty(), "{:?}", again.report.lines);
    let beside: Vec<_> = fs::read_dir(base.path()).expect("ours").flatten().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    let known = ["agents", "log", "pincer.lock", "pincer.state", "s.json", "s.json.bak", "s.journal", "s.journal.bak"];
    for entry in fs::read_dir(&dir).expect("ours").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name.as_str()) || name.contains(".damaged."), "{name}");
    }
});

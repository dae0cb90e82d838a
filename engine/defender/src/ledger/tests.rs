//! Chains that are whole, and what every kind of change does to one.

use super::*;
use crate::Provenance;
use crate::policy::Verdict;

fn id(n: u64) -> EntryId {
    EntryId::new(&format!("e{n}")).unwrap()
}

fn entry(n: u64) -> Entry {
    Entry {
        id: id(n),
        kind: ActionKind::Prompt,
        provenance: Provenance::WebContent,
        decision: Verdict::Block,
        enforced: true,
        risk: 91.236,
        reasons: vec!["it is \"so\"".to_owned()],
        rules: vec!["prompt.override".to_owned()],
        session: "agent:main:main".to_owned(),
        agent: "main".to_owned(),
        channel: Some("chat".to_owned()),
        sender: None,
        preview: "do\\nthis".to_owned(),
    }
}

fn record(n: u64) -> Record {
    match n % 3 {
        0 => Record::Decision { entry: entry(n) },
        1 => Record::Quarantined {
            entry: entry(n),
            payload: PayloadRef { sha256: Hash::of(b"text"), bytes: 4 },
            turn: None,
        },
        _ => Record::Released { id: id(n), by: "ann".to_owned() },
    }
}

/// Lines with their newlines, from record 1.
fn lines(count: u64) -> Vec<Vec<u8>> {
    let mut chain = Chain::default();
    (1..=count)
        .map(|n| {
            let mut out = Vec::new();
            chain.write(&mut out, 1_000 + n, &record(n).bounded()).unwrap();
            out
        })
        .collect()
}

fn head_of(lines: &[Vec<u8>]) -> Head {
    read(&lines.concat(), None, 7).0.head
}

/// Reads in pieces of `step` bytes: the tally, and everything given on the way as text.
fn read(bytes: &[u8], remembered: Option<Head>, step: usize) -> (Tally, Vec<String>) {
    let mut reader = Reader::new(remembered);
    let mut given = Vec::new();
    let mut take = |item: Item<'_>| {
        given.push(match item {
            Item::Line(line, _) => line.n.to_string(),
            Item::Break(found) => found.to_string(),
        });
    };
    bytes.chunks(step).for_each(|piece| reader.push(piece, &mut take));
    let tally = reader.end(&mut take);
    (tally, given)
}

/// Every break of a ledger begins with one of `expect`, in order.
#[track_caller]
fn check(lines: &[Vec<u8>], remembered: Option<Head>, expect: &[&str]) {
    let bytes = lines.concat();
    let (tally, given) = read(&bytes, remembered, 4096);
    let breaks: Vec<String> = tally.breaks.iter().map(ToString::to_string).collect();
    assert_eq!(breaks.len(), expect.len(), "{breaks:#?}");
    for (found, expect) in breaks.iter().zip(expect) {
        assert!(found.starts_with(expect), "{found}\nnot {expect}");
    }
    for step in [1, 13] {
        assert_eq!(read(&bytes, remembered, step), (tally.clone(), given.clone()), "in pieces of {step}");
    }
}

#[test]
fn a_whole_chain_reads_back() {
    let lines = lines(7);
    let mut reader = Reader::new(Some(head_of(&lines)));
    let mut found = Vec::new();
    reader.push(&lines.concat(), &mut |item| match item {
        Item::Line(line, raw) => {
            assert_eq!(raw, lines[line.n as usize - 1].strip_suffix(b"\n").unwrap());
            found.push((line.n, line.at_ms, line.record.clone().unwrap()));
        }
        Item::Break(found) => panic!("{found}"),
    });
    let tally = reader.end(&mut |item| panic!("{item:?}"));
    assert!(tally.is_sound());
    assert_eq!((tally.lines, tally.first, tally.head.count), (7, Some(1), 7));
    let wrote: Vec<_> = (1..=7).map(|n| (n, 1_000 + n, record(n).bounded())).collect();
    assert_eq!(found, wrote);
    check(&[], None, &[]);
}

#[test]
fn the_format_is_frozen() {
    let mut out = Vec::new();
    Chain::default().write(&mut out, 5, &Record::Released { id: id(1), by: "ann".to_owned() }).unwrap();
    let text = String::from_utf8(out).unwrap();
    let zero = "0".repeat(64);
    let rest =
        format!(r#""n":1,"prev":"{zero}","at":5,"record":{{"type":"released","id":"e1","by":"ann"}}}}"#);
    let hash = Hash::of(format!("pincer ledger v1\n{rest}").as_bytes());
    assert_eq!(text, format!("{{\"hash\":\"{hash}\",{rest}\n"));
    let json = serde_json::to_string(&record(1).bounded()).unwrap();
    assert!(
        json.starts_with(
            r#"{"type":"quarantined","entry":{"id":"e1","kind":"prompt","provenance":"webContent","#
        ),
        "{json}"
    );
    assert!(json.contains(r#""risk":91.24,"#), "{json}");
}

#[test]
fn any_flipped_bit_breaks_it() {
    let whole = lines(4);
    let bytes = whole.concat();
    for at in 0..bytes.len() {
        for bit in [0, 5, 7] {
            let mut broken = bytes.clone();
            broken[at] ^= 1 << bit;
            // Remembering the head, as what lies beside a ledger does; the last newline is only found missing.
            let (tally, _) = read(&broken, Some(head_of(&whole)), 4096);
            let last = at == bytes.len() - 1;
            assert!(tally.broken > 0 || (last && tally.torn_bytes > 0), "byte {at} bit {bit}: {tally:?}");
        }
    }
}

#[test]
fn changes_are_found_and_named() {
    let whole = lines(6);
    let head = Some(head_of(&whole));
    let edit = |change: fn(&mut Vec<Vec<u8>>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        lines
    };
    check(&whole, head, &[]);
    let changed = edit(|lines| {
        let at = lines[2].len() - 9;
        lines[2][at] ^= 1;
    });
    check(&changed, head, &["line 3: its hash is not that of its content"]);
    check(&edit(|lines| drop(lines.remove(2))), head, &["line 3: record 3 is missing before it"]);
    check(&edit(|lines| drop(lines.drain(1..4))), head, &["line 2: records 2 to 4 are missing before it"]);
    check(
        &edit(|lines| lines.swap(2, 3)),
        head,
        &[
            "line 3: record 3 is missing",
            "line 4: it is record 3, here belongs 5",
            "line 5: record 4 is missing",
        ],
    );
    check(
        &edit(|lines| lines.insert(3, lines[1].clone())),
        head,
        &["line 4: it is record 2, here belongs 4", "line 5: record 3 is missing"],
    );
    check(&edit(|lines| lines[1] = b"hello\n".to_vec()), head, &["line 2: it does not begin as a line"]);
    check(&edit(|lines| lines.insert(1, b"\n".to_vec())), head, &["line 2: it does not begin as a line"]);
    check(
        &edit(|lines| lines[5] = b"{\"hash\":\"0\n".to_vec()),
        head,
        &["line 6: it does not begin as a line"],
    );
    check(&edit(|lines| drop(lines.remove(0))), head, &["line 5: the ledger begins with record 2"]);
    check(&edit(|lines| drop(lines.drain(..3))), None, &["line 3: the ledger begins with record 4"]);
}

#[test]
fn a_missing_end_is_found_only_against_a_head() {
    let whole = lines(6);
    let head = Some(head_of(&whole));
    check(&whole[..4], None, &[]);
    check(&whole[..4], head, &["line 5: the ledger ends with record 4, but 6 were written"]);
    check(&[], head, &["line 1: the ledger ends with record 0, but 6 were written"]);
    // More than was remembered is what a crash between the two leaves.
    check(&whole, Some(head_of(&whole[..4])), &[]);
}

#[test]
fn a_chain_that_was_written_anew_is_found_against_a_head() {
    let whole = lines(6);
    let mut chain = Chain::after(head_of(&whole[..3]));
    let mut anew = whole[..3].to_vec();
    for n in 4..=8 {
        let mut out = Vec::new();
        chain.write(&mut out, 9, &record(n)).unwrap();
        anew.push(out);
    }
    check(&anew, None, &[]);
    check(&anew, Some(head_of(&whole)), &["line 6: record 6 is "]);
    // One line replaced by a lawful one of the same number.
    let mut replaced = whole.clone();
    replaced[3] = anew[3].clone();
    check(&replaced, None, &["line 5: it goes on from "]);
}

#[test]
fn a_dropped_beginning_needs_its_record() {
    let mut whole = lines(3);
    let dropped = head_of(&whole);
    let mut chain = Chain::after(dropped);
    for (n, record) in
        [record(4), Record::Dropped { last: dropped.count, hash: dropped.hash }, record(6)].iter().enumerate()
    {
        let mut out = Vec::new();
        chain.write(&mut out, n as u64, record).unwrap();
        whole.push(out);
    }
    check(&whole, None, &[]);
    check(&whole[3..], None, &[]);
    check(&whole[3..4], None, &["line 1: the ledger begins with record 4"]);
    check(&whole[4..], None, &["line 2: the ledger begins with record 5"]);
}

#[test]
fn endless_lines_and_torn_ends_are_bounded() {
    let whole = lines(2);
    let mut bytes = whole[0].clone();
    bytes.extend(vec![b'x'; 3 * LINE_BYTES_MAX]);
    let (tally, _) = read(&bytes, None, 1000);
    assert_eq!((tally.lines, tally.broken, tally.torn_bytes), (1, 0, 3 * LINE_BYTES_MAX as u64));
    bytes.push(b'\n');
    bytes.extend(&whole[1]);
    for step in [1000, 1 << 20] {
        let (_, given) = read(&bytes, None, step);
        assert_eq!(given, ["1", "line 2: it is longer than 196608 bytes", "2"]);
    }
    let (tally, _) = read(&[whole.concat().as_slice(), b"{\"hash\""].concat(), None, 7);
    assert_eq!((tally.broken, tally.torn_bytes), (0, 7));
}

#[test]
fn records_of_a_newer_version_are_counted() {
    let whole = lines(1);
    let text = String::from_utf8(whole[0].clone()).unwrap();
    let rest = text.trim_end().split_once("\",").unwrap().1.replace("quarantined", "dreamt");
    let hash = Hash::of(format!("pincer ledger v1\n{rest}").as_bytes());
    let (tally, _) = read(format!("{{\"hash\":\"{hash}\",{rest}\n").as_bytes(), None, 9);
    assert_eq!((tally.broken, tally.unknown), (0, 1));
}

#[test]
fn entries_are_held_to_their_bounds() {
    let endless = |character: char| character.to_string().repeat(100_000);
    let entry = Entry {
        risk: f32::NAN,
        reasons: vec![endless('\u{1}'); 100],
        rules: vec![endless('\u{1}'); 100],
        session: endless('\u{1}'),
        agent: endless('é'),
        channel: Some(endless('\u{1}')),
        sender: Some(endless('\u{1}')),
        preview: endless('\u{1}'),
        ..entry(1)
    };
    let payload = PayloadRef { sha256: Hash::ZERO, bytes: u64::MAX };
    let record = Record::Quarantined { entry, payload, turn: Some(payload) };
    let record = record.bounded();
    let Some(entry) = record.entry() else { panic!() };
    assert_eq!((entry.risk, entry.reasons.len(), entry.agent.len()), (100.0, 40, 511));
    assert!(entry.agent.ends_with('…'));
    Chain::default().write(&mut Vec::new(), u64::MAX, &record).unwrap();
    assert!(
        EntryId::new("a/b").is_none() && EntryId::new("").is_none() && EntryId::new(&endless('a')).is_none()
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), step in 1usize..50) {
        let (tally, given) = read(&bytes, None, step);
        proptest::prop_assert_eq!(read(&bytes, None, 4096), (tally, given));
    }
}

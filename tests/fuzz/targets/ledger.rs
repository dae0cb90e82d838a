//! The ledger's reader on any bytes, and on a ledger that was changed.
//!
//! Reading never panics, gives the same however the bytes are cut, and finds every change that is not a cut-off end
//! without a remembered head. Previews of any text are short and printable.
//!
//! Input: five bytes that choose, then bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_defender::Provenance;
use pincer_defender::ledger::Head;
use pincer_defender::ledger::{
    ActionKind, Chain, Entry, EntryId, Hash, Item, PREVIEW_CHARS_MAX, PayloadRef, Reader, Record, Tally,
    preview,
};
use pincer_defender::policy::Verdict;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first_chunk::<5>() else { return };
    let [step, at_high, at_low, bit, how] = choice.map(usize::from);
    let whole = read(bytes, None, usize::MAX);
    assert_eq!(read(bytes, None, step + 1), whole, "in pieces of {}", step + 1);

    let text = String::from_utf8_lossy(bytes);
    let shown = preview(&text);
    assert!(shown.chars().count() <= PREVIEW_CHARS_MAX && !shown.chars().any(char::is_control), "{shown:?}");
    assert!(!preview(&format!("{shown} password=hunter-two")).contains("hunter-two"));

    // A ledger of pieces of the input.
    let mut chain = Chain::default();
    let mut lines = Vec::new();
    for (n, piece) in bytes.chunks(24).take(8).enumerate() {
        let piece = String::from_utf8_lossy(piece).into_owned();
        let mut line = Vec::new();
        chain.write(&mut line, n as u64, &record(n, piece).bounded()).expect("a bounded record is a line");
        lines.push(line);
    }
    let (head, ledger) = (chain.head(), lines.concat());
    let (tally, given) = read(&ledger, Some(head), usize::MAX);
    assert!(tally.is_sound() && tally.head == head && given.len() == lines.len(), "{tally:?}");
    if lines.is_empty() {
        return;
    }
    let place = (at_high << 8 | at_low) % ledger.len();
    let index = place % lines.len();
    let mut changed = ledger.clone();
    match how % 5 {
        0 => changed[place] ^= 1 << (bit % 8),
        1 => drop(lines.remove(index)),
        2 => lines.insert(index, lines[bit % lines.len()].clone()),
        3 => lines.swap(index, bit % index.max(1)),
        _ => changed.truncate(place),
    }
    if (1..=3).contains(&(how % 5)) {
        changed = lines.concat();
    }
    let (tally, _) = read(&changed, Some(head), step + 1);
    // The newline behind the last line may be missing: that is a torn end.
    assert!(changed == ledger || tally.broken > 0 || tally.torn_bytes > 0, "{how} at {place}: {tally:?}");
});

fn read(bytes: &[u8], remembered: Option<Head>, step: usize) -> (Tally, Vec<String>) {
    let mut reader = Reader::new(remembered);
    let mut given = Vec::new();
    let mut take = |item: Item<'_>| match item {
        Item::Line(line, raw) => given.push(format!("{} {} {}", line.n, line.hash, raw.len())),
        Item::Break(found) => given.push(found.to_string()),
    };
    bytes.chunks(step.min(bytes.len().max(1))).for_each(|piece| reader.push(piece, &mut take));
    (reader.end(&mut take), given)
}

fn record(n: usize, piece: String) -> Record {
    let entry = Entry {
        id: EntryId::new(&format!("e{n}")).expect("an id"),
        kind: ActionKind::Prompt,
        provenance: Provenance::WebContent,
        decision: Verdict::Block,
        enforced: n % 2 == 0,
        risk: n as f32 * 1.7,
        reasons: vec![piece.clone()],
        rules: vec!["prompt.override".to_owned()],
        session: piece.clone(),
        agent: "main".to_owned(),
        channel: None,
        sender: Some(piece.clone()),
        preview: preview(&piece),
    };
    match n % 3 {
        0 => Record::Quarantined {
            entry,
            payload: PayloadRef { sha256: Hash::of(piece.as_bytes()), bytes: n as u64 },
            turn: None,
        },
        1 => Record::Decision { entry },
        _ => Record::Released { id: entry.id, by: piece },
    }
}

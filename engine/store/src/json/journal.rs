//! The journal's format: one line per batch, `<length> <crc32> <JSON>`, both numbers as 8 hex digits.
//!
//! JSON documents hold no raw newline (committed rows are checked for that), so the next newline after damage is where
//! the next record begins, and nothing a user can write looks like a record. The first line is a header.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::error::Failure;

/// The newest format we read and write.
pub(crate) const VERSION: i64 = 1;

/// `xxxxxxxx yyyyyyyy `
const PREFIX: usize = 18;

/// No store lives long enough for this many batches: a number above it is damage, and one more never overflows.
pub(crate) const SEQ_MAX: u64 = 1 << 62;

/// Longest payload; a length above it is damage. Far above the longest list the store takes.
const PAYLOAD_MAX: usize = 512 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Format of this file.
    #[serde(rename = "journal")]
    pub(crate) version: i64,
    /// The last batch of the snapshot this journal goes on from.
    pub(crate) after: u64,
}

/// One batch.
#[derive(Debug, Serialize)]
struct RecordOut<'a> {
    n: u64,
    ops: &'a [Entry],
}

/// One batch, read back.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    /// Counts batches over the whole life of the store.
    pub(crate) n: u64,
    pub(crate) ops: Vec<Entry>,
}

/// What a journal file holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) header: Option<Header>,
    pub(crate) records: Vec<Record>,
    /// Bytes that are no whole record, in order; neighbours are one range.
    pub(crate) damaged: Vec<Range<usize>>,
    /// A header or record that is whole but was written by a newer version.
    pub(crate) newer: Option<i64>,
}

impl Scan {
    /// Where the damage begins, if it reaches the end of the file: what a crash in the middle of a write leaves.
    pub(crate) fn torn_at(&self, len: usize) -> Option<usize> {
        self.damaged.last().filter(|range| range.end == len).map(|range| range.start)
    }
}

/// Reads a journal. Every record that checks out is returned, also those behind damage: rows are whole values and
/// transcript changes are absolute, so each batch is right on its own.
pub(crate) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        match line(rest) {
            Some((payload, used)) if scan.take(payload) => at += used,
            _ => {
                let used = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
                match scan.damaged.last_mut() {
                    Some(range) if range.end == at => range.end += used,
                    _ => scan.damaged.push(at..at + used),
                }
                at += used;
            }
        }
    }
    scan
}

impl Scan {
    /// Takes a payload whose checksum is right; false when it means nothing to us.
    fn take(&mut self, payload: &[u8]) -> bool {
        if let Ok(record) = serde_json::from_slice::<Record>(payload) {
            let sound = record.n < SEQ_MAX
                && record.ops.iter().all(|op| !matches!(op, Entry::File(op) if !op.is_sound()));
            if sound {
                self.records.push(record);
            }
            return sound;
        }
        match serde_json::from_slice::<Header>(payload) {
            Ok(header) if header.version > VERSION => self.newer = Some(header.version),
            Ok(header) if self.header.is_none() && header.after < SEQ_MAX => self.header = Some(header),
            _ => return false,
        }
        true
    }
}

/// The payload of the line at the start of `bytes`, and the line's length.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let len = hex(bytes.get(..8)?)?;
    let crc = hex(bytes.get(9..17)?)?;
    let len = usize::try_from(len).ok().filter(|len| *len <= PAYLOAD_MAX)?;
    let payload = bytes.get(PREFIX..PREFIX.checked_add(len)?)?;
    let spaced = bytes.get(8) == Some(&b' ') && bytes.get(17) == Some(&b' ');
    // The newline has to be there, but a damaged one does not make the record before it worth less.
    let ended = bytes.len() > PREFIX + len;
    (spaced && ended && crc32fast::hash(payload) == crc).then_some((payload, PREFIX + len + 1))
}

fn hex(digits: &[u8]) -> Option<u32> {
    // `from_str_radix` would take a sign.
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    plain.then(|| std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok()))?
}

/// Writes one batch as a line at the end of `out`.
pub(crate) fn write_record(out: &mut Vec<u8>, n: u64, ops: &[Entry]) -> Result<(), Failure> {
    write_line(out, &RecordOut { n, ops })
}

/// Writes a header line at the end of `out`.
pub(crate) fn write_header(out: &mut Vec<u8>, after: u64) -> Result<(), Failure> {
    write_line(out, &Header { version: VERSION, after })
}

fn write_line(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Failure> {
    let start = out.len();
    out.extend_from_slice(&[b' '; PREFIX]);
    serde_json::to_writer(&mut *out, value).map_err(|error| Failure::lasting(error.to_string()))?;
    let payload = out.get(start + PREFIX..).unwrap_or_default();
    if payload.len() > PAYLOAD_MAX {
        return Err(Failure::lasting(format!(
            "a batch of {} bytes is longer than {PAYLOAD_MAX}",
            payload.len()
        )));
    }
    let prefix = format!("{:08x} {:08x} ", payload.len(), crc32fast::hash(payload));
    if let Some(place) = out.get_mut(start..start + PREFIX) {
        place.copy_from_slice(prefix.as_bytes());
    }
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pincer_sessions::persist::Table;
    use serde_json::value::RawValue;

    fn put(id: &str) -> Entry {
        let row = RawValue::from_string(format!(r#"{{"of":"{id}"}}"#)).unwrap();
        Entry::Put { table: Table::Sessions, id: id.to_owned(), row }
    }

    fn journal(count: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_header(&mut out, 0).unwrap();
        for n in 1..=count {
            write_record(&mut out, n, &[put(&format!("row {n}"))]).unwrap();
        }
        out
    }

    fn numbers(scan: &Scan) -> Vec<u64> {
        scan.records.iter().map(|record| record.n).collect()
    }

    #[test]
    fn the_format_is_frozen() {
        let text = String::from_utf8(journal(1)).unwrap();
        assert_eq!(
            text,
            "00000017 681aa0e6 {\"journal\":1,\"after\":0}\n\
             0000004e 982ab9fe {\"n\":1,\"ops\":[{\"put\":{\"table\":\"sessions\",\"id\":\"row 1\",\"row\":{\"of\":\"row 1\"}}}]}\n"
        );
    }

    #[test]
    fn every_prefix_gives_the_whole_records_before_it() {
        let bytes = journal(4);
        let mut ends = vec![];
        let mut at = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            at += line.len();
            ends.push(at);
        }
        for cut in 0..=bytes.len() {
            let scan = scan(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(numbers(&scan), (1..whole as u64).collect::<Vec<_>>(), "cut at {cut}");
            let last = ends.iter().copied().rfind(|end| *end <= cut).unwrap_or(0);
            assert_eq!(scan.torn_at(cut), (last < cut).then_some(last), "cut at {cut}");
        }
    }

    #[test]
    fn one_damaged_byte_costs_one_record() {
        let bytes = journal(3);
        let header = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for at in header..bytes.len() {
            for damage in [0x00, b'\n', b'0', 0xff] {
                let mut broken = bytes.clone();
                broken[at] = damage;
                if broken == bytes {
                    continue;
                }
                let scan = scan(&broken);
                let newline = bytes[at] == b'\n';
                assert_eq!(scan.records.len(), if newline { 3 } else { 2 }, "byte {at} = {damage}");
                assert_eq!(scan.damaged.is_empty(), newline);
            }
        }
    }

    #[test]
    fn text_in_a_row_cannot_pass_for_a_record() {
        let inner = String::from_utf8(journal(9)).unwrap();
        let row = RawValue::from_string(serde_json::to_string(&inner).unwrap()).unwrap();
        let mut bytes = Vec::new();
        write_record(&mut bytes, 1, &[Entry::Put { table: Table::Facts, id: inner, row }]).unwrap();
        for at in 0..bytes.len() - 1 {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(scan(&broken).records.is_empty(), "byte {at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let scan = scan(&bytes);
            let damaged: usize = scan.damaged.iter().map(|range| range.len()).sum();
            proptest::prop_assert!(damaged <= bytes.len());
        }
    }
}

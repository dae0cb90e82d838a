//! The snapshot's format: one JSON document, one row a line, sorted, with a checksum as its last member.
//!
//! ```json
//! {"pincer":"store","version":1,"seq":12,"tables":{
//! "sessions":{
//! "agent:main:main":{"sessionId":"…"}
//! },
//! "turns":{},
//! },
//! "crc32":"0a1b2c3d"}
//! ```
//!
//! The fixed layout lets a checkpoint merge changes into a snapshot line by line, without holding it in memory. A person
//! may edit the file while no gateway runs: without the `crc32` member any layout is read.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use pincer_sessions::persist::Table;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::journal::SEQ_MAX;
use crate::disk::DiskFile;
use crate::error::Failure;

/// The newest format we read and write.
pub(crate) const VERSION: i64 = 1;

/// Rows in the order of a snapshot.
pub(crate) type Rows = BTreeMap<(Table, String), Box<RawValue>>;

/// How much is written at once.
const BLOCK: usize = 64 * 1024;

/// A snapshot in memory.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The last batch it includes.
    pub(crate) seq: u64,
    pub(crate) rows: Rows,
    /// Whether the checksum was there (and right): otherwise a person wrote this.
    pub(crate) sealed: bool,
}

/// Why bytes are no snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It was one.
    Damaged(String),
    /// It never was one.
    Foreign,
    /// Of a version we do not know.
    Newer(i64),
}

/// What every version of a snapshot says of itself.
#[derive(Deserialize)]
struct Head {
    pincer: String,
    version: i64,
}

/// This version's document. Strict: a member we do not know is one of ours with a damaged name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "pincer")]
    _pincer: String,
    #[serde(rename = "version")]
    _version: i64,
    seq: u64,
    tables: BTreeMap<String, BTreeMap<String, Box<RawValue>>>,
    crc32: Option<String>,
}

/// Reads a whole snapshot.
pub(crate) fn parse(bytes: &[u8]) -> Result<Snapshot, Unreadable> {
    let sealed = match seal(bytes) {
        Some((body, crc)) if crc32fast::hash(body) == crc => true,
        Some(_) => return Err(Unreadable::Damaged("its checksum is wrong".to_owned())),
        None => false,
    };
    match serde_json::from_slice::<Head>(bytes) {
        Ok(head) if head.pincer != "store" => return Err(Unreadable::Foreign),
        Ok(head) if head.version > VERSION => return Err(Unreadable::Newer(head.version)),
        Ok(_) => {}
        Err(_) if bytes.iter().all(|&byte| byte == 0) => {
            return Err(Unreadable::Damaged("it is empty".to_owned()));
        }
        Err(error) if bytes.starts_with(b"{\"pincer\"") => {
            return Err(Unreadable::Damaged(error.to_string()));
        }
        Err(_) => return Err(Unreadable::Foreign),
    }
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| Unreadable::Damaged(error.to_string()))?;
    if document.crc32.is_some() && !sealed {
        return Err(Unreadable::Damaged("its checksum is not in its place".to_owned()));
    }
    if document.seq >= SEQ_MAX {
        return Err(Unreadable::Damaged(format!("its \"seq\" is {}", document.seq)));
    }
    let mut rows = Rows::new();
    for (name, table_rows) in document.tables {
        let Some(table) = Table::parse(&name) else {
            return Err(Unreadable::Damaged(format!("it has an unknown table {name:?}")));
        };
        rows.extend(table_rows.into_iter().map(|(id, row)| ((table, id), on_one_line(row))));
    }
    Ok(Snapshot { seq: document.seq, rows, sealed })
}

/// What the checksum covers, and the checksum.
fn seal(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let body = bytes.len().checked_sub(SEAL)?;
    let digits = bytes.get(body..)?.strip_prefix(b"\"crc32\":\"")?.strip_suffix(b"\"}\n")?;
    let crc = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((bytes.get(..body)?, crc))
}

/// Length of `"crc32":"xxxxxxxx"}` and its newline.
const SEAL: usize = 20;

/// A hand-made row may be spread over lines; in JSON a raw line break is only ever layout.
fn on_one_line(row: Box<RawValue>) -> Box<RawValue> {
    if memchr::memchr2(b'\n', b'\r', row.get().as_bytes()).is_none() {
        return row;
    }
    RawValue::from_string(row.get().replace(['\n', '\r'], " ")).unwrap_or(row)
}

/// Writes a snapshot row by row, in their order.
pub(crate) struct Writer<'f> {
    file: &'f DiskFile,
    buffer: Vec<u8>,
    at: u64,
    crc: crc32fast::Hasher,
    /// Tables not yet begun.
    tables: std::slice::Iter<'static, Table>,
    open: Option<Table>,
    rows_in_table: u64,
}

impl<'f> Writer<'f> {
    pub(crate) fn new(file: &'f DiskFile, seq: u64) -> Writer<'f> {
        let mut writer = Writer {
            file,
            buffer: Vec::with_capacity(BLOCK),
            at: 0,
            crc: crc32fast::Hasher::new(),
            tables: ORDER.iter(),
            open: None,
            rows_in_table: 0,
        };
        writer.put(
            format!("{{\"pincer\":\"store\",\"version\":{VERSION},\"seq\":{seq},\"tables\":{{").as_bytes(),
        );
        writer
    }

    /// Adds a row. Rows come sorted by table, then id.
    pub(crate) fn row(&mut self, table: Table, id: &str, row: &str) -> Result<(), Failure> {
        while self.open != Some(table) {
            if !self.next_table() {
                return Err(Failure::lasting("rows came in the wrong order"));
            }
        }
        self.put(if self.rows_in_table == 0 { b"\n" } else { b",\n" });
        self.rows_in_table += 1;
        let id = serde_json::to_string(id).map_err(|error| Failure::lasting(error.to_string()))?;
        self.put(id.as_bytes());
        self.put(b":");
        self.put(row.as_bytes());
        if self.buffer.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Ends the document and makes it durable. Returns its size.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        while self.next_table() {}
        self.put(b"\n}\n},\n");
        self.flush()?;
        let crc = self.crc.clone().finalize();
        self.put(format!("\"crc32\":\"{crc:08x}\"}}\n").as_bytes());
        self.flush()?;
        self.file.sync()?;
        Ok(self.at)
    }

    fn next_table(&mut self) -> bool {
        let Some(&next) = self.tables.next() else { return false };
        if self.open.is_some() {
            self.put(b"\n},");
        }
        self.put(format!("\n\"{}\":{{", next.as_str()).as_bytes());
        self.open = Some(next);
        self.rows_in_table = 0;
        true
    }

    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.file.write_at(&self.buffer, self.at)?;
        self.crc.update(&self.buffer);
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Tables as `Table`'s own order has them, which is the order of [`Rows`].
const ORDER: &[Table] = &Table::ALL;

/// Reads the rows of a sealed snapshot one by one, and checks the seal at the end.
pub(crate) struct Reader<R> {
    input: R,
    line: Vec<u8>,
    crc: crc32fast::Hasher,
    place: Place,
}

/// Where in the document the next line is. Rows may be called anything, so a line alone does not say what it is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Between,
    Table(Table),
    After,
}

/// A row as it stands in the snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) table: Table,
    pub(crate) id: String,
    pub(crate) json: String,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(mut input: R) -> io::Result<Reader<R>> {
        #[derive(Deserialize)]
        struct Head {
            pincer: String,
            version: i64,
        }
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line)?;
        let mut head = line.strip_suffix(b"\n").unwrap_or(&line).to_vec();
        head.extend_from_slice(b"}}");
        let head: Head = serde_json::from_slice(&head).map_err(|_| broken("first line"))?;
        if head.pincer != "store" || head.version != VERSION {
            return Err(broken("first line"));
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&line);
        Ok(Reader { input, line, crc, place: Place::Between })
    }

    /// The next row; `None` at the end, with the checksum found right.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            self.line.clear();
            self.input.read_until(b'\n', &mut self.line)?;
            let Some(line) = self.line.strip_suffix(b"\n") else { return Err(broken("end")) };
            let place = self.place;
            if let (Place::After, Some(seal)) = (place, line.strip_prefix(b"\"crc32\":\"")) {
                let expect = format!("{:08x}\"}}", self.crc.clone().finalize());
                return if seal == expect.as_bytes() { Ok(None) } else { Err(broken("checksum")) };
            }
            self.crc.update(&self.line);
            let line = line.strip_suffix(b",").unwrap_or(line);
            let table = match (place, line) {
                (Place::Table(_), b"}") => {
                    self.place = Place::Between;
                    continue;
                }
                (Place::Between, b"}") => {
                    self.place = Place::After;
                    continue;
                }
                (Place::Between, _) => {
                    let name = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\":{"));
                    let table = name.and_then(|name| Table::parse(std::str::from_utf8(name).ok()?));
                    self.place = Place::Table(table.ok_or_else(|| broken("a table"))?);
                    continue;
                }
                (Place::Table(table), _) => table,
                (Place::After, _) => return Err(broken("end")),
            };
            let (id, json) = split_row(line).ok_or_else(|| broken("a row"))?;
            return Ok(Some(Row { table, id, json }));
        }
    }
}

/// `"id":{…}` in its parts.
fn split_row(line: &[u8]) -> Option<(String, String)> {
    let mut ids = serde_json::Deserializer::from_slice(line).into_iter::<String>();
    let id = ids.next()?.ok()?;
    let json = line.get(ids.byte_offset()..)?.strip_prefix(b":")?;
    Some((id, String::from_utf8(json.to_vec()).ok()?))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the snapshot is damaged ({what})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    fn rows(list: &[(Table, &str, &str)]) -> Rows {
        let row = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        list.iter().map(|(table, id, json)| ((*table, (*id).to_owned()), row(json))).collect()
    }

    fn written(seq: u64, rows: &Rows) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let file = Disk { fsync: false }.create(&path).unwrap();
        let mut writer = Writer::new(&file, seq);
        for ((table, id), row) in rows {
            writer.row(*table, id, row.get()).unwrap();
        }
        let size = writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(size, bytes.len() as u64);
        bytes
    }

    fn streamed(bytes: &[u8]) -> io::Result<Vec<(Table, String, String)>> {
        let mut reader = Reader::new(bytes)?;
        let mut rows = Vec::new();
        while let Some(Row { table, id, json }) = reader.next_row()? {
            rows.push((table, id, json));
        }
        Ok(rows)
    }

    #[track_caller]
    fn check(rows: &Rows) {
        let bytes = written(7, rows);
        let parsed = parse(&bytes).unwrap();
        assert!(parsed.sealed);
        assert_eq!(parsed.seq, 7);
        let flat = |rows: &Rows| -> Vec<(Table, String, String)> {
            rows.iter().map(|((table, id), row)| (*table, id.clone(), row.get().to_owned())).collect()
        };
        assert_eq!(flat(&parsed.rows), flat(rows));
        assert_eq!(streamed(&bytes).unwrap(), flat(rows));
    }

    #[test]
    fn both_readers_read_what_is_written() {
        check(&Rows::new());
        check(&rows(&[(Table::Facts, "", "1")]));
        check(&rows(&[
            (Table::Sessions, "sessions", r#"{"a":"},"}"#),
            (Table::Sessions, "quote\" \\ \n new line", "[1.10,\t2]"),
            (Table::Turns, "crc32", "\"x\""),
            (Table::Devices, "}", "{}"),
            (Table::Devices, "ключ", "null"),
        ]));
    }

    #[test]
    fn the_format_is_frozen() {
        let text =
            String::from_utf8(written(12, &rows(&[(Table::Facts, "a", "{}"), (Table::Facts, "b", "2")])))
                .unwrap();
        assert_eq!(
            text,
            "{\"pincer\":\"store\",\"version\":1,\"seq\":12,\"tables\":{\n\"sessions\":{\n},\n\"turns\":{\n},\n\
             \"receipts\":{\n},\n\"devices\":{\n},\n\"pairings\":{\n},\n\"facts\":{\n\"a\":{},\n\"b\":2\n},\n\
             \"approvals\":{\n}\n},\n\
             \"crc32\":\"e15483d3\"}\n"
        );
    }

    #[test]
    fn any_damaged_byte_and_any_cut_is_noticed() {
        let bytes = written(3, &rows(&[(Table::Sessions, "a", r#"{"n":1}"#), (Table::Facts, "b", "2")]));
        for at in 0..bytes.len() {
            assert!(parse(&bytes[..at]).is_err(), "cut at {at}");
            assert!(streamed(&bytes[..at]).is_err(), "cut at {at}");
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(parse(&broken).is_err(), "byte {at}");
            assert!(streamed(&broken).is_err(), "byte {at}");
        }
    }

    #[test]
    fn people_may_edit_it() {
        let text = "{ \"pincer\": \"store\", \"version\": 1, \"seq\": 4,\n \"tables\": { \"facts\": { \"a\": {\n \"b\": 1 } } } }";
        let snapshot = parse(text.as_bytes()).unwrap();
        assert!(!snapshot.sealed);
        assert_eq!(snapshot.rows.values().map(|row| row.get()).collect::<Vec<_>>(), ["{  \"b\": 1 }"]);
    }

    #[test]
    fn others_files_and_newer_ones_are_told_apart() {
        let is = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(is(r#"{"agent:main:main":{}}"#), Unreadable::Foreign);
        assert_eq!(is("hello"), Unreadable::Foreign);
        assert_eq!(is(r#"{"pincer":"store","version":9,"seq":0,"rows":[]}"#), Unreadable::Newer(9));
        assert!(matches!(is(""), Unreadable::Damaged(_)));
        assert!(matches!(is("\0\0\0"), Unreadable::Damaged(_)));
        assert!(matches!(is(r#"{"pincer":"sto"#), Unreadable::Damaged(_)));
    }
}

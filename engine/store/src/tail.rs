//! Reads the tail of a transcript without reading the rest of it into memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use pincer_sessions::persist::{Lines, Tail, TailQuery};

/// How much is read at once.
const BLOCK: usize = 64 * 1024;

/// `None`: there is no such file.
fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(cause) => Err(cause),
    }
}

/// Answers `query` from the file at `path`. A missing file is an answer, not an error.
pub(crate) fn read_tail(path: &Path, query: &TailQuery) -> io::Result<Tail> {
    let Some(file) = open(path)? else { return Ok(Tail::default()) };
    let len = file.metadata()?.len();
    let start = tail_start(&file, len, u64::from(query.lines_max), query.bytes_max)?;
    let skipped = count_newlines(&file, start)?;
    let bytes = read_range(&file, start, len)?;
    Ok(Tail { found: true, skipped, lines: lines(bytes) })
}

/// The first whole lines of the file at `path`, at most `bytes_max` bytes of them. A missing file is an answer, not an
/// error.
pub(crate) fn read_head(path: &Path, bytes_max: u64) -> io::Result<Tail> {
    let Some(file) = open(path)? else { return Ok(Tail::default()) };
    let len = file.metadata()?.len();
    let mut bytes = read_range(&file, 0, len.min(bytes_max))?;
    if (bytes.len() as u64) < len {
        // What follows the last newline goes on behind what was read.
        bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1));
    }
    Ok(Tail { found: true, skipped: 0, lines: lines(bytes) })
}

/// The lines worth returning: UTF-8 and one JSON object each. A crash of another writer can leave half a line, with or
/// without more text glued to it; a half object does not both open and close.
fn lines(bytes: Vec<u8>) -> Lines {
    match String::from_utf8(bytes) {
        Ok(text) => Lines::of(text, object),
        Err(not) => {
            let lines = not.as_bytes().split(|&byte| byte == b'\n');
            lines.filter_map(|line| object(std::str::from_utf8(line).ok()?)).collect()
        }
    }
}

fn object(line: &str) -> Option<&str> {
    let line = line.trim();
    (line.starts_with('{') && line.ends_with('}')).then_some(line)
}

/// Where the last `lines_max` lines begin, but no further than `bytes_max` from the end, and at a line's start.
pub(crate) fn tail_start(file: &File, len: u64, lines_max: u64, bytes_max: u64) -> io::Result<u64> {
    let floor = len.saturating_sub(bytes_max);
    if lines_max == 0 || floor == len {
        return Ok(len);
    }
    let mut block = vec![0; BLOCK];
    let mut lines = 0;
    // Where the lines found so far begin.
    let mut start = len;
    let mut end = len;
    // One byte before the floor tells whether a line starts exactly there.
    while end > floor.saturating_sub(1) {
        let from = end.saturating_sub(BLOCK as u64).max(floor.saturating_sub(1));
        let bytes = read_into(file, &mut block, from, end)?;
        for newline in memchr::memrchr_iter(b'\n', bytes) {
            let next = from + newline as u64 + 1;
            // The newline at the very end closes the last line and begins none.
            if next < len {
                start = next;
                lines += 1;
                if lines == lines_max {
                    return Ok(start);
                }
            }
        }
        end = from;
    }
    Ok(if floor == 0 { 0 } else { start })
}

/// Newlines in the first `to` bytes.
fn count_newlines(file: &File, to: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut count = 0;
    let mut at = 0;
    while at < to {
        let bytes = read_into(file, &mut block, at, to.min(at + BLOCK as u64))?;
        if bytes.is_empty() {
            break;
        }
        count += memchr::memchr_iter(b'\n', bytes).count() as u64;
        at += bytes.len() as u64;
    }
    Ok(count)
}

/// Bytes `from..to`; fewer when the file has become shorter.
pub(crate) fn read_range(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
    let filled = read_into(file, &mut bytes, from, to)?.len();
    bytes.truncate(filled);
    Ok(bytes)
}

/// Fills `block` with `from..to` (at most its size) and returns what was there.
fn read_into<'b>(file: &File, block: &'b mut [u8], from: u64, to: u64) -> io::Result<&'b [u8]> {
    let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).min(block.len());
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..wanted).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(block.get(..filled).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pincer_sessions::persist::TranscriptId;

    #[track_caller]
    fn check(text: &[u8], lines_max: u32, bytes_max: u64, expect: (u64, &[&str])) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        std::fs::write(&path, text).unwrap();
        let query = TailQuery { transcript: TranscriptId::new("main", "t").unwrap(), lines_max, bytes_max };
        let tail = read_tail(&path, &query).unwrap();
        assert!(tail.found);
        let lines: Vec<&str> = tail.lines.iter().collect();
        assert_eq!((tail.skipped, &lines[..]), expect, "{lines_max} lines, {bytes_max} bytes");
    }

    #[test]
    fn tails_are_cut_by_lines_and_by_bytes() {
        let text = b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
        check(text, 9, 999, (0, &["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]));
        check(text, 3, 24, (0, &["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]));
        check(text, 2, 999, (1, &["{\"b\":2}", "{\"c\":3}"]));
        check(text, 9, 16, (1, &["{\"b\":2}", "{\"c\":3}"]));
        check(text, 9, 15, (2, &["{\"c\":3}"]));
        check(text, 9, 8, (2, &["{\"c\":3}"]));
        check(text, 9, 7, (3, &[]));
        check(text, 0, 999, (3, &[]));
        check(text, 9, 0, (3, &[]));
        check(b"", 9, 9, (0, &[]));
    }

    #[test]
    fn heads_are_cut_at_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        std::fs::write(&path, b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}").unwrap();
        for (bytes_max, want) in [
            (999, &["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"][..]),
            (16, &["{\"a\":1}", "{\"b\":2}"]),
            (15, &["{\"a\":1}"]),
            (7, &[]),
        ] {
            let head = read_head(&path, bytes_max).unwrap();
            assert_eq!(
                (head.found, head.skipped, head.lines.iter().collect::<Vec<_>>()),
                (true, 0, want.to_vec())
            );
        }
        assert_eq!(read_head(&dir.path().join("none"), 9).unwrap(), Tail::default());
    }

    #[test]
    fn torn_and_unreadable_lines_are_left_out() {
        check(b"{\"a\":1}\n{\"b\":", 9, 999, (0, &["{\"a\":1}"]));
        check(b"{\"a\":1}\n{\"b\":2}", 9, 999, (0, &["{\"a\":1}", "{\"b\":2}"]));
        check(b"{\"a\":1}\n{\"\xff\":1}\n\n{\"c\":3}\n", 9, 999, (0, &["{\"a\":1}", "{\"c\":3}"]));
        check(b"\0\0\0\0\n{\"c\":3}\r\n", 9, 999, (0, &["{\"c\":3}"]));
    }

    #[test]
    fn lines_longer_than_a_block_are_found_from_the_end() {
        let long = format!("{{\"x\":\"{}\"}}", "y".repeat(3 * BLOCK));
        let text = format!("{{\"a\":1}}\n{long}\n{{\"b\":2}}\n");
        check(text.as_bytes(), 2, u64::MAX, (1, &[&long, "{\"b\":2}"]));
        check(text.as_bytes(), 2, BLOCK as u64, (2, &["{\"b\":2}"]));
    }

    #[test]
    fn a_missing_file_is_an_empty_answer() {
        let query =
            TailQuery { transcript: TranscriptId::new("main", "t").unwrap(), lines_max: 1, bytes_max: 1 };
        assert_eq!(read_tail(Path::new("/nonexistent/t.jsonl"), &query).unwrap(), Tail::default());
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_splitting_the_whole_file(
            lines in proptest::collection::vec("[a-z]{0,6}", 0..20), lines_max in 1u32..8, bytes_max in 1u64..80
        ) {
            let text: String = lines.iter().map(|line| format!("{{{line}}}\n")).collect();
            let mut expect: Vec<String> = Vec::new();
            let mut bytes = 0;
            for line in lines.iter().rev().take(lines_max as usize) {
                bytes += line.len() as u64 + 3;
                if bytes > bytes_max { break; }
                expect.insert(0, format!("{{{line}}}"));
            }
            let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
            check(text.as_bytes(), lines_max, bytes_max, ((lines.len() - expect.len()) as u64, &expect));
        }
    }
}

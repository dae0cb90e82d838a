//! Reads a part of the gateway's log file, as `logs.tail` follows it.

use std::fs::File;
use std::io;
use std::path::Path;

use pincer_sessions::persist::ReadAnswer;

use crate::tail::read_range;

/// Goes on from `cursor`, or starts `bytes_max` before the end. A log that is not there yet is empty.
///
/// A last line without a newline is still being written: it is left for the next call, and the cursor stays before it.
pub(crate) fn read_log(
    path: &Path,
    cursor: Option<u64>,
    lines_max: u32,
    bytes_max: u32,
) -> io::Result<ReadAnswer> {
    let name = path.display().to_string();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let (lines, reset) = (Vec::new(), cursor.is_some_and(|cursor| cursor > 0));
            return Ok(ReadAnswer::Log { file: name, cursor: 0, size: 0, lines, truncated: false, reset });
        }
        Err(cause) => return Err(cause),
    };
    let size = file.metadata()?.len();
    let tail = size.saturating_sub(u64::from(bytes_max));
    // Past the end: the file was rotated. Too far back: reading on would take more than was asked for.
    let reset = cursor.is_some_and(|cursor| cursor > size || cursor < tail);
    let start = match cursor {
        Some(cursor) if !reset => cursor,
        _ => tail,
    };
    let mut truncated = match cursor {
        Some(cursor) if !reset => cursor < start,
        _ => start > 0,
    };

    // One byte more tells whether `start` is the start of a line.
    let bytes = read_range(&file, start.saturating_sub(1), size)?;
    let mut text = bytes.as_slice();
    if start > 0 {
        match memchr::memchr(b'\n', text) {
            Some(newline) => text = text.get(newline + 1..).unwrap_or_default(),
            // The middle of one long line: all of it is left out, its end too when that comes.
            None => {
                return Ok(ReadAnswer::Log {
                    file: name,
                    cursor: size,
                    size,
                    lines: Vec::new(),
                    truncated,
                    reset,
                });
            }
        }
    }
    let whole = memchr::memrchr(b'\n', text).map_or(0, |newline| newline + 1);
    let unfinished = (text.len() - whole) as u64;
    let text = String::from_utf8_lossy(text.get(..whole).unwrap_or_default());
    let mut lines: Vec<&str> = text.lines().collect();
    let over = lines.len().saturating_sub(lines_max as usize);
    if over > 0 {
        truncated = true;
        lines.drain(..over);
    }
    Ok(ReadAnswer::Log {
        file: name,
        cursor: size - unfinished,
        size,
        lines: lines.into_iter().map(str::to_owned).collect(),
        truncated,
        reset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect`: cursor, lines joined by `,`, truncated, reset.
    #[track_caller]
    fn check(
        text: &str,
        cursor: Option<u64>,
        lines_max: u32,
        bytes_max: u32,
        expect: (u64, &str, bool, bool),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pincer.log");
        std::fs::write(&path, text).unwrap();
        match read_log(&path, cursor, lines_max, bytes_max).unwrap() {
            ReadAnswer::Log { file, cursor, size, lines, truncated, reset } => {
                assert_eq!(file, path.display().to_string());
                assert_eq!(size, text.len() as u64);
                let lines = lines.join(",");
                assert_eq!((cursor, lines.as_str(), truncated, reset), expect);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn follows_from_a_cursor() {
        let text = "aaa\nbbb\nccc\n";
        check(text, None, 9, 99, (12, "aaa,bbb,ccc", false, false));
        check(text, Some(0), 9, 99, (12, "aaa,bbb,ccc", false, false));
        check(text, Some(4), 9, 99, (12, "bbb,ccc", false, false));
        check(text, Some(12), 9, 99, (12, "", false, false));
        check("aaa\nbb", Some(4), 9, 99, (4, "", false, false));
        check("aaa\nbb", Some(0), 9, 99, (4, "aaa", false, false));
    }

    #[test]
    fn a_bounded_tail_says_what_it_left_out() {
        let text = "aaa\nbbb\nccc\n";
        check(text, None, 2, 99, (12, "bbb,ccc", true, false));
        check(text, None, 9, 8, (12, "bbb,ccc", true, false));
        check(text, None, 9, 7, (12, "ccc", true, false));
    }

    #[test]
    fn useless_cursors_are_reset_as_recorded() {
        let text = "aaa\nbbb\nccc\n";
        // logs.tail r304: past the end.
        check(text, Some(99), 9, 5, (12, "ccc", true, true));
        // logs.tail r303: too far back, and the last line alone is longer than asked for.
        check(text, Some(0), 9, 3, (12, "", true, true));
        check(text, Some(1), 9, 8, (12, "bbb,ccc", true, true));
    }

    #[test]
    fn no_log_yet_is_an_empty_log() {
        match read_log(Path::new("/nonexistent/x.log"), Some(3), 9, 9).unwrap() {
            ReadAnswer::Log { cursor: 0, size: 0, truncated: false, reset: true, .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

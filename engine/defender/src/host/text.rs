//! Paths as text.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A path as people may see it: no control characters, no bytes that are no text, and so no way to write to a terminal
/// or to forge a log line by the name of a file.
pub fn shown(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            // Marks that reorder or hide text would let one name look like another.
            let misleads = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            match c.is_control() || misleads {
                true => out.extend(c.escape_default()),
                false => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// A path in a baseline: every byte that is not printable ASCII, and `%`, as `%XX`.
pub(super) fn push_escaped(out: &mut String, path: &Path) {
    for &byte in path.as_os_str().as_bytes() {
        match byte.is_ascii_graphic() && byte != b'%' {
            true => out.push(char::from(byte)),
            false => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Reads what [`push_escaped`] wrote. `None`: it did not.
pub(super) fn unescaped(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |index: usize| char::from(*after.get(index)?).to_digit(16);
        bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        rest = after.get(2..)?;
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], escaped: &str, seen: &str) {
        let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let mut text = String::new();
        push_escaped(&mut text, &path);
        assert_eq!(text, escaped);
        assert_eq!(unescaped(&text), Some(path.clone()));
        assert_eq!(shown(&path), seen);
    }

    #[test]
    fn any_name() {
        check(b"/etc/passwd", "/etc/passwd", "/etc/passwd");
        check(b"/a b/100%", "/a%20b/100%25", "/a b/100%");
        check("/ü".as_bytes(), "/%C3%BC", "/ü");
        check(b"/\xff\n\x1b[2J", "/%FF%0A%1B[2J", "/\\xff\\n\\u{1b}[2J");
        check("/a\u{202e}b".as_bytes(), "/a%E2%80%AEb", "/a\\u{202e}b");
        for bad in ["%", "%4", "%zz"] {
            assert_eq!(unescaped(bad), None);
        }
    }
}

//! Words whose letters stand apart: `i g n o r e`, `i.g.n.o.r.e`.

use super::View;

/// So many single letters in a row are no list of options and no initials any more.
pub(super) const RUN_MIN: usize = 6;

pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'.' | b'-' | b'_' | b'*' | b'|' | b'/' | b'+' | b'~')
}

/// Ends of a run that starts with the letter at `start`: behind its last letter, and how many letters it has.
fn run(bytes: &[u8], start: usize) -> (usize, usize) {
    let (mut at, mut letters) = (start, 0);
    while bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
        && bytes.get(at + 1).is_none_or(|&b| is_separator(b))
    {
        letters += usize::from(bytes.get(at).is_some_and(u8::is_ascii_alphabetic));
        at += 2;
    }
    (at.saturating_sub(1).max(start), letters)
}

impl View {
    /// Joins the letters of every run. A wider gap, or another separator than the first, parts words.
    pub(super) fn join_letters(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut out = std::mem::take(&mut self.spare);
        let mut map = std::mem::take(&mut self.spare_map);
        out.clear();
        map.clear();
        self.uppers.clear();
        let bytes = text.as_bytes();
        let (mut at, mut line, mut wide) = (0, 0, 0);
        let mut before = b' ';
        let mut next_origin = u32::MAX;
        while let Some(&byte) = bytes.get(at) {
            while self.line_starts.get(line).is_some_and(|&start| start as usize <= at) {
                if let Some(start) = self.line_starts.get_mut(line) {
                    *start = out.len() as u32;
                }
                line += 1;
            }
            if byte.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric() {
                let (end, letters) = run(bytes, at);
                if letters >= RUN_MIN {
                    let separator = bytes.get(at + 1).copied().unwrap_or(b' ');
                    self.disguise.spaced += letters as u32;
                    for n in (at..end).step_by(2) {
                        map.push((out.len() as u32, self.origin(n as u32)));
                        out.push(char::from(bytes.get(n).copied().unwrap_or(b' ')));
                        let gap = n + 1;
                        while self.wide.get(wide).is_some_and(|&w| (w as usize) < gap) {
                            wide += 1;
                        }
                        let parts = self.wide.get(wide).is_some_and(|&w| w as usize == gap)
                            || bytes.get(gap).is_some_and(|&b| b != separator);
                        if parts && gap < end {
                            map.push((out.len() as u32, self.origin(gap as u32)));
                            out.push(' ');
                        }
                    }
                    before = b'x';
                    at = end;
                    next_origin = u32::MAX;
                    continue;
                }
            }
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            let origin = self.origin(at as u32);
            if origin != next_origin {
                map.push((out.len() as u32, origin));
            }
            next_origin = origin + c.len_utf8() as u32;
            out.push(c);
            before = byte;
            at += c.len_utf8();
        }
        for start in self.line_starts.iter_mut().skip(line) {
            *start = out.len() as u32;
        }
        self.spare = std::mem::replace(&mut self.text, out);
        self.spare = text;
        self.spare_map = std::mem::replace(&mut self.map, map);
    }
}

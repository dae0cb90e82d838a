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

fn has_runs(bytes: &[u8]) -> bool {
    let mut before = b' ';
    bytes.iter().enumerate().any(|(at, &byte)| {
        let begins = byte.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric();
        before = byte;
        begins && run(bytes, at).1 >= RUN_MIN
    })
}

/// Follows the map of a view from its beginning.
#[derive(Default)]
struct Origins {
    /// The first entry that is behind where it was asked last.
    after: usize,
}

impl Origins {
    /// Where `folded` came from, which is not before what was asked last.
    fn of(&mut self, view: &View, folded: usize) -> u32 {
        while view.map.get(self.after).is_some_and(|&(from, _)| from as usize <= folded) {
            self.after += 1;
        }
        view.origin_before(self.after, folded as u32)
    }
}

impl View {
    /// Joins the letters of every run; false if there are none. A wider gap, or another separator than the first, parts
    /// words.
    pub(super) fn join_letters(&mut self) -> bool {
        if !has_runs(self.text.as_bytes()) {
            return false;
        }
        let text = std::mem::take(&mut self.text);
        let mut out = std::mem::take(&mut self.spare);
        let mut map = std::mem::take(&mut self.spare_map);
        out.clear();
        map.clear();
        self.uppers.clear();
        let mut origins = Origins::default();
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
                        map.push((out.len() as u32, origins.of(self, n)));
                        out.push(char::from(bytes.get(n).copied().unwrap_or(b' ')));
                        let gap = n + 1;
                        while self.wide.get(wide).is_some_and(|&w| (w as usize) < gap) {
                            wide += 1;
                        }
                        let parts = self.wide.get(wide).is_some_and(|&w| w as usize == gap)
                            || bytes.get(gap).is_some_and(|&b| b != separator);
                        if parts && gap < end {
                            map.push((out.len() as u32, origins.of(self, gap)));
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
            let origin = origins.of(self, at);
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
        true
    }
}

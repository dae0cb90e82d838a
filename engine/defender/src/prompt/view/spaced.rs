//! Words whose letters stand apart: `i g n o r e`, `i.g.n.o.r.e`.

use super::mask::{self, BLOCK, Places};
use super::{Origin, View};

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

/// Where runs may begin: with a letter or digit that stands alone, and enough of them behind, a separator between.
#[derive(Debug, Default)]
pub(super) struct Singles {
    letters: Places,
    separators: Places,
}

impl Singles {
    fn read(&mut self, bytes: &[u8]) {
        self.letters.clear();
        self.separators.clear();
        mask::each_block(bytes, b' ', |block| {
            self.letters.push(mask::bits(block, |byte| byte.is_ascii_alphanumeric()));
            self.separators.push(mask::bits(block, is_separator));
        });
    }

    /// The first at `from` or behind.
    fn next(&self, from: usize) -> Option<usize> {
        let mut kept = u64::MAX << (from % BLOCK);
        (from / BLOCK..self.letters.blocks().len()).find_map(|n| {
            let starts = self.starts(n) & std::mem::replace(&mut kept, u64::MAX);
            (starts != 0).then(|| n * BLOCK + starts.trailing_zeros() as usize)
        })
    }

    /// Those of a block. A run reaches into the next.
    fn starts(&self, n: usize) -> u64 {
        let block = |places: &Places, n: usize| places.blocks().get(n).copied().unwrap_or(0);
        let both = |places| u128::from(block(places, n)) | u128::from(block(places, n + 1)) << BLOCK;
        let (letters, separators) = (both(&self.letters), both(&self.separators));
        let before = n.checked_sub(1).map_or(0, |n| block(&self.letters, n)) >> (BLOCK - 1);
        let apart = letters & separators >> 1;
        let behind = (2..RUN_MIN).fold(apart, |row, _| row >> 2 & apart);
        // The last one has to be none but a letter or digit.
        behind as u64 & (letters >> (2 * (RUN_MIN - 1))) as u64 & !(block(&self.letters, n) << 1 | before)
    }
}

/// Follows the map of a view from its beginning.
#[derive(Default)]
struct Origins {
    /// The first entry that is behind where it was asked last.
    after: usize,
}

impl Origins {
    /// Calls `each` with every part of `start..end` that came from one piece of the original: where it begins, and where that
    /// came from. Only every so manyth byte counts. Not before what was asked last.
    fn each_part(
        &mut self,
        view: &View,
        start: usize,
        end: usize,
        every: usize,
        mut each: impl FnMut(usize, u32),
    ) {
        let mut at = start;
        while at < end {
            while view.map.get(self.after).is_some_and(|part| part.from as usize <= at) {
                self.after += 1;
            }
            each(at, view.origin_before(self.after, at as u32));
            let part = view.map.get(self.after).map_or(end, |next| next.from as usize).min(end);
            // The first that is not before the next part.
            at += (part - at).next_multiple_of(every);
        }
    }
}

/// A text whose runs are joined, as far as that is done.
struct Joined<'a> {
    view: &'a mut View,
    bytes: &'a [u8],
    out: String,
    map: Vec<Origin>,
    origins: Origins,
    /// How much of the text is done, and how many of its lines and wide gaps.
    done: usize,
    line: usize,
    wide: usize,
}

impl Joined<'_> {
    /// Takes over the text as it is, up to `end`.
    fn keep(&mut self, text: &str, end: usize) {
        let base = self.out.len();
        while let Some(start) =
            self.view.line_starts.get_mut(self.line).filter(|start| **start as usize <= end)
        {
            *start = (base + (*start as usize).saturating_sub(self.done)) as u32;
            self.line += 1;
        }
        self.origins.each_part(self.view, self.done, end, 1, |at, to| {
            self.map.push(Origin { from: (base + at - self.done) as u32, to, step: 1 });
        });
        self.out.push_str(text.get(self.done..end).unwrap_or_default());
        self.done = end;
    }

    /// Joins the run that begins where the text is done, and ends at `end`. A wider gap, or another separator than the
    /// first, parts words.
    fn join(&mut self, end: usize) {
        let mut at = self.done;
        let separator = self.bytes.get(at + 1).copied().unwrap_or(b' ');
        while at < end {
            while self.view.wide.get(self.wide).is_some_and(|&gap| (gap as usize) <= at) {
                self.wide += 1;
            }
            let most = self.view.wide.get(self.wide).map_or(end, |&gap| gap as usize).min(end);
            let (base, mut gap) = (self.out.len(), at);
            for pair in self.bytes.get(at..most).unwrap_or_default().chunks(2) {
                self.out.push(pair.first().copied().map_or(' ', char::from));
                gap += pair.len();
                if pair.get(1).is_some_and(|&byte| byte != separator) {
                    gap -= 1;
                    break;
                }
            }
            let gap = gap.min(most);
            self.origins.each_part(self.view, at, gap, 2, |n, to| {
                self.map.push(Origin { from: (base + (n - at) / 2) as u32, to, step: 2 });
            });
            if gap < end {
                let base = self.out.len() as u32;
                self.origins.each_part(self.view, gap, gap + 1, 1, |_, to| {
                    self.map.push(Origin { from: base, to, step: 1 });
                });
                self.out.push(' ');
            }
            at = gap + 1;
        }
        self.done = end;
    }
}

impl View {
    /// Joins the letters of every run; false if there are none.
    pub(super) fn join_letters(&mut self) -> bool {
        let text = std::mem::take(&mut self.text);
        let mut singles = std::mem::take(&mut self.singles);
        let (mut out, mut map) = (std::mem::take(&mut self.spare), std::mem::take(&mut self.spare_map));
        out.clear();
        map.clear();
        let bytes = text.as_bytes();
        singles.read(bytes);
        let origins = Origins::default();
        let mut joined = Joined { view: self, bytes, out, map, origins, done: 0, line: 0, wide: 0 };
        let mut at = 0;
        while let Some(start) = singles.next(at) {
            let (end, letters) = run(bytes, start);
            if letters >= RUN_MIN {
                joined.view.disguise.spaced += letters as u32;
                joined.keep(&text, start);
                joined.join(end);
            }
            // What begins inside of a run has no more letters than it.
            at = end.max(start + 1);
        }
        let any = joined.done > 0;
        if any {
            joined.keep(&text, text.len());
            joined.view.uppers.clear();
            joined.view.escaped.clear();
        }
        let Joined { out, map, .. } = joined;
        self.singles = singles;
        if any {
            self.text = out;
            self.spare = text;
            self.spare_map = std::mem::replace(&mut self.map, map);
        } else {
            (self.text, self.spare, self.spare_map) = (text, out, map);
        }
        any
    }
}

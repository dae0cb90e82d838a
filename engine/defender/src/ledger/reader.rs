//! Checks a ledger as its bytes come, in memory of one line.

use super::chain::{Hash, Head, LINE_BYTES_MAX, Read, open};
use super::error::{Break, LineProblem};
use super::record::Record;

/// Most breaks whose text is kept; all are counted.
const BREAKS_MAX: usize = 100;

/// A line that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number in the ledger.
    pub n: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was written, Unix milliseconds.
    pub at_ms: u64,
    /// What it says; `None`: a newer version's record, which this one cannot read. Its place in the chain was checked.
    pub record: Option<Record>,
}

/// What a reader gives its caller.
#[derive(Debug)]
pub enum Item<'a> {
    /// A line that is whole. It may follow a break: that was given before.
    Line(&'a Line, &'a [u8]),
    /// The ledger is broken here.
    Break(&'a Break),
}

/// What was found, all in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, whole or not.
    pub lines: u64,
    /// The first whole line's number.
    pub first: Option<u64>,
    /// Where the chain ends: its last whole line.
    pub head: Head,
    /// How often it is broken.
    pub broken: u64,
    /// The first breaks, no more than a page of them.
    pub breaks: Vec<Break>,
    /// Records that say that a writer found damage and went on.
    pub resumed: u64,
    /// Records of a newer version.
    pub unknown: u64,
    /// Bytes behind the last newline. Not a break: see [`Reader::end`].
    pub torn_bytes: u64,
    /// Lines behind the last whole one.
    pub unreadable_end: u64,
    /// What is wrong with the end as it was remembered.
    pub head_problem: Option<LineProblem>,
}

impl Tally {
    /// Nothing is wrong, and nothing was wrong before.
    pub fn is_sound(&self) -> bool {
        self.broken == 0 && self.resumed == 0
    }
}

/// Give it the bytes of all segments, oldest first, in pieces of any size, [`Reader::end_segment`] behind each that was
/// closed, then [`Reader::end`].
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a line whose end has not come; at most a line long.
    part: Vec<u8>,
    /// The part was longer than a line may be, by now this many bytes in all; they are skipped.
    skipping: Option<u64>,
    /// Where the last whole line left the chain.
    after: Option<Head>,
    /// Lines since then that are none.
    bad_lines: u64,
    /// Lines before the first one left were deleted, and with which hash they must have ended.
    begins_after: Option<Head>,
    /// The remembered head, until its line came.
    remembered: Option<Head>,
    tally: Tally,
}

impl Reader {
    /// A reader that also asks for `remembered`, the head that was kept beside the ledger.
    pub fn new(remembered: Option<Head>) -> Reader {
        Reader { remembered: remembered.filter(|head| head.count > 0), ..Reader::default() }
    }

    /// Takes the next bytes and gives what ends in them to `take`.
    pub fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Item<'_>)) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (piece, ended) = match piece.split_last() {
                Some((b'\n', line)) => (line, true),
                _ => (piece, false),
            };
            if let Some(skipped) = &mut self.skipping {
                *skipped = skipped.saturating_add(piece.len() as u64);
            } else if self.part.len() + piece.len() > LINE_BYTES_MAX {
                self.skipping = Some((self.part.len() + piece.len()) as u64);
                self.part.clear();
            } else if ended && self.part.is_empty() {
                // The usual line lies whole in what was read: it is not copied.
                self.line(piece, take);
                continue;
            } else {
                self.part.extend_from_slice(piece);
            }
            if ended {
                let part = std::mem::take(&mut self.part);
                match self.skipping.take() {
                    Some(_) => self.no_line(LineProblem::TooLong, take),
                    None => self.line(&part, take),
                }
                self.part = part;
                self.part.clear();
            }
        }
    }

    /// Says that a segment is over and will not be written any more: it ends with a newline, or is broken there.
    pub fn end_segment(&mut self, take: &mut impl FnMut(Item<'_>)) {
        let bytes = self.skipping.take().unwrap_or(self.part.len() as u64);
        self.part.clear();
        if bytes > 0 {
            self.no_line(LineProblem::Torn { bytes }, take);
        }
    }

    /// Says that there is no more. Bytes behind the last newline are counted as torn and are no break: a crash, or a
    /// writer at work, explains them. Whoever knows better says so.
    pub fn end(mut self, take: &mut impl FnMut(Item<'_>)) -> Tally {
        self.tally.torn_bytes = self.skipping.unwrap_or(self.part.len() as u64);
        self.tally.unreadable_end = self.bad_lines;
        let last = self.tally.head.count;
        // Lines that are there and unreadable are broken already, not missing too. A head whose own line is among them,
        // or was dropped since, says nothing more.
        let accounted = last.saturating_add(self.bad_lines);
        if let Some(head) = self.remembered.take().filter(|head| head.count > accounted) {
            self.tally.lines += 1;
            self.head_broken(LineProblem::EndMissing { head, last }, take);
            self.tally.lines -= 1;
        }
        if let Some(begin) = self.begins_after.take() {
            let n = begin.count + 1;
            self.broken(LineProblem::NothingDropped { n }, take);
        }
        self.tally
    }

    fn line(&mut self, bytes: &[u8], take: &mut impl FnMut(Item<'_>)) {
        let (hash, read) = match open(bytes) {
            Ok(opened) => opened,
            Err(problem) => return self.no_line(problem, take),
        };
        self.tally.lines += 1;
        let Read { n, prev, at, record } = read;
        if let Some(problem) = self.misplaced(n, prev) {
            self.broken(problem, take);
        }
        self.bad_lines = 0;
        self.after = Some(Head { count: n, hash });
        self.tally.head = Head { count: n, hash };
        self.tally.first.get_or_insert(n);
        if let Some(head) = self.remembered.filter(|head| head.count == n) {
            self.remembered = None;
            if head.hash != hash {
                self.head_broken(LineProblem::OtherHead { head, found: hash }, take);
            }
        }
        let record: Option<Record> = serde_json::from_str(record.get()).ok();
        match &record {
            Some(Record::Resumed { .. }) => self.tally.resumed += 1,
            Some(Record::Dropped { last, hash }) => {
                let dropped = Head { count: *last, hash: *hash };
                // A segment that was to be dropped and is still there needs no explanation.
                self.begins_after = self.begins_after.filter(|begin| *begin != dropped);
            }
            Some(_) => {}
            None => self.tally.unknown += 1,
        }
        let line = Line { n, hash, at_ms: at, record };
        take(Item::Line(&line, bytes));
    }

    /// What is wrong with a whole line's place.
    fn misplaced(&mut self, n: u64, prev: Hash) -> Option<LineProblem> {
        let Some(after) = self.after else {
            // The first line says where the ledger begins. If that is not its very beginning, a later one must say why.
            let before = n.checked_sub(1).map(|count| Head { count, hash: prev });
            return match before {
                Some(Head { count: 0, hash: Hash::ZERO }) => None,
                Some(Head { count: 0, hash }) => {
                    Some(LineProblem::NotAfter { prev: hash, expected: Hash::ZERO })
                }
                Some(begin) => {
                    self.begins_after = Some(begin);
                    None
                }
                None => Some(LineProblem::Again { n, expected: 1 }),
            };
        };
        let expected = after.count.saturating_add(1);
        if n > expected {
            // Lines that are there and unreadable were given as broken; they are not missing too.
            let missing = n - expected != self.bad_lines;
            missing.then_some(LineProblem::Missing { from: expected, to: n - 1 })
        } else if n < expected {
            Some(LineProblem::Again { n, expected })
        } else {
            (prev != after.hash).then_some(LineProblem::NotAfter { prev, expected: after.hash })
        }
    }

    fn no_line(&mut self, problem: LineProblem, take: &mut impl FnMut(Item<'_>)) {
        self.tally.lines += 1;
        self.bad_lines += 1;
        self.broken(problem, take);
    }

    fn head_broken(&mut self, problem: LineProblem, take: &mut impl FnMut(Item<'_>)) {
        self.tally.head_problem = Some(problem.clone());
        self.broken(problem, take);
    }

    fn broken(&mut self, problem: LineProblem, take: &mut impl FnMut(Item<'_>)) {
        let found = Break { line: self.tally.lines, problem };
        take(Item::Break(&found));
        self.tally.broken += 1;
        if self.tally.breaks.len() < BREAKS_MAX {
            self.tally.breaks.push(found);
        }
    }
}

//! How much work a text makes, and what happens to one that makes too much.
//!
//! Reading takes time that grows with the length of a text, but texts of one length differ: of nothing but the shortest
//! words and signs there are, each of which a phrase may begin with, one takes three times as long as a document. Whoever
//! wants a guard to be busy sends such. So the work is counted, in steps and not in time: the same text has the same verdict
//! on every machine. A long text that makes more than real ones do is not read to its end, and a person is asked.

use super::view::View;
use crate::{Assessment, Finding, RuleId, Span};

/// What was not read is as bad as this: a person is asked, unless a policy says otherwise.
const UNREAD: f32 = 64.0;
const TOO_MUCH: RuleId = "prompt.too-much";

/// What a text costs whatever is in it: a window, each paragraph that is judged apart, and each text that was decoded.
const TEXT: u32 = 150;
/// A byte that is read again, in a paragraph or decoded.
const AGAIN: u32 = 3;
/// Three bytes that are looked through for leet or Morse code.
const PROBED: u32 = 2;
/// A character that does not stand for itself or stands next to one: it is looked at alone.
const SINGLE: u32 = 4;
/// A letter that is joined with others to a word.
const JOINED: u32 = 1;
/// A word, and one that a phrase may begin with.
const WORD: u32 = 1;
const OPENER: u32 = 12;
/// A concept that was seen.
pub(super) const SEEN: u32 = 3;
/// A rule that it may complete.
pub(super) const COMPLETE: u32 = 3;
/// Anything that is neither part of a word nor a space, and what of it may end a sentence or quote.
const SIGN: u32 = 3;
const ASKED: u32 = 2;
const LINE: u32 = 8;

/// So many steps a text may take for ten bytes, and for so many bytes that it does not have: none is stopped for how it
/// begins. Of long texts the more generous of the two counts, which are the same at a megabyte.
const PER_TEN_BYTES: u64 = 26;
const FREE_BYTES: u64 = 192 * 1024;
/// More than real texts take: documents 2.0 a byte, numbers in CSV 2.9, of 755 long files of 125 kinds all but nine at most
/// 3.1. Those, a table of code points, uuencoded pictures, indexes of hashes, a picture of numbers and scripts that are all
/// signs, take up to 3.9, and would be stopped if they were .4 to 1 MB long. This and the steps were fitted to the time that
/// texts of all kinds take: those files, and 500 mixes of the pieces that are slow to read.
const PER_TEN_BYTES_LONG: u64 = 31;

/// Steps that the first `bytes` bytes of a text may take.
fn allowed(bytes: u64) -> u64 {
    ((bytes + FREE_BYTES) * PER_TEN_BYTES).max(bytes * PER_TEN_BYTES_LONG) / 10
}

/// Steps of one view that was read, but for the concepts that were seen.
pub(super) fn of_view(view: &View, openers: usize, signs: usize) -> u32 {
    let characters = SINGLE * view.singles_read + JOINED * view.disguise.spaced;
    let signs = SIGN * signs as u32 + ASKED * view.signs_asked;
    let words = WORD * view.tokens.len() as u32 + OPENER * openers as u32;
    TEXT + characters + signs + words + LINE * view.lines
}

/// Steps of what was read of a window beside itself, and of what was looked through for encodings, in bytes.
pub(super) fn of_more(again: u32, probed: u32) -> u32 {
    AGAIN * again + PROBED * probed / 3
}

/// The work that a text made so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effort {
    steps: u64,
    /// What is behind this was not read.
    stopped: Option<u32>,
}

impl Effort {
    /// Adds the steps of a window, which ends at `end` of the text.
    pub(super) fn add(&mut self, steps: u32, end: usize) {
        self.steps += u64::from(steps);
        let end = end as u64;
        if self.stopped.is_none() && self.steps > allowed(end) {
            self.stopped = Some(u32::try_from(end).unwrap_or(u32::MAX));
        }
    }

    /// Whether nothing more is read.
    pub(super) fn is_spent(&self) -> bool {
        self.stopped.is_some()
    }

    /// What is to be said of a text of `len` bytes beside what was found, if it was not read to its end.
    pub(super) fn unread(&self, len: usize) -> Option<Finding> {
        let end = u32::try_from(len).unwrap_or(u32::MAX);
        let start = self.stopped.filter(|&start| start < end)?;
        Some(Finding { rule: TOO_MUCH, span: Span { start, end }, weight: UNREAD })
    }
}

/// Adds to what was found that the rest was not read.
pub(crate) fn add_unread(assessment: &mut Assessment, unread: Finding) {
    assessment.score = assessment.score.max(unread.weight);
    assessment.keep(unread);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_bounded_by_the_length() {
        let mut effort = Effort::default();
        let a_window = 2 * 1024;
        // As much as is allowed, window by window.
        effort.add(allowed(a_window) as u32, a_window as usize);
        for n in 2..500 {
            let more = allowed(n * a_window) - allowed((n - 1) * a_window);
            effort.add(more as u32, (n * a_window) as usize);
        }
        assert!(!effort.is_spent());
        assert_eq!(effort.unread(1 << 20), None);
        // And a little more.
        effort.add(4 * a_window as u32, 500 * a_window as usize);
        assert!(effort.is_spent());
        let unread = effort.unread(1 << 20).unwrap();
        assert_eq!((unread.span.start, unread.span.end), (500 * 2048, 1 << 20));
        assert_eq!(effort.unread(500 * 2048), None, "all of it was read");
        // What comes later changes nothing.
        effort.add(0, 510 * 2048);
        assert_eq!(effort.unread(1 << 20), Some(unread));
    }

    #[test]
    fn what_was_found_stays() {
        let found = |rule, weight| Finding { rule, span: Span { start: 0, end: 1 }, weight };
        let mut assessment = Assessment { score: 97.0, ..Assessment::default() };
        for n in 0..crate::FINDINGS_MAX {
            assessment.findings.push(found("prompt.override", 70.0 - n as f32)).unwrap();
        }
        add_unread(&mut assessment, found(TOO_MUCH, UNREAD));
        assert_eq!(assessment.score, 97.0);
        assert_eq!(assessment.findings[0].rule, "prompt.override");
        assert_eq!(assessment.findings.iter().filter(|finding| finding.rule == TOO_MUCH).count(), 1);
        let mut assessment = Assessment { score: 7.0, ..Assessment::default() };
        add_unread(&mut assessment, found(TOO_MUCH, UNREAD));
        assert_eq!((assessment.score, assessment.findings.len()), (UNREAD, 1));
    }
}

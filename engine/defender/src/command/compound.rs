//! Keywords and what stands behind them: `for`, `case`, `[[`, `((`.

use super::reader::{Opener, Reader, Scope};
use super::scratch::{Marks, hash};
use super::source::{Source, is_name};
use super::taint::{Flow, Taint};

impl Reader<'_> {
    /// Reads a pattern of `case` and its `)`. Returns where it ends and whether a pattern is still due.
    pub(super) fn pattern(&mut self, source: &mut Source<'_>, mut at: usize, scope: Scope) -> (usize, bool) {
        if source.starts(at, b"esac") && !is_name(source.peek(at + 4)) {
            return (at + 4, false);
        }
        let text = self.scratch.text.len();
        let words = self.scratch.words.len();
        while let Some(byte) = source.get(at) {
            match byte {
                b')' => {
                    at += 1;
                    break;
                }
                b'(' | b' ' | b'\t' | b'|' | b'\n' | b';' | b'&' | b'<' | b'>' | b'\r' => at += 1,
                _ => at = self.word(source, at, scope),
            }
        }
        self.scratch.words.truncate(words);
        self.scratch.text.truncate(text);
        (at, false)
    }

    /// `((...))` as a command.
    pub(super) fn skip_arithmetic(&mut self, source: &mut Source<'_>, from: usize, scope: Scope) -> usize {
        self.policy.not_plain();
        let text = self.scratch.text.len();
        let mut open = self.open(from);
        let mut at = from;
        while let Some(byte) = source.get(at) {
            match byte {
                b')' if source.peek(at + 1) == b')' => {
                    at += 2;
                    break;
                }
                b'$' => at = self.dollar(source, at, scope, &mut open, true),
                _ => at += 1,
            }
        }
        self.scratch.text.truncate(text);
        at
    }

    /// `for NAME in WORDS`: the name stands for the first word, and carries what any of them carries.
    pub(super) fn for_loop(&mut self, source: &mut Source<'_>, at: usize, scope: Scope) -> usize {
        let mut at = self.blanks(source, at);
        if source.starts(at, b"((") {
            return self.skip_arithmetic(source, at + 2, scope);
        }
        let from = at;
        while source.get(at).is_some_and(is_name) {
            at += 1;
        }
        let name = hash(source.slice(from, at));
        at = self.blanks(source, at);
        while source.peek(at) == b'\n' {
            at = self.blanks(source, at + 1);
        }
        if !source.starts(at, b"in") || is_name(source.peek(at + 2)) {
            self.scratch.variables.set(name, Flow::of(Taint::NONE));
            return at;
        }
        at += 2;
        let (first, letters) = (self.scratch.words.len(), self.scratch.text.len());
        loop {
            at = self.blanks(source, at);
            match source.get(at) {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')') => break,
                Some(b'(') => at += 1,
                Some(b'<' | b'>') if source.peek(at + 1) != b'(' => at += 1,
                Some(_) => at = self.word(source, at, scope),
            }
        }
        let words = self.scratch.words.get(first..).unwrap_or_default();
        let taint = words.iter().fold(Taint::NONE, |taint, word| taint | word.taint);
        let value = words.first().filter(|word| !word.marks.has(Marks::DYNAMIC)).copied();
        let text = value.and_then(|word| self.remember_word(&word));
        self.scratch.variables.set(name, Flow { taint, text, open: true });
        self.scratch.words.truncate(first);
        self.scratch.text.truncate(letters);
        at
    }

    /// `case WORD in`.
    pub(super) fn case(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        pattern: &mut bool,
    ) -> usize {
        let (first, letters) = (self.scratch.words.len(), self.scratch.text.len());
        let mut at = self.blanks(source, at);
        if source.get(at).is_some_and(|byte| !b"\n;&|()<>".contains(&byte)) {
            at = self.word(source, at, scope);
        }
        self.scratch.words.truncate(first);
        self.scratch.text.truncate(letters);
        at = self.blanks(source, at);
        while source.peek(at) == b'\n' {
            at = self.blanks(source, at + 1);
        }
        if source.starts(at, b"in") {
            at += 2;
            *pattern = true;
        }
        at
    }

    /// `[[ ... ]]`: only substitutions in it run.
    pub(super) fn test(&mut self, source: &mut Source<'_>, mut at: usize, scope: Scope) -> usize {
        let (first, letters) = (self.scratch.words.len(), self.scratch.text.len());
        while let Some(byte) = source.get(at) {
            match byte {
                b']' if source.peek(at + 1) == b']' => {
                    at += 2;
                    break;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b'(' | b')' | b'&' | b'|' | b';' => at += 1,
                b'<' | b'>' if source.peek(at + 1) != b'(' => at += 1,
                _ => at = self.word(source, at, scope),
            }
        }
        for index in first..self.scratch.words.len().min(first + 6) {
            if let Some(word) = self.scratch.words.get(index).copied() {
                self.seek_process(&word);
            }
        }
        self.scratch.words.truncate(first);
        self.scratch.text.truncate(letters);
        at
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    /// Reads on: `then`, `do`, `else`, `!`, `time`.
    Skip,
    Function,
    Open(Opener),
    For,
    Case,
    Close,
    Test,
}

impl Keyword {
    /// The keyword at `at`, and its length.
    pub(super) fn at(source: &Source<'_>, at: usize) -> Option<(Self, usize)> {
        if !matches!(source.peek(at), b'a'..=b'z' | b'{' | b'}' | b'!' | b'[') {
            return None;
        }
        let mut len = 0;
        while len < 9
            && !matches!(
                source.peek(at + len),
                0 | b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'|' | b'&' | b'<' | b'>'
            )
        {
            len += 1;
        }
        let keyword = match source.slice(at, at + len) {
            b"then" | b"do" | b"else" | b"elif" | b"!" | b"coproc" => Self::Skip,
            b"if" => Self::Open(Opener::If),
            b"while" | b"until" => Self::Open(Opener::Loop),
            b"for" | b"select" => Self::For,
            b"case" => Self::Case,
            b"fi" | b"done" | b"}" | b"esac" => Self::Close,
            b"{" => Self::Open(Opener::Brace),
            b"function" => Self::Function,
            b"[[" => Self::Test,
            _ => return None,
        };
        Some((keyword, len))
    }
}

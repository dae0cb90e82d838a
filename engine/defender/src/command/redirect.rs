//! Redirections, here-documents and here-strings.

use super::path::Class;
use super::reader::{Reader, Scope};
use super::scratch::{DEPTH_MAX, Marks, Word, hash};
use super::source::Source;
use super::taint::{Flow, Known, Taint};
use super::{id, place};
use crate::Span;

/// Redirections kept of one command; what later ones do to files is judged too, only their order is forgotten.
const REDIRECTS_MAX: usize = 6;
/// Longest text that is copied to append to it, bytes.
const APPEND_BYTES_MAX: u32 = 2048;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    Append,
    Both,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Redirect {
    pub(super) kind: Kind,
    pub(super) target: Word,
    pub(super) class: Class,
    pub(super) descriptor: u8,
}

/// The redirections of one command.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    pub(super) list: heapless::Vec<Redirect, REDIRECTS_MAX>,
    input: Option<Flow>,
    descriptor: Option<u8>,
}

impl Redirects {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.input.is_none()
    }

    pub(super) fn descriptor(&mut self, digits: &[u8]) {
        let number = digits.iter().fold(0u8, |n, d| n.wrapping_mul(10).wrapping_add(d.wrapping_sub(b'0')));
        self.descriptor = Some(number);
    }

    /// What the command reads because of them.
    pub(super) fn input(&self) -> Flow {
        self.input.unwrap_or_default()
    }

    pub(super) fn input_or(&self, other: Flow) -> Flow {
        self.input.unwrap_or(other)
    }

    /// Classes of all targets that are written.
    pub(super) fn written(&self) -> Class {
        let written = self.list.iter().filter(|one| one.kind != Kind::Read);
        written.fold(Class::NONE, |class, one| class | one.class)
    }
}

impl Reader<'_> {
    /// Reads the redirection at `at`, if there is one, and returns where it ends.
    pub(super) fn redirect(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        redirects: &mut Redirects,
    ) -> Option<usize> {
        let (kind, len) = match (source.peek(at), source.peek(at + 1), source.peek(at + 2)) {
            (b'<', b'<', b'<') => return Some(self.here_string(source, at + 3, scope, redirects)),
            (b'<', b'<', _) => return Some(self.here_document(source, at + 2, scope, redirects)),
            (b'<' | b'>', b'(', _) => return None,
            (b'<', b'>', _) => (Kind::Both, 2),
            (b'<', b'&', _) => (Kind::Read, 2),
            (b'<', ..) => (Kind::Read, 1),
            (b'>', b'>', _) => (Kind::Append, 2),
            (b'>', b'&' | b'|', _) => (Kind::Write, 2),
            (b'>', ..) => (Kind::Write, 1),
            (b'&', b'>', b'>') => (Kind::Append, 3),
            (b'&', b'>', _) => (Kind::Write, 2),
            _ => return None,
        };
        self.policy.not_plain();
        let duplicates = matches!((source.peek(at), source.peek(at + 1)), (b'<' | b'>', b'&'));
        let (end, word) = self.target(source, at + len, scope);
        let descriptor = redirects.descriptor.take().unwrap_or(match kind {
            Kind::Read | Kind::Both => 0,
            Kind::Write | Kind::Append => 1,
        });
        let Some(target) = word else {
            // `<name>` at the end of a line is a placeholder of a manual: a shell refuses it.
            let placeholder = redirects.list.last().is_some_and(|last| {
                last.kind == Kind::Read && last.target.span.end as usize == source.span(at, at).start as usize
            });
            if placeholder {
                self.verdict.add(id::UNREAD, 14.0, source.span(at, end));
            } else if !duplicates {
                self.unread(source.span(at, end));
            }
            return Some(end);
        };
        let target = self.placed(target);
        let letters = self.scratch.letters(&target);
        if duplicates && letters.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
            return Some(end);
        }
        let class = self.guard.paths.class(letters);
        let name = hash(letters);
        if matches!(kind, Kind::Read | Kind::Both) {
            let mut flow = self.scratch.files.get(name).unwrap_or(Flow::of(Taint::FILE));
            flow.taint |= class.taint() | target.taint;
            if target.marks.has(Marks::PROCESS) {
                flow.text = target.known;
            }
            redirects.input = Some(flow);
        }
        let _ = redirects.list.push(Redirect { kind, target, class, descriptor });
        Some(end)
    }

    /// The word behind an operator, taken off the words of the command.
    fn target(&mut self, source: &mut Source<'_>, at: usize, scope: Scope) -> (usize, Option<Word>) {
        let mut at = at;
        while matches!(source.peek(at), b' ' | b'\t') {
            at += 1;
        }
        let before = self.scratch.words.len();
        let is_word = match source.get(at) {
            None | Some(b'\n' | b';' | b'|' | b'&' | b')' | b'(' | b'\r') => false,
            Some(b'<' | b'>') => source.peek(at + 1) == b'(',
            Some(_) => true,
        };
        if !is_word {
            return (at, None);
        }
        let end = self.word(source, at, scope);
        let word = self.scratch.words.get(before).copied();
        self.scratch.words.truncate(before);
        (end, word)
    }

    fn here_string(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        redirects: &mut Redirects,
    ) -> usize {
        self.policy.not_plain();
        let (end, word) = self.target(source, at, scope);
        if let Some(word) = word {
            let known = if word.marks.has(Marks::DYNAMIC) { None } else { self.remember_word(&word) };
            redirects.input = Some(Flow { taint: word.taint, text: known, open: true });
        }
        end
    }

    fn here_document(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        redirects: &mut Redirects,
    ) -> usize {
        self.policy.not_plain();
        let strip = source.peek(at) == b'-';
        let mut from = at + usize::from(strip);
        while matches!(source.peek(from), b' ' | b'\t') {
            from += 1;
        }
        let quoted = matches!(source.peek(from), b'\'' | b'"' | b'\\');
        let (end, word) = self.target(source, from, scope);
        let mut delimiter = heapless::Vec::<u8, 64>::new();
        let letters = word.as_ref().map(|word| self.scratch.letters(word)).unwrap_or_default();
        if word.is_none() || delimiter.extend_from_slice(letters).is_err() {
            self.unread(source.span(at, end));
            return end;
        }
        let (line, body) = match source.documents {
            Some((line, resume)) if line >= at => (line, resume),
            _ => {
                let line = source.find(end, b'\n');
                (line, line + 1)
            }
        };
        let (close, resume) = document_end(source, body, &delimiter, strip);
        source.documents = Some((line, resume));
        let close = close.max(body.min(source.len()));
        let text = self.scratch.text.len();
        let mut open = self.open(body);
        if quoted {
            self.put_all(source.slice(body, close));
        } else {
            self.expand(source, body, close, scope, &mut open);
        }
        if strip {
            self.strip_tabs(text);
        }
        let bytes = std::mem::take(&mut self.scratch.text);
        let known = self.remember(bytes.get(text..).unwrap_or_default());
        self.scratch.text = bytes;
        self.scratch.text.truncate(text);
        redirects.input = Some(Flow { taint: open.taint, text: known, open: true });
        end
    }

    /// `<<-`: tabs at the start of lines are not part of the text.
    fn strip_tabs(&mut self, from: usize) {
        let (mut to, mut at_start) = (from, true);
        for index in from..self.scratch.text.len() {
            let byte = self.scratch.text.get(index).copied().unwrap_or(0);
            if at_start && byte == b'\t' {
                continue;
            }
            at_start = byte == b'\n';
            if let Some(slot) = self.scratch.text.get_mut(to) {
                *slot = byte;
            }
            to += 1;
        }
        self.scratch.text.truncate(to);
    }

    /// A word's letters as a known text.
    pub(super) fn remember_word(&mut self, word: &Word) -> Option<Known> {
        let text = std::mem::take(&mut self.scratch.text);
        let known = self.remember(text.get(word.start as usize..word.end as usize).unwrap_or_default());
        self.scratch.text = text;
        known
    }

    /// The letters of some words, with blanks between, if all of them are known.
    pub(super) fn remember_words(&mut self, first: usize, end: usize) -> Option<Known> {
        let start = self.scratch.known.len() as u32;
        for index in first..end {
            let word =
                self.scratch.words.get(index).copied().filter(|word| !word.marks.has(Marks::DYNAMIC))?;
            self.remember_word(&word)?;
            self.keep(b' ');
        }
        Some(Known { start, end: self.scratch.known.len() as u32 })
    }

    /// Where the output of a command goes: to files, which are remembered and judged, or on.
    pub(super) fn land(&mut self, redirects: &Redirects, output: Flow, span: Span, scope: Scope) -> Flow {
        let mut left = output;
        for index in 0..redirects.list.len() {
            let Some(one) = redirects.list.get(index).copied() else { break };
            if one.kind == Kind::Read {
                continue;
            }
            if let Some(script) = one.target.known.filter(|_| one.target.marks.has(Marks::SINK)) {
                let is_output = one.descriptor <= 1;
                let input = if is_output { Flow { open: true, ..output } } else { Flow::of(Taint::OUTPUT) };
                let printed = self.nested(script, one.target.span, scope, input);
                if is_output {
                    left = printed;
                }
                continue;
            }
            let letters = self.scratch.letters(&one.target);
            if letters == b"/dev/null" {
                if one.descriptor == 1 {
                    left = Flow::default();
                }
                continue;
            }
            let name = hash(letters);
            self.written(one, output, span, scope);
            if one.descriptor <= 1 {
                let stored = if one.kind == Kind::Append { self.append(name, output) } else { output };
                self.scratch.files.set(name, Flow { open: true, ..stored });
                left = Flow::default();
            }
        }
        left
    }

    /// The content of a file that grows: its old text and the new one. Long texts that do not stand side by side are
    /// unknown, so that appending line by line stays linear.
    fn append(&mut self, name: u64, output: Flow) -> Flow {
        match self.scratch.files.get(name) {
            Some(old) => self.append_to(old, output, b""),
            None => output,
        }
    }

    /// One text behind the other, with `between` between them.
    pub(super) fn append_to(&mut self, old: Flow, more: Flow, between: &[u8]) -> Flow {
        let text = match (old.text, more.text) {
            (Some(a), Some(b)) if b.start == a.end && between.is_empty() => {
                Some(Known { start: a.start, end: b.end })
            }
            (Some(a), Some(b)) if a.end - a.start + (b.end - b.start) <= APPEND_BYTES_MAX => {
                let start = self.scratch.known.len() as u32;
                self.keep_again(a);
                between.iter().for_each(|&byte| self.keep(byte));
                self.keep_again(b);
                Some(Known { start, end: self.scratch.known.len() as u32 })
            }
            _ => None,
        };
        Flow { taint: old.taint | more.taint, text, open: true }
    }

    fn keep_again(&mut self, text: Known) {
        for index in text.start..text.end {
            let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
            self.keep(byte);
        }
    }

    /// Judges a write to one target.
    fn written(&mut self, one: Redirect, output: Flow, span: Span, scope: Scope) {
        let class = one.class;
        let span = Span { start: span.start, end: one.target.span.end.max(span.end) };
        if class.has(Class::SOCKET) {
            // A text that says nothing, sent to see whether somebody listens.
            let probe = output.text.is_some_and(|text| text.end - text.start <= 8)
                && !output.taint.has(Taint::SECRET | Taint::SHELL | Taint::PRIVATE)
                || !output.open && one.kind == Kind::Write;
            let weight = if output.taint.has(Taint::SECRET | Taint::SHELL) {
                93.0
            } else if probe {
                46.0
            } else {
                84.0
            };
            self.verdict.add(id::REVERSE_SHELL, weight, span);
        }
        for &(rule, weight, classes) in place::WRITES {
            if class.has(classes) && !classes.has(Class::PROFILE) {
                self.found(rule, weight, span);
            }
        }
        // What makes a file empty, rather than longer.
        let nothing = !output.open || output.text.is_some_and(|text| text.end - text.start <= 1);
        let empties = one.kind == Kind::Write && one.descriptor <= 1;
        if empties {
            for &(rule, weight, classes) in place::EMPTIES {
                if class.has(classes) && (nothing || !classes.has(Class::LOG)) {
                    self.found(rule, weight, span);
                }
            }
        }
        self.start_file(one, output, span);
        if let Some(text) = output.text
            && one.descriptor <= 1
        {
            self.planted(&one.target, text, span, scope);
        }
    }

    /// What is written to files that run at login or by themselves is judged as if it ran; a line that only sets a
    /// variable or loads a completion is what people put there.
    fn start_file(&mut self, one: Redirect, output: Flow, span: Span) {
        if !one.class.has(Class::PROFILE | Class::PERSIST) {
            return;
        }
        let Some(text) = output.text else {
            if one.class.has(Class::PROFILE) && !output.taint.has(Taint::NETWORK | Taint::DECODED) {
                self.verdict.add(id::PERSIST, 46.0, span);
            }
            return;
        };
        let scope = Scope {
            depth: DEPTH_MAX.saturating_sub(2),
            end: super::reader::End::Text,
            input: Flow::default(),
        };
        self.nested(text, span, scope, Flow::default());
        if one.class.has(Class::PROFILE) {
            let weight = match (self.is_setting(text), self.is_furtive(text)) {
                (true, _) => 46.0,
                (_, true) => 81.0,
                _ => 62.0,
            };
            self.found(id::PERSIST, weight, span);
        }
    }

    /// Whether a start file is made to run what nobody would put there: something from a temporary or hidden place, from
    /// the network, or behind the user's back.
    fn is_furtive(&self, text: Known) -> bool {
        let bytes = self.scratch.known(text);
        let bytes = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
        let marks: [&[u8]; 19] = [
            b"/tmp/",
            b"/dev/tcp",
            b"/dev/udp",
            b"/dev/shm",
            b"/.",
            b"nohup ",
            b"curl ",
            b"wget ",
            b"nc ",
            b"ncat ",
            b"base64",
            b"socket",
            b"| sh",
            b"|sh",
            b"bash -",
            b"python",
            b"alias sudo",
            b"trap ",
            b"ProxyCommand",
        ];
        marks.iter().any(|mark| super::pattern::holds(bytes, mark)) || bytes.trim_ascii_end().ends_with(b"&")
    }

    /// Whether every line sets a variable, defines a short name, or loads what a tool prints for the purpose.
    fn is_setting(&self, text: Known) -> bool {
        let bytes = self.scratch.known(text);
        let setting = |line: &[u8]| {
            let line = line.trim_ascii_start();
            line.is_empty()
                || [
                    &b"export "[..],
                    b"eval \"$(",
                    b"eval \"`",
                    b"eval $(",
                    b"source ",
                    b". ",
                    b"[ -",
                    b"[[ -",
                    b"alias ",
                    b"set ",
                    b"autoload ",
                    b"fpath",
                    b"PATH=",
                    b"PS1=",
                    b"setopt ",
                    b"unset ",
                    b"complete ",
                    b"bindkey ",
                    b"shopt ",
                    b"Host ",
                    b"HostName ",
                    b"User ",
                    b"Port ",
                    b"IdentityFile ",
                    b"ForwardAgent ",
                ]
                .iter()
                .any(|start| line.starts_with(start))
                    && !super::pattern::holds(line, b"/tmp/")
        };
        bytes.split(|&byte| byte == b'\n').all(setting)
    }
}

/// Where a here-document's text ends, and where reading goes on behind its delimiter.
fn document_end(source: &Source<'_>, body: usize, delimiter: &[u8], strip: bool) -> (usize, usize) {
    let mut at = body;
    while at < source.len() {
        let end = source.find(at, b'\n');
        let mut line = source.slice(at, end);
        while strip && line.first() == Some(&b'\t') {
            line = line.get(1..).unwrap_or_default();
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == delimiter {
            return (at, (end + 1).min(source.len()));
        }
        // `EOF)` ends a document inside a substitution in practice.
        if line.len() == delimiter.len() + 1 && line.ends_with(b")") && line.starts_with(delimiter) {
            return (at, at + delimiter.len());
        }
        at = end + 1;
    }
    (source.len(), source.len())
}

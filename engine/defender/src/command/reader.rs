//! Reads a script as a shell would, and judges each simple command when it has been read.
//!
//! One pass. Groups (`(`, `{`, `if`, loops, `case`) are kept on a stack of its own; scripts inside scripts are calls,
//! at most [`DEPTH_MAX`] deep, so that input cannot decide how deep the real stack grows.

use super::compound::Keyword;
use super::kill::Daemons;
use super::redirect::Redirects;
use super::rules::Policy;
use super::scratch::{COMMAND_BYTES_MAX, DEPTH_MAX, GROUPS_MAX, Marks, Scratch, TEXT_BYTES_MAX, hash};
use super::simple::Call;
use super::source::Source;
use super::taint::{Flow, Known, Taint};
use super::verdict::Verdict;
use super::{CommandGuard, id};
use crate::Span;

/// Bytes that nested scripts, copies of values and outputs may come to, beside the command itself.
const WORK_BYTES_MAX: usize = 4 * COMMAND_BYTES_MAX;

/// Longest function body that is read again, with its arguments, where it is called.
const BODY_BYTES_MAX: usize = 4096;

/// What ends a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The end of its text.
    Text,
    /// `)`.
    Paren,
}

/// Where a script stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) depth: u8,
    pub(super) end: End,
    /// What its commands read.
    pub(super) input: Flow,
}

/// One judgement in the making.
pub(super) struct Reader<'a> {
    pub(super) guard: &'a CommandGuard,
    pub(super) scratch: &'a mut Scratch,
    pub(super) verdict: Verdict,
    pub(super) policy: Policy<'a>,
    /// Names of the functions whose bodies are being read.
    pub(super) inside: heapless::Vec<u64, GROUPS_MAX>,
    /// What earlier commands did that makes a later one worse.
    pub(super) past: Past,
    /// The directory that commands run in, if the text goes to one by its full name.
    pub(super) directory: Option<Known>,
    work: usize,
    /// Nothing more is read.
    pub(super) stopped: bool,
}

/// What earlier commands of the same text did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// Text that a decoder or a disguise led to is being read.
    pub(super) hidden: u8,
    /// A program's name was broken up: whoever does that once means the rest too.
    pub(super) disguised: bool,
    /// A copy of something private was made or packed.
    pub(super) staged: bool,
    /// Inside a loop.
    pub(super) loops: u8,
    /// Looks around so far.
    pub(super) looks: u8,
    /// All downloads so far came from places that publish installers.
    pub(super) well_known: bool,
    /// One came from somewhere else.
    pub(super) foreign: bool,
    /// Processes of the system itself, or of its services, were looked for by name.
    pub(super) daemons: Daemons,
}

/// An open group.
#[derive(Clone, Copy)]
struct Group {
    opener: Opener,
    input: Flow,
    pipe: Option<Flow>,
    output: Flow,
    /// In a `case`: the next word is a pattern.
    pattern: bool,
    function: bool,
    /// Where a function's body begins.
    body: usize,
    /// The next command is the other side of `||`.
    either: bool,
    /// A loop whose condition always holds.
    endless: bool,
    /// Started something in the background.
    starts_jobs: bool,
    /// Where a subshell was started: what follows it goes on there.
    directory: Option<Known>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opener {
    Script,
    Paren,
    Brace,
    If,
    Loop,
    Case,
}

impl Group {
    fn new(opener: Opener, input: Flow) -> Self {
        let output = Flow::default();
        Self {
            opener,
            input,
            pipe: None,
            output,
            pattern: false,
            function: false,
            body: 0,
            either: false,
            endless: false,
            starts_jobs: false,
            directory: None,
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(guard: &'a CommandGuard, scratch: &'a mut Scratch, policy: Policy<'a>) -> Self {
        Self {
            guard,
            scratch,
            verdict: Verdict::default(),
            policy,
            inside: heapless::Vec::new(),
            past: Past::default(),
            directory: None,
            work: WORK_BYTES_MAX,
            stopped: false,
        }
    }

    /// Reads the whole command.
    pub(super) fn whole(&mut self, command: &[u8]) {
        let mut source = Source::new(command, None);
        // A function without a name: how a variable smuggles commands into old shells.
        if command.starts_with(b"() {") {
            self.verdict.add(id::DECODE_RUN, 84.0, source.span(0, 4));
        }
        let scope = Scope { depth: 0, end: End::Text, input: Flow::default() };
        self.script(&mut source, 0, scope);
    }

    /// Reads a script that stands in the text, up to its end.
    pub(super) fn inner(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        end: End,
    ) -> (usize, Flow) {
        let Some(scope) = self.deeper(source, at, scope) else { return (source.len(), Flow::default()) };
        let text = self.scratch.text.len();
        let words = self.scratch.words.len();
        let directory = self.directory;
        self.policy.not_plain();
        let result = self.script(source, at, Scope { end, ..scope });
        self.directory = directory;
        self.scratch.words.truncate(words);
        self.scratch.text.truncate(text);
        result
    }

    /// Reads a script whose text was put together: a value, a decoded payload, an argument of `sh -c`.
    pub(super) fn nested(&mut self, text: Known, span: Span, scope: Scope, input: Flow) -> Flow {
        let depth = scope.depth.saturating_add(1);
        let len = (text.end - text.start) as usize;
        self.policy.not_plain();
        if depth > DEPTH_MAX {
            self.too_deep(span);
            return Flow::of(Taint::OUTPUT);
        }
        if !self.spend(len + 16) {
            return Flow::of(Taint::OUTPUT);
        }
        let Some(slot) = self.scratch.nested.get_mut(usize::from(depth)) else { return Flow::default() };
        let mut buffer = std::mem::take(slot);
        buffer.clear();
        buffer.extend_from_slice(self.scratch.known(text));
        let (words, letters) = (self.scratch.words.len(), self.scratch.text.len());
        let mut source = Source::new(&buffer, Some(span));
        let directory = self.directory;
        let (_, flow) = self.script(&mut source, 0, Scope { depth, end: End::Text, input });
        self.directory = directory;
        self.scratch.words.truncate(words);
        self.scratch.text.truncate(letters);
        if let Some(slot) = self.scratch.nested.get_mut(usize::from(depth)) {
            *slot = buffer;
        }
        flow
    }

    /// One level further down, unless that is too deep.
    pub(super) fn deeper(&mut self, source: &Source<'_>, at: usize, scope: Scope) -> Option<Scope> {
        let depth = scope.depth.saturating_add(1);
        if depth > DEPTH_MAX {
            self.too_deep(source.span(at, at + 1));
            return None;
        }
        Some(Scope { depth, ..scope })
    }

    fn script(&mut self, source: &mut Source<'_>, mut at: usize, scope: Scope) -> (usize, Flow) {
        let mut groups = heapless::Vec::<Group, GROUPS_MAX>::new();
        let mut group = Group::new(Opener::Script, scope.input);
        let mut function = None;
        loop {
            if self.stopped {
                return (source.len(), group.output);
            }
            at = self.blanks(source, at);
            let Some(byte) = source.get(at) else { break };
            if group.pattern && byte != b'\n' {
                let (end, open) = self.pattern(source, at, scope);
                at = end;
                group.pattern = open;
                if !open && source.starts(end.saturating_sub(4), b"esac") {
                    group = self.finish(source, &mut at, scope, &mut groups, group);
                }
                continue;
            }
            match byte {
                b'\n' => {
                    at = match source.documents {
                        Some((line, resume)) if at >= line && resume > at => resume,
                        _ => at + 1,
                    };
                    if group.pipe.is_none() {
                        continue;
                    }
                }
                b';' => {
                    let doubled = matches!(source.peek(at + 1), b';' | b'&');
                    at += if doubled { 2 } else { 1 };
                    if source.peek(at) == b'&' && doubled {
                        at += 1;
                    }
                    if doubled && group.opener == Opener::Case {
                        group.pattern = true;
                    }
                    group.pipe = None;
                }
                b'&' if source.peek(at + 1) != b'>' => {
                    at += if source.peek(at + 1) == b'&' { 2 } else { 1 };
                    group.pipe = None;
                }
                b'|' => {
                    // `a || b`: b runs only when a printed nothing that counts.
                    group.either = source.peek(at + 1) == b'|';
                    at += if group.either { 2 } else { 1 };
                }
                b')' => {
                    at += 1;
                    if group.opener == Opener::Paren {
                        group = self.finish(source, &mut at, scope, &mut groups, group);
                    } else if scope.end == End::Paren && groups.is_empty() {
                        return (at, group.output);
                    } else if scope.end == End::Paren {
                        // A group is still open: the text is not a script, and the caller's `)` was this one.
                        self.unread(source.span(at - 1, at));
                        return (at, group.output);
                    } else {
                        self.unread(source.span(at - 1, at));
                    }
                }
                b'(' if source.peek(at + 1) == b'(' => at = self.skip_arithmetic(source, at + 2, scope),
                b'(' => {
                    at += 1;
                    self.push(source, at, &mut groups, &mut group, Opener::Paren, function.take());
                }
                _ => at = self.command(source, at, scope, &mut groups, &mut group, &mut function),
            }
        }
        if scope.end == End::Paren || !groups.is_empty() {
            self.unread(source.span(at.saturating_sub(1), at));
        }
        if !groups.is_empty() {
            self.inside.clear();
        }
        let output = groups.iter().fold(group.output, |flow, outer| flow.then(outer.output));
        (at, output)
    }

    /// Blanks, line continuations and comments.
    pub(super) fn blanks(&self, source: &Source<'_>, mut at: usize) -> usize {
        loop {
            match source.peek(at) {
                b' ' | b'\t' | b'\r' => at += 1,
                b'\\' if source.peek(at + 1) == b'\n' => at += 2,
                b'\\' if source.starts(at + 1, b"\r\n") => at += 3,
                b'#' if at == 0 || !matches!(source.peek(at - 1), b'\\' | b'$') => {
                    at = source.find(at, b'\n')
                }
                _ => return at,
            }
        }
    }

    /// Opens a group.
    fn push(
        &mut self,
        source: &Source<'_>,
        at: usize,
        groups: &mut heapless::Vec<Group, GROUPS_MAX>,
        group: &mut Group,
        opener: Opener,
        function: Option<u64>,
    ) {
        self.policy.not_plain();
        let mut inner = Group::new(opener, group.pipe.unwrap_or(group.input));
        inner.directory = self.directory;
        if let Some(name) = function {
            inner.function = self.inside.push(name).is_ok();
            inner.body = at;
        }
        if opener == Opener::Loop {
            self.past.loops = self.past.loops.saturating_add(1);
            inner.body = at;
            let condition = self.blanks(source, at);
            inner.endless = [&b"true"[..], b":;", b": ;", b":\n", b"[ 1 ]", b"((1))", b"(( 1 ))", b"((;;))"]
                .iter()
                .any(|always| source.starts(condition, always));
        }
        if groups.push(*group).is_err() {
            self.too_deep(source.span(at, at + 1));
            return;
        }
        *group = inner;
    }

    /// Closes a group: its output is the stage's output.
    fn finish(
        &mut self,
        source: &mut Source<'_>,
        at: &mut usize,
        scope: Scope,
        groups: &mut heapless::Vec<Group, GROUPS_MAX>,
        group: Group,
    ) -> Group {
        let Some(mut outer) = groups.pop() else { return group };
        if group.function
            && let Some(name) = self.inside.pop()
        {
            let body = source.slice(group.body, at.saturating_sub(1));
            if matches!(group.opener, Opener::Brace | Opener::Paren) && body.len() <= BODY_BYTES_MAX {
                let text = self.remember(body);
                self.scratch.functions.set(name, Flow { text, ..Flow::default() });
            }
        }
        if group.opener == Opener::Loop {
            self.past.loops = self.past.loops.saturating_sub(1);
            if group.endless && group.starts_jobs {
                let end = at.saturating_sub(1);
                self.jobs_without_end(source.slice(group.body, end), source.span(group.body, end));
            }
        }
        if group.opener == Opener::Paren {
            self.directory = group.directory;
        }
        let mut redirects = Redirects::default();
        let text = self.scratch.text.len();
        loop {
            *at = self.blanks(source, *at);
            let digits = (0..2).take_while(|&more| source.peek(*at + more).is_ascii_digit()).count();
            if digits > 0 && matches!(source.peek(*at + digits), b'<' | b'>') {
                *at += digits;
            }
            match self.redirect(source, *at, scope, &mut redirects) {
                Some(end) => *at = end,
                None => break,
            }
        }
        let mut output = if group.function { Flow::default() } else { group.output };
        if !redirects.is_empty() {
            output.taint |= redirects.input().taint;
            output = self.land(&redirects, output, source.span(at.saturating_sub(1), *at), scope);
        }
        self.scratch.text.truncate(text);
        self.stage(source, at, &mut outer, output);
        outer
    }

    /// What becomes of a finished stage's output: the next stage's input or the group's output.
    fn stage(&mut self, source: &Source<'_>, at: &mut usize, group: &mut Group, output: Flow) {
        *at = self.blanks(source, *at);
        if source.peek(*at) == b'|' && source.peek(*at + 1) != b'|' {
            *at += if source.peek(*at + 1) == b'&' { 2 } else { 1 };
            group.pipe = Some(Flow { open: true, ..output });
        } else {
            group.pipe = None;
            let known = group.output.text;
            group.output = group.output.then(output);
            if std::mem::take(&mut group.either) && known.is_some() {
                group.output.text = known;
            }
        }
    }

    /// Reads what begins with a word: a keyword, a function definition or a simple command.
    fn command(
        &mut self,
        source: &mut Source<'_>,
        mut at: usize,
        scope: Scope,
        groups: &mut heapless::Vec<Group, GROUPS_MAX>,
        group: &mut Group,
        function: &mut Option<u64>,
    ) -> usize {
        let keyword = Keyword::at(source, at);
        if let Some((keyword, len)) = keyword {
            at += len;
            if keyword != Keyword::Skip {
                self.policy.not_plain();
            }
            match keyword {
                Keyword::Skip => {}
                Keyword::Function => {
                    at = self.blanks(source, at);
                    let from = at;
                    while source.get(at).is_some_and(|byte| !b" \t\n(;{".contains(&byte)) {
                        at += 1;
                    }
                    *function = Some(self.define(source.slice(from, at)));
                    at = self.blanks(source, at);
                    if source.starts(at, b"()") {
                        at += 2;
                    }
                }
                Keyword::Open(opener) => {
                    self.push(source, at, groups, group, opener, function.take());
                }
                Keyword::For => {
                    self.push(source, at, groups, group, Opener::Loop, function.take());
                    at = self.for_loop(source, at, scope);
                }
                Keyword::Case => {
                    self.push(source, at, groups, group, Opener::Case, function.take());
                    at = self.case(source, at, scope, &mut group.pattern);
                }
                Keyword::Close => {
                    let opened = group.opener;
                    if matches!(opened, Opener::Brace | Opener::If | Opener::Loop | Opener::Case) {
                        *group = self.finish(source, &mut at, scope, groups, *group);
                    } else {
                        self.unread(source.span(at - len, at));
                    }
                }
                Keyword::Test => at = self.test(source, at, scope),
            }
            return at;
        }
        self.simple_command(source, at, scope, group, function)
    }

    /// Reads a simple command and judges it.
    fn simple_command(
        &mut self,
        source: &mut Source<'_>,
        from: usize,
        scope: Scope,
        group: &mut Group,
        function: &mut Option<u64>,
    ) -> usize {
        let (first, letters) = (self.scratch.words.len(), self.scratch.text.len());
        let mut redirects = Redirects::default();
        let mut at = from;
        loop {
            at = if at == from { at } else { self.gap(source, at) };
            match source.get(at) {
                None | Some(b'\n' | b';' | b'|' | b')') => break,
                Some(b'&') if source.peek(at + 1) != b'>' => break,
                Some(b'<' | b'>' | b'&') => match self.redirect(source, at, scope, &mut redirects) {
                    Some(end) => at = end,
                    None => at = self.word(source, at, scope),
                },
                Some(b'(') => {
                    let named = self.scratch.words.len() == first + 1;
                    let close = self.blanks(source, at + 1);
                    if named && source.peek(close) == b')' {
                        let name = self.scratch.words.last().copied();
                        let name = name.map(|word| hash(self.scratch.letters(&word)));
                        self.scratch.words.truncate(first);
                        self.scratch.text.truncate(letters);
                        self.policy.not_plain();
                        if let Some(name) = name {
                            self.scratch.functions.set(name, Flow::default());
                            *function = Some(name);
                        }
                        return close + 1;
                    }
                    // Not a place for it: an extended pattern or a fault. Read on behind it.
                    at += 1;
                    self.policy.not_plain();
                }
                Some(_) => {
                    let before = self.scratch.words.len();
                    at = self.word(source, at, scope);
                    // Digits right before a redirection are its descriptor.
                    if matches!(source.peek(at), b'<' | b'>')
                        && self.scratch.words.len() == before + 1
                        && let Some(last) = self.scratch.words.last().copied()
                        && !last.marks.has(Marks::QUOTED)
                    {
                        let digits = self.scratch.letters(&last);
                        if digits.len() <= 2 && digits.iter().all(u8::is_ascii_digit) {
                            redirects.descriptor(digits);
                            self.scratch.words.pop();
                        }
                    }
                }
            }
            if self.stopped {
                break;
            }
        }
        let background = source.peek(at) == b'&' && source.peek(at + 1) != b'&';
        let piped = source.peek(at) == b'|' && source.peek(at + 1) != b'|';
        if background {
            self.policy.not_plain();
            group.starts_jobs = true;
        }
        let call = Call {
            first,
            end: self.scratch.words.len(),
            input: redirects.input_or(group.pipe.unwrap_or(group.input)),
            piped_in: group.pipe.is_some(),
            piped,
            background,
            elevated: false,
            fed: false,
            span: source.span(from, at),
            scope,
        };
        let output = self.simple(call, &redirects);
        self.scratch.words.truncate(first);
        self.scratch.text.truncate(letters);
        let mut end = at;
        self.stage(source, &mut end, group, output);
        end
    }

    /// Blanks and comments between words.
    fn gap(&self, source: &Source<'_>, at: usize) -> usize {
        if source.peek(at) == b'#' && !matches!(source.peek(at.wrapping_sub(1)), b' ' | b'\t') {
            return at;
        }
        self.blanks(source, at)
    }

    fn define(&mut self, name: &[u8]) -> u64 {
        let name = hash(name);
        self.scratch.functions.set(name, Flow::default());
        name
    }

    /// Puts a letter into the open word.
    pub(super) fn put(&mut self, byte: u8) {
        if self.scratch.text.len() < TEXT_BYTES_MAX {
            self.scratch.text.push(byte);
        } else {
            self.overflow();
        }
    }

    /// Puts letters into the open word.
    pub(super) fn put_all(&mut self, bytes: &[u8]) {
        if self.scratch.text.len() + bytes.len() <= TEXT_BYTES_MAX {
            self.scratch.text.extend_from_slice(bytes);
        } else {
            self.overflow();
        }
    }

    /// Puts a letter behind the known texts.
    pub(super) fn keep(&mut self, byte: u8) {
        if self.scratch.known.len() < TEXT_BYTES_MAX && self.spend(1) {
            self.scratch.known.push(byte);
        }
    }

    /// Keeps a text whose content is known.
    pub(super) fn remember(&mut self, bytes: &[u8]) -> Option<Known> {
        if self.scratch.known.len() + bytes.len() > TEXT_BYTES_MAX || !self.spend(bytes.len()) {
            return None;
        }
        let start = self.scratch.known.len() as u32;
        self.scratch.known.extend_from_slice(bytes);
        Some(Known { start, end: self.scratch.known.len() as u32 })
    }

    /// Takes from the work that one command may cause; when it is used up, reading stops.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        match self.work.checked_sub(bytes) {
            Some(left) => {
                self.work = left;
                true
            }
            None => {
                self.overflow();
                false
            }
        }
    }

    /// The text unfolds to more than is read.
    pub(super) fn overflow(&mut self) {
        self.verdict.add(id::TOO_MUCH, 66.0, Span { start: 0, end: 0 });
        self.stopped = true;
    }

    pub(super) fn too_deep(&mut self, span: Span) {
        self.verdict.add(id::TOO_DEEP, 64.0, span);
        self.stopped = true;
    }

    /// Something is not closed or out of place: what a shell makes of it is not known.
    pub(super) fn unread(&mut self, span: Span) {
        self.verdict.add(id::UNREAD, 52.0, span);
    }
}

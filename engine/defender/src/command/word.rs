//! Reads one word: quotes, backslashes, escapes and expansions, as far as they can be told without running anything.

use super::reader::{End, Reader, Scope};
use super::scratch::{Marks, PART, Word, array_key, hash};
use super::source::{Source, is_name};
use super::taint::{Flow, Known, Taint};

/// Highest expansion of one brace word.
const BRACES_MAX: usize = 16;

/// The word that is being put together.
pub(super) struct Open {
    start: usize,
    from: usize,
    pub(super) marks: Marks,
    pub(super) taint: Taint,
    known: Option<Known>,
    /// Whether any unknown part was seen, and any known one.
    unknown: bool,
}

impl Reader<'_> {
    pub(super) fn open(&self, at: usize) -> Open {
        Open {
            start: self.scratch.text.len(),
            from: at,
            marks: Marks::default(),
            taint: Taint::NONE,
            known: None,
            unknown: false,
        }
    }

    /// Ends a word; one that is empty and was not quoted is none.
    pub(super) fn close(&mut self, source: &Source<'_>, open: &mut Open, at: usize) {
        let end = self.scratch.text.len();
        let is_empty = end == open.start;
        if is_empty && open.unknown {
            open.marks |= Marks::BLANK;
        }
        if !is_empty || open.unknown || open.marks.has(Marks::QUOTED) {
            if self.scratch.has_room() {
                self.scratch.words.push(Word {
                    start: open.start as u32,
                    end: end as u32,
                    span: source.span(open.from, at),
                    marks: open.marks,
                    taint: open.taint,
                    known: open.known,
                });
            } else {
                self.overflow();
            }
        }
        let split = open.marks.has(Marks::SPLIT);
        *open = self.open(at);
        if split {
            open.marks |= Marks::SPLIT;
        }
    }

    /// Reads a word that starts at `at` and returns where it ends. May push none or several.
    pub(super) fn word(&mut self, source: &mut Source<'_>, mut at: usize, scope: Scope) -> usize {
        let mut open = self.open(at);
        let first = self.scratch.words.len();
        let begin = at;
        while let Some(byte) = source.get(at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                b'(' => {
                    if self.scratch.text.last() == Some(&b'=') && self.scratch.text.len() > open.start {
                        at = self.array(source, at + 1, scope, &mut open);
                        continue;
                    }
                    break;
                }
                b'<' | b'>' => {
                    if source.peek(at + 1) == b'(' {
                        at = self.process(source, at, scope, &mut open);
                        continue;
                    }
                    break;
                }
                b'\\' => {
                    if source.peek(at + 1) == b'\n' {
                        at += 2;
                        continue;
                    }
                    if let Some(next) = source.get(at + 1) {
                        if next.is_ascii_alphanumeric() && at > begin {
                            open.marks |= Marks::BROKEN;
                        }
                        open.marks |= Marks::QUOTED;
                        self.put(next);
                    }
                    at += 2;
                }
                b'\'' | b'"' => {
                    let before = at > begin && source.peek(at - 1).is_ascii_alphabetic();
                    let from = self.scratch.text.len();
                    open.marks |= Marks::QUOTED;
                    at = if byte == b'\'' {
                        let end = source.find(at + 1, b'\'');
                        if end >= source.len() {
                            self.unread(source.span(at, end));
                        }
                        self.put_all(source.slice(at + 1, end));
                        end + 1
                    } else {
                        self.quoted(source, at + 1, scope, &mut open)
                    };
                    let short = self.scratch.text.len() - from <= 2;
                    let after = source.peek(at).is_ascii_alphabetic();
                    if before && short && (after || source.peek(at) == byte) {
                        open.marks |= Marks::BROKEN;
                    }
                }
                b'$' if source.peek(at + 1) == b'\'' => at = self.escapes(source, at + 2, &mut open),
                b'$' => {
                    let keep = self.is_assignment(&open);
                    at = self.dollar(source, at, scope, &mut open, keep);
                }
                b'`' => {
                    let keep = self.is_assignment(&open);
                    at = self.backtick(source, at, scope, &mut open, keep);
                }
                b'*' | b'?' | b'[' => {
                    open.marks |= Marks::GLOB | Marks::EXPANDED;
                    self.put(byte);
                    at += 1;
                }
                _ => {
                    let from = at;
                    while source.get(at).is_some_and(is_plain) {
                        at += 1;
                    }
                    at = at.max(from + 1);
                    self.put_all(source.slice(from, at));
                }
            }
        }
        if self.scratch.words.len() == first && self.scratch.text.get(open.start) == Some(&b'{') {
            self.braces(source, &mut open, at);
        }
        self.close(source, &mut open, at);
        at.max(begin + 1)
    }

    /// Whether the open word says `name=` so far: its value is one word, whatever it expands to.
    fn is_assignment(&self, open: &Open) -> bool {
        let letters = self.scratch.text.get(open.start..).unwrap_or_default();
        super::simple::assigned_name(letters).is_some()
    }

    /// The inside of double quotes, up to and with the closing one.
    pub(super) fn quoted(
        &mut self,
        source: &mut Source<'_>,
        from: usize,
        scope: Scope,
        open: &mut Open,
    ) -> usize {
        let mut at = from;
        while let Some(byte) = source.get(at) {
            match byte {
                b'"' => return at + 1,
                b'\\' => {
                    match source.get(at + 1) {
                        Some(b'\n') | None => {}
                        Some(next @ (b'"' | b'\\' | b'$' | b'`')) => self.put(next),
                        Some(next) => {
                            self.put(b'\\');
                            self.put(next);
                        }
                    }
                    at += 2;
                }
                b'$' => at = self.dollar(source, at, scope, open, true),
                b'`' => at = self.backtick(source, at, scope, open, true),
                _ => {
                    let start = at;
                    while source.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | b'$' | b'`')) {
                        at += 1;
                    }
                    self.put_all(source.slice(start, at));
                }
            }
        }
        self.unread(source.span(from.saturating_sub(1), at));
        at
    }

    /// Text of a here-document whose delimiter is not quoted: like the inside of quotes, but quotes are letters.
    pub(super) fn expand(
        &mut self,
        source: &mut Source<'_>,
        from: usize,
        to: usize,
        scope: Scope,
        open: &mut Open,
    ) {
        let mut at = from;
        while at < to {
            match source.peek(at) {
                b'\\' => {
                    match source.peek(at + 1) {
                        b'\n' => {}
                        next @ (b'\\' | b'$' | b'`') => self.put(next),
                        next => {
                            self.put(b'\\');
                            self.put(next);
                        }
                    }
                    at += 2;
                }
                b'$' => at = self.dollar(source, at, scope, open, true),
                b'`' => at = self.backtick(source, at, scope, open, true),
                _ => {
                    let start = at;
                    while at < to && !matches!(source.peek(at), b'\\' | b'$' | b'`') {
                        at += 1;
                    }
                    self.put_all(source.slice(start, at));
                }
            }
        }
    }

    /// What stands at a `$`. Returns where it ends.
    pub(super) fn dollar(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        open: &mut Open,
        quoted: bool,
    ) -> usize {
        open.marks |= Marks::EXPANDED;
        match source.peek(at + 1) {
            b'(' if source.peek(at + 2) == b'(' => self.arithmetic(source, at + 3, scope, open),
            b'(' => {
                let (end, flow) = self.inner(source, at + 2, scope, End::Paren);
                self.substitute(source, open, flow, quoted, at);
                end
            }
            b'{' => self.parameter(source, at, scope, open, quoted),
            b'\'' if !quoted => self.escapes(source, at + 2, open),
            b'"' if !quoted => at + 1,
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let mut end = at + 1;
                while source.get(end).is_some_and(is_name) {
                    end += 1;
                }
                self.variable(source, open, source.slice(at + 1, end), quoted, at);
                end
            }
            byte @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => {
                self.positional(source, byte, at, open);
                at + 2
            }
            _ => {
                self.put(b'$');
                at + 1
            }
        }
    }

    /// `$1`, `$@`, `$?` and the like.
    pub(super) fn positional(&mut self, source: &Source<'_>, byte: u8, at: usize, open: &mut Open) {
        // Inside a function that is called with known arguments.
        if let Some(flow) = self.scratch.variables.get(hash(&[byte])) {
            open.taint |= flow.taint;
            match flow.text {
                Some(text) => self.insert(source, open, text, byte != b'@', at),
                None => self.unknown(open),
            }
            return;
        }
        match byte {
            b'0' => {
                open.marks |= Marks::SELF;
                self.put_all(b"bash");
            }
            b'1'..=b'9' | b'@' | b'*' => {
                // At the top there are no parameters: the expansion is empty and splits what stands around it.
                let before = at > 0 && source.peek(at - 1).is_ascii_alphanumeric();
                let after = source.peek(at + 2).is_ascii_alphanumeric();
                if before && after {
                    open.marks |= Marks::BROKEN;
                } else if !open.marks.has(Marks::SPLIT) {
                    open.marks |= Marks::DYNAMIC;
                    open.unknown = true;
                }
            }
            _ => {
                open.marks |= Marks::DYNAMIC;
                self.put(b'0');
            }
        }
    }

    /// Notes that a part of the word is not known.
    pub(super) fn unknown(&mut self, open: &mut Open) {
        open.marks |= Marks::DYNAMIC;
        open.unknown = true;
    }

    /// Puts what a substitution printed into the word.
    fn substitute(&mut self, source: &Source<'_>, open: &mut Open, flow: Flow, quoted: bool, at: usize) {
        open.taint |= flow.taint;
        open.marks |= Marks::SUBSTITUTED | Marks::EXPANDED;
        match flow.text {
            Some(text) => {
                let text = Known { end: self.trimmed(text), ..text };
                self.insert(source, open, text, quoted, at);
            }
            None if flow.open => self.unknown(open),
            None => self.unknown(open),
        }
    }

    /// The end of a known text without its last line ends.
    fn trimmed(&self, text: Known) -> u32 {
        let bytes = self.scratch.known(text);
        let kept = bytes.iter().rev().skip_while(|&&byte| byte == b'\n').count();
        text.start + kept as u32
    }

    /// Puts a known text into the word; outside quotes it is split at blanks.
    pub(super) fn insert(
        &mut self,
        source: &Source<'_>,
        open: &mut Open,
        text: Known,
        quoted: bool,
        at: usize,
    ) {
        let (marks, taint) = (open.marks, open.taint);
        for index in text.start..text.end {
            let Some(&byte) = self.scratch.known.get(index as usize) else { break };
            if !quoted && matches!(byte, b' ' | b'\t' | b'\n') {
                self.close(source, open, at);
                (open.marks, open.taint) = (open.marks | marks, open.taint | taint);
            } else {
                self.put(byte);
            }
        }
    }

    /// `$(( ... ))`: only substitutions inside it matter.
    fn arithmetic(&mut self, source: &mut Source<'_>, from: usize, scope: Scope, open: &mut Open) -> usize {
        let (mut at, mut depth) = (from, 0usize);
        let mut inner = self.open(from);
        let Some(scope) = self.deeper(source, from, scope) else { return source.len() };
        while let Some(byte) = source.get(at) {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => {
                    self.scratch.text.truncate(inner.start);
                    open.taint |= inner.taint;
                    open.marks |= Marks::DYNAMIC;
                    self.put(b'0');
                    return at + if source.peek(at + 1) == b')' { 2 } else { 1 };
                }
                b')' => depth -= 1,
                b'$' => {
                    at = self.dollar(source, at, scope, &mut inner, true);
                    continue;
                }
                b'`' => {
                    at = self.backtick(source, at, scope, &mut inner, true);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        self.scratch.text.truncate(inner.start);
        self.unread(source.span(from, at));
        at
    }

    /// `` `...` ``: the text without its backslashes is a script of its own.
    fn backtick(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        open: &mut Open,
        quoted: bool,
    ) -> usize {
        let mut end = at + 1;
        let from = self.scratch.known.len();
        while let Some(byte) = source.get(end) {
            match byte {
                b'`' => break,
                b'\\' => {
                    let next = source.peek(end + 1);
                    if !matches!(next, b'\\' | b'$' | b'`') {
                        self.keep(b'\\');
                    }
                    if source.get(end + 1).is_some() {
                        self.keep(next);
                    }
                    end += 2;
                }
                _ => {
                    self.keep(byte);
                    end += 1;
                }
            }
        }
        if end >= source.len() {
            self.unread(source.span(at, end));
        }
        let text = Known { start: from as u32, end: self.scratch.known.len() as u32 };
        let flow = self.nested(text, source.span(at, end + 1), scope, Flow::default());
        self.substitute(source, open, flow, quoted, at);
        end + 1
    }

    /// `<(...)` and `>(...)`: a file that is a pipe.
    fn process(&mut self, source: &mut Source<'_>, at: usize, scope: Scope, open: &mut Open) -> usize {
        if source.peek(at) == b'>' {
            // What it reads is known when the command has been judged: then it is read again.
            let scope = Scope { input: Flow::default(), ..scope };
            let (end, _) = self.inner(source, at + 2, scope, End::Paren);
            open.marks |= Marks::SINK | Marks::DYNAMIC | Marks::EXPANDED;
            open.known = self.remember(source.slice(at + 2, end.saturating_sub(1)));
            self.put_all(b"/dev/fd/63");
            return end;
        }
        let (end, flow) = self.inner(source, at + 2, scope, End::Paren);
        open.marks |= Marks::PROCESS | Marks::DYNAMIC | Marks::EXPANDED;
        open.taint |= flow.taint;
        open.known = flow.text;
        self.put_all(b"/dev/fd/63");
        end
    }

    /// `name=(...)`: the words of an array.
    fn array(&mut self, source: &mut Source<'_>, from: usize, scope: Scope, open: &mut Open) -> usize {
        let mut at = from;
        let words = self.scratch.words.len();
        let text = self.scratch.text.len();
        let Some(scope) = self.deeper(source, from, scope) else { return source.len() };
        // The open word's letters stay below; what the elements push is thrown away again.
        while let Some(byte) = source.get(at) {
            match byte {
                b')' => break,
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' => at += 1,
                b'<' | b'>' if source.peek(at + 1) != b'(' => at += 1,
                _ => at = self.word(source, at, scope),
            }
        }
        let elements = self.elements(words);
        self.scratch.words.truncate(words);
        self.scratch.text.truncate(text);
        match elements {
            Some(elements) => {
                open.marks |= Marks::ARRAY | Marks::QUOTED;
                for index in elements.start..elements.end {
                    self.put(self.scratch.known.get(index as usize).copied().unwrap_or(PART));
                }
            }
            None => self.unknown(open),
        }
        at + 1
    }

    /// The words from `first` on as the elements of an array, if all of them are known.
    fn elements(&mut self, first: usize) -> Option<Known> {
        let start = self.scratch.known.len() as u32;
        for index in first..self.scratch.words.len() {
            let word = self.scratch.words.get(index).copied()?;
            if word.marks.has(Marks::DYNAMIC) || self.scratch.letters(&word).contains(&PART) {
                return None;
            }
            if index > first {
                self.keep(PART);
            }
            self.remember_word(&word)?;
        }
        Some(Known { start, end: self.scratch.known.len() as u32 })
    }

    /// Puts elements of an array into the word: those of `"${name[@]}"` are words of their own, those of `"${name[*]}"`
    /// one, and `${name[1]}` is one of them. What is no array is a variable.
    pub(super) fn element(
        &mut self,
        source: &Source<'_>,
        open: &mut Open,
        name: &[u8],
        which: &[u8],
        quoted: bool,
        at: usize,
    ) {
        let Some(flow) = self.scratch.variables.get(array_key(name)) else {
            return self.variable(source, open, name, quoted, at);
        };
        open.taint |= flow.taint;
        let Some(text) = flow.text else { return self.unknown(open) };
        let parts = match which {
            b"[@]" | b"[*]" => text,
            [b'[', digits @ .., b']'] => {
                let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                match number.and_then(|number| self.part(text, number)) {
                    Some(part) => part,
                    None => return self.unknown(open),
                }
            }
            _ => return self.unknown(open),
        };
        open.marks |= Marks::ASSIGNED;
        let (marks, taint) = (open.marks, open.taint);
        let mut from = parts.start;
        while from <= parts.end {
            if from > parts.start && quoted && which == b"[*]" {
                self.put(b' ');
            } else if from > parts.start {
                self.close(source, open, at);
                (open.marks, open.taint) = (open.marks | marks, open.taint | taint);
            }
            let rest = self.scratch.known(Known { start: from, ..parts });
            let len = rest.iter().position(|&byte| byte == PART).unwrap_or(rest.len()) as u32;
            self.insert(source, open, Known { start: from, end: from + len }, quoted, at);
            from += len + 1;
        }
    }

    /// An element of an array.
    pub(super) fn part(&self, array: Known, number: usize) -> Option<Known> {
        let mut from = array.start;
        for part in self.scratch.known(array).split(|&byte| byte == PART).take(number) {
            from += part.len() as u32 + 1;
        }
        let len = self.scratch.known(array).split(|&byte| byte == PART).nth(number)?.len();
        Some(Known { start: from, end: from + len as u32 })
    }

    /// `$'...'`.
    fn escapes(&mut self, source: &Source<'_>, from: usize, open: &mut Open) -> usize {
        open.marks |= Marks::QUOTED;
        let mut at = from;
        while let Some(byte) = source.get(at) {
            match byte {
                b'\'' => return at + 1,
                b'\\' => {
                    let (taken, decoded) = super::escape::escape(source.slice(at + 1, at + 12));
                    if taken > 1 {
                        open.marks |= Marks::ESCAPED;
                    }
                    let mut utf8 = [0; 4];
                    match decoded {
                        super::escape::Decoded::Byte(byte) => self.put(byte),
                        super::escape::Decoded::Char(c) => self.put_all(c.encode_utf8(&mut utf8).as_bytes()),
                        super::escape::Decoded::Nothing => {}
                    }
                    at += 1 + taken.max(1);
                }
                _ => {
                    self.put(byte);
                    at += 1;
                }
            }
        }
        self.unread(source.span(from.saturating_sub(2), at));
        at
    }

    /// A variable by its name.
    pub(super) fn variable(
        &mut self,
        source: &Source<'_>,
        open: &mut Open,
        name: &[u8],
        quoted: bool,
        at: usize,
    ) {
        if name == b"IFS" {
            if quoted {
                self.put(b' ');
            } else {
                open.marks |= Marks::SPLIT;
                self.close(source, open, at);
                open.marks |= Marks::SPLIT;
            }
            return;
        }
        if let Some(flow) = self.scratch.variables.get(hash(name)) {
            open.taint |= flow.taint;
            match flow.text {
                Some(text) => {
                    open.marks |= Marks::ASSIGNED;
                    let text = if quoted { text } else { self.separated(text, open) };
                    self.insert(source, open, text, quoted, at);
                }
                None => self.unknown(open),
            }
            return;
        }
        match environment(name) {
            Some(value) => self.put_all(value),
            None => self.unknown(open),
        }
    }

    /// `{cat,/etc/hosts}`: brace expansion makes words of it.
    fn braces(&mut self, source: &Source<'_>, open: &mut Open, at: usize) {
        let end = self.scratch.text.len();
        let letters = self.scratch.text.get(open.start..end).unwrap_or_default();
        let inside = match letters {
            [b'{', inside @ .., b'}'] if !open.marks.has(Marks::QUOTED) => inside,
            _ => return,
        };
        let commas = inside.iter().filter(|&&byte| byte == b',').count();
        if commas == 0 || commas >= BRACES_MAX || inside.contains(&b'{') {
            return;
        }
        let (span, marks, taint) =
            (source.span(open.from, at), open.marks | Marks::SPLIT | Marks::EXPANDED, open.taint);
        let mut from = open.start + 1;
        for index in open.start + 1..end {
            if matches!(self.scratch.text.get(index), Some(b',' | b'}')) {
                if index > from && self.scratch.has_room() {
                    let (start, end) = (from as u32, index as u32);
                    self.scratch.words.push(Word { start, end, span, marks, taint, known: None });
                }
                from = index + 1;
            }
        }
        *open = self.open(at);
    }
}

/// Letters that mean only themselves.
fn is_plain(byte: u8) -> bool {
    !matches!(
        byte,
        b' ' | b'\t'
            | b'\n'
            | b'\r'
            | b';'
            | b'&'
            | b'|'
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'\\'
            | b'\''
            | b'"'
            | b'$'
            | b'`'
            | b'*'
            | b'?'
            | b'['
    )
}

/// Variables that every shell has, with a value that stands for theirs.
pub(super) fn environment(name: &[u8]) -> Option<&'static [u8]> {
    Some(match name {
        b"HOME" => b"~",
        b"PWD" | b"OLDPWD" => b"./",
        b"TMPDIR" | b"TEMP" | b"TMP" | b"RUNNER_TEMP" => b"/tmp",
        b"SHELL" | b"BASH" => b"/bin/bash",
        b"PATH" => b"/usr/local/bin:/usr/bin:/bin",
        b"USER" | b"LOGNAME" | b"USERNAME" => b"user",
        b"XDG_CONFIG_HOME" => b"~/.config",
        b"XDG_DATA_HOME" => b"~/.local/share",
        b"XDG_CACHE_HOME" => b"~/.cache",
        b"EDITOR" | b"VISUAL" => b"vi",
        b"PAGER" => b"less",
        b"BROWSER" => b"xdg-open",
        b"CC" => b"cc",
        b"CXX" => b"c++",
        b"MAKE" => b"make",
        b"PYTHON" => b"python",
        b"JAVA_HOME" => b"/usr/lib/jvm/default",
        b"GOPATH" => b"~/go",
        b"CARGO_HOME" => b"~/.cargo",
        b"UID" | b"EUID" => b"1000",
        _ => return None,
    })
}

//! Text that is run as a script: `sh -c`, `eval`, pipes into shells, `xargs`, `find -exec`, remote shells.

use super::id;
use super::path::Class;
use super::program::Traits;
use super::reader::Reader;
use super::redirect::Redirects;
use super::scratch::{Marks, Word, hash};
use super::simple::Call;
use super::taint::{Flow, Known, Taint};

impl Reader<'_> {
    /// `sh`, `bash` and the like.
    pub(super) fn shell(&mut self, call: &Call, redirects: &Redirects) -> Flow {
        if redirects.list.iter().any(|one| one.class.has(Class::SOCKET)) {
            self.found(id::REVERSE_SHELL, 95.0, call.span);
        }
        let mut index = 0;
        let count = self.args_len(call);
        let mut interactive = false;
        while index < count {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            match letters {
                b"-s" | b"-" => break,
                b"--" => {
                    index += 1;
                }
                b"-o" | b"+o" | b"-O" | b"+O" | b"--rcfile" | b"--init-file" => index += 2,
                [b'-', b'-', ..] => index += 1,
                [b'-' | b'+', rest @ ..] if !rest.is_empty() => {
                    interactive |= rest.contains(&b'i');
                    if rest.contains(&b'c')
                        || rest.starts_with(b"enc")
                        || rest.eq_ignore_ascii_case(b"EncodedCommand")
                    {
                        return self.script_word(call, index + 1);
                    }
                    if rest.contains(&b's') {
                        break;
                    }
                    index += 1;
                }
                _ => return self.script_file(call, &word),
            }
        }
        if interactive || call.piped && call.piped_in {
            let flow = self.shell_input(call);
            return Flow { taint: flow.taint | Taint::SHELL, ..Flow::of(Taint::SHELL) };
        }
        if !call.input.open {
            return Flow::of(if call.piped { Taint::SHELL } else { Taint::OUTPUT });
        }
        self.shell_input(call)
    }

    /// The argument `index` is a script.
    fn script_word(&mut self, call: &Call, index: usize) -> Flow {
        let Some(word) = self.arg_word(call, index) else { return Flow::default() };
        self.run_word(call, &word, 40.0)
    }

    /// Runs a word as a script; when it is not known, that is worth `unknown`.
    fn run_word(&mut self, call: &Call, word: &Word, unknown: f32) -> Flow {
        if word.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, self.fetched(86.0), call.span);
        }
        if word.taint.has(Taint::DECODED) {
            self.found(id::DECODE_RUN, 81.0, call.span);
        }
        let is_known = !word.marks.has(Marks::DYNAMIC);
        if word.marks.has(Marks::BLANK) {
            if word.taint.has(Taint::DECODED) {
                self.found(id::DECODE_RUN, 84.0, call.span);
            }
            self.verdict.add(id::UNKNOWN_PROGRAM, unknown, word.span);
            return Flow::of(Taint::OUTPUT);
        }
        let hidden = word.marks.has(Marks::ESCAPED | Marks::CUT) || word.taint.has(Taint::DECODED);
        let text = self.remember_word(word);
        self.past.hidden += u8::from(hidden);
        if hidden && !word.taint.has(Taint::DECODED) {
            self.verdict.add(id::OBFUSCATED, 52.0, word.span);
        }
        let flow = match text {
            Some(text) => self.nested(text, word.span, call.scope, call.input),
            None => Flow::of(Taint::OUTPUT),
        };
        self.past.hidden -= u8::from(hidden);
        if is_known { flow } else { Flow { text: None, ..flow } }
    }

    /// A script file by name.
    fn script_file(&mut self, call: &Call, word: &Word) -> Flow {
        let letters = self.scratch.letters(word);
        let stripped = letters.strip_prefix(b"./").unwrap_or(letters);
        let flow = self.scratch.files.get(hash(letters)).or_else(|| self.scratch.files.get(hash(stripped)));
        let class = self.guard.paths.class(letters);
        let is_stdin = letters == b"/dev/stdin";
        if word.marks.has(Marks::PROCESS) {
            if word.taint.has(Taint::NETWORK) {
                self.found(id::DOWNLOAD_RUN, self.fetched(84.0), call.span);
            }
            let hidden = word.taint.has(Taint::DECODED);
            if hidden {
                self.found(id::DECODE_RUN, if word.known.is_some() { 64.0 } else { 83.0 }, call.span);
            }
            self.past.hidden += u8::from(hidden);
            let flow = match word.known {
                Some(text) => self.nested(text, word.span, call.scope, Flow::default()),
                None => Flow::of(Taint::OUTPUT),
            };
            self.past.hidden -= u8::from(hidden);
            return flow;
        }
        if is_stdin {
            return self.shell_input(call);
        }
        if let Some(flow) = flow {
            return self.run_file(flow, call);
        }
        if word.marks.has(Marks::SELF) && (call.background || call.piped) {
            self.found(id::FORK_BOMB, 84.0, call.span);
        }
        if class.has(Class::TEMP) {
            self.verdict.add(id::UNKNOWN_PROGRAM, 38.0, word.span);
        }
        if word.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, 82.0, call.span);
        }
        Flow::of(Taint::OUTPUT)
    }

    /// A shell reads its input as a script.
    fn shell_input(&mut self, call: &Call) -> Flow {
        let input = call.input;
        if input.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, self.fetched(83.0), call.span);
        }
        if input.taint.has(Taint::FIFO) && call.piped {
            self.found(id::REVERSE_SHELL, 72.0, call.span);
        }
        let hidden = input.taint.has(Taint::DECODED);
        if hidden {
            self.found(id::DECODE_RUN, 82.0, call.span);
        }
        let Some(text) = input.text else {
            if input.open && !hidden {
                self.verdict.add(
                    id::UNKNOWN_PROGRAM,
                    if input.taint.has(Taint::SECRET) { 55.0 } else { 42.0 },
                    call.span,
                );
            }
            return Flow::of(input.taint | Taint::SHELL);
        };
        self.past.hidden += u8::from(hidden);
        let flow = self.nested(text, call.span, call.scope, Flow::default());
        self.past.hidden -= u8::from(hidden);
        flow
    }

    /// What running a download is worth: of a place that publishes installers, a question.
    pub(super) fn fetched(&self, weight: f32) -> f32 {
        if self.past.well_known { 58.0 } else { weight }
    }

    /// `eval WORDS`.
    pub(super) fn eval(&mut self, call: &Call) -> Flow {
        // `iwr URL | iex`.
        if self.args_len(call) == 0 && call.input.open {
            return self.shell_input(call);
        }
        if self.args_len(call) == 1
            && let Some(word) = self.arg_word(call, 0)
        {
            // `eval "$(ssh-agent)"` and its like are how tools set up a shell.
            return self.run_word(call, &word, 36.0);
        }
        self.joined(Call { first: call.first + 1, ..*call })
    }

    /// The words of a call, joined by blanks, are a script.
    pub(super) fn joined(&mut self, call: Call) -> Flow {
        let start = self.scratch.known.len();
        let (mut marks, mut taint) = (Marks::default(), Taint::NONE);
        for index in call.first..call.end {
            let Some(word) = self.scratch.words.get(index).copied() else { break };
            marks |= word.marks;
            taint |= word.taint;
            if self.remember_word(&word).is_none() {
                return Flow::of(Taint::OUTPUT);
            }
            self.keep(b' ');
        }
        let text = Known { start: start as u32, end: self.scratch.known.len() as u32 };
        if taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, self.fetched(84.0), call.span);
        }
        let hidden = taint.has(Taint::DECODED);
        if hidden {
            self.found(id::DECODE_RUN, 64.0, call.span);
        }
        self.past.hidden += u8::from(hidden);
        let flow = self.nested(text, call.span, call.scope, call.input);
        self.past.hidden -= u8::from(hidden);
        flow
    }

    /// `source FILE`.
    pub(super) fn source_file(&mut self, call: &Call) -> Flow {
        match self.arg_word(call, 0) {
            Some(word) => self.script_file(call, &word),
            None => Flow::default(),
        }
    }

    /// `alias NAME=TEXT`: judged as if it were used.
    pub(super) fn alias(&mut self, call: &Call) -> Flow {
        for index in 0..self.args_len(call).min(16) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            let Some(equals) = letters.iter().position(|&byte| byte == b'=') else { continue };
            let shadows_sudo = letters.starts_with(b"sudo=") || letters.starts_with(b"ssh=");
            if shadows_sudo && letters.len() > equals + 6 && !letters.ends_with(b"sudo ") {
                self.found(id::CREDENTIAL_ACCESS, 66.0, word.span);
            }
            let value = Word { start: word.start + equals as u32 + 1, ..word };
            if let Some(text) = self.remember_word(&value) {
                self.nested(text, word.span, call.scope, Flow::default());
            }
            // A short name is a function that passes its arguments on.
            let name = hash(self.scratch.letters(&Word { end: word.start + equals as u32, ..word }));
            let start = self.scratch.known.len() as u32;
            if self.remember_word(&value).is_some() && self.remember(b" \"$@\"").is_some() {
                let text = Known { start, end: self.scratch.known.len() as u32 };
                self.scratch.functions.set(name, Flow { text: Some(text), ..Flow::default() });
            }
        }
        Flow::default()
    }

    /// `ansible HOSTS -m shell -a COMMAND`.
    pub(super) fn everywhere(&mut self, call: &Call) -> Flow {
        for index in 0..self.args_len(call) {
            if matches!(self.arg(call, index), b"-a" | b"--args")
                && let Some(word) = self.arg_word(call, index + 1)
                && !self.scratch.letters(&word).contains(&b'=')
            {
                return self.run_word(call, &word, 0.0);
            }
        }
        Flow::of(Taint::OUTPUT)
    }

    /// `trap TEXT SIGNAL`.
    pub(super) fn trap(&mut self, call: &Call) -> Flow {
        if self.has_arg(call, &[b"DEBUG"]) {
            let logs = self.has_part(call, &[b"BASH_COMMAND", b"/tmp"]);
            self.found(id::PERSIST, if logs { 81.0 } else { 58.0 }, call.span);
        }
        let Some(word) = self.arg_word(call, 0) else { return Flow::default() };
        if self.scratch.letters(&word).first() != Some(&b'-') {
            self.run_word(call, &word, 0.0);
        }
        Flow::default()
    }

    /// What `xargs` runs: its command with unknown arguments behind.
    pub(super) fn fed(&mut self, call: Call, redirects: &Redirects) -> Flow {
        let mut call = call;
        let Some(head) = self.scratch.words.get(call.first).copied() else { return Flow::default() };
        let input = call.input;
        let mut added = false;
        // The words of a call end the stack of words while it is judged, so there is room behind the last.
        if call.end == self.scratch.words.len() && self.scratch.has_room() {
            if let Some(text) = input.text.filter(|text| text.end - text.start < 4096) {
                let start = self.scratch.text.len() as u32;
                for index in text.start..text.end {
                    let byte = self.scratch.known.get(index as usize).copied().unwrap_or(b' ');
                    if !matches!(byte, b'\n') || index + 1 < text.end {
                        self.put(byte);
                    }
                }
                let end = self.scratch.text.len() as u32;
                self.scratch.words.push(Word { start, end, ..head });
            } else {
                let start = self.scratch.text.len() as u32;
                let marks = Marks::DYNAMIC | Marks::BLANK;
                self.scratch.words.push(Word { start, end: start, marks, taint: input.taint, ..head });
            }
            added = true;
            call.end += 1;
        }
        call.input = Flow::default();
        call.fed = true;
        let output = self.run(call.deeper(), redirects);
        if added {
            self.scratch.words.pop();
        }
        Flow { taint: output.taint | input.taint, ..output }
    }

    /// `ssh HOST COMMAND`: the command runs elsewhere, and is judged all the same.
    pub(super) fn remote(&mut self, call: &Call) -> Flow {
        let count = self.args_len(call);
        let (mut index, mut host) = (0, false);
        while index < count {
            let arg = self.arg(call, index);
            match arg {
                [b'-', letter, rest @ ..] => {
                    let valued = b"bcDEeFIiJLlmOopQRSWw".contains(letter);
                    index += if valued && rest.is_empty() { 2 } else { 1 };
                }
                _ if host => break,
                _ => {
                    host = true;
                    index += 1;
                }
            }
        }
        let taint = call.input.taint;
        if taint.has(Taint::SECRET | Taint::ARCHIVE) {
            let weight = if taint.has(Taint::SECRET) || taint.has(Taint::PRIVATE) { 84.0 } else { 46.0 };
            self.found(id::EXFILTRATE, weight, call.span);
        }
        if taint.has(Taint::SHELL) || taint.has(Taint::FIFO) {
            self.found(id::REVERSE_SHELL, 82.0, call.span);
        }
        if index < count {
            let inner = Call { first: call.first + 1 + index, input: Flow::default(), ..*call };
            let flow = self.joined(inner);
            return Flow { taint: flow.taint | Taint::NETWORK, ..Flow::of(Taint::NETWORK) };
        }
        if call.input.text.is_some() {
            return self.shell_input(call);
        }
        Flow::of(Taint::NETWORK)
    }

    /// `su -c TEXT`, `script -c TEXT`, `tmux new TEXT`.
    pub(super) fn switch_user(&mut self, call: &Call) -> Flow {
        for index in 0..self.args_len(call) {
            let arg = self.arg(call, index);
            let is_script = matches!(arg, b"-c" | b"--command" | b"-lc" | b"-qc" | b"-qec");
            if is_script && let Some(word) = self.arg_word(call, index + 1) {
                return self.run_word(call, &word, 30.0);
            }
        }
        if call.input.open {
            return self.shell_input(call);
        }
        let count = self.args_len(call);
        if let Some(word) = self.arg_word(call, count.wrapping_sub(1))
            && self.scratch.letters(&word).contains(&b' ')
        {
            return self.run_word(call, &word, 0.0);
        }
        Flow::of(Taint::OUTPUT)
    }

    /// `crontab -`, `at`: what they read runs later.
    pub(super) fn schedule(&mut self, call: &Call, name: &[u8]) -> Flow {
        let is_cron = name == b"crontab";
        if is_cron
            && (self.has_letter(call, b'l') || self.has_letter(call, b'r') || self.has_letter(call, b'e'))
        {
            return Flow::of(Taint::OUTPUT | Taint::PRIVATE);
        }
        if self.has_letter(call, b'l') || self.args_len(call) == 0 && !call.input.open {
            return Flow::of(Taint::OUTPUT);
        }
        let before = self.verdict.top();
        // A file, or a text of which nothing is known: what will run cannot be said.
        let unknown = !call.input.open
            || call.input.text.is_some_and(|text| self.scratch.known(text).trim_ascii().is_empty());
        if let Some(text) = call.input.text {
            if is_cron {
                self.cron_lines(text, call);
            } else {
                self.nested(text, call.span, call.scope, Flow::default());
            }
        }
        // What is risky by itself is worse when it comes back by itself.
        let weight = if self.verdict.top() > before && self.verdict.top() >= 50.0 {
            88.0
        } else if self.arguments(call).1.has(Taint::NETWORK) {
            86.0
        } else if unknown
            && !call.input.taint.has(Taint::NETWORK | Taint::DECODED | Taint::SECRET | Taint::FILE)
        {
            62.0
        } else if is_cron || call.piped_in {
            81.0
        } else {
            72.0
        };
        self.found(id::PERSIST, weight, call.span);
        Flow::default()
    }

    /// Lines of a crontab: five fields or `@word`, then a command.
    fn cron_lines(&mut self, text: Known, call: &Call) {
        let mut at = text.start;
        while at < text.end {
            let mut end = at;
            while end < text.end && self.scratch.known.get(end as usize) != Some(&b'\n') {
                end += 1;
            }
            let line = self.scratch.known(Known { start: at, end });
            let fields = if line.first() == Some(&b'@') { 1 } else { 5 };
            let (mut skipped, mut offset, mut in_word) = (0, 0u32, false);
            for &byte in line {
                let blank = matches!(byte, b' ' | b'\t');
                if blank && in_word {
                    skipped += 1;
                }
                in_word = !blank;
                if skipped >= fields && !blank {
                    break;
                }
                offset += 1;
            }
            let script = Known { start: at + offset.min(end - at), end };
            if script.start < script.end {
                self.nested(script, call.span, call.scope, Flow::default());
            }
            at = end + 1;
        }
    }

    /// `which NAME` prints a path that ends in the name.
    pub(super) fn which(&mut self, call: &Call) -> Flow {
        let count = self.args_len(call);
        for index in 0..count {
            let Some(word) = self.arg_word(call, index) else { break };
            if self.scratch.letters(&word).first() != Some(&b'-') && !word.marks.has(Marks::DYNAMIC) {
                return match self.remember_word(&word) {
                    Some(text) => Flow::known(text, Taint::NONE),
                    None => Flow::of(Taint::OUTPUT),
                };
            }
        }
        Flow::of(Taint::OUTPUT)
    }

    /// `cat`: what it prints is what it reads.
    pub(super) fn cat(&mut self, traits: Traits, call: &Call, name: &[u8]) -> Flow {
        let mut flow = self.ordinary(traits, call, name);
        let count = self.args_len(call);
        if count == 1 && self.arg(call, 0) == b"/dev/null" {
            return Flow { text: Some(Known { start: 0, end: 0 }), ..Flow::of(Taint::NONE) };
        }
        if count == 0 || count == 1 && self.arg(call, 0) == b"-" {
            flow.text = call.input.text;
            flow.taint = call.input.taint;
        } else if count == 1
            && let Some(file) = self.scratch.files.get(hash(self.arg(call, 0)))
        {
            flow.text = file.text;
            flow.taint |= file.taint;
        }
        flow
    }
}

//! Code of other languages on a command line: `python -c`, `perl -e`, `awk` programs, editors that run shells.
//!
//! A light look, not a parse: which abilities the text names, and what its string literals are.

use super::ability::Ability;
use super::id;
use super::path::Class;
use super::program::Traits;
use super::reader::Reader;
use super::scratch::{Marks, Word, hash};
use super::simple::Call;
use super::taint::{Flow, Known, Taint};

/// Code that is looked at, bytes.
const CODE_BYTES_MAX: usize = 16 * 1024;
/// Literals that are run as commands.
const LITERALS_MAX: usize = 24;

impl Reader<'_> {
    /// An interpreter or an editor.
    pub(super) fn code(&mut self, call: &Call, name: &[u8]) -> Flow {
        let count = self.args_len(call);
        let mut flow = Flow::of(Taint::OUTPUT);
        let mut any = false;
        let editor = matches!(name, b"vim" | b"vi" | b"nvim" | b"ex" | b"view" | b"ed" | b"emacs" | b"gdb");
        let mut index = 0;
        while index < count {
            let arg = self.arg(call, index);
            let next = match arg {
                b"-c" | b"-e" | b"-E" | b"-r" | b"--eval" | b"-eval" | b"-pe" | b"-ne" | b"-le" | b"-lne"
                | b"-lpe" | b"-ex" | b"--command" | b"-Command" | b"-command" | b"-nle" | b"--exec"
                | b"-cmd" | b"--cmd" | b"-batch" | b"-enc" => true,
                b"-p" | b"--print" if matches!(name, b"node" | b"nodejs" | b"bun") => true,
                [b'-', rest @ ..]
                    if rest.first() != Some(&b'-')
                        && matches!(name, b"perl" | b"ruby" | b"node" | b"python3" | b"python" | b"php") =>
                {
                    // Clusters such as `-we`, and code right behind the letter: `-e'...'`.
                    let code = rest.len() > 24 && rest.first().is_some_and(|byte| b"ecr".contains(byte));
                    let next = rest.len() <= 6
                        && rest.last().is_some_and(|byte| b"ecrE".contains(byte))
                        && rest.len() > 1;
                    if code && let Some(word) = self.arg_word(call, index) {
                        flow = flow.then(self.look(call, &Word { start: word.start + 2, ..word }));
                        any = true;
                    }
                    next
                }
                [b'+' | b':', ..] if editor => {
                    if let Some(word) = self.arg_word(call, index) {
                        flow = flow.then(self.look(call, &word));
                    }
                    any = true;
                    false
                }
                b"eval" if matches!(name, b"deno" | b"bun") => true,
                _ => false,
            };
            if next && let Some(word) = self.arg_word(call, index + 1) {
                flow = flow.then(self.look(call, &word));
                any = true;
                index += 1;
            }
            index += 1;
        }
        if !any && call.input.open {
            return self.code_input(call, name);
        }
        if !any && count > 0 && !editor {
            // A script of its own: written just now, perhaps.
            for index in 0..count.min(4) {
                let Some(word) = self.arg_word(call, index) else { break };
                let letters = self.scratch.letters(&word);
                if letters.first() == Some(&b'-') {
                    continue;
                }
                let stripped = letters.strip_prefix(b"./").unwrap_or(letters);
                let file =
                    self.scratch.files.get(hash(letters)).or_else(|| self.scratch.files.get(hash(stripped)));
                if let Some(file) = file {
                    if file.taint.has(Taint::NETWORK) {
                        self.found(id::DOWNLOAD_RUN, 81.0, call.span);
                    }
                    if let Some(text) = file.text {
                        self.look_known(call, text);
                    }
                    break;
                } else if word.taint.has(Taint::NETWORK) {
                    self.found(id::DOWNLOAD_RUN, self.fetched(82.0), call.span);
                }
            }
        }
        let (class, taint) = self.arguments(call);
        if any && matches!(name, b"perl" | b"ruby") && class.has(Class::SECRET) {
            // `perl -ne print FILE`.
            self.reads(class, Traits::READS, call);
        }
        if editor && any && self.has_part(call, &[b"wq", b":w", b":x"]) {
            // `vim -c ... -c wq FILE`: nobody looks.
            self.writes(class, false, call);
        }
        if editor {
            self.reads(class, Traits::READS, call);
            if class.has(Class::AUTH | Class::PRELOAD) {
                self.found(id::ESCALATE, 66.0, call.span);
            }
        }
        if name == b"java" {
            // `java -jar tool.jar delete-job x`.
            self.verb(call);
        }
        flow.taint |= taint;
        flow
    }

    /// An interpreter that reads its program from a pipe.
    fn code_input(&mut self, call: &Call, name: &[u8]) -> Flow {
        let input = call.input;
        let only_reads = matches!(name, b"vim" | b"vi" | b"view" | b"sqlite3" | b"emacs");
        let module =
            self.has_arg(call, &[b"-m"]) || self.args_len(call) > 0 && !self.has_arg(call, &[b"-", b"-s"]);
        if !module && !only_reads {
            if input.taint.has(Taint::NETWORK) {
                self.found(id::DOWNLOAD_RUN, if self.past.well_known { 58.0 } else { 83.0 }, call.span);
            }
            if input.taint.has(Taint::DECODED) {
                self.found(id::DECODE_RUN, if input.text.is_some() { 64.0 } else { 83.0 }, call.span);
            }
        }
        if let Some(text) = input.text {
            self.look_known(call, text);
            // Editors take their commands from there: `e /etc/shadow`.
            if matches!(name, b"ed" | b"ex") && self.names_in(text).has(Class::SECRET) {
                self.found(id::CREDENTIAL_ACCESS, 82.0, call.span);
            }
        }
        Flow::of(Taint::OUTPUT | input.taint)
    }

    /// `awk` and `sed`: data filters that can also run commands.
    pub(super) fn awk(&mut self, traits: Traits, call: &Call, name: &[u8]) -> Flow {
        let is_sed = matches!(name, b"sed" | b"gsed");
        for index in 0..self.args_len(call).min(6) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if letters.first() == Some(&b'-') || letters.is_empty() {
                continue;
            }
            if is_sed {
                // `1e command` and `s/x/command/e` run what they say.
                let runs = letters.starts_with(b"1e ")
                    || letters.starts_with(b"e ")
                    || letters.ends_with(b"/e")
                        && letters.len() < 200
                        && letters.starts_with(b"s/")
                        && super::pattern::holds(letters, b"sh");
                if runs {
                    self.found(id::SHELL_ESCAPE, 81.0, word.span);
                }
            } else {
                let abilities = self
                    .guard
                    .abilities
                    .of(letters.get(..letters.len().min(CODE_BYTES_MAX)).unwrap_or_default());
                if abilities.has(Ability::SOCKET) {
                    self.found(id::REVERSE_SHELL, 92.0, word.span);
                } else if abilities.has(Ability::RUN) && super::pattern::holds(letters, b"system(") {
                    let letters = self.scratch.letters(&word);
                    let holds = |part: &[u8]| super::pattern::holds(letters, part);
                    if abilities.has(Ability::SHELL) {
                        self.found(id::SHELL_ESCAPE, 82.0, word.span);
                    } else if holds(b"%c%c") {
                        // A command put together letter by letter.
                        self.found(id::DECODE_RUN, 82.0, word.span);
                    } else if holds(b"| getline") && !holds(b"system(\"") {
                        // What another program printed is run.
                        self.found(id::UNKNOWN_PROGRAM, 54.0, word.span);
                    }
                    self.literals(call, &word, true);
                }
            }
            break;
        }
        let in_place = is_sed && (self.has_letter(call, b'i') || self.has_arg(call, &[b"--in-place"]));
        if in_place {
            let (class, _) = self.arguments(call);
            self.writes(class, false, call);
            return Flow::default();
        }
        self.ordinary(traits, call, name)
    }

    /// Looks at code that is known, such as a here-document.
    fn look_known(&mut self, call: &Call, text: Known) {
        let start = self.scratch.text.len();
        for index in text.start..text.end.min(text.start + CODE_BYTES_MAX as u32) {
            let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
            self.put(byte);
        }
        let end = self.scratch.text.len() as u32;
        let word = Word {
            start: start as u32,
            end,
            span: call.span,
            marks: Marks::default(),
            taint: Taint::NONE,
            known: None,
        };
        self.look(call, &word);
        self.scratch.text.truncate(start);
    }

    /// Looks at a word of code.
    fn look(&mut self, call: &Call, word: &Word) -> Flow {
        let code = self.scratch.letters(word);
        let code = code.get(..code.len().min(CODE_BYTES_MAX)).unwrap_or_default();
        let can = self.guard.abilities.of(code);
        if word.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, 83.0, call.span);
        }
        let runs = can.has(Ability::RUN | Ability::EVAL);
        if can.has(Ability::SOCKET)
            && can.has(Ability::DUP | Ability::SHELL | Ability::PTY)
            && (runs || can.has(Ability::SHELL))
        {
            let (rule, weight) =
                if can.has(Ability::LISTEN) { (id::BIND_SHELL, 90.0) } else { (id::REVERSE_SHELL, 94.0) };
            self.found(rule, weight, call.span);
        } else if can.has(Ability::SOCKET) && runs {
            self.found(id::REVERSE_SHELL, 84.0, call.span);
        } else if can.has(Ability::SOCKET) && can.has(Ability::LOOP | Ability::SEND) {
            self.found(id::EXFILTRATE, 52.0, call.span);
        }
        if can.has(Ability::FETCH) && can.has(Ability::EVAL) && !can.has(Ability::SOCKET) {
            self.found(id::DOWNLOAD_RUN, 84.0, call.span);
        } else if can.has(Ability::FETCH) && can.has(Ability::RUN) {
            self.found(id::DOWNLOAD_RUN, 66.0, call.span);
        }
        if can.has(Ability::DECODE) && can.has(Ability::EVAL | Ability::RUN) {
            let weight = if can.has(Ability::EVAL) { 82.0 } else { 81.0 };
            self.found(id::DECODE_RUN, weight, call.span);
        }
        if can.has(Ability::PTY) && can.has(Ability::SHELL) || can.has(Ability::SETUID) && runs {
            self.found(id::SHELL_ESCAPE, 81.0, call.span);
        } else if runs && can.has(Ability::SHELL) {
            self.found(id::SHELL_ESCAPE, if call.elevated { 81.0 } else { 56.0 }, call.span);
        }
        let whole = [&b"str(os.environ"[..], b"dict(os.environ", b"stringify(process.env)", b"ENV.to_h"];
        if can.has(Ability::SEND | Ability::FETCH)
            && whole.iter().any(|one| super::pattern::holds(self.scratch.letters(word), one))
        {
            self.found(id::EXFILTRATE, 84.0, call.span);
        }
        if can.has(Ability::FORK) && can.has(Ability::LOOP)
            || can.has(Ability::FORK) && super::pattern::holds(self.scratch.letters(word), b"fork while fork")
        {
            self.found(id::FORK_BOMB, 86.0, call.span);
        }
        let deletes = can.has(Ability::DELETE);
        let class = self.literals(call, word, runs);
        if deletes {
            let weight = if class.has(Class::ROOT | Class::HOME | Class::SYSTEM | Class::USER)
                && !class.has(Class::TEMP)
            {
                84.0
            } else if class.has(Class::TEMP) {
                50.0
            } else if self.names_rebuilt(word) || self.makes_temporary(word) {
                36.0
            } else if !self.deletes_many(word) {
                44.0
            } else {
                54.0
            };
            self.found(id::DESTROY_DATA, weight, call.span);
        }
        if class.has(Class::SECRET) && can.has(Ability::READ | Ability::RUN | Ability::SEND) {
            self.found(id::CREDENTIAL_ACCESS, 82.0, call.span);
        } else if class.has(Class::PRIVATE | Class::HISTORY) && can.has(Ability::READ) {
            self.found(id::RECON, 54.0, call.span);
        }
        if can.has(Ability::WRITE) {
            let code = self.scratch.letters(word);
            let walks = self.deletes_many(word);
            let begins = [&b"'w'"[..], b"\"w\"", b"'wb'", b"\"wb\""];
            let begins = begins.iter().any(|mode| super::pattern::holds(code, mode));
            if walks && super::pattern::holds(code, b"encrypt(") {
                // Every file of a tree made unreadable.
                self.found(id::DESTROY_DATA, 82.0, call.span);
            }
            self.writes(class, begins, call);
        }
        let mut taint = Taint::OUTPUT | class.taint();
        if can.has(Ability::SEND) || can.has(Ability::SOCKET) {
            if class.taint().has(Taint::SECRET | Taint::PRIVATE) {
                self.found(id::EXFILTRATE, 86.0, call.span);
            } else if class.has(Class::DROP) {
                self.found(id::EXFILTRATE, 70.0, call.span);
            }
        }
        if can.has(Ability::FETCH) && class.taint().has(Taint::SECRET | Taint::PRIVATE) {
            self.found(id::EXFILTRATE, 83.0, call.span);
        }
        if can.has(Ability::FETCH) {
            taint |= Taint::NETWORK;
        }
        if can.has(Ability::DECODE) {
            taint |= Taint::DECODED;
        }
        Flow::of(taint)
    }

    /// Whether code deletes trees, or whatever a search finds.
    fn deletes_many(&self, word: &Word) -> bool {
        let code = self.scratch.letters(word);
        let code = code.get(..code.len().min(CODE_BYTES_MAX)).unwrap_or_default();
        [
            &b"tree"[..],
            b"walk",
            b"glob",
            b"rm_rf",
            b"recursive",
            b"rimraf",
            b"recurse",
            b"listdir",
            b"readdir",
        ]
        .iter()
        .any(|many| super::pattern::holds(code, many))
    }

    /// Whether code makes a directory for itself that it may well delete.
    fn makes_temporary(&self, word: &Word) -> bool {
        let code = self.scratch.letters(word);
        let code = code.get(..code.len().min(CODE_BYTES_MAX)).unwrap_or_default();
        [&b"mkdtemp"[..], b"TemporaryDirectory", b"mktmpdir"]
            .iter()
            .any(|made| super::pattern::holds(code, made))
    }

    /// Whether code names, as a whole literal, a directory that a build makes again.
    fn names_rebuilt(&self, word: &Word) -> bool {
        let code = self.scratch.letters(word);
        let code = code.get(..code.len().min(400)).unwrap_or_default();
        code.split(|byte| matches!(byte, b'"' | b'\'')).any(super::files::is_rebuilt)
    }

    /// Goes through the string literals of code: what places they name, and, where the code runs commands, what those do.
    fn literals(&mut self, call: &Call, word: &Word, runs: bool) -> Class {
        let mut class = Class::NONE;
        let (mut at, end, mut ran) = (word.start, word.end.min(word.start + CODE_BYTES_MAX as u32), 0);
        while at < end {
            let mut quote = self.scratch.text.get(at as usize).copied().unwrap_or(0);
            at += 1;
            if quote == b'%' && self.scratch.text.get(at as usize) == Some(&b'x') {
                // Ruby's `%x(command)`.
                quote = match self.scratch.text.get(at as usize + 1) {
                    Some(b'(') => b')',
                    Some(b'{') => b'}',
                    Some(b'[') => b']',
                    _ => continue,
                };
                at += 2;
            } else if !matches!(quote, b'"' | b'\'' | b'`') {
                continue;
            }
            let from = at;
            while at < end {
                match self.scratch.text.get(at as usize) {
                    Some(b'\\') => at += 2,
                    Some(&byte) if byte == quote => break,
                    _ => at += 1,
                }
            }
            let to = at.min(end);
            at += 1;
            let literal = Word { start: from, end: to, ..*word };
            let letters = self.scratch.letters(&literal);
            if letters.is_empty() {
                continue;
            }
            class |= self.guard.paths.class(letters);
            let command =
                letters.len() > 3 && (letters.contains(&b' ') || quote == b'`' || letters.contains(&b'/'));
            if runs && command && ran < LITERALS_MAX {
                ran += 1;
                if let Some(text) = self.remember_word(&literal) {
                    let unread = self.verdict.count();
                    self.nested(text, word.span, call.scope, Flow::default());
                    self.verdict.forget_unread(unread);
                }
            }
        }
        // Lists of words, `["rm", "-rf", "/"]`: joined they are the command.
        if runs {
            self.joined_literals(call, word, end);
        }
        class
    }

    /// All literals of a call with a list of words, joined by blanks.
    fn joined_literals(&mut self, call: &Call, word: &Word, end: u32) {
        let start = self.scratch.known.len();
        let (mut at, mut count) = (word.start, 0);
        while at < end && count < LITERALS_MAX {
            let byte = self.scratch.text.get(at as usize).copied().unwrap_or(0);
            at += 1;
            if byte == b'[' || byte == b'(' {
                count = 0;
                self.scratch.known.truncate(start);
            }
            if (byte == b']' || byte == b')') && count > 1 {
                break;
            }
            if !matches!(byte, b'"' | b'\'') {
                continue;
            }
            while at < end {
                let inner = self.scratch.text.get(at as usize).copied().unwrap_or(0);
                at += 1;
                if inner == byte {
                    break;
                }
                self.keep(inner);
            }
            self.keep(b' ');
            count += 1;
        }
        if count > 1 {
            let text = Known { start: start as u32, end: self.scratch.known.len() as u32 };
            let unread = self.verdict.count();
            self.nested(text, word.span, call.scope, Flow::default());
            self.verdict.forget_unread(unread);
        }
    }
}

//! Judges one simple command: assignments, the programs that wrap others, then the program itself.

use super::id;
use super::path::Class;
use super::pattern::Line;
use super::program::{Kind, Program, Traits};
use super::reader::{Reader, Scope};
use super::redirect::Redirects;
use super::scratch::{DEPTH_MAX, Marks, PART, Word, array_key, hash};
use super::source::is_name;
use super::taint::{Flow, Taint};
use crate::{RuleId, Span};

/// Wrappers around wrappers that are seen through.
const WRAPPERS_MAX: usize = 12;
/// Longest program name that tables know, bytes.
pub(super) const NAME_BYTES_MAX: usize = 48;
/// So many looks around in one command are a survey.
const LOOKS_MANY: u8 = 4;
/// What hiding a command that is risky in the open makes of it.
const HIDDEN_RISK: f32 = 86.0;

/// Wrappers that people may be allowed to run as root, and that run anything.
const DETOURS: &[&[u8]] = &[
    b"taskset",
    b"nice",
    b"ionice",
    b"timeout",
    b"stdbuf",
    b"setarch",
    b"flock",
    b"strace",
    b"ltrace",
    b"time",
    b"env",
    b"cpulimit",
    b"watch",
    b"xargs",
    b"chrt",
    b"softlimit",
    b"faketime",
    b"numactl",
    b"unbuffer",
    b"setsid",
    b"logsave",
    b"unshare",
];

/// A simple command that has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Its words: a range of the scratch's.
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) input: Flow,
    pub(super) piped_in: bool,
    pub(super) piped: bool,
    pub(super) background: bool,
    pub(super) elevated: bool,
    /// Its last argument is what a program such as `xargs` read.
    pub(super) fed: bool,
    pub(super) span: Span,
    pub(super) scope: Scope,
}

impl Call {
    /// The same call with its scope one level further down: what wrappers found in arguments are run with.
    pub(super) fn deeper(self) -> Self {
        let depth = self.scope.depth.saturating_add(1);
        Self { scope: Scope { depth, ..self.scope }, ..self }
    }
}

/// The name in front of `=`, if the word is an assignment.
pub(super) fn assigned_name(word: &[u8]) -> Option<&[u8]> {
    let equals = word.iter().take(128).position(|&byte| byte == b'=')?;
    let name = word.get(..equals)?;
    let name = name.strip_suffix(b"+").unwrap_or(name);
    let (&first, _) = name.split_first()?;
    (name.iter().copied().all(is_name) && !first.is_ascii_digit()).then_some(name)
}

impl Reader<'_> {
    /// Judges a simple command and tells what it prints.
    pub(super) fn simple(&mut self, mut call: Call, redirects: &Redirects) -> Flow {
        while call.first < call.end && self.assignment(&call) {
            call.first += 1;
        }
        self.place_arguments(&call);
        let output = if call.first < call.end { self.run(call, redirects) } else { redirects.input() };
        self.sinks(&call, output);
        self.land(redirects, output, call.span, call.scope)
    }

    /// Scripts among the arguments that read what the program writes: all that the program had may come to them.
    fn sinks(&mut self, call: &Call, output: Flow) {
        let mut input = None;
        for index in call.first..call.end {
            let Some(word) = self.scratch.words.get(index).copied() else { return };
            let Some(script) = word.known.filter(|_| word.marks.has(Marks::SINK)) else { continue };
            let input = *input.get_or_insert_with(|| {
                let (class, taint) = self.arguments(call);
                let taint = taint | class.taint() | call.input.taint | output.taint;
                Flow { taint, text: call.input.text.or(output.text), open: true }
            });
            self.nested(script, word.span, call.scope, input);
        }
    }

    /// Takes the first word if it is an assignment.
    pub(super) fn assignment(&mut self, call: &Call) -> bool {
        let Some(word) = self.scratch.words.get(call.first).copied() else { return false };
        let letters = self.scratch.letters(&word);
        let Some(name) = assigned_name(letters) else { return false };
        self.policy.not_plain();
        let (array, is_array) = (array_key(name), word.marks.has(Marks::ARRAY));
        let is_more = letters.get(name.len()) == Some(&b'+');
        let (key, from) = (hash(name), letters.iter().position(|&b| b == b'=').map_or(0, |at| at + 1));
        let alone = call.end == call.first + 1;
        let preloads = matches!(
            name,
            b"LD_PRELOAD"
                | b"LD_AUDIT"
                | b"DYLD_INSERT_LIBRARIES"
                | b"PROMPT_COMMAND"
                | b"BASH_ENV"
                | b"PERL5OPT"
                | b"PYTHONSTARTUP"
        );
        let is_library = name == b"LD_LIBRARY_PATH";
        let hides =
            matches!(name, b"HISTFILE" | b"HISTSIZE" | b"HISTFILESIZE" | b"HISTCONTROL" | b"HISTIGNORE");
        let value = letters.get(from..).unwrap_or_default();
        let named_value = !value.is_empty() || word.marks.has(Marks::DYNAMIC);
        let keeps_history =
            value.len() > 2 && value.iter().all(u8::is_ascii_digit) || value.starts_with(b"~");
        let erases = value.is_empty() || value == b"0" || value == b"/dev/null" || value == b"/dev/zero";
        let short_name = short(if name.len() < 12 { name } else { b"" });
        let (known, start) = (preloads && holds_library(value), short(value));
        let from_temp = is_library && self.guard.paths.class(value).has(Class::TEMP);
        if preloads && named_value {
            self.found(id::PERSIST, if known { 52.0 } else { 81.0 }, word.span);
        }
        if hides && !keeps_history {
            self.found(id::CLEAR_TRACES, if erases { 82.0 } else { 52.0 }, word.span);
        }
        let _ = alone;
        if from_temp {
            self.found(id::ESCALATE, 56.0, word.span);
        }
        self.editor(&short_name, &start, word.span);
        let value = Word { start: word.start + from as u32, ..word };
        let text = if word.marks.has(Marks::DYNAMIC) { None } else { self.remember_word(&value) };
        let mut flow = Flow { taint: word.taint, text, open: true };
        match text {
            Some(elements) if is_array => {
                if is_more && let Some(before) = self.scratch.variables.get(array) {
                    flow = self.append_to(before, flow, &[PART]);
                }
                self.scratch.variables.set(array, flow);
                if !is_more {
                    let first = self.part(elements, 0);
                    self.scratch.variables.set(key, Flow { text: first, ..flow });
                }
            }
            _ => {
                if is_more && let Some(before) = self.scratch.variables.get(key) {
                    flow = self.append_to(before, flow, b"");
                }
                self.scratch.variables.forget(array);
                self.scratch.variables.set(key, flow);
            }
        }
        true
    }

    /// Judges a command line that may be wrapped.
    pub(super) fn run(&mut self, mut call: Call, redirects: &Redirects) -> Flow {
        if call.scope.depth > DEPTH_MAX {
            self.too_deep(call.span);
            return Flow::default();
        }
        self.policy.begin();
        let mut detour = false;
        for _ in 0..WRAPPERS_MAX {
            self.policy.command(self.scratch, call.first, call.end);
            let Some(head) = self.scratch.words.get(call.first).copied() else { return Flow::default() };
            let mut name = heapless::Vec::<u8, NAME_BYTES_MAX>::new();
            let letters = self.scratch.letters(&head);
            let _ = name.extend_from_slice(base_name(letters));
            let guard = self.guard;
            let mut program = guard.programs.get(&name);
            if program.is_none() && super::windows::fold_name(&mut name) {
                program = guard.programs.get(&name);
            }
            if let Some(program) = program
                && let Some(wrapper) = program.wrapper
            {
                let words =
                    self.scratch.words.get(call.first + 1..call.end.max(call.first + 1)).unwrap_or_default();
                let scratch = &*self.scratch;
                let inner = wrapper.inner(words.iter().map(|word| scratch.letters(word)));
                // The wrapper's own rules first: `sudo -l`, `watch` and the like.
                // They see the wrapper's part of the line and the name of what it wraps.
                let own = inner.map_or(call.end, |skip| (call.first + 2 + skip).min(call.end));
                self.rules(&Call { end: own, ..call }, &name, program, redirects);
                self.disguise(&head, &name, letters_len(&head));
                let Some(skip) = inner else { return self.judge_alone(call, &name, program, redirects) };
                for index in call.first + 1..call.first + 1 + skip {
                    self.environment_of_wrapper(index, call.elevated || wrapper.elevates);
                }
                detour |= call.elevated && DETOURS.contains(&name.as_slice());
                call.elevated |= wrapper.elevates;
                call.first += 1 + skip;
                match name.as_slice() {
                    b"xargs" | b"gxargs" | b"parallel" => return self.fed(call, redirects),
                    b"watch" | b"gwatch" | b"parallel-none" if call.end == call.first + 1 => {
                        return self.joined(call);
                    }
                    b"command" | b"env" | b"exec" => {}
                    _ => {}
                }
                continue;
            }
            let bare = call.end <= call.first + 1 && !call.input.open && !call.piped;
            if detour && bare && program.is_some_and(|program| program.kind == Kind::Shell) {
                // `sudo taskset 1 sh`: root may run the one, and gets the other.
                self.found(id::SHELL_ESCAPE, 81.0, call.span);
            }
            return self.judge(call, &head, &name, program, redirects);
        }
        self.too_deep(call.span);
        Flow::default()
    }

    fn environment_of_wrapper(&mut self, index: usize, elevated: bool) {
        let Some(word) = self.scratch.words.get(index).copied() else { return };
        let letters = self.scratch.letters(&word);
        let Some(name) = assigned_name(letters) else { return };
        if let b"LD_PRELOAD" | b"LD_LIBRARY_PATH" | b"DYLD_INSERT_LIBRARIES" = name {
            let temp = self.guard.paths.class(letters).has(Class::TEMP);
            self.found(id::ESCALATE, if temp { 82.0 } else { 72.0 }, word.span);
        } else if let b"PATH" | b"PYTHONPATH" | b"PERL5LIB" | b"RUBYLIB" | b"NODE_PATH" | b"GCONV_PATH" = name
            && elevated
            && self.guard.paths.class(letters).has(Class::TEMP)
        {
            self.found(id::ESCALATE, 81.0, word.span);
        } else if letters.get(name.len() + 1..).is_some_and(|value| value.starts_with(b"() {")) {
            // A function in a variable: how commands were smuggled into old shells.
            self.found(id::DECODE_RUN, 84.0, word.span);
        } else if name.len() < 12 {
            let (name, value) = (short(name), short(letters.get(name.len() + 1..).unwrap_or_default()));
            self.editor(&name, &value, word.span);
        }
    }

    /// A wrapper without a command to run, such as `env` or `sudo -i`.
    fn judge_alone(&mut self, call: Call, name: &[u8], program: &Program, redirects: &Redirects) -> Flow {
        let Some(head) = self.scratch.words.get(call.first).copied() else { return Flow::default() };
        if matches!(name, b"strace" | b"ltrace") {
            self.trace(&call);
        }
        match program.kind {
            Kind::None => Flow::of(match name {
                b"env" => Taint::PRIVATE | Taint::OUTPUT,
                _ => Taint::OUTPUT,
            }),
            _ => self.judge(call, &head, name, Some(program), redirects),
        }
    }

    /// Judges a program that is not a wrapper.
    fn judge(
        &mut self,
        call: Call,
        head: &Word,
        name: &[u8],
        program: Option<&Program>,
        redirects: &Redirects,
    ) -> Flow {
        if head.marks.has(Marks::BLANK) {
            return self.unknown_program(&call, head);
        }
        let hidden = self.disguise(head, name, letters_len(head));
        self.past.hidden += u8::from(hidden);
        let harmless = program.is_some_and(|program| self.rules(&call, name, program, redirects));
        let (kind, traits) =
            program.map_or((Kind::None, Traits::NONE), |program| (program.kind, program.traits));
        self.itself(&call, head);
        let seals = name == b"openssl" && self.arg(&call, 0) == b"enc" && !self.has_arg(&call, &[b"-d"]);
        if self.past.loops > 0 && (seals || matches!(name, b"ccrypt" | b"ccencrypt")) {
            // One file after the other made unreadable.
            self.found(id::DESTROY_DATA, 82.0, call.span);
        }
        let looks = matches!(name, b"xclip" | b"xsel" | b"wl-paste" | b"pbpaste");
        if self.past.loops > 0 && looks && (name.ends_with(b"paste") || self.has_letter(&call, b'o')) {
            // Again and again what others copied.
            self.found(id::CREDENTIAL_ACCESS, 62.0, call.span);
        }
        match name {
            _ if harmless => {}
            b"ping" | b"fping" | b"arping" if self.past.loops > 0 => self.sweep(&call),
            b"cd" | b"pushd" | b"chdir" => self.enter(&call),
            b"popd" => self.directory = None,
            b"kill" | b"pkill" | b"killall" => self.kill(&call, name),
            b"ps" | b"pgrep" | b"pidof" | b"grep" | b"egrep" | b"awk" | b"head" | b"tail" | b"sed"
            | b"rg" | b"fzf" | b"lsof" => self.seek_processes(&call, name),
            b"psql" | b"mysql" | b"mariadb" | b"sqlite3" | b"sqlcmd" | b"cqlsh" | b"clickhouse-client"
            | b"duckdb" | b"cockroach" | b"usql" => self.statements(&call),
            b"npm" | b"pnpm" | b"yarn" | b"npx" | b"bun" | b"pip" | b"pip3" | b"pipx" | b"uv" | b"gem"
            | b"easy_install" | b"go" | b"cargo" => self.packages(&call),
            b"gdb" | b"bpftrace" => self.trace(&call),
            b"su" if self.past.loops > 0 && call.input.open => {
                // One password after the other.
                self.found(id::CREDENTIAL_ACCESS, 66.0, call.span);
            }
            b"fallocate" => self.allocate(&call),
            b"mkdir" | b"cp" | b"mv" | b"touch" | b"install" => self.overlooked(&call),
            b"chpasswd" => self.passwords(&call),
            _ => {}
        }
        if matches!(
            name,
            b"yes"
                | b"cat"
                | b"tail"
                | b"tac"
                | b"sort"
                | b"rev"
                | b"head"
                | b"base64"
                | b"tr"
                | b"wall"
                | b"tee"
        ) {
            self.endless(&call, name, redirects);
        }
        let output = if harmless {
            Flow::of(Taint::OUTPUT)
        } else {
            self.special(kind, traits, &call, name, redirects)
        };
        self.past.hidden -= u8::from(hidden);
        output
    }

    /// A program whose name is not known before it runs.
    fn unknown_program(&mut self, call: &Call, head: &Word) -> Flow {
        let weight = if head.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, 84.0, call.span);
            return Flow::of(Taint::OUTPUT);
        } else if head.taint.has(Taint::DECODED) {
            self.found(id::DECODE_RUN, 84.0, call.span);
            return Flow::of(Taint::OUTPUT);
        } else if head.marks.has(Marks::CUT | Marks::SPLIT) {
            64.0
        } else if head.marks.has(Marks::SUBSTITUTED) {
            51.0
        } else {
            28.0
        };
        self.verdict.add(id::UNKNOWN_PROGRAM, weight, head.span);
        Flow::of(Taint::OUTPUT)
    }

    /// Whether the program's name is written so that it cannot be read; notes it.
    fn disguise(&mut self, head: &Word, name: &[u8], len: usize) -> bool {
        let marks = head.marks;
        let weight = if head.taint.has(Taint::DECODED) || marks.has(Marks::CUT) && !marks.has(Marks::DYNAMIC)
        {
            62.0
        } else if marks.has(Marks::ESCAPED) {
            56.0
        } else if marks.has(Marks::SPLIT) {
            58.0
        } else if marks.has(Marks::BROKEN) {
            36.0
        } else if marks.has(Marks::ASSIGNED)
            && !name.contains(&b' ')
            && self.guard.programs.get(name).is_some()
        {
            // A name for one word: `X=git; $X push`.
            20.0
        } else if marks.has(Marks::GLOB)
            && name.contains(&b'?')
            && self.scratch.letters(head).starts_with(b"/")
        {
            82.0
        } else if marks.has(Marks::GLOB) && len > 3 && name != b"[" && !name.contains(&b'[') {
            56.0
        } else {
            return false;
        };
        self.past.disguised |= marks.has(Marks::BROKEN | Marks::ESCAPED | Marks::SPLIT);
        self.verdict.add(id::OBFUSCATED, weight, head.span);
        true
    }

    /// Applies the tables. Returns whether the call only asks for help and the like.
    fn rules(&mut self, call: &Call, name: &[u8], program: &Program, redirects: &Redirects) -> bool {
        let words = self.scratch.words.get(call.first + 1..call.end.max(call.first + 1)).unwrap_or_default();
        let taint = words.iter().fold(call.input.taint, |taint, word| taint | word.taint);
        let guard = self.guard;
        let classes = |letters: &[u8]| guard.paths.class(letters);
        let line = Line::new(self.scratch, name, words, &classes, redirects.written(), taint);
        let harmless = line.is_harmless();
        let mut found = heapless::Vec::<(RuleId, f32), 8>::new();
        for form in program.forms.iter().filter_map(|&index| guard.forms.get(usize::from(index))) {
            if form.matches(&line) {
                let _ = found.push((form.id, form.weight));
            }
        }
        for (rule, weight) in found {
            self.found(rule, if harmless { weight * 0.3 } else { weight }, call.span);
        }
        harmless
    }

    /// A function that calls itself, twice at once: a fork bomb.
    fn itself(&mut self, call: &Call, head: &Word) {
        let name = hash(self.scratch.letters(head));
        let again = self.inside.contains(&name);
        if (again || head.marks.has(Marks::SELF)) && (call.background || call.piped || call.piped_in) {
            let weight = if again { 92.0 } else { 84.0 };
            if again || call.background || call.piped {
                self.found(id::FORK_BOMB, weight, call.span);
            }
        }
    }

    /// Notes a finding; what was hidden and is risky in the open is hostile.
    pub(super) fn found(&mut self, rule: RuleId, weight: f32, span: Span) {
        if rule == id::RECON && weight >= 40.0 {
            self.past.looks = self.past.looks.saturating_add(1);
            if self.past.looks == LOOKS_MANY {
                self.verdict.add(id::RECON, 53.0, span);
            }
        }
        let hostile = self.past.hidden > 0 && weight >= 45.0 || self.past.disguised && weight >= 58.0;
        let weight = if hostile { weight.max(HIDDEN_RISK) } else { weight };
        self.verdict.add(rule, weight, span);
    }

    /// Letters of the argument `n` behind the program.
    pub(super) fn arg(&self, call: &Call, n: usize) -> &[u8] {
        let index = (call.first + 1).saturating_add(n);
        let word = if index < call.end { self.scratch.words.get(index) } else { None };
        word.map(|word| self.scratch.letters(word)).unwrap_or_default()
    }

    /// The argument `n` behind the program.
    pub(super) fn arg_word(&self, call: &Call, n: usize) -> Option<Word> {
        let index = (call.first + 1).saturating_add(n);
        if index < call.end { self.scratch.words.get(index).copied() } else { None }
    }

    pub(super) fn args_len(&self, call: &Call) -> usize {
        call.end.saturating_sub(call.first + 1)
    }

    /// All classes and taints of the arguments.
    pub(super) fn arguments(&self, call: &Call) -> (Class, Taint) {
        let words = self.scratch.words.get(call.first + 1..call.end.max(call.first + 1)).unwrap_or_default();
        words.iter().fold((Class::NONE, Taint::NONE), |(class, taint), word| {
            (class | self.guard.paths.class(self.scratch.letters(word)), taint | word.taint)
        })
    }

    /// Whether any of the arguments is one of `options` (exactly).
    pub(super) fn has_arg(&self, call: &Call, options: &[&[u8]]) -> bool {
        let words = self.scratch.words.get(call.first + 1..call.end.max(call.first + 1)).unwrap_or_default();
        words.iter().any(|word| options.contains(&self.scratch.letters(word)))
    }

    /// Whether a one-letter option is set, alone or in a cluster.
    pub(super) fn has_letter(&self, call: &Call, letter: u8) -> bool {
        let words = self.scratch.words.get(call.first + 1..call.end.max(call.first + 1)).unwrap_or_default();
        words.iter().any(|word| match self.scratch.letters(word) {
            [b'-', rest @ ..] if rest.first() != Some(&b'-') => {
                rest.iter().take(8).any(|&byte| byte == letter)
            }
            _ => false,
        })
    }
}

/// Preloaded libraries that people use to debug and to tune memory.
fn holds_library(value: &[u8]) -> bool {
    [
        &b"jemalloc"[..],
        b"tcmalloc",
        b"mimalloc",
        b"libasan",
        b"libtsan",
        b"libfaketime",
        b"history -a",
        b"history -n",
        b"libgomp",
        b"valgrind",
    ]
    .iter()
    .any(|part| super::pattern::holds(value, part))
}

/// The start of a word, copied.
fn short(letters: &[u8]) -> heapless::Vec<u8, NAME_BYTES_MAX> {
    let start = letters.get(..letters.len().min(NAME_BYTES_MAX)).unwrap_or_default();
    heapless::Vec::from_slice(start).unwrap_or_default()
}

fn letters_len(word: &Word) -> usize {
    (word.end - word.start) as usize
}

/// The last part of a path.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) if at + 1 < path.len() => path.get(at + 1..).unwrap_or_default(),
        _ => path,
    }
}

//! Programs whose arguments need more than a table: one line each, and the module that reads them.

use super::id;
use super::path::Class;
use super::program::{Kind, Traits};
use super::reader::Reader;
use super::redirect::Redirects;
use super::scratch::{Marks, hash};
use super::simple::{Call, base_name};
use super::taint::{Flow, Taint};

/// Subcommands that take something away, whatever the tool.
const VERBS: &[&[u8]] = &[
    b"delete",
    b"destroy",
    b"purge",
    b"terminate",
    b"unregister",
    b"wipe",
    b"deregister",
    b"rdelete",
    b"unsubscribe",
];

/// Programs that look after the password file, or look at its mode only.
const KEEPERS: &[&[u8]] = &[
    b"pwck",
    b"grpck",
    b"pwconv",
    b"restorecon",
    b"chcon",
    b"getfacl",
    b"lsattr",
    b"namei",
    b"auditctl",
    b"sha256sum",
    b"sha512sum",
    b"debsums",
    b"aide",
    b"etckeeper",
];

impl Reader<'_> {
    /// Reads the arguments by kind and tells what is printed.
    pub(super) fn special(
        &mut self,
        kind: Kind,
        traits: Traits,
        call: &Call,
        name: &[u8],
        redirects: &Redirects,
    ) -> Flow {
        match kind {
            Kind::None => self.ordinary(traits, call, name),
            Kind::Shell => self.shell(call, redirects),
            Kind::Eval => self.eval(call),
            Kind::Source => self.source_file(call),
            Kind::Echo => self.echo(call),
            Kind::Printf => self.printf(call),
            Kind::Cat => self.cat(traits, call, name),
            Kind::Tee => self.tee(call),
            Kind::Base64 | Kind::Base32 | Kind::Hex | Kind::Rev | Kind::Tr | Kind::OpenSsl | Kind::Unpack => {
                self.decoder(kind, traits, call, name)
            }
            Kind::Which => self.which(call),
            Kind::Find => self.find(call, redirects),
            Kind::Declare => self.declare(call),
            Kind::ReadLine => self.read_line(call),
            Kind::Alias => self.alias(call),
            Kind::Trap => self.trap(call),
            Kind::Code => self.code(call, name),
            Kind::Awk => self.awk(traits, call, name),
            Kind::Remote => self.remote(call),
            Kind::Su => self.switch_user(call),
            Kind::Joined => self.joined(Call { first: call.first + 1, ..*call }),
            Kind::Schedule => self.schedule(call, name),
            Kind::Remove => self.remove(call, name),
            Kind::Dd => self.dd(call),
            Kind::Copy => self.copy(call, name),
            Kind::Curl | Kind::Wget => self.http(kind, call),
            Kind::Connect => self.connect(call, name),
            Kind::Clone => Flow::of(Taint::OUTPUT),
            Kind::Fifo => self.fifo(call),
            Kind::Container => self.container(call, name),
            Kind::Kubectl => self.kubectl(call, redirects),
            Kind::Mode => self.mode(call, name),
            Kind::SendFile => self.send_file(call, name),
            Kind::Cmd => self.cmd(call),
            Kind::Everywhere => self.everywhere(call),
            Kind::PowerShell => self.power_shell(call, name),
        }
    }

    /// A program that only tables know, or that nobody knows.
    pub(super) fn ordinary(&mut self, traits: Traits, call: &Call, name: &[u8]) -> Flow {
        if traits == Traits::NONE {
            return self.unlisted(call);
        }
        let (class, taint) = self.arguments(call);
        let mut flow = Flow::of(call.input.taint | taint);
        if traits.has(Traits::READS | Traits::PICKS | Traits::COPIES) {
            self.reads(class, traits, call);
            flow.taint |= class.taint() | Taint::FILE;
            flow.taint |= self.files_of(call);
        }
        if traits.has(Traits::COPIES) {
            flow.taint |= Taint::ARCHIVE;
            if class.has(Class::HOME | Class::ROOT | Class::USER | Class::AUTH) && !class.has(Class::TEMP) {
                flow.taint |= Taint::PRIVATE;
            }
            if class.has(Class::SECRET) {
                self.past.staged = true;
            }
        }
        if traits.has(Traits::LISTS) && class.has(Class::SECRET) {
            self.found(id::CREDENTIAL_ACCESS, 40.0, call.span);
        }
        if traits.has(Traits::TELLS) {
            flow.taint |= match name {
                b"env" | b"printenv" | b"history" | b"set" => Taint::PRIVATE,
                b"whoami" | b"id" | b"ifconfig" => Taint::PRIVATE,
                _ => Taint::OUTPUT,
            };
        }
        if matches!(name, b"tcpdump" | b"tshark" | b"ngrep" | b"dumpcap") {
            // What others send.
            flow.taint |= Taint::PRIVATE;
        }
        let changed = Taint::FILE | Taint::SECRET | Taint::ARCHIVE | Taint::DECODED;
        if name == b"cut" && self.args_len(call) == 2 && !call.input.taint.has(changed) {
            // The names of variables, without what they hold. What came another way may have no `=` in it.
            let names = self.has_arg(call, &[b"-d="]) && self.has_arg(call, &[b"-f1"]);
            flow.taint = if names { Taint::OUTPUT } else { flow.taint };
        }
        if traits.has(Traits::READS) && self.args_len(call) == 0 {
            flow.text = call.input.text;
        }
        flow
    }

    /// What files written earlier in the same command carry, where the arguments name them.
    fn files_of(&self, call: &Call) -> Taint {
        let words = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
        words.iter().take(32).fold(Taint::NONE, |taint, word| {
            let flow = self.scratch.files.get(hash(self.scratch.letters(word)));
            taint | flow.map_or(Taint::NONE, |flow| flow.taint)
        })
    }

    /// A program reads or copies files: which ones matters.
    pub(super) fn reads(&mut self, class: Class, traits: Traits, call: &Call) {
        let whole = !traits.has(Traits::PICKS);
        if class.has(Class::SECRET) {
            self.found(
                id::CREDENTIAL_ACCESS,
                if class.has(Class::TEMP) && !class.has(Class::SYSTEM) { 52.0 } else { 82.0 },
                call.span,
            );
        }
        if class.has(Class::HISTORY) {
            self.found(id::CREDENTIAL_ACCESS, if whole { 62.0 } else { 70.0 }, call.span);
        }
        if class.has(Class::PRIVATE) {
            self.found(id::RECON, if whole { 51.0 } else { 36.0 }, call.span);
        }
    }

    /// `chpasswd`: passwords set from a text.
    pub(super) fn passwords(&mut self, call: &Call) {
        let of_root = call.input.text.is_some_and(|text| {
            let text = self.scratch.known(text);
            text.starts_with(b"root:") || super::pattern::holds(text, b"\nroot:")
        });
        if of_root {
            self.found(id::ESCALATE, 66.0, call.span);
        }
    }

    /// Statements that a database reads from a pipe or a here-document.
    pub(super) fn statements(&mut self, call: &Call) {
        let Some(text) = call.input.text else { return };
        let text = self.scratch.known(text);
        let text = text.get(..text.len().min(4096)).unwrap_or_default();
        let drops = [&b"drop table"[..], b"drop database", b"drop schema", b"truncate ", b"delete from"];
        if drops.iter().any(|statement| super::pattern::holds(text, statement)) {
            self.found(id::DATABASE_LOSS, 66.0, call.span);
        }
    }

    /// A program that no table knows: a file this command wrote, a function, or something else.
    fn unlisted(&mut self, call: &Call) -> Flow {
        let Some(head) = self.scratch.words.get(call.first).copied() else { return Flow::default() };
        let letters = self.scratch.letters(&head);
        let is_path = letters.contains(&b'/');
        let key = hash(letters.strip_prefix(b"./").unwrap_or(letters));
        let other = hash(letters);
        if matches!(letters, b":" | b"true" | b"false") {
            return Flow::default();
        }
        let (class, taint) = self.arguments(call);
        if !is_path && self.scratch.functions.get(other).is_some() {
            self.reads(class, Traits::READS, call);
            let printed = self.function(other, call);
            return Flow::of(taint | class.taint() | call.input.taint | printed.taint | Taint::OUTPUT);
        }
        if is_path {
            let flow = self.scratch.files.get(other).or_else(|| self.scratch.files.get(key));
            if let Some(flow) = flow {
                if flow.text.is_none() && self.guard.paths.class(letters).has(Class::TEMP) {
                    self.found(id::UNKNOWN_PROGRAM, 54.0, head.span);
                }
                return self.run_file(flow, call);
            }
            let hidden = letters
                .split(|&b| b == b'/')
                .any(|part| part.len() > 1 && part.first() == Some(&b'.') && part != b"..");
            let at = self.guard.paths.class(letters);
            if at.has(Class::TEMP) {
                self.verdict.add(
                    id::UNKNOWN_PROGRAM,
                    match (hidden || letters.starts_with(b"/dev/shm"), call.background) {
                        (true, _) => 81.0,
                        (_, true) => 54.0,
                        _ => 40.0,
                    },
                    head.span,
                );
            }
        }
        if class.has(Class::SECRET) {
            // Whatever the program: nobody but the system itself has to do with the password file.
            let passwords = class.has(Class::AUTH) && !KEEPERS.contains(&base_name(letters));
            self.verdict.add(id::CREDENTIAL_ACCESS, if passwords { 81.0 } else { 34.0 }, call.span);
        }
        if !matches!(
            base_name(self.scratch.letters(&head)),
            b"apt" | b"apt-get" | b"aptitude" | b"dnf" | b"yum" | b"zypper" | b"snap" | b"brew"
        ) {
            self.verb(call);
        }
        Flow::of(Taint::OUTPUT | taint | class.taint())
    }

    /// Reads the body of a function again, with the arguments of this call.
    fn function(&mut self, name: u64, call: &Call) -> Flow {
        let Some(body) = self.scratch.functions.get(name).and_then(|flow| flow.text) else {
            return Flow::default();
        };
        // One that calls itself has been read already.
        if self.inside.contains(&name) || self.inside.push(name).is_err() {
            return Flow::default();
        }
        for (index, digit) in (b'1'..=b'9').enumerate() {
            if let Some(word) = self.arg_word(call, index) {
                let known = !word.marks.has(Marks::DYNAMIC);
                let text = if known { self.remember_word(&word) } else { None };
                self.scratch.variables.set(hash(&[digit]), Flow { taint: word.taint, text, open: true });
            }
        }
        let all = self.remember_words(call.first + 1, call.end);
        self.scratch.variables.set(hash(b"@"), Flow { taint: Taint::NONE, text: all, open: true });
        let flow = self.nested(body, call.span, call.scope, call.input);
        self.scratch.variables.forget(hash(b"@"));
        for digit in b'1'..=b'9' {
            self.scratch.variables.forget(hash(&[digit]));
        }
        self.inside.pop();
        flow
    }

    /// A command of a tool that no table knows may still say what it is: `tool project delete x`.
    pub(super) fn verb(&mut self, call: &Call) {
        for index in 0..self.args_len(call).min(8) {
            let arg = self.arg(call, index);
            let verb = arg.rsplit(|&byte| byte == b':').next().unwrap_or_default();
            let mut parts = verb.split(|&byte| matches!(byte, b'-' | b'_'));
            let (verb, compound) = (parts.next().unwrap_or_default(), parts.next().is_some());
            let takes = VERBS.contains(&verb) && (index < 3 || compound);
            if takes || compound && matches!(verb, b"remove" | b"clear" | b"revoke" | b"drop") {
                self.found(id::CLOUD_LOSS, 54.0, call.span);
                return;
            }
        }
    }

    /// Runs a file that this command wrote.
    pub(super) fn run_file(&mut self, flow: Flow, call: &Call) -> Flow {
        if flow.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, 81.0, call.span);
        } else if flow.taint.has(Taint::DECODED) {
            self.found(id::DECODE_RUN, 82.0, call.span);
        }
        match flow.text {
            Some(text) => self.nested(text, call.span, call.scope, call.input),
            None => Flow::of(Taint::OUTPUT | flow.taint),
        }
    }

    /// `mkfifo` and `mknod x p`.
    fn fifo(&mut self, call: &Call) -> Flow {
        let last = self.args_len(call);
        for index in 0..last.min(4) {
            if let Some(word) = self.arg_word(call, index)
                && !word.marks.has(Marks::BLANK)
            {
                let letters = self.scratch.letters(&word);
                if letters.first() != Some(&b'-') && letters.len() > 1 {
                    self.scratch.files.set(hash(letters), Flow::of(Taint::FIFO));
                }
            }
        }
        Flow::default()
    }
}

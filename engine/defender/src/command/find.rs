//! `find`: where it looks, what for, and what it does with what it finds.

use super::id;
use super::path::Class;
use super::program::Kind;
use super::reader::Reader;
use super::redirect::Redirects;
use super::scratch::{Word, hash};
use super::simple::{Call, base_name};
use super::taint::{Flow, Taint};

impl Reader<'_> {
    /// `find` with what it runs on what it finds.
    pub(super) fn find(&mut self, call: &Call, redirects: &Redirects) -> Flow {
        let count = self.args_len(call);
        let mut paths = 0;
        while paths < count && !matches!(self.arg(call, paths).first(), Some(b'-' | b'(' | b'!')) {
            paths += 1;
        }
        let mut class = Class::NONE;
        let mut widest = None;
        for index in 0..paths.min(16) {
            let here = self.guard.paths.class(self.arg(call, index));
            class |= here;
            if widest.is_none() || here.has(Class::ROOT | Class::HOME | Class::SYSTEM | Class::USER) {
                widest = self.arg_word(call, index);
            }
        }
        let wide = class.has(Class::ROOT | Class::HOME)
            || class.has(Class::SYSTEM) && !class.has(Class::TEMP | Class::LOG);
        let (mut filtered, mut secret, mut deletes, mut by_name) =
            (false, class.has(Class::SECRET), false, false);
        let (mut looks, mut aged) = (false, false);
        let mut index = paths;
        while index < count {
            let arg = self.arg(call, index);
            match arg {
                b"-name" | b"-iname" | b"-path" | b"-ipath" | b"-wholename" | b"-regex" => {
                    filtered = true;
                    let value = self.arg(call, index + 1);
                    let sought = self.guard.paths.class(value);
                    by_name |= sought.has(Class::SECRET);
                    secret |= by_name || seeks_secret(value);
                    index += 1;
                }
                b"-type" | b"-mtime" | b"-mmin" | b"-atime" | b"-size" | b"-user" | b"-newer"
                | b"-maxdepth" | b"-ctime" | b"-group" => {
                    filtered |= !matches!(arg, b"-type" | b"-maxdepth");
                    aged |= !matches!(arg, b"-type" | b"-maxdepth" | b"-user" | b"-group");
                    index += 1;
                }
                b"-empty" => filtered = true,
                b"-readable" | b"-writable" => (filtered, looks) = (true, true),
                b"-perm" => {
                    looks = true;
                    let value = self.arg(call, index + 1);
                    let special = [
                        &b"4000"[..],
                        b"6000",
                        b"2000",
                        b"u=s",
                        b"u+s",
                        b"g=s",
                        b"g+s",
                        b"4755",
                        b"7000",
                        b"4777",
                        b"-o+w",
                        b"0002",
                        b"-222",
                        b"o=w",
                        b"4002",
                        b"2002",
                        b"6002",
                    ]
                    .iter()
                    .any(|mode| value.ends_with(mode));
                    if special {
                        self.found(id::RECON, 60.0, call.span);
                    }
                    filtered = true;
                    index += 1;
                }
                b"-delete" => deletes = true,
                b"-exec" | b"-execdir" | b"-ok" | b"-okdir" => {
                    let from = index + 1;
                    let mut end = from;
                    while end < count && !matches!(self.arg(call, end), b";" | b"+") {
                        end += 1;
                    }
                    looks |= matches!(
                        base_name(self.arg(call, from)),
                        b"ls" | b"cat" | b"grep" | b"egrep" | b"head" | b"file" | b"stat"
                    );
                    self.found_files(call, from, end, (wide, filtered), widest, redirects);
                    index = end;
                }
                // Any other test makes the selection smaller.
                [b'-', ..] => {
                    let widens = matches!(
                        arg,
                        b"-print"
                            | b"-print0"
                            | b"-ls"
                            | b"-prune"
                            | b"-o"
                            | b"-or"
                            | b"-a"
                            | b"-and"
                            | b"-xdev"
                            | b"-depth"
                            | b"-mindepth"
                            | b"-follow"
                            | b"-mount"
                            | b"-printf"
                            | b"-quit"
                            | b"-not"
                    );
                    filtered |= !widens;
                }
                _ => {}
            }
            index += 1;
        }
        if deletes {
            let weight = match (class, wide, filtered) {
                (class, ..) if class.has(Class::ROOT | Class::HOME) => {
                    if filtered {
                        74.0
                    } else {
                        90.0
                    }
                }
                (_, true, _) => {
                    if filtered {
                        60.0
                    } else {
                        84.0
                    }
                }
                (_, _, true) => 22.0,
                (class, ..) if class.has(Class::TEMP) => 20.0,
                _ => 50.0,
            };
            self.found(id::DESTROY_DATA, weight, call.span);
            if class.has(Class::LOG) {
                // Old logs are cleared away every day; all of them are not.
                let everything = class.has(Class::LOG)
                    && widest.is_some_and(|root| super::path::trim(self.scratch.letters(&root)).len() <= 8);
                let weight = match (filtered, aged, everything) {
                    (_, true, _) => 36.0,
                    (true, false, false) => 48.0,
                    _ => 81.0,
                };
                self.found(id::CLEAR_TRACES, weight, call.span);
            }
        }
        if secret {
            // Keys by their names, over a whole machine: nobody looks for their own so.
            let weight = match (wide, by_name) {
                (true, true) => 81.0,
                (true, false) => 62.0,
                _ if class.has(Class::SECRET) => 81.0,
                (false, true) => 58.0,
                (false, false) => 44.0,
            };
            self.found(id::CREDENTIAL_ACCESS, weight, call.span);
        }
        // A search of the whole machine that hides what it may not see, to list or read what it finds.
        let hides = redirects.list.iter().any(|one| one.descriptor == 2);
        if wide && hides && looks {
            self.found(id::RECON, 51.0, call.span);
        }
        let mut flow = Flow::of(Taint::OUTPUT | class.taint());
        if secret {
            flow.taint |= Taint::SECRET;
        }
        flow
    }

    /// The command behind `-exec`: `{}` stands for what was looked through.
    fn found_files(
        &mut self,
        call: &Call,
        from: usize,
        end: usize,
        (wide, filtered): (bool, bool),
        root: Option<Word>,
        redirects: &Redirects,
    ) {
        let (first, last) = (call.first + 1 + from, call.first + 1 + end);
        let Some(head) = self.scratch.words.get(first).copied() else { return };
        let name = base_name(self.scratch.letters(&head));
        let is_shell = self.guard.programs.get(name).is_some_and(|program| program.kind == Kind::Shell);
        let destroys = matches!(name, b"rm" | b"shred" | b"unlink" | b"srm" | b"wipe")
            || name == b"truncate" && self.has_arg(call, &[b"0", b"-s0", b"--size=0"]);
        let is_found = name == b"{}";
        if is_shell && last == first + 1 {
            // A shell, and no word of what it is for.
            self.found(id::SHELL_ESCAPE, if call.elevated { 81.0 } else { 56.0 }, call.span);
        }
        if is_found {
            // Whatever is found is run, and with what it is given.
            self.found(id::UNKNOWN_PROGRAM, if wide { 56.0 } else { 40.0 }, call.span);
            for index in first + 1..last {
                let Some(word) = self.scratch.words.get(index).copied() else { break };
                let is_script =
                    self.scratch.words.get(index - 1).is_some_and(|flag| self.scratch.letters(flag) == b"-c");
                if is_script && let Some(script) = self.remember_word(&word) {
                    self.nested(script, word.span, call.scope, Flow::default());
                }
            }
            return;
        }
        if destroys {
            let weight = match (wide, filtered) {
                (true, false) => 88.0,
                (true, true) => 64.0,
                (false, true) => 30.0,
                (false, false) => 52.0,
            };
            self.found(id::DESTROY_DATA, weight, call.span);
            return;
        }
        // Every file of a machine made unreadable.
        let seals = matches!(
            base_name(self.scratch.letters(&head)),
            b"openssl" | b"gpg" | b"7z" | b"zip" | b"ccrypt" | b"age"
        );
        let removes = self.has_arg(call, &[b"-delete", b"rm", b"shred"]);
        if seals && (wide || removes) {
            self.found(id::DESTROY_DATA, 84.0, call.span);
        }
        for index in first + 1..last {
            if let Some(word) = self.scratch.words.get(index).copied()
                && self.scratch.letters(&word) == b"{}"
                && !filtered
                && let Some(root) = root
                && let Some(slot) = self.scratch.words.get_mut(index)
            {
                *slot = root;
            }
        }
        // `sh -c '> "$1"' _ {}`: what was found is its parameters.
        let root = is_shell.then_some(root).flatten();
        let kept = PARAMETERS.map(|name| self.scratch.variables.get(hash(name)));
        if let Some(root) = root {
            let text = self.remember_word(&root);
            for name in PARAMETERS {
                self.scratch.variables.set(hash(name), Flow { taint: root.taint, text, open: true });
            }
        }
        self.run(Call { first, end: last, input: Flow::default(), ..call.deeper() }, redirects);
        for (name, flow) in PARAMETERS.iter().zip(kept).filter(|_| root.is_some()) {
            match flow {
                Some(flow) => self.scratch.variables.set(hash(name), flow),
                None => self.scratch.variables.forget(hash(name)),
            }
        }
    }
}

/// Names under which a shell that `find` runs has what was found; `f` is what people call it in a loop.
const PARAMETERS: [&[u8]; 4] = [b"0", b"1", b"@", b"f"];

/// Names that people look for when they look for other people's secrets.
fn seeks_secret(name: &[u8]) -> bool {
    [
        &b"password"[..],
        b"passwd",
        b"credential",
        b"secret",
        b".pem",
        b".key",
        b"id_rsa",
        b".ssh",
        b".aws",
        b".gnupg",
        b".kube",
        b"htpasswd",
        b"token",
        b".kdbx",
        b"wallet",
        b"shadow",
        b".ppk",
        b".ovpn",
        b"_history",
        b".env",
        b".pfx",
        b".p12",
    ]
    .iter()
    .any(|part| super::pattern::holds(name, part))
}

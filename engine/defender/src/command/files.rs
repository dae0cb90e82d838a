//! Programs that delete, overwrite, move and re-permission files, by what they are pointed at.

use super::id;
use super::path::{Class, normalise, trim};
use super::reader::Reader;
use super::scratch::{Marks, Word, hash};
use super::simple::{Call, base_name};
use super::taint::{Flow, Taint};

/// Directories that a build makes again.
const REBUILT: &[&[u8]] = &[
    b"node_modules",
    b"target",
    b"dist",
    b"build",
    b"out",
    b"__pycache__",
    b".cache",
    b".next",
    b".nuxt",
    b"venv",
    b".venv",
    b"coverage",
    b".pytest_cache",
    b".mypy_cache",
    b"vendor",
    b".gradle",
    b"bin",
    b"obj",
    b"*.egg-info",
    b"_build",
    b".tox",
    b".turbo",
    b".parcel-cache",
    b"tmp",
    b"*.o",
    b"*.pyc",
    b"*.log",
    b"*.tmp",
    b"site",
    b"public",
    b"package-lock.json",
    b"yarn.lock",
    b".eggs",
    b"cmake-build-debug",
    b".terraform",
    b"_site",
    b"*~",
    b"*.class",
    b"Pods",
    b"DerivedData",
    b"_deps",
    b"Podfile.lock",
    b"Cargo.lock",
    b"poetry.lock",
    b"Gemfile.lock",
    b"composer.lock",
    b"pnpm-lock.yaml",
    b".nyc_output",
    b".angular",
    b".svelte-kit",
    b".output",
    b".ruff_cache",
    b"htmlcov",
    b"*.log.*",
];

/// Where databases keep what they hold.
const DATABASES: &[&[u8]] = &[
    b"/var/lib/mysql",
    b"/var/lib/mariadb",
    b"/var/lib/postgres",
    b"/var/lib/pgsql",
    b"/var/lib/mongo",
    b"/var/lib/redis",
    b"/var/lib/etcd",
    b"/var/lib/ldap",
    b"/var/lib/elasticsearch",
    b"/var/lib/cassandra",
    b"/var/lib/influxdb",
];

/// Whether a build makes this directory again.
pub(super) fn is_rebuilt(path: &[u8]) -> bool {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    REBUILT.contains(&trim(path))
}

impl Reader<'_> {
    /// `rm`, `shred` and the like.
    pub(super) fn remove(&mut self, call: &Call, name: &[u8]) -> Flow {
        let deep = self.has_letter(call, b'r')
            || self.has_letter(call, b'R')
            || self.has_arg(call, &[b"--recursive"])
            || name == b"srm" && self.has_letter(call, b'r');
        let force = self.has_letter(call, b'f') || self.has_arg(call, &[b"--force"]);
        let wipes = matches!(name, b"shred" | b"srm" | b"wipe");
        let mut worst = 0.0f32;
        if self.has_arg(call, &[b"--no-preserve-root"]) {
            worst = 96.0;
        }
        let mut only = false;
        let mut targets = 0;
        for index in 0..self.args_len(call) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if !only && letters.first() == Some(&b'-') {
                only = letters == b"--";
                continue;
            }
            targets += 1;
            let class = self.guard.paths.class(letters);
            let risk =
                if deep { tree(&word, letters, class) } else { file(letters, class, force, wipes, &word) };
            worst = worst.max(risk);
            let core = super::core::is_core(letters, class);
            if class.has(Class::HISTORY) {
                self.found(id::CLEAR_TRACES, 83.0, call.span);
            } else if class.has(Class::LOG) {
                self.found(
                    id::CLEAR_TRACES,
                    if deep || force || wipes || word.marks.has(Marks::GLOB) { 83.0 } else { 62.0 },
                    call.span,
                );
            }
            if class.has(Class::DEVICE) && wipes {
                self.found(id::DESTROY_DEVICE, 92.0, call.span);
            }
            if class.has(Class::AUTH | Class::BOOT | Class::PRELOAD) || core {
                worst = worst.max(85.0);
            } else if class.has(Class::VITAL) {
                worst = worst.max(81.0);
            }
        }
        if deep && force && targets == 0 {
            worst = worst.max(52.0);
        }
        if name == b"rmdir" {
            worst *= 0.3;
        }
        self.found(id::DESTROY_DATA, worst, call.span);
        Flow::default()
    }

    /// `dd`: where from, where to.
    pub(super) fn dd(&mut self, call: &Call) -> Flow {
        let (mut from, mut to, mut target) = (Class::NONE, Class::NONE, None);
        let (mut endless, mut nothing) = (call.input.taint.has(Taint::ENDLESS), false);
        for index in 0..self.args_len(call) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if let Some(path) = letters.strip_prefix(b"if=") {
                from = self.guard.paths.class(path);
                endless |= matches!(path, b"/dev/zero" | b"/dev/random" | b"/dev/urandom");
                nothing |= path == b"/dev/null";
            } else if let Some(path) = letters.strip_prefix(b"of=") {
                to = self.guard.paths.class(path);
                target = Some(hash(path));
            }
        }
        if to.has(Class::DEVICE) {
            // An image is what people write to disks; nothing, or a few letters, is what destroys them.
            let junk = nothing || call.input.text.is_some();
            let weight = match (endless, junk) {
                (true, _) => 95.0,
                (_, true) => 84.0,
                _ => 76.0,
            };
            self.found(id::DESTROY_DEVICE, weight, call.span);
        } else if to != Class::NONE {
            self.writes(to, true, call);
            if to.has(Class::SYSTEM) && !to.has(Class::TEMP) {
                self.found(id::DESTROY_DATA, 58.0, call.span);
            }
        }
        let counted = self.has_part(call, &[b"count="]);
        if endless && !counted && target.is_some() && !to.has(Class::DEVICE) {
            // Until the disk is full.
            self.found(id::DESTROY_DATA, 62.0, call.span);
        }
        if from.has(Class::SECRET) {
            self.found(id::CREDENTIAL_ACCESS, 82.0, call.span);
        } else if from.has(Class::DEVICE) {
            self.found(id::CREDENTIAL_ACCESS, 40.0, call.span);
        }
        let mut flow = Flow::of(Taint::FILE | from.taint() | call.input.taint);
        if endless {
            flow.taint |= Taint::ENDLESS;
        }
        if let Some(target) = target {
            self.scratch.files.set(target, flow);
            return Flow::default();
        }
        flow
    }

    /// `cp`, `mv`, `ln`, `install`: from the first places to the last.
    pub(super) fn copy(&mut self, call: &Call, name: &[u8]) -> Flow {
        let mut last = None;
        let (mut last_source, mut core_source) = (None, false);
        let (mut from, mut count) = (Class::NONE, 0);
        let mut flow = Flow::of(Taint::FILE);
        let mut shell = false;
        for index in 0..self.args_len(call) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if letters.first() == Some(&b'-') {
                continue;
            }
            if let Some(before) = last.replace(word) {
                let letters = self.scratch.letters(&before);
                let class = self.guard.paths.class(letters);
                from |= class;
                core_source |= super::core::is_core(letters, class);
                shell |= matches!(base_name(letters), b"sh" | b"bash" | b"dash" | b"zsh")
                    && letters.contains(&b'/');
                if let Some(known) = self.scratch.files.get(hash(letters)) {
                    flow = known;
                }
                flow.taint |= before.taint;
                last_source = Some(before);
            }
            count += 1;
        }
        let Some(target) = last.filter(|_| count > 1) else { return Flow::default() };
        let letters = self.scratch.letters(&target);
        let to = self.guard.paths.class(letters);
        let (key, nowhere) = (hash(letters), letters == b"/dev/null");
        let (core, renamed) = (super::core::is_core(letters, to), base_name(letters));
        let masked = last_source.is_some_and(|source| {
            let source = base_name(self.scratch.letters(&source));
            source != renamed && !renamed.is_empty() && to.has(Class::TEMP)
        });
        let sets_user = name == b"install" && self.sets_user(call);
        let links = matches!(name, b"ln" | b"link");
        let moves = matches!(name, b"mv" | b"gmv" | b"rename");
        if nowhere && moves {
            let wide = from.has(Class::ROOT | Class::HOME | Class::SYSTEM | Class::USER);
            self.found(id::DESTROY_DATA, if wide { 88.0 } else { 82.0 }, call.span);
        }
        if from.has(Class::SECRET) {
            let weight = if moves || to.has(Class::SECRET) {
                56.0
            } else if links {
                if from.has(Class::AUTH) { 81.0 } else { 62.0 }
            } else {
                80.5
            };
            self.found(id::CREDENTIAL_ACCESS, weight, call.span);
            self.past.staged = true;
        } else if from.has(Class::PRIVATE | Class::HISTORY) {
            self.found(id::CREDENTIAL_ACCESS, 52.0, call.span);
        }
        let top = last_source.is_some_and(|source| {
            let source = trim(self.scratch.letters(&source));
            source.first() == Some(&b'/') && source.iter().filter(|&&byte| byte == b'/').count() == 1
        });
        if moves && (from.has(Class::ROOT | Class::HOME) || core_source) {
            self.found(id::DESTROY_DATA, 81.0, call.span);
        } else if moves && top && from.has(Class::SYSTEM) && !from.has(Class::TEMP | Class::USER) {
            self.found(id::DESTROY_DATA, 84.0, call.span);
        } else if moves && from.has(Class::SYSTEM) && !from.has(Class::TEMP | Class::USER) {
            self.found(id::DESTROY_DATA, 54.0, call.span);
        }
        if moves && from.has(Class::LOG | Class::HISTORY) {
            self.found(id::CLEAR_TRACES, 62.0, call.span);
        }
        let unit = super::pattern::holds(self.scratch.letters(&target), b"systemd");
        let backs_up = to.has(Class::BACKUP) || from.has(Class::BACKUP);
        if !backs_up {
            for &(rule, weight, classes) in super::place::WRITES {
                if to.has(classes) {
                    // Units are also what packages and people install.
                    let ours = unit && !from.has(Class::TEMP);
                    let discount = if rule == id::PERSIST && ours { 8.0 } else { 0.0 };
                    self.found(rule, weight - discount, call.span);
                }
            }
        }
        if links && to.has(Class::HISTORY) {
            self.found(id::CLEAR_TRACES, 84.0, call.span);
        }
        if shell && !links && to.has(Class::TEMP | Class::USER) {
            self.found(id::ESCALATE, if masked { 81.0 } else { 68.0 }, call.span);
        }
        if core && !links && !backs_up && !core_source && from.has(Class::TEMP | Class::USER | Class::SECRET)
            || core && call.scope.depth == 0 && from == Class::NONE && moves
        {
            self.found(id::ESCALATE, 82.0, call.span);
        }
        if sets_user {
            self.found(id::ESCALATE, 83.0, call.span);
        }
        flow.taint |= from.taint();
        self.scratch.files.set(key, flow);
        Flow::default()
    }

    /// `install -m 4755`: a program that runs as its owner.
    fn sets_user(&self, call: &Call) -> bool {
        (0..self.args_len(call)).any(|index| {
            let arg = self.arg(call, index);
            let mode = match arg {
                b"-m" | b"--mode" => self.arg(call, index + 1),
                _ => arg.strip_prefix(b"--mode=").or_else(|| arg.strip_prefix(b"-m")).unwrap_or_default(),
            };
            let octal = mode.len() == 4 && mode.iter().all(u8::is_ascii_digit);
            octal && matches!(mode.first(), Some(b'4' | b'6'))
                || mode.starts_with(b"u+s")
                || mode.ends_with(b"+s")
        })
    }

    /// `chmod`, `chown`, `chattr`, `setcap`.
    pub(super) fn mode(&mut self, call: &Call, name: &[u8]) -> Flow {
        let deep = self.has_letter(call, b'R') || self.has_arg(call, &[b"--recursive"]);
        let (class, _) = self.arguments(call);
        let mut mode = &b""[..];
        for index in 0..self.args_len(call) {
            let arg = self.arg(call, index);
            let is_mode = arg.first() != Some(&b'-')
                || name == b"chattr"
                || arg.iter().skip(1).all(|byte| b"rwxst".contains(byte));
            if is_mode && arg != b"-R" {
                mode = arg;
                break;
            }
        }
        let wide = class.has(Class::ROOT | Class::HOME)
            || class.has(Class::SYSTEM) && !class.has(Class::TEMP | Class::USER);
        let mut notes = heapless::Vec::<(&'static str, f32), 4>::new();
        match name {
            b"chmod" | b"gchmod" => {
                let octal = mode.iter().all(u8::is_ascii_digit) && mode.len() >= 3;
                let setuid =
                    octal && mode.len() == 4 && matches!(mode.first(), Some(b'4' | b'6' | b'2' | b'7'))
                        || !octal && mode.contains(&b's') && (mode.contains(&b'+') || mode.contains(&b'='));
                let open = octal && matches!(mode.last(), Some(b'7' | b'6' | b'2' | b'3'))
                    || matches!(
                        mode,
                        b"a+w"
                            | b"o+w"
                            | b"+w"
                            | b"a+rwx"
                            | b"ugo+rwx"
                            | b"a=rwx"
                            | b"o+rw"
                            | b"a+rw"
                            | b"ugo+w"
                            | b"go+w"
                    );
                let readable = octal && matches!(mode.last(), Some(b'4' | b'5'))
                    || matches!(
                        mode,
                        b"a+r" | b"o+r" | b"+r" | b"go+r" | b"ugo+r" | b"a+rX" | b"o+rX" | b"go+rX"
                    );
                if readable && class.has(Class::SECRET) {
                    // Keys that everybody may read.
                    let _ = notes.push((id::PERMISSIONS, if deep { 81.0 } else { 60.0 }));
                }
                let none = !mode.is_empty() && mode.iter().all(|&byte| byte == b'0');
                let closed = none || octal && mode.ends_with(b"000");
                if setuid {
                    let _ = notes.push((id::ESCALATE, if call.elevated { 83.0 } else { 81.0 }));
                }
                if open {
                    let weight = if class.has(Class::AUTH | Class::SECRET | Class::PERSIST) {
                        82.0
                    } else if wide && deep {
                        88.0
                    } else if wide {
                        62.0
                    } else if deep {
                        52.0
                    } else if class.has(Class::ENGINE) {
                        70.0
                    } else if mode.ends_with(b"7") || !octal {
                        47.0
                    } else {
                        30.0
                    };
                    let _ = notes.push((id::PERMISSIONS, weight));
                }
                if (closed || mode.starts_with(b"-") || mode.starts_with(b"a-")) && wide {
                    let _ = notes.push((id::PERMISSIONS, if deep { 85.0 } else { 60.0 }));
                }
                if deep && class.has(Class::ROOT | Class::HOME) {
                    let _ = notes.push((id::PERMISSIONS, 81.0));
                } else if deep && wide {
                    let _ = notes.push((id::PERMISSIONS, 56.0));
                } else if class.has(Class::AUTH) && !open {
                    let _ = notes.push((id::PERMISSIONS, 52.0));
                }
            }
            b"chown" | b"chgrp" => {
                if deep && class.has(Class::ROOT) {
                    let _ = notes.push((id::PERMISSIONS, 84.0));
                } else if class.has(Class::AUTH) {
                    let ours = self.has_part(call, &[b"root"]);
                    let _ = notes.push((id::PERMISSIONS, if ours { 54.0 } else { 82.0 }));
                } else if deep
                    && self.has_arg(
                        call,
                        &[
                            b"/usr",
                            b"/usr/",
                            b"/bin",
                            b"/sbin",
                            b"/lib",
                            b"/usr/bin",
                            b"/usr/sbin",
                            b"/usr/lib",
                            b"/etc",
                            b"/etc/",
                            b"/var",
                        ],
                    )
                {
                    let _ = notes.push((id::PERMISSIONS, 62.0));
                } else if deep && wide && !class.has(Class::HOME) {
                    let _ = notes.push((id::PERMISSIONS, 46.0));
                }
            }
            b"chattr" => {
                let weight =
                    if class.has(Class::AUTH | Class::LOG) || class.has(Class::PERSIST) && mode == b"+i" {
                        81.0
                    } else if mode == b"-i"
                        || mode.contains(&b'i') && wide
                        || class.has(Class::AUTH | Class::LOG | Class::PERSIST)
                    {
                        66.0
                    } else if mode.contains(&b'i') {
                        50.0
                    } else {
                        20.0
                    };
                let _ = notes.push((id::DISABLE_PROTECTION, weight));
            }
            b"setcap" => {
                let grants = self.has_part(
                    call,
                    &[
                        b"setuid",
                        b"sys_admin",
                        b"dac_",
                        b"sys_ptrace",
                        b"setgid",
                        b"sys_module",
                        b"chown",
                        b"fowner",
                        b"=eip",
                        b"all+",
                    ],
                );
                let _ = notes.push((id::ESCALATE, if grants { 82.0 } else { 40.0 }));
            }
            b"setfacl" if class.has(Class::AUTH) && class.has(Class::SECRET) => {
                let _ = notes.push((id::PERMISSIONS, 82.0));
            }
            b"setfacl" if wide || class.has(Class::AUTH | Class::SECRET) => {
                let _ = notes.push((id::PERMISSIONS, 60.0));
            }
            _ => {}
        }
        for (rule, weight) in notes {
            self.found(rule, weight, call.span);
        }
        Flow::default()
    }

    /// Whether an argument holds one of `parts`.
    pub(super) fn has_part(&self, call: &Call, parts: &[&[u8]]) -> bool {
        let words = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
        words
            .iter()
            .any(|word| parts.iter().any(|part| super::pattern::holds(self.scratch.letters(word), part)))
    }
}

/// Risk of deleting a tree.
fn tree(word: &Word, letters: &[u8], class: Class) -> f32 {
    let mut clean = heapless::Vec::new();
    normalise(letters, &mut clean);
    let bare = trim(&clean);
    let slashes = bare.iter().filter(|&&byte| byte == b'/').count();
    if class.has(Class::ROOT) {
        return 97.0;
    }
    if class.has(Class::HOME) {
        return 93.0;
    }
    if class.has(Class::TEMP) {
        return 12.0;
    }
    if class.has(Class::SYSTEM) && !class.has(Class::USER) {
        // The nearer to the root, the more hangs on it.
        let vital = class.has(Class::PROGRAM | Class::AUTH | Class::LOG | Class::DEVICE | Class::BOOT);
        return match slashes {
            0 | 1 => 93.0,
            _ if vital => 90.0,
            _ if DATABASES.iter().any(|place| bare.starts_with(place)) => 82.0,
            // Where people install and keep things by hand.
            _ if [
                &b"/opt/"[..],
                b"/srv/",
                b"/usr/local/",
                b"/mnt/",
                b"/media/",
                b"/var/lib/",
                b"/var/www/",
            ]
            .iter()
            .any(|place| bare.starts_with(place)) =>
            {
                56.0
            }
            2 => 83.0,
            3 => 62.0,
            _ => 54.0,
        };
    }
    if class.has(Class::SECRET | Class::HISTORY) {
        return 83.0;
    }
    if class.has(Class::USER) {
        // What a tool keeps for itself can be had again; what a user set up cannot.
        let tools = base_name(bare).first() == Some(&b'.')
            && !matches!(
                base_name(bare),
                b".config" | b".local" | b".mozilla" | b".thunderbird" | b".*" | b".ssh"
            );
        return match slashes {
            0 | 1 if tools => 56.0,
            0 | 1 => 84.0,
            _ if REBUILT.contains(&base_name(bare)) => 30.0,
            _ => 56.0,
        };
    }
    if matches!(letters, b"*" | b"." | b".." | b".*" | b"./" | b"./*" | b"../" | b"../*" | b".[!.]*" | b"**")
    {
        return 81.0;
    }
    if word.marks.has(Marks::DYNAMIC) {
        // `rm -rf "$X/"` with an empty X is the root.
        let root = letters.first() == Some(&b'/') && letters.len() <= 2;
        return if root { 66.0 } else { 48.0 };
    }
    if letters.first() == Some(&b'/') {
        return if slashes <= 1 { 81.0 } else { 54.0 };
    }
    if letters.starts_with(b"..") {
        return 60.0;
    }
    if REBUILT.contains(&base_name(bare)) { 44.0 } else { 52.0 }
}

/// Risk of deleting a file.
fn file(letters: &[u8], class: Class, force: bool, wipes: bool, word: &Word) -> f32 {
    let globs = word.marks.has(Marks::GLOB);
    if class.has(Class::SECRET) {
        return if wipes { 83.0 } else { 66.0 };
    }
    if class.has(Class::SYSTEM) && !class.has(Class::TEMP | Class::USER) {
        let near = letters.iter().filter(|&&byte| byte == b'/').count() <= 2;
        let by_hand = [&b"/opt/"[..], b"/srv/", b"/usr/local/", b"/mnt/", b"/media/", b"/var/"];
        let by_hand = by_hand.iter().any(|place| letters.starts_with(place));
        return match (force || globs, near, by_hand) {
            (true, true, false) => 81.0,
            (true, _, false) => 51.0,
            _ => 44.0,
        };
    }
    if wipes {
        return 51.0;
    }
    if globs && matches!(letters, b"*" | b"./*" | b".*") {
        return 51.0;
    }
    if class.has(Class::USER) && globs {
        46.0
    } else if force {
        24.0
    } else {
        10.0
    }
}

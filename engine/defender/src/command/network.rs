//! Programs that send or fetch: what they take along, and where to.

use super::id;
use super::path::Class;
use super::pattern::holds;
use super::program::Kind;
use super::reader::Reader;
use super::scratch::{Marks, hash};
use super::simple::{Call, base_name};
use super::taint::{Flow, Known, Taint};

/// Places whose installers people pipe into a shell every day: asking is enough.
const INSTALLERS: &[&str] = &[
    "sh.rustup.rs",
    "get.docker.com",
    "raw.githubusercontent.com/Homebrew",
    "raw.githubusercontent.com/nvm-sh",
    "deno.land",
    "bun.sh",
    "astral.sh",
    "get.k3s.io",
    "get.pnpm.io",
    "install.python-poetry.org",
    "ohmyz.sh",
    "raw.githubusercontent.com/ohmyzsh",
    "starship.rs",
    "get.sdkman.io",
    "deb.nodesource.com",
    "rpm.nodesource.com",
    "tailscale.com",
    "ollama.com",
    "fly.io",
    "get.helm.sh",
    "raw.githubusercontent.com/helm",
    "nixos.org",
    "bootstrap.pypa.io",
    "volta.sh",
    "mise.run",
    "get-ghcup.haskell.org",
    "cli.github.com",
    "dl.yarnpkg.com",
    "download.docker.com",
    "sdk.cloud.google.com",
    "pyenv.run",
    "getcomposer.org",
    "raw.githubusercontent.com/tj/n",
    "get.rvm.io",
    "claude.ai/install",
    "openclaw.ai",
    "brew.sh",
    "packages.microsoft.com",
    "dot.net",
    "aka.ms",
    "atuin.sh",
    "raw.githubusercontent.com/ajeetdsouza/zoxide",
    "setup.atuin.sh",
    "packagecloud.io",
    "install.duckdb.org",
    "cursor.com",
    "codecov.io",
    "raw.githubusercontent.com/rvm",
    "raw.githubusercontent.com/pyenv",
    "raw.githubusercontent.com/asdf-vm",
    "raw.githubusercontent.com/golangci",
    "raw.githubusercontent.com/k3d-io",
    "raw.githubusercontent.com/junegunn",
    "get.haskellstack.org",
    "sh.brew.sh",
    "opencode.ai",
    "fnm.vercel.app",
    "get.jetify.com",
    "just.systems",
    "tailwindcss.com",
    "cli.doppler.com",
    "releases.hashicorp.com",
    "install.goreleaser.com",
    "goreleaser.com",
    "get.tiup.io",
    "install.julialang.org",
    "sh.sccache.dev",
    "get.wasmer.io",
    "wasmtime.dev",
    "linkerd.io",
    "run.linkerd.io",
    "istio.io",
    "fluxcd.io",
    "kots.io",
    "vercel.com",
    "netlify.com",
    "supabase.com",
    "direnv.net",
    "cloud.google.com",
    "get.opentofu.org",
];

impl Reader<'_> {
    /// `curl` and `wget`.
    pub(super) fn http(&mut self, kind: Kind, call: &Call) -> Flow {
        let count = self.args_len(call);
        let (mut sends, mut saved, mut prints) = (Flow::default(), None, kind == Kind::Curl);
        let (mut to_name, mut link, mut upload) = (false, None, false);
        let mut class = Class::NONE;
        let mut taint = Taint::NONE;
        let mut index = 0;
        while index < count {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            class |= self.guard.paths.class(letters);
            taint |= word.taint;
            let curl = kind == Kind::Curl;
            let body = match letters {
                b"-d" | b"--data" | b"--data-binary" | b"--data-raw" | b"--data-urlencode"
                | b"--data-ascii" | b"-F" | b"--form" | b"--json"
                    if curl =>
                {
                    1
                }
                b"-T" | b"--upload-file" | b"-InFile" | b"-infile" if curl => 2,
                b"-Body" | b"-body" if curl => 1,
                b"-OutFile" | b"-outfile" if curl => 3,
                b"--post-data" | b"--body-data" | b"--post-file" | b"--body-file" => 2,
                b"-o" | b"--output" if curl => 3,
                b"-O" | b"--output-document" if !curl => 3,
                b"-O" | b"--remote-name" | b"-OJ" | b"-LO" | b"-sO" | b"-sSO" | b"-fsSLO" | b"-LJO"
                | b"-OL" => 4,
                b"-H" | b"--header" | b"-u" | b"--user" | b"-A" | b"-e" | b"-X" | b"--request" | b"-b"
                | b"--cookie" | b"-x" | b"--proxy" | b"--connect-timeout" | b"-m" | b"--max-time"
                    if curl =>
                {
                    5
                }
                b"--header" | b"--user-agent" | b"-P" | b"-U" | b"--timeout" | b"-T" | b"-t" => 5,
                _ => 0,
            };
            let value = (body != 0 && body != 4).then(|| self.arg_word(call, index + 1)).flatten();
            match (body, value) {
                (1 | 2, Some(value)) => {
                    let (is_file, flow) = self.payload(&value, body == 2);
                    upload |= is_file;
                    sends = sends.then(flow);
                    sends.open = true;
                    index += 1;
                }
                (3, Some(value)) => {
                    saved = Some(hash(self.scratch.letters(&value)));
                    prints = self.scratch.letters(&value) == b"-";
                    let place = self.guard.paths.class(self.scratch.letters(&value));
                    self.writes(place, true, call);
                    index += 1;
                }
                (4, _) => {
                    to_name = true;
                    prints = false;
                }
                (5, Some(value)) => {
                    taint |= value.taint;
                    index += 1;
                }
                _ => {
                    let clustered =
                        letters.first() == Some(&b'-') && letters.get(1) != Some(&b'-') && letters.len() > 2;
                    if clustered && letters.last() == Some(if curl { &b'o' } else { &b'O' }) {
                        if let Some(value) = self.arg_word(call, index + 1) {
                            let path = self.scratch.letters(&value);
                            prints = path == b"-";
                            saved = Some(hash(path));
                            let place = self.guard.paths.class(path);
                            self.writes(place, true, call);
                            index += 1;
                        }
                    } else if clustered
                        && curl
                        && letters.last().is_some_and(|last| b"dFT".contains(last))
                        && letters.get(1..).is_some_and(|all| all.iter().all(u8::is_ascii_alphabetic))
                        && let Some(value) = self.arg_word(call, index + 1)
                    {
                        let (is_file, flow) = self.payload(&value, letters.ends_with(b"T"));
                        upload |= is_file;
                        sends = sends.then(flow);
                        sends.open = true;
                        index += 1;
                    } else if !curl
                        && [&b"-O"[..], b"-qO", b"--output-document="]
                            .iter()
                            .any(|one| letters.starts_with(one))
                    {
                        prints = letters.ends_with(b"-");
                        let skip =
                            letters.iter().position(|&b| b == b'=' || b == b'O').map_or(0, |at| at + 1);
                        saved = Some(hash(letters.get(skip..).unwrap_or_default()));
                    } else if clustered && curl && letters.contains(&b'O') {
                        to_name = true;
                        prints = false;
                    } else if let Some(payload) = joined_value(letters) {
                        let value = super::scratch::Word { start: word.start + payload as u32, ..word };
                        let (is_file, flow) = self.payload(
                            &value,
                            letters.starts_with(b"--post-file")
                                || letters.starts_with(b"--body-file")
                                || letters.starts_with(b"-T")
                                || letters.starts_with(b"--upload"),
                        );
                        upload |= is_file;
                        sends = sends.then(flow);
                        sends.open = true;
                    } else if letters.first() != Some(&b'-') && (link.is_none() || holds(letters, b"://")) {
                        link = Some(word);
                    }
                }
            }
            index += 1;
        }
        if (to_name || kind == Kind::Wget && saved.is_none() && !prints)
            && let Some(link) = link
        {
            let path = self.scratch.letters(&link);
            let path = path.split(|&byte| byte == b'?').next().unwrap_or_default();
            saved = Some(hash(base_name(path)));
        }
        let address = link.as_ref().map(|link| self.scratch.letters(link)).unwrap_or_default();
        let address = address.get(..address.len().min(400)).unwrap_or_default();
        let well_known = publishes_installer(address);
        let raw_host = numeric_host(address);
        let hands_out = [&b"credentials"[..], b"token", b"user-data"].iter().any(|part| holds(address, part));
        let local_file = holds(address, b"file://");
        let drop = class.has(Class::DROP);
        self.past.well_known = well_known && !self.past.foreign;
        self.past.foreign |= !well_known;
        let stdin = call.input.open
            && self.has_arg(
                call,
                &[b"@-", b"-T-", b"-", b"-d@-", b"--data-binary=@-", b"--upload-file=-", b"--post-file=-"],
            )
            || call.piped_in && upload;
        let flows = sends.taint | taint | if stdin { call.input.taint } else { Taint::NONE };
        self.sent(call, flows, drop, sends.open || stdin, upload || stdin, raw_host);
        if class.has(Class::METADATA) {
            self.found(id::CREDENTIAL_ACCESS, if hands_out { 84.0 } else { 62.0 }, call.span);
        }
        if local_file && class.has(Class::SECRET | Class::PRIVATE) {
            self.found(id::CREDENTIAL_ACCESS, 66.0, call.span);
        }
        let fetched = Taint::NETWORK | if class.has(Class::METADATA) { Taint::SECRET } else { Taint::NONE };
        if let Some(saved) = saved {
            let known = self.past.well_known;
            self.scratch.files.set(saved, Flow::of(if known { Taint::FILE } else { fetched }));
            let class = if prints { Class::NONE } else { class };
            if class.has(Class::TEMP) && raw_host {
                self.verdict.add(id::TRANSFER, 54.0, call.span);
            }
        }
        if raw_host && !sends.open {
            self.verdict.add(id::TRANSFER, if saved.is_some() { 52.0 } else { 34.0 }, call.span);
        }
        if !prints && !call.piped {
            return Flow::default();
        }
        Flow::of(fetched)
    }

    /// The value of an option that sends: a literal, or a file behind `@` or `<`.
    fn payload(&self, value: &super::scratch::Word, is_file: bool) -> (bool, Flow) {
        let letters = self.scratch.letters(value);
        let at = letters.iter().take(64).position(|&byte| matches!(byte, b'@' | b'<'));
        let path = match at {
            Some(at)
                if at == 0
                    || letters.get(at - 1) == Some(&b'=')
                    || matches!(letters.get(at + 1), Some(b'/' | b'~')) =>
            {
                letters.get(at + 1..).unwrap_or_default()
            }
            _ if is_file => letters,
            _ => return (false, Flow::of(value.taint)),
        };
        let class = self.guard.paths.class(path);
        // What a machine knows of itself is nobody's request body.
        let own = [&b"/etc/"[..], b"/proc/", b"/sys/", b"/boot/", b"/usr/", b"/var/log/"];
        let own = own.iter().any(|place| path.starts_with(place));
        let own = if own { Taint::PRIVATE } else { Taint::NONE };
        let file = self.scratch.files.get(hash(path)).unwrap_or(Flow::of(Taint::FILE));
        let file = Taint::FILE | if file.taint == Taint::NETWORK { Taint::NONE } else { file.taint };
        // A request's body kept in a file is not a file sent away.
        let body = [&b".json"[..], b".xml", b".yaml", b".yml", b".graphql", b"-"]
            .iter()
            .any(|end| path.ends_with(end));
        (!body, Flow::of(value.taint | class.taint() | own | file))
    }

    /// Judges what leaves the machine.
    fn sent(&mut self, call: &Call, flows: Taint, drop: bool, is_body: bool, is_file: bool, raw_host: bool) {
        // A line of one's own to a chat is what such addresses are for.
        let chat = self.has_part(call, &[b"hooks.slack.com", b"api.telegram.org", b"discord.com/api"]);
        let nearby = self.has_part(call, &[b"localhost:", b"://localhost", b"://127.0.0.1"]);
        let weight = if flows.has(Taint::SECRET) {
            90.0
        } else if flows.has(Taint::PRIVATE) {
            if drop || is_body || raw_host { 83.0 } else { 70.0 }
        } else if drop && (is_file || is_body && flows.has(Taint::FILE | Taint::ARCHIVE)) {
            82.0
        } else if drop && is_body {
            if chat && flows == Taint::NONE { 40.0 } else { 60.0 }
        } else if flows.has(Taint::ARCHIVE) || is_file && flows.has(Taint::OUTPUT) && raw_host {
            66.0
        } else if is_file && (raw_host || self.past.staged) {
            64.0
        } else if is_file {
            if nearby { 30.0 } else { 50.5 }
        } else if drop {
            52.0
        } else if is_body && flows.has(Taint::OUTPUT) {
            38.0
        } else {
            0.0
        };
        self.found(id::EXFILTRATE, weight, call.span);
    }

    /// `nc`, `socat`, `telnet` and the like.
    pub(super) fn connect(&mut self, call: &Call, name: &[u8]) -> Flow {
        let socat = name == b"socat";
        let mut runs = false;
        let mut connects = false;
        let mut listens = false;
        for index in 0..self.args_len(call) {
            let arg = self.arg(call, index);
            if socat {
                runs |= holds(arg, b"exec:") || holds(arg, b"system:") || holds(arg, b"shell:");
                listens |= holds(arg, b"listen:");
                connects |=
                    holds(arg, b"tcp") || holds(arg, b"udp") || holds(arg, b"openssl") || holds(arg, b"sctp");
            } else {
                runs |= matches!(arg, b"--exec" | b"--sh-exec" | b"--lua-exec" | b"-c");
                runs |= arg.first() == Some(&b'-')
                    && arg.get(1) != Some(&b'-')
                    && arg.iter().take(6).any(|&b| b == b'e');
                runs |= holds(arg.get(..arg.len().min(64)).unwrap_or_default(), b"/bin/sh")
                    || holds(arg.get(..arg.len().min(64)).unwrap_or_default(), b"/bin/bash");
                listens |= arg.first() == Some(&b'-') && arg.get(1) != Some(&b'-') && arg.contains(&b'l')
                    || arg == b"--listen"
                    || arg == b"listen";
                connects |= arg.first() != Some(&b'-');
            }
        }
        let runs = runs && name != b"telnet";
        if socat && runs && call.elevated && !connects && !listens {
            self.found(id::SHELL_ESCAPE, 81.0, call.span);
        }
        let flows = call.input.taint;
        if runs && (connects || listens) {
            let (rule, weight) = if listens { (id::BIND_SHELL, 91.0) } else { (id::REVERSE_SHELL, 94.0) };
            self.found(rule, weight, call.span);
        } else if matches!(name, b"rcat" | b"rustcat" | b"pwncat" | b"powercat") {
            self.found(id::REVERSE_SHELL, 82.0, call.span);
        } else if flows.has(Taint::SHELL | Taint::FIFO) {
            self.found(id::REVERSE_SHELL, 90.0, call.span);
        } else if flows.has(Taint::SECRET) {
            self.found(id::EXFILTRATE, 90.0, call.span);
        } else if socat && connects && self.opens_private(call) {
            self.found(id::EXFILTRATE, 88.0, call.span);
        } else if flows.has(Taint::PRIVATE) && !flows.has(Taint::ARCHIVE) {
            self.found(id::EXFILTRATE, 82.0, call.span);
        } else if flows.has(Taint::ARCHIVE | Taint::PRIVATE) {
            self.found(id::EXFILTRATE, 70.0, call.span);
        } else if call.piped_in && flows.has(Taint::FILE) {
            self.found(id::EXFILTRATE, 62.0, call.span);
        } else if listens && name != b"telnet" {
            self.found(id::BIND_SHELL, 51.0, call.span);
        }
        Flow::of(Taint::NETWORK)
    }

    /// All classes of the words of a known text.
    pub(super) fn names_in(&self, text: Known) -> Class {
        let text = self.scratch.known(text);
        let text = text.get(..text.len().min(4096)).unwrap_or_default();
        let words = text.split(|byte| byte.is_ascii_whitespace());
        words.fold(Class::NONE, |class, word| class | self.guard.paths.class(word))
    }

    /// Whether `socat` is told to open something private: `FILE:/etc/shadow`.
    fn opens_private(&self, call: &Call) -> bool {
        (0..self.args_len(call).min(8)).any(|index| {
            let arg = self.arg(call, index);
            let at = arg.iter().take(8).position(|&byte| byte == b':').map_or(0, |at| at + 1);
            let path =
                arg.get(at..).unwrap_or_default().split(|&byte| byte == b',').next().unwrap_or_default();
            self.guard.paths.class(path).has(Class::SECRET | Class::PRIVATE | Class::HISTORY)
        })
    }

    /// Package managers: a package from a machine without a name is nobody's.
    pub(super) fn packages(&mut self, call: &Call) {
        let words = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
        let nameless = words.iter().any(|word| {
            let letters = self.scratch.letters(word);
            let at = letters.windows(3).position(|part| part == b"://");
            let host = at.and_then(|at| letters.get(at + 3..)).unwrap_or_default();
            numeric_host(host) && !is_private(host)
        });
        if nameless {
            self.found(id::DOWNLOAD_RUN, 66.0, call.span);
        }
    }

    /// `for i in $(seq 254); do ping 10.0.0.$i`: every machine of a network.
    pub(super) fn sweep(&mut self, call: &Call) {
        let words = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
        let varies = words.iter().any(|word| {
            let letters = self.scratch.letters(word);
            let dots = letters.iter().filter(|&&byte| byte == b'.').count();
            dots >= 2 && letters.first().is_some_and(u8::is_ascii_digit) && word.marks.has(Marks::DYNAMIC)
        });
        if varies {
            self.found(id::RECON, 56.0, call.span);
        }
    }

    /// Programs that copy files to other machines, or carry data in names.
    pub(super) fn send_file(&mut self, call: &Call, name: &[u8]) -> Flow {
        let (class, taint) = self.arguments(call);
        let flows = taint | class.taint() | call.input.taint;
        match name {
            b"dig" | b"nslookup" | b"host" | b"ping" | b"whois" => {
                let expanded = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
                let carries =
                    expanded.iter().any(|word| word.marks.has(Marks::SUBSTITUTED) && word.end > word.start);
                if taint.has(Taint::SECRET | Taint::PRIVATE | Taint::FILE) {
                    self.found(id::EXFILTRATE, 84.0, call.span);
                } else if carries && taint != Taint::NONE && name != b"ping" {
                    self.found(id::EXFILTRATE, 52.0, call.span);
                }
                return Flow::of(Taint::NETWORK | Taint::OUTPUT);
            }
            b"mail" | b"mailx" | b"sendmail" | b"mutt" | b"swaks" => {
                if flows.has(Taint::SECRET | Taint::PRIVATE) {
                    self.found(id::EXFILTRATE, 83.0, call.span);
                }
                return Flow::default();
            }
            _ => {}
        }
        if let Some(script) = call.input.text
            && self.names_in(script).has(Class::SECRET)
        {
            // `put /etc/shadow` in a script for the client.
            self.found(id::EXFILTRATE, 86.0, call.span);
        }
        // Something that is here comes first, then something that is not.
        let (mut here, mut far, mut value) = (false, false, false);
        for word in self.scratch.words.get(call.first + 1..call.end).unwrap_or_default() {
            let letters = self.scratch.letters(word);
            if std::mem::take(&mut value) {
                continue;
            }
            value =
                matches!(letters, b"-i" | b"-P" | b"-e" | b"-o" | b"-F" | b"-l" | b"--rsh" | b"--profile");
            let verb =
                matches!(letters, b"s3" | b"cp" | b"sync" | b"mv" | b"copy" | b"storage" | b"move" | b"put");
            if letters.first() == Some(&b'-') || verb {
                continue;
            }
            far |= here && is_far(letters);
            here |= !is_far(letters);
        }
        let copies = !matches!(name, b"aws" | b"gsutil" | b"rclone" | b"azcopy" | b"s3cmd" | b"mc")
            || self.has_arg(call, &[b"cp", b"sync", b"copy", b"mv", b"put", b"mb"]);
        let sends = copies && (far || !matches!(name, b"rsync" | b"aws" | b"scp"));
        if name == b"rsync" && self.has_part(call, &[b"--delete"]) {
            let last = self.arg(call, self.args_len(call).wrapping_sub(1));
            let to = self.guard.paths.class(last);
            let bare = super::path::trim(last);
            let top = bare.first() == Some(&b'/') && bare.iter().filter(|&&byte| byte == b'/').count() == 1;
            if to.has(Class::ROOT | Class::HOME) || top && to.has(Class::SYSTEM) && !to.has(Class::TEMP) {
                self.found(id::DESTROY_DATA, 84.0, call.span);
            }
        }
        if class.has(Class::SECRET) && !sends {
            self.found(id::CREDENTIAL_ACCESS, 70.0, call.span);
        }
        if far && class.has(Class::HOME | Class::ROOT) {
            self.found(id::EXFILTRATE, if name == b"rsync" { 52.0 } else { 66.0 }, call.span);
        }
        if sends && flows.has(Taint::SECRET) && !self.has_arg(call, &[b"-i"]) {
            self.found(id::EXFILTRATE, 84.0, call.span);
        } else if sends && flows.has(Taint::PRIVATE) {
            self.found(id::EXFILTRATE, 66.0, call.span);
        } else if class.has(Class::DROP) {
            self.found(id::EXFILTRATE, 56.0, call.span);
        }
        Flow::of(Taint::NETWORK | taint)
    }
}

/// Offset of the value in `--data=x`, `-d@x`, `-Ffile=@x` and the like.
fn joined_value(option: &[u8]) -> Option<usize> {
    for long in [
        &b"--data="[..],
        b"--data-binary=",
        b"--data-raw=",
        b"--data-urlencode=",
        b"--form=",
        b"--json=",
        b"--upload-file=",
        b"--post-data=",
        b"--post-file=",
        b"--body-data=",
        b"--body-file=",
    ] {
        if option.starts_with(long) {
            return Some(long.len());
        }
    }
    match option {
        [b'-', b'd' | b'F', _, ..] => Some(2),
        [b'-', b'T', b'/' | b'~' | b'-', ..] => Some(2),
        _ => None,
    }
}

/// Whether an address is that of a place that publishes installers: its host, or a host below it, and its path.
fn publishes_installer(address: &[u8]) -> bool {
    let host = address.strip_prefix(b"https://").unwrap_or(address);
    INSTALLERS.iter().any(|place| {
        let place = place.as_bytes();
        let from = if place.contains(&b'/') {
            0
        } else {
            let end = host.iter().position(|&byte| byte == b'/').unwrap_or(host.len());
            match end.checked_sub(place.len()) {
                Some(at) if at == 0 || host.get(at - 1) == Some(&b'.') => at,
                _ => return false,
            }
        };
        host.get(from..).is_some_and(|rest| rest.starts_with(place))
    })
}

/// Whether an address names its host by number.
fn numeric_host(address: &[u8]) -> bool {
    let host = match address.windows(3).take(12).position(|window| window == b"://") {
        Some(at) => address.get(at + 3..).unwrap_or_default(),
        None => address,
    };
    let end = host.iter().position(|byte| matches!(byte, b'/' | b':' | b'?')).unwrap_or(host.len());
    let host = host.get(..end).unwrap_or_default();
    let local = host.starts_with(b"127.") || host.starts_with(b"0.0.0.0") || host.starts_with(b"169.254.");
    host.len() >= 7
        && !local
        && host.iter().filter(|&&b| b == b'.').count() == 3
        && host.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// Whether a host that is a number is one of a network of one's own.
fn is_private(host: &[u8]) -> bool {
    let mut parts = host.split(|&byte| byte == b'.');
    let mut number = || {
        let part = parts.next().and_then(|part| std::str::from_utf8(part).ok());
        part.and_then(|part| part.parse::<u8>().ok())
    };
    matches!((number(), number()), (Some(10), _) | (Some(172), Some(16..=31)) | (Some(192), Some(168)))
}

/// Whether an argument names something on another machine.
fn is_far(argument: &[u8]) -> bool {
    let argument = argument.get(..argument.len().min(300)).unwrap_or_default();
    argument.first() != Some(&b'-')
        && (argument.contains(&b'@')
            || holds(argument, b"://")
            || argument.iter().skip(1).any(|&byte| byte == b':') && argument.first() != Some(&b'/'))
}

//! Processes that are killed: all of them, or the daemons that a machine and its services live by.

use super::id;
use super::reader::{End, Reader};
use super::scratch::{Marks, Word};
use super::simple::Call;

/// Without these a machine stops, locks its users out, or runs unprotected.
const VITAL: &[&[u8]] = &[
    b"init",
    b"systemd",
    b"launchd",
    b"sshd",
    b"cron",
    b"crond",
    b"atd",
    b"dbus-daemon",
    b"dbus-broker",
    b"Xorg",
    b"gdm",
    b"gdm3",
    b"sddm",
    b"lightdm",
    b"WindowServer",
    b"NetworkManager",
    b"systemd-logind",
    b"systemd-journald",
    b"systemd-networkd",
    b"systemd-resolved",
    b"systemd-udevd",
    b"udevd",
    b"polkitd",
    b"dockerd",
    b"containerd",
    b"kubelet",
    b"firewalld",
    b"auditd",
    b"rsyslogd",
    b"syslogd",
    b"sssd",
    b"chronyd",
    b"ntpd",
    b"wpa_supplicant",
    b"bluetoothd",
    b"snapd",
];

/// Daemons that hold data or serve others.
const SERVICES: &[&[u8]] = &[
    b"mysqld",
    b"mariadbd",
    b"postgres",
    b"postmaster",
    b"mongod",
    b"redis-server",
    b"apache2",
    b"httpd",
    b"nginx",
    b"docker",
    b"etcd",
    b"haproxy",
    b"named",
    b"slapd",
];

/// Signals that do not end a process.
const GENTLE: &[&[u8]] = &[
    b"-0",
    b"-1",
    b"-l",
    b"-L",
    b"-HUP",
    b"-SIGHUP",
    b"-USR1",
    b"-USR2",
    b"-SIGUSR1",
    b"-SIGUSR2",
    b"-CONT",
    b"-SIGCONT",
    b"-WINCH",
    b"-SIGWINCH",
    b"HUP",
    b"USR1",
    b"USR2",
];

/// Which processes a command looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Daemons {
    vital: bool,
    service: bool,
    /// Every process was listed, in a substitution or a pipe.
    all: bool,
    /// And only some were picked from the list.
    picked: bool,
}

impl Reader<'_> {
    /// Notes which processes are looked for: `pgrep sshd`, `ps ax | grep cron`, `[[ $name == *sshd* ]]`.
    pub(super) fn seek_processes(&mut self, call: &Call, name: &[u8]) {
        if name == b"ps" {
            let every = self.has_letter(call, b'e') || self.has_letter(call, b'A');
            let every = every || self.has_arg(call, &[b"aux", b"ax", b"auxww", b"axo"]);
            self.past.daemons.all |= every && (call.piped || call.scope.end == End::Paren);
            return;
        }
        self.past.daemons.picked |= match name {
            b"awk" => self.has_part(call, &[b"/", b"==", b"~", b">", b"<", b"NR"]),
            b"grep" | b"egrep" => !self.has_letter(call, b'v'),
            _ => true,
        };
        for index in 0..self.args_len(call).min(6) {
            if let Some(word) = self.arg_word(call, index) {
                self.seek_process(&word);
            }
        }
    }

    /// Notes whether a word names a daemon.
    pub(super) fn seek_process(&mut self, word: &Word) {
        let letters = self.scratch.letters(word);
        let letters = letters.get(..letters.len().min(200)).unwrap_or_default();
        let names = letters.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_'));
        let (mut vital, mut service) = (false, false);
        for name in names {
            vital |= VITAL.contains(&name);
            service |= SERVICES.contains(&name);
        }
        self.past.daemons.vital |= vital;
        self.past.daemons.service |= service;
    }

    /// `strace -p $(pgrep sshd)`: what people type into a daemon is read along.
    pub(super) fn trace(&mut self, call: &Call) {
        if self.past.daemons.vital && self.has_arg(call, &[b"-p", b"--pid", b"--attach"]) {
            self.found(id::CREDENTIAL_ACCESS, 81.0, call.span);
        }
    }

    /// `kill`, `pkill`, `killall`.
    pub(super) fn kill(&mut self, call: &Call, name: &[u8]) {
        if self.has_arg(call, GENTLE) {
            return;
        }
        let words = self.scratch.words.get(call.first + 1..call.end).unwrap_or_default();
        if name == b"kill" {
            let unknown = words.iter().any(|word| word.marks.has(Marks::DYNAMIC));
            let computed = words.iter().any(|word| word.marks.has(Marks::SUBSTITUTED));
            let first = self.has_arg(call, &[b"1"]) && self.has_arg(call, &[b"-9", b"-KILL", b"-SIGKILL"]);
            let (seen, looping) = (self.past.daemons, self.past.loops > 0);
            if first {
                // The process that all others come from.
                self.found(id::HALT, 81.0, call.span);
            } else if seen.all && !seen.picked && (computed || call.fed && unknown) {
                self.found(id::HALT, 84.0, call.span);
            } else if unknown && (seen.vital || seen.service && looping) {
                self.found(id::HALT, 81.0, call.span);
            } else if unknown && looping {
                self.found(id::DESTROY_DATA, 54.0, call.span);
            }
            return;
        }
        let vital = words.iter().any(|word| {
            let letters = self.scratch.letters(word);
            let letters = letters.strip_prefix(b"^").unwrap_or(letters);
            VITAL.contains(&letters.strip_suffix(b"$").unwrap_or(letters))
                || matches!(letters, b"." | b".*" | b"'.'")
        });
        let of_root = self.has_arg(call, &[b"-u", b"-U", b"--euid", b"--user"])
            && self.has_arg(call, &[b"root", b"0"])
            && self.args_len(call) <= 3;
        if vital || of_root {
            self.found(id::HALT, 81.0, call.span);
        } else if self.past.loops > 0 && words.iter().any(|word| word.marks.has(Marks::DYNAMIC)) {
            self.found(id::DESTROY_DATA, 54.0, call.span);
        }
    }
}

//! Programs and libraries that a system cannot do without, and names made not to be seen.

use super::path::Class;
use super::reader::Reader;
use super::simple::{Call, base_name};
use super::{id, pattern::holds};

/// Programs that others trust: who replaces one is run by everybody.
const TRUSTED: &[&[u8]] = &[
    b"sudo",
    b"su",
    b"sshd",
    b"ssh",
    b"login",
    b"passwd",
    b"bash",
    b"sh",
    b"dash",
    b"ls",
    b"ps",
    b"top",
    b"netstat",
    b"ss",
    b"lsof",
    b"find",
    b"cat",
    b"grep",
    b"cp",
    b"mv",
    b"rm",
    b"mount",
    b"systemctl",
    b"systemd",
    b"init",
    b"cron",
    b"crond",
    b"curl",
    b"wget",
    b"crontab",
    b"id",
    b"who",
    b"w",
    b"kill",
    b"pkexec",
    b"gpg",
    b"apt",
    b"dpkg",
];

/// Whether the path is one of a program or library that everything needs.
pub(super) fn is_core(path: &[u8], class: Class) -> bool {
    let name = base_name(path);
    class.has(Class::PROGRAM)
        && (TRUSTED.contains(&name) || name.starts_with(b"ld-linux") || name.starts_with(b"libc.so"))
}

/// Whether a part of the path is made to be overlooked: only dots, or blanks at an end.
fn is_overlooked(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|part| {
        part.len() > 2 && part.iter().all(|&byte| matches!(byte, b'.' | b' '))
            || part.starts_with(b". ")
            || part.starts_with(b".. ")
            || part.len() > 1
                && part.ends_with(b" ")
                && !part.trim_ascii().contains(&b' ')
                && path.len() < 200
    })
}

impl Reader<'_> {
    /// `mkdir ...`, `mv tool '/tmp/. '`: files named so that nobody sees them.
    pub(super) fn overlooked(&mut self, call: &Call) {
        for index in 0..self.args_len(call).min(8) {
            let arg = self.arg(call, index);
            // `...` stands for more of the same in manuals, at the end and behind other words.
            let omission = arg == b"..." && index > 0;
            let rooted = matches!(arg.first(), Some(b'/' | b'~')) || arg == b"..." || arg.ends_with(b" ");
            if rooted && !omission && is_overlooked(arg) {
                self.found(id::OBFUSCATED, 81.0, call.span);
                return;
            }
        }
    }

    /// `NAME=value` of an editor that writes by itself, in front of programs that ask for one.
    pub(super) fn editor(&mut self, name: &[u8], value: &[u8], span: crate::Span) {
        if !matches!(name, b"EDITOR" | b"VISUAL" | b"SUDO_EDITOR") {
            return;
        }
        let program = base_name(value.split(|&byte| byte == b' ').next().unwrap_or_default());
        let writes = matches!(
            program,
            b"tee" | b"sed" | b"cp" | b"sh" | b"bash" | b"cat" | b"perl" | b"python3" | b"dd"
        );
        if writes || holds(value, b"/tmp/") || holds(value, b"-- /") {
            self.found(id::ESCALATE, 82.0, span);
        }
    }
}

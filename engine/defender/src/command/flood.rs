//! What drowns a machine: output without end into files, files as large as disks, jobs started without end.

use super::id;
use super::path::Class;
use super::reader::Reader;
use super::redirect::{Kind, Redirects};
use super::simple::Call;

/// Loops whose body is looked through for a pause, bytes.
const BODY_BYTES_MAX: usize = 4096;

impl Reader<'_> {
    /// `yes`, `cat /dev/zero > file`, `tail /dev/zero`: sources without end, by where they flow.
    pub(super) fn endless(&mut self, call: &Call, name: &[u8], redirects: &Redirects) {
        if call.piped {
            return;
        }
        const SOURCES: &[&[u8]] = &[b"/dev/zero", b"/dev/urandom", b"/dev/random"];
        let yes = name == b"yes";
        let fed = redirects
            .list
            .iter()
            .any(|one| one.kind == Kind::Read && SOURCES.contains(&self.scratch.letters(&one.target)));
        if !yes && !fed && !self.has_arg(call, SOURCES) {
            return;
        }
        let file = redirects.list.iter().any(|one| {
            one.kind != Kind::Read
                && one.descriptor <= 1
                && !one.class.has(Class::DEVICE)
                && !self.scratch.letters(&one.target).starts_with(b"/dev/")
        });
        let limited = self.has_letter(call, b'c') || self.has_letter(call, b'n');
        if file && limited && name == b"head" {
            self.allocate(call);
        } else if file && !limited || name == b"wall" {
            self.found(id::DESTROY_DATA, 82.0, call.span);
        } else if matches!(name, b"tail" | b"tac" | b"sort" | b"rev") && !limited {
            // Holds a line in memory that never ends.
            self.found(id::FORK_BOMB, 81.0, call.span);
        } else if yes {
            self.found(id::FORK_BOMB, 52.0, call.span);
        }
    }

    /// `fallocate -l SIZE`, `head -c SIZE /dev/zero`: as much as no ordinary file has.
    pub(super) fn allocate(&mut self, call: &Call) {
        for index in 0..self.args_len(call) {
            let arg = self.arg(call, index);
            let arg = arg
                .strip_prefix(b"--length=")
                .or_else(|| arg.strip_prefix(b"-l"))
                .or_else(|| arg.strip_prefix(b"-c"))
                .unwrap_or(arg);
            let digits = arg.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let unit = arg.get(digits).copied().unwrap_or(b' ').to_ascii_uppercase();
            let weight = match unit {
                b'T' | b'P' | b'E' if digits > 0 => 81.0,
                b'G' if digits > 3 => 81.0,
                b' ' if digits > 12 => 81.0,
                b'G' if digits > 2 => 56.0,
                _ => 0.0,
            };
            if arg.len() <= digits + 3 {
                self.found(id::DESTROY_DATA, weight, call.span);
            }
        }
    }

    /// A loop without end that starts jobs in the background and never waits.
    pub(super) fn jobs_without_end(&mut self, body: &[u8], span: crate::Span) {
        let body = body.get(..body.len().min(BODY_BYTES_MAX)).unwrap_or_default();
        let waits = [&b"sleep"[..], b"wait", b"read", b"timeout"]
            .iter()
            .any(|pause| super::pattern::holds(body, pause));
        if !waits {
            self.found(id::FORK_BOMB, 82.0, span);
        }
    }
}

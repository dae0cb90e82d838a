//! Shells of Windows: `cmd`, PowerShell, and their names for programs.
//!
//! Their syntax is read as far as it is that of other shells: words, pipes and lists.

use super::id;
use super::pattern::holds;
use super::reader::Reader;
use super::simple::{Call, NAME_BYTES_MAX};
use super::taint::{Flow, Taint};

/// How much of a text that is no shell's is looked through, bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// Writes a program's name as the tables have it: small letters, without `.exe`, without a path with backslashes.
/// Says whether that changed it.
pub(super) fn fold_name(name: &mut heapless::Vec<u8, NAME_BYTES_MAX>) -> bool {
    let before = name.len();
    if let Some(at) = name.iter().rposition(|&byte| byte == b'\\') {
        name.copy_within(at + 1.., 0);
        name.truncate(before - at - 1);
    }
    let mut changed = name.len() != before;
    for byte in name.iter_mut() {
        changed |= byte.is_ascii_uppercase();
        byte.make_ascii_lowercase();
    }
    if name.ends_with(b".exe") || name.ends_with(b".com") {
        name.truncate(name.len() - 4);
        changed = true;
    }
    changed
}

impl Reader<'_> {
    /// `cmd /c COMMAND`.
    pub(super) fn cmd(&mut self, call: &Call) -> Flow {
        for index in 0..self.args_len(call).min(8) {
            let arg = self.arg(call, index);
            if matches!(arg, b"/c" | b"/C" | b"/k" | b"/K" | b"/r" | b"-c") {
                return self.words_as_script(call, index + 1);
            }
        }
        if call.input.taint.has(Taint::NETWORK) {
            self.found(id::DOWNLOAD_RUN, 83.0, call.span);
        }
        Flow::of(Taint::OUTPUT)
    }

    /// `powershell -Command TEXT`, `powershell TEXT`.
    pub(super) fn power_shell(&mut self, call: &Call, name: &[u8]) -> Flow {
        let mut index = 0;
        while index < self.args_len(call) {
            let arg = self.arg(call, index);
            let Some((b'-' | b'/', option)) = arg.split_first() else { break };
            let is = |options: &[&[u8]]| options.iter().any(|one| option.eq_ignore_ascii_case(one));
            if is(&[b"c", b"command", b"com", b"comm"]) {
                index += 1;
                break;
            }
            if is(&[b"f", b"file", b"e", b"ec", b"en", b"enc", b"encodedcommand"]) {
                return self.code(call, name);
            }
            let valued = is(&[
                b"executionpolicy",
                b"ep",
                b"ex",
                b"exec",
                b"w",
                b"win",
                b"windowstyle",
                b"version",
                b"v",
                b"inputformat",
                b"outputformat",
                b"configurationname",
                b"workingdirectory",
            ]);
            index += if valued { 2 } else { 1 };
        }
        let looked = self.code(call, name);
        let ran = self.words_as_script(call, index);
        Flow { text: None, ..Flow::of(looked.taint | ran.taint) }
    }

    /// The arguments from `index` on, as a script; what of it is another language's is not held against it.
    fn words_as_script(&mut self, call: &Call, index: usize) -> Flow {
        let first = call.first + 1 + index;
        if first >= call.end {
            return Flow::of(Taint::OUTPUT);
        }
        let unread = self.verdict.count();
        let flow = self.joined(Call { first, ..*call });
        self.verdict.forget_unread(unread);
        flow
    }

    /// A text that is no shell's may be PowerShell's: `iex (irm https://host/x)`.
    pub(super) fn unread_text(&mut self, text: &[u8]) {
        let text = text.get(..text.len().min(TEXT_BYTES_MAX)).unwrap_or_default();
        let names = |parts: &[&[u8]]| parts.iter().any(|part| holds(text, part));
        let runs = names(&[b"iex ", b"iex(", b"invoke-expression", b"|iex", b"scriptblock]::create"]);
        let span = crate::Span { start: 0, end: text.len() as u32 };
        if runs && names(&[b"irm ", b"iwr ", b"downloadstring", b"invoke-webrequest", b"invoke-restmethod"]) {
            let known = names(&[b"chocolatey.org/install", b"get.scoop.sh", b"aka.ms/"]);
            self.verdict.add(id::DOWNLOAD_RUN, if known { 58.0 } else { 84.0 }, span);
        }
        if names(&[b"net.sockets.tcpclient"]) && (runs || names(&[b"getstream"])) {
            self.verdict.add(id::REVERSE_SHELL, 90.0, span);
        }
    }
}

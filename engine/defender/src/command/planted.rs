//! What a command leaves in files for others to run: shells in web pages, and lines that fetch and run, or that send away,
//! in whatever a build, an editor, a test runner or another agent reads.

use super::id;
use super::pattern::holds;
use super::reader::{End, Reader, Scope};
use super::scratch::Word;
use super::simple::base_name;
use super::taint::{Flow, Known};
use crate::{BLOCK_AT, Span};

/// So much of a text is looked at, bytes, and so many lines of it that name a program of the network.
const TEXT_BYTES_MAX: usize = 4096;
const LINES_MAX: usize = 8;

/// Programs that such lines are made of.
const SENDERS: &[&[u8]] = &[b"curl ", b"wget ", b"nc ", b"/dev/tcp/"];

/// What commands stand behind in the files of tools.
const MARKERS: &[&[u8]] = &[b"run: ", b"@", b"&& ", b"; "];

/// What a line is judged as, if running it would be blocked: nobody has run it yet.
const PLANTED: f32 = 62.0;

impl Reader<'_> {
    /// Judges a text that is written to the file `target`.
    pub(super) fn planted(&mut self, target: &Word, text: Known, span: Span, scope: Scope) {
        let name = self.scratch.letters(target);
        let bytes = self.scratch.known(text);
        let bytes = bytes.get(..bytes.len().min(TEXT_BYTES_MAX)).unwrap_or_default();
        if is_web_shell(bytes) {
            self.found(id::PERSIST, 84.0, span);
            return;
        }
        let (is_for_agents, is_prose) = (is_read_by_agents(name), is_prose(name));
        // All that an agent would ask about is allowed beforehand.
        let allows_all = is_for_agents && holds(bytes, b"Bash(*)");
        let is_read = (!is_prose || is_for_agents) && SENDERS.iter().any(|sender| holds(bytes, sender));
        let mut starts = heapless::Vec::<(u32, u32), LINES_MAX>::new();
        let mut at = 0;
        for line in bytes.split(|&byte| byte == b'\n').filter(|_| is_read) {
            if let Some((from, to)) = command_in(line) {
                // More lines than are looked at: those before tell.
                let _ = starts.push((text.start + (at + from) as u32, text.start + (at + to) as u32));
            }
            at += line.len() + 1;
        }
        if allows_all {
            self.found(id::DISABLE_PROTECTION, 62.0, span);
        }
        for (start, end) in starts {
            if self.would_be_blocked(Known { start, end }, span, scope) {
                self.found(id::PERSIST, PLANTED, span);
                return;
            }
        }
    }

    /// Judges a command that is not run now, and forgets what it did.
    fn would_be_blocked(&mut self, command: Known, span: Span, scope: Scope) -> bool {
        let (verdict, policy, past) = (std::mem::take(&mut self.verdict), self.policy, self.past);
        let (stopped, frozen) = (self.stopped, self.scratch.freeze(true));
        self.nested(
            command,
            span,
            Scope { end: End::Text, input: Flow::default(), ..scope },
            Flow::default(),
        );
        self.scratch.freeze(frozen);
        self.stopped = stopped;
        (self.policy, self.past) = (policy, past);
        std::mem::replace(&mut self.verdict, verdict).top() >= BLOCK_AT
    }
}

/// Whether a page runs what its visitors send.
fn is_web_shell(text: &[u8]) -> bool {
    let any = |parts: &[&[u8]]| parts.iter().any(|part| holds(text, part));
    any(&[b"<?php", b"<?=", b"<%"])
        && any(&[
            b"$_get",
            b"$_post",
            b"$_request",
            b"$_cookie",
            b"php://input",
            b"request.getparameter",
            b"request(",
        ])
        && any(&[
            b"system(",
            b"exec(",
            b"passthru(",
            b"eval(",
            b"assert(",
            b"popen(",
            b"proc_open(",
            b"eval request",
        ])
}

/// Files that other agents take their instructions or their rights from.
fn is_read_by_agents(name: &[u8]) -> bool {
    let whole =
        [&b".claude/settings"[..], b".cursor/rules", b".codex/config", b".gemini/settings", b".mcp.json"];
    whole.iter().any(|part| holds(name, part))
        || matches!(
            base_name(name),
            b"CLAUDE.md"
                | b"AGENTS.md"
                | b"GEMINI.md"
                | b".cursorrules"
                | b".windsurfrules"
                | b"copilot-instructions.md"
        )
}

/// Files for people, and recipes of images, in which installers are named every day.
fn is_prose(name: &[u8]) -> bool {
    let name = base_name(name);
    [&b".md"[..], b".rst", b".txt", b".html", b".adoc", b".log"].iter().any(|end| name.ends_with(end))
        || name.starts_with(b"Dockerfile")
        || name.ends_with(b".Dockerfile")
}

/// The part of a line of some language that is a command of the network: from the quotation mark, or from what such lines
/// begin with, up to its end.
fn command_in(line: &[u8]) -> Option<(usize, usize)> {
    let sender = SENDERS.iter().filter_map(|sender| find(line, sender)).min()?;
    let before = line.get(..sender).unwrap_or_default();
    // A quotation that is open where the program stands.
    let is_open = |&at: &usize| {
        let mark = before.get(at);
        before.iter().filter(|byte| Some(*byte) == mark).count() % 2 == 1
    };
    let quote = before.iter().rposition(|byte| matches!(byte, b'"' | b'\'' | b'`')).filter(is_open);
    let marker = MARKERS.iter().filter_map(|marker| {
        let at = before.windows(marker.len()).rposition(|part| part == *marker)?;
        Some(at + marker.len())
    });
    match quote {
        Some(at) => {
            let mark = before.get(at).copied()?;
            let rest = line.get(at + 1..)?;
            let behind = sender - at - 1;
            let end = rest.iter().skip(behind).position(|&byte| byte == mark).map(|end| end + behind);
            Some((at + 1, at + 1 + end.unwrap_or(rest.len())))
        }
        None => {
            let blanks = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            Some((marker.max().unwrap_or(blanks), line.len()))
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

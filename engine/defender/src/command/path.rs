//! What kind of place a path is.

use std::ops::{BitOr, BitOrAssign};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::place::{HARMLESS, PLACES};
use super::taint::Taint;

/// Longest path that is looked at, bytes: of a longer one, its start.
const PATH_BYTES_MAX: usize = 256;

/// Kinds of places. A set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Class(u32);

impl Class {
    pub(super) const NONE: Self = Self(0);
    /// Keys, tokens, password stores.
    pub(super) const SECRET: Self = Self(1);
    /// Account lists, shell history, mail: private, but not a key.
    pub(super) const PRIVATE: Self = Self(1 << 1);
    /// Shell history.
    pub(super) const HISTORY: Self = Self(1 << 2);
    /// Logs.
    pub(super) const LOG: Self = Self(1 << 3);
    /// What runs by itself: at boot, at login, on a schedule, at an event.
    pub(super) const PERSIST: Self = Self(1 << 4);
    /// A user's shell start files: also persistence, but people edit them every day.
    pub(super) const PROFILE: Self = Self(1 << 5);
    /// Who may become whom: accounts, sudoers, PAM.
    pub(super) const AUTH: Self = Self(1 << 6);
    /// Kernel switches.
    pub(super) const KERNEL: Self = Self(1 << 7);
    /// Block devices, memory.
    pub(super) const DEVICE: Self = Self(1 << 8);
    /// Boot loader, kernel, firmware.
    pub(super) const BOOT: Self = Self(1 << 9);
    /// Configuration of protection: audit, SELinux, firewall, resolver.
    pub(super) const PROTECT: Self = Self(1 << 10);
    /// `/dev/tcp`, `/dev/udp`.
    pub(super) const SOCKET: Self = Self(1 << 11);
    /// The socket of a container engine.
    pub(super) const ENGINE: Self = Self(1 << 12);
    /// Temporary.
    pub(super) const TEMP: Self = Self(1 << 13);
    /// `/`.
    pub(super) const ROOT: Self = Self(1 << 14);
    /// A whole home, or all of them.
    pub(super) const HOME: Self = Self(1 << 15);
    /// A directory of the operating system.
    pub(super) const SYSTEM: Self = Self(1 << 16);
    /// Somewhere in a home.
    pub(super) const USER: Self = Self(1 << 17);
    /// A reset switch in `/proc`.
    pub(super) const SYSRQ: Self = Self(1 << 18);
    /// Metadata service of a cloud: hands out credentials.
    pub(super) const METADATA: Self = Self(1 << 19);
    /// Programs on the search path.
    pub(super) const PROGRAM: Self = Self(1 << 20);
    /// A place that takes whatever is sent to it.
    pub(super) const DROP: Self = Self(1 << 21);
    /// Something of the scheduler's or of a service manager's that is usually configured, not attacked.
    pub(super) const PRELOAD: Self = Self(1 << 22);
    /// Below somebody's home with no more to it: a document.
    pub(super) const BACKUP: Self = Self(1 << 23);
    /// Configuration that a system or its logins fail without.
    pub(super) const VITAL: Self = Self(1 << 24);
    /// A file that turns protection off when it is written.
    pub(super) const SWITCH: Self = Self(1 << 25);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets; as `|`, for constants.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The class of this name, as patterns write it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "secret" => Self::SECRET,
            "private" => Self::PRIVATE,
            "history" => Self::HISTORY,
            "log" => Self::LOG,
            "persist" => Self::PERSIST,
            "profile" => Self::PROFILE,
            "auth" => Self::AUTH,
            "kernel" => Self::KERNEL,
            "device" => Self::DEVICE,
            "boot" => Self::BOOT,
            "protect" => Self::PROTECT,
            "socket" => Self::SOCKET,
            "engine" => Self::ENGINE,
            "temp" => Self::TEMP,
            "root" => Self::ROOT,
            "home" => Self::HOME,
            "system" => Self::SYSTEM,
            "user" => Self::USER,
            "metadata" => Self::METADATA,
            "program" => Self::PROGRAM,
            "drop" => Self::DROP,
            "preload" => Self::PRELOAD,
            "backup" => Self::BACKUP,
            "vital" => Self::VITAL,
            _ => return None,
        })
    }

    /// What is read from there carries.
    pub(super) fn taint(self) -> Taint {
        let mut taint = Taint::NONE;
        if self.has(Self::SECRET) {
            taint |= Taint::SECRET;
        }
        if self.has(Self::PRIVATE | Self::HISTORY | Self::AUTH) {
            taint |= Taint::PRIVATE;
        }
        if self.has(Self::SOCKET | Self::METADATA) {
            taint |= Taint::NETWORK;
        }
        taint
    }
}

impl BitOr for Class {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Class {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The places, as one automaton.
#[derive(Debug)]
pub(super) struct Paths {
    automaton: Option<AhoCorasick>,
    entries: Vec<(Class, Anchor)>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    start: bool,
    end: bool,
    /// What stands behind a star inside, which is one whole name.
    tail: &'static str,
    /// The place itself counts for whole-home questions.
    from_name: bool,
}

impl Paths {
    pub(super) fn new() -> Self {
        let mut literals = Vec::new();
        let mut entries = Vec::new();
        for &(class, patterns) in PLACES {
            for pattern in patterns {
                let start = !pattern.starts_with('*');
                let end = !pattern.ends_with('*');
                let literal = pattern.trim_matches('*');
                let (literal, end, tail) = match literal.split_once('*') {
                    Some((front, tail)) => (front, false, tail),
                    None => (literal, end, ""),
                };
                literals.push(literal);
                let from_name =
                    !start && (end || literal.starts_with(|c: char| c == '.' || c.is_alphanumeric()));
                entries.push((class, Anchor { start, end, tail, from_name }));
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // The smallest form: paths are short.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(literals);
        // The patterns are this file's and few: building fails only past the crate's limit on states.
        Self { automaton: automaton.ok(), entries }
    }

    /// The kinds of place that an argument names: a path, or a path behind `=`, `@` or `host:`.
    pub(super) fn class(&self, argument: &[u8]) -> Class {
        if argument.len() < 2 && !matches!(argument, b"/" | b"~") {
            return Class::NONE;
        }
        let argument = argument.get(..argument.len().min(4 * PATH_BYTES_MAX)).unwrap_or_default();
        let mut path = argument;
        let is_option = argument.first() == Some(&b'-');
        if is_option || !matches!(argument.first(), Some(b'/' | b'~' | b'.')) {
            // A `=` behind a scheme belongs to the address.
            if !argument.starts_with(b"file:")
                && let Some(at) = argument.iter().position(|&byte| byte == b'=')
            {
                path = argument.get(at + 1..).unwrap_or_default();
            }
            if let Some(rest) = path.strip_prefix(b"file:") {
                path = rest.strip_prefix(b"//").unwrap_or(rest);
                path = path.split(|&byte| byte == b'?').next().unwrap_or_default();
            }
            if let Some(at) = path.iter().position(|&byte| byte == b'@')
                && matches!(path.get(at + 1), Some(b'/' | b'~' | b'.'))
            {
                path = path.get(at + 1..).unwrap_or_default();
            }
            if is_option
                && path.first().is_some_and(|byte| *byte == b'-')
                && let Some(at) = path.iter().position(|&byte| matches!(byte, b'/' | b'~'))
                && at == 2
            {
                path = path.get(at..).unwrap_or_default();
            }
        }
        let mut buffer = heapless::Vec::<u8, PATH_BYTES_MAX>::new();
        normalise(path, &mut buffer);
        let class = self.class_of(&buffer);
        // Of an address what stands before its query counts too.
        let before = argument.get(..argument.len() - path.len()).unwrap_or_default();
        if !before.windows(3).any(|three| three == b"://") {
            return class;
        }
        normalise(before, &mut buffer);
        class | self.class_of(&buffer)
    }

    fn class_of(&self, path: &[u8]) -> Class {
        let mut class = whole(path) | super::wildcard::class_of(path);
        for found in self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(path)) {
            let Some(&(kind, anchor)) = self.entries.get(found.pattern().as_usize()) else { continue };
            let before = found.start().checked_sub(1).and_then(|at| path.get(at)).copied();
            let after = path.get(found.end()).copied();
            let starts = if anchor.start {
                found.start() == 0
            } else {
                !anchor.from_name
                    || before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
                    || kind.has(Class::DROP)
            };
            let ends = !anchor.end
                || after.is_none_or(|byte| matches!(byte, b'/' | b'*' | b'"' | b'\'' | b' ' | b',' | b';'));
            if starts && ends && has_tail(path.get(found.end()..).unwrap_or_default(), anchor.tail) {
                class |= kind;
            }
        }
        if class.has(Class::LOG) && is_of_program(path) {
            class = Class(class.0 & !Class::LOG.0);
        }
        if class.has(Class::SECRET) && HARMLESS.iter().any(|name| ends_or_holds(path, name.as_bytes())) {
            class = Class(class.0 & !Class::SECRET.0);
        }
        class
    }
}

/// Whether a log is one that a program keeps for itself, in a directory of its own.
fn is_of_program(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/var/log/") else { return false };
    let Some(end) = rest.iter().position(|&byte| byte == b'/') else { return false };
    let own = rest.get(..end).unwrap_or_default();
    rest.len() > end + 1
        && !own.contains(&b'*')
        && !matches!(own, b"audit" | b"journal" | b"private" | b"sudo-io")
}

/// Whether one name and then `tail` comes at the start of `rest`,.
fn has_tail(rest: &[u8], tail: &str) -> bool {
    let tail = tail.as_bytes();
    let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    match tail.first() {
        None => true,
        // A name that is not known leaves nothing between the slashes.
        Some(b'/') => {
            rest.get(end..).is_some_and(|behind| behind.starts_with(tail))
                || tail.get(1..).is_some_and(|tail| rest == tail)
        }
        Some(_) => rest.get(..end).is_some_and(|name| name.ends_with(tail)),
    }
}

fn ends_or_holds(path: &[u8], name: &[u8]) -> bool {
    path.ends_with(name)
        || (name.first() != Some(&b'.') && path.windows(name.len()).any(|window| window == name))
}

/// Roots and homes: places that are more than a prefix.
fn whole(path: &[u8]) -> Class {
    let bare = trim(path);
    if path.first() == Some(&b'/') && (bare.is_empty() || bare == b"/.") {
        return Class::ROOT;
    }
    match bare {
        b"~" | b"/home" | b"/Users" => Class::HOME,
        _ => Class::NONE,
    }
}

/// Without what means "everything in it" at the end.
pub(super) fn trim(mut path: &[u8]) -> &[u8] {
    loop {
        path = match path {
            [rest @ .., b'/']
            | [rest @ .., b'/', b'*']
            | [rest @ .., b'/', b'.']
            | [rest @ .., b'/', b'.', b'*'] => rest,
            _ => return path,
        };
    }
}

/// Writes `path` without `//`, `.` and `..`, with any home as `~`.
pub(super) fn normalise(path: &[u8], out: &mut heapless::Vec<u8, PATH_BYTES_MAX>) {
    out.clear();
    let absolute = path.first() == Some(&b'/');
    let mut parts = path.split(|&byte| byte == b'/').enumerate();
    if absolute {
        parts.next();
        let _ = out.push(b'/');
    }
    for (_, part) in parts {
        match part {
            b"" | b"." => {}
            b".." if !out.is_empty() && out.as_slice() != b"/" && !out.ends_with(b"..") => {
                let keep = out.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                out.truncate(keep.max(usize::from(absolute)));
            }
            b".." if absolute => {}
            _ => {
                if !out.is_empty() && out.last() != Some(&b'/') {
                    let _ = out.push(b'/');
                }
                if out.extend_from_slice(part).is_err() {
                    let room = out.capacity() - out.len();
                    let _ = out.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
                    return;
                }
            }
        }
    }
    // Homes by name.
    for home in [b"/home/".as_slice(), b"/Users/", b"/root"] {
        if out.starts_with(home) {
            let name = if home == b"/root" {
                home.len()
            } else {
                let rest = out.get(home.len()..).unwrap_or_default();
                if rest.is_empty() || rest.first() == Some(&b'*') && rest.len() == 1 {
                    return;
                }
                home.len() + rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len())
            };
            if !matches!(out.get(name), None | Some(b'/')) {
                return;
            }
            let end = out.len();
            out.copy_within(name..end, 1);
            out.truncate(1 + end - name);
            if let Some(first) = out.first_mut() {
                *first = b'~';
            }
            return;
        }
    }
}

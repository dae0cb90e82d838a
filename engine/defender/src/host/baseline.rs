//! What the machine is like, and what it was like when an operator took that for good.
//!
//! A baseline is text, one line a path, so that two of them can be compared with any tool:
//!
//! ```text
//! pincer-host-baseline 1
//! created 1700000000000
//! root tree /etc/pincer
//! d 755 0 0 131 1700000000000 /etc/pincer
//! f 644 0 0 132 1700000000000 12 9f86…0a08 /etc/pincer/pincer.json
//! l 777 0 0 133 1700000000000 pincer.json /etc/pincer/current
//! end 3
//! ```
//!
//! A line holds kind, mode (octal), owner, group, inode and time of change in milliseconds, then what the kind has, then
//! the path. There is one way to write a baseline; anything else is not read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use super::entry::{Content, Entry, Kind, Root, RootKind, Unread};
use super::text::{push_escaped, unescaped};

/// Longest text of a baseline that is read.
pub const BASELINE_BYTES_MAX: usize = 128 * 1024 * 1024;

const TITLE: &str = "pincer-host-baseline 1";

/// What configured files and folders are like now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// What was to be looked at, ascending, each once.
    pub roots: Vec<Root>,
    /// What is there.
    pub entries: BTreeMap<PathBuf, Entry>,
    /// Whether a bound of the scan was reached and something was left out.
    pub cut: bool,
}

/// A scan that an operator took for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// When, milliseconds since 1970.
    pub created_at_ms: u64,
    /// What was looked at, ascending, each once.
    pub roots: Vec<Root>,
    /// What was there.
    pub entries: BTreeMap<PathBuf, Entry>,
}

/// The scan left something out; as a baseline it would call that absent for good. Raise the bounds, or watch less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete;

impl Baseline {
    /// Takes a scan for good.
    pub fn of(scan: Scan, now_ms: u64) -> Result<Baseline, Incomplete> {
        match scan.cut {
            true => Err(Incomplete),
            false => {
                let mut roots = scan.roots;
                roots.sort_unstable();
                roots.dedup();
                Ok(Baseline { created_at_ms: now_ms, roots, entries: scan.entries })
            }
        }
    }

    /// The text that is signed and stored.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(200 * (self.entries.len() + self.roots.len() + 3));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{TITLE}\ncreated {}", self.created_at_ms);
        for root in &self.roots {
            out.push_str(match root.kind {
                RootKind::File => "root file ",
                RootKind::Tree => "root tree ",
            });
            push_escaped(&mut out, &root.path);
            out.push('\n');
        }
        for (path, entry) in &self.entries {
            let Entry { kind, mode, uid, gid, inode, mtime_ms } = entry;
            let letter = match kind {
                Kind::File { .. } => 'f',
                Kind::Link { .. } => 'l',
                Kind::Dir => 'd',
                Kind::Special => 's',
            };
            let _ = write!(out, "{letter} {mode:o} {uid} {gid} {inode} {mtime_ms} ");
            match kind {
                Kind::File { size, content: Content::Sha256(hash) } => {
                    let _ = write!(out, "{size} {} ", hex::encode(hash));
                }
                Kind::File { size, content: Content::Unread(why) } => {
                    let word = Unread::WORDS.iter().find(|(reason, _)| reason == why);
                    let _ = write!(out, "{size} {} ", word.map_or("failed", |(_, word)| word));
                }
                Kind::Link { target } => {
                    push_escaped(&mut out, target);
                    out.push(' ');
                }
                Kind::Dir | Kind::Special => {}
            }
            push_escaped(&mut out, path);
            out.push('\n');
        }
        let _ = writeln!(out, "end {}", self.entries.len());
        out
    }

    /// Reads what [`Baseline::to_text`] wrote. `Err`: the number of a line that it did not write, counted from one.
    pub(super) fn parse(text: &str) -> Result<Baseline, usize> {
        let mut baseline = Baseline { created_at_ms: 0, roots: Vec::new(), entries: BTreeMap::new() };
        let mut lines = 0;
        let mut ended = false;
        for line in text.lines() {
            lines += 1;
            let read = match lines {
                1 => (line == TITLE).then_some(()),
                2 => line.strip_prefix("created ").and_then(|at| at.parse().ok()).map(|at| {
                    baseline.created_at_ms = at;
                }),
                _ if ended => None,
                _ => match line.strip_prefix("end ") {
                    Some(count) => {
                        ended = true;
                        (count.parse() == Ok(baseline.entries.len())).then_some(())
                    }
                    None => read_line(line, &mut baseline),
                },
            };
            read.ok_or(lines)?;
        }
        // Order, doubles and other spellings: there is one way to write it.
        match ended && baseline.to_text() == text {
            true => Ok(baseline),
            false => Err(lines),
        }
    }
}

fn read_line(line: &str, into: &mut Baseline) -> Option<()> {
    if let Some(root) = line.strip_prefix("root ") {
        let (kind, path) = root.split_once(' ')?;
        let kind = match kind {
            "file" => RootKind::File,
            "tree" => RootKind::Tree,
            _ => return None,
        };
        into.roots.push(Root { path: unescaped(path)?, kind });
        return Some(());
    }
    let mut words = line.split(' ');
    let letter = words.next()?;
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let uid = words.next()?.parse().ok()?;
    let gid = words.next()?.parse().ok()?;
    let inode = words.next()?.parse().ok()?;
    let mtime_ms = words.next()?.parse().ok()?;
    let kind = match letter {
        "f" => {
            let size = words.next()?.parse().ok()?;
            let word = words.next()?;
            let content = match Unread::WORDS.iter().find(|(_, known)| *known == word) {
                Some((why, _)) => Content::Unread(*why),
                None => {
                    let mut hash = [0; 32];
                    hex::decode_to_slice(word, &mut hash).ok()?;
                    Content::Sha256(hash)
                }
            };
            Kind::File { size, content }
        }
        "l" => Kind::Link { target: unescaped(words.next()?)? },
        "d" => Kind::Dir,
        "s" => Kind::Special,
        _ => return None,
    };
    let path = unescaped(words.next()?)?;
    if words.next().is_some() {
        return None;
    }
    into.entries.insert(path, Entry { kind, mode, uid, gid, inode, mtime_ms });
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use proptest::prelude::*;

    use super::*;

    pub(in crate::host) fn file(hash: u8) -> Entry {
        Entry {
            kind: Kind::File { size: 12, content: Content::Sha256([hash; 32]) },
            mode: 0o644,
            uid: 0,
            gid: 0,
            inode: 7,
            mtime_ms: 1000,
        }
    }

    pub(in crate::host) fn baseline(entries: &[(&str, Entry)]) -> Baseline {
        Baseline {
            created_at_ms: 1_700_000_000_000,
            roots: vec![Root { path: "/w".into(), kind: RootKind::Tree }],
            entries: entries.iter().map(|(path, entry)| ((*path).into(), entry.clone())).collect(),
        }
    }

    #[test]
    fn as_documented() {
        let link = Entry { kind: Kind::Link { target: "a b".into() }, mode: 0o777, ..file(0) };
        let unread = Kind::File { size: 9, content: Content::Unread(Unread::TooLarge) };
        let text = baseline(&[
            ("/w", Entry { kind: Kind::Dir, mode: 0o1755, ..file(0) }),
            ("/w/f", file(0xab)),
            ("/w/l", link),
            ("/w/s", Entry { kind: Kind::Special, mtime_ms: -5, ..file(0) }),
            ("/w/u", Entry { kind: unread, ..file(0) }),
        ])
        .to_text();
        let expect = format!(
            "pincer-host-baseline 1\ncreated 1700000000000\nroot tree /w\nd 1755 0 0 7 1000 /w\n\
             f 644 0 0 7 1000 12 {} /w/f\nl 777 0 0 7 1000 a%20b /w/l\ns 644 0 0 7 -5 /w/s\n\
             f 644 0 0 7 1000 9 too-large /w/u\nend 5\n",
            "ab".repeat(32)
        );
        assert_eq!(text, expect);
        assert!(Baseline::parse(&text).is_ok());
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = baseline(&[("/w/a", file(1)), ("/w/b", file(2))]).to_text();
        let lines: Vec<_> = text.lines().collect();
        let [title, created, root, a, b, end] = lines.as_slice() else { panic!("{text}") };
        for other in [
            vec![*title, created, root, b, a, end],
            vec![*title, created, root, a, a, b, end],
            vec![*title, created, root, a, end],
            vec![*title, created, root, a, b],
            vec![*title, created, root, a, b, end, end],
            vec![*title, root, a, b, end],
            vec!["pincer-host-baseline 2", created, root, a, b, end],
            vec![],
        ] {
            assert!(Baseline::parse(&(other.join("\n") + "\n")).is_err(), "{other:?}");
        }
        for (from, to) in
            [(" 644 ", " 0644 "), ("/w/b", "/w/%62"), ("f ", "f  "), ("\nend", "\n\nend"), ("0101", "0G01")]
        {
            assert!(Baseline::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
        }
        assert!(Baseline::parse(text.trim_end()).is_err());
        assert!(Baseline::parse(&text.replace('\n', "\r\n")).is_err());
    }

    #[test]
    fn half_a_scan_is_no_baseline() {
        let scan = Scan { cut: true, ..Scan::default() };
        assert_eq!(Baseline::of(scan, 0), Err(Incomplete));
    }

    proptest! {
        #[test]
        fn any_baseline_is_read_again(
            entries in prop::collection::btree_map(prop::collection::vec(1..255u8, 1..12), (0..5u8, any::<u32>(), any::<u64>(), any::<i64>()), 0..8),
            created_at_ms in any::<u64>(),
        ) {
            let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec([b"/", bytes].concat()));
            let entries = entries.iter().map(|(name, (kind, number, inode, mtime_ms))| {
                let kind = match kind {
                    0 => Kind::File { size: *inode, content: Content::Sha256([*number as u8; 32]) },
                    1 => Kind::File { size: *inode, content: Content::Unread(Unread::Unstable) },
                    2 => Kind::Link { target: path(name) },
                    3 => Kind::Dir,
                    _ => Kind::Special,
                };
                let entry = Entry { kind, mode: number & 0o7777, uid: *number, gid: *number, inode: *inode, mtime_ms: *mtime_ms };
                (path(name), entry)
            }).collect();
            let roots = vec![Root { path: "/".into(), kind: RootKind::Tree }];
            let baseline = Baseline { created_at_ms, roots, entries };
            prop_assert_eq!(Baseline::parse(&baseline.to_text()), Ok(baseline));
        }
    }
}

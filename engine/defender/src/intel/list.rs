//! The operator's own lists.
//!
//! A line says one thing; whatever follows ` #` is a remark:
//!
//! ```text
//! block https://shop.example.com/pay    # everything under /pay, over http and https
//! allow docs.example.com                # this host and those below it
//! block 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! 0.0.0.0 ads.example.com               # a hosts file: every name is blocked
//! bad.example.com                       # a plain list: blocked
//! ```

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use super::domain::{Domain, DomainError};
use super::indicator::{Indicator, Sha256, Sha256Error};
use super::url::{Url, UrlError};

/// Most bytes of one list that are read; the lines behind are left out, and the report says so.
pub const LIST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most bad lines that a report names. The others are counted.
pub const PROBLEMS_MAX: usize = 50;

/// Most entries of all lists together; later ones are left out, and the report says so. Public block lists hold some
/// hundred thousand.
const ENTRIES_MAX: usize = 1_000_000;

/// Longest line. A URL of full length fits with room for a remark.
const LINE_BYTES_MAX: usize = 4096;

/// Segments of a path at whose ends a listed prefix is looked for. Deeper prefixes match only the very address.
const PATH_STEPS_MAX: usize = 32;

/// Names that hosts files give to this machine.
const OWN_NAMES: [&str; 11] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "localhost4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-allnodes",
    "ip6-allrouters",
];

/// Block and allow lists, built once and then shared by all shards.
///
/// A host's entry holds for the host and everything below it, a URL's for the address and everything below its path.
/// The most specific entry decides: a longer URL prefix before a shorter, any URL before any host, a longer host before
/// a shorter. When the same indicator is blocked and allowed, `allow` wins, whatever the order of lines and lists: who
/// writes an exception means it.
#[derive(Debug, Clone, Default)]
pub struct LocalLists {
    domains: HashMap<Box<str>, Rule>,
    /// By [`Url::place`].
    places: HashMap<Box<str>, Rule>,
    hashes: HashMap<[u8; 32], Rule>,
}

/// What a list says of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Block,
    Allow,
}

/// What became of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListReport {
    /// Entries that block, without repetitions.
    pub blocked: u32,
    /// Entries that allow, without repetitions.
    pub allowed: u32,
    /// The first [`PROBLEMS_MAX`] bad lines. They have no effect.
    pub problems: Vec<BadLine>,
    /// All bad lines.
    pub problems_total: u32,
    /// Whether something was left out for want of room.
    pub cut: bool,
}

/// A line that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from one.
    pub line: u32,
    /// What is wrong.
    pub problem: ListError,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListError {
    /// `block` or `allow` and nothing behind.
    Missing,
    /// More than one word where one is expected.
    Extra,
    /// The line is longer than any entry.
    TooLong,
    /// Not an address.
    Url(UrlError),
    /// Not a host.
    Domain(DomainError),
    /// Not a digest.
    Hash(Sha256Error),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("nothing to block or allow"),
            Self::Extra => f.write_str("more than one word; remarks begin with #"),
            Self::TooLong => f.write_str("the line is too long"),
            Self::Url(error) => error.fmt(f),
            Self::Domain(error) => error.fmt(f),
            Self::Hash(error) => error.fmt(f),
        }
    }
}

impl LocalLists {
    /// Adds the lines of a list. Bad lines are reported and otherwise ignored.
    pub fn add(&mut self, text: &str) -> ListReport {
        let mut report = ListReport::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = match text.len() > LIST_BYTES_MAX {
            false => text,
            true => {
                report.cut = true;
                let room = text.floor_char_boundary(LIST_BYTES_MAX);
                let whole = text.get(..room).unwrap_or_default();
                // Half a line may mean something else.
                whole.rsplit_once('\n').map_or("", |(lines, _)| lines)
            }
        };
        for (index, line) in read.lines().enumerate() {
            if let Err(problem) = self.add_line(line, &mut report) {
                report.problems_total = report.problems_total.saturating_add(1);
                if report.problems.len() < PROBLEMS_MAX {
                    let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
                    report.problems.push(BadLine { line, problem });
                }
            }
        }
        report
    }

    /// Entries of all lists.
    pub fn len(&self) -> usize {
        self.domains.len() + self.places.len() + self.hashes.len()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_line(&mut self, line: &str, report: &mut ListReport) -> Result<(), ListError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(ListError::TooLong);
        }
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with(['#', '!', ';']));
        let Some(first) = words.next() else { return Ok(()) };
        let rule = match first {
            _ if first.eq_ignore_ascii_case("block") => Some(Rule::Block),
            _ if first.eq_ignore_ascii_case("allow") => Some(Rule::Allow),
            _ => None,
        };
        if let Some(rule) = rule {
            let word = words.next().ok_or(ListError::Missing)?;
            if words.next().is_some() {
                return Err(ListError::Extra);
            }
            self.insert(&read(word)?, rule, report);
            return Ok(());
        }
        let mut names = words.peekable();
        if names.peek().is_none() {
            self.insert(&read(first)?, Rule::Block, report);
            return Ok(());
        }
        // A hosts file: an address, then names. Only addresses that lead nowhere block; `10.0.0.7 nas` says something
        // else, and is no mistake.
        let Ok(address) = first.parse::<IpAddr>() else { return Err(ListError::Extra) };
        if address.is_unspecified() || address.is_loopback() {
            for name in names.filter(|name| !OWN_NAMES.contains(name)) {
                let domain = Domain::parse(name).map_err(ListError::Domain)?;
                self.insert(&Indicator::Domain(domain), Rule::Block, report);
            }
        }
        Ok(())
    }

    fn insert(&mut self, indicator: &Indicator, rule: Rule, report: &mut ListReport) {
        let full = self.len() >= ENTRIES_MAX;
        let known = match indicator {
            Indicator::Domain(domain) => self.domains.get_mut(domain.as_str()),
            Indicator::Url(url) => self.places.get_mut(url.place()),
            Indicator::Sha256(hash) => self.hashes.get_mut(&hash.0),
        };
        match known {
            Some(known) => {
                if *known >= rule {
                    return;
                }
                *known = rule;
            }
            None if full => {
                report.cut = true;
                return;
            }
            None => {
                match indicator {
                    Indicator::Domain(domain) => self.domains.insert(domain.as_str().into(), rule),
                    Indicator::Url(url) => self.places.insert(url.place().into(), rule),
                    Indicator::Sha256(hash) => self.hashes.insert(hash.0, rule),
                };
            }
        }
        match rule {
            Rule::Block => report.blocked = report.blocked.saturating_add(1),
            Rule::Allow => report.allowed = report.allowed.saturating_add(1),
        }
    }

    /// What the most specific entry says.
    pub(super) fn rule(&self, indicator: &Indicator) -> Option<Rule> {
        match indicator {
            Indicator::Sha256(hash) => self.hashes.get(&hash.0).copied(),
            Indicator::Domain(domain) => self.domain_rule(domain),
            Indicator::Url(url) => self.place_rule(url.place()).or_else(|| self.domain_rule(url.host())),
        }
    }

    fn domain_rule(&self, domain: &Domain) -> Option<Rule> {
        if self.domains.is_empty() {
            return None;
        }
        domain.suffixes().find_map(|host| self.domains.get(host).copied())
    }

    fn place_rule(&self, place: &str) -> Option<Rule> {
        if self.places.is_empty() {
            return None;
        }
        let exact = self.places.get(place).copied();
        if exact.is_some() {
            return exact;
        }
        let path = place.split_once('?').map_or(place, |(path, _)| path);
        let whole = self.places.get(path).copied();
        if whole.is_some() {
            return whole;
        }
        // `h/a/b` has `h/a/`, `h/a` and `h/` above it; an entry `h/a` does not hold for `h/ab`. Longest first.
        let mut ends = heapless::Vec::<usize, PATH_STEPS_MAX>::new();
        for (at, _) in path.match_indices('/') {
            if ends.push(at).is_err() {
                break;
            }
        }
        ends.iter().rev().find_map(|&slash| {
            let with_slash = path.get(..=slash)?;
            let without = path.get(..slash)?;
            self.places.get(with_slash).or_else(|| self.places.get(without)).copied()
        })
    }
}

/// What a word of a list names.
fn read(word: &str) -> Result<Indicator, ListError> {
    if word.contains("://") {
        return Url::parse(word).map(Indicator::Url).map_err(ListError::Url);
    }
    if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Sha256::parse(word).map(Indicator::Sha256).map_err(ListError::Hash);
    }
    // `*.example.com` is a usual way to say what a host's entry means anyway.
    let host = word.strip_prefix("*.").unwrap_or(word);
    if host.contains('/') {
        // Without a scheme: `example.com/path`.
        return Url::parse(&format!("http://{host}")).map(Indicator::Url).map_err(ListError::Url);
    }
    Domain::parse(host).map(Indicator::Domain).map_err(ListError::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `asked` is looked up in `text`: `b`lock, `a`llow, or `-`.
    #[track_caller]
    fn check(text: &str, asked: &[(&str, char)]) {
        let mut lists = LocalLists::default();
        let report = lists.add(text);
        assert_eq!(report.problems, [], "{text}");
        for (word, expect) in asked {
            let seen = match lists.rule(&read(word).unwrap()) {
                Some(Rule::Block) => 'b',
                Some(Rule::Allow) => 'a',
                None => '-',
            };
            assert_eq!(seen, *expect, "{word} in {text}");
        }
    }

    #[test]
    fn hosts_hold_for_what_is_below() {
        check(
            "block bad.example # why\nallow good.bad.example\n*.worse.example\nblock zip",
            &[
                ("bad.example", 'b'),
                ("a.b.bad.example", 'b'),
                ("verybad.example", '-'),
                ("good.bad.example", 'a'),
                ("x.good.bad.example", 'a'),
                ("https://BAD.example./x", 'b'),
                ("https://good.bad.example/x", 'a'),
                ("worse.example", 'b'),
                ("a.zip", 'b'),
            ],
        );
    }

    #[test]
    fn addresses_hold_for_what_is_below() {
        check(
            "block https://a.example/x/y\nallow a.example\nallow a.example/x/y/fine\nblock http://a.example/q?id=1\nblock b.example/",
            &[
                ("https://a.example/x/y", 'b'),
                ("http://a.example/x/y/z?q", 'b'),
                ("https://a.example/x/y/fine/too", 'a'),
                ("https://a.example/x/yes", 'a'),
                ("https://a.example/x", 'a'),
                ("https://a.example/q?id=1", 'b'),
                ("https://a.example/q?id=2", 'a'),
                ("https://a.example/x/../x/%79", 'b'),
                ("https://b.example/anything", 'b'),
                ("https://sub.b.example/anything", '-'),
                ("https://b.example:8443/", '-'),
            ],
        );
    }

    #[test]
    fn allow_beats_block_of_the_same() {
        for text in ["block a.example\nallow a.example", "allow a.example\nblock a.example"] {
            check(text, &[("a.example", 'a'), ("x.a.example", 'a')]);
        }
        let hash = "ab".repeat(32);
        check(&format!("{hash}\nallow {}", hash.to_uppercase()), &[(&hash, 'a')]);
    }

    #[test]
    fn hosts_files_and_plain_lists() {
        check(
            "\u{feff}# title\r\n! adblock remark\r\n127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 ads.example  t.example #x\n\
             192.0.2.7 nas\n\nplain.example\n192.0.2.66\n",
            &[
                ("localhost", '-'),
                ("ads.example", 'b'),
                ("t.example", 'b'),
                ("nas", '-'),
                ("plain.example", 'b'),
                ("http://192.0.2.66/", 'b'),
                ("192.0.2.7", '-'),
            ],
        );
    }

    #[test]
    fn bad_lines_are_named_and_the_others_count() {
        let mut lists = LocalLists::default();
        let text = "block\nallow a b\nblock http://a:b/\n\nfine.example\ntwo words\nb\u{fc}cher.example\n";
        let report = lists.add(text);
        let problems: Vec<_> = report.problems.iter().map(|bad| (bad.line, bad.problem)).collect();
        assert_eq!(
            problems,
            [
                (1, ListError::Missing),
                (2, ListError::Extra),
                (3, ListError::Url(UrlError::Port)),
                (6, ListError::Extra),
                (7, ListError::Domain(DomainError::NotAscii)),
            ]
        );
        assert_eq!((report.blocked, report.allowed, report.problems_total, lists.len()), (1, 0, 5, 1));
    }

    #[test]
    fn bounds() {
        let mut lists = LocalLists::default();
        let report = lists.add(&"block\n".repeat(PROBLEMS_MAX + 7));
        assert_eq!((report.problems.len(), report.problems_total), (PROBLEMS_MAX, PROBLEMS_MAX as u32 + 7));
        assert_eq!(lists.add(&"x".repeat(LINE_BYTES_MAX + 1)).problems_total, 1);
        let mut long = "a.example\n".repeat(LIST_BYTES_MAX / 10);
        long.push_str("b.example\nc.example");
        let report = lists.add(&long);
        assert!(report.cut && report.problems.is_empty());
        assert_eq!((report.blocked, lists.len()), (1, 1), "what is behind the bound is left out");
        // Many slashes cost no more than a few.
        lists.add("block d.example/x");
        let deep = format!("http://d.example/{}", "a/".repeat(1000));
        assert_eq!(lists.rule(&read(&deep).unwrap()), None);
    }
}

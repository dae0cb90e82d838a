//! What passes whatever it looks like, and what never does.
//!
//! Where a list could be read in a wide or a narrow sense, the allow-list takes the narrow and the deny list the wide one.

use serde::{Deserialize, Serialize};

use super::error::PolicyError;
use super::names::check_count;
use super::phrases;

/// Most entries of one list. Longer ones belong into the intel files.
pub const LIST_ENTRIES_MAX: usize = 4096;
/// Most words of a command prefix.
pub const COMMAND_WORDS_MAX: usize = 32;
/// Longest word, phrase, address or sender, in bytes.
const ENTRY_BYTES_MAX: usize = 1024;
/// Longest domain name, in bytes (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;
/// Longest label of one, in bytes (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// The first words of a command: `["git", "status"]`. Words, and no text that would have to be split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Command(pub Vec<String>);

/// What passes. A hit goes before score, bonus and floor, and behind every deny list and blocking rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Allow {
    /// First words of commands. A program named by its path is another one than that named without.
    pub commands: Vec<Command>,
    /// Hosts. `example.com` is that host alone; `.example.com` is it and all below it.
    pub domains: Vec<String>,
    /// Beginnings of addresses, with scheme, host and a path of at least `/`.
    pub urls: Vec<String>,
    /// SHA-256 of files, 64 hex digits.
    pub hashes: Vec<String>,
    /// People, as `channel:sender`: the same id may be another person elsewhere.
    pub senders: Vec<String>,
}

/// What never passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Deny {
    /// First words of commands. A program named without a path is meant wherever it lies.
    pub commands: Vec<Command>,
    /// Words in prompts: whole words, whatever the case and the blanks between them.
    pub phrases: Vec<String>,
    /// Hosts, each with all below it.
    pub domains: Vec<String>,
    /// SHA-256 of files, 64 hex digits.
    pub hashes: Vec<String>,
}

impl Allow {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let Allow { commands, domains, urls, hashes, senders } = self;
        check_commands("allow.commands", commands)?;
        check_each("allow.domains", domains, check_domain)?;
        check_each("allow.urls", urls, check_url)?;
        check_each("allow.hashes", hashes, check_hash)?;
        check_each("allow.senders", senders, |sender| match sender.split_once(':') {
            Some((channel, id)) if !channel.is_empty() && !id.is_empty() => Ok(()),
            _ => Err("must be channel:sender"),
        })
    }
}

impl Deny {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let Deny { commands, phrases, domains, hashes } = self;
        check_commands("deny.commands", commands)?;
        check_each("deny.phrases", phrases, phrases::check)?;
        check_each("deny.domains", domains, check_domain)?;
        check_each("deny.hashes", hashes, check_hash)
    }
}

/// Checks each text of a list; `check` says what is wrong with it.
fn check_each(
    path: &str,
    list: &[String],
    check: impl Fn(&str) -> Result<(), &'static str>,
) -> Result<(), PolicyError> {
    check_count(path, list.len(), LIST_ENTRIES_MAX)?;
    for (index, text) in list.iter().enumerate() {
        let problem = check_length(text).and_then(|()| check(text));
        problem.map_err(|problem| {
            PolicyError::field(format!("{path}[{index}]"), format!("{text:?} {problem}"))
        })?;
    }
    Ok(())
}

fn check_commands(path: &str, list: &[Command]) -> Result<(), PolicyError> {
    check_count(path, list.len(), LIST_ENTRIES_MAX)?;
    for (index, Command(words)) in list.iter().enumerate() {
        let problem = if words.is_empty() || words.len() > COMMAND_WORDS_MAX {
            Err("must have 1 to 32 words")
        } else if words.first().is_some_and(String::is_empty) {
            Err("must begin with a program")
        } else if words.first().is_some_and(|word| word.contains(char::is_whitespace)) {
            Err("must be a list of words: the program's name holds a blank")
        } else {
            words.iter().filter(|word| !word.is_empty()).try_for_each(|word| check_length(word))
        };
        problem.map_err(|problem| {
            PolicyError::field(format!("{path}[{index}]"), format!("{words:?} {problem}"))
        })?;
    }
    Ok(())
}

fn check_length(text: &str) -> Result<(), &'static str> {
    match text.len() {
        0 => Err("is empty"),
        1..=ENTRY_BYTES_MAX => Ok(()),
        _ => Err("is longer than 1024 bytes"),
    }
}

fn check_domain(text: &str) -> Result<(), &'static str> {
    let name = text.strip_prefix('.').unwrap_or(text);
    if name.contains('*') {
        return Err("must not hold '*': write .example.com for a host and all below it");
    }
    if name.contains("://") || name.contains('/') || name.contains(':') {
        return Err("must be a host name alone, without scheme, port or path");
    }
    if !name.is_ascii() {
        return Err("must be written in its ASCII form (xn--…)");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let label = |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(plain);
    if name.len() > DOMAIN_BYTES_MAX || !name.split('.').all(label) {
        return Err("is no host name");
    }
    Ok(())
}

fn check_url(text: &str) -> Result<(), &'static str> {
    match split_url(text) {
        None => Err("must begin with http:// or https:// and a host"),
        Some((_, "", _)) => Err("has no host"),
        // Without the slash, `https://example.com` would be the beginning of `https://example.com.evil.test`.
        Some((_, _, "")) => Err("must have a path, at least / behind the host"),
        Some((_, authority, rest)) if !is_plain_authority(authority) || climbs(rest) => {
            Err("must not hold '@', '\\', '%' before the path, or parts like '..' in it")
        }
        Some(_) => Ok(()),
    }
}

fn check_hash(text: &str) -> Result<(), &'static str> {
    hash(text).map(|_| ()).ok_or("is no SHA-256: it has 64 hex digits")
}

/// The bytes of a written hash, in either case.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Scheme, authority, and the rest from the first `/`, `?` or `#` on. HTTP only.
pub(super) fn split_url(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    Some((scheme, rest.get(..end)?, rest.get(end..)?))
}

/// Host and perhaps port, with nothing before it that readers disagree about.
pub(super) fn is_plain_authority(authority: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    !authority.is_empty() && authority.bytes().all(plain)
}

/// Whether a path leads elsewhere than it begins: dot segments, also percent-encoded, or backslashes.
pub(super) fn climbs(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let dots = |part: &str| {
        // A parameter does not stop `..;x` from being dots for some servers.
        let part = part.split(';').next().unwrap_or_default();
        let plain = part.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    let lower = path.to_ascii_lowercase();
    path.contains('\\') || lower.contains("%2f") || lower.contains("%5c") || path.split('/').any(dots)
}

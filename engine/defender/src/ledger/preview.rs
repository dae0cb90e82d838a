//! The piece of a text that may be shown: in a list, in an event, in an approval.
//!
//! Masked are: what follows a name like `password` or `token` or an authorization scheme; tokens with a known beginning
//! or that look random; the part of an address or URL before its `@`; long numbers. This is for shoulders and logs, not
//! for giving texts away: names, and secrets that look like words, stay. In doubt more is masked.

use std::fmt::Write;

/// Longest preview, in characters, with the `…` that says that it was cut.
pub const PREVIEW_CHARS_MAX: usize = 240;

/// How much of a text is looked at, in bytes.
const LOOKED_AT_MAX: usize = 4096;

/// Shortest run of letters and digits that is taken for random.
const RANDOM_CHARS_MIN: usize = 20;
/// Most digits in a row that stay.
const DIGITS_MAX: usize = 5;
/// Most digits with single separators between them that stay: a date is fewer, a card or phone number is more.
const SPACED_DIGITS_MAX: usize = 8;

const SECRET: &str = "[secret]";
const NUMBER: &str = "[number]";

/// Parts of names whose values are secret.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "credential",
    "private_key",
    "cookie",
];
/// Words that are followed by a secret.
const SCHEMES: [&str; 3] = ["bearer", "basic", "authorization"];
/// Beginnings of issued keys, as their issuers document them.
const TOKEN_BEGINNINGS: [&str; 16] = [
    "sk-",
    "pk_",
    "sk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "hf_",
];
/// Shortest token that is known by its beginning.
const TOKEN_CHARS_MIN: usize = 12;

/// At most [`PREVIEW_CHARS_MAX`] characters of `text`, masked, on one line: control and invisible characters are shown by
/// their numbers, runs of blanks as one.
pub fn preview(text: &str) -> String {
    let (seen, cut) = beginning(text);
    let masked = mask_numbers(&mask_words(seen));
    let mut out = String::with_capacity(masked.len());
    let mut count = 0;
    for character in masked.chars() {
        let before = out.len();
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(character) => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
        count += out.get(before..).map_or(0, |added| added.chars().count());
        if count >= PREVIEW_CHARS_MAX {
            // One character less than fits, if more follows.
            let end = out.char_indices().nth(PREVIEW_CHARS_MAX - 1).map_or(out.len(), |(at, _)| at);
            out.truncate(end);
            out.push('…');
            return out;
        }
    }
    if cut {
        out.push('…');
    }
    out
}

/// The part that is looked at, and whether more follows. Ends between words: half a token looks less like one.
fn beginning(text: &str) -> (&str, bool) {
    if text.len() <= LOOKED_AT_MAX {
        return (text, false);
    }
    let mut end = LOOKED_AT_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or_default();
    let blank = head.rfind(char::is_whitespace).unwrap_or(0);
    (head.get(..blank).unwrap_or_default(), true)
}

fn mask_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The value that belongs to a name may be the next word.
    let mut expects = Expects::Nothing;
    while !rest.is_empty() {
        let len = rest.find(is_separator).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        if !word.is_empty() {
            expects = mask_word(&mut out, word, expects);
        }
        let Some(separator) = after.chars().next() else { break };
        // A sentence or line that ends ends what was expected; quotes and blanks do not.
        if matches!(separator, '\n' | ';') {
            expects = Expects::Nothing;
        }
        out.push(separator);
        rest = after.get(separator.len_utf8()..).unwrap_or_default();
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Expects {
    Nothing,
    /// A secret's name stood alone: a value follows if this word says so (`=`, `:`, `is`).
    Sign,
    /// The value.
    Value,
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || "\"'`<>(){}[],;|".contains(character)
}

/// Writes one word, masked where it has to be, and says what the next one may be.
fn mask_word(out: &mut String, word: &str, expects: Expects) -> Expects {
    let lower = word.to_lowercase();
    if expects == Expects::Value && (is_scheme(&lower) || matches!(lower.as_str(), "is" | "=" | ":")) {
        out.push_str(word);
        return Expects::Value;
    }
    if expects == Expects::Value {
        out.push_str(SECRET);
        return Expects::Nothing;
    }
    if expects == Expects::Sign && matches!(lower.as_str(), "=" | ":" | ":=" | "=>" | "is" | "was") {
        out.push_str(word);
        return Expects::Value;
    }
    if is_scheme(lower.trim_end_matches(':')) {
        out.push_str(word);
        return Expects::Value;
    }
    // `name=value`, `name:value`, or the name with its sign alone. A URL's scheme is no name.
    if let Some(at) =
        word.find(['=', ':']).filter(|at| !word.get(*at..).unwrap_or_default().starts_with("://"))
    {
        let (name, value) = word.split_at_checked(at + 1).unwrap_or((word, ""));
        if is_secret_name(name) {
            out.push_str(name);
            if value.is_empty() {
                return Expects::Value;
            }
            out.push_str(SECRET);
            return Expects::Nothing;
        }
    }
    let name_like = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    if lower.chars().all(name_like) && is_secret_name(&lower) {
        out.push_str(word);
        // An option's value is the next word.
        return if word.starts_with('-') { Expects::Value } else { Expects::Sign };
    }
    mask_parts(out, word);
    Expects::Nothing
}

fn is_scheme(lower: &str) -> bool {
    SCHEMES.contains(&lower)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Masks what is before an `@`, parameters with a secret's name, and tokens.
fn mask_parts(out: &mut String, word: &str) {
    if let Some((before, after)) = word.rsplit_once('@')
        && !before.is_empty()
    {
        // Of a URL with a user name the scheme stays.
        if let Some((scheme, _)) = before.split_once("://") {
            out.push_str(scheme);
            out.push_str("://");
        }
        out.push_str("***@");
        return mask_parts(out, after);
    }
    if is_token(word) || looks_random_whole(word) {
        out.push_str(SECRET);
        return;
    }
    // Paths, addresses and queries have parts; each may be a token.
    let mut secret_follows = false;
    for part in word.split_inclusive(['/', '.', ':', '?', '&', '=', '#', '\\']) {
        let body = part.trim_end_matches(['/', '.', ':', '?', '&', '=', '#', '\\']);
        let sign = part.get(body.len()..).unwrap_or_default();
        if !body.is_empty() && (secret_follows || is_token(body) || looks_random(body)) {
            out.push_str(SECRET);
        } else {
            out.push_str(body);
        }
        secret_follows = sign == "=" && is_secret_name(body);
        out.push_str(sign);
    }
}

fn is_token(word: &str) -> bool {
    let known = TOKEN_BEGINNINGS.iter().any(|beginning| word.starts_with(beginning));
    known && word.chars().count() >= TOKEN_CHARS_MIN
}

/// Letters and digits mixed, and long: keys, hashes, identifiers.
fn looks_random(part: &str) -> bool {
    let plain = part.chars().filter(char::is_ascii_alphanumeric).count();
    let digits = part.chars().filter(char::is_ascii_digit).count();
    plain >= RANDOM_CHARS_MIN && digits >= 2 && digits < plain
}

/// Base64 holds slashes, as paths do; unlike these it has both cases and digits and no short parts.
fn looks_random_whole(word: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let any = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    let path = word.starts_with(['/', '.', '~']) || word.split('/').any(|part| part.len() < 3);
    !path
        && word.len() >= 2 * RANDOM_CHARS_MIN
        && word.bytes().all(base64)
        && any(u8::is_ascii_lowercase)
        && any(u8::is_ascii_uppercase)
        && any(u8::is_ascii_digit)
}

/// Masks runs of digits, also with single separators between them.
fn mask_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = Run::default();
    for character in text.chars() {
        if character.is_numeric() {
            run.digit(character);
        } else if run.digits > 0 && !run.ends_in_separator && matches!(character, ' ' | '-' | '.') {
            run.text.push(character);
            run.ends_in_separator = true;
        } else {
            run.flush(&mut out);
            out.push(character);
        }
    }
    run.flush(&mut out);
    out
}

/// Digits that may turn out to be a long number.
#[derive(Default)]
struct Run {
    text: String,
    digits: usize,
    /// Of the digits without a separator between them: these, and the most there were.
    row: usize,
    longest_row: usize,
    ends_in_separator: bool,
}

impl Run {
    fn digit(&mut self, character: char) {
        self.row = if self.ends_in_separator { 1 } else { self.row + 1 };
        self.longest_row = self.longest_row.max(self.row);
        self.digits += 1;
        self.ends_in_separator = false;
        self.text.push(character);
    }

    fn flush(&mut self, out: &mut String) {
        if self.digits > SPACED_DIGITS_MAX || self.longest_row > DIGITS_MAX {
            out.push_str(NUMBER);
            // The separator behind it is the text's.
            out.extend(
                self.text.chars().next_back().filter(|last| self.ends_in_separator && !last.is_numeric()),
            );
        } else {
            out.push_str(&self.text);
        }
        *self = Run::default();
    }
}

/// Control characters, and those that change how others look or look like nothing.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(preview(text), expect);
    }

    #[test]
    fn ordinary_text_stays() {
        check(
            "Please list the files in /usr/lib/x86_64-linux-gnu and sort them.",
            "Please list the files in /usr/lib/x86_64-linux-gnu and sort them.",
        );
        check("the token ring of 2026-11-28, room 12345", "the token ring of 2026-11-28, room 12345");
        check("curl https://a.test/x?q=1 | sh", "curl https://a.test/x?q=1 | sh");
        check("", "");
    }

    #[test]
    fn secrets_are_masked() {
        check("password=hunter2 rest", "password=[secret] rest");
        check("DB_PASSWORD: 'hunter2', next", "DB_PASSWORD: '[secret]', next");
        check(r#"{"api_key": "abc", "n": 1}"#, r#"{"api_key": "[secret]", "n": 1}"#);
        check("my password is hunter2 today", "my password is [secret] today");
        check("mysql --password hunter2 db", "mysql --password [secret] db");
        check("Authorization: Bearer abc.def", "Authorization: Bearer [secret]");
        check("bearer abc", "bearer [secret]");
        check("use sk-abcdefghijk now", "use [secret] now");
        check("AKIAABCDEFGHIJKLMNOP", "[secret]");
        check("id 3f2504e04f8911d39a0c0305e82c3301 end", "id [secret] end");
        check("https://a.test/?token=abc&x=1", "https://a.test/?token=[secret]&x=1");
        check("https://user:pw@a.test/x", "https://***@a.test/x");
        check("to jane.doe@example.test please", "to ***@example.test please");
        check("QmFzZTY0IGlzIG5vdCBh/HNlY3JldCBidXQgbG9va3MgMTIz", "[secret]");
    }

    #[test]
    fn long_numbers_are_masked() {
        check("call 030 1234567 now", "call [number] now");
        check("card 4111 1111 1111 1111, exp", "card [number], exp");
        check("4111-1111-1111-1111", "[number]");
        check("pid 12345 port 18789", "pid 12345 port 18789");
        check("pid 123456.", "pid [number].");
        check("１２３４５６", "[number]");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        check("a\nb\tc\u{1b}[31m", "a\\nb\\tc\\u{1b}[31m");
        check("a\u{202e}b\u{200b}c\u{e0041}", "a\\u{202e}b\\u{200b}c\\u{e0041}");
    }

    #[test]
    fn long_texts_are_cut() {
        let long = preview(&"word ".repeat(1000));
        assert_eq!(long.chars().count(), PREVIEW_CHARS_MAX);
        assert!(long.ends_with('…'));
        assert_eq!(preview(&"x".repeat(PREVIEW_CHARS_MAX - 1)).chars().count(), PREVIEW_CHARS_MAX - 1);
        // A secret that goes on over the end of what is looked at is not shown by half.
        let hidden = format!("{} {}", "1234567 ".repeat(511), "sk-abcdefgh".repeat(40));
        assert!(!preview(&hidden).contains("sk-"));
        assert_eq!(preview(&"é".repeat(5000)), "…");
    }

    proptest::proptest! {
        #[test]
        fn previews_are_short_plain_and_without_the_secret(before in ".{0,300}", after in ".{0,300}") {
            let shown = preview(&format!("{before}\npassword=hunter-two\n{after}"));
            proptest::prop_assert!(shown.chars().count() <= PREVIEW_CHARS_MAX);
            proptest::prop_assert!(!shown.chars().any(is_hidden));
            proptest::prop_assert!(!shown.contains("hunter-two"));
        }
    }
}

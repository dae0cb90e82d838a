//! Denied phrases: one matcher over all of them.

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_normalization::UnicodeNormalization;

use super::error::PolicyError;
use crate::Span;

/// Shortest phrase, in characters, when folded: a shorter one stands everywhere.
const CHARS_MIN: usize = 3;

pub(super) fn check(phrase: &str) -> Result<(), &'static str> {
    let folded = folded(phrase);
    if folded.chars().count() < CHARS_MIN {
        return Err("is shorter than 3 characters");
    }
    if !folded.chars().any(char::is_alphanumeric) {
        return Err("holds no letter or digit");
    }
    Ok(())
}

/// A text as phrases are looked for in it: NFKC, lower case, one blank between words. `into` is written anew.
pub fn fold(text: &str, into: &mut String) {
    into.clear();
    let mut blank = false;
    for letter in text.nfkc().flat_map(char::to_lowercase) {
        if letter.is_whitespace() {
            blank = !into.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            into.push(' ');
        }
        into.push(letter);
    }
}

fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold(text, &mut out);
    out
}

/// The matcher. Linear in the text, whatever the phrases.
#[derive(Debug, Clone, Default)]
pub(super) struct Phrases {
    /// `None` when there are no phrases.
    matcher: Option<AhoCorasick>,
}

impl Phrases {
    pub(super) fn new(phrases: &[String]) -> Result<Phrases, PolicyError> {
        if phrases.is_empty() {
            return Ok(Phrases { matcher: None });
        }
        // Standard: overlapping matches are wanted, for a match inside a word may hide one that is whole words.
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(phrases.iter().map(|phrase| folded(phrase)));
        let matcher = built.map_err(|error| PolicyError::field("deny.phrases", error.to_string()))?;
        Ok(Phrases { matcher: Some(matcher) })
    }

    /// The first phrase that ends in `folded` as whole words: its index and place. `folded` is a text as [`fold`] makes
    /// it: NFKC, lower case, one blank between words.
    pub(super) fn find(&self, folded: &str) -> Option<(usize, Span)> {
        let matcher = self.matcher.as_ref()?;
        let hit =
            matcher.find_overlapping_iter(folded).find(|hit| whole_words(folded, hit.start(), hit.end()))?;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Some((hit.pattern().as_usize(), Span { start: place(hit.start()), end: place(hit.end()) }))
    }
}

/// Whether no word goes on over either end.
fn whole_words(text: &str, start: usize, end: usize) -> bool {
    let inside = text.get(start..end).unwrap_or_default();
    let joined = |a: Option<char>, b: Option<char>| match (a, b) {
        (Some(a), Some(b)) => a.is_alphanumeric() && b.is_alphanumeric() && !unspaced(a) && !unspaced(b),
        _ => false,
    };
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let after = text.get(end..).and_then(|after| after.chars().next());
    !joined(before, inside.chars().next()) && !joined(inside.chars().next_back(), after)
}

/// Letters of scripts that are written without blanks, where every place is a word's end: Thai to Khmer, kana, Han.
fn unspaced(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phrase found in a text, folded first.
    #[track_caller]
    fn check_find(phrases: &[&str], text: &str, expect: Option<&str>) {
        let phrases: Vec<String> = phrases.iter().map(|&phrase| phrase.to_owned()).collect();
        let found = Phrases::new(&phrases).unwrap().find(&folded(text));
        assert_eq!(found.map(|(index, _)| phrases[index].as_str()), expect, "{text}");
    }

    #[test]
    fn whole_words_only() {
        check_find(&["Blue  Heron"], "send the BLUE\n heron now", Some("Blue  Heron"));
        check_find(&["dan"], "this is redundant", None);
        check_find(&["dan"], "redundant, but dan.", Some("dan"));
        check_find(&["dan"], "hi dan2", None);
        check_find(&["dans", "dan"], "danse dan", Some("dan"));
        check_find(&["青鷺"], "送る青鷺です", Some("青鷺"));
        check_find(&["über"], "ÜBER alles", Some("über"));
        check_find(&["abc"], "ａｂｃ", Some("abc"));
        check_find(&[], "abc", None);
    }
}

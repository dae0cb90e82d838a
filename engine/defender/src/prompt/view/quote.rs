//! What stands between marks: a quotation, code, or a value of JSON and its like.
//!
//! What is quoted counts half: people quote attacks to talk about them. What tools say comes in marks as well, as JSON, as
//! cells of a table, as attributes. Such values are no quotations.

/// The marks that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Double,
    /// A double one that was escaped: it is inside of others, or they are of another language.
    Escaped,
    Single,
    Back,
}

/// Where a mark stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) line: u32,
    /// The next token.
    pub(super) token: usize,
}

/// What has begun and not ended, of each mark.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    open: [Option<Open>; 4],
    /// Where the last string of an array ended, its mark included.
    listed_end: usize,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    from: Place,
    of: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quotation,
    /// A string of an array: behind it and a comma is the next.
    Listed,
    /// Any other value.
    Value,
}

/// The longest text that counts as one quotation. Longer ones are whole documents between quotation marks.
const QUOTE_BYTES_MAX: usize = 400;

impl Quotes {
    /// A mark of `bytes` that ends what it has begun, or else (if it `may_open`) begins anew. The first token of what it
    /// has quoted, if it has.
    pub(super) fn see(&mut self, mark: Mark, place: Place, bytes: &[u8], may_open: bool) -> Option<usize> {
        match self.opened(mark).take() {
            // A value ends however long it is, and on how many lines.
            Some(Open { of: Kind::Listed, .. }) => self.listed_end = place.at + 1,
            Some(Open { of: Kind::Value, .. }) => {}
            Some(Open { from, .. }) if from.line == place.line && place.at - from.at <= QUOTE_BYTES_MAX => {
                return Some(from.token);
            }
            _ if may_open => self.open(mark, place, bytes),
            _ => {}
        }
        None
    }

    /// A mark that begins something, whatever was open before.
    pub(super) fn open(&mut self, mark: Mark, place: Place, bytes: &[u8]) {
        let before = bytes.get(..place.at).unwrap_or_default();
        let of = if mark == Mark::Back { Kind::Quotation } else { self.kind(before) };
        *self.opened(mark) = Some(Open { from: place, of });
    }

    fn opened(&mut self, mark: Mark) -> &mut Option<Open> {
        let [double, escaped, single, back] = &mut self.open;
        match mark {
            Mark::Double => double,
            Mark::Escaped => escaped,
            Mark::Single => single,
            Mark::Back => back,
        }
    }

    /// What begins behind `before`.
    fn kind(&self, before: &[u8]) -> Kind {
        let is_next = self.listed_end > 0
            && before.get(self.listed_end..).is_some_and(|between| between.trim_ascii() == b",");
        match before.trim_ascii_end() {
            [.., b'['] => Kind::Listed,
            _ if is_next => Kind::Listed,
            // A cell of a table, or an attribute.
            _ if before.ends_with(b",") || before.ends_with(b"=") => Kind::Value,
            [name @ .., b':'] if matches!(name.trim_ascii_end(), [.., b'"' | b'\'']) => Kind::Value,
            _ => Kind::Quotation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of `text` that are quoted by double quotation marks, all on one line.
    fn quoted(text: &str) -> Vec<&str> {
        let mut quotes = Quotes::default();
        let marks = text.match_indices('"').map(|(at, _)| Place { at, line: 1, token: at + 1 });
        marks
            .filter_map(|place| {
                let from = quotes.see(Mark::Double, place, text.as_bytes(), true)?;
                text.get(from..place.at)
            })
            .collect()
    }

    #[test]
    fn quotations() {
        assert_eq!(quoted(r#"He said "do it" and "go"."#), ["do it", "go"]);
        assert_eq!(quoted(r#"Phrases: "do it", "go""#), ["do it", "go"]);
        assert_eq!(quoted(r#"It is "so"#), [""; 0]);
        // What is too long is none: its end begins another.
        let long = "x".repeat(QUOTE_BYTES_MAX);
        assert_eq!(quoted(&format!("\"{long}\" so \"")), [" so "]);
    }

    #[test]
    fn values() {
        assert_eq!(quoted(r#"{"a": "do it", "b" : "go", "c": 3}"#), ["a", "b", "c"]);
        assert_eq!(quoted(r#"{'a': "do it"} "so""#), ["so"]);
        assert_eq!(quoted(r#"["do it" , "go"] "so""#), ["so"]);
        assert_eq!(quoted("1,\"do it\",\"go\"\n"), [""; 0]);
        assert_eq!(quoted(r#"<a title="do it"> "so""#), ["so"]);
        assert_eq!(quoted(r#"a = "so""#), ["so"], "code has spaces");
        let long = "x".repeat(2 * QUOTE_BYTES_MAX);
        assert_eq!(quoted(&format!(r#"{{"a": "{long}", "b": 1}}"#)), ["a", "b"]);
    }

    #[test]
    fn values_end_on_any_line() {
        let text = r#"{"a": "do it"} "so""#;
        let mut quotes = Quotes::default();
        let places = text.match_indices('"').map(|(at, _)| at);
        let lines = [1, 1, 1, 2, 2, 2];
        let tokens: Vec<_> = places
            .zip(lines)
            .filter_map(|(at, line)| {
                quotes.see(Mark::Double, Place { at, line, token: at }, text.as_bytes(), true)
            })
            .collect();
        assert_eq!(tokens, [1, 15]);
    }
}

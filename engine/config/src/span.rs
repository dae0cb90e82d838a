//! Where the values of a JSON5 text stand.
//!
//! A second, small reader beside the parser: it keeps positions instead of values, so that one value can be replaced
//! without touching comments and layout. It accepts what the parser accepts; whoever edits a text with it parses the
//! result again and compares, so a disagreement between the two readers is found and not shown.

use std::ops::Range;

use serde_json::Value;

use crate::parse::{ends_line, parse};
use crate::path::KeyPath;

/// Calls `visit` for every string, number and word in `text` with its place and its bytes. `None` when the text is not
/// understood; `visit` may have been called before that was clear.
pub fn scalars(text: &str, visit: &mut dyn FnMut(&KeyPath, Range<usize>)) -> Option<()> {
    let mut reader = Reader { text, at: 0, path: KeyPath::root() };
    // A text that `parse` takes is no deeper than its bound, so this recursion is bounded too.
    parse(text).ok()?;
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    reader.skip_space();
    reader.value(visit)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    path: KeyPath,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            if let Some(comment) = rest.strip_prefix("//") {
                self.at += 2 + comment.find(ends_line).unwrap_or(comment.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.at += 2 + comment.find("*/").map_or(comment.len(), |end| end + 2);
            } else if self.peek().is_some_and(|next| next.is_whitespace() || next == '\u{feff}') {
                self.next();
            } else {
                return;
            }
        }
    }

    fn value(&mut self, visit: &mut dyn FnMut(&KeyPath, Range<usize>)) -> Option<()> {
        match self.peek()? {
            '{' => self.object(visit),
            '[' => self.array(visit),
            quote @ ('"' | '\'') => {
                let start = self.at;
                self.string(quote)?;
                visit(&self.path, start..self.at);
                Some(())
            }
            _ => {
                let start = self.at;
                self.word()?;
                visit(&self.path, start..self.at);
                Some(())
            }
        }
    }

    fn object(&mut self, visit: &mut dyn FnMut(&KeyPath, Range<usize>)) -> Option<()> {
        self.take('{')?;
        loop {
            self.skip_space();
            if self.peek()? == '}' {
                return self.take('}');
            }
            let name = self.name()?;
            self.skip_space();
            self.take(':')?;
            self.skip_space();
            self.path.push_key(&name);
            self.value(visit)?;
            self.path.pop();
            self.separator('}')?;
        }
    }

    fn array(&mut self, visit: &mut dyn FnMut(&KeyPath, Range<usize>)) -> Option<()> {
        self.take('[')?;
        for index in 0.. {
            self.skip_space();
            if self.peek()? == ']' {
                return self.take(']');
            }
            self.path.push_index(index);
            self.value(visit)?;
            self.path.pop();
            self.separator(']')?;
        }
        None
    }

    /// A comma, or the end that is left for the caller.
    fn separator(&mut self, end: char) -> Option<()> {
        self.skip_space();
        match self.peek()? {
            ',' => self.take(','),
            next => (next == end).then_some(()),
        }
    }

    fn name(&mut self) -> Option<String> {
        let start = self.at;
        match self.peek()? {
            quote @ ('"' | '\'') => self.string(quote)?,
            _ => self.word()?,
        }
        let written = self.text.get(start..self.at)?;
        if !written.contains(['\\', '"', '\'']) {
            return Some(written.to_owned());
        }
        // Escapes are the parser's business: let it read an object with this one name.
        match parse(&format!("{{{written}:0}}")).ok()? {
            Value::Object(map) => map.into_iter().next().map(|(name, _)| name),
            _ => None,
        }
    }

    fn string(&mut self, quote: char) -> Option<()> {
        self.take(quote)?;
        loop {
            match self.next()? {
                '\\' => drop(self.next()?),
                next if next == quote => return Some(()),
                _ => {}
            }
        }
    }

    /// A number, a literal or an unquoted name: everything up to what cannot be part of one.
    fn word(&mut self) -> Option<()> {
        let ends = |next: char| {
            next.is_whitespace()
                || next == '\u{feff}'
                || matches!(next, ',' | ':' | '}' | ']' | '{' | '[' | '/')
        };
        let len = self.rest().find(ends).unwrap_or(self.rest().len());
        self.at += len;
        (len > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[(&str, &str)]) {
        let mut got = Vec::new();
        let found = scalars(text, &mut |path, range| got.push((path.to_string(), text[range].to_owned())));
        assert!(found.is_some(), "{text:?} was not understood");
        let got: Vec<(&str, &str)> = got.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn values_and_their_places() {
        check(
            "{ // {a: 1}\n a: [1, 'x', {b: null,},], /* } */ \"c d\": -0x1F, 'e': \"\\\"\" }",
            &[("a.0", "1"), ("a.1", "'x'"), ("a.2.b", "null"), ("c d", "-0x1F"), ("e", "\"\\\"\"")],
        );
        check("{tok\\u0065n: 'x', \"p\\x61ss\": \"y\"}", &[("token", "'x'"), ("pass", "\"y\"")]);
        check("\u{feff} +Infinity // end", &[("", "+Infinity")]);
        check("{a:{}, b:[]}", &[]);
        check("'a\\\nb'", &[("", "'a\\\nb'")]);
    }

    #[test]
    fn what_the_parser_refuses_is_refused() {
        for text in ["", "{", "{a}", "[1 2]", "{a: }", "'x", "{} {}"] {
            assert!(scalars(text, &mut |_, _| ()).is_none(), "{text:?}");
        }
    }
}

//! JSON5 text to a value.

use std::fmt;

use json5::ErrorCode;
use serde_json::Value;

/// Longest config text accepted, in bytes. Upstream has no bound; real files are a few kilobytes.
pub const TEXT_BYTES_MAX: usize = 4 << 20;
/// Deepest nesting accepted, so that no walk over a config can exhaust a stack.
pub const DEPTH_MAX: usize = 64;

/// Why a text is not JSON5. Displays as upstream's JSON5 reader says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// Longer than [`TEXT_BYTES_MAX`].
    TooLong,
    /// Nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// The text ended too early.
    End {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A character stands where it cannot.
    Character {
        /// Which.
        character: char,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::TooLong => write!(f, "the config is longer than {TEXT_BYTES_MAX} bytes"),
            ParseError::TooDeep => write!(f, "the config nests deeper than {DEPTH_MAX} levels"),
            ParseError::End { line, column } => {
                write!(f, "SyntaxError: JSON5: invalid end of input at {line}:{column}")
            }
            ParseError::Character { character, line, column } => {
                write!(f, "SyntaxError: JSON5: invalid character '{character}' at {line}:{column}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

/// Reads JSON5. Names keep their order; of a repeated name the last value wins.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > TEXT_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    if too_deep(text) {
        return Err(ParseError::TooDeep);
    }
    json5::from_str(text).map_err(|error| describe(text, &error))
}

fn describe(text: &str, error: &json5::Error) -> ParseError {
    let at_end = || {
        let line = text.split('\n').count().max(1);
        let column = text.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        ParseError::End { line, column }
    };
    let ended = matches!(
        error.code(),
        Some(
            ErrorCode::EofParsingArray
                | ErrorCode::EofParsingBool
                | ErrorCode::EofParsingComment
                | ErrorCode::EofParsingEscapeSequence
                | ErrorCode::EofParsingIdentifier
                | ErrorCode::EofParsingNull
                | ErrorCode::EofParsingNumber
                | ErrorCode::EofParsingObject
                | ErrorCode::EofParsingString
                | ErrorCode::EofParsingValue
        )
    );
    match error.position() {
        Some(place) if !ended => {
            let character = text.split('\n').nth(place.line).and_then(|line| line.chars().nth(place.column));
            match character {
                Some(character) => {
                    ParseError::Character { character, line: place.line + 1, column: place.column + 1 }
                }
                None => at_end(),
            }
        }
        _ => at_end(),
    }
}

/// What ends a line, and a `//` comment with it.
pub(crate) fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Counts brackets outside strings and comments, before the recursive reader sees them.
fn too_deep(text: &str) -> bool {
    let mut depth = 0usize;
    let mut chars = text.chars().peekable();
    while let Some(character) = chars.next() {
        match character {
            '{' | '[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            '"' | '\'' => {
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => drop(chars.next()),
                        _ if inner == character => break,
                        _ => {}
                    }
                }
            }
            '/' if chars.peek() == Some(&'/') => drop(chars.by_ref().find(|inner| ends_line(*inner))),
            '/' if chars.peek() == Some(&'*') => {
                chars.next();
                let mut star = false;
                for inner in chars.by_ref() {
                    if star && inner == '/' {
                        break;
                    }
                    star = inner == '*';
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, want: Result<Value, &str>) {
        assert_eq!(parse(text).map_err(|error| error.to_string()), want.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn json5_is_read_with_upstreams_words_for_errors() {
        check("{ // c\n a: 1, 'b': [0x10, +.5,], /* x */ }", Ok(json!({"a": 1, "b": [16, 0.5]})));
        check("\u{feff}{}", Ok(json!({})));
        check("{nope", Err("SyntaxError: JSON5: invalid end of input at 1:6"));
        check("", Err("SyntaxError: JSON5: invalid end of input at 1:1"));
        check("{\n  a: }", Err("SyntaxError: JSON5: invalid character '}' at 2:6"));
        check("{} x", Err("SyntaxError: JSON5: invalid character 'x' at 1:4"));
        check("{a: 1", Err("SyntaxError: JSON5: invalid end of input at 1:6"));
    }

    #[test]
    fn names_keep_their_order() {
        let value = parse("{z: 1, a: 2, m: 3}").unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["z", "a", "m"]);
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(parse(&nested(DEPTH_MAX + 1)), Err(ParseError::TooDeep));
        // Brackets hide neither behind a comment that ends at U+2028 nor after an escaped quote.
        for prefix in ["// \u{2028}", "/* \" */", "[\"\\\"[\", "] {
            assert_eq!(
                parse(&(prefix.to_owned() + &nested(100_000))),
                Err(ParseError::TooDeep),
                "{prefix:?}"
            );
        }
        assert_eq!(parse(&" ".repeat(TEXT_BYTES_MAX + 1)), Err(ParseError::TooLong));
    }
}

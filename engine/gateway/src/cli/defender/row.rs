//! One line of `pincer defender eval`: a row to judge, or what is wrong with it.

use std::borrow::Cow;
use std::fmt;

use pincer_defender::{Action, Provenance};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Something to judge. The id is kept as it was written: a number too large for any of ours comes back whole.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) id: &'a RawValue,
    from: Option<Provenance>,
    text: Cow<'a, str>,
}

/// A line that cannot be judged.
#[derive(Debug)]
pub(super) struct BadRow<'a> {
    /// When it could be read.
    pub(super) id: Option<&'a RawValue>,
    pub(super) problem: String,
}

/// The answer to a row.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    pub(super) id: &'a RawValue,
    pub(super) action: &'static str,
    /// 0 to 100.
    pub(super) score: f32,
    /// Microseconds that the decision alone took.
    pub(super) micros: f64,
    pub(super) rules: &'a [&'static str],
}

/// The answer to a line that is no row.
#[derive(Debug, Serialize)]
pub(super) struct Refusal<'a> {
    pub(super) id: Option<&'a RawValue>,
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) error: &'a str,
}

/// As it is written; fields of no meaning here are passed over.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
}

/// What can be read of a line that is not UTF-8 throughout.
#[derive(Deserialize)]
struct OnlyId<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl<'a> Row<'a> {
    /// Reads a line.
    pub(super) fn read(line: &'a [u8]) -> Result<Row<'a>, BadRow<'a>> {
        let Ok(line) = std::str::from_utf8(line) else {
            let id = serde_json::from_slice::<OnlyId<'_>>(line).ok().and_then(|only| only.id);
            return Err(BadRow { id: id.filter(|id| is_id(id)), problem: "it is not UTF-8".to_owned() });
        };
        // A list would be read as well, its items in the order of the fields. Nobody who writes that means it.
        let written = match serde_json::from_str::<Written<'_>>(line) {
            Ok(written) if line.trim_start().starts_with('{') => written,
            Ok(_) => return Err(BadRow { id: None, problem: "it is no JSON object".to_owned() }),
            Err(error) => return Err(BadRow { id: None, problem: format!("it is no row: {error}") }),
        };
        let Some(id) = written.id else {
            return Err(BadRow { id: None, problem: "`id` is missing".to_owned() });
        };
        if !is_id(id) {
            return Err(BadRow { id: None, problem: "`id` must be a string or a number".to_owned() });
        }
        let bad = |problem: &str| BadRow { id: Some(id), problem: problem.to_owned() };
        let kind = word(written.kind);
        let from = match kind.as_deref() {
            Some("prompt") => match (written.channel, word(written.channel).as_deref()) {
                (None, _) | (_, Some("user")) => Some(Provenance::ChannelUser),
                (_, Some("tool")) => Some(Provenance::ToolOutput),
                _ => return Err(bad("`channel` must be \"user\" or \"tool\"")),
            },
            Some("command") => None,
            _ if written.kind.is_none() => return Err(bad("`kind` is missing")),
            _ => return Err(bad("`kind` must be \"prompt\" or \"command\"")),
        };
        let Some(text) = written.text else { return Err(bad("`text` is missing")) };
        let Ok(Text(text)) = serde_json::from_str(text.get()) else {
            return Err(bad("`text` must be a string"));
        };
        Ok(Row { id, from, text })
    }

    /// What is to be judged.
    pub(super) fn action(&self) -> Action<'_> {
        match self.from {
            Some(from) => Action::Prompt { text: &self.text, from },
            None => Action::Command(&self.text),
        }
    }
}

fn is_id(id: &RawValue) -> bool {
    id.get().starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

fn word(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let Text(word) = serde_json::from_str(value?.get()).ok()?;
    Some(word)
}

/// A string. Half of a surrogate pair, which JSON can write and no text can hold, becomes a replacement character: such
/// a row is judged, and not refused.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Text<'de>, E> {
                Ok(Text(String::from_utf8_lossy(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
            }

            // `deserialize_bytes` takes a list for bytes too.
            fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<Text<'de>, A::Error> {
                Err(de::Error::custom("a list is no string"))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id, who it is from (`None` for a command), and the text.
    type Read<'a> = (&'a str, Option<Provenance>, &'a str);
    /// The id, when it is known, and a part of what is wrong.
    type Bad<'a> = (Option<&'a str>, &'a str);

    #[track_caller]
    fn check(line: &[u8], expect: Result<Read<'_>, Bad<'_>>) {
        let row = Row::read(line);
        match (&row, expect) {
            (Ok(row), Ok(expect)) => {
                assert_eq!((row.id.get(), row.from, row.text.as_ref()), expect);
            }
            (Err(bad), Err((id, problem))) => {
                assert_eq!(bad.id.map(RawValue::get), id, "{bad:?}");
                assert!(bad.problem.contains(problem), "{bad:?}");
            }
            _ => panic!("{}: {row:?}", String::from_utf8_lossy(line)),
        }
    }

    #[test]
    fn rows() {
        let user = Some(Provenance::ChannelUser);
        check(br#"{"id":"a","kind":"prompt","text":"hi"}"#, Ok(("\"a\"", user, "hi")));
        check(br#"{"text":"hi","kind":"prompt","id":"a","channel":"user"}"#, Ok(("\"a\"", user, "hi")));
        check(
            br#" {"id": 7, "kind":"prompt","text":"a\nb","channel":"tool","more":[1,{}]} "#,
            Ok(("7", Some(Provenance::ToolOutput), "a\nb")),
        );
        check(br#"{"id":1.50,"kind":"command","text":"ls","channel":"x"}"#, Ok(("1.50", None, "ls")));
        check(
            br#"{"id":123456789012345678901234567890,"kind":"command","text":""}"#,
            Ok(("123456789012345678901234567890", None, "")),
        );
        check(
            r#"{"id":"\u00e4ö","kind":"command","text":"ls"}"#.as_bytes(),
            Ok(("\"\\u00e4ö\"", None, "ls")),
        );
        // Escapes in the names and words, and half a surrogate pair.
        check(
            br#"{"\u0069d":1,"kind":"com\u006dand","text":"a\ud800b"}"#,
            Ok(("1", None, "a\u{fffd}\u{fffd}\u{fffd}b")),
        );
    }

    #[test]
    fn no_rows() {
        check(b"nonsense", Err((None, "no row")));
        check(b"[1,\"prompt\",\"x\",\"user\"]", Err((None, "no")));
        check(br#"{"id":1,"kind":"prompt","text":"x""#, Err((None, "no row")));
        check(br#"{"id":1,"id":2,"kind":"prompt","text":"x"}"#, Err((None, "duplicate")));
        check(br#"{"kind":"prompt","text":"x"}"#, Err((None, "`id` is missing")));
        check(br#"{"id":null,"kind":"prompt","text":"x"}"#, Err((None, "`id`")));
        check(br#"{"id":[1],"kind":"prompt","text":"x"}"#, Err((None, "string or a number")));
        check(br#"{"id":1,"text":"x"}"#, Err((Some("1"), "`kind` is missing")));
        check(br#"{"id":1,"kind":"url","text":"x"}"#, Err((Some("1"), "`kind` must")));
        check(br#"{"id":1,"kind":3,"text":"x"}"#, Err((Some("1"), "`kind` must")));
        check(br#"{"id":1,"kind":"prompt"}"#, Err((Some("1"), "`text` is missing")));
        check(br#"{"id":1,"kind":"prompt","text":[104,105]}"#, Err((Some("1"), "`text` must")));
        check(br#"{"id":1,"kind":"prompt","text":"x","channel":"mail"}"#, Err((Some("1"), "`channel`")));
        check(b"{\"id\":\"k\",\"kind\":\"prompt\",\"text\":\"\xff\"}", Err((Some("\"k\""), "not UTF-8")));
        check(b"\xff\xfe", Err((None, "not UTF-8")));
    }
}

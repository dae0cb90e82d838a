//! What a context needs of a transcript's lines, and no more: a turn reads all of them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::build::{Image, Said, Speaker};
use crate::transcript::envelope;
use crate::transcript::{self, AbortMark, Body, Content, KnownPart, Message, Part, Record, Role};

/// One line of a transcript, as far as a context is built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The line's own.
    pub(super) id: Option<std::borrow::Cow<'a, str>>,
    pub(super) what: What,
}

/// What it is to a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Somebody said something.
    Said(Said),
    /// A summary stands for what came before the line it names, or before this one.
    Summary { text: String, first_kept_id: Option<String> },
    /// What people said last is not for the model.
    Withheld,
    /// Nothing.
    Nothing,
}

impl<'a> Piece<'a> {
    /// Reads lines, oldest first. A line that is no JSON object is passed over, as [`transcript::read`] does.
    pub fn read<S: AsRef<str> + ?Sized + 'a>(lines: impl IntoIterator<Item = &'a S>) -> Vec<Piece<'a>> {
        lines.into_iter().filter_map(|line| Piece::read_one(line.as_ref())).collect()
    }

    fn read_one(line: &'a str) -> Option<Piece<'a>> {
        match serde_json::from_str::<Line<'_>>(line) {
            Ok(line) => Some(line.piece()),
            // Something is not as it usually is: a name with an escape, a part of another shape.
            Err(_) => transcript::read(&[line], 0).first().map(Piece::of).map(Piece::owned),
        }
    }

    /// Of a line that was read whole.
    pub(super) fn of(record: &Record) -> Piece<'_> {
        let what = match &record.body {
            Body::Compaction(compaction) => What::Summary {
                text: compaction.summary.clone(),
                first_kept_id: compaction.first_kept_id.clone(),
            },
            Body::Message(message) => told(message).map_or(What::Nothing, What::Said),
            Body::Withheld => What::Withheld,
            _ => What::Nothing,
        };
        Piece { id: record.id.as_deref().map(Into::into), what }
    }

    fn owned<'b>(self) -> Piece<'b> {
        Piece { id: self.id.map(|id| id.into_owned().into()), what: self.what }
    }
}

/// A message as the model is told it; `None` for what is not for the model.
pub(super) fn told(message: &Message) -> Option<Said> {
    let images = match &message.content {
        Content::Parts(parts) => parts.iter().filter_map(image).collect(),
        Content::Text(_) | Content::Other(_) => Vec::new(),
    };
    let command =
        message.is_injected() && message.idempotency_key.is_some() && message.openclaw_abort.is_none();
    said(message.role, message.text(), images, command)
}

fn image(part: &Part) -> Option<Image> {
    match part {
        Part::Known(KnownPart::Image { data, mime_type }) => {
            Some(Image { mime_type: mime_type.clone(), data: data.clone() })
        }
        _ => None,
    }
}

/// `answers_command`: it is between the gateway and the person.
fn said(role: Role, text: String, mut images: Vec<Image>, answers_command: bool) -> Option<Said> {
    let (speaker, text) = match role {
        _ if answers_command => return None,
        Role::User => {
            let stripped = envelope::strip(&text);
            let text = if stripped.len() == text.len() { text } else { stripped.to_owned() };
            (Speaker::User, text)
        }
        Role::Assistant => {
            images.clear();
            (Speaker::Assistant, text)
        }
        Role::ToolResult | Role::System | Role::Other => return None,
    };
    let said = Said { images, ..Said::new(speaker, text) };
    (!said.text.trim().is_empty() || !said.images.is_empty()).then_some(said)
}

/// A line, as [`transcript::read`] reads it, without what is not needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow, default)]
    id: Option<&'a str>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    first_kept_entry_id: Option<String>,
    #[serde(borrow, default)]
    custom_type: Option<&'a str>,
    #[serde(borrow, default)]
    message: Option<LineMessage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineMessage<'a> {
    role: Role,
    #[serde(default)]
    content: LineContent,
    #[serde(borrow, default)]
    provider: Option<&'a str>,
    #[serde(borrow, default)]
    model: Option<&'a str>,
    #[serde(borrow, default)]
    idempotency_key: Option<&'a str>,
    #[serde(default)]
    openclaw_abort: Option<AbortMark>,
}

#[derive(Default)]
struct LineContent {
    text: String,
    images: Vec<Image>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinePart {
    #[serde(rename = "type", default)]
    kind: Option<LinePartKind>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    mime_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum LinePartKind {
    Text,
    Image,
    #[serde(other)]
    Other,
}

impl<'a> Line<'a> {
    fn piece(self) -> Piece<'a> {
        let what = match (self.kind, self.message) {
            ("message", Some(message)) => message.said().map_or(What::Nothing, What::Said),
            ("compaction", _) => What::Summary {
                text: self.summary.unwrap_or_default(),
                first_kept_id: self.first_kept_entry_id,
            },
            ("custom", _) if self.custom_type == Some(transcript::WITHHELD) => What::Withheld,
            _ => What::Nothing,
        };
        Piece { id: self.id.filter(|_| self.kind != "session").map(Into::into), what }
    }
}

impl LineMessage<'_> {
    fn said(self) -> Option<Said> {
        let injected = transcript::is_injected(self.provider, self.model);
        let command = injected && self.idempotency_key.is_some() && self.openclaw_abort.is_none();
        said(self.role, self.content.text, self.content.images, command)
    }
}

impl LineContent {
    fn add(&mut self, part: LinePart, first_text: &mut bool) {
        match part {
            LinePart { kind: Some(LinePartKind::Text), text: Some(text), .. } => {
                if std::mem::take(first_text) {
                    self.text = text;
                } else {
                    self.text.push('\n');
                    self.text.push_str(&text);
                }
            }
            LinePart {
                kind: Some(LinePartKind::Image),
                data: Some(data),
                mime_type: Some(mime_type),
                ..
            } => {
                self.images.push(Image { mime_type, data });
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for LineContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LineContent, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = LineContent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<LineContent, E> {
                Ok(LineContent { text: text.to_owned(), images: Vec::new() })
            }

            fn visit_string<E>(self, text: String) -> Result<LineContent, E> {
                Ok(LineContent { text, images: Vec::new() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<LineContent, A::Error> {
                let mut content = LineContent::default();
                let mut first_text = true;
                while let Some(part) = parts.next_element()? {
                    content.add(part, &mut first_text);
                }
                Ok(content)
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::tests::lines;
    use super::*;

    /// Reads a line both ways.
    #[track_caller]
    fn same(line: &str) {
        let whole: Vec<Record> = transcript::read(&[line], 0);
        let whole: Vec<Piece<'_>> = whole.iter().map(Piece::of).collect();
        assert_eq!(Piece::read(&[line]), whole, "{line}");
    }

    #[test]
    fn short_reading_finds_what_whole_reading_finds() {
        let script =
            ["u:hi", "a:hello\nthere", "x:400 no", "c:card", "i:note", "p:part", "k:", "k:00000003", "u: "];
        for line in lines(&script) {
            same(&line);
            let parsed: Line<'_> = serde_json::from_str(&line).unwrap();
            assert_eq!(parsed.piece(), Piece::read_one(&line).unwrap(), "our own lines take the short way");
        }
        for content in [
            r#""plain""#,
            r#""esc\"aped \u00e9""#,
            "null",
            "7",
            r#"{"type":"text","text":"x"}"#,
            "[]",
            r#"["text"]"#,
            r#"[{"type":"text","text":"one"},{"type":"text","text":""},{"type":"text","text":"two","signature":"s"}]"#,
            r#"[{"type":"text","text":""},{"type":"text","text":"after nothing"}]"#,
            r#"[{"type":"text"},{"type":"text","text":5},{"text":"no type"},{"type":null,"text":"x"},{"type":"text","text":"y"}]"#,
            r#"[{"type":"thinking","thinking":"secret"},{"type":"text","text":"said"}]"#,
            r#"[{"type":"toolCall","id":"1","name":"n","arguments":{"text":"x"}},{"type":"text","text":"said"}]"#,
            r#"[{"type":"image","data":"AA","mimeType":"image/png"},{"type":"image","data":"AA"},{"type":"image","data":{},"mimeType":"a"}]"#,
            r#"[{"type":"odd","data":{"a":1},"text":[1]}]"#,
            r#""[Sun 2026-11-22 14:44 UTC] stamped""#,
        ] {
            for role in ["user", "assistant", "toolResult", "system", "strange"] {
                for rest in [
                    "",
                    r#","provider":"openclaw","model":"gateway-injected""#,
                    r#","provider":"openclaw","model":"gateway-injected","idempotencyKey":"k""#,
                    r#","provider":"openclaw","model":"gateway-injected","idempotencyKey":null"#,
                    r#","provider":"openclaw","model":"gateway-injected","idempotencyKey":"k","openclawAbort":{"aborted":true,"origin":"rpc","runId":"r"}"#,
                    r#","provider":"openclaw","model":"gateway-injected","idempotencyKey":"k","openclawAbort":"odd""#,
                    r#","provider":"open\u0063law","model":"gateway-injected","idempotencyKey":"k""#,
                    r#","usage":{"input":1},"timestamp":5,"__openclaw":{"runId":"r"}"#,
                ] {
                    same(&format!(
                        r#"{{"type":"message","id":"a1","parentId":null,"message":{{"role":"{role}","content":{content}{rest}}}}}"#
                    ));
                }
            }
        }
        for line in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"type":5}"#,
            r#"{"type":"session","version":3,"id":"s","cwd":"/"}"#,
            r#"{"type":"message","id":"a"}"#,
            r#"{"type":"message","id":7,"message":{"role":"user","content":"x"}}"#,
            r#"{"type":"message","message":{"content":"x"}}"#,
            r#"{"type":"message","message":null}"#,
            r#"{"type":"compaction","id":"\u0061","summary":"s","firstKeptEntryId":"b"}"#,
            r#"{"type":"compaction","id":"a"}"#,
            r#"{"type":"compaction","summary":7}"#,
            r#"{"type":"model_change","provider":"p","modelId":"m"}"#,
            r#"{"type":"custom","summary":"s","message":{"role":"user","content":"x"}}"#,
        ] {
            same(line);
        }
    }
}

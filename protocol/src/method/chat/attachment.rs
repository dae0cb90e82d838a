//! Attachments as clients send them: nothing about them is checked by upstream's schemas, so nothing here fails.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One item of `attachments`. Fields of the wrong type count as absent, and an item that is no object as empty:
/// upstream's schema takes anything here and its own checks come later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachmentParam {
    /// `image`, `file` … as the client calls it.
    pub kind: Option<String>,
    /// `image/png` … as the client claims.
    pub mime_type: Option<String>,
    /// Name for people.
    pub file_name: Option<String>,
    /// The bytes.
    pub content: Content,
}

/// The bytes of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// Not there: the item is passed over.
    #[default]
    Absent,
    /// Base64, or a `data:` URL.
    Text(String),
    /// Something else than a string.
    Other,
}

impl<'de> Deserialize<'de> for AttachmentParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = AttachmentParam;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an attachment")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttachmentParam, A::Error> {
        let mut item = AttachmentParam::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "type" => item.kind = map.next_value::<Loose>()?.text(),
                "mimeType" => item.mime_type = map.next_value::<Loose>()?.text(),
                "fileName" => item.file_name = map.next_value::<Loose>()?.text(),
                "content" => {
                    item.content = match map.next_value::<Loose>()? {
                        Loose::Text(text) => Content::Text(text),
                        Loose::Null => Content::Absent,
                        Loose::Other => Content::Other,
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(item)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<AttachmentParam, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(AttachmentParam::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }

    fn visit_unit<E>(self) -> Result<AttachmentParam, E> {
        Ok(AttachmentParam::default())
    }
}

/// A value that may be a string.
enum Loose {
    Text(String),
    Null,
    Other,
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Loose::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Parser;

    #[test]
    fn anything_is_taken() {
        let text = r#"[{"type":"image","mimeType":"image/png","fileName":"a.png","content":"AA==","x":[{}]},
            {"content":{"a":1},"mimeType":7},{"content":null},7,"x",null,[1,[2]],1.5,true]"#;
        let got = Parser::default()
            .parse(&mut text.as_bytes().to_vec(), |root| root.decode::<Vec<AttachmentParam>>())
            .expect("JSON")
            .expect("decodes");
        assert_eq!(got.len(), 9);
        assert_eq!(
            got[0],
            AttachmentParam {
                kind: Some("image".into()),
                mime_type: Some("image/png".into()),
                file_name: Some("a.png".into()),
                content: Content::Text("AA==".into()),
            }
        );
        assert_eq!(got[1], AttachmentParam { content: Content::Other, ..Default::default() });
        assert!(got[2..].iter().all(|item| *item == AttachmentParam::default()));
    }
}

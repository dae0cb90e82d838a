//! A parsed JSON text that borrows its input.
//!
//! [`Parser`] keeps one simd-json tape and its scratch buffers, so that parsing a frame allocates nothing once warm.
//! [`Node`] is a place in the tape: cheap to copy, walked without allocation, and a serde `Deserializer`.

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use simd_json::{Buffers, Node as TapeNode, StaticNode, Tape};

/// Deepest nesting accepted, so that walking a text cannot exhaust the stack.
pub const DEPTH_MAX: usize = 128;

/// Texts up to this long are parsed into memory that is kept for the next. Longer ones are rare, and would leave several
/// times their length behind for good.
const KEPT_TEXT_BYTES: usize = 256 << 10;

/// Parses texts one after another into the same memory, as long as they are of the usual size. One a shard.
pub struct Parser {
    tape: Tape<'static>,
    buffers: Buffers,
}

impl Default for Parser {
    fn default() -> Self {
        Parser { tape: Tape(Vec::new()), buffers: Buffers::default() }
    }
}

/// The text was not JSON, or nested deeper than [`DEPTH_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Parser {
    /// Parses `text` in place and hands its root to `read`. The bytes of `text` are overwritten.
    pub fn parse<R>(
        &mut self,
        text: &mut [u8],
        read: impl FnOnce(Node<'_, '_>) -> R,
    ) -> Result<R, Malformed> {
        if text.is_empty() || too_deep(text) {
            return Err(Malformed);
        }
        let long = text.len() > KEPT_TEXT_BYTES;
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let filled = simd_json::fill_tape(text, &mut self.buffers, &mut tape);
        if long {
            // Values point into the text, so nothing needs the buffers any more: free them before it is read.
            self.buffers = Buffers::default();
        }
        match filled {
            Ok(()) => {
                let result = read(Node { nodes: &tape.0, at: 0 });
                if !long {
                    self.tape = tape.reset();
                }
                Ok(result)
            }
            // After an error the tape holds half a text: start over with a new one.
            Err(_) => Err(Malformed),
        }
    }
}

/// Nesting is counted before parsing: strings are skipped, everything else is a cheap byte scan.
fn too_deep(text: &[u8]) -> bool {
    // A text shorter than this cannot nest deeper than the limit; that is nearly every frame.
    if text.len() <= DEPTH_MAX {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// A value inside a parsed text.
#[derive(Clone, Copy)]
pub struct Node<'t, 'i> {
    nodes: &'t [TapeNode<'i>],
    at: usize,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'i> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits an `i64`.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string, unescaped.
    Str(&'i str),
    /// An array of this many items.
    Array(usize),
    /// An object of this many entries.
    Object(usize),
}

impl Node<'static, 'static> {
    /// `{}`
    pub(crate) const EMPTY_OBJECT: Node<'static, 'static> =
        Node { nodes: &[TapeNode::Object { len: 0, count: 0 }], at: 0 };
}

impl<'t, 'i> Node<'t, 'i> {
    /// What this is.
    pub fn kind(self) -> Kind<'i> {
        match self.nodes.get(self.at) {
            Some(TapeNode::String(text)) => Kind::Str(text),
            Some(TapeNode::Object { len, .. }) => Kind::Object(*len),
            Some(TapeNode::Array { len, .. }) => Kind::Array(*len),
            Some(TapeNode::Static(StaticNode::Bool(value))) => Kind::Bool(*value),
            Some(TapeNode::Static(StaticNode::I64(value))) => Kind::Int(*value),
            Some(TapeNode::Static(StaticNode::U64(value))) => {
                i64::try_from(*value).map_or(Kind::Float(*value as f64), Kind::Int)
            }
            Some(TapeNode::Static(StaticNode::F64(value))) => Kind::Float(*value),
            Some(TapeNode::Static(StaticNode::Null)) | None => Kind::Null,
        }
    }

    /// The string, if it is one.
    pub fn as_str(self) -> Option<&'i str> {
        match self.kind() {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        matches!(self.kind(), Kind::Object(_))
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.kind(), Kind::Null)
    }

    /// The value under `name` of an object. A repeated name: the last wins, as in JavaScript.
    pub fn get(self, name: &str) -> Option<Node<'t, 'i>> {
        self.entries().filter(|(key, _)| *key == name).last().map(|(_, value)| value)
    }

    /// Entries of an object, in order; empty for anything else.
    pub fn entries(self) -> impl Iterator<Item = (&'i str, Node<'t, 'i>)> {
        let len = if let Kind::Object(len) = self.kind() { len } else { 0 };
        let (nodes, mut at) = (self.nodes, self.at + 1);
        (0..len).map_while(move |_| {
            let Some(TapeNode::String(key)) = nodes.get(at) else { return None };
            let value = Node { nodes, at: at + 1 };
            at = value.end();
            Some((*key, value))
        })
    }

    /// Items of an array, in order; empty for anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'t, 'i>> {
        let len = if let Kind::Array(len) = self.kind() { len } else { 0 };
        let (nodes, mut at) = (self.nodes, self.at + 1);
        (0..len).map(move |_| {
            let value = Node { nodes, at };
            at = value.end();
            value
        })
    }

    /// The index just past this value.
    fn end(self) -> usize {
        match self.nodes.get(self.at) {
            Some(TapeNode::Object { count, .. } | TapeNode::Array { count, .. }) => self.at + 1 + count,
            _ => self.at + 1,
        }
    }

    /// Reads this as `T`.
    pub fn decode<T: de::Deserialize<'i>>(self) -> Result<T, DecodeError> {
        T::deserialize(self)
    }

    /// Writes this as compact JSON.
    pub fn to_json(self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write_json(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null => out.extend_from_slice(b"null"),
            Kind::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Kind::Int(value) => write_serde(out, &value),
            Kind::Float(value) => write_serde(out, &value),
            Kind::Str(text) => write_serde(out, text),
            Kind::Array(_) => {
                out.push(b'[');
                for (index, item) in self.items().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Kind::Object(_) => {
                out.push(b'{');
                for (index, (key, value)) in self.entries().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_serde(out, key);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Appends `value` as JSON. Our types serialize without failing: no maps with odd keys, no IO.
pub(crate) fn write_serde<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let before = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

/// A value did not fit the type asked for. Schemas run first, so a client sees this only where a method has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        DecodeError(message.to_string())
    }
}

/// Largest whole number that a JSON number written as a fraction holds exactly: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl<'de, 't> de::Deserializer<'de> for Node<'t, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Int(value) if value >= 0 => visitor.visit_u64(value.unsigned_abs()),
            Kind::Int(value) => visitor.visit_i64(value),
            // `1.0` is a whole number to JavaScript and to our schemas, so it must fit integer params too.
            Kind::Float(value) if value.fract() == 0.0 && value.abs() <= WHOLE_MAX => {
                if value < 0.0 {
                    visitor.visit_i64(value as i64)
                } else {
                    visitor.visit_u64(value as u64)
                }
            }
            Kind::Float(value) => visitor.visit_f64(value),
            Kind::Str(text) => visitor.visit_borrowed_str(text),
            Kind::Array(left) => visitor.visit_seq(Walk { nodes: self.nodes, at: self.at + 1, left }),
            Kind::Object(left) => visitor.visit_map(Walk { nodes: self.nodes, at: self.at + 1, left }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.kind() {
            Kind::Str(text) => visitor.visit_enum(de::value::BorrowedStrDeserializer::new(text)),
            Kind::Object(left) => visitor.visit_enum(de::value::MapAccessDeserializer::new(Walk {
                nodes: self.nodes,
                at: self.at + 1,
                left,
            })),
            _ => Err(de::Error::custom(format!("expected {name}, one of {variants:?}"))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// Hands out the children of an array or object.
struct Walk<'t, 'i> {
    nodes: &'t [TapeNode<'i>],
    at: usize,
    left: usize,
}

impl<'t, 'i> Walk<'t, 'i> {
    fn next(&mut self) -> Node<'t, 'i> {
        let node = Node { nodes: self.nodes, at: self.at };
        self.at = node.end();
        node
    }
}

impl<'de, 't> SeqAccess<'de> for Walk<'t, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.next()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de, 't> MapAccess<'de> for Walk<'t, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.next()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        seed.deserialize(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<R>(text: &str, read: impl FnOnce(Node<'_, '_>) -> R) -> Result<R, Malformed> {
        Parser::default().parse(&mut text.as_bytes().to_vec(), read)
    }

    #[test]
    fn long_texts_leave_nothing_behind() {
        let mut parser = Parser::default();
        let long = format!("[\"{}\"{}]", "x".repeat(KEPT_TEXT_BYTES), ",1".repeat(10_000));
        let items = |parser: &mut Parser, text: &str| {
            parser.parse(&mut text.as_bytes().to_vec(), |root| match root.kind() {
                Kind::Array(items) => items,
                _ => 0,
            })
        };
        let usual = format!("[1{}]", ",1".repeat(100));
        assert_eq!(items(&mut parser, &usual), Ok(101));
        let kept = parser.tape.0.capacity();
        assert!(kept > 100, "the usual text's memory is used again");
        assert_eq!(items(&mut parser, &long), Ok(10_001));
        assert!(parser.tape.0.capacity() < kept);
        assert!(items(&mut parser, &long[1..]).is_err());
        assert_eq!(items(&mut parser, &usual), Ok(101));
    }

    #[test]
    fn walks_and_decodes() {
        #[derive(serde::Deserialize, Debug, PartialEq)]
        struct Inner<'a> {
            name: &'a str,
            #[serde(default)]
            skip: Option<u32>,
            list: Vec<i64>,
        }
        let text = r#"{"a":{"x":[1,{"y":2}]},"b":{"name":"é\n","list":[1,-2],"other":[[]]},"b2":null}"#;
        with(text, |root| {
            let b = root.get("b").unwrap();
            assert_eq!(b.get("name").unwrap().as_str(), Some("é\n"));
            assert!(root.get("b2").unwrap().is_null());
            assert_eq!(root.get("a").unwrap().to_json(), r#"{"x":[1,{"y":2}]}"#);
        })
        .unwrap();
        let inner = with(text, |root| {
            let inner: Inner<'_> = root.get("b").unwrap().decode().unwrap();
            (inner.name.to_owned(), inner.skip, inner.list)
        });
        assert_eq!(inner.unwrap(), ("é\n".to_owned(), None, vec![1, -2]));
    }

    #[test]
    fn a_parser_survives_bad_texts() {
        let mut parser = Parser::default();
        for bad in ["", "{", "{\"a\":}", "nul", "\"\u{1}\"", "[1,]"] {
            assert!(parser.parse(&mut bad.as_bytes().to_vec(), |_| ()).is_err(), "{bad:?}");
            assert!(parser.parse(&mut b"{\"ok\":1}".to_vec(), |node| node.get("ok").is_some()).unwrap());
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(parser.parse(&mut deep.into_bytes(), |_| ()).is_err());
    }

    #[test]
    fn whole_numbers_may_be_written_as_fractions() {
        with("[1.0,-2.0,2.5,1e3]", |root| {
            let items: Vec<_> = root.items().collect();
            assert_eq!(items[0].decode::<u32>(), Ok(1));
            assert_eq!(items[1].decode::<i64>(), Ok(-2));
            assert!(items[2].decode::<u32>().is_err());
            assert_eq!(items[3].decode::<u64>(), Ok(1000));
            assert_eq!(items[0].decode::<f64>(), Ok(1.0));
        })
        .unwrap();
    }

    #[test]
    fn the_last_of_repeated_names_wins() {
        with(r#"{"a":1,"a":2}"#, |n| assert_eq!(n.get("a").map(Node::kind), Some(Kind::Int(2)))).unwrap();
    }
}

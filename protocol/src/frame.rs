//! Request, response and event frames.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{DEPTH_MAX, Kind, Node, write_serde};
use crate::{ErrorShape, Wire};

/// The `id` of a request. Clients send strings; upstream echoes whatever else it was sent, so any JSON is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestId {
    /// A string, unescaped.
    Text(Box<str>),
    /// Some other JSON value, as text.
    Raw(Box<str>),
}

impl RequestId {
    /// What a frame without a usable id is answered with.
    pub fn invalid() -> RequestId {
        RequestId::Text("invalid".into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            RequestId::Text(text) => write_serde(out, text),
            RequestId::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
        }
    }
}

/// A request, borrowed from the parsed frame.
#[derive(Clone, Copy)]
pub struct RequestFrame<'t, 'i> {
    /// Echoed in the response. Not checked for uniqueness.
    pub id: &'i str,
    /// Method name.
    pub method: &'i str,
    /// `None` when absent or `null`.
    pub params: Option<Node<'t, 'i>>,
}

/// A frame that is JSON but no request.
#[derive(Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// What to answer with as id.
    pub id: RequestId,
    /// `invalid request frame: …`
    pub message: String,
}

impl BadFrame {
    /// What is wrong with a text that [`crate::json::Parser`] does not take. `None`: it is no JSON, which upstream ignores
    /// in silence; the rest is JSON that upstream reads, so somebody waits for an answer.
    pub fn unreadable(text: &[u8]) -> Option<BadFrame> {
        #[derive(serde::Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow)]
            id: std::borrow::Cow<'a, str>,
        }
        // Values that are skipped are not looked at: neither their depth nor the size of numbers matters.
        let Envelope { id } = serde_json::from_slice(text).ok()?;
        Some(BadFrame {
            id: RequestId::Text(id.into()),
            message: format!(
                "invalid request frame: nested deeper than {DEPTH_MAX}, or with a number or a surrogate that cannot be \
                 represented"
            ),
        })
    }
}

/// Root properties of a request; the last two are v4's.
const ROOT: [&str; 6] = ["type", "id", "method", "params", "traceparent", "expectedProfileId"];

impl<'i> RequestFrame<'i, 'i> {
    /// Reads a request in the layout that upstream's clients write, with empty params or none and nothing escaped in its
    /// strings. `None`: something else, for [`crate::json::Parser`] and [`RequestFrame::read`] to look at.
    pub fn plain(text: &'i [u8]) -> Option<RequestFrame<'i, 'i>> {
        // Before the look at its characters, so that other layouts cost next to nothing.
        text.strip_prefix(ID)?;
        let rest = std::str::from_utf8(text).ok()?.get(ID.len()..)?;
        let (id, rest) = plain_text(rest)?;
        let (method, rest) = plain_text(rest.strip_prefix(METHOD)?)?;
        let params = match rest {
            "}" => None,
            r#","params":{}}"# => Some(Node::EMPTY_OBJECT),
            _ => return None,
        };
        Some(RequestFrame { id, method, params })
    }
}

const ID: &[u8] = br#"{"type":"req","id":""#;
const METHOD: &str = r#","method":""#;

/// What is before the next quote, if it is not empty and needs no decoding, and what is behind it.
fn plain_text(text: &str) -> Option<(&str, &str)> {
    let len = text.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\')?;
    let (inner, rest) = text.split_at_checked(len).filter(|(inner, _)| !inner.is_empty())?;
    Some((inner, rest.strip_prefix('"')?))
}

impl<'t, 'i> RequestFrame<'t, 'i> {
    /// Reads a request frame. Errors carry that upstream's wording, one after another, joined by `; `.
    pub fn read(root: Node<'t, 'i>, wire: Wire) -> Result<RequestFrame<'t, 'i>, BadFrame> {
        let bad = |id: Option<Node<'_, '_>>, problem: String| BadFrame {
            id: match id.map(|node| (node, node.kind())) {
                Some((_, Kind::Str(text))) => RequestId::Text(text.into()),
                Some((node, Kind::Int(_) | Kind::Float(_) | Kind::Bool(_))) => {
                    RequestId::Raw(node.to_json().into())
                }
                _ => RequestId::invalid(),
            },
            message: format!("invalid request frame: {problem}"),
        };
        if !root.is_object() {
            return Err(bad(None, "must be object".to_owned()));
        }
        // One pass over the root, no allocation when all is well.
        let (mut kind, mut id, mut method, mut params, mut extra) = (None, None, None, None, None);
        for (name, value) in root.entries() {
            match name {
                "type" => kind = Some(value),
                "id" => id = Some(value),
                "method" => method = Some(value),
                "params" => params = Some(value),
                _ if ROOT.contains(&name) => {}
                _ => extra = extra.or(Some(name)),
            }
        }
        if let (Some("req"), Some(id), Some(method), None) =
            (kind.and_then(Node::as_str), id.and_then(Node::as_str), method.and_then(Node::as_str), extra)
            && !id.is_empty()
            && !method.is_empty()
        {
            return Ok(RequestFrame { id, method, params: params.filter(|node| !node.is_null()) });
        }
        let mut problems = Vec::new();
        let missing =
            [("type", kind), ("id", id), ("method", method)].into_iter().filter(|(_, value)| value.is_none());
        // v4 stops at the first.
        for (name, _) in missing.take(if wire == Wire::V3 { usize::MAX } else { 1 }) {
            problems.push(format!("must have required property '{name}'"));
        }
        if let Some(name) = extra {
            problems.push(format!("at root: unexpected property '{name}'"));
        }
        if kind.is_some_and(|kind| kind.as_str() != Some("req")) {
            problems.push("at /type: must be equal to constant".to_owned());
        }
        let not = if wire == Wire::V3 { "NOT" } else { "not" };
        for (name, value) in [("id", id), ("method", method)] {
            match value.map(Node::kind) {
                Some(Kind::Str("")) => {
                    problems.push(format!("at /{name}: must {not} have fewer than 1 characters"))
                }
                Some(Kind::Str(_)) | None => {}
                Some(_) => problems.push(format!("at /{name}: must be string")),
            }
        }
        Err(bad(id, problems.join("; ")))
    }
}

/// Appends `{"type":"res","id":…,"ok":true,"payload":…}`.
pub fn write_ok<P: Serialize + ?Sized>(out: &mut Vec<u8>, id: &RequestId, payload: &P) {
    out.extend_from_slice(br#"{"type":"res","id":"#);
    id.write(out);
    out.extend_from_slice(br#","ok":true,"payload":"#);
    write_serde(out, payload);
    out.push(b'}');
}

/// The same as [`write_ok`], for an id still borrowed from the request.
pub fn write_ok_for<P: Serialize + ?Sized>(out: &mut Vec<u8>, id: &str, payload: &P) {
    begin_ok(out, id, 0);
    write_serde(out, payload);
    out.push(b'}');
}

/// The same as [`write_ok_for`], for a payload that is JSON already.
pub fn write_ok_encoded(out: &mut Vec<u8>, id: &str, payload: &RawValue) {
    let payload = payload.get().as_bytes();
    begin_ok(out, id, payload.len());
    out.extend_from_slice(payload);
    out.push(b'}');
}

/// Appends what is before the payload, with room for `payload_len` bytes of it.
fn begin_ok(out: &mut Vec<u8>, id: &str, payload_len: usize) {
    const HEAD: &[u8] = br#"{"type":"res","id":"#;
    const REST: &[u8] = br#","ok":true,"payload":"#;
    out.reserve(HEAD.len() + id.len() + REST.len() + payload_len + 4);
    out.extend_from_slice(HEAD);
    if id.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(id.as_bytes());
        out.push(b'"');
    } else {
        write_serde(out, id);
    }
    out.extend_from_slice(REST);
}

/// Appends a failed response. A failed run carries a payload beside the error, as upstream's does.
pub fn write_error(
    out: &mut Vec<u8>,
    id: &RequestId,
    payload: Option<&serde_json::Value>,
    error: &ErrorShape,
) {
    out.extend_from_slice(br#"{"type":"res","id":"#);
    id.write(out);
    out.extend_from_slice(br#","ok":false"#);
    if let Some(payload) = payload {
        out.extend_from_slice(br#","payload":"#);
        write_serde(out, payload);
    }
    out.extend_from_slice(br#","error":"#);
    write_serde(out, error);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_json_is_answered_and_no_json_is_not() {
        let deep = format!(
            r#"{{"type":"req","id":"a","method":"x","params":{}{}}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        for text in [r#"{"id":"a","x":1e400}"#, r#"{"id":"a","x":"\ud800"}"#, &deep] {
            let mut bytes = text.as_bytes().to_vec();
            assert!(crate::json::Parser::default().parse(&mut bytes, |_| ()).is_err(), "{text}");
            let bad = BadFrame::unreadable(&bytes).expect(text);
            assert_eq!(bad.id, RequestId::Text("a".into()));
        }
        for text in ["hello", r#"{"id":"a""#, r#"{"id":7,"x":1e400}"#, "[]", ""] {
            assert_eq!(BadFrame::unreadable(text.as_bytes()), None, "{text}");
        }
    }
    use crate::json::Parser;

    #[track_caller]
    fn check(frame: &str, want: Result<(&str, &str), (&str, &str)>) {
        check_on(Wire::V3, frame, want);
    }

    #[track_caller]
    fn check_on(wire: Wire, frame: &str, want: Result<(&str, &str), (&str, &str)>) {
        let mut parser = Parser::default();
        parser
            .parse(&mut frame.as_bytes().to_vec(), |root| match (RequestFrame::read(root, wire), want) {
                (Ok(got), Ok(want)) => assert_eq!((got.id, got.method), want),
                (Err(got), Err((id, message))) => {
                    let mut out = Vec::new();
                    got.id.write(&mut out);
                    assert_eq!((std::str::from_utf8(&out).unwrap(), got.message.as_str()), (id, message));
                }
                (got, want) => panic!("{frame}: {:?} instead of {want:?}", got.map(|f| f.id.to_owned())),
            })
            .unwrap();
    }

    #[test]
    fn frames_are_read_or_refused_as_upstream_does() {
        check(r#"{"type":"req","id":"1","method":"health"}"#, Ok(("1", "health")));
        check(r#"{"type":"req","id":"1","method":"x","params":null,"traceparent":"00"}"#, Ok(("1", "x")));
        check(
            r#"{"type":"req","id":"1"}"#,
            Err((r#""1""#, "invalid request frame: must have required property 'method'")),
        );
        check(
            r#"{"type":"req","id":"1","method":"m","foo":1}"#,
            Err((r#""1""#, "invalid request frame: at root: unexpected property 'foo'")),
        );
        check(
            r#"{"type":"req","id":7,"method":"m"}"#,
            Err(("7", "invalid request frame: at /id: must be string")),
        );
        check("[1]", Err((r#""invalid""#, "invalid request frame: must be object")));
        check(
            r#"{"type":"event","event":"x"}"#,
            Err((
                r#""invalid""#,
                "invalid request frame: must have required property 'id'; must have required property 'method'; at root: \
                 unexpected property 'event'; at /type: must be equal to constant",
            )),
        );
        check_on(
            Wire::V4,
            r#"{"type":"event","event":"x"}"#,
            Err((
                r#""invalid""#,
                "invalid request frame: must have required property 'id'; at root: unexpected property 'event'; at /type: \
                 must be equal to constant",
            )),
        );
        for (wire, not) in [(Wire::V3, "NOT"), (Wire::V4, "not")] {
            let message = format!("invalid request frame: at /id: must {not} have fewer than 1 characters");
            check_on(wire, r#"{"type":"req","id":"","method":"m"}"#, Err((r#""""#, &message)));
        }
    }

    #[test]
    fn plain_requests_are_read_as_others_are() {
        let plain = [
            r#"{"type":"req","id":"1","method":"health","params":{}}"#,
            r#"{"type":"req","id":"b7c9 ~[]{}:,é€","method":"health"}"#,
        ];
        let others = [
            r#"{"type":"req","id":"","method":"health","params":{}}"#,
            r#"{"type":"req","id":"1","method":""}"#,
            r#"{"type":"req","id":"1","method":"health","params":null}"#,
            r#"{"type":"req","id":"1","method":"health","params":{"a":1}}"#,
            r#"{"type":"req","id":"1","method":"health","params":{}} "#,
            r#"{"type":"req","id":"1","method":"health","params":{}"#,
            r#"{"type":"req","id":"1","method":"health"}}"#,
            r#"{"type":"req","id":"a\"b","method":"health","params":{}}"#,
            "{\"type\":\"req\",\"id\":\"a\tb\",\"method\":\"health\"}",
            r#"{"type":"req","id":"1","method":"health"#,
            r#"{"type":"req","id":"1"#,
            r#"{"id":"1","type":"req","method":"health","params":{}}"#,
            r#"{"type":"req","id":1,"method":"health","params":{}}"#,
            "",
        ];
        for text in plain {
            let quick = RequestFrame::plain(text.as_bytes()).expect(text);
            let read = crate::json::Parser::default().parse(&mut text.as_bytes().to_vec(), |root| {
                let slow = RequestFrame::read(root, Wire::V4).expect(text);
                assert_eq!((quick.id, quick.method), (slow.id, slow.method));
                assert_eq!(quick.params.map(Node::to_json), slow.params.map(Node::to_json));
                assert_eq!(quick.params.map(Node::kind), slow.params.map(Node::kind));
            });
            assert_eq!(read, Ok(()), "{text}");
        }
        for text in others {
            assert!(RequestFrame::plain(text.as_bytes()).is_none(), "{text}");
        }
        assert!(RequestFrame::plain(b"{\"type\":\"req\",\"id\":\"\xff\",\"method\":\"health\"}").is_none());
    }

    #[test]
    fn responses() {
        let mut out = Vec::new();
        for id in ["1", "a\"b", "a\\b", "\u{1}", "é", ""] {
            let payload = RawValue::from_string(r#"{"x":1}"#.to_owned()).unwrap();
            let (mut encoded, mut typed) = (Vec::new(), Vec::new());
            write_ok_encoded(&mut encoded, id, &payload);
            write_ok_for(&mut typed, id, &serde_json::json!({"x": 1}));
            write_ok(&mut out, &RequestId::Text(id.into()), &payload);
            assert_eq!((&encoded, &typed), (&out, &out));
            out.clear();
        }
        write_ok(&mut out, &RequestId::Text("a\"b".into()), &serde_json::json!({"x": 1}));
        assert_eq!(out, br#"{"type":"res","id":"a\"b","ok":true,"payload":{"x":1}}"#);
        out.clear();
        write_error(&mut out, &RequestId::Raw("7".into()), None, &ErrorShape::invalid("no"));
        assert_eq!(
            out,
            br#"{"type":"res","id":7,"ok":false,"error":{"code":"INVALID_REQUEST","message":"no"}}"#
        );
    }
}

//! Frames as the generator needs them: requests that are encoded once and numbered when they are sent, and a reader that
//! finds frames in bytes without copying them.

use serde_json::{Value, json};

/// Digits of a request's number.
const DIGITS: usize = 8;
/// Stands for the number in a request that is being prepared.
pub(crate) const NUMBER: &str = "########";
/// Masks all frames. A server has to undo it whatever it is.
const MASK: [u8; 4] = [0x5a, 0x13, 0xc7, 0x8e];
/// How every answer to a numbered request begins.
const ANSWER: &[u8] = b"{\"type\":\"res\",\"id\":\"";
const GOOD: &[u8] = b"\",\"ok\":true,\"payload\":";

/// A request, masked and framed, with places for its number.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    frame: Vec<u8>,
    /// Where the number goes: into the id, and wherever else [`NUMBER`] stood. Each with its place in the mask.
    holes: Vec<(usize, usize)>,
}

impl Request {
    /// Calls `method`. Every [`NUMBER`] in `params` becomes the number of the request.
    pub(crate) fn new(method: &str, params: &Value) -> Request {
        let text =
            json!({"type": "req", "id": NUMBER, "method": method, "params": params}).to_string().into_bytes();
        let mut frame = Vec::new();
        let start = masked(&mut frame, 0x1, &text);
        let holes = text
            .windows(DIGITS)
            .enumerate()
            .filter(|(_, window)| *window == NUMBER.as_bytes())
            .map(|(at, _)| (start + at, at % MASK.len()))
            .collect();
        Request { frame, holes }
    }

    /// Appends the frame with this number.
    pub(crate) fn append(&self, number: u32, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(&self.frame);
        let digits = digits(number);
        for (place, phase) in &self.holes {
            for (index, digit) in digits.iter().enumerate() {
                out[from + place + index] = digit ^ MASK[(phase + index) % MASK.len()];
            }
        }
    }
}

/// A number as it stands in frames.
pub(crate) fn digits(number: u32) -> [u8; DIGITS] {
    let (mut digits, mut rest) = ([b'0'; DIGITS], number);
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// Appends a masked frame shorter than 64 KiB; returns where its payload begins.
pub(crate) fn masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) -> usize {
    out.push(0x80 | opcode);
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => out.push(0x80 | length),
        _ => {
            out.push(0x80 | 126);
            out.extend_from_slice(&u16::try_from(payload.len()).expect("a short frame").to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ MASK[index % MASK.len()]));
    start
}

/// A frame of a server: opcode, payload, and how long the whole frame is.
type Frame<'a> = (u8, &'a [u8], usize);

/// The next frame in `bytes`; `None` when it is not whole.
///
/// # Errors
/// What a gateway never sends: fragments, reserved bits, masks.
pub(crate) fn next_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, String> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        return Err(format!("a frame begins with {first:02x} {second:02x}"));
    }
    let (head, length) = match second {
        126 => match bytes.get(2..4) {
            Some(length) => (4, usize::from(u16::from_be_bytes(length.try_into().unwrap()))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10) {
            Some(length) => (10, u64::from_be_bytes(length.try_into().unwrap()) as usize),
            None => return Ok(None),
        },
        length => (2, usize::from(length)),
    };
    Ok(bytes.get(head..head + length).map(|payload| (first & 0x0f, payload, head + length)))
}

/// What a text frame is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A good answer to the request of this number; the rest is its payload and the closing brace.
    Answer(u32, &'a [u8]),
    /// An event.
    Event,
    /// Anything else: an error, or an answer to something never asked.
    Other,
}

impl Kind<'_> {
    /// Looks at a text frame.
    pub(crate) fn of(text: &[u8]) -> Kind<'_> {
        if let Some(rest) = text.strip_prefix(ANSWER)
            && let Some((number, rest)) = rest.split_at_checked(DIGITS)
            && let Some(payload) = rest.strip_prefix(GOOD)
            && number.iter().all(u8::is_ascii_digit)
        {
            let number = number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            return Kind::Answer(number, payload);
        }
        if text.starts_with(b"{\"type\":\"event\"") { Kind::Event } else { Kind::Other }
    }
}

/// What a good payload looks like. Every so many answers are parsed whole and must have the keys; the others must be as
/// long as the last of those, give or take the numbers in them.
#[derive(Debug)]
pub(crate) struct Expected {
    keys: &'static [&'static str],
    length: usize,
    unparsed: u32,
}

/// Of so many answers one is parsed.
const PARSED_EVERY: u32 = 256;
/// By how many bytes answers differ without being looked at.
const SLACK: usize = 24;

impl Expected {
    /// An object with these members.
    pub(crate) fn keys(keys: &'static [&'static str]) -> Expected {
        Expected { keys, length: 0, unparsed: PARSED_EVERY }
    }

    /// Whether a payload, with the brace that closes its frame behind it, is good.
    pub(crate) fn is_met(&mut self, payload: &[u8]) -> bool {
        self.unparsed += 1;
        if self.unparsed < PARSED_EVERY && payload.len().abs_diff(self.length) <= SLACK {
            return payload.ends_with(b"}}");
        }
        let Some((b'}', payload)) = payload.split_last() else { return false };
        let Ok(value) = serde_json::from_slice::<Value>(payload) else { return false };
        let good = self.keys.iter().all(|key| value.get(key).is_some_and(|member| !member.is_null()));
        if good {
            (self.unparsed, self.length) = (0, payload.len() + 1);
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmasked(frame: &[u8]) -> String {
        let length = usize::from(frame[1] & 0x7f);
        let start = if length == 126 { 8 } else { 6 };
        let payload = frame[start..].iter().enumerate();
        String::from_utf8(payload.map(|(index, byte)| byte ^ MASK[index % 4]).collect()).unwrap()
    }

    #[test]
    fn requests_are_numbered_wherever_a_number_belongs() {
        for more in ["", "0123456789012345678901234567890123456789012345678901234567890123456789"] {
            let request = Request::new("chat.send", &json!({"key": format!("k-{NUMBER}"), "more": more}));
            let mut out = Vec::new();
            request.append(4711, &mut out);
            let value: Value = serde_json::from_str(&unmasked(&out)).unwrap();
            assert_eq!((&value["id"], &value["params"]["key"]), (&json!("00004711"), &json!("k-00004711")));
        }
    }

    #[test]
    fn frames_are_found_when_they_are_whole() {
        let bytes = [0x81, 2, b'h', b'i', 0x81, 126, 0, 1, b'x', 0x8a];
        assert_eq!(next_frame(&bytes).unwrap(), Some((1, &b"hi"[..], 4)));
        assert_eq!(next_frame(&bytes[4..]).unwrap(), Some((1, &b"x"[..], 5)));
        assert_eq!(next_frame(&bytes[4..8]).unwrap(), None);
        assert_eq!(next_frame(&bytes[9..]).unwrap(), None);
        assert!(next_frame(&[0x01, 0]).is_err() && next_frame(&[0x81, 0x80]).is_err());
    }

    #[test]
    fn a_fast_wrong_answer_is_noticed() {
        let good = br#"{"type":"res","id":"00000012","ok":true,"payload":{"ok":true,"agents":[]}}"#;
        let Kind::Answer(12, payload) = Kind::of(good) else { panic!() };
        let mut expected = Expected::keys(&["ok", "agents"]);
        assert!(expected.is_met(payload) && expected.is_met(payload));
        let empty = br#"{"type":"res","id":"00000012","ok":true,"payload":{}}"#;
        let Kind::Answer(12, payload) = Kind::of(empty) else { panic!() };
        assert!(!Expected::keys(&["ok", "agents"]).is_met(payload));
        let long = format!("{{\"ok\":true,\"agents\":[{}1]}}}}", "1,".repeat(20));
        assert!(expected.is_met(long.as_bytes()), "longer, but parsed and good");
        assert!(!expected.is_met(payload), "much shorter than the last");
        for other in [
            &br#"{"type":"res","id":"00000012","ok":false,"error":{}}"#[..],
            br#"{"type":"res","id":"x","ok":true,"payload":{}}"#,
            b"",
        ] {
            assert_eq!(Kind::of(other), Kind::Other);
        }
        assert_eq!(Kind::of(br#"{"type":"event","event":"tick"}"#), Kind::Event);
    }
}

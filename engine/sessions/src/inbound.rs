//! What a client sends, checked before anything else looks at it.
//!
//! Text is brought to one normal form and loses its control characters; attachments must be base64 and small enough.
//! Error texts are upstream's.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pincer_protocol::method::chat::AttachmentParam;
use pincer_protocol::method::chat::attachment::Content;
use pincer_protocol::{ErrorShape, Wire};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::turn::Attachment;

/// Most bytes of one attachment, decoded; upstream's numbers.
pub fn attachment_bytes_max(wire: Wire) -> u64 {
    match wire {
        Wire::V3 => 5_000_000,
        Wire::V4 => 20_000_000,
    }
}

/// A message that may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// In normal form C, without control characters other than tab, line feed and carriage return.
    pub text: String,
    /// Images.
    pub attachments: Vec<Attachment>,
    /// Labels of attachments that are no images, and were passed over; for the log. On v4 the text says so too.
    pub passed_over: Vec<String>,
}

/// Why a message is refused. The client's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundError {
    /// There is neither text nor an attachment.
    Empty,
    /// U+0000 stands in the text.
    NullBytes,
    /// An attachment is not base64.
    NotBase64 {
        /// Which: its name, its type, or its number.
        label: String,
    },
    /// An attachment is too large.
    TooLarge {
        /// Which.
        label: String,
        /// Its size.
        bytes: u64,
        /// What is allowed.
        bytes_max: u64,
    },
}

impl fmt::Display for InboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InboundError::Empty => f.write_str("message or attachment required"),
            InboundError::NullBytes => f.write_str("message must not contain null bytes"),
            // "Error:" is part of what clients see: upstream passes an exception on.
            InboundError::NotBase64 { label } => {
                write!(f, "Error: attachment {label}: invalid base64 content")
            }
            InboundError::TooLarge { label, bytes, bytes_max } => {
                write!(f, "Error: attachment {label}: exceeds size limit ({bytes} > {bytes_max} bytes)")
            }
        }
    }
}

impl std::error::Error for InboundError {}

impl From<InboundError> for ErrorShape {
    fn from(error: InboundError) -> ErrorShape {
        ErrorShape::invalid(error.to_string())
    }
}

/// Checks a message and what came with it.
pub fn receive(wire: Wire, message: &str, attachments: &[AttachmentParam]) -> Result<Inbound, InboundError> {
    let mut text = clean_text(message)?.into_owned();
    let given = attachments.iter().enumerate().filter_map(|(index, item)| match &item.content {
        Content::Text(content) if !content.is_empty() => Some((index, item, content.as_str())),
        _ => None,
    });
    if text.trim().is_empty() && given.clone().next().is_none() {
        return Err(InboundError::Empty);
    }
    let (mut images, mut passed_over) = (Vec::new(), Vec::new());
    for (index, item, content) in given {
        let label = label(item, index);
        let file = decode(wire, item, &label, content)?;
        if file.mime_type.starts_with("image/") {
            images.push(file);
            continue;
        }
        if wire == Wire::V4 {
            // Nothing here can open it, so the model is at least told that it was there.
            let name = file.file_name.as_deref().unwrap_or(&label);
            text.push_str(&format!(
                "\n\n[Attached file {name} ({}, {} bytes) cannot be shown here]",
                file.mime_type, file.bytes
            ));
        }
        passed_over.push(label);
    }
    if text.trim().is_empty() && images.is_empty() {
        return Err(InboundError::Empty);
    }
    Ok(Inbound { text, attachments: images, passed_over })
}

/// Text in normal form C without control characters other than tab, line feed and carriage return.
pub fn clean_text(text: &str) -> Result<Cow<'_, str>, InboundError> {
    if text.contains('\0') {
        return Err(InboundError::NullBytes);
    }
    let unwanted = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let plain = match text.contains(unwanted) {
        true => Cow::Owned(text.chars().filter(|c| !unwanted(*c)).collect()),
        false => Cow::Borrowed(text),
    };
    // Last, as taking something out may bring a letter and its accent together.
    if is_nfc(&plain) { Ok(plain) } else { Ok(Cow::Owned(plain.nfc().collect())) }
}

/// What an attachment is called in error texts.
fn label(item: &AttachmentParam, index: usize) -> String {
    let named = item.file_name.clone().or_else(|| item.kind.clone());
    let name = named.unwrap_or_else(|| format!("attachment-{}", index + 1));
    // Names come from outside and go into texts and logs.
    name.chars().filter(|c| !c.is_control()).take(120).collect()
}

fn decode(
    wire: Wire,
    item: &AttachmentParam,
    label: &str,
    content: &str,
) -> Result<Attachment, InboundError> {
    let content = content.trim();
    let (claimed, data) = match content.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((mime, data)) => (Some(mime), data),
        None => (None, content),
    };
    let bytes = base64_bytes(data).ok_or_else(|| InboundError::NotBase64 { label: label.to_owned() })?;
    let bytes_max = attachment_bytes_max(wire);
    if bytes > bytes_max {
        return Err(InboundError::TooLarge { label: label.to_owned(), bytes, bytes_max });
    }
    // What the bytes say counts more than what the client says.
    let said = item.mime_type.as_deref().or(claimed).map(plain_mime).filter(|mime| !mime.is_empty());
    let mime_type = match sniff(data) {
        Some(mime) => mime.to_owned(),
        None => said.unwrap_or_else(|| "application/octet-stream".to_owned()),
    };
    let file_name = item.file_name.is_some().then(|| label.to_owned());
    Ok(Attachment { mime_type, file_name, data: data.to_owned(), bytes })
}

/// How many bytes a base64 text stands for; `None` when it is none. Nothing is decoded: this may be megabytes.
fn base64_bytes(data: &str) -> Option<u64> {
    let digits = data.trim_end_matches('=');
    let padding = data.len() - digits.len();
    let shaped = !digits.is_empty()
        && data.len().is_multiple_of(4)
        && padding <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    shaped.then(|| data.len() as u64 / 4 * 3 - padding as u64)
}

/// `image/PNG; charset=x` as `image/png`.
fn plain_mime(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What the first bytes say a file is.
fn sniff(data: &str) -> Option<&'static str> {
    const HEAD: usize = 32; // base64 digits: 24 bytes
    let head = data.get(..HEAD.min(data.len() / 4 * 4))?;
    let bytes = STANDARD.decode(head).ok()?;
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let brand = |name: &[u8]| at(4, b"ftyp") && at(8, name);
    Some(match () {
        () if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        () if at(0, b"\xff\xd8\xff") => "image/jpeg",
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => "image/gif",
        () if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if at(0, b"BM") && at(6, b"\0\0\0\0") => "image/bmp",
        () if at(0, b"II*\0") || at(0, b"MM\0*") => "image/tiff",
        () if brand(b"avif") => "image/avif",
        () if brand(b"heic") || brand(b"heix") || brand(b"mif1") => "image/heic",
        () if at(4, b"ftyp") => "video/mp4",
        () if at(0, b"%PDF-") => "application/pdf",
        () if at(0, b"PK\x03\x04") => "application/zip",
        () if at(0, b"\x1f\x8b") => "application/gzip",
        () if at(0, b"OggS") => "audio/ogg",
        () if at(0, b"ID3") => "audio/mpeg",
        () if at(0, b"RIFF") && at(8, b"WAVE") => "audio/wav",
        () if at(0, b"\x1a\x45\xdf\xa3") => "video/webm",
        () if at(0, b"\x7fELF") => "application/x-elf",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    fn item(kind: &str, mime: &str, name: &str, content: &str) -> AttachmentParam {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        AttachmentParam {
            kind: some(kind),
            mime_type: some(mime),
            file_name: some(name),
            content: Content::Text(content.to_owned()),
        }
    }

    #[track_caller]
    fn check(wire: Wire, text: &str, items: &[AttachmentParam], want: Result<(&str, &[&str]), &str>) {
        let got = receive(wire, text, items);
        let mimes: Vec<&str> =
            got.iter().flat_map(|got| &got.attachments).map(|a| a.mime_type.as_str()).collect();
        let got = got.as_ref().map(|got| (got.text.as_str(), &mimes[..])).map_err(ToString::to_string);
        assert_eq!(got, want.map_err(str::to_owned));
    }

    #[test]
    fn text_is_cleaned_or_refused() {
        for wire in [Wire::V3, Wire::V4] {
            check(wire, "hello", &[], Ok(("hello", &[])));
            check(wire, "", &[], Err("message or attachment required"));
            check(wire, " \n ", &[], Err("message or attachment required"));
            check(wire, "a\0b", &[], Err("message must not contain null bytes"));
            check(wire, "\u{1}\u{1b}", &[], Err("message or attachment required"));
            check(wire, "a\u{1}\tb\r\n\u{7f}c\u{85}", &[], Ok(("a\tb\r\nc", &[])));
            check(wire, "e\u{301}", &[], Ok(("\u{e9}", &[])));
            check(wire, "e\u{1}\u{301}", &[], Ok(("\u{e9}", &[])));
        }
    }

    #[test]
    fn attachments_are_checked() {
        let png = item("image", "image/png", "p.png", PNG);
        check(Wire::V3, "see", std::slice::from_ref(&png), Ok(("see", &["image/png"])));
        check(Wire::V3, "", &[png], Ok(("", &["image/png"])));
        let url = item("", "", "", &format!("data:image/png;base64,{PNG}"));
        check(Wire::V3, "see", &[url], Ok(("see", &["image/png"])));
        let bad = item("image", "image/png", "a.png", "!!!");
        check(Wire::V3, "x", &[bad], Err("Error: attachment a.png: invalid base64 content"));
        check(
            Wire::V3,
            "x",
            &[item("image", "", "", "AAA")],
            Err("Error: attachment image: invalid base64 content"),
        );
        let unknown = item("", "image/x-mine", "", "AAAA");
        check(Wire::V3, "x", &[unknown], Ok(("x", &["image/x-mine"])));
        let large = item("", "image/png", "", &"A".repeat(7_000_000));
        check(
            Wire::V3,
            "x",
            std::slice::from_ref(&large),
            Err("Error: attachment attachment-1: exceeds size limit (5250000 > 5000000 bytes)"),
        );
        check(Wire::V4, "x", &[large], Ok(("x", &["image/png"])));
    }

    #[test]
    fn what_is_no_image_is_passed_over() {
        let pdf = item("file", "application/pdf", "a.pdf", &STANDARD.encode(b"%PDF-1.7 and so on"));
        check(Wire::V3, "x", std::slice::from_ref(&pdf), Ok(("x", &[])));
        check(Wire::V3, "", std::slice::from_ref(&pdf), Err("message or attachment required"));
        let note = "x\n\n[Attached file a.pdf (application/pdf, 18 bytes) cannot be shown here]";
        check(Wire::V4, "x", std::slice::from_ref(&pdf), Ok((note, &[])));
        assert_eq!(receive(Wire::V3, "x", &[pdf]).unwrap().passed_over, ["a.pdf"]);
        // A client may call anything an image.
        let liar = item("", "image/png", "", &STANDARD.encode(b"PK\x03\x04...."));
        check(Wire::V3, "x", &[liar], Ok(("x", &[])));
        let absent = AttachmentParam { content: Content::Other, ..AttachmentParam::default() };
        check(Wire::V3, "x", &[absent, AttachmentParam::default()], Ok(("x", &[])));
    }

    proptest! {
        #[test]
        fn cleaning_is_done_once(text in ".*") {
            if let Ok(once) = clean_text(&text) {
                prop_assert!(once.chars().all(|c| !c.is_control() || "\t\n\r".contains(c)));
                prop_assert_eq!(clean_text(&once).unwrap(), once.clone());
            } else {
                prop_assert!(text.contains('\0'));
            }
        }

        #[test]
        fn sizes_are_those_of_the_bytes(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            prop_assert_eq!(base64_bytes(&STANDARD.encode(&bytes)), Some(bytes.len() as u64));
        }

        #[test]
        fn no_content_does_harm(content in ".*", name in ".*", wire in 0..2) {
            let wire = if wire == 0 { Wire::V3 } else { Wire::V4 };
            drop(receive(wire, "x", &[item("", &name, &name, &content)]));
        }
    }
}

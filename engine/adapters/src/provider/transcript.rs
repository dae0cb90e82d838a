//! Test support: an answer's bytes in, one line a thing said out.

use crate::model::{
    Api, Effort, Endpoint, Message, ModelEvent, ModelRequest, Part, ProviderError, Secret, Speaker,
};
use crate::provider::{Provider, StreamDecoder};

/// Reads `stream` in one piece, byte by byte, and cut in two at every position: what was said must always be `expect`.
#[track_caller]
pub(super) fn check(provider: &dyn Provider, stream: &str, expect: &[&str]) {
    let bytes = stream.as_bytes();
    assert_eq!(read(provider, &[bytes]), expect, "in one piece");
    assert_eq!(read(provider, &bytes.chunks(1).collect::<Vec<_>>()), expect, "byte by byte");
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(read(provider, &[a, b]), expect, "cut at {cut}");
    }
}

/// What a decoder says of `pieces`, ending with `end`, or with the failure.
pub(super) fn read(provider: &dyn Provider, pieces: &[&[u8]]) -> Vec<String> {
    let mut decoder = provider.decoder();
    let mut out = Vec::new();
    let result = feed_all(decoder.as_mut(), pieces, &mut out);
    let mut lines: Vec<String> = out.iter().map(show).collect();
    lines.push(match result {
        Ok(()) => "end".to_owned(),
        Err(error) => show_error(&error),
    });
    lines
}

fn feed_all(
    decoder: &mut (dyn StreamDecoder + Send),
    pieces: &[&[u8]],
    out: &mut Vec<ModelEvent>,
) -> Result<(), ProviderError> {
    for piece in pieces {
        decoder.feed(piece, out)?;
    }
    decoder.finish(out)
}

pub(super) fn show(event: &ModelEvent) -> String {
    match event {
        ModelEvent::Text(text) => format!("text {text}"),
        ModelEvent::Thinking(text) => format!("think {text}"),
        ModelEvent::Stop(reason) => format!("stop {reason:?}"),
        ModelEvent::Usage(u) => {
            let (read, write) = (u.cache_read, u.cache_write);
            format!("usage in {} out {} read {read} write {write} total {}", u.input, u.output, u.total)
        }
    }
}

pub(super) fn show_error(error: &ProviderError) -> String {
    format!("{:?} {:?} {}", error.kind, error.status, error.message)
}

/// A request with one word from the user.
pub(super) fn request(api: Api, base_url: &str) -> ModelRequest {
    ModelRequest {
        endpoint: Endpoint {
            provider: "mock".to_owned(),
            model: "mock-1".to_owned(),
            api,
            base_url: base_url.to_owned(),
            api_key: Secret::new("sk-test-1234567890"),
            headers: Vec::new(),
        },
        system: String::new(),
        messages: vec![say(Speaker::User, "hello")],
        tokens_max: None,
        effort: None,
        timeout_ms: 1000,
    }
}

pub(super) fn say(speaker: Speaker, text: &str) -> Message {
    Message { speaker, parts: vec![Part::Text(text.to_owned())] }
}

pub(super) fn image(mime: &str, data: &str) -> Part {
    Part::Image { mime: mime.to_owned(), data: data.to_owned() }
}

/// Every effort.
pub(super) const EFFORTS: [Effort; 4] = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];

//! The frame around every answer: an event stream, or plain JSON from a server that cannot stream.

use crate::model::{ModelEvent, ProviderError, ProviderErrorKind};
use crate::provider::StreamDecoder;
use crate::provider::sse::{SseEvent, SseParser};

/// Most bytes of an answer that is not a stream.
pub const WHOLE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What one API's answer is made of.
pub(super) trait Answer {
    /// One event of the stream.
    fn event(&mut self, event: SseEvent<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError>;

    /// The answer as one JSON object.
    fn whole(&mut self, json: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError>;

    /// Whether the last word was said, so that nothing of interest can follow.
    fn is_complete(&self) -> bool;

    /// Whether the body may end here: the answer is not cut.
    fn may_end(&self) -> bool {
        self.is_complete()
    }
}

/// Reads an [`Answer`] from bytes. The first byte tells which frame it is: a stream's lines begin with a field name or
/// a colon, JSON with a brace. Content types are not asked, because servers get them wrong.
pub(super) struct Decoder<A> {
    frame: Frame,
    answer: A,
}

enum Frame {
    Unknown,
    Stream(SseParser),
    Whole(Vec<u8>),
}

impl<A: Answer> Decoder<A> {
    pub(super) fn new(answer: A) -> Decoder<A> {
        Decoder { frame: Frame::Unknown, answer }
    }
}

impl<A: Answer> StreamDecoder for Decoder<A> {
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        if let Frame::Unknown = self.frame {
            // Space before the first byte belongs to neither frame, however it was cut.
            bytes = bytes.trim_ascii_start();
            match bytes.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => self.frame = Frame::Whole(Vec::new()),
                Some(_) => self.frame = Frame::Stream(SseParser::default()),
            }
        }
        match &mut self.frame {
            Frame::Unknown => Ok(()),
            Frame::Stream(parser) => parser.feed(bytes, |event| self.answer.event(event, out)),
            Frame::Whole(json) if json.len() + bytes.len() > WHOLE_BYTES_MAX => {
                Err(ProviderError::new(ProviderErrorKind::Protocol, "the provider's answer is too large"))
            }
            Frame::Whole(json) => {
                json.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        match &mut self.frame {
            Frame::Unknown => {
                return Err(ProviderError::new(
                    ProviderErrorKind::Protocol,
                    "the provider's answer is empty",
                ));
            }
            Frame::Stream(parser) => parser.finish(|event| self.answer.event(event, out))?,
            Frame::Whole(json) => self.answer.whole(json, out)?,
        }
        if self.answer.may_end() {
            return Ok(());
        }
        Err(ProviderError::new(
            ProviderErrorKind::Network,
            "the provider's stream ended before the answer did",
        ))
    }

    fn is_complete(&self) -> bool {
        self.answer.is_complete()
    }
}

/// More text, joined to text that is last in `out`. Nothing for nothing.
pub(super) fn push_text(out: &mut Vec<ModelEvent>, text: &str) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(ModelEvent::Text(last)) => last.push_str(text),
        _ => out.push(ModelEvent::Text(text.to_owned())),
    }
}

/// More reasoning, joined like text.
pub(super) fn push_thinking(out: &mut Vec<ModelEvent>, text: &str) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(ModelEvent::Thinking(last)) => last.push_str(text),
        _ => out.push(ModelEvent::Thinking(text.to_owned())),
    }
}

/// What came is not what the API promises.
pub(super) fn malformed(what: &str) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Protocol, format!("the provider sent a malformed {what}"))
}

//! Server-sent events, read in pieces.
//!
//! A parser for the stream format of the HTML standard, bounded, and forgiving where providers differ: the blank line
//! after the last event may be missing, and `id` and `retry` are skipped because nobody reconnects to a model's answer.

use crate::model::{ProviderError, ProviderErrorKind};

/// Longest line. A delta is a few hundred bytes; whole answers in one event stay far below.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Most data of one event, over all its lines.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// One event. The data lives until the next one is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// Its `event` field; empty when it had none.
    pub name: &'a [u8],
    /// Its `data` lines, joined by line feeds. Not checked to be UTF-8.
    pub data: &'a [u8],
}

/// Why a stream was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SseError {
    /// A line grew past [`LINE_BYTES_MAX`].
    LineTooLong,
    /// An event grew past [`EVENT_BYTES_MAX`].
    EventTooLong,
}

impl From<SseError> for ProviderError {
    fn from(error: SseError) -> ProviderError {
        let message = match error {
            SseError::LineTooLong => "the provider's stream has a line that is too long",
            SseError::EventTooLong => "the provider's stream has an event that is too large",
        };
        ProviderError::new(ProviderErrorKind::Protocol, message)
    }
}

/// Reads a stream in pieces cut anywhere. Holds at most one line and one event.
#[derive(Debug, Default)]
pub struct SseParser {
    /// A line whose end has not come yet.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// The current event has a `data` field, though it may be empty.
    has_data: bool,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_cr: bool,
    /// Bytes of the byte order mark seen so far, or past it.
    started: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl SseParser {
    /// Takes the next bytes and calls `on_event` for each event that ended in them. Stops at the first error of either
    /// side; the parser must not be used after one.
    pub fn feed<E: From<SseError>>(
        &mut self,
        mut bytes: &[u8],
        mut on_event: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) {
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.hold(bytes).map_err(E::from);
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.line_ended(line, &mut on_event)?;
            } else {
                self.hold(line)?;
                let whole = std::mem::take(&mut self.line);
                let result = self.line_ended(&whole, &mut on_event);
                // Keeps the allocation for the next cut line.
                self.line = whole;
                self.line.clear();
                result?;
            }
        }
        Ok(())
    }

    /// The stream has ended: an event whose blank line is missing counts.
    pub fn finish<E: From<SseError>>(
        &mut self,
        mut on_event: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line_ended(&line, &mut on_event)?;
        }
        self.event_ended(&mut on_event)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len() + bytes.len() > LINE_BYTES_MAX {
            return Err(SseError::LineTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_ended<E: From<SseError>>(
        &mut self,
        mut line: &[u8],
        on_event: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if line.len() > LINE_BYTES_MAX {
            return Err(SseError::LineTooLong.into());
        }
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return self.event_ended(on_event);
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default()),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => self.data_line(value).map_err(E::from),
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
                Ok(())
            }
            // A comment (empty field), `id`, `retry`, or something unknown.
            _ => Ok(()),
        }
    }

    fn data_line(&mut self, value: &[u8]) -> Result<(), SseError> {
        let separator = usize::from(self.has_data);
        if self.data.len() + separator + value.len() > EVENT_BYTES_MAX {
            return Err(SseError::EventTooLong);
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn event_ended<E>(&mut self, on_event: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>) -> Result<(), E> {
        let result = match self.has_data {
            true => on_event(SseEvent { name: &self.name, data: &self.data }),
            false => Ok(()),
        };
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        result
    }
}

#[cfg(test)]
mod tests;

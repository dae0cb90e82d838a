//! Text that is being read, and where its bytes stand in the judged command.

use crate::Span;

/// A script's text. Reading past its end is the end, never a fault.
pub(crate) struct Source<'t> {
    bytes: &'t [u8],
    /// Set for text that does not stand in the command as such (decoded, unquoted): all of it is pointed at by the word
    /// that it came from.
    origin: Option<Span>,
    /// End of the line that the last here-document was announced on, and where reading goes on behind the documents.
    pub(crate) documents: Option<(usize, usize)>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(bytes: &'t [u8], origin: Option<Span>) -> Self {
        Self { bytes, origin, documents: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte at `at`; 0 behind the end. For looking ahead only: a text may hold zeroes.
    pub(crate) fn peek(&self, at: usize) -> u8 {
        self.get(at).unwrap_or(0)
    }

    pub(crate) fn slice(&self, from: usize, to: usize) -> &'t [u8] {
        self.bytes.get(from..to.min(self.bytes.len())).unwrap_or_default()
    }

    pub(crate) fn starts(&self, at: usize, with: &[u8]) -> bool {
        self.slice(at, at.saturating_add(with.len())) == with
    }

    pub(crate) fn span(&self, from: usize, to: usize) -> Span {
        // Readers may step behind the end of a text that stops too early.
        let start = from.min(self.bytes.len());
        let end = to.clamp(start, self.bytes.len());
        self.origin.unwrap_or(Span { start: start as u32, end: end as u32 })
    }

    /// Position of the next `byte` at or behind `at`, or the end.
    pub(crate) fn find(&self, at: usize, byte: u8) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter().position(|&b| b == byte).map_or(self.bytes.len(), |found| at + found)
    }
}

/// Whether `byte` can stand in a name.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

//! Time, as the caller supplies it.

/// One moment, on both clocks. Deadlines use `mono_ms`; everything a person or a file sees uses `wall_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Milliseconds on a clock that never steps back; its zero means nothing.
    pub mono_ms: u64,
    /// Milliseconds since 1970, UTC.
    pub wall_ms: u64,
}

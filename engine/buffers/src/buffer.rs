//! One leased buffer.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A growable byte vector on loan from a [`Pool`](crate::Pool).
///
/// Give it back with [`Pool::restore`](crate::Pool::restore), or turn it into shared bytes with
/// [`Pool::freeze`](crate::Pool::freeze). Dropping one frees its memory but leaves it counted as leased, because it
/// does not know its pool: do that only when the pool goes too.
///
/// `Buffer::default()` owns nothing, allocates nothing and was leased from nobody; restoring it does nothing.
#[derive(Default)]
pub struct Buffer {
    pub(crate) bytes: Vec<u8>,
    /// What the pool counted for this lease. The vector may have grown since; the pool learns that on return.
    pub(crate) counted: usize,
}

impl Buffer {
    /// Whether this owns no memory at all, as after `Buffer::default()`.
    pub fn is_unallocated(&self) -> bool {
        self.bytes.capacity() == 0
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Sizes only: contents may be anybody's secret.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.bytes.len())
            .field("capacity", &self.bytes.capacity())
            .finish()
    }
}

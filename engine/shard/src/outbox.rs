//! What waits to be written to one connection.
//!
//! Whole WebSocket frames, one after another in one buffer, so that everything one input caused leaves in one write. A
//! connection with nothing to say owns no memory.

use pincer_buffers::{Buffer, Pool};

/// Consumed bytes are moved away once there are this many and they are more than half of the buffer.
const COMPACT_BYTES: usize = 64 << 10;

/// Bounds of a first lease. A buffer that grows is copied each time it doubles; one that is too large only waits in the pool.
const LEASE_BYTES_MIN: usize = 512;
const LEASE_BYTES_MAX: usize = 64 << 10;

/// Outgoing bytes of a connection.
#[derive(Default)]
pub(crate) struct Outbox {
    buffer: Option<Buffer>,
    /// Bytes of `buffer` already written.
    head: usize,
    /// Where the frame begins that `head` is in (equal to `head` between frames).
    frame: usize,
    /// Bytes that the last buffer held when it was written: what the next will hold, most likely.
    usual: u32,
}

impl Outbox {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.len() - self.head)
    }

    /// What waits.
    pub(crate) fn pending(&self) -> &[u8] {
        self.buffer.as_ref().and_then(|buffer| buffer.get(self.head..)).unwrap_or_default()
    }

    /// Lets `write` append whole frames; returns how many bytes it appended.
    pub(crate) fn append(&mut self, pool: &mut Pool, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let usual = (self.usual as usize).clamp(LEASE_BYTES_MIN, LEASE_BYTES_MAX);
        let buffer = self.buffer.get_or_insert_with(|| pool.lease(usual));
        let before = buffer.len();
        write(buffer);
        buffer.len().saturating_sub(before)
    }

    /// `count` bytes of [`Outbox::pending`] were written.
    pub(crate) fn consume(&mut self, pool: &mut Pool, count: usize) {
        let Some(buffer) = &mut self.buffer else { return };
        self.head = (self.head + count).min(buffer.len());
        if self.head == buffer.len() {
            (self.head, self.frame) = (0, 0);
            if let Some(buffer) = self.buffer.take() {
                self.usual = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                pool.restore(buffer);
            }
            return;
        }
        self.frame = frame_at(buffer, self.frame, self.head);
        if self.frame > COMPACT_BYTES && self.frame > buffer.len() / 2 {
            buffer.drain(..self.frame);
            self.head -= self.frame;
            self.frame = 0;
        }
    }

    /// Drops every frame the peer has not begun to receive, to make room for a last word.
    pub(crate) fn drop_unbegun(&mut self) {
        let Some(buffer) = &mut self.buffer else { return };
        let end = if self.frame == self.head { self.head } else { frame_end(buffer, self.frame) };
        buffer.truncate(end);
    }

    /// Gives the memory back.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        if let Some(buffer) = self.buffer.take() {
            pool.restore(buffer);
        }
        (self.head, self.frame) = (0, 0);
    }
}

/// End of the frame that begins at `at`: our own frames, unmasked, header lengths as RFC 6455 has them.
fn frame_end(bytes: &[u8], at: usize) -> usize {
    let Some(second) = bytes.get(at + 1) else { return bytes.len() };
    let number = |from: usize, len: usize| {
        bytes
            .get(from..from + len)
            .map(|part| part.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    let end = match second & 0x7f {
        126 => number(at + 2, 2).map(|len| at + 4 + len),
        127 => number(at + 2, 8).map(|len| at + 10 + len),
        len => Some(at + 2 + usize::from(len)),
    };
    end.unwrap_or(bytes.len()).min(bytes.len())
}

/// Start of the frame that holds `head`, searched from the frame start `from`; `head` itself on a boundary.
fn frame_at(bytes: &[u8], from: usize, head: usize) -> usize {
    let mut at = from;
    while at < head {
        let end = frame_end(bytes, at);
        if end > head {
            return at;
        }
        at = end;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        Pool::new(crate::limits::Limits::default().pool())
    }

    fn frame(out: &mut Vec<u8>, len: usize) {
        pincer_ws::encode::append_text(out, &vec![b'x'; len]);
    }

    #[test]
    fn memory_goes_back_when_all_is_written() {
        let (mut pool, mut outbox) = (pool(), Outbox::default());
        outbox.append(&mut pool, |out| frame(out, 10));
        assert_eq!(outbox.len(), 12);
        outbox.consume(&mut pool, 5);
        assert_eq!(outbox.pending().len(), 7);
        outbox.consume(&mut pool, 7);
        assert_eq!(outbox.len(), 0);
        assert!(outbox.buffer.is_none());
    }

    #[test]
    fn the_next_buffer_has_room_for_as_much_as_the_last_held() {
        let (mut pool, mut outbox) = (pool(), Outbox::default());
        for _turn in 0..3 {
            for _ in 0..16 {
                outbox.append(&mut pool, |out| frame(out, 1_000));
            }
            let pending = outbox.len();
            outbox.consume(&mut pool, pending);
        }
        assert_eq!((pool.stats().allocated, pool.stats().reused), (1, 2));
    }

    #[test]
    fn only_frames_not_begun_are_dropped() {
        for (written, left) in [(0, 0), (12, 0), (13, 203), (12 + 204, 0), (12 + 204 + 1, 70_009)] {
            let (mut pool, mut outbox) = (pool(), Outbox::default());
            for len in [10, 200, 70_000, 5] {
                outbox.append(&mut pool, |out| frame(out, len));
            }
            outbox.consume(&mut pool, written);
            outbox.drop_unbegun();
            assert_eq!(outbox.len(), left, "after {written}");
        }
    }
}

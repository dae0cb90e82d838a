//! From a core's outbox to a socket.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;

use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core};
use rustix::io::retry_on_intr;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use crate::gauges::ShardGauges;

/// Slices in one write. A turn's answers to one connection are rarely more.
const SLICES_MAX: usize = 8;

/// Most bytes kept for a socket that has parted from its core; far above any outbox limit.
const TAIL_BYTES_MAX: usize = 256 << 20;

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing is left.
    All,
    /// The socket takes no more now.
    Some,
    /// The connection is gone.
    Failed,
}

/// Writes what waits for `conn` until nothing does or the socket takes no more.
pub(crate) fn write<C: Core>(
    core: &mut C,
    conn: ConnId,
    handle: &impl AsFd,
    now: Now,
    gauges: &ShardGauges,
) -> Sent {
    loop {
        let mut slices: [&[u8]; SLICES_MAX] = [&[]; SLICES_MAX];
        let count = core.outgoing(conn, &mut slices).min(SLICES_MAX);
        let slices = slices.get(..count).unwrap_or_default();
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        if offered == 0 {
            return Sent::All;
        }
        match send(handle, slices) {
            Ok(bytes) => {
                gauges.bytes_out.add(bytes as u64);
                core.written(now, conn, bytes);
                if bytes < offered {
                    // The buffer is full; asking again would only cost a call to hear so.
                    return Sent::Some;
                }
                if count < SLICES_MAX {
                    return Sent::All;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Some,
            Err(_) => return Sent::Failed,
        }
    }
}

/// Takes what waits for `conn` away from the core, as if it had been written.
pub(crate) fn take<C: Core>(core: &mut C, conn: ConnId, now: Now) -> Vec<u8> {
    let mut tail = Vec::new();
    while tail.len() < TAIL_BYTES_MAX {
        let before = tail.len();
        let mut slices: [&[u8]; SLICES_MAX] = [&[]; SLICES_MAX];
        let count = core.outgoing(conn, &mut slices);
        for slice in slices.iter().take(count) {
            tail.extend_from_slice(slice);
        }
        let taken = tail.len() - before;
        if taken == 0 {
            break;
        }
        core.written(now, conn, taken);
    }
    tail
}

/// One write that never waits and never raises SIGPIPE.
pub(crate) fn send(handle: &impl AsFd, slices: &[&[u8]]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    if let [slice] = slices {
        // The usual case, and the cheaper call.
        return Ok(retry_on_intr(|| rustix::net::send(handle, slice, flags))?);
    }
    let mut vectors = [IoSlice::new(&[]); SLICES_MAX];
    for (vector, slice) in vectors.iter_mut().zip(slices) {
        *vector = IoSlice::new(slice);
    }
    let vectors = vectors.get(..slices.len()).unwrap_or(&vectors);
    let mut nothing = SendAncillaryBuffer::default();
    Ok(retry_on_intr(|| sendmsg(handle, vectors, &mut nothing, flags))?)
}

//! Reading and accepting, as both backends do it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use pincer_shard::driver::Peer;
use rustix::io::retry_on_intr;
use rustix::net::RecvFlags;
use socket2::SockRef;

/// Size of a shard's one read buffer, shared by all its connections.
pub(crate) const READ_BUFFER_BYTES: usize = 64 << 10;

/// Full buffers read from one connection before others get their turn.
pub(crate) const READS_PER_TURN: usize = 4;

/// Connections accepted from one listener before the others get their turn.
pub(crate) const ACCEPTS_PER_TURN: usize = 64;

/// How long accepting pauses when the process has no descriptors or memory left. Retrying at once would only spin.
pub(crate) const ACCEPT_PAUSE_MS: u64 = 100;

/// One `recv` that never waits. `Ok(0)`: the peer has closed its side.
///
/// A system call without libc's wrapper: that is a cancellation point, which costs more than the rest of it.
pub(crate) fn recv(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (got, _) = retry_on_intr(|| rustix::net::recv(socket, &mut *buffer, RecvFlags::DONTWAIT))?;
    Ok(got)
}

/// What a failed `accept` calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AcceptFailure {
    /// Nobody waits.
    Nobody,
    /// That one went away before we took it; take the next.
    Gone,
    /// No descriptors or memory are left: pause.
    Exhausted,
}

/// Sorts the errors of accept(2). Network errors of a connection that is pending show up here too.
pub(crate) fn accept_failure(error: &io::Error) -> AcceptFailure {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => AcceptFailure::Nobody,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => AcceptFailure::Exhausted,
        _ => AcceptFailure::Gone,
    }
}

/// Both ends of an accepted connection; also turns Nagle's algorithm off: frames leave when they are complete, and
/// waiting for more to send only delays them. `None`: the peer has gone already.
pub(crate) fn greet(socket: &impl AsFd, remote: Option<SocketAddr>, listening: SocketAddr) -> Option<Peer> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true).ok()?;
    let remote = match remote {
        Some(remote) => remote,
        None => socket.peer_addr().ok()?.as_socket()?,
    };
    let local = match listening.ip().is_unspecified() {
        true => socket.local_addr().ok()?.as_socket()?,
        false => listening,
    };
    Some(Peer { remote, local })
}

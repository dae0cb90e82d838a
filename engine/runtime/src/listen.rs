//! Listening sockets, one per shard and address.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::rlimit;

/// Connections the kernel keeps for us before they are accepted; it cuts this to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// An address that could not be listened on.
#[derive(Debug)]
pub struct ListenError {
    /// Which.
    pub addr: SocketAddr,
    /// Why.
    pub error: io::Error,
}

impl std::fmt::Display for ListenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ListenError { addr, error } = self;
        write!(f, "cannot listen on {addr}: {error}")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                f.write_str("; another program has the port: stop it or choose another")
            }
            io::ErrorKind::PermissionDenied => f.write_str("; ports below 1024 need CAP_NET_BIND_SERVICE"),
            io::ErrorKind::AddrNotAvailable => f.write_str("; no network interface has this address"),
            _ => f.write_str(rlimit::cure(error)),
        }
    }
}

impl std::error::Error for ListenError {}

/// The machine's own addresses: `127.0.0.1`, and `[::1]` where there is IPv6. Clients that look up `localhost` may try
/// either.
pub fn loopback(port: u16) -> Vec<SocketAddr> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let has_v6 =
        socket(v6).and_then(|socket| socket.bind(&SocketAddr::from((Ipv6Addr::LOCALHOST, 0)).into()));
    if has_v6.is_ok() { vec![v4, v6] } else { vec![v4] }
}

/// The listeners of every shard: `result[shard][address]`, and the addresses with their real ports.
///
/// Port 0 takes a free one, and every later address with port 0 takes the same. `overlap` lets two servers of one user
/// share a port, for a restart without a gap; without it a port in use is an error, which SO_REUSEPORT alone would not
/// report.
pub(crate) fn bind_all(
    addrs: &[SocketAddr],
    shards: usize,
    overlap: bool,
) -> Result<(Vec<Vec<TcpListener>>, Vec<SocketAddr>), ListenError> {
    let mut by_shard: Vec<Vec<TcpListener>> = (0..shards).map(|_| Vec::with_capacity(addrs.len())).collect();
    let mut bound: Vec<SocketAddr> = Vec::with_capacity(addrs.len());
    for &wanted in addrs {
        let mut addr = wanted;
        if let (0, Some(first)) = (addr.port(), bound.first()) {
            addr.set_port(first.port());
        }
        let at = |error| ListenError { addr: wanted, error };
        if !overlap && addr.port() != 0 {
            refuse_if_taken(addr).map_err(at)?;
        }
        for listeners in &mut by_shard {
            let listener = bind(addr).map_err(at)?;
            addr = listener.local_addr().map_err(at)?;
            listeners.push(listener);
        }
        bound.push(addr);
    }
    Ok((by_shard, bound))
}

/// Fails when anyone listens on `addr` already. The kernel only compares sockets that do not both set SO_REUSEPORT.
fn refuse_if_taken(addr: SocketAddr) -> io::Result<()> {
    socket(addr)?.bind(&addr.into())
}

fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(addr)?;
    // The kernel spreads connections over all sockets of one port: every shard accepts its own.
    socket.set_reuse_port(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a server that just stopped must not keep its port from us.
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        // `[::]` and `0.0.0.0` can then be asked for side by side.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn all_shards_and_addresses_share_the_first_port() {
        let addrs = loopback(0);
        let (listeners, bound) = bind_all(&addrs, 3, false).unwrap();
        assert_eq!(listeners.len(), 3);
        assert!(listeners.iter().all(|of_shard| of_shard.len() == addrs.len()));
        assert_ne!(bound[0].port(), 0);
        assert!(bound.iter().all(|addr| addr.port() == bound[0].port()));
    }

    #[test]
    fn a_port_in_use_is_refused_unless_overlap_is_asked_for() {
        let (_held, bound) = bind_all(&[local(0)], 1, false).unwrap();
        let error = bind_all(&bound, 1, false).unwrap_err();
        assert_eq!(error.error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("another program has the port"), "{error}");
        bind_all(&bound, 1, true).unwrap();
    }
}

//! Accepts connections of one listener.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::rc::Rc;
use std::time::Duration;

use glommio::net::{TcpListener as Waiter, TcpStream};
use glommio::timer::Timer;
use pincer_shard::driver::Core;

use super::{Link, Shared, YIELD};
use crate::socket::{ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN, AcceptFailure, accept_failure, greet};

/// Runs until the core stops accepting. Waits in the kernel for the first connection, then takes all that are there.
pub(super) async fn accept<C: Core>(shared: Rc<Shared<C>>, listener: TcpListener) {
    let (waiter, addr) = match open(&listener) {
        Ok(open) => open,
        Err(error) => return shared.turn(|engine| engine.accept_paused(&error)),
    };
    while shared.is_accepting() {
        let taken = match waiter.accept().await {
            Ok(stream) => take_all(&shared, &listener, stream, addr),
            Err(error) => Err(error.into()),
        };
        match taken {
            Ok(()) => Timer::new(YIELD).await,
            Err(error) => match accept_failure(&error) {
                AcceptFailure::Nobody => continue,
                AcceptFailure::Gone => Timer::new(YIELD).await,
                AcceptFailure::Exhausted => {
                    shared.turn(|engine| engine.accept_paused(&error));
                    Timer::new(Duration::from_millis(ACCEPT_PAUSE_MS)).await
                }
            },
        };
    }
}

#[allow(unsafe_code)]
fn open(listener: &TcpListener) -> io::Result<(Waiter, SocketAddr)> {
    let addr = listener.local_addr()?;
    let second = listener.try_clone()?;
    // SAFETY: `into_raw_fd` gives up the only owner of this descriptor, and the waiter becomes the next.
    Ok((unsafe { Waiter::from_raw_fd(second.into_raw_fd()) }, addr))
}

/// Takes the connection that ended the wait and those behind it. `Ok`: there may be more.
///
/// glommio's wait needs a listener that blocks, and toggles that around every accept of its own; once a burst is
/// cheaper.
fn take_all<C: Core>(
    shared: &Rc<Shared<C>>,
    listener: &TcpListener,
    first: TcpStream,
    addr: SocketAddr,
) -> io::Result<()> {
    shared.welcome(first, None, addr);
    listener.set_nonblocking(true)?;
    let taken = (1..ACCEPTS_PER_TURN).take_while(|_| shared.is_accepting()).try_for_each(|_| {
        let (stream, remote) = listener.accept()?;
        #[allow(unsafe_code)]
        // SAFETY: `into_raw_fd` gives up the only owner of this descriptor, and the stream becomes the next.
        let stream = unsafe { TcpStream::from_raw_fd(stream.into_raw_fd()) };
        shared.welcome(stream, Some(remote), addr);
        Ok(())
    });
    listener.set_nonblocking(false)?;
    taken
}

impl<C: Core> Shared<C> {
    fn is_accepting(&self) -> bool {
        self.engine.borrow().io.is_accepting()
    }

    fn welcome(self: &Rc<Self>, stream: TcpStream, remote: Option<SocketAddr>, listening: SocketAddr) {
        let link = Link::new(stream);
        let Some(peer) = greet(&link, remote, listening) else { return };
        let token = self.turn(|engine| engine.connected(link, peer));
        if let Some(token) = token {
            self.spawn(Rc::clone(self).serve(token));
        }
    }
}

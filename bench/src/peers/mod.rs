//! The servers that are compared: both backends of the gateway, and what somebody could use instead.

mod fetch;
mod openclaw;
mod server;

use pincer_tests::{Backend, Hello, Wire};

pub(crate) use fetch::{Program, fetch};
pub(crate) use server::{Server, start};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// This gateway on epoll.
    PincerEpoll,
    /// This gateway on io_uring.
    PincerUring,
    /// fastwebsockets on tokio.
    Fastwebsockets,
    /// tokio-tungstenite.
    Tungstenite,
    /// uWebSockets, inside Bun.
    Bun,
    /// OpenClaw of February 2026, protocol 3.
    OpenclawV3,
    /// OpenClaw of September 2026, protocol 4.
    OpenclawV4,
}

impl Peer {
    /// All, ours first, the slow ones last.
    pub(crate) const ALL: [Peer; 7] = [
        Peer::PincerEpoll,
        Peer::PincerUring,
        Peer::Fastwebsockets,
        Peer::Tungstenite,
        Peer::Bun,
        Peer::OpenclawV3,
        Peer::OpenclawV4,
    ];

    /// In arguments and reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::PincerEpoll => "pincer-epoll",
            Peer::PincerUring => "pincer-uring",
            Peer::Fastwebsockets => "fastwebsockets",
            Peer::Tungstenite => "tungstenite",
            Peer::Bun => "bun",
            Peer::OpenclawV3 => "openclaw-2026.2",
            Peer::OpenclawV4 => "openclaw-2026.9",
        }
    }

    /// The one with this name.
    pub(crate) fn named(name: &str) -> Result<Peer, String> {
        Peer::ALL.into_iter().find(|peer| peer.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Peer::ALL.iter().map(|peer| peer.name()).collect();
            format!("`{name}` is none of {}", known.join(", "))
        })
    }

    /// Our own.
    pub(crate) fn backend(self) -> Option<Backend> {
        match self {
            Peer::PincerEpoll => Some(Backend::Epoll),
            Peer::PincerUring => Some(Backend::Uring),
            _ => None,
        }
    }

    /// OpenClaw itself: it does what the gateway does, and takes its time.
    pub(crate) fn is_upstream(self) -> bool {
        matches!(self, Peer::OpenclawV3 | Peer::OpenclawV4)
    }

    /// What a client says to it.
    fn hello(self) -> Hello {
        match self {
            // Without a device 2026.2 grants no scopes.
            Peer::OpenclawV3 => Hello::new(Wire::V3).cli(),
            _ => Hello::without_device(Wire::V4).cli(),
        }
    }
}

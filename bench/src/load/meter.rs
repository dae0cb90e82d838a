//! CPU time, of the server and of this thread, over the time of a measurement.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::process::{Memory, Tree, tcp_bytes};

/// What was used up to some moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    at: Instant,
    own: Duration,
    server: Option<Duration>,
}

impl Reading {
    /// Now.
    pub(crate) fn take(server: Option<&Tree>) -> Reading {
        let own = clock_gettime(ClockId::ThreadCPUTime);
        Reading {
            at: Instant::now(),
            own: Duration::new(own.tv_sec as u64, own.tv_nsec as u32),
            server: server.map(Tree::cpu),
        }
    }

    /// What was used since.
    pub(crate) fn until_now(&self, server: Option<&Tree>) -> Spent {
        let now = Reading::take(server);
        let server = now.server.zip(self.server).map(|(now, then)| now.saturating_sub(then));
        Spent { wall: now.at - self.at, own: now.own - self.own, server }
    }
}

/// CPU time over some time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// The time itself.
    pub(crate) wall: Duration,
    /// Of this thread.
    pub(crate) own: Duration,
    /// Of the server, all its threads and children; `None` when its process is not known.
    pub(crate) server: Option<Duration>,
}

/// What a server holds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    /// Bytes resident, of all its processes.
    pub(crate) rss: u64,
    /// The same, shared pages divided.
    pub(crate) pss: u64,
    /// Bytes of TCP buffers on this machine: both ends, and whoever else has sockets.
    pub(crate) tcp: u64,
}

impl Held {
    /// By this server, now.
    pub(crate) fn by(server: &Tree) -> Held {
        let (mut rss, mut pss) = (0, 0);
        for pid in server.pids() {
            let Some(memory) = Memory::read(pid) else { continue };
            rss += memory.rss;
            pss += memory.pss;
        }
        Held { rss, pss, tcp: tcp_bytes() }
    }
}

//! The three epoll calls.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

pub(super) const READ: u32 = libc::EPOLLIN as u32;
/// The peer sends no more.
pub(super) const END: u32 = libc::EPOLLRDHUP as u32;
pub(super) const ROOM: u32 = libc::EPOLLOUT as u32;
/// Reported whether asked for or not.
pub(super) const BROKEN: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
pub(super) const EDGE: u32 = libc::EPOLLET as u32;

/// Events taken in one wait.
const EVENTS_PER_TURN: usize = 256;

/// An epoll set.
pub(super) struct Poll {
    set: OwnedFd,
}

/// One report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) data: u64,
    pub(super) events: u32,
}

/// Room for one wait's reports.
pub(super) struct Events(Vec<libc::epoll_event>);

impl Events {
    pub(super) fn new() -> Events {
        Events(Vec::with_capacity(EVENTS_PER_TURN))
    }

    /// The report at `index`.
    pub(super) fn get(&self, index: usize) -> Option<Event> {
        // The kernel's struct is packed: copy, do not borrow.
        self.0.get(index).copied().map(|event| Event { data: event.u64, events: event.events })
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<Poll> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us; nobody else has it.
        Ok(Poll { set: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    pub(super) fn add(&self, fd: &impl AsFd, data: u64, events: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, data, events)
    }

    pub(super) fn change(&self, fd: &impl AsFd, data: u64, events: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, data, events)
    }

    fn control(&self, op: libc::c_int, fd: &impl AsFd, data: u64, events: u32) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: data };
        let fd = fd.as_fd().as_raw_fd();
        // SAFETY: `event` lives through the call, which reads it; both descriptors are open.
        match unsafe { libc::epoll_ctl(self.set.as_raw_fd(), op, fd, &raw mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Waits for reports, at most `timeout_ms` (`None`: as long as it takes). Returns how many came.
    pub(super) fn wait(&self, events: &mut Events, timeout_ms: Option<u64>) -> io::Result<usize> {
        let timeout = timeout_ms.map_or(-1, |ms| i32::try_from(ms).unwrap_or(i32::MAX));
        events.0.clear();
        let room = i32::try_from(events.0.capacity()).unwrap_or(i32::MAX);
        // SAFETY: the kernel writes at most `room` events, for which the vector has capacity.
        let got = unsafe { libc::epoll_wait(self.set.as_raw_fd(), events.0.as_mut_ptr(), room, timeout) };
        match usize::try_from(got) {
            Ok(count) => {
                // SAFETY: the kernel has written that many, and `count <= room <= capacity`.
                unsafe { events.0.set_len(count) };
                Ok(count)
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }
}

//! io_uring by bare system calls: just enough to ask.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A ring nobody maps or uses.
pub(super) struct Ring(OwnedFd);

/// `struct io_uring_params` (linux/io_uring.h): 120 bytes, of which the third word is the flags.
type Params = [u32; 30];
const FLAGS: usize = 2;
const IORING_SETUP_IOPOLL: u32 = 1;

const IORING_REGISTER_PROBE: libc::c_uint = 8;
const IO_URING_OP_SUPPORTED: u16 = 1;

/// `struct io_uring_probe` with room for every operation a byte can name.
#[repr(C)]
struct Probe {
    last_op: u8,
    ops_len: u8,
    resv: u16,
    resv2: [u32; 3],
    ops: [ProbeOp; 256],
}

/// `struct io_uring_probe_op`
#[repr(C)]
#[derive(Clone, Copy)]
struct ProbeOp {
    op: u8,
    resv: u8,
    flags: u16,
    resv2: u32,
}

/// An operation that glommio checks for at its first ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeededOp {
    code: u8,
    name: &'static str,
}

impl NeededOp {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// glommio 0.9's list (`GLOMMIO_URING_OPS` in its `sys/uring.rs`), with the numbers of linux/io_uring.h.
const NEEDED: [NeededOp; 23] = [
    NeededOp { code: 0, name: "NOP" },
    NeededOp { code: 1, name: "READV" },
    NeededOp { code: 2, name: "WRITEV" },
    NeededOp { code: 3, name: "FSYNC" },
    NeededOp { code: 4, name: "READ_FIXED" },
    NeededOp { code: 5, name: "WRITE_FIXED" },
    NeededOp { code: 6, name: "POLL_ADD" },
    NeededOp { code: 7, name: "POLL_REMOVE" },
    NeededOp { code: 9, name: "SENDMSG" },
    NeededOp { code: 10, name: "RECVMSG" },
    NeededOp { code: 11, name: "TIMEOUT" },
    NeededOp { code: 12, name: "TIMEOUT_REMOVE" },
    NeededOp { code: 13, name: "ACCEPT" },
    NeededOp { code: 15, name: "LINK_TIMEOUT" },
    NeededOp { code: 16, name: "CONNECT" },
    NeededOp { code: 17, name: "FALLOCATE" },
    NeededOp { code: 18, name: "OPENAT" },
    NeededOp { code: 19, name: "CLOSE" },
    NeededOp { code: 21, name: "STATX" },
    NeededOp { code: 22, name: "READ" },
    NeededOp { code: 23, name: "WRITE" },
    NeededOp { code: 26, name: "SEND" },
    NeededOp { code: 27, name: "RECV" },
];

impl Ring {
    /// A ring as most are.
    pub(super) fn plain(depth: u32) -> io::Result<Ring> {
        Ring::make(depth, 0)
    }

    /// A ring for polled storage.
    pub(super) fn polled(depth: u32) -> io::Result<Ring> {
        Ring::make(depth, IORING_SETUP_IOPOLL)
    }

    fn make(depth: u32, flags: u32) -> io::Result<Ring> {
        let mut params: Params = [0; 30];
        params[FLAGS] = flags;
        // SAFETY: `params` has the size of `struct io_uring_params`, and the call only reads and writes that.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, depth, params.as_mut_ptr()) };
        match RawFd::try_from(fd) {
            // SAFETY: the kernel just made this descriptor for us; nobody else has it.
            Ok(fd) if fd >= 0 => Ok(Ring(unsafe { OwnedFd::from_raw_fd(fd) })),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What the kernel lacks of [`NEEDED`]. EINVAL: it does not know the question.
    pub(super) fn missing_ops(&self) -> io::Result<Vec<NeededOp>> {
        let none = ProbeOp { op: 0, resv: 0, flags: 0, resv2: 0 };
        let mut probe = Probe { last_op: 0, ops_len: 0, resv: 0, resv2: [0; 3], ops: [none; 256] };
        let count: libc::c_uint = 256;
        // SAFETY: `probe` is a `struct io_uring_probe` with room for `count` operations, all zero as it has to be.
        let failed = unsafe {
            let ring = self.0.as_raw_fd();
            libc::syscall(libc::SYS_io_uring_register, ring, IORING_REGISTER_PROBE, &raw mut probe, count) < 0
        };
        if failed {
            return Err(io::Error::last_os_error());
        }
        let supported = |needed: &NeededOp| {
            probe
                .ops
                .iter()
                .take(usize::from(probe.ops_len))
                .any(|op| op.op == needed.code && op.flags & IO_URING_OP_SUPPORTED != 0)
        };
        Ok(NEEDED.into_iter().filter(|needed| !supported(needed)).collect())
    }

    /// Submits nothing and waits for nothing.
    pub(super) fn enter_empty(&self) -> io::Result<()> {
        let null = std::ptr::null::<libc::sigset_t>();
        // SAFETY: nothing is submitted and no signal mask is given, so no memory is read or written.
        match unsafe { libc::syscall(libc::SYS_io_uring_enter, self.0.as_raw_fd(), 0, 0, 0, null, 0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_kernel() {
        assert_eq!(size_of::<Params>(), 120);
        assert_eq!(size_of::<ProbeOp>(), 8);
        assert_eq!(size_of::<Probe>(), 16 + 256 * 8);
    }
}

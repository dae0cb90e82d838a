//! Asks the kernel whether io_uring will carry us, before glommio is touched: glommio panics where io_uring is missing
//! and ends the process where operations are.
//!
//! Nothing is kept: the rings opened here are closed again. Takes about 0.2 ms for a few shards.

mod ring;

use std::fmt;
use std::io;

use self::ring::{NeededOp, Ring};
use crate::rlimit::{self, Limit};

/// Below this glommio refuses to start.
const MEMLOCK_MIN: u64 = 512 << 10;

/// Submission entries of each ring; glommio's default, which we keep.
const RING_DEPTH: u32 = 128;

/// What io_uring offers us here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything glommio needs.
    Ready,
    /// The kernel has none (or a seccomp profile says so).
    Missing,
    /// The kernel has it, and it is forbidden to us.
    Forbidden {
        /// `kernel.io_uring_disabled`, when it can be read: 1 means a group only, 2 nobody. Otherwise it is a seccomp
        /// profile.
        sysctl: Option<u8>,
    },
    /// Rings can be made but not used: a seccomp profile allows a part of io_uring only.
    HalfBlocked {
        /// The call that failed.
        call: &'static str,
        /// How, as errno.
        errno: i32,
    },
    /// The kernel is too old for what glommio needs.
    TooOld {
        /// Operations it lacks; all of them when it cannot even be asked (before 5.6).
        missing: Vec<&'static str>,
    },
    /// Too little memory may be locked, bytes.
    Memlock {
        /// The limit.
        limit: u64,
    },
    /// It is there and allowed, and the process ran out of something. Not a reason to use something else in silence.
    Exhausted {
        /// errno of ring number `ring`.
        errno: i32,
        /// How many rings could be made.
        rings: usize,
        /// How many are needed.
        needed: usize,
    },
}

impl Verdict {
    /// Whether another backend should be used without fuss: io_uring is not to be had here. [`Verdict::Exhausted`] is
    /// different: it is to be had, and whoever runs us should hear about it.
    pub fn is_unavailable(&self) -> bool {
        !matches!(self, Verdict::Ready | Verdict::Exhausted { .. })
    }

    /// How to make io_uring usable. Empty when it is.
    pub fn cure(&self) -> String {
        match self {
            Verdict::Ready => String::new(),
            Verdict::Missing => "use a kernel of 5.8 or later; in a container, allow io_uring_setup, \
                io_uring_enter and io_uring_register in its seccomp profile"
                .to_owned(),
            Verdict::Forbidden { sysctl: Some(value @ (1 | 2)) } => {
                format!("set sysctl kernel.io_uring_disabled=0 (it is {value})")
            }
            Verdict::Forbidden { .. } | Verdict::HalfBlocked { .. } => {
                "allow io_uring_setup, io_uring_enter and \
                io_uring_register in the container's seccomp profile; nothing more than these three"
                    .to_owned()
            }
            Verdict::TooOld { .. } => "use a kernel of 5.8 or later".to_owned(),
            Verdict::Memlock { .. } => "raise the limit: LimitMEMLOCK=8M in the systemd unit, --ulimit \
                memlock=8388608 for docker run, or ulimit -l 8192"
                .to_owned(),
            Verdict::Exhausted { errno: libc::ENOMEM, .. } => {
                "raise the memlock limit (LimitMEMLOCK=, docker's \
                --ulimit memlock=) or use fewer shards"
                    .to_owned()
            }
            Verdict::Exhausted { .. } => "raise the limit of open files (LimitNOFILE=, ulimit -n)".to_owned(),
        }
    }
}

/// The reason in words, without the cure.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Ready => f.write_str("io_uring has all that is needed"),
            Verdict::Missing => f.write_str("this kernel has no io_uring (ENOSYS)"),
            Verdict::Forbidden { sysctl: Some(value @ (1 | 2)) } => {
                write!(f, "io_uring is forbidden by kernel.io_uring_disabled={value} (EPERM)")
            }
            Verdict::Forbidden { .. } => f.write_str("io_uring is forbidden by a seccomp profile (EPERM)"),
            Verdict::HalfBlocked { call, errno } => {
                let error = io::Error::from_raw_os_error(*errno);
                write!(f, "io_uring is half blocked by a seccomp profile: {call} fails: {error}")
            }
            Verdict::TooOld { missing } => {
                write!(f, "this kernel's io_uring is too old; it lacks {}", missing.join(", "))
            }
            Verdict::Memlock { limit } => {
                write!(f, "only {} KiB of memory may be locked, and io_uring needs 512", limit >> 10)
            }
            Verdict::Exhausted { errno, rings, needed } => {
                let error = io::Error::from_raw_os_error(*errno);
                write!(f, "only {rings} of {needed} io_uring rings could be made: {error}")
            }
        }
    }
}

/// Asks, for so many shards. Raises the soft limit of locked memory to the hard one, as nothing else here needs less.
pub fn probe(shards: u8) -> Verdict {
    match ask(shards) {
        Ok(()) => Verdict::Ready,
        Err(verdict) => verdict,
    }
}

fn ask(shards: u8) -> Result<(), Verdict> {
    let limit = rlimit::raise(Limit::LockedMemory);
    if limit < MEMLOCK_MIN {
        return Err(Verdict::Memlock { limit });
    }
    // Every executor holds three at once, one of them for polled storage; memory is charged for all of them together.
    let needed = 3 * usize::from(shards.max(1));
    let mut rings: Vec<Ring> = Vec::with_capacity(needed);
    for number in 0..needed {
        let made = if number % 3 == 2 { Ring::polled(RING_DEPTH) } else { Ring::plain(RING_DEPTH) };
        rings.push(made.map_err(|error| cannot_make(&error, rings.len(), needed))?);
    }
    let Some(ring) = rings.first() else { return Ok(()) };
    let half_blocked = |call| move |error: io::Error| Verdict::HalfBlocked { call, errno: errno(&error) };
    match ring.missing_ops() {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => return Err(Verdict::TooOld { missing: missing.iter().map(NeededOp::name).collect() }),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            return Err(Verdict::TooOld { missing: vec!["the way to ask what it has (5.6)"] });
        }
        Err(error) => return Err(half_blocked("io_uring_register")(error)),
    }
    // A profile may allow the others and not this one.
    ring.enter_empty().map_err(half_blocked("io_uring_enter"))
}

fn cannot_make(error: &io::Error, rings: usize, needed: usize) -> Verdict {
    match errno(error) {
        libc::ENOSYS => Verdict::Missing,
        libc::EPERM | libc::EACCES => Verdict::Forbidden { sysctl: io_uring_disabled() },
        // Flags or depth it does not know: an early 5.x.
        libc::EINVAL => Verdict::TooOld { missing: vec!["rings of the kind glommio makes"] },
        errno => Verdict::Exhausted { errno, rings, needed },
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// The sysctl, where the kernel has it (6.6) and shows it.
fn io_uring_disabled() -> Option<u8> {
    std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_reason_and_cure() {
        #[track_caller]
        fn check(errno: i32, unavailable: bool, reason: &str, cure: &str) {
            let verdict = cannot_make(&io::Error::from_raw_os_error(errno), 4, 6);
            assert_eq!(verdict.is_unavailable(), unavailable, "{verdict:?}");
            assert!(verdict.to_string().contains(reason), "{verdict}");
            assert!(verdict.cure().contains(cure), "{}", verdict.cure());
        }
        check(libc::ENOSYS, true, "no io_uring", "5.8");
        check(libc::EPERM, true, "EPERM", "");
        check(libc::ENOMEM, false, "only 4 of 6", "LimitMEMLOCK");
        check(libc::EMFILE, false, "only 4 of 6", "ulimit -n");
    }

    #[test]
    fn a_forbidding_sysctl_is_named() {
        let verdict = Verdict::Forbidden { sysctl: Some(2) };
        assert!(verdict.to_string().contains("kernel.io_uring_disabled=2"), "{verdict}");
        assert!(verdict.cure().contains("kernel.io_uring_disabled=0"));
        let verdict = Verdict::Forbidden { sysctl: Some(0) };
        assert!(verdict.to_string().contains("seccomp"), "{verdict}");
    }
}

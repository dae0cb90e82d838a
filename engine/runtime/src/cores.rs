//! Which cores we may use, and staying on one.
#![allow(unsafe_code)]

use std::io;

/// The cores this process may run on, ascending. Asked of the kernel and not counted: a container's set may be `3,7`.
/// Empty when the kernel does not say; then nothing is pinned.
pub fn allowed() -> Vec<usize> {
    let mut set = empty();
    // SAFETY: `set` is a whole `cpu_set_t` of the size passed, and the call only writes into it. 0: this process.
    let failed = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } != 0;
    if failed {
        return Vec::new();
    }
    let bits = usize::try_from(libc::CPU_SETSIZE).unwrap_or(0);
    // SAFETY: every index is below CPU_SETSIZE, the number of bits in `set`.
    (0..bits).filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect()
}

/// Keeps the calling thread on `core`.
pub(crate) fn pin_to(core: usize) -> io::Result<()> {
    if core >= usize::try_from(libc::CPU_SETSIZE).unwrap_or(0) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut set = empty();
    // SAFETY: `core` is below CPU_SETSIZE, checked above.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is a whole, initialised `cpu_set_t` of the size passed. 0: the calling thread.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn empty() -> libc::cpu_set_t {
    // SAFETY: `cpu_set_t` is an array of integers; all zeros is its empty set.
    unsafe { std::mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_may_use_one_core() {
        let cores = allowed();
        let last = *cores.last().expect("at least the core this runs on");
        let pinned = std::thread::spawn(move || pin_to(last).map(|()| allowed())).join().unwrap();
        assert_eq!(pinned.unwrap(), [last]);
        assert!(pin_to(usize::MAX).is_err());
    }
}

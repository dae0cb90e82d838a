//! Resource limits of the process: soft ones are raised to the hard ones the owner set.

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Open descriptors.
    OpenFiles,
    /// Bytes that may be locked; io_uring's rings count on older kernels.
    LockedMemory,
}

/// Raises the soft limit to the hard one and returns what it is then. `u64::MAX`: none, or unknown.
#[allow(unsafe_code)]
pub(crate) fn raise(what: Limit) -> u64 {
    let resource = match what {
        Limit::OpenFiles => libc::RLIMIT_NOFILE,
        Limit::LockedMemory => libc::RLIMIT_MEMLOCK,
    };
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives through the call, which writes it.
    if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
        return u64::MAX;
    }
    if limit.rlim_cur < limit.rlim_max {
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        // SAFETY: `raised` lives through the call, which reads it.
        if unsafe { libc::setrlimit(resource, &raw const raised) } == 0 {
            return raised.rlim_cur;
        }
    }
    limit.rlim_cur
}

/// What helps against running out of something, to follow an error's text; empty for other errors.
pub(crate) fn cure(error: &std::io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => "; raise the limit of open files (ulimit -n, LimitNOFILE=)",
        Some(libc::EAGAIN) => "; raise the limit of threads (ulimit -u, TasksMax=)",
        Some(libc::ENOMEM) => "; raise the limit of locked memory (ulimit -l, LimitMEMLOCK=)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_twice_changes_nothing() {
        for what in [Limit::OpenFiles, Limit::LockedMemory] {
            assert_eq!(raise(what), raise(what), "{what:?}");
        }
    }
}

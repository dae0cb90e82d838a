//! Time that this thread was given: what others do on the machine at the same time is not counted.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread so far.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// CPU time since `then`.
pub(crate) fn since(then: Duration) -> Duration {
    now().saturating_sub(then)
}

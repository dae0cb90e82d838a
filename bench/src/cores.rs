//! Which core the generator runs on and which the server.

use std::num::NonZeroU64;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};

/// Two cores of those this process may use, if there are two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores(Option<(usize, usize)>);

impl Cores {
    /// The first allowed core for the generator, the last for the server; moves this thread to its own.
    pub(crate) fn take() -> Cores {
        let allowed = sched_getaffinity(None)
            .map(|set| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect::<Vec<_>>());
        let cores = match allowed.as_deref() {
            Ok([first, .., last]) => Cores(Some((*first, *last))),
            _ => Cores(None),
        };
        cores.enter_generator();
        // Timers to the microsecond instead of fifty.
        let _ = set_current_timer_slack(NonZeroU64::new(1_000)); // a schedule kept less exactly shows in its lag
        cores
    }

    /// What to know when there is only one.
    pub(crate) fn remark(self) -> Option<String> {
        self.0.is_none().then(|| "one core only: generator and server disturb each other".to_owned())
    }

    /// Children that are started now run on the server's core.
    pub(crate) fn enter_server(self) {
        self.enter(|(_, server)| server);
    }

    /// This thread runs on the generator's core again.
    pub(crate) fn enter_generator(self) {
        self.enter(|(generator, _)| generator);
    }

    fn enter(self, choose: impl Fn((usize, usize)) -> usize) {
        let Some(cores) = self.0 else { return };
        let mut set = CpuSet::new();
        set.set(choose(cores));
        // Allowed a moment ago; if not any more, it is not pinned and a little noisier.
        let _ = sched_setaffinity(None, &set);
    }
}

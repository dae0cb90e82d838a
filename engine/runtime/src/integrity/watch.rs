//! The thread that looks at the machine.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pincer_defender::host::{Baseline, Drift, compare};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::config::Config;
use super::scan::{Scanned, Totals, scan_until};
use super::watches::Watches;

/// A stream of changes is waited for this many times [`Config::debounce`].
const DEBOUNCES_MAX: u32 = 10;

/// A scan that took so long is followed by a pause this many times as long: whoever keeps changing files makes us read
/// them for a fifth of one core's time at most, and at the lowest priority.
const PAUSE_PER_SCAN: u32 = 4;

/// The pause after a scan is never longer, so that large trees are not looked at less and less.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// The lowest priority a thread can have.
const NICEST: i32 = 19;

/// Why a scan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The watcher started.
    Start,
    /// The kernel told of a change.
    Change,
    /// The kernel told of too many changes and lost some.
    Overflow,
    /// It was time.
    Timer,
    /// [`Watcher::check`] was called.
    Asked,
    /// [`Watcher::rebase`] was called.
    Rebased,
}

/// What a scan showed.
#[derive(Debug, Clone)]
pub struct IntegrityReport {
    /// Why it was made.
    pub cause: Cause,
    /// What differs from the baseline.
    pub drift: Drift,
    /// What was looked at.
    pub totals: Totals,
    /// How long it took.
    pub took: Duration,
    /// What could not be looked at or watched, in words; the first few.
    pub problems: Vec<String>,
}

/// The thread that looks at the machine. Dropping it ends the thread, within the reading of one block of a file.
pub struct Watcher {
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
struct Control {
    stop: AtomicBool,
    wishes: Mutex<Wishes>,
    /// Wakes the thread.
    wake: OwnedFd,
}

#[derive(Default)]
struct Wishes {
    check: bool,
    baseline: Option<Baseline>,
}

impl Watcher {
    /// Starts looking, against `baseline`. `sink` gets the first report, every report that was asked for, and whatever
    /// differs from the report before; it runs on the watcher's thread, must not block for long, and keeps the report
    /// for whoever is slow: handing it to a bounded channel and dropping it when that is full is fine, since
    /// [`Watcher::check`] brings it again.
    ///
    /// Call from a thread that is not pinned to a core: the new one inherits where it may run.
    pub fn start(
        config: Config,
        baseline: Baseline,
        sink: impl FnMut(IntegrityReport) + Send + 'static,
    ) -> io::Result<Watcher> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let control = Arc::new(Control { stop: AtomicBool::new(false), wishes: Mutex::default(), wake });
        let eyes = Eyes {
            config,
            baseline,
            control: control.clone(),
            sink: Box::new(sink),
            watches: None,
            reported: None,
            blind: None,
        };
        let thread =
            std::thread::Builder::new().name("pincer-integrity".to_owned()).spawn(move || eyes.run())?;
        Ok(Watcher { control, thread: Some(thread) })
    }

    /// Looks at everything soon, and reports.
    pub fn check(&self) {
        self.wish(|wishes| wishes.check = true);
    }

    /// Compares with another baseline from now on, looks at everything soon, and reports.
    pub fn rebase(&self, baseline: Baseline) {
        self.wish(|wishes| wishes.baseline = Some(baseline));
    }

    fn wish(&self, wish: impl FnOnce(&mut Wishes)) {
        wish(&mut self.control.wishes());
        self.control.wake();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.control.stop.store(true, Ordering::Relaxed);
        self.control.wake();
        let Some(thread) = self.thread.take() else { return };
        // The sink may own us; a thread cannot join itself.
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the thread was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Control {
    fn wishes(&self) -> std::sync::MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Full only when it was written to for centuries, and then it is awake.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// The thread's state.
struct Eyes {
    config: Config,
    baseline: Baseline,
    control: Arc<Control>,
    sink: Box<dyn FnMut(IntegrityReport) + Send>,
    /// Absent when the kernel has none left for us.
    watches: Option<Watches>,
    /// What was last reported.
    reported: Option<(Drift, Vec<String>)>,
    /// Why there is no inotify.
    blind: Option<String>,
}

/// What makes the next scan.
#[derive(Clone, Copy)]
struct Due {
    /// When the first change was told.
    since: Instant,
    at: Instant,
    cause: Cause,
}

impl Eyes {
    fn run(mut self) {
        // On Linux this is the calling thread alone. Refused is no harm: we are only less polite.
        let _ = rustix::process::setpriority_process(None, NICEST);
        match Watches::new() {
            Ok(watches) => self.watches = Some(watches),
            Err(error) => {
                self.blind = Some(format!("no inotify ({error}); only the timer tells of changes"));
            }
        }
        let every = self.config.rescan_every.max(Duration::from_secs(1));
        let mut due = self.look(Cause::Start);
        let mut next_timer = Instant::now() + every;
        let mut rested = Instant::now();
        loop {
            let until = due.map_or(next_timer, |due| due.at.max(rested).min(next_timer.max(rested)));
            self.wait(until.saturating_duration_since(Instant::now()), due.is_none());
            if self.control.stop.load(Ordering::Relaxed) {
                return;
            }
            let now = Instant::now();
            let told = match &mut self.watches {
                Some(watches) => watches.take(&self.config),
                None => Default::default(),
            };
            if told.changed || told.overflow {
                let since = due.map_or(now, |due| due.since);
                let latest = since + self.config.debounce * DEBOUNCES_MAX;
                let cause = match due {
                    _ if told.overflow => Cause::Overflow,
                    Some(Due { cause: Cause::Overflow, .. }) => Cause::Overflow,
                    _ => Cause::Change,
                };
                due = Some(Due { since, at: (now + self.config.debounce).min(latest), cause });
            }
            let wishes = std::mem::take(&mut *self.control.wishes());
            let asked = match wishes.baseline {
                Some(baseline) => {
                    self.baseline = baseline;
                    Some(Cause::Rebased)
                }
                None => wishes.check.then_some(Cause::Asked),
            };
            let cause = match due {
                // Whoever asks does not wait.
                _ if asked.is_some() => asked,
                Some(due) if now >= due.at && now >= rested => Some(due.cause),
                _ if now >= next_timer && now >= rested => Some(Cause::Timer),
                _ => None,
            };
            if let Some(cause) = cause {
                let start = Instant::now();
                due = self.look(cause);
                let end = Instant::now();
                rested = end + ((end - start) * PAUSE_PER_SCAN).min(PAUSE_MAX);
                next_timer = end + every;
            }
        }
    }

    /// Sleeps until something happens, `timeout` at most. When a scan is due anyway, further changes wake nobody: they are
    /// looked at when the time has come.
    fn wait(&self, timeout: Duration, for_changes: bool) {
        let mut fds = Vec::with_capacity(2);
        fds.push(PollFd::new(&self.control.wake, PollFlags::IN));
        let watches = self.watches.as_ref().map(Watches::fd);
        if let Some(fd) = watches.as_ref().filter(|_| for_changes) {
            fds.push(PollFd::new(fd, PollFlags::IN));
        }
        // One more, so that a rest of nanoseconds is no busy loop.
        let timeout = timeout + Duration::from_millis(1);
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // Interrupted is a wake too.
        let _ = poll(&mut fds, Some(&timeout));
        let mut count = [0; 8];
        // Empty when nobody woke us.
        let _ = rustix::io::read(self.control.wake.as_fd(), &mut count);
    }

    /// Looks at everything and reports. Returns a second look when folders came under watch that were not before: what
    /// happened in them between being seen and being watched was not told.
    fn look(&mut self, cause: Cause) -> Option<Due> {
        let start = Instant::now();
        let Scanned { scan, totals, mut problems, .. } = scan_until(&self.config, &self.control.stop);
        let fresh = match &mut self.watches {
            Some(watches) => watches.arm(&self.config, &scan, &mut problems),
            None => false,
        };
        if self.control.stop.load(Ordering::Relaxed) {
            return None;
        }
        problems.extend(self.blind.clone());
        let drift = compare(&self.baseline, &scan, self.config.compare);
        let is_news =
            self.reported.as_ref().is_none_or(|(reported, said)| *reported != drift || *said != problems);
        if is_news || matches!(cause, Cause::Start | Cause::Asked | Cause::Rebased) {
            self.reported = Some((drift.clone(), problems.clone()));
            (self.sink)(IntegrityReport { cause, drift, totals, took: start.elapsed(), problems });
        }
        let now = Instant::now();
        fresh.then(|| Due { since: now, at: now + self.config.debounce, cause: Cause::Change })
    }
}
